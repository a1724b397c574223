"""What a request asked for is done to it alone, and not to the next one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, Exchange, Finding

_ENOUGH = 4
"""Characters before a stop sequence."""
_PARAMETERS = ("stop", "max_tokens", "max_completion_tokens", "logit_bias")
_STUTTER = re.compile(r"\s*(\S{1,8})(\s*\1){3,}\s*")
"""What a model says whose next token is always the same."""

Triple = tuple[Exchange, Exchange, Exchange]


def _bare(exchange: Exchange) -> bool:
    return view.is_plain(exchange) and not view.stops(exchange) and view.member(exchange, "n", 1) == 1


def _triples(exchanges: Sequence[Exchange]) -> list[Triple]:
    """One request before and after another, which had a stop sequence or a limit that it has not."""
    found = []
    for at, between in enumerate(exchanges):
        if not view.is_generation(between):
            continue
        others = [one for one in exchanges if _bare(one) and view.same_but(one, between, *_PARAMETERS)]
        before = [one for one in others if one in exchanges[:at] and not view.same_but(one, between)]
        after = [one for one in exchanges[at + 1 : at + 2] if any(view.same_but(one, first) for first in before)]
        found += [(one, between, other) for other in after for one in before[:1]]
    return found


def _is_limited(triple: Triple) -> bool:
    """Whether the last answer was cut at the limit of the one between, past which the first went on."""
    limit = view.limit(triple[1])
    if limit is None or view.limit(triple[0]) is not None:
        return False
    first, last = (view.count(view.usage(one), "completion_tokens") for one in (triple[0], triple[2]))
    return first > limit == last and view.finish_reason(view.choices(triple[2])[0]) == "length"


def _inherited_stop(triple: Triple) -> str | None:
    """The stop sequence of the request between at which the last answer ends, in the middle of a word."""
    first, last = (view.text(view.choices(one)[0]) for one in (triple[0], triple[2]))
    if view.finish_reason(view.choices(triple[2])[0]) != "stop":
        return None
    for stop in view.stops(triple[1]):
        at = first.find(stop)
        # A model may end anywhere else by itself, but not within a word.
        within = at >= _ENOUGH and first[at - 1 : at + 1].isascii() and first[at - 1 : at + 1].isalpha()
        if within and last == first[:at]:
            return stop
    return None


def _is_biased(triple: Triple) -> bool:
    """Whether the last answer is the one token that the bias of the request between forced, as the first is not."""
    first, forced, last = (view.text(view.choices(one)[0]) for one in triple)
    biased = bool(triple[1].request.get("logit_bias"))
    return biased and last == forced and bool(_STUTTER.fullmatch(last)) and not _STUTTER.fullmatch(first)


@relation(
    "answers.not-inherited",
    level=MUST,
    applies=lambda exchanges: bool(_triples(exchanges)),
    spec="openai#/components/schemas/StopConfiguration",
)
def not_inherited(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """An answer does not follow a stop sequence, a limit or a bias that the request before it had, and it has not."""

    def judge(triple: Triple) -> Iterator[Finding]:
        before, where = triple[1].number, f"exchange {triple[2].number}"
        if not all(view.choices(one) for one in triple):
            raise Inconclusive("an answer has no choice")
        stop = _inherited_stop(triple)
        if stop is not None:
            said = view.text(view.choices(triple[2])[0])
            yield Finding(
                f"an answer that nothing cuts at {stop!r}, as exchange {before} asked", repr(said[-40:]), where
            )
        elif _is_biased(triple):
            said = view.text(view.choices(triple[0])[0])
            yield Finding(f"an answer such as {said[:40]!r}", f"that of exchange {before}, which forced a token", where)
        elif _is_limited(triple):
            limit = view.limit(triple[1])
            yield Finding(f"more than the {limit} tokens that exchange {before} asked for", f"{limit}", where)

    return view.each(_triples(exchanges), judge)
