"""Exchanges of one case that belong together, and when a difference between them is certain."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from seatrial.check import Inconclusive
from seatrial.model import Exchange, Finding
from seatrial.view.ask import is_event_stream, is_generation, is_response, is_stream

T = TypeVar("T")


def same_but(one: Exchange, other: Exchange, *names: str) -> bool:
    """Whether two requests are to one operation, with bodies that differ at most in these members."""
    first, second = one.request.json, other.request.json
    if one.operation.id != other.operation.id or not isinstance(first, dict) or not isinstance(second, dict):
        return False
    return {k: v for k, v in first.items() if k not in names} == {k: v for k, v in second.items() if k not in names}


def twins(exchanges: Sequence[Exchange]) -> list[tuple[list[Exchange], list[Exchange]]]:
    """(plain, streamed) successes of one request, for each request of a case that was asked both ways."""
    rest = [exchange for exchange in exchanges if is_generation(exchange)]
    found = []
    while rest:
        group = [other for other in rest if same_but(rest[0], other, "stream", "stream_options")] or [rest[0]]
        rest = [other for other in rest if not any(other is member for member in group)]
        plain = [exchange for exchange in group if not exchange.asked_to_stream]
        streamed = [exchange for exchange in group if is_stream(exchange)]
        if plain and streamed:
            found.append((plain, streamed))
    return found


def response_twins(exchanges: Sequence[Exchange]) -> list[tuple[list[Exchange], list[Exchange]]]:
    """(plain, streamed) successes of one request for a response at temperature 0."""
    rest = [e for e in exchanges if is_response(e) and e.request.get("temperature") == 0]
    found = []
    while rest:
        group = [other for other in rest if same_but(rest[0], other, "stream", "stream_options")]
        rest = [other for other in rest if not any(other is member for member in group)]
        plain = [exchange for exchange in group if not exchange.asked_to_stream]
        streamed = [exchange for exchange in group if exchange.asked_to_stream and is_event_stream(exchange)]
        if plain and streamed:
            found.append((plain, streamed))
    return found


def is_settled(exchange: Exchange) -> bool:
    """Whether the request asks for the same answer each time: temperature 0, and a seed."""
    temperature, seed = exchange.request.get("temperature"), exchange.request.get("seed")
    return temperature == 0 and not isinstance(temperature, bool) and isinstance(seed, int)


def settled_twins(exchanges: Sequence[Exchange]) -> list[tuple[list[Exchange], list[Exchange]]]:
    """The twins whose request asks for the same answer each time."""
    return [pair for pair in twins(exchanges) if is_settled(pair[0][0])]


def agree(plain: Sequence[T], streamed: Sequence[T], same: Callable[[T, T], bool]) -> bool:
    """True where all are the same; False where the two kinds differ for certain, each agreeing with itself twice."""
    if all(same(plain[0], other) for other in (*plain[1:], *streamed)):
        return True
    for kind in (plain, streamed):
        if not all(same(kind[0], other) for other in kind[1:]):
            raise Inconclusive("the answers to one and the same request differ from run to run")
    if len(plain) < 2 or len(streamed) < 2:
        raise Inconclusive("they differ, but were asked only once each, and a model may answer differently each time")
    return False


def each(items: Iterable[T], judge: Callable[[T], Iterable[Finding]]) -> Iterator[Finding]:
    """The findings of all items; Inconclusive only where no item could be judged."""
    judged = False
    reason: Inconclusive | None = None
    for item in items:
        try:
            for finding in judge(item):
                judged = True  # what was found before the view closed still stands
                yield finding
            judged = True
        except Inconclusive as why:
            reason = reason or why
    if not judged:
        raise reason or Inconclusive("there was nothing to judge")
