"""The alternatives of a token among the log probabilities of chat: that they can be probabilities of one moment."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_RECORD = "openai#/components/schemas/ChatCompletionTokenLogprob"
_TOPS = _RECORD + "/properties/top_logprobs"
_CERTAIN = 1.05
"""Above this, probabilities of one moment are too many: rounding adds up to less."""

Record = Mapping[str, Any]


def _asks(exchange: Exchange) -> bool:
    return view.is_chat(exchange) and exchange.request.get("logprobs") is True


def _asks_several(exchange: Exchange) -> bool:
    return _asks(exchange) and (view.number(exchange, "top_logprobs") or 0) > 0


def _numbered(exchange: Exchange) -> Iterator[tuple[str, Record, list[Record]]]:
    """Where, token, and its alternatives that are objects; Inconclusive where no token has any."""
    seen = False
    for choice in view.choices(exchange):
        try:
            records = view.logprobs(choice)
        except Inconclusive:
            continue
        for number, record in enumerate(records):
            tops = record.get("top_logprobs")
            found: list[Record] = [top for top in tops if isinstance(top, dict)] if isinstance(tops, list) else []
            seen = seen or bool(found)
            yield f"choice {choice.get('index')} /logprobs/content/{number}/top_logprobs", record, found
    if not seen:
        raise Inconclusive("no token has alternatives")


def _value(record: Record) -> float | None:
    found = record.get("logprob")
    return float(found) if isinstance(found, (int, float)) and not isinstance(found, bool) else None


def _spelt(record: Record) -> tuple[Any, str]:
    return record.get("token"), repr(record.get("bytes"))


@check("logprobs.top-members", level=MUST, applies=_asks_several, spec=_TOPS)
def top_members(exchange: Exchange) -> Iterator[Finding]:
    """Each alternative has a token and its logprob."""
    for where, _, tops in _numbered(exchange):
        for top in tops:
            if not isinstance(top.get("token"), str) or _value(top) is None:
                yield Finding("a token and a logprob", repr(dict(top))[:120], where)
                return


@check("logprobs.top-sum", level=SHOULD, applies=_asks_several, spec=_TOPS)
def top_sum(exchange: Exchange) -> Iterator[Finding]:
    """The probabilities of the alternatives of one token are no more than 1 together."""
    for where, _, tops in _numbered(exchange):
        # Two tokens may be spelt the same; then one of them counts.
        values = {_spelt(top): value for top in tops if (value := _value(top)) is not None and value <= 0}
        whole = math.fsum(map(math.exp, values.values()))
        if whole > _CERTAIN:
            yield Finding("at most 1", f"{whole:.3f} of {len(values)} alternatives", where)
            return


@check("logprobs.top-distinct", level=SHOULD, applies=_asks_several, spec=_TOPS)
def top_distinct(exchange: Exchange) -> Iterator[Finding]:
    """No alternative of a token is there twice."""
    for where, _, tops in _numbered(exchange):
        seen = set()
        for top in tops:
            token, value = top.get("token"), _value(top)
            # Parts of characters look alike, and so does what is too unlikely to be told apart.
            if value is None or value < -50 or not isinstance(token, str) or "\ufffd" in token or not token:
                continue
            if (*_spelt(top), value) in seen:
                yield Finding("different tokens", f"{token!r} twice, {value:.4f}"[:80], where)
                return
            seen.add((*_spelt(top), value))


@check("logprobs.top-own", level=SHOULD, applies=_asks_several, spec="issue#sgl-project/sglang/30188")
def top_own(exchange: Exchange) -> Iterator[Finding]:
    """Each token has alternatives of its own, not those of the token before it."""
    before: tuple[Any, list[Any]] = None, []
    for where, record, tops in _numbered(exchange):
        # What is clamped, or so unlikely that it cannot be told apart, may be the same each time.
        listed = [(*_spelt(top), value) for top in tops if (value := _value(top)) is not None and -50 < value < 0]
        if len(listed) > 1 and listed == before[1] and record.get("token") != before[0]:
            yield Finding("alternatives of its own", f"those of {before[0]!r} again"[:80], where)
            return
        before = record.get("token"), listed


@check("logprobs.top-agrees", level=SHOULD, applies=_asks_several, spec=_RECORD + "/properties/logprob")
def top_agrees(exchange: Exchange) -> Iterator[Finding]:
    """A token has the probability that it has among its own alternatives."""
    apart: list[Finding] = []
    agreed = False
    for where, record, tops in _numbered(exchange):
        own = _value(record)
        found = [value for top in tops if _spelt(top) == _spelt(record) and (value := _value(top)) is not None]
        if own is None or not found:
            continue
        nearest = min(found, key=lambda value: abs(value - own))
        if abs(nearest - own) <= 0.1:
            agreed = True
        else:
            apart.append(Finding(f"{nearest:.4f}, as among its alternatives", f"{own:.4f}", where))
    # Two tokens may be spelt the same now and then, but not each time.
    if len(apart) > 1 and not agreed:
        yield apart[0]
    elif not agreed:
        raise Inconclusive("no two tokens are among their alternatives")


@check("logprobs.bytes-member", level=SHOULD, applies=_asks, spec=_RECORD + "/properties/bytes")
def bytes_member(exchange: Exchange) -> Iterator[Finding]:
    """A token has the member `bytes`, null where it is none of any text."""
    for choice in view.choices(exchange):
        for number, record in enumerate(view.logprobs(choice)):
            if "bytes" not in record:
                yield Finding(
                    "a list or null", "absent", f"choice {choice.get('index')} /logprobs/content/{number}/bytes"
                )
                return
