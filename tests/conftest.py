"""Fixtures for the harness's tests of itself: the reference server, and a raw server that plays bytes."""

from __future__ import annotations

import contextlib
import os
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from seatrial import run
from tests import plants
from tests.runs import RUNS

Play = Callable[[socket.socket, bytes], None]


LONG = (
    "bad_days", "bad_targets", "baseline", "ci_recipes", "cli", "coverage", "generated", "hostile", "left_behind",
    "load_bad", "load_processes", "load_queues", "load_run", "load_secrets", "nightly", "plugin", "release", "sdk_suite",
    "stateful", "volume",
)  # fmt: skip
"""Files whose tests start programs and take seconds each."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Each worker begins with its share of the long tests: the last to run are short ones, and none waits alone."""
    workers = getattr(config, "workerinput", {}).get("workercount", 1)
    long = [item for item in items if item.path.stem.removeprefix("test_") in LONG]
    short = [item for item in items if item.path.stem.removeprefix("test_") not in LONG]
    if workers == 1 or len(items) < 100:
        return
    ordered: list[pytest.Item] = []
    for left in range(workers, 0, -1):  # as xdist's worksteal deals them out: equal numbers, in their order
        taken, size = len(long) // left, (len(items) - len(ordered)) // left
        ordered += [*long[:taken], *short[: size - taken]]
        long, short = long[taken:], short[size - taken :]
    items[:] = ordered


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--whole-gate", action="store_true", help="play the whole gate tier on every plant")
    parser.addoption("--note", action="store_true", help="note the cases that showed a plant late")


@pytest.fixture(scope="session", autouse=True)
def _shared_folder(tmp_path_factory: pytest.TempPathFactory) -> None:
    if os.environ.get("PYTEST_XDIST_WORKER"):
        plants.shared[:] = [tmp_path_factory.getbasetemp().parent]


def read_request(connection: socket.socket) -> bytes:
    """The head and body of one request; empty where the peer closed."""
    data = b""
    while b"\r\n\r\n" not in data:
        piece = connection.recv(65536)
        if not piece:
            return data
        data += piece
    head, _, body = data.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        if line.lower().startswith(b"content-length:"):
            length = int(line.split(b":")[1])
    while len(body) < length:
        piece = connection.recv(65536)
        if not piece:
            break
        body += piece
    return head + b"\r\n\r\n" + body


@contextlib.contextmanager
def raw_server(play: Play) -> Iterator[str]:
    """A server on loopback that hands each connection and its first request to `play`, then closes it."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.1)
    ended = threading.Event()
    open_connections: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.settimeout(20)
            play(connection, read_request(connection))

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                continue
            open_connections.append(connection)
            threading.Thread(target=serve, args=(connection,), daemon=True).start()

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        ended.set()
        listener.close()
        for connection in open_connections:
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        thread.join(2)


def answer(body: bytes, media: str = "application/json", status: str = "200 OK") -> bytes:
    """A whole HTTP/1.1 answer that closes the connection."""
    head = f"HTTP/1.1 {status}\r\ncontent-type: {media}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    return head.encode() + body


@pytest.fixture
def serving() -> Callable[[Play], contextlib.AbstractContextManager[str]]:
    return raw_server


@pytest.fixture(params=RUNS)
def any_run(request: pytest.FixtureRequest) -> run.Run:
    """Each of the runs made by hand."""
    return RUNS[request.param]()
