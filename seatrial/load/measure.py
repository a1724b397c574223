"""Adds records up: histograms, counts and a series over time, which merge without loss between processes."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import sub
from typing import Any

from ddsketch import DDSketch

from seatrial.load.rates import Rates, Span
from seatrial.load.record import LATENCIES, QUANTUM_NS, Record

_SECOND = 1_000_000_000 // QUANTUM_NS
_WINDOWS = 600
"""Windows kept of a run; past that two neighbours become one, so that a soak does not grow."""
_PERCENTILES = {"p50": 0.5, "p90": 0.9, "p95": 0.95, "p99": 0.99, "p999": 0.999}
_SHARES = (0, 0.01, 0.02, 0.05, *(n / 10 for n in range(1, 10)), 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1)


def histogram() -> DDSketch:
    """Of milliseconds; every quantile within 0.1 % of the value of its rank, count and mean exact, merged without loss."""
    return DDSketch(0.001)


def quantile(hist: DDSketch, share: float) -> float:
    """The value at that share of the values, milliseconds; 0 where there is none."""
    return round(hist.get_quantile_value(share) or 0.0, 3)


def stats(hist: DDSketch | None) -> dict[str, float]:
    """Count, mean, percentiles and maximum of a histogram, in milliseconds."""
    if hist is None or not hist.count:
        return {"count": 0, "mean": 0, **dict.fromkeys(_PERCENTILES, 0), "max": 0}
    rows = {name: quantile(hist, p) for name, p in _PERCENTILES.items()}
    return {"count": int(hist.count), "mean": round(hist.avg, 3), **rows, "max": quantile(hist, 1)}


class Group:
    """The totals of one scenario in one phase."""

    def __init__(self) -> None:
        self.sent = self.ok = self.failed = self.unfinished = self.good = self.reconnected = 0
        self.errors: Counter[str] = Counter()
        self.odd: Counter[str] = Counter()
        self.tokens: Counter[str] = Counter()
        self.tokens_from: Counter[str] = Counter()
        self.events = 0
        self.first_s = float("inf")
        self.last_s = 0.0
        self.hists: dict[str, DDSketch] = {}
        self._gaps: Counter[int] = Counter()

    def hist(self, metric: str) -> DDSketch | None:
        """The histogram of that metric; gaps between events are flushed into theirs first."""
        if metric == "itl" and self._gaps:
            hist = self.hists.setdefault("itl", histogram())
            for quanta, times in self._gaps.items():
                hist.add(quanta * QUANTUM_NS / 1e6, times)
            self._gaps.clear()
        return self.hists.get(metric)

    def add(self, row: Record, at: list[int], goodput: Mapping[str, float]) -> None:
        """Counts one record. A request that failed or did not end gives no latency."""
        self.sent += 1
        self.first_s = min(self.first_s, row["sent_s"])
        if row["error"] == "unfinished":
            self.unfinished += 1
            return
        self.last_s = max(self.last_s, row["sent_s"] + (row["e2e"] or 0) / 1000)
        self.reconnected += bool(row.get("reconnected"))
        if row.get("odd"):
            self.odd[row["odd"]] += 1
        late = row["late"]
        if late is not None:
            self._record("late", late)
        if row["error"]:
            self.failed += 1
            self.errors[row["error"]] += 1
            return
        self.ok += 1
        self.events += row["events"]
        if row["events"]:
            self.tokens["streamed"] += row.get("output_tokens") or 0
        for metric in LATENCIES:
            value = row.get(metric)
            if value is not None and metric != "late":
                self._record(metric, value)
        for name in ("input_tokens", "output_tokens", "reasoning_tokens", "cached_tokens"):
            if row.get(name):
                self.tokens[name] += row[name]
        if "tokens_from" in row:
            self.tokens_from[row["tokens_from"]] += 1
        if meets(row, goodput):
            self.good += 1
        if len(at) > 1:
            self._gaps.update(map(sub, at[1:], at))
            if len(self._gaps) > 5000:
                self.hist("itl")

    def _record(self, metric: str, ms: float) -> None:
        hist = self.hists.get(metric)
        if hist is None:
            hist = self.hists[metric] = histogram()
        hist.add(ms)

    def merge(self, other: Group) -> None:
        """Adds another group to this one."""
        for name in ("sent", "ok", "failed", "unfinished", "good", "reconnected", "events"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in ("errors", "odd", "tokens", "tokens_from"):
            getattr(self, name).update(getattr(other, name))
        self.first_s, self.last_s = min(self.first_s, other.first_s), max(self.last_s, other.last_s)
        other.hist("itl")
        for metric, hist in other.hists.items():
            if metric not in self.hists:
                self.hists[metric] = histogram()
            self.hists[metric].merge(hist)

    def latency(self) -> dict[str, dict[str, float]]:
        """The statistics of every metric that was seen; those of the format's core always."""
        core = ("ttft", "itl", "tpot", "e2e", "late", "queue_wait")
        return {m: stats(h) for m in LATENCIES if (h := self.hist(m)) is not None or m in core}

    def distribution(self) -> dict[str, list[tuple[float, float]]]:
        """The cumulative distribution of each metric, as points (share, milliseconds)."""
        found = {}
        for metric in LATENCIES:
            hist = self.hist(metric)
            if hist is not None and hist.count:
                found[metric] = [(p, quantile(hist, p)) for p in _SHARES]
        return found

    def value(self, metric: str) -> float | None:
        """`ttft.p95` and the like, `error_rate`, `goodput` as a share; None where nothing was seen."""
        name, _, percentile = metric.partition(".")
        if percentile:
            hist = self.hist(name)
            if hist is None or not hist.count:
                return None
            if percentile == "mean":
                return float(hist.avg)
            return quantile(hist, _PERCENTILES.get(percentile, 1.0))
        done = self.ok + self.failed
        shares = {"error_rate": self.failed, "goodput": self.good}
        return shares[name] / done if done and name in shares else None

    @property
    def user_rate(self) -> float:
        """Output tokens per second of one user: of the median TPOT."""
        tpot = self.hists.get("tpot")
        median = quantile(tpot, 0.5) if tpot is not None else 0.0
        return round(1000 / median, 3) if median else 0.0


