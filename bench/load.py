"""What one streamed event costs, and how true the figures are: seatrial and the peers found here, in turn, against the
same simulator. The client is pinned to one core, the simulator to another.

    python bench/load.py [--streams 256] [--requests 3072] [--only NAME]

Processor time is user + system of the client's whole process tree, start-up and reports included; memory is the peak of
its proportional set size. Errors are the reported figure minus the simulator's truth, milliseconds.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

from seatrial import simulator
from seatrial.load.calibrate import cores, percentile

HERE = Path(__file__).resolve().parent
TTFT, ITL, EVENTS = 200.0, 20.0, 100


@dataclass
class Cost:
    """What a client's process tree used."""

    cpu_s: float
    wall_s: float
    pss_mb: float
    code: int
    said: str


@dataclass
class Peer:
    """A client: how it is run, and where its figures are (`ttft` and `itl`, each p50 and p99, milliseconds)."""

    name: str
    command: Callable[[str, int, int, Path], list[str]]
    figures: Callable[[Path], dict[str, dict[str, float]]]


def tree(pid: int) -> list[int]:
    """The process and its descendants."""
    found = [pid]
    for parent in found:
        try:
            for task in os.listdir(f"/proc/{parent}/task"):
                found += [int(child) for child in Path(f"/proc/{parent}/task/{task}/children").read_text().split()]
        except OSError:
            continue
    return found


def pss(pid: int) -> float:
    """Proportional set size of the tree, MB."""
    total = 0
    for one in tree(pid):
        try:
            for line in Path(f"/proc/{one}/smaps_rollup").read_text().splitlines():
                if line.startswith("Pss:"):
                    total += int(line.split()[1])
        except OSError:
            continue
    return total / 1024


def run(command: list[str], folder: Path, limit_s: float) -> Cost:
    """Runs the client to its end, or for `limit_s` seconds."""
    log = folder / "client.log"
    began = time.monotonic()
    with log.open("wb") as sink:
        child = subprocess.Popen(command, stdout=sink, stderr=subprocess.STDOUT, cwd=folder, start_new_session=True)
        peak, ended = 0.0, threading.Event()

        def watch() -> None:
            nonlocal peak
            while not ended.wait(0.3):
                peak = max(peak, pss(child.pid))

        watcher = threading.Thread(target=watch, daemon=True)
        watcher.start()
        timer = threading.Timer(limit_s, child.kill)
        timer.start()
        _, status, used = os.wait4(child.pid, 0)
        child.returncode = os.waitstatus_to_exitcode(status)
        timer.cancel()
        ended.set()
        watcher.join()
    said = log.read_text("utf-8", "replace").strip().splitlines()
    return Cost(
        used.ru_utime + used.ru_stime, time.monotonic() - began, peak, child.returncode, said[-1] if said else ""
    )


def _seatrial(url: str, streams: int, requests: int, out: Path) -> list[str]:
    return [
        sys.executable, "-m", "seatrial", "load", "steady", url, "--users", str(streams), "--requests", str(requests),
        "--workload", "short", "--out", str(out / "run"), "--model", "seatrial-sim",
    ]  # fmt: skip


def _seatrial_figures(out: Path) -> dict[str, dict[str, float]]:
    found = json.loads((out / "run" / "load.json").read_text())["latency_ms"]
    return {name: found[name] for name in ("ttft", "itl")}


def _script(name: str) -> Callable[[str, int, int, Path], list[str]]:
    def command(url: str, streams: int, requests: int, out: Path) -> list[str]:
        return [
            sys.executable,
            str(HERE / "peers" / f"{name}.py"),
            url,
            str(streams),
            str(requests),
            str(out / "figures.json"),
        ]

    return command


def _figures(out: Path) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = json.loads((out / "figures.json").read_text())
    return found


def _aiperf(url: str, streams: int, requests: int, out: Path) -> list[str]:
    return [
        "aiperf", "profile", "--url", url.removesuffix("/v1"), "--model", "seatrial-sim", "--endpoint-type", "chat", "--streaming",
        "--concurrency", str(streams), "--request-count", str(requests), "--tokenizer", "builtin",
        "--synthetic-input-tokens-mean", "16", "--output-tokens-mean", str(EVENTS), "--output-artifact-dir", str(out / "aiperf"),
        "--use-server-token-count", "--ui", "none",
    ]  # fmt: skip


