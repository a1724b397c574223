"""The wire schemas: every body and every event is what its operation declares."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, Exchange, Finding

_SHOWN = 5


def _body_declared(x: Exchange) -> bool:
    return view.is_ok(x) and x.media != "text/event-stream" and not x.asked_to_stream and bool(_schema(x))


def _schema(x: Exchange) -> str | None:
    return x.operation.schema_for(x.status or 0, x.media)


@check(
    "wire.body-schema",
    level=MUST,
    applies=_body_declared,
    spec="openai#/components/schemas/CreateChatCompletionResponse",
)
def body_schema(exchange: Exchange) -> Iterator[Finding]:
    """The body of a successful answer has the members, types and literals that its operation declares."""
    body = view.json_body(exchange)
    if isinstance(body, dict) and view.is_error_event(body):
        raise Inconclusive("the body is an error")
    yield from view.schema_findings(body, _schema(exchange) or "")


@check(
    "wire.event-schema",
    level=MUST,
    applies=lambda x: view.is_event_stream(x) and bool(_schema(x)),
    spec="openai#/components/schemas/CreateChatCompletionStreamResponse",
)
def event_schema(exchange: Exchange) -> Iterator[Finding]:
    """Every event of a stream, up to the sentinel, is a chunk of the declared shape."""
    findings = []
    for index, data in view.data_events(exchange):
        if not view.is_error_event(data):
            findings += view.schema_findings(data, _schema(exchange) or "", f"event {index} ")
    yield from findings[:_SHOWN]
    if len(findings) > _SHOWN:
        yield Finding("the declared shape", f"{len(findings) - _SHOWN} more findings like these", "later events")
