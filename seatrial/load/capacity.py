"""`seatrial load capacity`: the highest arrival rate that holds an SLO, found by bracket and bisection."""

from __future__ import annotations

import json
import math
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from seatrial.load import result, slo
from seatrial.load.address import Address
from seatrial.load.options import Options
from seatrial.load.slo import Slo

_FACTOR = 2.0
_TOLERANCE = 0.1
_MOST_STEPS = 14
_LEAST_S, _MOST_S = 5.0, 600.0


@dataclass(frozen=True, slots=True)
class Step:
    """One rate that was tried, and whether it held."""

    rate: float
    held: bool
    why: str
    requests: int
    seconds: float
    values: dict[str, float | None]


def needed(limits: Slo) -> int:
    """Requests that a step must see: enough for ten values above its highest percentile (1,000 for a p99), at least 30."""
    shares = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
    highest = max((shares.get(line.metric.partition(".")[2], 0.5) for line in limits.lines), default=0.5)
    pooled = all(line.metric.startswith("itl.") for line in limits.lines)
    return 30 if pooled else max(30, math.ceil(10 / (1 - highest)))


def length(options: Options, limits: Slo, rate: float) -> float:
    """Seconds of a step at that rate: as asked for, but with ten requests; else what its percentile needs, from 5.

    At most 600. A step in which nothing is sent would say that the rate does not hold.
    """
    if options.duration:
        return max(options.duration, min(10 / rate, _MOST_S))
    return min(max(needed(limits) / rate, _LEAST_S), _MOST_S)


def find(options: Options, processes: int) -> int:
    """Searches, shows each step, writes `capacity.json`; exit code 0 where some rate held, 1 where none did."""
    limits = slo.load(options.slo)
    folder = Path(options.out) if options.out else Path("results") / f"{time.strftime('%Y%m%d-%H%M%S')}-load-capacity"
    folder.mkdir(parents=True, exist_ok=True)
    steps: list[Step] = []
    complete = True

    def holds(rate: float) -> bool:
        nonlocal complete
        step, ended = _try(options, limits, rate, processes, folder / f"step-{len(steps) + 1:02}")
        steps.append(step)
        complete = complete and ended
        print(_line(step), flush=True)
        return step.held and ended

    low, high = search(options.rate or 1.0, holds, lambda: complete and len(steps) < _MOST_STEPS)
    found = {
        "format": 1,
        "complete": complete,
        "target": Address.of(options.url).shown,
        "slo": [{"metric": line.metric, "limit": line.limit, "scenario": line.scenario} for line in limits.lines],
        "capacity_per_s": low,
        "interval_per_s": [low, high],
        "steps": [_row(step) for step in steps],
    }
    (folder / "capacity.json").write_text(json.dumps(found, indent=1) + "\n", "utf-8")
    if not complete:
        print(f"INCOMPLETE: ended early; {low:g} requests/s held until then")
    elif low:
        upper = f"and {high:g} did not" if math.isfinite(high) else "and no rate that was tried did not"
        print(f"capacity: {low:g} requests/s held the SLO, {upper}")
    else:
        print(f"capacity: not even {high:g} requests/s held the SLO")
    print(f"steps: {folder / 'capacity.json'}")
    return 4 if not complete else 0 if low else 1


def search(start: float, holds: Any, more: Any) -> tuple[float, float]:
    """The highest rate that held and the lowest that did not: doubled or halved to a bracket, then bisected until the
    two are within 10 %. `more` says whether another step may be made."""
    low, high, rate = 0.0, math.inf, start
    while more():
        if holds(rate):
            low = rate
        else:
            high = rate
        if low and math.isfinite(high):
            if high - low <= _TOLERANCE * low:
                break
            rate = round((low + high) / 2, 6)
        elif low:
            rate = low * _FACTOR
        else:
            rate = high / _FACTOR
            if rate < start / 1000:
                break
    return low, high


def _try(options: Options, limits: Slo, rate: float, processes: int, out: Path) -> tuple[Step, bool]:
    from seatrial.load import control
    from seatrial.load.profile import CHAT, Profile, arrivals

    seconds = length(options, limits, rate)
    chosen = replace_options(options, rate=rate, duration=seconds, requests=None, out=str(out), abort=True)
    profile = Profile("capacity", f"{rate:g} requests per second", arrivals(rate, seconds), asks=(CHAT,), open=True)
    module = control.profile_module("arrivals") if processes > 1 else None
    session = control.drive(profile, module, chosen, processes)
    result.write(session)
    verdicts = limits.verdicts(session.measure)
    missed = [v["metric"] for v in verdicts if not v["held"]]
    total = session.measure.total()
    client = session.audit.summary(total, True)
    if client["saturated"]:
        missed.append("the client was saturated")
    if total.unfinished > 0.01 * max(total.sent, 1):
        missed.append(f"{total.unfinished} unfinished")
    if session.aborted:
        missed.append(session.aborted)
    values = {v["metric"]: v["actual"] for v in verdicts}
    step = Step(rate, not missed, ", ".join(missed), total.sent, seconds, values)
    return step, not (session.interrupted or session.fault or session.lost_workers)


def replace_options(options: Options, **changes: Any) -> Options:
    """A copy of the options with these changes."""
    return replace(options, **changes)


def _row(step: Step) -> dict[str, Any]:
    return {
        "rate_per_s": step.rate,
        "held": step.held,
        "why": step.why,
        "requests": step.requests,
        "seconds": round(step.seconds, 3),
        "values": step.values,
    }


def _line(step: Step) -> str:
    values = ", ".join(f"{name} {value:g}" for name, value in step.values.items() if value is not None)
    return f"{step.rate:>10g} requests/s: {'held  ' if step.held else 'missed'} {values or step.why} ({step.requests} requests)"
