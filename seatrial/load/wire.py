"""Connections of the load path: raw sockets, read by one watcher of the event loop.

All sockets that are ready in one turn are read and stamped before the first byte of any is parsed, so what one stream
costs does not show in the times of the others. No greenlet waits for an event: that would cost two switches and two
calls of epoll_ctl for each.
"""

from __future__ import annotations

import _socket  # the real class: importing locust replaces `socket.socket` by one that blocks greenlets
import contextlib
import errno
import os
import socket
import ssl
import sys
from time import perf_counter_ns
from typing import Any, Protocol

import gevent
from gevent.hub import get_hub
from gevent.monkey import get_original

from seatrial.load.address import Address, Failure, Resolver

_READ = 16384
"""Bytes of one read: a small buffer is cheaper to get, and what does not fit is read in the loop's next turn."""
_READABLE, _WRITABLE = 1, 2
_PATIENCE_S = 0.25
"""How often a request that the server does not read looks whether it is still wanted."""
_TURN_NS = 1_000_000
"""How long reading goes on before other greenlets have their turn."""


class Sink(Protocol):
    """What takes the bytes of a connection. It wants no more of them once `end_ns` is set."""

    end_ns: int

    def receive(self, at_ns: int, data: bytes) -> None:
        """Bytes of the response; `b""` is the end of the connection."""

    def broken(self, at_ns: int, failure: Failure) -> None:
        """The connection is gone."""


class Intake:
    """Reads every connection of this thread's hub.

    The sockets are in a set of their own (epoll or kqueue), and the event loop watches that set alone: a callback of the
    loop for each socket costs more than the read.
    """

    def __init__(self) -> None:
        self._connections: dict[int, Connection] = {}
        self._set = _poller()
        self._watcher = get_hub().loop.io(self._set.fileno(), _READABLE)
        self._watcher.start(self._ready)

    def add(self, connection: Connection, fd: int) -> None:
        """Begins to read that connection."""
        self._connections[fd] = connection
        self._set.register(fd, _READABLE)

    def remove(self, fd: int) -> None:
        """Reads it no more; before its socket is closed."""
        if self._connections.pop(fd, None) is not None:
            self._set.unregister(fd)

    def _ready(self) -> None:
        poll, connections, clock = self._set.poll, self._connections, perf_counter_ns
        until = clock() + _TURN_NS
        while True:
            ready = poll(0)
            if not ready:
                return
            batch = []
            for fd, _ in ready:
                connection = connections[fd]
                try:
                    data = connection.recv(_READ)
                except BlockingIOError:
                    continue
                except OSError as error:
                    connection.error, data = error, b""
                batch.append((connection, clock(), data))
                if not data:
                    connection.open = False
                    self.remove(fd)
            for connection, at_ns, data in batch:
                sink = connection.sink
                if data and sink is not None and connection.plain:
                    sink.receive(at_ns, data)
                else:
                    connection.take(at_ns, data)
            if clock() > until:
                return  # the set stays readable: the loop comes back after its other work


class _Kqueue:
    """kqueue by the interface of epoll."""

    def __init__(self) -> None:
        select: Any = __import__("select")  # its names are there on BSD and macOS alone
        self._select, self._queue = select, select.kqueue()
        self.fileno = self._queue.fileno

    def register(self, fd: int, events: int) -> None:
        self._queue.control([self._select.kevent(fd, self._select.KQ_FILTER_READ, self._select.KQ_EV_ADD)], 0)

    def unregister(self, fd: int) -> None:
        self._queue.control([self._select.kevent(fd, self._select.KQ_FILTER_READ, self._select.KQ_EV_DELETE)], 0)

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        return [(event.ident, _READABLE) for event in self._queue.control(None, 1024, timeout)]


def _poller() -> Any:
    # The real classes: importing locust replaces those of `select`.
    return get_original("select", "epoll")() if sys.platform == "linux" else _Kqueue()


_intakes: dict[int, Intake] = {}


def intake() -> Intake:
    """The intake of this thread's hub."""
    hub = get_hub()
    found = _intakes.get(id(hub))
    if found is None:
        found = _intakes[id(hub)] = Intake()
    return found


