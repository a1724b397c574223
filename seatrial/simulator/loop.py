"""A single-threaded loop: sockets that are ready, and timers with absolute deadlines."""

from __future__ import annotations

import select
import selectors
import signal
import socket
import threading
from collections import deque
from collections.abc import Callable, Generator
from heapq import heappop, heappush
from time import perf_counter_ns
from typing import Any

Life = Generator[int, None, None]
"""Something that happens over time: it yields the time (perf_counter_ns) at which it wants to go on."""

BATCH = 64
"""Timers fired before the sockets are looked at again: less than a millisecond of work."""
REQUESTS = 4
"""Requests begun before the sockets are looked at again, so that those that come together are all stamped when they come."""


class Loop:
    """Runs lives and calls back for readable and writable sockets until `stop`."""

    def __init__(self) -> None:
        self.selector = selectors.DefaultSelector()
        self._timers: list[tuple[int, int, Life]] = []
        self._later: deque[Callable[[], None]] = deque()
        self._count = 0
        self._stopped = False
        # Waiting on the selector's own descriptor is exact to the microsecond; its own wait is to the millisecond.
        self._fd: int | None = self.selector.fileno() if hasattr(self.selector, "fileno") else None

    def run(self, life: Life, at: int = 0) -> None:
        """Resumes the life at this time, and from then on whenever it asks for. One that was closed is dropped."""
        self._count += 1
        heappush(self._timers, (at, self._count, life))

    def watch(self, sock: socket.socket, callback: Callable[[int], None], mask: int = selectors.EVENT_READ) -> None:
        """Calls back with the events of the socket from now on; again with another mask to change it."""
        try:
            self.selector.modify(sock, mask, callback)
        except KeyError:
            self.selector.register(sock, mask, callback)

    def forget(self, sock: socket.socket) -> None:
        try:
            self.selector.unregister(sock)
        except (KeyError, ValueError):
            pass

    def later(self, callback: Callable[[], None]) -> None:
        """Calls back after the sockets that are ready now have been read."""
        self._later.append(callback)

    def stop(self) -> None:
        self._stopped = True

    def forever(self) -> None:
        """Runs until `stop`, or SIGINT or SIGTERM where this is the main thread."""
        if threading.current_thread() is threading.main_thread():
            self._stop_on_signals()
        timers, clock = self._timers, perf_counter_ns
        while not self._stopped:
            now, fired = clock(), 0
            while timers and timers[0][0] <= now and fired < BATCH:
                _, count, life = heappop(timers)
                fired += 1
                try:
                    heappush(timers, (next(life), count, life))
                except StopIteration:
                    pass
            for _ in range(min(REQUESTS, len(self._later))):
                self._later.popleft()()
            if fired == BATCH or self._later:
                self._sockets(0)
            elif not timers:
                self._sockets(1)
            else:
                self._sockets(max(0, timers[0][0] - clock()) / 1e9)

    def _sockets(self, wait: float) -> None:
        if self._fd is not None and wait:
            if not select.select((self._fd,), (), (), wait)[0]:
                return
            wait = 0
        for key, mask in self.selector.select(wait):
            key.data(mask)

    def _stop_on_signals(self) -> None:
        wake, woken = socket.socketpair()
        wake.setblocking(False)
        woken.setblocking(False)
        signal.set_wakeup_fd(wake.fileno())
        self._pair = wake, woken

        def halt(number: int, frame: Any) -> None:
            self._stopped = True

        signal.signal(signal.SIGINT, halt)
        signal.signal(signal.SIGTERM, halt)
        self.watch(woken, lambda mask: self.stop())
