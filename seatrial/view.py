"""Typed looks at an exchange. Each raises Inconclusive where what it needs is broken in a way another check owns."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from seatrial import schema
from seatrial.check import Inconclusive
from seatrial.model import Exchange, Finding

DONE = "[DONE]"


def is_ok(exchange: Exchange) -> bool:
    """Whether the answer is a success (2xx)."""
    return exchange.status is not None and 200 <= exchange.status < 300


def has_body(exchange: Exchange) -> bool:
    """Whether HTTP gives this answer a body (RFC 9110, 9.3.2 and 15.3.5)."""
    return exchange.request.method not in ("HEAD", "OPTIONS") and exchange.status not in (204, 304)


def is_chat(exchange: Exchange) -> bool:
    return exchange.operation.id == "createChatCompletion" and is_ok(exchange)


def is_completion(exchange: Exchange) -> bool:
    """A legacy completion."""
    return exchange.operation.id == "createCompletion" and is_ok(exchange)


def is_generation(exchange: Exchange) -> bool:
    """A chat or legacy completion, plain or streamed."""
    return is_chat(exchange) or is_completion(exchange)


def is_embedding(exchange: Exchange) -> bool:
    return exchange.operation.id == "createEmbedding" and is_ok(exchange)


def is_stream(exchange: Exchange) -> bool:
    """A generation that was asked to stream and is answered as an event stream."""
    return is_generation(exchange) and exchange.asked_to_stream and exchange.media == "text/event-stream"


def is_event_stream(exchange: Exchange) -> bool:
    """Any answer that says it is an event stream."""
    return exchange.media == "text/event-stream" and is_ok(exchange)


def is_chat_stream(exchange: Exchange) -> bool:
    return is_chat(exchange) and is_stream(exchange)


def is_plain(exchange: Exchange) -> bool:
    """A generation that was not asked to stream."""
    return is_generation(exchange) and not exchange.asked_to_stream


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def strict_json(text: str | bytes) -> Any:
    """The document by RFC 8259. Raises ValueError for NaN, Infinity, wrong UTF-8 and what is nested too deep."""
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError as error:
        raise ValueError("nested too deep") from error


@lru_cache(maxsize=32)
def json_body(exchange: Exchange) -> Any:
    """The whole body as JSON."""
    _require_whole(exchange)
    try:
        return strict_json(exchange.body)
    except ValueError as error:
        raise Inconclusive(f"the body is not JSON: {error}") from error


def _require_whole(exchange: Exchange) -> None:
    if exchange.error is not None:
        raise Inconclusive(f"the answer is not whole ({exchange.error.kind})")


def schema_findings(document: Any, name: str, where: str = "") -> list[Finding]:
    """Where a document breaks one of the wire schemas."""
    return [
        Finding(expected, actual, (where + pointer) or "/")
        for pointer, expected, actual in schema.errors(document, name)
    ]


def breaches(document: Any, wanted: Any) -> list[tuple[str, str, str]]:
    """Where a document breaks a schema that a request carried; Inconclusive where the schema is of no use."""
    try:
        return schema.breaches(document, wanted)
    except Exception as error:
        raise Inconclusive(f"the request's schema cannot be used: {error}") from error


@lru_cache(maxsize=32)
def data_events(exchange: Exchange) -> tuple[tuple[int, Any], ...]:
    """(index, parsed data) of each event but `[DONE]`; where one is not JSON, the check sse.data-is-json owns it."""
    found = []
    for index, event in enumerate(exchange.events):
        if event.data.strip() == DONE:
            continue
        try:
            found.append((index, strict_json(event.data)))
        except ValueError as error:
            raise Inconclusive(f"event {index} is not JSON") from error
    return tuple(found)


def is_error_event(data: Any) -> bool:
    """Whether an event's data is an error instead of a chunk."""
    return (
        isinstance(data, dict)
        and "choices" not in data
        and (data.get("error") is not None or "detail" in data or data.get("object") == "error")
    )


