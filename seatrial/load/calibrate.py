"""How far this client may be trusted on this machine: its figures against a simulator that says what it really did."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from seatrial import secret, simulator
from seatrial.load import result

LEVELS = (1, 16, 64, 128, 256, 512, 1024)
TTFT_MS, ITL_MS, EVENTS = 200.0, 20.0, 100
WITHIN = (1.0, 5.0, 10.0)


@dataclass(frozen=True, slots=True)
class Level:
    """One concurrency: bias is ours minus the truth, in milliseconds, of the same requests."""

    users: int
    events_per_s: float
    bias: dict[str, dict[str, float]]
    cpu_us_per_event: float
    saturated: bool
    pinned: bool

    @property
    def worst(self) -> float:
        """The greatest p99 of the errors."""
        return max(abs(row["p99"]) for row in self.bias.values())


def percentile(ordered: Sequence[float], p: float) -> float:
    """The nearest-rank percentile of sorted values."""
    return ordered[max(0, -int(-len(ordered) * p // 100) - 1)]


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as source:
        for line in source:
            yield json.loads(line)


def compare(requests: Path, truth: Path) -> dict[str, dict[str, float]]:
    """The errors of TTFT and E2E request by request, and of ITL by its percentiles (a gap has no name)."""
    true = {row["id"]: row for row in _lines(truth) if row.get("finished") and row.get("event_ns")}
    ttft, e2e, ours_itl, true_itl = list[float](), list[float](), list[float](), list[float]()
    for row in _lines(requests):
        known = true.get(row.get("id", ""))
        if known is None or row["error"]:
            continue
        start = known["received_ns"]
        ttft.append(row["ttft"] - (known["first_token_ns"] - start) / 1e6)
        e2e.append(row["e2e"] - (known["end_ns"] - start) / 1e6)
        true_itl += [(b - a) / 1e6 for a, b in pairwise(known["event_ns"])]
        ours_itl.append(row["max_gap"] - max((b - a) / 1e6 for a, b in pairwise(known["event_ns"])))
    if not ttft:
        raise OSError("no request of the calibration is in the simulator's truth")
    found = {}
    for name, errors in (("ttft", ttft), ("e2e", e2e), ("max_gap", ours_itl)):
        errors.sort()
        found[name] = {f"p{p}": round(percentile(errors, p), 3) for p in (1, 50, 99)}
    true_itl.sort()
    found["itl_true"] = {f"p{p}": round(percentile(true_itl, p), 3) for p in (1, 50, 99)}
    return found


def measure(users: int, folder: Path, cores: tuple[int, int] | None) -> Level:
    """Runs the load client at that concurrency, in a process of its own, against the simulator."""
    truth, out = folder / f"truth-{users}.jsonl", folder / f"run-{users}"
    timing = simulator.Timing(ttft=TTFT_MS, itl=ITL_MS, max_output=EVENTS)
    cpu = cores[0] if cores else None
    with simulator.running(timing, truth=truth, cpu=cpu) as url:
        command = [
            sys.executable,
            "-m",
            "seatrial",
            "load",
            "steady",
            url,
            "--users",
            str(users),
            "--workload",
            "short",
        ]
        command += ["--requests", str(max(3 * users, 20)), "--out", str(out), "--keep", "0", "--grace", "10"]
        prefix = ["taskset", "-c", str(cores[1])] if cores else []
        bare = secret.without("OPENAI_API_KEY")  # the simulator asks for none
        done = subprocess.run([*prefix, *command], capture_output=True, timeout=600, check=False, text=True, env=bare)
    if not (out / "load.json").exists():
        said = (done.stderr or done.stdout).strip().splitlines()
        raise OSError(f"the load client ended with code {done.returncode}: {said[-1] if said else ''}")
    found = json.loads((out / "load.json").read_text("utf-8"))
    bias = compare(out / "requests.jsonl", truth)
    true = bias.pop("itl_true")
    itl = found["latency_ms"]["itl"]
    bias["itl"] = {"p1": 0.0, "p50": round(itl["p50"] - true["p50"], 3), "p99": round(itl["p99"] - true["p99"], 3)}
    events = found["latency_ms"]["itl"]["count"] + found["requests"]["ok"]
    rate = found["throughput"]["chunks_per_s"]
    cost = (found["client"]["cpu_s"] - found["client"]["start_cpu_s"]) / max(events, 1) * 1e6
    return Level(users, rate, bias, round(cost, 2), found["client"]["saturated"], cores is not None)


def cores() -> tuple[int, int] | None:
    """Two cores to pin the simulator and the client to, where there are two and taskset."""
    from shutil import which

    if not hasattr(os, "sched_getaffinity") or which("taskset") is None:
        return None
    mine = sorted(os.sched_getaffinity(0))
    return (mine[0], mine[1]) if len(mine) > 1 else None


def summarize(levels: Sequence[Level]) -> str:
    """One line: up to which concurrency and event rate the p99 error of TTFT, E2E and ITL stays within limits."""
    parts = []
    for limit in WITHIN:
        held = None
        for level in levels:
            if level.saturated or max(abs(level.bias[m]["p99"]) for m in ("ttft", "e2e", "itl")) > limit:
                break
            held = level
        if held is not None:
            parts.append(f"within {limit:g} ms up to {held.users} streams ({held.events_per_s:,.0f} events/s)")
    return "calibrated: p99 " + ", ".join(parts) if parts else "calibrated: p99 never within 10 ms of the truth"


def calibrate(levels: Sequence[int], show: Any) -> dict[str, Any]:
    """Runs every level up to the first that is off by far, stores and returns the result."""
    pinned = cores()
    found: list[Level] = []
    with tempfile.TemporaryDirectory(prefix="seatrial-calibrate-") as name:
        for users in levels:
            level = measure(users, Path(name), pinned)
            found.append(level)
            show(level)
            if level.worst > 100 or level.saturated:
                break
    stored = {
        "format": 1,
        "at": time.strftime("%Y-%m-%dT%H:%M:%S%z"),
        "summary": summarize(found),
        "pinned": pinned is not None,
        "levels": [
            {
                "users": level.users,
                "events_per_s": level.events_per_s,
                "cpu_us_per_event": level.cpu_us_per_event,
                "saturated": level.saturated,
                "bias_ms": level.bias,
            }
            for level in found
        ],
    }
    path = result.calibration_path()
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(stored, indent=1) + "\n", "utf-8")
    return stored
