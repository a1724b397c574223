"""Records what the official client sends and gets, as exchanges of the run."""

from __future__ import annotations

import contextlib
import importlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from seatrial import clean, kept
from seatrial.client import Bounds
from seatrial.model import REDACTED, Event, Exchange, Operation, Request, TransportError
from seatrial.secret import Secret
from seatrial.sse import Reader


def _wire() -> Any:
    """The HTTP library that the installed client is built on; one of its name where the client is not installed."""
    try:
        client = importlib.import_module("openai").DefaultHttpxClient
    except ImportError:
        return importlib.import_module("httpx")
    return importlib.import_module(client.__mro__[1].__module__.partition(".")[0])


wire: Any = _wire()


class _Heard:
    """One request and what came of it so far."""

    def __init__(self, request: Any, secret: Secret, bounds: Bounds) -> None:
        self.started, self.begun = time.time(), time.perf_counter_ns()
        shown = [
            (name, f"Bearer {REDACTED}" if name.lower() == "authorization" else secret.hide(value))
            for name, value in request.headers.items()
        ]
        try:
            body = request.content
        except wire.RequestNotRead:
            body = b""
        self.request = Request(request.method, secret.hide(str(request.url)), tuple(shown), body)
        self.status: int | None = None
        self.headers: tuple[tuple[str, str], ...] = ()
        self.body, self.arrivals = bytearray(), list[tuple[int, int]]()
        self.headers_ns = 0
        self.error: TransportError | None = None
        self.secret, self.bounds = secret, bounds

    @property
    def now(self) -> int:
        return time.perf_counter_ns() - self.begun

    def answered(self, response: Any) -> None:
        self.headers_ns, self.status = self.now, response.status_code
        self.headers = tuple((n.decode("latin-1"), v.decode("latin-1")) for n, v in response.headers.raw)

    def take(self, data: bytes) -> None:
        """One read of the body. Raises the client's own timeout where the answer, however it drips, is beyond its bounds."""
        self.body += data
        self.arrivals.append((len(data), self.now))
        if self.now > self.bounds.total * 1e9 or len(self.body) > self.bounds.mib * (1 << 20):
            self.error = TransportError("timeout", f"more than {self.bounds.total:g} s, or {self.bounds.mib:g} MiB")
            raise wire.ReadTimeout(self.error.detail)

    def exchange(self, number: int, operation: Operation) -> Exchange:
        """The exchange, its events read where it is a stream."""
        reader, events, at = Reader(), list[Event](), 0
        media = {n.lower(): v for n, v in self.headers}.get("content-type", "")
        body = self.secret.blot(bytes(self.body))
        if media.startswith("text/event-stream"):
            for size, moment in self.arrivals:
                events += reader.feed(body[at : at + size], moment)
                at += size
        return Exchange(
            number=number,
            operation=operation,
            request=self.request,
            status=self.status,
            headers=self.headers,
            body=body,
            arrivals=tuple(self.arrivals),
            events=tuple(events),
            error=self.error,
            started=self.started,
            headers_ns=self.headers_ns,
            end_ns=self.now,
            http_version="HTTP/1.1",
            step="client",
        )


class _Body(wire.SyncByteStream):  # type: ignore[misc]
    def __init__(self, inner: Any, heard: _Heard) -> None:
        self._inner, self._heard = inner, heard

    def __iter__(self) -> Iterator[bytes]:
        for data in self._inner:
            self._heard.take(data)
            yield data

    def close(self) -> None:
        self._inner.close()


class _Read(wire.SyncByteStream):  # type: ignore[misc]
    """A body that has been read to its end: what it says was made is known, whatever comes between."""

    def __init__(self, inner: _Body) -> None:
        self._inner, self._pieces = inner, list(inner)

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._pieces)

    def close(self) -> None:
        self._inner.close()


class _AsyncBody(wire.AsyncByteStream):  # type: ignore[misc]
    def __init__(self, inner: Any, heard: _Heard) -> None:
        self._inner, self._heard = inner, heard

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for data in self._inner:
            self._heard.take(data)
            yield data

    async def aclose(self) -> None:
        await self._inner.aclose()


class Tap:
    """What was heard, in the order of the requests. Raises what `allow` raises before each."""

    def __init__(self, secret: Secret, allow: Callable[[], None], bounds: Bounds) -> None:
        self.heard: list[_Heard] = []
        self._secret, self._allow, self._bounds = secret, allow, bounds

    def _begin(self, request: Any) -> _Heard:
        self._allow()
        heard = _Heard(request, self._secret, self._bounds)
        self.heard.append(heard)
        return heard

    def transport(self) -> Any:
        """A transport of the synchronous client."""
        tap = self

        class Transport(wire.HTTPTransport):  # type: ignore[misc]
            def handle_request(self, request: Any) -> Any:
                heard = tap._begin(request)
                makes = kept.makes(Operation("sdk", request.method, request.url.path))
                with clean.uninterrupted() if makes else contextlib.nullcontext():
                    try:
                        response = super().handle_request(request)
                    except wire.TransportError as error:
                        heard.error = TransportError("protocol", type(error).__name__)
                        raise
                    heard.answered(response)
                    response.stream = _Body(response.stream, heard)
                    if makes and "event-stream" not in response.headers.get("content-type", ""):
                        response.stream = _Read(response.stream)
                return response

        return Transport()

    def async_transport(self) -> Any:
        """A transport of the asynchronous client."""
        tap = self

        class Transport(wire.AsyncHTTPTransport):  # type: ignore[misc]
            async def handle_async_request(self, request: Any) -> Any:
                heard = tap._begin(request)
                response = await super().handle_async_request(request)
                heard.answered(response)
                response.stream = _AsyncBody(response.stream, heard)
                return response

        return Transport()


class Broken(Exception):
    """What the client gave is not what its users rely on."""


def require(true: Any, said: Any) -> None:
    """Raises Broken with what was found instead."""
    if not true:
        raise Broken(repr(said)[:300])


def walked(pages: Any) -> list[str]:
    """The ids of a list, as a loop over it meets them: without a bound, a list that never ends is never left."""
    ids: list[str] = []
    for item in itertools.islice(pages, 500):
        require(item.id not in ids, f"{item.id} again, after {len(ids)} items")
        ids.append(item.id)
    return ids
