"""Load tests as their users start them, and the simulator they are played against."""

from __future__ import annotations

import contextlib
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from seatrial import schema, simulator

KEY = "sk-canary-5f2e81c0"
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "seatrial", "load", *words]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OPENAI_API_KEY": KEY, "COLUMNS": "100", **more}


def load(out: Path, *words: str, timeout: float = 60, **env: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, load.json (empty where there is none) and all that was printed."""
    done = subprocess.run(
        [*command(*words), "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(**env),
        check=False,
    )
    path = out / "load.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    if found:
        assert not schema.errors(found, "load.schema.json")
        for file in [*out.rglob("*")]:
            if file.is_file() and file.suffix != ".html":
                assert KEY not in file.read_text("utf-8", "replace"), file
        assert KEY not in said
        assert (out / "report.html").stat().st_size > 1_000_000  # with its plotting library: it needs no network
    return done.returncode, found, said


def requests(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "requests.jsonl").read_text().splitlines()]


@contextlib.contextmanager
def simulated(truth: Path | None = None, **timing: Any) -> Iterator[str]:
    with simulator.running(simulator.Timing(**timing), truth=truth) as url:
        yield url


def wait_for(ready: Callable[[], Any], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
