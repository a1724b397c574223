"""One request on the load path: its bytes out, its answer in, its clocks."""

from __future__ import annotations

from collections.abc import Iterable
from time import perf_counter_ns
from typing import Any

import gevent
import httptools
from gevent.hub import Waiter, get_hub

from seatrial import weight
from seatrial.load.address import Failure
from seatrial.load.options import Limits
from seatrial.load.reading import HEAVY, Reading
from seatrial.load.wire import Connection, Pool

KEEP_BYTES = 1 << 20
"""Raw bytes kept of one answer until it is known whether it will be judged."""
_MOST_HEAD = 256 << 10
_LINGER_NS = 1_000_000_000
"""How long the end of the body is waited for after `[DONE]`: clients do not wait for it at all."""


_LEFT = ("connection.closed", "connection.reset")


class Calls:
    """The calls under way in this process, and the bounds they are held to."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.most = int(limits.mib * (1 << 20))  # bytes of one answer, headers and all
        self.active: set[Call] = set()

    def sweep(self) -> None:
        """Ends every call that is past a limit. To be called a few times a second."""
        now = perf_counter_ns()
        first, idle, total = (int(s * 1e9) for s in (self.limits.first, self.limits.idle, self.limits.total))
        for call in tuple(self.active):
            if now - call.sent_ns > total:
                call.fail(now, Failure("timeout.total", f"no end within {self.limits.total:g} s"))
            elif call.reading.streamed and not call.reading.at and now - call.sent_ns > first:
                call.fail(now, Failure("timeout.first_token", f"no token within {self.limits.first:g} s"))
            elif call.reading.done and now - call.last_ns > _LINGER_NS:
                call.left_open()
            elif call.last_ns and now - call.last_ns > idle:
                call.fail(now, Failure("timeout.idle", f"nothing for {self.limits.idle:g} s"))

    def end(self, calls: Iterable[Call] | None = None) -> None:
        """Ends calls that the run does not wait for any longer."""
        now = perf_counter_ns()
        for call in tuple(self.active if calls is None else calls):
            call.fail(now, Failure("unfinished", "the run ended first"))


class Call:
    """One request and what came of it. After `play`, `failure` is None or says why there is no success.

    Clocks are nanoseconds of the monotonic clock; 0 stands for what did not happen.
    """

    __slots__ = (
        "_calls",
        "_complete",
        "_framed",
        "_informational",
        "_parser",
        "_waiter",
        "chunked",
        "connect_ns",
        "counted",
        "end_ns",
        "failure",
        "headers",
        "headers_ns",
        "keep_alive",
        "last_ns",
        "on_body",
        "planned_ns",
        "raw",
        "raw_ns",
        "reading",
        "received",
        "request",
        "scenario",
        "sent_ns",
        "status",
        "tags",
    )

    def __init__(self, calls: Calls, scenario: str, reading: Reading, planned_ns: int, counted: bool = True) -> None:
        self._calls = calls
        self.scenario, self.reading, self.counted = scenario, reading, counted
        self.planned_ns, self.sent_ns, self.connect_ns = planned_ns, 0, 0
        self.headers_ns = self.end_ns = self.last_ns = 0
        self.status = 0
        self.headers: dict[str, str] = {}
        self.failure: Failure | None = None
        self.raw: list[bytes] = []  # two lists: a tuple for each read is one more object to collect
        self.raw_ns: list[int] = []
        self.tags: dict[str, Any] = {}
        self.request = b""
        self.keep_alive = self._complete = self._framed = self._informational = False
        self.received = 0  # bytes
        self._parser: Any = None
        self.on_body: Any = None
        self._waiter: Any = None

    def play(self, pool: Pool, request: bytes) -> None:
        """Sends the request at its planned time, its connection open by then, and waits for its end. A fault of the target
        is in `failure`, never raised."""
        connection: Connection | None = None
        self.request = request
        try:
            connection = pool.take()
            while (left := self.planned_ns - perf_counter_ns()) > 0:
                gevent.sleep(left / 1e9)  # more than once: the loop's clock may be ahead of this one
            if not connection.open:  # closed in the meantime
                pool.give(connection, False)
                connection = pool.fresh()
            kept = bool(connection.used)
            try:
                self.wait_on(connection, request)
            except Failure as failure:
                self.failure = self.failure or failure
            if kept and not self.received and self.failure is not None and self.failure.name in _LEFT:
                # RFC 9112, 9.3.1: a kept connection may be closed at any time; the request goes out on a new one.
                pool.give(connection, False)
                connection = pool.fresh()
                self.tags["reconnected"] = True
                self.failure, self.end_ns, sent = None, 0, self.sent_ns
                self.wait_on(connection, request)
                self.sent_ns = sent
            if connection.used == 1:
                self.connect_ns = connection.connect_ns
        except Failure as failure:
            self.failure = self.failure or failure
            self.end_ns = self.end_ns or perf_counter_ns()
        except BaseException:
            self.failure = Failure("unfinished", "the run ended first")
            self.end_ns = perf_counter_ns()
            raise
        finally:
            if connection is not None:
                pool.give(connection, self._complete and self.keep_alive and self.failure is None)

    def wait_on(self, connection: Connection, request: bytes) -> None:
        """Sends on that connection, and returns once the answer is complete or has failed. Raises Failure."""
        self.on_body = self.reading.take  # a piece of the body, without its transfer coding
        self._parser = httptools.HttpResponseParser(self)
        self._waiter = Waiter()
        connection.sink = self
        active = self._calls.active
        active.add(self)
        self.sent_ns = perf_counter_ns()
        try:
            if not self.planned_ns:
                self.planned_ns = self.sent_ns
            connection.send(request)
            if not self.end_ns:
                self._waiter.get()
        finally:
            active.discard(self)
            connection.sink = None
            self._parser = self._waiter = None  # they refer back to this call
            self.on_body = None

    # What the connection gives.

    def receive(self, at_ns: int, data: bytes) -> None:
        """Parses the bytes; wakes the waiting greenlet at the end."""
        if self.end_ns:
            self.keep_alive = False
            return
        self.last_ns = self.reading.now = at_ns
        if not data:
            self._closed(at_ns)
            return
        self.received += len(data)
        if self.received < KEEP_BYTES:
            self.raw.append(data)
            self.raw_ns.append(at_ns)
        if self.received > self._calls.most:
            self.fail(at_ns, Failure("body.too_large", f"larger than {self._calls.limits.mib:g} MiB"))
            return
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            self.fail(at_ns, Failure("http.malformed", "an upgrade that nobody asked for"))
        except httptools.HttpParserError as error:
            if self._complete:  # bytes after the end of the answer
                self.keep_alive = False
                return
            self.fail(at_ns, Failure("http.malformed", str(error)[:200]))
        if not self.headers_ns and self.received > _MOST_HEAD:
            self.fail(at_ns, Failure("http.too_large", f"headers larger than {_MOST_HEAD >> 10} KiB"))

    def broken(self, at_ns: int, failure: Failure) -> None:
        """The connection failed."""
        self.fail(at_ns, failure)

    def _closed(self, at_ns: int) -> None:
        if self.headers_ns and not self._framed:
            self.keep_alive = False
            self._end(at_ns)  # the end of the connection is the end of the body
        elif self.headers_ns:
            self.fail(at_ns, Failure("connection.truncated", "closed inside the body"))
        else:
            self.fail(at_ns, Failure("connection.closed", "closed without an answer"))

    def fail(self, at_ns: int, failure: Failure) -> None:
        """Ends the call with that failure, unless it has ended."""
        if not self.end_ns:
            self.failure = failure
            self._end(at_ns)

    def left_open(self) -> None:
        """Ends the call as of its last byte: the answer is whole, and its connection is held open."""
        self.reading.odd = self.reading.odd or "held open after [DONE]"
        self.keep_alive = False
        self._end(self.last_ns)

    def _end(self, at_ns: int) -> None:
        self.end_ns = at_ns
        if self.received > weight.LIGHT and self.failure is None and self.reading.heavy:
            self.failure = HEAVY
        if self._waiter is not None:
            get_hub().loop.run_callback(self._waiter.switch, None)

    # What the parser finds.

    def on_message_begin(self) -> None:
        """An answer begins. Raises ValueError where one is there already: the second is nobody's."""
        if self._complete:
            raise ValueError("an answer that nobody asked for")

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header line, or a trailer."""
        if self.headers_ns:
            return
        key = name.decode("latin-1").lower()
        self.headers[key] = value.decode("latin-1")
        if key in ("content-length", "transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        """The status line and the headers are there."""
        self.status = self._parser.get_status_code()
        self._informational = 100 <= self.status < 200
        if self._informational:
            self.headers.clear()
            self._framed = False
            return
        self.headers_ns = self.last_ns
        self.keep_alive = self._parser.should_keep_alive()
        self.reading.begin(self.status, self.headers)
        coding = self.headers.get("transfer-encoding", "chunked").strip().lower()
        if coding not in ("chunked", "identity", ""):
            # RFC 9112, 6.1: what it holds cannot be read, whatever it looks like.
            self.fail(self.last_ns, Failure("http.malformed", f"Transfer-Encoding: {coding[:40]!r}"))

    def on_message_complete(self) -> None:
        """The framing says that the answer is complete."""
        if self._informational:
            return
        self._complete = True
        if not self.end_ns:
            self._end(self.last_ns)
