"""An SLO: limits that a load test must hold."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial.load.measure import Measure
from seatrial.load.record import LATENCIES
from seatrial.model import Invalid

_FLOORS = ("goodput", "goodput_per_s", "requests_per_s", "output_tokens_per_s")
_METRIC = re.compile(rf"({'|'.join(LATENCIES)})\.(mean|p50|p90|p95|p99|p999|max)|error_rate|{'|'.join(_FLOORS)}")
_ABORT_AFTER = 30
"""Requests before an SLO is given up on."""


@dataclass(frozen=True, slots=True)
class Line:
    """One limit: `metric` at most `limit`; at least, where more is better."""

    metric: str
    limit: float
    scenario: str = ""

    @property
    def floor(self) -> bool:
        """Whether the limit is a least value."""
        return self.metric in _FLOORS

    def holds(self, value: float) -> bool:
        """Whether the value is within the limit."""
        return value >= self.limit if self.floor else value <= self.limit


@dataclass(frozen=True, slots=True)
class Slo:
    """The limits of a file."""

    lines: tuple[Line, ...] = ()
    goodput: Mapping[str, float] = field(default_factory=dict)
    """What one request must keep to be good: metric to milliseconds."""

    def verdicts(self, measure: Measure) -> list[dict[str, Any]]:
        """Each limit with what was measured. What was not measured is not held."""
        return [self._verdict(line, measure.value(line.metric, line.scenario)) for line in self.lines]

    @staticmethod
    def _verdict(line: Line, actual: float | None) -> dict[str, Any]:
        held = actual is not None and line.holds(actual)
        found: dict[str, Any] = {"metric": line.metric, "limit": line.limit, "actual": actual, "held": held}
        if line.scenario:
            found["scenario"] = line.scenario
        return found

    def lost(self, measure: Measure, expected: int | None) -> str:
        """Why the SLO cannot hold any more, or nothing. With `expected` requests known it is certain, else the sample
        must be of at least 30 and twice past the limit."""
        total = measure.total()
        done = total.ok + total.failed
        if done < _ABORT_AFTER:
            return ""
        for line in self.lines:
            value = measure.value(line.metric, line.scenario)
            if value is None or line.holds(value):
                continue
            if line.metric == "error_rate" and expected and total.failed > line.limit * expected:
                return f"error_rate: {total.failed} of {expected} requests failed already, limit {line.limit:g}"
            if not line.floor and value > 2 * line.limit and value > 0:
                return f"{line.metric} is {value:g}, limit {line.limit:g}"
            if line.floor and value < line.limit / 2:
                return f"{line.metric} is {value:g}, at least {line.limit:g} is asked for"
        return ""


def load(name: str | None) -> Slo:
    """The SLO of a file. Raises Invalid with file and place for what cannot be a limit."""
    if name is None:
        return Slo()
    from seatrial import files

    source = files.read(Path(name), "slo.schema.json")
    data = source.data
    lines = []
    for scenario, limits in [("", data.get("limits", {})), *data.get("scenarios", {}).items()]:
        at = f"/scenarios/{scenario}" if scenario else "/limits"
        for metric, limit in limits.items():
            if not _METRIC.fullmatch(metric):
                raise source.invalid(
                    f"{at}/{metric}", "expected METRIC.PERCENTILE such as ttft.p95, error_rate or goodput"
                )
            if metric in ("error_rate", "goodput") and not 0 <= limit <= 1:
                raise source.invalid(f"{at}/{metric}", "is a share: from 0 to 1")
            if limit < 0 or (limit == 0 and metric != "error_rate"):
                raise source.invalid(f"{at}/{metric}", "can never hold: the limit must be greater than 0")
            lines.append(Line(metric, limit, scenario))
    for metric in data.get("goodput", {}):
        if metric not in LATENCIES or metric == "itl":
            raise source.invalid(
                f"/goodput/{metric}", f"expected one of {', '.join(m for m in LATENCIES if m != 'itl')}"
            )
    if not lines:
        raise Invalid(name, "", "holds no limit")
    if any(line.metric.startswith("goodput") for line in lines) and not data.get("goodput"):
        raise source.invalid("/goodput", "goodput is limited, but what makes a request good is not said")
    return Slo(tuple(lines), data.get("goodput", {}))
