"""HTTP/1.x connections: requests come in, answers go out, and it is told when the client leaves."""

from __future__ import annotations

import selectors
import socket
import struct
import time
from collections.abc import Callable, Mapping
from http import HTTPStatus
from time import perf_counter_ns

from seatrial.simulator import parse
from seatrial.simulator.loop import Life, Loop
from seatrial.simulator.parse import Refused, Request

JSON = "application/json"
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
HELD = 1 << 16
"""Bytes that a slow reader may have outstanding before its stream waits for it."""
PHRASES = {status.value: status.phrase for status in HTTPStatus}


class Gone(Exception):
    """The client has left."""


def frame(data: bytes) -> bytes:
    """One chunk of a chunked body."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def unframed(chunk: bytes) -> bytes:
    return chunk[chunk.index(b"\r\n") + 2 : -2]


LAST = b"0\r\n\r\n"


class Connection:
    """One client. `handle` gets each request when the one before is answered; `left` is called if it goes meanwhile."""

    __slots__ = (
        "_came",
        "_data",
        "_head",
        "_out",
        "_queued",
        "_reading",
        "busy",
        "chunked",
        "closed",
        "ending",
        "handle",
        "keeps",
        "left",
        "loop",
        "sock",
    )

    def __init__(self, loop: Loop, sock: socket.socket, handle: Callable[[Connection, Request], None]) -> None:
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.loop, self.sock, self.handle = loop, sock, handle
        self._data, self._out = bytearray(), bytearray()
        self._head: Request | None = None
        self._came = 0
        self._queued = self._reading = self.busy = self.closed = self.ending = False
        self.keeps = self.chunked = True
        self.left: Callable[[], None] | None = None
        loop.watch(sock, self._ready)

    # Reading

    def _ready(self, mask: int) -> None:
        if mask & WRITE:
            self._drain()
        if mask & READ and not self.closed:
            try:
                data = self.sock.recv(1 << 18)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                self._leave()
            elif not self.ending:
                self._data += data
                if self.busy and len(self._data) > parse.BODY_LIMIT:
                    self._leave()
                else:
                    self._came = perf_counter_ns()
                    if not self._queued:
                        self._queued = True
                        self.loop.later(self._parse)

    def _parse(self) -> None:
        self._queued = False
        self._read(self._came)

    def _read(self, now: int) -> None:
        if self._reading:
            return
        self._reading = True
        while self._data and not (self.busy or self.ending or self.closed):
            try:
                request = self._request()
                if request is None:
                    break
                request.received_ns = now
                self.busy, self.chunked = True, not request.http10
                self.keeps = request.keeps and request.method != "HEAD"  # it would not expect our bodies
                self.handle(self, request)
            except Refused as error:
                if not self.busy:  # its framing is lost, and with it the connection
                    self.busy, self.keeps = True, False
                self.refuse(error)
        self._reading = False

    def _request(self) -> Request | None:
        data = self._data
        if self._head is None:
            while data.startswith(b"\r\n"):
                del data[:2]
            end = data.find(b"\r\n\r\n", 0, parse.HEAD_LIMIT)
            if end < 0:
                if len(data) >= parse.HEAD_LIMIT:
                    raise Refused(431, "The headers are too large.")
                if b"\n\n" in data or (b"\n" in data and b"\r\n" not in data):
                    raise Refused(400, "Lines end in CRLF.")
                return None
            self._head = parse.head(bytes(data[:end]))
            del data[: end + 4]
            waits = self._head.headers.get("expect", "").lower() == "100-continue"
            if waits and not self._head.http10 and self._head.length != 0 and not data:
                self.say(b"HTTP/1.1 100 Continue\r\n\r\n")
        request = self._head
        if request.length is None:
            found = parse.chunked(data, 0)
            if found is None:
                if len(data) > 2 * parse.BODY_LIMIT:
                    raise Refused(413, "The body is too large.")
                return None
            request.body, end = found
        else:
            end = request.length
            if len(data) < end:
                return None
            request.body = bytes(data[:end])
        del data[:end]
        self._head = None
        return request

    # Writing

    def write(self, data: bytes) -> None:
        """Sends at once what the socket takes and the rest when it takes more. Raises Gone."""
        if not self._out:
            try:
                sent = self.sock.send(data)
            except BlockingIOError:
                sent = 0
            except OSError:
                self.close()
                raise Gone from None
            if sent == len(data):
                return
            data = data[sent:]
            self.loop.watch(self.sock, self._ready, READ | WRITE)
        self._out += data

    def say(self, data: bytes) -> None:
        """As `write`, but a client that has left does not matter any more."""
        try:
            if not self.closed:
                self.write(data)
        except Gone:
            pass

    @property
    def held(self) -> bool:
        """Whether the client reads too slowly for more to be sent."""
        return len(self._out) > HELD

    def _drain(self) -> None:
        try:
            sent = self.sock.send(self._out)
        except BlockingIOError:
            return
        except OSError:
            self._leave()
            return
        del self._out[:sent]
        if not self._out:
            self.loop.watch(self.sock, self._ready)
            if self.ending:
                self._shut()

    def head(self, status: int, headers: Mapping[str, str], length: int | None) -> bytes:
        """The status line and headers; without a length the body is chunked, or ends with the connection."""
        lines = [f"HTTP/1.1 {status} {PHRASES[status]}", f"date: {_date(int(time.time()))}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if length is not None:
            lines.append(f"content-length: {length}")
        elif self.chunked:
            lines.append("transfer-encoding: chunked")
        if not self.keeps:
            lines.append("connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def reply(self, status: int, body: bytes, headers: Mapping[str, str] | None = None, media: str = JSON) -> int:
        """A whole answer; the time right before it was sent."""
        head = {"content-type": media} if body else {}
        data = self.head(status, head | dict(headers or {}), None if status == 204 else len(body))
        if status == 204:
            data = data.replace(b"transfer-encoding: chunked\r\n", b"")
        now = perf_counter_ns()
        self.say(data + body)
        self.finish()
        return now

    def refuse(self, error: Refused) -> int:
        return self.reply(error.status, error.body(), error.headers)

    # Ending

    def finish(self) -> None:
        """The request is answered: the next one, or the end."""
        self.left = None
        self.busy = False
        if not self.keeps:
            self.end()
        elif self._data:
            self._read(perf_counter_ns())

    def end(self) -> None:
        """Sends what is left, then FIN; what the client still says is read and dropped, lest it get a reset."""
        self.left = None
        self.ending = True
        if not self._out and not self.closed:
            self._shut()

    def _shut(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
            return
        self.loop.run(self._linger(), perf_counter_ns() + 2_000_000_000)

    def _linger(self) -> Life:
        self.close()
        return
        yield 0

    def reset(self) -> None:
        """Ends the connection with RST."""
        self.left = None
        if not self.closed:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()

    def _leave(self) -> None:
        left, self.left = self.left, None
        self.close()
        if left is not None:
            left()

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            self.loop.forget(self.sock)
            self.sock.close()
            self._out.clear()


_dates: dict[int, str] = {}


def _date(second: int) -> str:
    if second not in _dates:
        _dates.clear()
        _dates[second] = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(second))
    return _dates[second]
