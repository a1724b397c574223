"""Log probabilities of chat completions."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, Exchange, Finding

_RECORD = "openai#/components/schemas/ChatCompletionTokenLogprob"
_TOP = "openai#/components/schemas/CreateModelResponseProperties/allOf/1/properties/top_logprobs"
_MARKERS = ("\u0120", "\u2581")  # how byte-level and sentence-piece vocabularies spell a space
_SPECIAL = ("</s>", "<eos>", "<end_of_turn>", "<|", "<｜")
_NARROWING = ("response_format", "tools", "logit_bias", "top_p", "top_k", "min_p", "grammar", "guided_json")

Record = Mapping[str, Any]
Choice = Mapping[str, Any]


def _asks(exchange: Exchange) -> bool:
    return view.is_chat(exchange) and exchange.request.get("logprobs") is True


def _at(choice: Choice) -> str:
    return f"choice {choice.get('index')} /logprobs"


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


@check(
    "logprobs.present",
    level=MUST,
    applies=_asks,
    spec="openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/logprobs",
)
def present(exchange: Exchange) -> Iterator[Finding]:
    """With logprobs true, each choice has a record with token and logprob for each token of its content."""

    def judge(choice: Choice) -> Iterator[Finding]:
        if not view.text(choice):
            raise Inconclusive("the choice has no text")
        table = choice.get("logprobs")
        records = table.get("content") if isinstance(table, dict) else None
        if not isinstance(records, list) or not records:
            shown = "null" if table is None else f"{sorted(table)}" if isinstance(table, dict) else repr(table)
            yield Finding("content: a list of records", shown[:120], _at(choice))
            return
        for number, record in enumerate(records):
            named = isinstance(record, dict) and isinstance(record.get("token"), str)
            if not named or not _is_number(record.get("logprob")):
                yield Finding("a record with token and logprob", repr(record)[:120], f"{_at(choice)}/content/{number}")
                return

    return view.each(view.choices(exchange), judge)


def _tops(record: Record) -> list[Record]:
    tops = record.get("top_logprobs")
    return [top for top in tops if isinstance(top, dict)] if isinstance(tops, list) else []


def _bytes(record: Record) -> bytes | None:
    """The bytes of a token; None where it has none. Raises ValueError where they are no bytes."""
    value = record.get("bytes")
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, int) and not isinstance(item, bool) for item in value):
        raise ValueError("no list of integers")
    return bytes(value)


def _marked(records: list[Record], text: str) -> str | None:
    """A token spelt in the vocabulary's own alphabet, with a mark where the text has a space."""
    for mark in _MARKERS:
        if mark in text:
            continue
        own = [record["token"] for record in records if record["token"].startswith(mark)]
        others = {top["token"] for top in chain.from_iterable(map(_tops, records)) if _starts(top.get("token"), mark)}
        if own:
            return str(own[0])
        if len(others) > 1:
            return str(min(others))
    return None


def _starts(token: Any, mark: str) -> bool:
    return isinstance(token, str) and token.startswith(mark) and token[1:2].isascii() and token[1:2].isalpha()


@check("logprobs.token-bytes", level=MUST, applies=_asks, spec=_RECORD + "/properties/bytes")
def token_bytes(exchange: Exchange) -> Iterator[Finding]:
    """A token is text as it stands in the content, and its bytes, where given, are the UTF-8 of it."""

    def judge(choice: Choice) -> Iterator[Finding]:
        records = view.logprobs(choice)
        marked = _marked(records, view.text(choice))
        if marked is not None:
            yield Finding("the token as text", f"{marked!r}, in the alphabet of the vocabulary", _at(choice))
            return
        for number, record in enumerate(records):
            for item in (record, *_tops(record)):
                actual = _mismatch(item)
                if actual:
                    yield Finding("the UTF-8 of the token", actual, f"{_at(choice)}/content/{number}")
                    return

    return view.each(view.choices(exchange), judge)


def _mismatch(record: Record) -> str:
    token = record.get("token")
    try:
        raw = _bytes(record)
        said = None if raw is None else raw.decode("utf-8")
    except UnicodeDecodeError:
        return ""  # a part of a character: the token cannot be its text
    except ValueError:
        return f"bytes {record.get('bytes')!r}"[:120]
    if not said or not isinstance(token, str) or said == token or "\ufffd" in token:
        return ""
    # Tokens that are no text of their own are spelt out by some servers: bytes:\xf0, <0x0A>, token_id:17.
    if token.startswith(("bytes:", "<0x", "token_id:", *_SPECIAL)):
        return ""
    return f"token {token!r}, bytes of {said!r}"[:160]


def _whole(records: list[Record]) -> bytes:
    found = bytearray()
    for record in records:
        try:
            raw = _bytes(record)
        except ValueError as error:
            raise Inconclusive("the bytes of a token are none") from error
        if raw is None:
            if "\ufffd" in record["token"]:
                raise Inconclusive("a token without bytes is a part of a character")
            raw = record["token"].encode("utf-8", "surrogatepass")
        found += raw
    return bytes(found)


@check("logprobs.concat", level=MUST, applies=_asks, spec=_RECORD + "/properties/bytes")
def concat(exchange: Exchange) -> Iterator[Finding]:
    """The tokens of a choice, put together, are its content."""

    def judge(choice: Choice) -> Iterator[Finding]:
        records, text = view.logprobs(choice), view.text(choice)
        thoughts = [name for name in view.message(choice) if name.startswith("reasoning")]
        if view.calls(choice) or view.refusal(choice) or any(view.message(choice)[name] for name in thoughts):
            raise Inconclusive("the tokens are those of more than the content")
        if not text or _marked(records, text) is not None:
            raise Inconclusive("the tokens are not spelt as text")
        if not _adds_up(exchange, choice, records, text):
            shown = _whole(records).decode("utf-8", "replace")
            yield Finding(f"the content {text[:80]!r}", repr(shown[:80]), _at(choice))

    return view.each(view.choices(exchange), judge)


