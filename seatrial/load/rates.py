"""Rates: what arrived while the test was counted, per second. By when it arrived, whichever request it belongs to: the
answers that come after the end, or belong to the warm-up, would bend them."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from seatrial.load.record import QUANTUM_NS, Record

_SECOND = 1_000_000_000 // QUANTUM_NS
_TOKENS = ("input", "reasoning", "cached")


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of counted time, seconds since the start; `end` is infinite where requests are counted out."""

    begin: float
    end: float
    phase: str = ""


class Rates:
    """What arrived in the spans, by scenario and phase."""

    def __init__(self, spans: Sequence[Span]) -> None:
        self._spans = tuple(spans)
        self.until = math.inf
        """When the test ended, where that was before its time, seconds: what comes later is not counted."""
        self._counts: dict[tuple[str, str], defaultdict[str, float]] = {}

    def add(self, row: Record, at: list[int], good: bool) -> None:
        """Counts a request that has ended: its tokens when they came, the rest at its end."""
        if row["error"] or row["e2e"] is None:
            return
        end = row["sent_s"] + row["e2e"] / 1000
        output = row.get("output_tokens") or 0
        for span in self._spans:
            close = min(span.end, self.until)
            if span.begin > end or close <= row["sent_s"]:
                continue
            counts = self._counts.setdefault((row["scenario"], span.phase), defaultdict(float))
            if at:
                low = bisect_left(at, span.begin * _SECOND)
                high = len(at) if math.isinf(close) else bisect_left(at, close * _SECOND)
                counts["events"] += high - low
                counts["output"] += (high - low) * output / len(at)
            if span.begin <= end < close:
                counts["ok"] += 1
                counts["good"] += good
                for name in _TOKENS:
                    counts[name] += row.get(f"{name}_tokens") or 0
                if not at:
                    counts["output"] += output

    def seconds(self, until: float, phase: str | None = None) -> float:
        """The length of the spans, as far as the test came."""
        return sum(
            max(0.0, min(span.end, until) - span.begin) for span in self._spans if phase is None or span.phase == phase
        )

    def per_second(self, until: float, scenario: str | None = None, phase: str | None = None) -> dict[str, float]:
        """Each rate of `load.json`'s `throughput` that is a count over time."""
        seconds = self.seconds(until, phase)
        total: defaultdict[str, float] = defaultdict(float)
        for (name, part), counts in self._counts.items():
            if scenario in (None, name) and phase in (None, part):
                for key, count in counts.items():
                    total[key] += count

        def per(name: str) -> float:
            return round(total[name] / seconds, 3) if seconds > 0 else 0.0

        return {
            "requests_per_s": per("ok"),
            "input_tokens_per_s": per("input"),
            "output_tokens_per_s": per("output"),
            "reasoning_tokens_per_s": per("reasoning"),
            "cached_tokens_per_s": per("cached"),
            "chunks_per_s": per("events"),
            "jobs_per_s": 0.0,
            "goodput_per_s": per("good"),
        }


def spans(phases: Sequence[Any], endless: bool) -> list[Span]:
    """The counted phases in a row; the last has no end where requests are counted out."""
    found, begin = [], 0.0
    for index, phase in enumerate(phases):
        end = begin + phase.seconds
        if phase.counted:
            found.append(Span(begin, math.inf if endless and index == len(phases) - 1 else end, phase.name))
        begin = end
    return found
