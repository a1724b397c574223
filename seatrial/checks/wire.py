"""The shape of bodies and chunks, by the wire schemas that an operation declares."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, Exchange, Finding

_MOST = 5


def _shown(findings: list[Finding]) -> Iterator[Finding]:
    yield from findings[:_MOST]
    if len(findings) > _MOST:
        yield Finding("none like these", f"{len(findings) - _MOST} more like these", "further on")


def _has_body_schema(exchange: Exchange) -> bool:
    # The error envelope has checks of its own, which say more than a schema can.
    name = exchange.operation.schema_for(exchange.status or 0, exchange.media)
    return name not in (None, "openai/error.json") and exchange.media != "text/event-stream"


@check(
    "wire.body-schema",
    level=MUST,
    applies=_has_body_schema,
    spec="openai-docs#introduction",
)
def body_schema(exchange: Exchange) -> Iterator[Finding]:
    """The JSON body has the members, types and values that the operation declares for this status."""
    body = view.json_body(exchange)
    if view.is_ok(exchange) and view.error_in_200(body):
        raise Inconclusive("the body is an error")
    name = exchange.operation.schema_for(exchange.status or 0, exchange.media)
    yield from _shown(view.schema_errors(body, name or ""))


def _shape(chunk: Any) -> str:
    """The chunk but for its text, which may be any string: most chunks of a stream are alike in all else, and need the
    schema but once. Empty for a chunk without text."""
    if isinstance(chunk, dict) and isinstance(chunk.get("delta"), str) and type(chunk.get("sequence_number")) is int:
        return json.dumps({**chunk, "delta": "", "sequence_number": 0})
    choices = chunk.get("choices") if isinstance(chunk, dict) else None
    if not isinstance(choices, list) or len(choices) != 1 or not isinstance(choices[0], dict):
        return ""
    choice = choices[0]
    delta = choice.get("delta")
    if isinstance(delta, dict) and isinstance(delta.get("content"), str):
        choice = {**choice, "delta": {**delta, "content": ""}}
    elif isinstance(choice.get("text"), str):
        choice = {**choice, "text": ""}
    else:
        return ""
    return json.dumps({**chunk, "choices": [choice]})


def _has_event_schema(exchange: Exchange) -> bool:
    return view.is_event_stream(exchange) and bool(exchange.operation.schema_for(exchange.status or 0, exchange.media))


@check(
    "wire.event-schema",
    level=MUST,
    applies=_has_event_schema,
    spec="openai#/components/schemas/CreateChatCompletionStreamResponse",
)
def event_schema(exchange: Exchange) -> Iterator[Finding]:
    """Each chunk of a stream has the members, types and values that the operation declares for its events."""
    view.require_whole(exchange)
    name = exchange.operation.schema_for(exchange.status or 0, exchange.media)
    findings: list[Finding] = []
    judged = 0
    good: set[str] = set()
    for number, data in view.data_events(exchange):
        typed = isinstance(data, dict) and "type" in data and view.is_response_object(exchange)
        if (view.is_error_event(exchange.events[number], data) and not typed) or view.is_preamble(data):
            continue
        judged += 1
        shape = _shape(data) if str(name).startswith("openai/") else ""
        if shape and shape in good:
            continue
        found = view.schema_errors(data, name or "", f"event {number}")
        findings += found
        if shape and not found:
            good.add(shape)
    if not judged:
        raise Inconclusive("the stream has no chunk")
    yield from _shown(findings)
