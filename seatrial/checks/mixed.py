"""Answers to requests that were in flight together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_MARK = re.compile(r"mark-[0-9a-f]{8}")


def _asked(exchange: Exchange) -> set[str]:
    return set(_MARK.findall(exchange.request.body.decode("utf-8", "replace")))


def _marked(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [exchange for exchange in exchanges if view.is_generation(exchange) and _asked(exchange)]


def _has_marked(exchanges: Sequence[Exchange]) -> bool:
    return len({mark for exchange in _marked(exchanges) for mark in _asked(exchange)}) > 1


@relation("answers.not-mixed", level=MUST, applies=_has_marked, spec="rfc9110#section-3.3")
def not_mixed(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """No answer has in it what only another request asked for."""
    marked = _marked(exchanges)
    known = {mark: exchange for exchange in marked for mark in _asked(exchange)}
    judged = False
    for exchange in marked:
        try:
            said = " ".join(view.text(choice) for choice in view.choices(exchange))
        except Inconclusive:
            continue
        judged = judged or bool(said)
        for mark in _MARK.findall(said):
            if mark in known and mark not in _asked(exchange):
                where = f"exchange {exchange.number}"
                yield Finding(f"nothing of exchange {known[mark].number}", said[:100], where)
                break
    if not judged:
        raise Inconclusive("there was nothing said")


_LOOK_S = 0.8
"""Seconds by which a look has to be waiting before it is held to have waited for anything."""


def _span(exchange: Exchange) -> tuple[float, float]:
    return exchange.started, exchange.started + exchange.end_ns / 1e9


def _looks(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, list[Exchange]]]:
    """(stream, looks) of each stream with what was asked, of no model, after it had begun and well before it ended."""
    found = []
    for stream in (exchange for exchange in exchanges if view.is_stream(exchange)):
        began, ended = _span(stream)
        began += stream.headers_ns / 1e9
        looks = [e for e in exchanges if view.is_models(e) and began < e.started < ended - _LOOK_S]
        if len(looks) > 1:
            found.append((stream, looks))
    return found


def _has_overlap(exchanges: Sequence[Exchange]) -> bool:
    """Whether requests of both kinds were in flight at the same time: in a case played in order none are."""
    streams = [_span(exchange) for exchange in exchanges if view.is_stream(exchange)]
    looks = [_span(exchange) for exchange in exchanges if view.is_models(exchange)]
    return any(one < end and begin < other for begin, end in streams for one, other in looks)


@relation("answers.not-starved", level=SHOULD, applies=_has_overlap, spec="rfc9110#section-15.6.4")
def not_starved(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """What needs no model is answered while a long answer is on its way, and does not wait for its end."""
    # Generations may queue for each other: a server with one slot is a legal one. And what takes long by itself is
    # told from what waits by its end: requests that were sent apart and waited for one thing end together.
    judged = _looks(exchanges)
    if not judged:
        raise Inconclusive("no answer took long enough to keep others waiting")
    for stream, looks in judged:
        spans = [_span(look) for look in looks]
        ends = [end for _, end in spans]
        apart = max(begin for begin, _ in spans) - min(begin for begin, _ in spans)
        if min(ends) >= _span(stream)[1] and max(ends) - min(ends) < apart / 2:
            waited = max(end - begin for begin, end in spans)
            where = f"exchanges {', '.join(str(look.number) for look in looks)}"
            yield Finding(f"an answer before exchange {stream.number} ended", f"it came {waited:.1f} s later", where)
