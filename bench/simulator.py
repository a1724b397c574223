"""How many streamed events a second the simulator carries on one core, and how late they are.

    python bench/simulator.py [--streams N] [--itl MS] [--tokens N]

The simulator is pinned to the last CPU, a client that only counts bytes to the first one. "Late" is the send time of an
event against the schedule that its first token set.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from seatrial.simulator import Timing, running

TTFT_MS = 1000.0


def drain(url: str, streams: int, tokens: int) -> None:
    """So many streams at once, read to their ends and not looked at."""
    host, port = url.removeprefix("http://").removesuffix("/v1").split(":")
    ask = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": True, "max_tokens": tokens}
    body = json.dumps(ask).encode()
    head = f"POST /v1/chat/completions HTTP/1.1\r\nHost: {host}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    selector = selectors.DefaultSelector()
    for _ in range(streams):
        sock = socket.create_connection((host, int(port)))
        sock.sendall(head + body)
        selector.register(sock, selectors.EVENT_READ, [b""])
    left, end = streams, time.monotonic() + 120
    buffer = bytearray(1 << 16)
    while left and time.monotonic() < end:
        for key, _ in selector.select(1):
            count = key.fileobj.recv_into(buffer)
            tail = key.data[0] + bytes(buffer[max(0, count - 5) : count])
            key.data[0] = tail[-5:]
            if not count or tail.endswith(b"0\r\n\r\n"):
                selector.unregister(key.fileobj)
                key.fileobj.close()
                left -= 1
        time.sleep(0.002)  # it reads in bunches, so that it costs little
    if left:
        raise SystemExit(f"{left} streams did not end")


def measure(streams: int, itl: float, tokens: int) -> str:
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else [0]
    with tempfile.TemporaryDirectory() as folder:
        truth = Path(folder) / "truth.jsonl"
        with running(Timing(ttft=TTFT_MS, itl=itl), truth, cpus[-1]) as url:
            if hasattr(os, "sched_setaffinity"):
                os.sched_setaffinity(0, {cpus[0]})
            drain(url, streams, tokens)
            with urllib.request.urlopen(f"{url}/seatrial/stats") as answer:  # noqa: S310
                cpu = json.load(answer)["cpu_s"]
        rows = [json.loads(line) for line in truth.read_text().splitlines()]
    rows = [row for row in rows if row["event_ns"]]
    late = sorted(
        (at - row["started_ns"]) / 1e6 - TTFT_MS - number * itl
        for row in rows
        for number, at in enumerate(row["event_ns"])
    )
    begin, end = min(row["first_token_ns"] for row in rows), max(row["last_token_ns"] for row in rows)
    offered = f"{1000 / itl * streams:>8,.0f}/s offered, " if itl else ""
    shown = (
        ""
        if not itl
        else f", late p50 {late[len(late) // 2]:.2f} p99 {late[len(late) * 99 // 100]:.2f} max {late[-1]:.2f} ms"
    )
    rate = len(late) / (end - begin) * 1e9
    return f"{streams:>5} streams, itl {itl:g} ms: {offered}{rate:>8,.0f} events/s, {cpu / len(late) * 1e6:.1f} us CPU each{shown}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--streams", type=int, nargs="*", default=[64, 256, 512, 800, 1000, 1200])
    parser.add_argument("--itl", type=float, default=20.0)
    parser.add_argument("--tokens", type=int, default=200)
    given = parser.parse_args()
    for streams in given.streams:
        print(measure(streams, given.itl, given.tokens), flush=True)
    print(measure(64, 0, 5000), flush=True)


if __name__ == "__main__":
    main()
