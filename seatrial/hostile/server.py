"""The listening side: a thread for each connection, plain sockets, and nothing between them and a behaviour."""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

from seatrial.hostile import Behaviour, tls
from seatrial.hostile.peer import Gone, Peer, dumped, error


class Server:
    """Listens for one behaviour, and beside it a trap: a port to which no key may ever be carried."""

    def __init__(self, behaviour: Behaviour, host: str = "127.0.0.1", port: int = 0) -> None:
        self.behaviour = behaviour
        self._ended = threading.Event()
        self._lock = threading.Lock()
        self._open: list[socket.socket] = []
        self._listener = _listener(behaviour.bind or host, port)
        self._trap = _listener("127.0.0.1", 0)
        closed = _listener("127.0.0.1", 0)
        self.trapped: list[bytes] = []
        """The head of every request that came to the trap."""
        self.port = int(self._listener.getsockname()[1])
        self.trap = int(self._trap.getsockname()[1])
        self.closed = int(closed.getsockname()[1])
        closed.close()
        self.state: dict[str, Any] = {"port": self.port, "trap": self.trap}

    @property
    def url(self) -> str:
        """The base URL at which the behaviour is met."""
        return f"{self.behaviour.scheme}://{self.behaviour.host}:{self.port}/v1"

    def start(self) -> None:
        """The port is open, or shut for a behaviour that takes no connection."""
        if self.behaviour.when == "never":
            peer = Peer(self._listener, self._ended, self.state)
            with contextlib.suppress(Gone):
                self.behaviour.play(peer)
        else:
            self._spawn(lambda: self._accept(self._listener, self._serve))
        self._spawn(lambda: self._accept(self._trap, self._catch))

    def stop(self) -> None:
        """Every connection is closed."""
        self._ended.set()
        self._listener.close()
        self._trap.close()
        with self._lock:
            for connection in self._open:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)

    def _spawn(self, run: Callable[[], None]) -> None:
        threading.Thread(target=run, daemon=True).start()

    def _accept(self, listener: socket.socket, serve: Callable[[socket.socket], None]) -> None:
        listener.settimeout(0.2)
        while not self._ended.is_set():
            try:
                connection = listener.accept()[0]
            except TimeoutError:
                continue
            except OSError:
                return
            with self._lock:
                self._open = [one for one in self._open if one.fileno() >= 0] + [connection]
            self._spawn(lambda connection=connection: _quietly(serve, connection))  # type: ignore[misc]

    def _catch(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        self.trapped.append(connection.recv(65536))
        peer = Peer(connection, self._ended, self.state)
        peer.answer(dumped(error("a trap")), "Connection: close", status="403 Forbidden")

    def _serve(self, plain: socket.socket) -> None:
        connection = plain
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.behaviour.scheme == "https" and self.behaviour.when != "accept":
            plain.settimeout(10)
            connection = tls.context(self.behaviour.id).wrap_socket(plain, server_side=True)
        peer = Peer(connection, self._ended, self.state)
        if self.behaviour.when == "accept":
            self.behaviour.play(peer)
            return
        while peer.read():
            if self._meets(peer):
                self.behaviour.play(peer)
            else:
                peer.good()

    def _meets(self, peer: Peer) -> bool:
        match self.behaviour.when:
            case "stream":
                return peer.method == "POST" and peer.streams
            case "plain":
                return peer.method == "POST" and not peer.streams
            case "post":
                return peer.method == "POST"
            case "models":
                return peer.method == "GET" and peer.path.endswith("/models")
            case _:
                return True


def _quietly(serve: Callable[[socket.socket], None], connection: socket.socket) -> None:
    try:
        serve(connection)
    except (Gone, OSError, ssl.SSLError, ValueError):
        pass  # the client has left, or never spoke HTTP
    finally:
        connection.close()


def _listener(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=64)


@contextlib.contextmanager
def running(behaviour: Behaviour) -> Iterator[Server]:
    """The behaviour, served while the block lasts."""
    server = Server(behaviour)
    server.start()
    try:
        yield server
    finally:
        server.stop()


def serve(behaviour: Behaviour, host: str, port: int, ready: Callable[[str], None]) -> None:
    """Serves until interrupted; `ready` is told the base URL."""
    server = Server(behaviour, host, port)
    server.start()
    ready(server.url)
    try:
        while True:
            time.sleep(3600)
    except KeyboardInterrupt:
        pass
    finally:
        server.stop()