class Connection:
    """One TCP or TLS connection to the target."""

    __slots__ = (
        "_fd",
        "_incoming",
        "_outgoing",
        "_sock",
        "_tls",
        "connect_ns",
        "error",
        "open",
        "plain",
        "recv",
        "sink",
        "used",
    )

    def __init__(self) -> None:
        self.sink: Sink | None = None
        self.open = False
        self.used = 0  # requests sent on it
        self.connect_ns = 0
        self.plain = True  # no TLS
        self.error: OSError | None = None  # what the last read ended with
        self._sock: Any = None
        self._tls: Any = None
        self._fd = -1
        self.recv: Any = None

    @classmethod
    def to(cls, resolver: Resolver, context: ssl.SSLContext | None, timeout_s: float) -> Connection:
        """A connection, TLS agreed. `connect_ns` is how long that took. Raises Failure."""
        connection = cls()
        began = perf_counter_ns()
        timer = gevent.Timeout(timeout_s)
        timer.start()
        try:
            connection._reach(resolver)
            if context is not None:
                connection._agree(context, resolver.address.host)
        except gevent.Timeout as caught:
            connection.close()
            if caught is not timer:
                raise
            raise Failure("timeout.connect", f"no connection within {timeout_s:g} s") from None
        except OSError as error:  # an SSLError is one
            connection.close()
            said = error.reason if isinstance(error, ssl.SSLError) and error.reason else str(error)
            raise Failure("connect.tls", said) from None
        except BaseException:
            connection.close()
            raise
        finally:
            timer.close()
        connection.connect_ns = perf_counter_ns() - began
        connection.open = True
        connection._watch()
        return connection

    def _reach(self, resolver: Resolver) -> None:
        """Connects to the first address that answers. Raises Failure."""
        places = resolver.all()
        for place in places:
            try:
                self._connect(*place)
            except OSError as error:
                self.close()
                if place is places[-1]:
                    name = "refused" if error.errno == errno.ECONNREFUSED else "failed"
                    if error.errno in (errno.EMFILE, errno.ENFILE):
                        name = "no_descriptors"
                    raise Failure(f"connect.{name}", os.strerror(error.errno or 0)) from None
            else:
                resolver.worked(place)
                return

    def _connect(self, family: int, where: Any) -> None:
        sock = self._sock = _socket.socket(family, socket.SOCK_STREAM)
        sock.setblocking(False)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        code = sock.connect_ex(where)
        if code in (errno.EINPROGRESS, errno.EWOULDBLOCK):
            self._wait(_WRITABLE)
            code = sock.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if code:
            raise OSError(code, os.strerror(code))

    def _wait(self, events: int) -> None:
        hub = get_hub()
        watcher = hub.loop.io(self._sock.fileno(), events)
        try:
            hub.wait(watcher)
        finally:
            watcher.close()

    def _agree(self, context: ssl.SSLContext, host: str) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=host)
        while True:
            try:
                tls.do_handshake()
                self._push(self._outgoing.read())
                break
            except ssl.SSLWantReadError:
                self._push(self._outgoing.read())
                self._wait(_READABLE)
                try:
                    data = self._sock.recv(_READ)
                except BlockingIOError:
                    continue
                except OSError as error:
                    raise Failure("connect.tls", os.strerror(error.errno or 0)) from None
                if not data:
                    raise Failure("connect.tls", "the connection was closed in the handshake") from None
                self._incoming.write(data)
        self._tls, self.plain = tls, False

    def _watch(self) -> None:
        self.recv = self._sock.recv
        self._fd = self._sock.fileno()
        intake().add(self, self._fd)

    def take(self, at_ns: int, data: bytes) -> None:
        """Gives what was read to the sink, decrypted. Called by the intake alone."""
        if self.error is not None and not data:
            self.open = False
            if self.sink is not None:
                name = "reset" if self.error.errno in (errno.ECONNRESET, errno.EPIPE) else "failed"
                self.sink.broken(at_ns, Failure(f"connection.{name}", os.strerror(self.error.errno or 0)))
            return
        if self._tls is not None:
            try:
                data = self._decrypted(data)
            except ssl.SSLError as error:
                self.open = False
                if self.sink is not None:
                    self.sink.broken(at_ns, Failure("connection.tls", error.reason or str(error)))
                return
            if not data and self.open:
                return
        if self.sink is not None:
            self.sink.receive(at_ns, data)
        else:
            self.open = False  # bytes that nobody asked for, or the end: not to be used again

    def _decrypted(self, data: bytes) -> bytes:
        if data:
            self._incoming.write(data)
        else:
            self._incoming.write_eof()
        parts = []
        while True:
            try:
                part = self._tls.read(_READ)
            except (ssl.SSLWantReadError, ssl.SSLZeroReturnError, ssl.SSLEOFError):
                break
            if not part:
                break
            parts.append(part)
        pending = self._outgoing.read()
        if pending:
            self._push(pending, wait=False)
        return b"".join(parts)

    def send(self, data: bytes) -> None:
        """Every byte is with the kernel. Raises Failure."""
        self.used += 1
        try:
            if self._tls is not None:
                self._tls.write(data)
                data = self._outgoing.read()
            self._push(data)
        except OSError as error:
            self.open = False
            raise Failure("connection.reset", os.strerror(error.errno or 0)) from None

    def _push(self, data: bytes, wait: bool = True) -> None:
        view = memoryview(data)
        while view:
            try:
                view = view[self._sock.send(view) :]
            except BlockingIOError:
                if not wait:
                    return
                with gevent.Timeout(_PATIENCE_S, False):
                    self._wait(_WRITABLE)
                if self.sink is not None and self.sink.end_ns:
                    # Answered, or given up, before it was read: the rest is not sent.
                    self.open = False
                    return

    def close(self) -> None:
        """The socket is closed; nothing more comes from it."""
        self.open = False
        self.sink = None
        if self._fd >= 0:
            intake().remove(self._fd)
            self._fd = -1
        if self._sock is not None:
            with contextlib.suppress(OSError):
                self._sock.close()
            self._sock = None


class Pool:
    """Connections that lie idle, last used first, as the pools of the SDKs do. There is no cap."""

    def __init__(self, address: Address, connect_s: float, verify: bool = True, reuse: bool = True) -> None:
        self.resolver, self.reuse, self._connect_s = Resolver(address), reuse, connect_s
        self._idle: list[Connection] = []
        self._context: ssl.SSLContext | None = None
        if address.scheme == "https":
            self._context = ssl.create_default_context()
            if not verify:
                self._context.check_hostname = False
                self._context.verify_mode = ssl.CERT_NONE

    def take(self) -> Connection:
        """An open connection, an idle one if there is. Raises Failure."""
        while self._idle:
            connection = self._idle.pop()
            if connection.open:
                return connection
            connection.close()
        return self.fresh()

    def fresh(self) -> Connection:
        """A new connection. Raises Failure."""
        return Connection.to(self.resolver, self._context, self._connect_s)

    def give(self, connection: Connection, reusable: bool) -> None:
        """Takes a connection back, and closes it where it cannot serve again."""
        connection.sink = None
        if reusable and self.reuse and connection.open:
            self._idle.append(connection)
        else:
            connection.close()

    def close(self) -> None:
        """Every idle connection is closed."""
        while self._idle:
            self._idle.pop().close()
