"""The Responses API: its object and its stream of typed events. Reasoning is hidden: it takes time and is counted."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson

from seatrial.simulator.ask import Ask
from seatrial.simulator.events import Script
from seatrial.simulator.http import frame
from seatrial.simulator.plain import created, words

Json = dict[str, Any]


def _usage(ask: Ask, more: int) -> Json:
    count = ask.tokens + more
    return {
        "input_tokens": ask.prompt_tokens,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": count,
        "output_tokens_details": {"reasoning_tokens": ask.reasoning},
        "total_tokens": ask.prompt_tokens + count,
    }


def _part(text: str) -> Json:
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": []}


def _item(id: str, status: str, content: list[Json]) -> Json:
    item = "msg_" + id.removeprefix("resp_")
    return {"id": item, "type": "message", "role": "assistant", "status": status, "content": content}


def response(ask: Ask, id: str, status: str, more: int = 0) -> Json:
    """The object in any status; with output and usage once it is completed. A model that ends at its limit is complete."""
    ended = status == "completed"
    body = ask.body or {}
    return {
        "id": id,
        "object": "response",
        "created_at": created(),
        "status": status,
        "background": body.get("background") is True,
        "error": None,
        "incomplete_details": None,
        "instructions": body.get("instructions"),
        "max_output_tokens": body.get("max_output_tokens"),
        "metadata": body.get("metadata") or {},
        "model": ask.model,
        "output": [_item(id, "completed", [_part(_text(ask))])] if ended else [],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage(ask, more) if ended else None,
    }


def _text(ask: Ask) -> str:
    return words(0, ask.answer, ask.nonce)


def plain(ask: Ask, id: str, more: int = 0) -> Json:
    return response(ask, id, "completed", more)


def _event(number: int, type: str, rest: Json) -> bytes:
    data = orjson.dumps({"type": type, "sequence_number": number} | rest)
    return frame(b"event: %b\ndata: %b\n\n" % (type.encode(), data))


def script(ask: Ask, id: str, per: int, more: int) -> Script:
    """The stream's events."""
    item = _item(id, "in_progress", [])
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    opening = [
        _event(0, "response.created", {"response": response(ask, id, "in_progress")}),
        _event(1, "response.in_progress", {"response": response(ask, id, "in_progress")}),
        _event(2, "response.output_item.added", {"output_index": 0, "item": item}),
        _event(3, "response.content_part.added", place | {"part": _part("")}),
    ]
    after = 4 + -(-ask.answer // per)
    text, whole = _text(ask), response(ask, id, "completed", more)
    closing = [
        _event(after, "response.output_text.done", place | {"text": text, "logprobs": []}),
        _event(after + 1, "response.content_part.done", place | {"part": _part(text)}),
        _event(after + 2, "response.output_item.done", {"output_index": 0, "item": whole["output"][0]}),
        _event(after + 3, "response.completed", {"response": whole}),
    ]
    return Script(opening, _deltas(ask, item["id"], per), closing, item["id"].encode())


def _deltas(ask: Ask, item: str, per: int) -> Iterator[bytes]:
    for _ in range(-(-ask.reasoning // per)):
        yield b""
    type = "response.output_text.delta"
    base = {
        "type": type,
        "sequence_number": "%%",
        "item_id": item,
        "output_index": 0,
        "content_index": 0,
        "delta": "%%",
    }
    parts = orjson.dumps(base | {"logprobs": []}).split(b"%%")
    form = b"event: %b\ndata: %b%%d%b%%b%b\n\n" % (type.encode(), parts[0][:-1], parts[1][1:], parts[2])
    for number in range(-(-ask.answer // per)):
        first = number * per
        text = words(first, min(per, ask.answer - first), None if number else ask.nonce)
        yield frame(form % (number + 4, text.encode()))
