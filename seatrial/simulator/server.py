"""The simulated server: which path does what."""

from __future__ import annotations

import gc
import os
import socket
from collections.abc import Callable
from functools import partial
from pathlib import Path
from time import perf_counter_ns

import orjson

from seatrial.simulator import ask, plain
from seatrial.simulator.ask import Ask
from seatrial.simulator.batch import Batches
from seatrial.simulator.engine import Engine
from seatrial.simulator.http import Connection
from seatrial.simulator.loop import Life, Loop
from seatrial.simulator.parse import Refused, Request, form
from seatrial.simulator.queue import Queue
from seatrial.simulator.timing import PLAIN_FAULTS, STREAM_FAULTS, Timing
from seatrial.simulator.truth import Truth
from seatrial.simulator.works import Plain, Stream, respond

Handle = Callable[[Connection, Request], None]
ENDPOINTS = ("chat/completions", "completions", "responses", "embeddings", "audio/speech", "audio/transcriptions")
AUDIO_FAULTS = ("reset", "http-500", "truncated", "hang", "empty")
COLLECT_NS = 1_000_000_000


class Server:
    """Answers requests of connections; the model's work is done by the engine."""

    def __init__(self, timing: Timing, loop: Loop, truth: Truth) -> None:
        self.timing, self.loop = timing, loop
        self.engine = Engine(timing, loop, truth)
        self.queue = Queue(self.engine)
        self.batches = Batches(self.engine, self.queue)
        self.routes: dict[tuple[str, str], Handle] = {
            ("GET", "/v1/models"): self._models,
            ("GET", "/queue/models"): self._models,
            ("GET", "/v1/seatrial/stats"): self._stats,
            **{("POST", f"/v1/{operation}"): partial(self._ask, operation) for operation in ENDPOINTS},
            **self.queue.routes(),
            **self.batches.routes(),
        }

    def handle(self, conn: Connection, request: Request) -> None:
        """Answers the request, now or later. Raises Refused."""
        path = request.path.rstrip("/")
        found = self.routes.get((request.method, path)) or self._family(request, path)
        if found is None:
            methods = sorted({method for method, known in self.routes if known == path})
            if methods:
                message = f"Not allowed to {request.method} on {path}"
                raise Refused(405, message, allow=", ".join(methods))
            raise Refused(404, f"Invalid URL ({request.method} {path})")
        found(conn, request)

    def _family(self, request: Request, path: str) -> Handle | None:
        """The handler of a path in which `*` stands for an id, which is noted in the request."""
        words = path.split("/")
        for at in range(min(len(words), 8) - 1, 1, -1):
            handle = self.routes.get((request.method, "/".join([*words[:at], "*", *words[at + 1 :]])))
            if handle is not None:
                request.id = words[at]
                return handle
        return None

    def _models(self, conn: Connection, request: Request) -> None:
        conn.reply(200, plain.models())

    def _stats(self, conn: Connection, request: Request) -> None:
        conn.reply(200, orjson.dumps(self.engine.stats()))

    def _ask(self, operation: str, conn: Connection, request: Request) -> None:
        if operation == "audio/transcriptions":
            parts = form(request)
            if "file" not in parts or "model" not in parts:
                raise Refused(400, "The form has no file, or no model.")
            size = len(parts["file"].data)
            prompt = parts["prompt"].data.decode("utf-8", "replace") if "prompt" in parts else ""
            nonce = ask.NONCE.search(prompt)
            model = parts["model"].data.decode("utf-8", "replace")
            wanted = Ask(operation, model, max(1, size // 1000), nonce[1] if nonce else None)
        else:
            body = request.json()
            wanted = ask.read(operation, body, self.timing)
            if operation == "responses" and body.get("background") is True:
                self.queue.background(conn, request, wanted)
                return
        if wanted.streams:
            kinds = AUDIO_FAULTS if operation == "audio/speech" else STREAM_FAULTS
            fault = self.engine.draw(kinds)
            self.engine.submit(Stream(self.engine, wanted, request.received_ns, fault, conn))
        else:
            fault = self.engine.draw(PLAIN_FAULTS)
            work = Plain(self.engine, wanted, request.received_ns, fault, partial(respond, conn))
            conn.left = partial(self.engine.cancel, work)
            self.engine.submit(work)

    def collecting(self) -> Life:
        """Collects garbage when nothing runs: a collection takes milliseconds, which would be a stream's."""
        while True:
            if not self.engine.busy and not self.engine.line:
                gc.collect()
            yield perf_counter_ns() + COLLECT_NS


def _open(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), backlog=4096, family=family)
    listener.setblocking(False)
    return listener


def _raise_limit() -> None:
    """As many open connections as the system lets it have."""
    try:
        import resource
    except ImportError:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def serve(
    timing: Timing,
    host: str = "127.0.0.1",
    port: int = 0,
    ready: Callable[[int], None] | None = None,
    truth: Path | str | None = None,
    cpu: int | None = None,
) -> None:
    """Serves until SIGINT or SIGTERM; `ready` is called with the port once it is bound. Raises OSError.

    With `cpu` the process is pinned to it, where the system can.
    """
    if cpu is not None and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {cpu})
    _raise_limit()
    loop, rows = Loop(), Truth(truth)
    server = Server(timing, loop, rows)
    with _open(host, port) as listener:

        def accept(mask: int) -> None:
            for _ in range(64):
                try:
                    sock, _ = listener.accept()
                except OSError:
                    return
                Connection(loop, sock, server.handle)

        loop.watch(listener, accept)
        loop.run(rows.life())
        loop.run(server.collecting())
        gc.collect()
        gc.freeze()
        gc.disable()
        if ready is not None:
            ready(listener.getsockname()[1])
        try:
            loop.forever()
        finally:
            gc.enable()
            server.engine.close()
            rows.close()
