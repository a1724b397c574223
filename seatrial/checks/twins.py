"""The same request, plain and streamed, gives the same answer."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

STREAM = "openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/stream"


def _has_twins(xs: Sequence[Exchange]) -> bool:
    return any(True for _ in view.twins(xs))


def _answer(exchange: Exchange) -> list[Any]:
    """What must agree: text, finish_reason, and calls without their ids."""
    rows = []
    for choice in view.choices(exchange):
        calls = [
            (view.function_of(call).get("name"), view.function_of(call).get("arguments"))
            for call in view.calls_of(choice)
        ]
        rows.append((view.text_of(choice), choice.get("finish_reason"), calls))
    return rows


def _repeatable(exchange: Exchange) -> bool:
    return exchange.request.get("temperature") == 0


@relation("stream.equals-plain", level=MUST, applies=_has_twins, spec=STREAM)
def equals_plain(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A streamed answer adds up to the plain answer of the same request: text, finish_reason and tool calls."""
    sure = False
    for plain, streamed in view.twins(exchanges):
        if not _repeatable(plain[0]):
            continue
        one, other = [_answer(x) for x in plain], [_answer(x) for x in streamed]
        if one[0] == other[0]:
            sure = sure or any(row[0] or row[2] for row in one[0])
            continue
        certain = (
            len(one) > 1 and len(other) > 1 and all(a == one[0] for a in one) and all(a == other[0] for a in other)
        )
        if not certain:
            raise Inconclusive("the answers differ, but not surely by streaming: they were not repeated alike")
        yield Finding(
            str(one[0])[:300], str(other[0])[:300], f"exchange {streamed[0].number} against {plain[0].number}"
        )
        return
    if not sure:
        raise Inconclusive("there was no text and no tool call to compare")


@relation("stream.prompt-tokens-equal-plain", level=SHOULD, applies=_has_twins, spec=STREAM)
def prompt_tokens(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The prompt of a request has as many tokens streamed as plain."""
    seen = False
    for plain, streamed in view.twins(exchanges):
        for exchange in streamed:
            try:
                counted = view.count(view.usage(exchange), "prompt_tokens")
                wanted = view.count(view.usage(plain[0]), "prompt_tokens")
            except Inconclusive:
                continue
            seen = True
            if counted != wanted and counted != 0:
                yield Finding(str(wanted), str(counted), f"/usage/prompt_tokens of exchange {exchange.number}")
                return
    if not seen:
        raise Inconclusive("no stream of the case carries usage")


@relation("stream.text-intact", level=MUST, applies=_has_twins, spec="rfc3629#section-3")
def text_intact(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """No character is broken by streaming: there is no U+FFFD that the plain answer has not."""
    seen = False
    for plain, streamed in view.twins(exchanges):
        control = "".join(_words(choice) for choice in view.choices(plain[0]))
        if "\ufffd" in control:
            continue
        for exchange in streamed:
            for choice in view.choices(exchange):
                text = _words(choice)
                seen = seen or not text.isascii()
                if "\ufffd" in text and _damaged(text, control, choice):
                    yield Finding(control[:120], text[:120], f"text of exchange {exchange.number}")
                    return
    if not seen:
        raise Inconclusive("the answer has no character of several bytes")


def _words(choice: Any) -> str:
    """The text of a choice and the arguments of its calls."""
    return view.text_of(choice) + "".join(
        str(view.function_of(call).get("arguments")) for call in view.calls_of(choice)
    )


def _damaged(text: str, control: str, choice: Any) -> bool:
    """Whether U+FFFD stands inside the text; one at the very end may be a character that the limit cut."""
    inner = text.rstrip("\ufffd") if choice.get("finish_reason") == "length" else text
    return "\ufffd" in inner and bool(control)


@relation(
    "logprobs.stream-equals-plain",
    level=MUST,
    applies=lambda xs: any(x.request.get("logprobs") for p, s in view.twins(xs) for x in p),
    spec="openai#/components/schemas/CreateChatCompletionStreamResponse/properties/choices/items/properties/logprobs",
)
def logprobs(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The streamed log probabilities are of the same tokens as the plain ones."""
    seen = False
    for plain, streamed in view.twins(exchanges):
        if not _repeatable(plain[0]) or not plain[0].request.get("logprobs"):
            continue
        tokens = [_tokens(x) for x in (*plain, *streamed)]
        texts = [_answer(x) for x in (*plain, *streamed)]
        if any(text != texts[0] for text in texts):
            raise Inconclusive("the answers themselves differ")
        for exchange, found in zip(streamed, tokens[len(plain) :], strict=True):
            if found is None or tokens[0] is None:
                continue
            seen = True
            if found != tokens[0]:
                got = f"{len(found)} tokens: {found[:8]}"
                yield Finding(f"{len(tokens[0])} tokens: {tokens[0][:8]}", got, f"exchange {exchange.number}")
                return
    if not seen:
        raise Inconclusive("no log probabilities came both ways")


def _tokens(exchange: Exchange) -> list[str] | None:
    logprobs = view.choices(exchange)[0].get("logprobs")
    if not isinstance(logprobs, dict):
        return None
    rows = logprobs.get("content")
    if isinstance(rows, list):
        return [str(row.get("token")) for row in rows if isinstance(row, dict)]
    rows = logprobs.get("tokens")
    return [str(row) for row in rows] if isinstance(rows, list) else None
