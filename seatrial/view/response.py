"""Responses: the object, the events of its stream, and the chat choice that it amounts to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from seatrial.check import Inconclusive
from seatrial.model import Exchange
from seatrial.view.ask import is_event_stream, is_ok, is_response
from seatrial.view.parse import strict_json
from seatrial.view.stream import data_events

ENDINGS = {"response.completed": "completed", "response.incomplete": "incomplete", "response.failed": "failed"}
"""The events after which nothing comes, and the status that each speaks of."""
LIFE = ("response.created", "response.queued", "response.in_progress", *ENDINGS)
"""The events that carry the whole response."""
_OBJECTS = ("createResponse", "getResponse", "cancelResponse")


def is_response_stream(exchange: Exchange) -> bool:
    """A response that was asked to stream and is answered by an event stream."""
    return is_response(exchange) and exchange.asked_to_stream and is_event_stream(exchange)


def is_response_object(exchange: Exchange) -> bool:
    """A success that holds a response, as it was made, streamed, read again or cancelled."""
    return exchange.operation.id in _OBJECTS and is_ok(exchange)


@lru_cache(maxsize=32)
def typed_events(exchange: Exchange) -> tuple[tuple[int, str, Mapping[str, Any]], ...]:
    """(index, type, data) of each event but `[DONE]`; at least one. What has no type is owned by the schema."""
    if not is_event_stream(exchange):
        raise Inconclusive("the answer is no event stream")
    if exchange.error is not None:
        raise Inconclusive(f"the answer is not whole ({exchange.error.kind})")
    found = []
    for number, data in data_events(exchange):
        kind = data.get("type") if isinstance(data, dict) else None
        if not isinstance(kind, str):
            raise Inconclusive(f"event {number} has no type")
        found.append((number, kind, data))
    if not found:
        raise Inconclusive("the stream has no event")
    return tuple(found)


@lru_cache(maxsize=32)
def response(exchange: Exchange) -> Mapping[str, Any]:
    """The response as it was given last: the body, or what the last event of a stream carries."""
    if is_event_stream(exchange):
        ends = [data.get("response") for _, kind, data in typed_events(exchange) if kind in ENDINGS]
        if not ends or not isinstance(ends[-1], dict):
            raise Inconclusive("the stream has no last event with a response")
        return ends[-1]
    if exchange.error is not None:
        raise Inconclusive(f"the answer is not whole ({exchange.error.kind})")
    try:
        body = strict_json(exchange.body)
    except ValueError as error:
        raise Inconclusive(f"the body is not JSON: {error}") from error
    if not isinstance(body, dict) or not isinstance(body.get("output"), list):
        raise Inconclusive("the body is no response")
    return body


def status(found: Mapping[str, Any]) -> str:
    """The status of a response; empty where it says none."""
    value = found.get("status")
    return value if isinstance(value, str) else ""


def output(found: Mapping[str, Any], *kinds: str) -> list[Mapping[str, Any]]:
    """The items of a response's output, of these types where any are named."""
    items = found.get("output")
    listed = [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []
    return [item for item in listed if not kinds or item.get("type") in kinds]


def content(item: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The parts of a message's content."""
    parts = item.get("content")
    return [part for part in parts if isinstance(part, dict)] if isinstance(parts, list) else []


def response_choice(exchange: Exchange) -> dict[str, Any]:
    """The choice of a chat completion that a response amounts to: its texts as one, and its calls."""
    found = response(exchange)
    if status(found) in ("queued", "in_progress", "cancelled", "failed"):
        raise Inconclusive(f"the response is {status(found)}")
    parts = [part for item in output(found, "message") for part in content(item)]
    texts = [part["text"] for part in parts if isinstance(part.get("text"), str)]
    refusals = [part["refusal"] for part in parts if isinstance(part.get("refusal"), str)]
    calls = [_call(item) for item in output(found, "function_call")]
    reason = "tool_calls" if calls else "stop"
    if status(found) == "incomplete":
        details = found.get("incomplete_details")
        reason = "content_filter" if details == {"reason": "content_filter"} else "length"
    message = {"content": "".join(texts), "refusal": "".join(refusals) or None, "tool_calls": calls or None}
    return {"index": 0, "finish_reason": reason, "message": message}


def _call(item: Mapping[str, Any]) -> dict[str, Any]:
    function = {name: item.get(name) for name in ("name", "arguments")}
    return {"id": item.get("call_id"), "type": "function", "function": function}


def items_of(exchange: Exchange) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(place, item) of the output of a response."""
    yield from enumerate(output(response(exchange)))


def bare(value: Any) -> Any:
    """A member of an item without what may be left out of one of two places: its parts by their type and text."""
    if not isinstance(value, list):
        return value
    return [
        (part.get("type"), part.get("text"), part.get("refusal")) if isinstance(part, dict) else part for part in value
    ]


def integer(data: Mapping[str, Any], name: str) -> int:
    """A member that is an integer; Inconclusive where it is none, which the schema owns."""
    value = data.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Inconclusive(f"{name} is no integer")
    return value