def _adds_up(exchange: Exchange, choice: Choice, records: list[Record], text: str) -> bool:
    plain = [record for record in records if not record["token"].startswith(_SPECIAL)]
    content = text.strip().encode("utf-8", "surrogatepass")
    for kept in (records, plain):
        whole = _whole(kept).strip()
        if whole == content:
            return True
        reason = view.finish_reason(choice)
        # The tokens of a stop sequence, or the one that ends an answer, may be among the records.
        ended = view.stops(exchange) or _whole(kept[:-1]).strip() == content
        if reason == "stop" and whole.startswith(content) and ended:
            return True
        # A limit may fall within a character, of which the content shows nothing, or U+FFFD.
        known = text.strip().rstrip("\ufffd").encode("utf-8", "surrogatepass")
        if reason == "length" and whole.startswith(known) and len(whole[len(known) :].lstrip()) < 4:
            return True
    return False


@check("logprobs.top-count", level=MUST, applies=_asks, spec=_TOP)
def top_count(exchange: Exchange) -> Iterator[Finding]:
    """Each token has a list of alternatives: as many as top_logprobs asks for, none where it asks for none."""
    wanted = view.number(exchange, "top_logprobs")

    def judge(choice: Choice) -> Iterator[Finding]:
        counts = []
        for number, record in enumerate(view.logprobs(choice)):
            tops = record.get("top_logprobs")
            if not isinstance(tops, list):
                shown = "null" if "top_logprobs" in record else "absent"
                yield Finding("a list", shown, f"{_at(choice)}/content/{number}/top_logprobs")
                return
            counts.append(len(tops))
        if wanted is None:
            return
        if max(counts) > wanted:
            yield Finding(f"{wanted} alternatives", f"{max(counts)}", f"{_at(choice)}/content/*/top_logprobs")
        # Now and then there may be fewer; never to have as many is to ignore the number.
        narrowed = any(view.member(exchange, name) not in (None, 1, []) for name in _NARROWING)
        if max(counts) < wanted and not narrowed:
            yield Finding(f"{wanted} alternatives", f"at most {max(counts)}", f"{_at(choice)}/content/*/top_logprobs")

    return view.each(view.choices(exchange), judge)


@check("logprobs.non-positive", level=MUST, applies=_asks, spec=_RECORD + "/properties/logprob")
def non_positive(exchange: Exchange) -> Iterator[Finding]:
    """A log probability is not above 0."""

    def judge(choice: Choice) -> Iterator[Finding]:
        for number, record in enumerate(view.logprobs(choice)):
            for item in (record, *_tops(record)):
                value = item.get("logprob")
                # Rounding may leave a certain token a little above.
                if isinstance(value, (int, float)) and not value <= 1e-3:
                    yield Finding("at most 0", f"{value!r}", f"{_at(choice)}/content/{number}")
                    return

    return view.each(view.choices(exchange), judge)


def _twins(exchanges: Sequence[Exchange]) -> list[tuple[list[Exchange], list[Exchange]]]:
    return [pair for pair in view.settled_twins(exchanges) if _asks(pair[0][0])]


def _has_twins(exchanges: Sequence[Exchange]) -> bool:
    return bool(_twins(exchanges))


@relation("logprobs.stream-equals-plain", level=MUST, applies=_has_twins, spec="issue#abetlen/llama-cpp-python/197")
def stream_equals_plain(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A stream has the same log probabilities as the plain answer to the same request."""

    def judge(pair: tuple[list[Exchange], list[Exchange]]) -> Iterator[Finding]:
        texts = {tuple(view.text(choice) for choice in view.choices(exchange)) for exchange in chain(*pair)}
        if len(texts) > 1:
            raise Inconclusive("the texts differ, so the tokens do")
        plain, streamed = ([_records(exchange) for exchange in kind] for kind in pair)
        if not view.agree(plain, streamed, _same):
            yield Finding(_shown(plain[0]), _shown(streamed[0]), f"exchange {pair[1][0].number} /choices/*/logprobs")

    return view.each(_twins(exchanges), judge)


def _records(exchange: Exchange) -> list[list[Record]]:
    return [view.logprobs(choice) for choice in sorted(view.choices(exchange), key=view.index)]


def _same(one: list[list[Record]], other: list[list[Record]]) -> bool:
    if len(one) != len(other):
        return False
    for first, second in zip(one, other, strict=True):
        # The token that ends an answer may be counted on one way and not on the other.
        if abs(len(first) - len(second)) > 1 or not all(map(_alike, first, second)):
            return False
    return True


def _alike(first: Record, second: Record) -> bool:
    a, b = first.get("logprob"), second.get("logprob")
    if not isinstance(a, (int, float)) or not isinstance(b, (int, float)):
        raise Inconclusive("a log probability is no number")
    near = math.isclose(float(a), float(b), rel_tol=0.1, abs_tol=0.1) or a == b
    return near and first["token"] == second["token"] and len(_tops(first)) == len(_tops(second))


def _shown(records: list[list[Record]]) -> str:
    tokens = [f"{record['token']!r} {record.get('logprob')!s:.7} +{len(_tops(record))}" for record in records[0][:4]]
    return f"{len(records[0])} tokens: " + ", ".join(tokens)
