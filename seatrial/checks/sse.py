"""Server-sent events: the bytes of the framing."""

from __future__ import annotations

import re
from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

GRAMMAR = "whatwg-sse#parsing-an-event-stream"
_FIELDS = (b"data", b"event", b"id", b"retry")


@check(
    "sse.content-type",
    level=MUST,
    applies=lambda x: view.is_generation(x) and x.asked_to_stream,
    spec="openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/stream",
)
def content_type(exchange: Exchange) -> Iterator[Finding]:
    """A request with `stream: true` is answered as text/event-stream: clients read nothing of a plain body, silently."""
    if exchange.media != "text/event-stream":
        yield Finding("text/event-stream", exchange.header("content-type") or "none", "header content-type")


@check("sse.no-lost-lines", level=MUST, applies=view.is_event_stream, spec=GRAMMAR)
def no_lost_lines(exchange: Exchange) -> Iterator[Finding]:
    """Every line is a comment or one of the four fields: clients drop any other line without a word."""
    body = exchange.body.removeprefix(b"\xef\xbb\xbf")
    for number, line in enumerate(re.split(rb"\r\n|\r|\n", body), 1):
        if line and not line.startswith(b":") and line.split(b":", 1)[0] not in _FIELDS:
            yield Finding(
                "data:, event:, id:, retry: or a comment", line[:80].decode("utf-8", "replace"), f"line {number}"
            )
            return


@check("sse.utf8", level=MUST, applies=view.is_event_stream, spec="whatwg-sse#parsing-an-event-stream")
def utf8(exchange: Exchange) -> Iterator[Finding]:
    """The stream is UTF-8."""
    try:
        exchange.body.decode("utf-8")
    except UnicodeDecodeError as error:
        if exchange.error is not None and error.end == len(exchange.body):
            raise Inconclusive("the answer is not whole") from error
        yield Finding("UTF-8", exchange.body[error.start : error.start + 8].hex(" "), f"byte {error.start}")


@check("sse.data-is-json", level=MUST, applies=view.is_event_stream, spec="openai-docs#chat-streaming/streaming")
def data_is_json(exchange: Exchange) -> Iterator[Finding]:
    """The data of each event is one JSON document, or the sentinel: no two glued together, none cut in two."""
    for index, event in enumerate(exchange.events):
        if event.data.strip() == view.DONE:
            continue
        try:
            view.strict_json(event.data)
        except ValueError as error:
            yield Finding("one JSON document", f"{error}: {event.data[:100]!r}", f"event {index}")
            return


@check(
    "sse.last-event-terminated", level=MUST, applies=view.is_event_stream, spec="whatwg-sse#event-stream-interpretation"
)
def last_event_terminated(exchange: Exchange) -> Iterator[Finding]:
    """The last event ends with its blank line: without it clients throw the event away."""
    if exchange.error is not None:
        raise Inconclusive("the answer is not whole")
    end = exchange.events[-1].end if exchange.events else 0
    rest = exchange.body[end:]
    if re.search(rb"(^|[\r\n])data", rest):
        yield Finding("a blank line after the last event", rest[:80].decode("utf-8", "replace"), "end of the body")


@check("sse.unnamed-events", level=SHOULD, applies=view.is_stream, spec="openai-docs#chat-streaming/streaming")
def unnamed_events(exchange: Exchange) -> Iterator[Finding]:
    """The chunks of a completion are unnamed events (of the default type, `message`)."""
    for index, event in enumerate(exchange.events):
        if event.event != "message":
            yield Finding("no event name", event.event[:80], f"event {index}")
            return


@check("sse.closes", level=MUST, applies=view.is_event_stream, spec="openai-docs#chat-streaming/streaming")
def closes(exchange: Exchange) -> Iterator[Finding]:
    """The body ends once the stream is over: a connection left open keeps clients and their sockets waiting."""
    if exchange.error is not None:
        raise Inconclusive("the answer is not whole")
    if exchange.left_open:
        last = exchange.events[-1] if exchange.events else None
        waited = (exchange.end_ns - last.at_ns) / 1e9 if last else 0.0
        yield Finding("the end of the body", f"still open {waited:.1f} s after the last event", "end of the body")