def meets(row: Record, limits: Mapping[str, float]) -> bool:
    """Whether a successful request is within every limit. What was not measured does not count against it."""
    return all((row.get(metric) or 0) <= limit for metric, limit in limits.items())


@dataclass(slots=True)
class Window:
    """A stretch of the run's time."""

    sent: int = 0
    ok: int = 0
    failed: int = 0
    events: int = 0
    tokens: float = 0.0
    errors: Counter[str] = field(default_factory=Counter)
    ttft: Counter[int] = field(default_factory=Counter)
    itl: Counter[int] = field(default_factory=Counter)
    gauges: dict[str, float] = field(default_factory=dict)
    packed: tuple[Packed, Packed] | None = None

    def close(self) -> None:
        """Packs the counts away."""
        if self.packed is None:
            self.packed = Packed(self.ttft), Packed(self.itl)
            self.ttft, self.itl = Counter(), Counter()

    def open(self) -> None:
        """Has the counts at hand."""
        if self.packed is not None:
            self.ttft, self.itl = (packed.opened() for packed in self.packed)
            self.packed = None

    def merge(self, other: Window) -> None:
        """Adds a neighbour to this one; both are open. Gauges take the greater value."""
        self.open()
        self.sent, self.ok, self.failed = self.sent + other.sent, self.ok + other.ok, self.failed + other.failed
        self.events, self.tokens = self.events + other.events, self.tokens + other.tokens
        self.errors.update(other.errors)
        self.ttft.update(other.ttft)
        self.itl.update(other.itl)
        for name, value in other.gauges.items():
            self.gauges[name] = max(value, self.gauges.get(name, value))


