"""Stop sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, Exchange, Finding


def _stops(exchange: Exchange) -> list[str]:
    stop = exchange.request.get("stop")
    found = [stop] if isinstance(stop, str) else stop
    return [s for s in found if isinstance(s, str) and s] if isinstance(found, list) else []


def _generated(exchange: Exchange) -> list[str]:
    prompt = exchange.request.get("prompt") if exchange.request.get("echo") is True else None
    texts = [view.text_of(choice) for choice in view.choices(exchange)]
    return [text.removeprefix(prompt) if isinstance(prompt, str) else text for text in texts]


@relation(
    "stop.excluded",
    level=MUST,
    applies=lambda xs: any(view.is_generation(x) and _stops(x) for x in xs),
    spec="openai#/components/schemas/StopConfiguration",
)
def excluded(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The answer ends before a stop sequence and does not contain it."""
    bites = False
    for exchange in exchanges:
        stops = _stops(exchange)
        if not view.is_generation(exchange) or not stops:
            continue
        for text in _generated(exchange):
            for stop in stops:
                if stop in text:
                    yield Finding(f"no {stop!r}", text[:200], f"exchange {exchange.number}, text")
                    return
        for control in exchanges:
            if not _stops(control) and view.same_but(control, exchange, "stop", "stream", "stream_options"):
                bites = bites or any(stop in text for text in _generated(control) for stop in stops)
    if not bites:
        raise Inconclusive("the same request without stop did not write the stop sequence either")
