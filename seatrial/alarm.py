"""The bound of a whole exchange: what comes to its end also where each read is within its own."""

from __future__ import annotations

import socket
import threading
from collections.abc import Mapping
from typing import Any


class Alarm:
    """Cuts the client's sockets when a moment has come, so that no read, however it drips, outlives its bound."""

    def __init__(self, streams: list[Any]) -> None:
        """`streams` are the client's latest connections: a kept one is not announced again."""
        self._streams = streams
        self._timer: threading.Timer | None = None
        self._lock = threading.Lock()
        self.rang = False
        self.connected = False

    def watch(self, name: str, info: Mapping[str, Any]) -> None:
        """httpcore's trace hook: remembers each connection that is opened."""
        if name in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._streams[:] = [*self._streams[-3:], info["return_value"]]
            self.connected = True

    def set(self, seconds: float) -> None:
        """Rings after `seconds` from now, instead of when it was to ring before."""
        self.clear()
        self._timer = threading.Timer(seconds, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def clear(self) -> None:
        """It rings no more, and has ended if it was ringing: it would cut the next request's connection too."""
        with self._lock:
            if self._timer is not None:
                self._timer.cancel()
            self._timer = None

    def _ring(self) -> None:
        with self._lock:
            if threading.current_thread() is not self._timer:
                return  # It was cleared, or set anew, while it woke.
            self.rang = True
            for stream in self._streams:
                sock = stream.get_extra_info("socket")
                if sock is not None:
                    try:
                        # The plain call also for TLS: it only wakes the reader, which then sees the end.
                        socket.socket.shutdown(sock, socket.SHUT_RDWR)
                    except OSError:
                        pass
