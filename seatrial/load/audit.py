"""The client watches itself: whether its own figures may be trusted."""

from __future__ import annotations

import os
from time import perf_counter, perf_counter_ns
from typing import Any

import gevent

from seatrial.load.measure import Group, histogram, stats

_STEP_S = 0.01
LAG_LIMIT_MS = 10.0
CPU_LIMIT = 0.9
LATE_LIMIT_MS = 50.0


class Audit:
    """The lag of the event loop (how much a greenlet oversleeps 10 ms) and the processor time of this process."""

    def __init__(self) -> None:
        self.lag = histogram()
        self.cpu_s = self.wall_s = self.start_cpu_s = 0.0
        self.busiest = 0.0
        self._greenlet: Any = None
        self._fresh: list[float] = []
        self._clients: dict[str, dict[str, Any]] = {}
        self._began = self._last = (0.0, 0.0)

    @staticmethod
    def _clocks() -> tuple[float, float]:
        times = os.times()
        return perf_counter(), times.user + times.system

    def start(self) -> None:
        """Begins to watch."""
        self._began = self._last = self._clocks()
        self.start_cpu_s = self._began[1]
        self._greenlet = gevent.spawn(self._watch)

    def _watch(self) -> None:
        while True:
            before = perf_counter_ns()
            gevent.sleep(_STEP_S)
            over = round((perf_counter_ns() - before) / 1e6 - _STEP_S * 1e3, 3)
            self._fresh.append(over)
            if len(self._fresh) > 2000:  # the process that adds up has not asked for a while
                self._add()

    def _add(self) -> list[float]:
        fresh, self._fresh = self._fresh, []
        for over in fresh:
            self.lag.add(max(over, 0.0))
        return fresh

    def tick(self) -> float:
        """The share of a core used since the last tick."""
        wall, cpu = self._clocks()
        passed = wall - self._last[0]
        share = (cpu - self._last[1]) / passed if passed > 0 else 0.0
        self._last = (wall, cpu)
        if passed > 0.5:
            self.busiest = max(self.busiest, share)
        return share

    def stop(self) -> None:
        """Ends the watch."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
            self._greenlet = None
            wall, cpu = self._clocks()
            self.wall_s, self.cpu_s = wall - self._began[0], cpu

    def told(self) -> dict[str, Any]:
        """What a worker tells its master."""
        wall, cpu = self._clocks()
        return {"lag": self._add(), "cpu_s": cpu, "wall_s": wall - self._began[0], "busiest": self.busiest}

    def hear(self, client: str, told: dict[str, Any]) -> None:
        """Takes what a worker told."""
        for over in told["lag"]:
            self.lag.add(max(over, 0.0))
        self._clients[client] = told
        self.busiest = max(self.busiest, told["busiest"])

    def summary(self, total: Group, open_loop: bool) -> dict[str, Any]:
        """The client's part of `load.json`: with `saturated`, and what to do about it in `advice`."""
        self._add()
        lag = stats(self.lag)
        wall = self.wall_s or 1e-9
        share = (self.cpu_s - self.start_cpu_s) / wall
        cpu = self.cpu_s + sum(told["cpu_s"] for told in self._clients.values())
        late = stats(total.hist("late"))
        why = []
        if lag["p99"] > LAG_LIMIT_MS:
            why.append(f"the event loop was late by {lag['p99']:.1f} ms at p99 (limit {LAG_LIMIT_MS:g} ms)")
        if max(share, self.busiest) > CPU_LIMIT:
            why.append(f"a process used {max(share, self.busiest):.0%} of its core (limit {CPU_LIMIT:.0%})")
        if open_loop and late["p99"] > LATE_LIMIT_MS:
            why.append(
                f"requests left {late['p99']:.1f} ms after their planned time at p99 (limit {LATE_LIMIT_MS:g} ms)"
            )
        advice = "spread the load over more cores with --processes, or lower it; or free the machine" if why else ""
        return {
            "cpu_s": round(cpu, 3),
            "start_cpu_s": round(self.start_cpu_s, 3),
            "cpu_share": round(share, 4),
            "lag_p50_ms": lag["p50"],
            "lag_p99_ms": lag["p99"],
            "lag_max_ms": lag["max"],
            "processes": 1 + len(self._clients),
            "saturated": bool(why),
            "why": why,
            "advice": advice,
        }
