"""Compares two load tests: better, worse or undecided, by bootstrap intervals of the difference."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from seatrial import formats
from seatrial.model import Invalid

_RESAMPLES = 400
_MOST = 4_000
"""Values of one run that are resampled: a random sample where there are more."""
_ROWS = 20_000
"""Requests of one run that are looked at: a random sample where there are more."""
_METRICS = ("ttft", "ttfat", "tpot", "e2e", "max_gap", "queue_wait", "service")
_POINTS = (50, 95, 99)


@dataclass(frozen=True, slots=True)
class Difference:
    """One figure of two runs. The interval holds the true difference (new - old) in 95 of 100 cases."""

    metric: str
    old: float
    new: float
    low: float
    high: float
    verdict: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One figure of one run. The interval holds the true value in 95 of 100 cases."""

    metric: str
    value: float
    low: float
    high: float


def intervals(rows: Sequence[dict[str, Any]], seed: int = 0) -> list[Figure]:
    """Each percentile that the run has requests enough for, by bootstrap over requests."""
    rng = random.Random(seed)  # noqa: S311
    found = []
    for metric in _METRICS:
        values = _values(rows, metric, rng)
        if len(values) < 2:
            continue
        draws = [_resampled(rng, values) for _ in range(_RESAMPLES)]
        for p in _POINTS:
            if len(values) * (1 - p / 100) >= 1:
                points = sorted(percentile(draw, p) for draw in draws)
                low, high = percentile(points, 2.5), percentile(points, 97.5)
                found.append(Figure(f"{metric}.p{p}", percentile(values, p), low, high))
    return found


def summary(path: Path) -> dict[str, Any]:
    """`load.json` of a run's folder. Raises Invalid."""
    file = (path if path.is_dir() else path.parent) / "load.json"
    try:
        found = json.loads(file.read_text("utf-8"))
    except OSError as error:
        raise _no_folder(path, error) from None
    except ValueError as error:
        raise Invalid(str(file), "", f"is not JSON: {error}") from None
    formats.hold(file, found.get("format") if isinstance(found, dict) else None)
    made: dict[str, Any] = found
    return made


def read(path: Path) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """`load.json` and the counted requests of a run's folder: of more than 20,000 a random sample. Raises Invalid."""
    found = summary(path)
    requests = (path if path.is_dir() else path.parent) / "requests.jsonl"
    try:
        lines = requests.open("rb")
    except OSError as error:
        raise _no_folder(path, error) from None
    with lines:
        return found, _sample(requests, lines)


def _no_folder(path: Path, error: OSError) -> Invalid:
    return Invalid(str(path), "", f"is no load test's folder: {error.strerror}: {error.filename}")


def _sample(path: Path, lines: Iterable[bytes]) -> list[dict[str, Any]]:
    """Every counted request is in it as likely as any other, and the memory does not grow with their number."""
    rng, rows, seen = random.Random(0), list[dict[str, Any]](), 0  # noqa: S311
    for number, line in enumerate(lines, 1):
        try:
            row = orjson.loads(line)
        except ValueError:
            if not line.endswith(b"\n"):
                break  # a run that was cut off
            raise Invalid(f"{path}:{number}", "", "is not JSON") from None
        if row.get("counted") and row.get("error") != "unfinished":
            seen += 1
            if len(rows) < _ROWS:
                rows.append(row)
            elif (at := rng.randrange(seen)) < _ROWS:
                rows[at] = row
    return rows


def compare(old: Sequence[dict[str, Any]], new: Sequence[dict[str, Any]], seed: int = 0) -> list[Difference]:
    """Each figure that both runs have. Requests are resampled, not gaps: those of one stream belong together."""
    rng = random.Random(seed)  # noqa: S311
    found = []
    for metric in _METRICS:
        a, b = _values(old, metric, rng), _values(new, metric, rng)
        if len(a) < 2 or len(b) < 2:
            continue
        draws = [(_resampled(rng, a), _resampled(rng, b)) for _ in range(_RESAMPLES)]
        for p in _POINTS:
            if min(len(a), len(b)) * (1 - p / 100) < 1:
                continue  # too few requests for that percentile
            differences = sorted(percentile(y, p) - percentile(x, p) for x, y in draws)
            found.append(_judged(f"{metric}.p{p}", percentile(a, p), percentile(b, p), differences))
    errors = [[float(bool(row["error"])) for row in rows] for rows in (old, new)]
    if all(len(rows) > 1 for rows in errors):
        shares = [sum(rows) / len(rows) for rows in errors]
        differences = sorted(_share(rng, errors[1]) - _share(rng, errors[0]) for _ in range(_RESAMPLES))
        found.append(_judged("error_rate", shares[0], shares[1], differences))
    return found


def _values(rows: Sequence[dict[str, Any]], metric: str, rng: random.Random) -> list[float]:
    values = sorted(row[metric] for row in rows if not row["error"] and row.get(metric) is not None)
    return sorted(rng.sample(values, _MOST)) if len(values) > _MOST else values


def _share(rng: random.Random, values: Sequence[float]) -> float:
    return sum(rng.choices(values, k=len(values))) / len(values)


def _resampled(rng: random.Random, values: Sequence[float]) -> list[float]:
    return sorted(rng.choices(values, k=len(values)))


def percentile(ordered: Sequence[float], p: float) -> float:
    """The nearest-rank percentile of sorted values."""
    return ordered[max(0, -(-len(ordered) * p // 100).__int__() - 1)]


def _judged(metric: str, old: float, new: float, differences: Sequence[float]) -> Difference:
    low, high = percentile(differences, 2.5), percentile(differences, 97.5)
    verdict = "better" if high < 0 else "worse" if low > 0 else "undecided"
    return Difference(metric, old, new, low, high, verdict)
