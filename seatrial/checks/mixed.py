"""Answers to requests that were in flight together."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, Exchange, Finding

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
