"""Stop sequences."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_ENOUGH = 4
"""Characters before the sequence."""


def _stops(exchange: Exchange) -> bool:
    # Some servers offer to leave the sequence in the text; who asks for that gets it.
    leave = exchange.request.get("include_stop_str_in_output")
    return view.is_generation(exchange) and bool(view.stops(exchange)) and not leave


def _applies(exchanges: Sequence[Exchange]) -> bool:
    return any(_stops(exchange) for exchange in exchanges)


def _generated(exchange: Exchange) -> list[str]:
    """The texts of an answer, without the prompts that it echoes."""
    found = []
    asked = view.prompts(exchange) if view.echo(exchange) else []
    for choice in view.choices(exchange):
        text = view.text(choice)
        if asked:
            prompt = asked[view.index(choice) * len(asked) // view.wanted_choices(exchange)]
            if not isinstance(prompt, str) or not text.startswith(prompt):
                raise Inconclusive("where the echo of the prompt ends is not known")
            text = text.removeprefix(prompt)
        found.append(text)
    return found


@relation("stop.excluded", level=MUST, applies=_applies, spec="openai#/components/schemas/StopConfiguration")
def excluded(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The text ends before a stop sequence and does not contain it."""
    bites = False
    for exchange in exchanges:
        if not _stops(exchange):
            continue
        try:
            texts = _generated(exchange)
        except Inconclusive:
            continue
        stops = view.stops(exchange)
        for number, text in enumerate(texts):
            hit = next((stop for stop in stops if stop in text), None)
            if hit is not None:
                at = text.index(hit)
                shown = repr(text[max(0, at - 20) : at + len(hit) + 20])
                yield Finding(f"no {hit!r}", shown, f"exchange {exchange.number}, text of choice {number}")
        bites = bites or _bites(exchange, exchanges, stops)
    if not bites:
        raise Inconclusive("no answer without stop contains the sequence, so nothing was to be cut")


def _bites(exchange: Exchange, exchanges: Sequence[Exchange], stops: list[str]) -> bool:
    """Whether the same request without stop is answered with one of the sequences."""
    for control in exchanges:
        same = view.same_but(control, exchange, "stop", "stream", "stream_options")
        if not same or view.stops(control) or not view.is_generation(control):
            continue
        try:
            if any(stop in text for text in _generated(control) for stop in stops):
                return True
        except Inconclusive:
            continue
    return False


@relation("stop.cut-clean", level=SHOULD, applies=_applies, spec="openai#/components/schemas/StopConfiguration")
def cut_clean(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """An answer that a stop sequence ends has all of the text before the sequence, and no part of the sequence."""
    clean = judged = 0
    early: list[tuple[Exchange, str, str]] = []
    for exchange in exchanges:
        if not _stops(exchange) or not view.is_generation(exchange) or view.echo(exchange):
            continue
        stops = view.stops(exchange)
        for control in exchanges:
            same = view.same_but(control, exchange, "stop", "stream", "stream_options")
            if not same or view.stops(control) or not view.is_generation(control):
                continue
            try:
                (whole,), (text,) = _generated(control), _generated(exchange)
            except (Inconclusive, ValueError):
                continue  # several choices may change places
            at = min((whole.index(stop) for stop in stops if stop in whole), default=-1)
            # A few characters at the beginning may come again by chance; a text that long does not.
            if at < _ENOUGH or view.finish_reason(view.choices(exchange)[0]) != "stop":
                continue
            before, most = whole[:at].rstrip(), max(map(len, stops))
            rest = text.removeprefix(before).strip()
            if len(text) < len(before) and before.startswith(text):
                early.append((exchange, before, text))
            if text.startswith(before) and any(stop.strip().startswith(rest) for stop in stops):
                judged, clean = judged + 1, clean + (not rest)
                if rest:
                    where = f"exchange {exchange.number}, the end of the text"
                    yield Finding(f"the text up to {before[-20:]!r}", repr(text[-20 - most :]), where)
                break
    # Where two others repeat the text as far as their sequence, the model did not end this one by itself.
    for exchange, before, text in early if clean > 1 else ():
        yield Finding(f"the text up to {before[-20:]!r}", repr(text[-20:]), f"exchange {exchange.number}, the text")
    if not judged:
        raise Inconclusive("no answer is what the same request without stop says before the sequence")
