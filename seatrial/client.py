"""The conformance client: sends one request at a time and keeps all that comes back, bytes, events and clocks."""

from __future__ import annotations

import functools
import json
import os
import re
import ssl
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from seatrial import __version__, decode, weight
from seatrial.alarm import Alarm
from seatrial.model import REDACTED, WRONG_KEY, Event, Exchange, Invalid, Operation, Request, TransportError
from seatrial.secret import Secret
from seatrial.sse import Reader

MAX_EVENTS = 200_000
MAX_PIECES = 500_000
"""Reads of one body: each is remembered with its time."""
_KEPT = 1 << 18
"""Bytes of a body that is too large which are kept as evidence: a run asks hundreds of times."""
_LAST = ("response.completed", "response.failed", "response.incomplete")
_PATIENCE = 3
"""Streams left open after which the client waits less for the next one's end: its habit is known by then."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How long the client waits, in seconds, and how much it takes.

    `connect`: for a connection. `total`: for a whole answer; a plain one may be silent that long. `idle`: between two
    reads of a stream. `linger`: for the end of the body after `[DONE]`, or after the end of a response. `mib`: the largest body, its coding taken off.
    """

    connect: float = 10.0
    idle: float = 60.0
    total: float = 120.0
    linger: float = 3.0
    mib: float = 64.0


def _trusted() -> ssl.SSLContext:
    """What certificates are verified by: certifi's, or those that SSL_CERT_FILE or SSL_CERT_DIR names."""
    return _context(os.environ.get("SSL_CERT_FILE"), os.environ.get("SSL_CERT_DIR"))


@functools.cache
def _context(file: str | None, folder: str | None) -> ssl.SSLContext:
    # To read the certificates takes longer than many a run of one case, and every session has two clients.
    return httpx.create_ssl_context()


