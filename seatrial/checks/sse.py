"""The bytes of event streams, by the WHATWG rules, independent of how they were cut into packets."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_FIELDS = ("data", "event", "id", "retry")
_PARSING = "whatwg-sse#parsing-an-event-stream"


def _asked_for_stream(exchange: Exchange) -> bool:
    return (view.is_generation(exchange) or view.is_response(exchange)) and exchange.asked_to_stream


@check(
    "sse.content-type",
    level=MUST,
    applies=_asked_for_stream,
    spec="openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/stream",
)
def content_type(exchange: Exchange) -> Iterator[Finding]:
    """A request with stream true is answered by an event stream."""
    if exchange.media == "text/event-stream":
        return
    try:
        failed = view.error_in_200(view.json_body(exchange))
    except Inconclusive:
        failed = False
    if failed:
        raise Inconclusive("the answer is an error")
    yield Finding("text/event-stream", exchange.header("content-type") or "no Content-Type", "header content-type")


@check("sse.no-lost-lines", level=MUST, applies=view.is_event_stream, spec="whatwg-sse#event-stream-interpretation")
def no_lost_lines(exchange: Exchange) -> Iterator[Finding]:
    """Every line that carries data is one that readers of event streams take up: none is lost for want of `data:`."""
    view.require_whole(exchange)
    end = len(exchange.body)
    if view.unterminated(exchange) is not None:
        end = exchange.events[-1].end if exchange.events else 0
    for number, line in enumerate(view.lines(exchange.body[:end])):
        name = line.partition(":")[0]
        if not line or line.startswith(":") or name in _FIELDS:
            continue
        # A field of another name is legal, and ignored; one that looks like data was meant to be read.
        if name.strip().lower() in _FIELDS or any(sign in line for sign in '{}[]"'):
            yield Finding("data: ...", line[:120], f"line {number + 1}")


@check("sse.utf8", level=MUST, applies=view.is_event_stream, spec="whatwg-sse#sse-processing-model")
def utf8(exchange: Exchange) -> Iterator[Finding]:
    """An event stream is UTF-8."""
    view.require_whole(exchange)
    try:
        exchange.body.decode("utf-8")
    except UnicodeDecodeError as error:
        shown = exchange.body[max(0, error.start - 10) : error.end + 10]
        yield Finding("UTF-8", f"{shown!r}", f"byte {error.start}")


def _events_are_json(exchange: Exchange) -> bool:
    return view.is_event_stream(exchange) and bool(exchange.operation.schema_for(exchange.status or 0, exchange.media))


@check("sse.data-is-json", level=MUST, applies=_events_are_json, spec="openai-docs#streaming")
def data_is_json(exchange: Exchange) -> Iterator[Finding]:
    """The data of each event is one JSON document, but for the last, which is [DONE]."""
    view.require_whole(exchange)
    if not exchange.events:
        raise Inconclusive("the stream has no event")
    for number, event in enumerate(exchange.events):
        if event.data.strip() == view.DONE:
            continue
        try:
            view.strict_json(event.data)
            names = view.conflicting_names(event.data)
        except ValueError as error:
            yield Finding("one JSON document", f"{error}: {event.data[:120]!r}", f"event {number}")
            continue
        for name in names:
            yield Finding("a name once, or with one value", f"{name!r} twice with different values", f"event {number}")


@check("sse.last-event-terminated", level=MUST, applies=view.is_event_stream, spec=_PARSING)
def last_event_terminated(exchange: Exchange) -> Iterator[Finding]:
    """A blank line follows the last event; without it, readers drop that event."""
    view.require_whole(exchange)
    if exchange.left_open:
        raise Inconclusive("the stream was left open, so its end is not known")
    data = view.unterminated(exchange)
    if data is not None:
        yield Finding("a blank line after the last event", f"the body ends after data: {data[:80]}", "end of the body")


@check("sse.unnamed-events", level=SHOULD, applies=view.is_stream, spec="openai-docs#chat-streaming/streaming")
def unnamed_events(exchange: Exchange) -> Iterator[Finding]:
    """The events of a completion have no name (or the default one, message)."""
    view.require_whole(exchange)
    if not exchange.events:
        raise Inconclusive("the stream has no event")
    named = [(number, event.event) for number, event in enumerate(exchange.events) if event.event != "message"]
    # An error event is judged by stream.no-error-event.
    named = [(number, name) for number, name in named if name != "error"]
    if named:
        number, name = named[0]
        yield Finding("no event field", f"event: {name[:60]} ({len(named)} events)", f"event {number}")


@check("sse.closes", level=MUST, applies=view.is_event_stream, spec="issue#diegosouzapw/OmniRoute/6777")
def closes(exchange: Exchange) -> Iterator[Finding]:
    """The body of a stream ends soon after its last event."""
    if exchange.left_open:
        last = exchange.events[-1].data[:80] if exchange.events else "no event"
        yield Finding("the end of the body", f"an open body after {last}", "end of the body")
    elif exchange.error is not None:
        raise Inconclusive(f"the answer is not whole ({exchange.error.kind})")
