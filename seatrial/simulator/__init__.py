"""A simulated OpenAI-compatible backend whose every time is known: what a load client measures is compared with it.

It shares no code with the checks or the load client, and runs in a process of its own.
"""

from __future__ import annotations

import contextlib
import selectors
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from seatrial.simulator.timing import Flag, Timing, arguments, flags, timing_of

START_S = 20.0
"""Seconds that a simulator may take to listen."""


def serve(
    timing: Timing,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[int], None] | None = None,
    truth: Path | str | None = None,
    cpu: int | None = None,
) -> None:
    """Serves in this process until SIGINT or SIGTERM; `ready` is called with the port. Raises OSError."""
    from seatrial.simulator.server import serve

    serve(timing, host, port, ready, truth, cpu)


@contextlib.contextmanager
def running(timing: Timing, truth: Path | str | None = None, cpu: int | None = None) -> Iterator[str]:
    """A simulator in a process of its own; its base URL. It ends with the block, its truth file is whole then.

    Raises OSError where it does not listen in time.
    """
    command = [sys.executable, "-m", "seatrial.simulator", *arguments(timing)]
    command += ["--truth", str(truth)] if truth is not None else []
    command += ["--cpu", str(cpu)] if cpu is not None else []
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL)
    try:
        yield _url(process)
    finally:
        process.terminate()
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)
        if process.stdout is not None:
            process.stdout.close()


def _url(process: subprocess.Popen[bytes]) -> str:
    assert process.stdout is not None
    line, end = b"", time.monotonic() + START_S
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        while not line.endswith(b"\n"):
            if not selector.select(max(0, end - time.monotonic())):
                raise OSError(f"the simulator did not listen within {START_S:.0f} s")
            piece = process.stdout.read1(256)  # type: ignore[attr-defined]
            if not piece:
                raise OSError(f"the simulator ended with code {process.wait(5)}")
            line += piece
    return line.decode().strip()


__all__ = ["Flag", "Timing", "arguments", "flags", "running", "serve", "timing_of"]