def percentile(counts: Mapping[int, int], p: float) -> float | None:
    """The nearest-rank percentile of counted quanta, in milliseconds."""
    total = sum(counts.values())
    if not total:
        return None
    rank, seen = max(1, -(-total * p // 100)), 0
    for quanta in sorted(counts):
        seen += counts[quanta]
        if seen >= rank:
            return quanta * QUANTUM_NS / 1e6
    return None


class Packed:
    """Counts that are not added to any more, in a tenth of the memory."""

    __slots__ = ("_counts", "_keys")

    def __init__(self, counts: Mapping[int, int]) -> None:
        self._keys, self._counts = array("q", counts.keys()), array("q", counts.values())

    def opened(self) -> Counter[int]:
        """The counts again."""
        return Counter(dict(zip(self._keys, self._counts, strict=True)))


class Measure:
    """All that is known of the run so far. Fed with records; the same for one process and for the master of many."""

    def __init__(self, goodput: Mapping[str, float] | None = None, spans: Sequence[Span] = ()) -> None:
        self.rates = Rates(spans or [Span(0.0, math.inf)])
        self.until: float | None = None
        """How far the test came, seconds; None: as far as its requests."""
        self.groups: dict[tuple[str, str], Group] = {}
        self.warmup = Group()
        self.windows: dict[int, Window] = {}
        self.width = 1
        self.goodput = dict(goodput or {})
        self.finished = 0
        self._open: set[int] = set()  # windows that may still be added to

    def add(self, row: Record, at: list[int]) -> None:
        """Counts one record with the times of its events, in quanta since the start."""
        self.finished += 1
        if row["counted"]:
            key = (row["scenario"], row.get("phase", ""))
            group = self.groups.get(key)
            if group is None:
                group = self.groups[key] = Group()
        else:
            group = self.warmup
        group.add(row, at, self.goodput)
        self.rates.add(row, at, meets(row, self.goodput))
        self._series(row, at)

    def window(self, second: float) -> Window:
        """The window of that second, to be added to."""
        index = int(max(0.0, second) // self.width)
        found = self.windows.get(index)
        if found is not None and index in self._open:
            return found
        if found is None:
            found = self.windows[index] = Window()
            if len(self.windows) > _WINDOWS:
                self._halve()
                return self.window(second)
            for old in [one for one in self._open if one < index - 30]:
                self.windows[old].close()
                self._open.discard(old)
        found.open()
        self._open.add(index)
        return found

    def _halve(self) -> None:
        merged: dict[int, Window] = {}
        for index, window in sorted(self.windows.items()):
            window.open()
            if index // 2 in merged:
                merged[index // 2].merge(window)
                merged[index // 2].close()
            else:
                merged[index // 2] = window
                window.close()
        self.windows, self.width, self._open = merged, self.width * 2, set()

    def _series(self, row: Record, at: list[int]) -> None:
        self.window(row["sent_s"]).sent += 1
        end = self.window(row["sent_s"] + (row["e2e"] or 0) / 1000)
        if row["error"]:
            end.failed += row["error"] != "unfinished"
            end.errors[row["error"]] += 1
            return
        end.ok += 1
        if not at:
            end.tokens += row.get("output_tokens") or 0
            return
        self.window(at[0] / _SECOND).ttft[int(row["ttft"] * 100)] += 1
        weight = (row.get("output_tokens") or len(at)) / len(at)
        low = 0
        step = _SECOND * self.width
        while low < len(at):
            edge = (at[low] // step + 1) * step
            high = bisect_left(at, edge, low)
            window = self.window(at[low] / _SECOND)
            window.events += high - low
            window.tokens += (high - low) * weight
            part = at[max(0, low - 1) : high]
            window.itl.update(map(sub, part[1:], part))
            low = high

    def seconds(self, phase: str | None = None) -> float:
        """How long the test was counted."""
        last = max((group.last_s for group in self.groups.values()), default=0.0)
        return self.rates.seconds(last if self.until is None else self.until, phase)

    def throughput(self, group: Group, scenario: str | None = None, phase: str | None = None) -> dict[str, float]:
        """The rates of a scenario, a phase, or all."""
        last = max((one.last_s for one in self.groups.values()), default=0.0)
        rates = self.rates.per_second(last if self.until is None else self.until, scenario, phase)
        return {**rates, "output_tokens_per_s_per_user": group.user_rate}

    def value(self, metric: str, scenario: str = "") -> float | None:
        """A figure by its name in an SLO: `ttft.p95`, `error_rate`, `goodput_per_s`, ...; None where nothing was seen."""
        group = self.by(0).get(scenario) if scenario else self.total()
        if group is None or not group.ok + group.failed:
            return None
        if metric.endswith("_per_s"):
            return self.throughput(group, scenario or None)[metric]
        return group.value(metric)

    def total(self, groups: Iterable[Group] | None = None) -> Group:
        """All counted requests as one group."""
        whole = Group()
        for group in self.groups.values() if groups is None else groups:
            whole.merge(group)
        return whole

    def by(self, which: int) -> dict[str, Group]:
        """Groups by scenario (0) or by phase (1)."""
        found: dict[str, Group] = {}
        for key, group in self.groups.items():
            found.setdefault(key[which], Group()).merge(group)
        return found

    def series(self) -> dict[str, list[Any]]:
        """Columns over time: `t` is the start of each window in seconds, rates are per second."""
        columns: dict[str, list[Any]] = {}
        if not self.windows:
            return {"t": []}
        gauges = sorted({name for window in self.windows.values() for name in window.gauges})
        last = max(self.windows)
        for index in range(last + 1):
            window = self.windows.get(index) or Window()
            ttft, itl = (p.opened() for p in window.packed) if window.packed else (window.ttft, window.itl)
            row: dict[str, Any] = {
                "t": index * self.width,
                "sent_per_s": window.sent / self.width,
                "ok_per_s": window.ok / self.width,
                "failed_per_s": window.failed / self.width,
                "events_per_s": window.events / self.width,
                "output_tokens_per_s": round(window.tokens / self.width, 3),
            }
            for name, counts in (("ttft", ttft), ("itl", itl)):
                for p in (50, 99):
                    row[f"{name}_p{p}"] = percentile(counts, p)
                row[f"{name}_max"] = max(counts) * QUANTUM_NS / 1e6 if counts else None
            for name in gauges:
                row[name] = window.gauges.get(name)
            for name, value in row.items():
                columns.setdefault(name, []).append(value)
        return columns