def _aiperf_figures(out: Path) -> dict[str, dict[str, float]]:
    path = next((out / "aiperf").rglob("profile_export_aiperf.json"))
    found = json.loads(path.read_text())
    return {"ttft": found["time_to_first_token"], "itl": found["inter_token_latency"]}


PEERS = [
    Peer("seatrial", _seatrial, _seatrial_figures),
    Peer("locust HttpUser", _script("locust_http"), _figures),
    Peer("openai SDK (async)", _script("openai_async"), _figures),
    Peer("aiperf", _aiperf, _aiperf_figures),
]


def there(peer: Peer) -> bool:
    """Whether the peer is installed."""
    if peer.name == "aiperf":
        return shutil.which("aiperf") is not None
    if peer.name.startswith("openai"):
        from importlib.util import find_spec

        return find_spec("openai") is not None
    return True


def truth(path: Path) -> dict[str, dict[str, float]]:
    """What the simulator really did."""
    ttft, itl = list[float](), list[float]()
    for line in path.read_text().splitlines():
        row = json.loads(line)
        if row["finished"] and row["event_ns"]:
            ttft.append((row["first_token_ns"] - row["received_ns"]) / 1e6)
            itl += [(b - a) / 1e6 for a, b in pairwise(row["event_ns"])]
    ttft.sort()
    itl.sort()
    return {name: {"p50": percentile(v, 50), "p99": percentile(v, 99)} for name, v in (("ttft", ttft), ("itl", itl))}


def main() -> None:
    """Runs every peer and prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, default=256)
    parser.add_argument("--requests", type=int, default=3072)
    parser.add_argument("--only")
    parser.add_argument("--limit", type=float, default=300, help="seconds a client may take")
    given = parser.parse_args()
    pinned = cores()
    events = given.requests * EVENTS
    ideal = given.requests / given.streams * (TTFT + (EVENTS - 1) * ITL) / 1000
    print(
        f"{given.streams} streams, {given.requests} requests of {EVENTS} events, TTFT {TTFT:g} ms, ITL {ITL:g} ms; ideal {ideal:.1f} s"
    )
    if pinned is None:
        print("fewer than two cores, or no taskset: client and simulator share what there is")
    head = f"{'client':<20}{'CPU s':>8}{'µs/event':>10}{'ratio':>7}{'PSS MB':>8}{'wall s':>8}"
    print(head + f"{'TTFT p50':>10}{'p99':>9}{'ITL p50':>9}{'p99':>9}")
    base: float | None = None
    for peer in PEERS:
        if (given.only and given.only not in peer.name) or not there(peer):
            continue
        with tempfile.TemporaryDirectory(prefix="seatrial-bench-") as name:
            out = Path(name)
            timing = simulator.Timing(ttft=TTFT, itl=ITL, max_output=EVENTS)
            with simulator.running(timing, truth=out / "truth.jsonl", cpu=pinned[0] if pinned else None) as url:
                prefix = ["taskset", "-c", str(pinned[1])] if pinned else []
                cost = run([*prefix, *peer.command(url, given.streams, given.requests, out)], out, given.limit)
            try:
                figures: Any = peer.figures(out)
            except (OSError, StopIteration, KeyError, ValueError):
                print(f"{peer.name:<20} no figures; exit code {cost.code}: {cost.said[:90]}")
                continue
            true = truth(out / "truth.jsonl")
        each = cost.cpu_s / events * 1e6
        base = base or each
        line = (
            f"{peer.name:<20}{cost.cpu_s:>8.2f}{each:>10.1f}{each / base:>7.2f}{cost.pss_mb:>8.0f}{cost.wall_s:>8.1f}"
        )
        for metric in ("ttft", "itl"):
            for p in ("p50", "p99"):
                line += f"{figures[metric][p] - true[metric][p]:>+{10 if (metric, p) == ('ttft', 'p50') else 9}.2f}"
        print(line, flush=True)


if __name__ == "__main__":
    main()
