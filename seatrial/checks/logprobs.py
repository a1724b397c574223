"""Log probabilities of chat answers, plain or streamed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, Exchange, Finding

LOGPROBS = "openai#/components/schemas/CreateChatCompletionResponse/properties/choices/items/properties/logprobs"
TOKEN = "openai#/components/schemas/ChatCompletionTokenLogprob/properties/"  # noqa: S105 - a token of text
_MARKS = ("\u0120", "\u2581", "\u010a")  # how byte-level and sentencepiece vocabularies write a space or a line end
Row = Mapping[str, Any]


def _asked(x: Exchange) -> bool:
    return view.is_chat(x) and x.request.get("logprobs") is True


def _rows(choice: Mapping[str, Any]) -> list[Row]:
    logprobs = choice.get("logprobs")
    rows = logprobs.get("content") if isinstance(logprobs, dict) else None
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _all_rows(exchange: Exchange) -> list[tuple[Mapping[str, Any], list[Row]]]:
    found = [(choice, rows) for choice in view.choices(exchange) if (rows := _rows(choice))]
    if not found:
        raise Inconclusive("there are no log probabilities")
    return found


@check("logprobs.present", level=MUST, applies=_asked, spec=LOGPROBS)
def present(exchange: Exchange) -> Iterator[Finding]:
    """With `logprobs: true` each choice that has text has logprobs.content, one entry a token."""
    seen = False
    for choice in view.choices(exchange):
        if not view.text_of(choice):
            continue
        seen = True
        if not _rows(choice):
            yield Finding("logprobs.content", str(choice.get("logprobs"))[:160], f"choice {view.index_of(choice)}")
    if not seen:
        raise Inconclusive("the answer has no text")


def _bytes(row: Row) -> bytes | None:
    value = row.get("bytes")
    if isinstance(value, list) and all(isinstance(b, int) and 0 <= b <= 255 for b in value):
        return bytes(value)
    return None


@check("logprobs.token-bytes", level=MUST, applies=_asked, spec=TOKEN + "bytes")
def token_bytes(exchange: Exchange) -> Iterator[Finding]:
    """`bytes` is the UTF-8 of `token`, where the token is whole characters, and the token is text, not vocabulary."""
    for _, rows in _all_rows(exchange):
        for row in rows:
            alternatives = row.get("top_logprobs")
            for entry in (row, *(alternatives if isinstance(alternatives, list) else [])):
                token, data = entry.get("token"), _bytes(entry) if isinstance(entry, dict) else None
                if not isinstance(token, str):
                    continue
                if data is None:
                    # Without bytes only the vocabulary's own marks can be seen.
                    continue
                try:
                    text = data.decode("utf-8")
                except UnicodeDecodeError:
                    continue  # a part of a character: the token's text is the server's choice
                if text != token and "\ufffd" not in token and "\\x" not in token and not _special(token, text):
                    yield Finding(f"bytes of {token!r}", f"{text!r}", "logprobs.content")
                    return
                if (
                    any(mark in token for mark in _MARKS)
                    and not any(mark in view.text_of(c) for c, _ in _all_rows(exchange) for mark in _MARKS)
                    and entry is row
                ):
                    yield Finding("text", f"{token!r}, a mark of the vocabulary", "logprobs.content")
                    return


def _special(token: str, text: str) -> bool:
    """Whether the token is a control token, whose text is empty in the answer."""
    return text == "" and token.startswith("<")


@check("logprobs.concat", level=MUST, applies=_asked, spec=TOKEN + "bytes")
def concat(exchange: Exchange) -> Iterator[Finding]:
    """The tokens put together are the content."""
    for choice, rows in _all_rows(exchange):
        wanted = view.text_of(choice)
        datas = [_bytes(row) for row in rows]
        if all(data is not None for data in datas):
            got = b"".join(data for data in datas if data is not None).decode("utf-8", "replace")
        else:
            got = "".join(str(row.get("token")) for row in rows)
        if "\ufffd" in got or "\ufffd" in wanted:
            raise Inconclusive("a token is a part of a character")
        if got == wanted or _trimmed(got, wanted):
            continue
        yield Finding(wanted[:160], got[:160], f"choice {view.index_of(choice)}")


def _trimmed(got: str, wanted: str) -> bool:
    """Whether only what ended the answer is missing from it: space at its ends, a stop sequence, a control token."""
    return (
        got.strip().startswith(wanted.strip()) and len(got.strip()) - len(wanted.strip()) <= 24 and bool(wanted.strip())
    )


@check(
    "logprobs.top-count",
    level=MUST,
    applies=lambda x: _asked(x) and isinstance(x.request.get("top_logprobs"), int),
    spec="openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/top_logprobs",
)
def top_count(exchange: Exchange) -> Iterator[Finding]:
    """`top_logprobs` alternatives come with each token: no more, and not none."""
    wanted = exchange.request.get("top_logprobs")
    counts = []
    for _, rows in _all_rows(exchange):
        for row in rows:
            top = row.get("top_logprobs")
            counts.append(len(top) if isinstance(top, list) else 0)
    if max(counts) > wanted:
        yield Finding(f"at most {wanted}", str(max(counts)), "top_logprobs")
    elif wanted > 0 and max(counts) == 0:
        yield Finding(f"{wanted}", "none with any token", "top_logprobs")


@check("logprobs.non-positive", level=MUST, applies=_asked, spec=TOKEN + "logprob")
def non_positive(exchange: Exchange) -> Iterator[Finding]:
    """A log probability is a number, and not above 0."""
    for _, rows in _all_rows(exchange):
        for row in rows:
            value = row.get("logprob")
            if isinstance(value, bool) or not isinstance(value, (int, float)):
                yield Finding("a number", repr(value), "logprobs.content/*/logprob")
                return
            # A probability of 1 may come out a rounding above it.
            if value > 1e-4:
                yield Finding("at most 0", repr(value), "logprobs.content/*/logprob")
                return
