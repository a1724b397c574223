"""How long a backend lives: it prints its base URL when it is healthy, and ends with whoever started it.

Of the standard library alone: a backend runs in an environment of its own, without the package's dependencies.
"""

from __future__ import annotations

import contextlib
import os
import select
import selectors
import signal
import socket
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path

_START_S = 600.0
KEY = "SEATRIAL_REAL_KEY"
"""The variable with the key that a backend asks of its clients."""


def first_line(process: subprocess.Popen[str]) -> str:
    """The line with the base URL, or nothing where the backend ended or took too long."""
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        end = time.monotonic() + _START_S
        while time.monotonic() < end and process.poll() is None:
            if selector.select(timeout=1.0):
                return process.stdout.readline().strip()
    return ""


@contextlib.contextmanager
def serving(command: list[str], environment: Mapping[str, str]) -> Iterator[str]:
    """The base URL of a backend, or nothing where it did not start. It ends with the block."""
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment, start_new_session=True
    ) as server:
        try:
            yield first_line(server).partition(" ")[0]
        finally:
            server.terminate()
            try:
                server.wait(15)
            except subprocess.TimeoutExpired:
                server.kill()


def healthy(url: str) -> bool:
    """Whether this address answers 200."""
    asked = urllib.request.Request(url, headers={"Authorization": f"Bearer {os.environ.get(KEY, '')}"})  # noqa: S310
    try:
        with urllib.request.urlopen(asked, timeout=2) as answer:  # noqa: S310 - loopback http only
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def left_alone(parent: int, stdin: int | None) -> bool:
    """Whether nobody is there any more who would stop this process: another parent, or the end of the input pipe."""
    if stdin is None:
        time.sleep(0.2)
    elif select.select([stdin], [], [], 0.2)[0] and not os.read(stdin, 4096):
        return True
    return os.getppid() != parent


def input_pipe() -> int | None:
    """The standard input where it is a pipe or socket: a terminal or /dev/null says nothing about who is there."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return None
    return 0 if stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) else None


def free_port() -> int:
    """A port of the loopback address that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def stay(command: list[str], port: int, health: str, log: Path, environment: Mapping[str, str]) -> int:
    """Runs a server of one process tree until its starter is gone, a signal comes or it ends.

    0 where it was ended from outside; 1 where it was not healthy in time or ended by itself, with one line that says so.
    """
    parent, stdin, address = os.getppid(), input_pipe(), f"http://127.0.0.1:{port}"
    ended: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: ended.append(number))
    log.parent.mkdir(parents=True, exist_ok=True)
    deadline, announced = time.monotonic() + _START_S, False
    with log.open("wb") as sink, subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=sink, stderr=sink, env=environment, start_new_session=True
    ) as server:  # fmt: skip
        try:
            while not ended and not left_alone(parent, stdin):
                if server.poll() is not None or (not announced and time.monotonic() > deadline):
                    print(f"seatrial: {command[0]} ended or was not healthy in time; see {log}", file=sys.stderr)
                    return 1
                if not announced and healthy(address + health):
                    announced = True
                    print(f"{address}/v1", flush=True)
            return 0
        finally:
            for number in (signal.SIGTERM, signal.SIGKILL):  # its workers too
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(server.pid, number)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    server.wait(5)