@lru_cache(maxsize=32)
def chunks(exchange: Exchange) -> tuple[Mapping[str, Any], ...]:
    """The chunks of a stream, each an object with a list of choices; error events raise Inconclusive."""
    if not is_event_stream(exchange):
        raise Inconclusive("the answer is no event stream")
    found: list[Mapping[str, Any]] = []
    for index, data in data_events(exchange):
        if is_error_event(data):
            raise Inconclusive(f"event {index} is an error")
        if not isinstance(data, dict):
            raise Inconclusive(f"event {index} is not an object")
        found.append(data)
    if not found:
        raise Inconclusive("the stream has no chunk")
    return tuple(found)


def whole_chunks(exchange: Exchange) -> tuple[Mapping[str, Any], ...]:
    """The chunks of a stream that came to its end; a cut stream is http.answered's."""
    _require_whole(exchange)
    return chunks(exchange)


def choices_of(chunk: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The choices of a chunk or body that are objects; what else there is belongs to the schema."""
    choices = chunk.get("choices")
    return [choice for choice in choices if isinstance(choice, dict)] if isinstance(choices, list) else []


def index_of(choice: Mapping[str, Any]) -> int:
    index = choice.get("index")
    if isinstance(index, bool) or not isinstance(index, int):
        raise Inconclusive("a choice has no integer index")
    return index


def delta_of(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    delta = choice.get("delta")
    return delta if isinstance(delta, dict) else {}


@lru_cache(maxsize=32)
def joined(exchange: Exchange) -> dict[str, Any]:
    """A stream as the one body it adds up to: choices by index, with messages (or texts) put together, and usage."""
    chunks_ = whole_chunks(exchange)
    chat = exchange.operation.id == "createChatCompletion"
    table: dict[int, dict[str, Any]] = {}
    whole: dict[str, Any] = {}
    for chunk in chunks_:
        for name in ("id", "created", "model"):
            if name in chunk:
                whole.setdefault(name, chunk[name])
        if isinstance(chunk.get("usage"), dict):
            whole["usage"] = chunk["usage"]
        for choice in choices_of(chunk):
            index = index_of(choice)
            into = table.setdefault(index, {"index": index, "finish_reason": None, "logprobs": None})
            if choice.get("finish_reason") is not None:
                into["finish_reason"] = choice["finish_reason"]
            _add_logprobs(into, choice.get("logprobs"))
            if chat:
                _add_delta(
                    into.setdefault("message", {"role": None, "content": None, "refusal": None}), delta_of(choice)
                )
            else:
                into["text"] = into.get("text", "") + _piece(choice.get("text"), "text")
    for into in table.values():
        calls = into.get("message", {}).pop("_calls", None)
        if calls:
            into["message"]["tool_calls"] = [calls[key] for key in sorted(calls)]
    whole["object"] = "chat.completion" if chat else "text_completion"
    whole["choices"] = [table[key] for key in sorted(table)]
    return whole


def _piece(value: Any, name: str) -> str:
    if value is None:
        return ""
    if not isinstance(value, str):
        raise Inconclusive(f"a piece of {name} is not a string")
    return value


def _add_delta(message: dict[str, Any], delta: Mapping[str, Any]) -> None:
    if delta.get("role") is not None:
        message["role"] = delta["role"]
    for name in ("content", "refusal"):
        if delta.get(name) is not None:
            message[name] = (message[name] or "") + _piece(delta[name], name)
    calls = delta.get("tool_calls")
    for call in calls if isinstance(calls, list) else []:
        if not isinstance(call, dict) or isinstance(call.get("index"), bool) or not isinstance(call.get("index"), int):
            raise Inconclusive("a tool-call delta has no integer index")
        table = message.setdefault("_calls", {})
        into = table.setdefault(call["index"], {"id": None, "type": None, "function": {"name": None, "arguments": ""}})
        function = call.get("function") if isinstance(call.get("function"), dict) else {}
        into["id"] = into["id"] or call.get("id")
        into["type"] = into["type"] or call.get("type")
        into["function"]["name"] = into["function"]["name"] or function.get("name")
        into["function"]["arguments"] += _piece(function.get("arguments"), "arguments")


def _add_logprobs(into: dict[str, Any], logprobs: Any) -> None:
    if not isinstance(logprobs, dict):
        return
    have = into["logprobs"] = into["logprobs"] or {}
    for name, value in logprobs.items():
        if isinstance(value, list):
            have[name] = (have.get(name) or []) + value
        else:
            have.setdefault(name, value)


def completion(exchange: Exchange) -> Mapping[str, Any]:
    """The body of a plain generation, or what a streamed one adds up to."""
    if exchange.asked_to_stream:
        return joined(exchange)
    body = json_body(exchange)
    if not isinstance(body, dict):
        raise Inconclusive("the body is not an object")
    return body


def choices(exchange: Exchange) -> list[Mapping[str, Any]]:
    """The choices of a generation, plain or streamed; at least one."""
    found = choices_of(completion(exchange))
    if not found:
        raise Inconclusive("the answer has no choices")
    return found


def text_of(choice: Mapping[str, Any]) -> str:
    """The text of a choice: its message's content (null is empty), or a legacy choice's text."""
    if "message" in choice:
        message = choice["message"]
        content = message.get("content") if isinstance(message, dict) else None
    else:
        content = choice.get("text")
    if content is not None and not isinstance(content, str):
        raise Inconclusive("the content is not a string")
    return content or ""


def calls_of(choice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tool calls of a choice; empty where there are none."""
    message = choice.get("message")
    calls = message.get("tool_calls") if isinstance(message, dict) else None
    return [call for call in calls if isinstance(call, dict)] if isinstance(calls, list) else []


def function_of(call: Mapping[str, Any]) -> Mapping[str, Any]:
    function = call.get("function")
    return function if isinstance(function, dict) else {}


def usage(exchange: Exchange) -> Mapping[str, Any]:
    """The usage of an answer; Inconclusive where it has none."""
    body = completion(exchange) if is_generation(exchange) else json_body(exchange)
    found = body.get("usage") if isinstance(body, dict) else None
    if not isinstance(found, dict):
        raise Inconclusive("the answer has no usage")
    return found


def count(table: Mapping[str, Any], name: str) -> int:
    """A count in a usage object; Inconclusive where it is no integer (the schema's)."""
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Inconclusive(f"{name} is no integer")
    return value


def tools(exchange: Exchange) -> dict[str, Mapping[str, Any]]:
    """The functions that the request offers, by name."""
    offered = exchange.request.get("tools")
    found = {}
    for tool in offered if isinstance(offered, list) else []:
        function = tool.get("function") if isinstance(tool, dict) else None
        if isinstance(function, dict) and isinstance(function.get("name"), str):
            found[function["name"]] = function
    return found


def same_but(one: Exchange, other: Exchange, *names: str) -> bool:
    """Whether two requests are to one operation with bodies that differ at most in these members."""
    first, second = one.request.json, other.request.json
    if one.operation.id != other.operation.id or not isinstance(first, dict) or not isinstance(second, dict):
        return False
    return {k: v for k, v in first.items() if k not in names} == {k: v for k, v in second.items() if k not in names}


def twins(exchanges: Any) -> Iterator[tuple[list[Exchange], list[Exchange]]]:
    """(plain, streamed) exchanges of one request, for each request of a case that was asked both ways."""
    rest = [x for x in exchanges if is_generation(x)]
    while rest:
        first, rest = rest[0], rest[1:]
        same = [x for x in rest if same_but(first, x, "stream", "stream_options")]
        rest = [x for x in rest if x not in same]
        group = [first, *same]
        plain = [x for x in group if not x.asked_to_stream]
        streamed = [x for x in group if is_stream(x)]
        if plain and streamed:
            yield plain, streamed