class Client:
    """A session with one base URL. Not for several threads at once; `close` ends its connections.

    Raises Invalid where the variable holds what no header can carry.
    """

    def __init__(self, base_url: str, key_variable: str, bounds: Bounds | None = None) -> None:
        self.base_url = base_url.rstrip("/")
        self._origin = _origin(self.base_url)
        self.bounds = bounds or Bounds()
        self._key = os.environ.get(key_variable) or None
        if self._key and not re.fullmatch(r"[!-~]+( +[!-~]+)*", self._key):
            raise Invalid(
                f"${key_variable}", "", "this key holds a line end, a space around it, or a letter beyond ASCII"
            )
        self.secret = Secret(self._key)
        self._http = self._fresh()
        self.sent = 0
        self._streams: list[Any] = []
        self._left_open = 0

    def _fresh(self) -> httpx.Client:
        timeout = httpx.Timeout(self.bounds.idle, connect=self.bounds.connect)
        try:
            return httpx.Client(verify=_trusted(), timeout=timeout, follow_redirects=False)
        except (ValueError, httpx.InvalidURL):
            # Its words would say the address, which may hold a password.
            names = [name for name in os.environ if name.lower().endswith("_proxy") and os.environ[name]]
            raise Invalid(" or ".join(sorted(names)), "", "the proxy's address in the environment is none") from None

    @property
    def has_key(self) -> bool:
        return self._key is not None

    def close(self) -> None:
        self._http.close()

    def send(
        self,
        operation: Operation,
        number: int,
        *,
        body: Any = None,
        raw: bytes | None = None,
        parameters: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str | None] | None = None,
        auth: str = "default",
        step: str = "",
        base_url: str | None = None,
        address: str | None = None,
    ) -> Exchange:
        """One exchange, at the `address` that is given, or else the operation's own; the key goes to the base URL's host alone.

        Never raises for what a server or network does: that is `exchange.error`.
        """
        content = raw if raw is not None else (None if body is None else _json(body))
        url = address or (base_url or self.base_url) + _fill(operation.path, parameters or {})
        if query:
            url += "?" + urlencode(query)
        fields: dict[str, str] = {
            "user-agent": f"seatrial/{__version__}",
            "accept": "*/*",
            "accept-encoding": decode.ACCEPTED,
        }
        if content is not None:
            fields["content-type"] = "application/json"
        if auth == "wrong":
            fields["authorization"] = f"Bearer {WRONG_KEY}"
        own = auth == "default" and self._key is not None and _origin(url) == self._origin
        if own:
            fields["authorization"] = f"Bearer {self._key}"
        for name, value in (headers or {}).items():
            if value is None:
                fields.pop(name.lower(), None)
            else:
                fields[name.lower()] = value
        self.sent += 1
        shown = tuple((name, self.secret.hide(value)) for name, value in fields.items())
        if own:
            shown = tuple((n, f"Bearer {REDACTED}" if n == "authorization" else v) for n, v in shown)
        request = Request(operation.method, self.secret.hide(url), shown, content or b"")
        exchange = Exchange(number, operation, request, None, started=time.time(), step=step, auth=auth)
        return self._perform(exchange, url, fields, content)

    def _perform(self, exchange: Exchange, url: str, fields: Mapping[str, str], content: bytes | None) -> Exchange:
        alarm = Alarm(self._streams)
        streams = exchange.asked_to_stream
        reader = Reader()
        body = bytearray()
        arrivals: list[tuple[int, int]] = []
        events: list[Event] = []
        status: int | None = None
        headers: tuple[tuple[str, str], ...] = ()
        version = ""
        headers_ns = 0
        error: TransportError | None = None
        done = False
        start = time.perf_counter_ns()
        try:
            alarm.set(self.bounds.total)
            # Our own Accept and User-Agent only: httpx adds Host, Content-Length and Connection.
            request = self._http.build_request(
                exchange.operation.method, url, headers=dict(fields), content=content, extensions={"trace": alarm.watch}
            )
            read = self.bounds.idle if streams else self.bounds.total
            request.extensions["timeout"] = {**self._http.timeout.as_dict(), "read": read}
            response = self._http.send(request, stream=True)
            try:
                headers_ns = time.perf_counter_ns() - start
                status, version = response.status_code, response.http_version
                headers = tuple(
                    (name.decode("latin-1"), value.decode("latin-1")) for name, value in response.headers.raw
                )
                codings = re.findall(r"[^\s,]+", response.headers.get("content-encoding", "").lower())
                decoder = decode.Decoder(codings)
                if not re.fullmatch(r"HTTP/(1\.[01]|2)", version):
                    raise httpx.RemoteProtocolError(f"there is no {version}")
                is_stream = response.headers.get("content-type", "").strip().lower().startswith("text/event-stream")
                for data in (piece for raw in response.iter_raw() for piece in decoder.feed(raw)):
                    at = time.perf_counter_ns() - start
                    body += data
                    arrivals.append((len(data), at))
                    if is_stream:
                        fresh = reader.feed(data, at)
                        events += fresh
                        if not done and any(map(_ends, fresh)):
                            done = True
                            alarm.set(self.bounds.linger if self._left_open < _PATIENCE else self.bounds.linger / 10)
                        elif fresh and not done and self._left_open >= _PATIENCE and _finished(events[-4:]):
                            alarm.set(self.bounds.linger)
                    if too := self._too_large(body, events, arrivals):
                        error = TransportError("too-large", too)
                        break
                    if alarm.rang:
                        break  # what lies in the socket's buffer can still be read, and may be much
                else:
                    decoder.end()
                    if any(map(weight.too_heavy, _texts(body, events, is_stream))):
                        error = TransportError(
                            "too-large", f"its JSON would take over {weight.MOST >> 20} MiB of memory"
                        )
            finally:
                response.close()
        except httpx.TimeoutException as fault:
            kind = "connect" if isinstance(fault, httpx.ConnectTimeout) else "timeout"
            seconds = self.bounds.connect if kind == "connect" else self.bounds.idle if streams else self.bounds.total
            error = TransportError(kind, f"nothing came for {seconds:g} s")
        except httpx.ConnectError as fault:
            tls = isinstance(_root(fault), ssl.SSLError)
            error = TransportError("tls" if tls else "connect", self.secret.hide(str(fault)) or type(fault).__name__)
        except decode.Undecodable as fault:
            error = TransportError("decoding", self.secret.hide(str(fault)))
        except (httpx.ReadError, httpx.WriteError, httpx.CloseError) as fault:
            error = TransportError("reset", self.secret.hide(str(fault)) or "the connection was reset")
        except httpx.RemoteProtocolError as fault:
            error = TransportError("protocol", self.secret.hide(str(fault)))
        except (httpx.HTTPError, httpx.InvalidURL, ssl.SSLError, OSError, ValueError) as fault:
            error = TransportError("protocol", self.secret.hide(f"{type(fault).__name__}: {fault}"))
        finally:
            alarm.clear()
        if _holds_more(self._http):
            # An answer that nobody asked for would be taken for the next request's.
            self._http.close()
            self._http = self._fresh()
        if (
            error is not None
            and error.kind in ("reset", "protocol")
            and status is None
            and not alarm.connected
            and not alarm.rang
        ):
            error = TransportError("closed", "the kept connection was closed before the request was answered")
        end_ns = time.perf_counter_ns() - start
        left_open = False
        if alarm.rang or (error is not None and error.kind == "timeout"):
            # What was cut by our clock after the stream's end was left open; before it, it was not answered in time.
            left_open = done or _finished(events)
            if left_open:
                error = None
            elif alarm.rang:
                error = TransportError("timeout", f"the answer did not end within {self.bounds.total:g} s")
        self._left_open += left_open
        kept = bytes(body[:_KEPT] if error is not None and error.kind == "too-large" else body)
        events = [event for event in events if event.end <= len(kept)]
        recorded = self.secret.hide_bytes(_blotted(kept, events, self.secret))
        if recorded != kept:
            at_first = {index: event.at_ns for index, event in enumerate(events)}
            again = Reader().feed(recorded, 0)
            events = [replace(event, at_ns=at_first.get(index, end_ns)) for index, event in enumerate(again)]
        return replace(
            exchange,
            status=status,
            headers=tuple((name, self.secret.hide(value)) for name, value in headers),
            body=recorded,
            arrivals=tuple(arrivals),
            events=tuple(events),
            error=error,
            headers_ns=headers_ns,
            end_ns=end_ns,
            http_version=version,
            left_open=left_open,
        )

    def _too_large(self, body: bytearray, events: list[Event], arrivals: list[tuple[int, int]]) -> str:
        if len(body) > self.bounds.mib * (1 << 20):
            return f"the body is larger than {self.bounds.mib:g} MiB"
        if len(events) > MAX_EVENTS:
            return f"the body is larger than {MAX_EVENTS:,} events"
        return f"the body came in more than {MAX_PIECES:,} pieces" if len(arrivals) > MAX_PIECES else ""


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Scheme, host and port, as httpx reads them; None of what is no address."""
    try:
        parts = httpx.URL(url)
    except (httpx.InvalidURL, ValueError):
        return None
    return parts.scheme, parts.host, parts.port


def _json(body: Any) -> bytes:
    """The body as clients send it: text as UTF-8; escapes only where a lone surrogate has no UTF-8."""
    try:
        return json.dumps(body, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        return json.dumps(body).encode("ascii")


def _texts(body: bytearray, events: list[Event], is_stream: bool) -> Iterator[bytes | bytearray]:
    """What of the answer may be read as JSON, where it is long."""
    if not is_stream:
        yield body
    elif len(body) > weight.LIGHT:
        yield from (event.data.encode("utf-8", "replace") for event in events)


def _blotted(body: bytes, events: list[Event], secret: Secret) -> bytes:
    """The body with each event that carries a piece of the key written anew without it."""
    for number, data in sorted(secret.blot_pieces(event.data for event in events).items(), reverse=True):
        event = events[number]
        name = f"event: {event.event}\n" if event.event != "message" else ""
        body = body[: event.start] + f"{name}data: {data}\n\n".encode() + body[event.end :]
    return body


def _ends(event: Event) -> bool:
    """Whether an event is the last of its stream: `[DONE]`, or the end of a response, after which `[DONE]` may come."""
    if not any(name in event.data for name in _LAST):
        return event.data.strip() == "[DONE]"
    try:
        return json.loads(event.data).get("type") in _LAST
    except (ValueError, AttributeError, TypeError):
        return False


def _finished(events: list[Event]) -> bool:
    """Whether a chunk with a finish_reason came: after it, silence is a stream left open, not an answer missing."""
    for event in events:
        if "finish_reason" not in event.data:
            continue
        try:
            choices = json.loads(event.data).get("choices") or []
            if any(isinstance(choice, dict) and choice.get("finish_reason") for choice in choices):
                return True
        except (ValueError, AttributeError, TypeError):
            continue
    return False


def _holds_more(http: httpx.Client) -> bool:
    """Whether an idle connection has bytes in its buffer, which httpcore would read as the next answer."""
    pools = [http._transport, *http._mounts.values()]
    for pool in (getattr(transport, "_pool", None) for transport in pools):
        for connection in getattr(pool, "connections", ()):
            state = getattr(getattr(connection, "_connection", None), "_h11_state", None)
            if state is not None and state.trailing_data[0]:
                return True
    return False


def _root(fault: BaseException) -> BaseException:
    while fault.__cause__ is not None or fault.__context__ is not None:
        fault = fault.__cause__ or fault.__context__ or fault
    return fault


_GIVEN = ":/?#[]@!$&'()*+,;=%"
"""What is not encoded again in an address: what RFC 3986 reserves, and what is encoded already."""


def _fill(path: str, parameters: Mapping[str, str]) -> str:
    """The path with `{name}` replaced percent-encoded, and `{name+}` with `/` and `:` left as they are.

    A path that is nothing but `{name+}` is what a server gave out: it stays as it is, query and all.
    """
    for name, value in parameters.items():
        if path == "/{" + name + "+}":
            return "/" + quote(str(value), safe=_GIVEN)
        path = path.replace("{" + name + "}", quote(str(value), safe=""))
        path = path.replace("{" + name + "+}", quote(str(value), safe="/:"))
    return path
