"""What an answer holds: its JSON, and a generation as one body whether it was streamed or not."""

from __future__ import annotations

import base64
import binascii
import email.utils
import json
import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from seatrial import schema
from seatrial.check import Inconclusive
from seatrial.model import Exchange, Finding
from seatrial.view import ask, stream
from seatrial.view.parse import strict_json
from seatrial.view.response import is_response_object, response, response_choice


def date(exchange: Exchange) -> int | None:
    """The time of the answer by the server's own clock, the header Date, in seconds; None where there is none."""
    parts = email.utils.parsedate_tz(exchange.header("date") or "")
    return None if parts is None else email.utils.mktime_tz(parts)


def require_whole(exchange: Exchange) -> None:
    """Nothing where the answer came whole; else the check http.answered owns it."""
    if exchange.error is not None:
        raise Inconclusive(f"the answer is not whole ({exchange.error.kind})")


@lru_cache(maxsize=32)
def json_body(exchange: Exchange) -> Any:
    """The whole body as strict JSON."""
    require_whole(exchange)
    try:
        return strict_json(exchange.body)
    except ValueError as error:
        raise Inconclusive(f"the body is not JSON: {error}") from error


def conflicting_names(text: str | bytes) -> list[str]:
    """Names that one object of a JSON document has twice with different values: readers disagree on what they mean."""
    found: list[str] = []

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table: dict[str, Any] = {}
        for name, value in pairs:
            if name in table and table[name] != value:
                found.append(name)
            table[name] = value
        return table

    json.loads(text, object_pairs_hook=collect)
    return found


def schema_errors(document: Any, name: str, where: str = "") -> list[Finding]:
    """Where a document breaks one of the wire schemas; Inconclusive where it is too large to be sure that it does not."""
    try:
        small, whole = schema.thinned(document)
    except ValueError as error:
        raise Inconclusive(f"too large to be held to its schema: {error}") from None
    found = schema.errors(small, name)
    if not found and not whole:
        raise Inconclusive("too large to be held to its schema: of long lists only the beginning was, and it keeps it")
    return [Finding(expected, actual, f"{where} {pointer or '/'}".strip()) for pointer, expected, actual in found]


def breaches(document: Any, wanted: Any, where: str = "") -> list[Finding]:
    """Where a document breaks a schema that the request carried; Inconclusive where that schema is of no use."""
    try:
        found = schema.breaches(document, wanted)
    except Exception as error:
        raise Inconclusive(f"the request's schema cannot be used: {error}") from error
    return [Finding(expected, actual, f"{where} {pointer or '/'}".strip()) for pointer, expected, actual in found]


def error_in_200(body: Any) -> bool:
    """Whether a body is an error and nothing else. An `error` member beside an answer is an extra member, and legal."""
    if not isinstance(body, dict) or body.get("choices") or body.get("data"):
        return False
    if body.get("object") == "error":
        return True
    if "choices" not in body and isinstance(body.get("id"), str) and isinstance(body.get("object"), str):
        return False  # an object that is kept tells of its own failure, as of a job's
    error = body.get("error")
    if isinstance(error, (dict, str)) and error:
        return True
    return "detail" in body and "choices" not in body and "data" not in body and "id" not in body


def joined(exchange: Exchange) -> Mapping[str, Any]:
    """What a stream adds up to: one completion, or the response that its last event carries."""
    return response(exchange) if is_response_object(exchange) else stream.joined(exchange)


def completion(exchange: Exchange) -> Mapping[str, Any]:
    """The body of a plain generation, or what a streamed one adds up to."""
    if exchange.asked_to_stream:
        return stream.joined(exchange)
    return whole_answer(exchange)


def whole_answer(exchange: Exchange) -> Mapping[str, Any]:
    """The body as an object that is no error."""
    body = json_body(exchange)
    if not isinstance(body, dict):
        raise Inconclusive("the body is not an object")
    if error_in_200(body):
        raise Inconclusive("the body is an error")
    return body


def choices(exchange: Exchange) -> list[Mapping[str, Any]]:
    """The choices of a generation, plain or streamed; at least one."""
    if ask.is_response(exchange):
        return [response_choice(exchange)]
    found = stream.listed_choices(completion(exchange))
    if not found:
        raise Inconclusive("the answer has no choices")
    return found


def message(choice: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message of a choice; empty where it has none."""
    found = choice.get("message")
    return found if isinstance(found, dict) else {}


def text(choice: Mapping[str, Any]) -> str:
    """The text of a choice: its message's content (null is empty), or a legacy choice's text."""
    content = message(choice).get("content") if "message" in choice else choice.get("text")
    if content is not None and not isinstance(content, str):
        raise Inconclusive("the content is not a string")
    return content or ""


def refusal(choice: Mapping[str, Any]) -> bool:
    """Whether the model refused."""
    return bool(message(choice).get("refusal"))


def finish_reason(choice: Mapping[str, Any]) -> str | None:
    """Why a choice ended; None where it does not say."""
    reason = choice.get("finish_reason")
    return reason if isinstance(reason, str) and reason else None


def calls(choice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The tool calls of a choice; empty where there are none."""
    found = message(choice).get("tool_calls")
    return [call for call in found if isinstance(call, dict)] if isinstance(found, list) else []


def function(call: Mapping[str, Any]) -> Mapping[str, Any]:
    """The function of a tool call, or the custom tool; empty where it has none."""
    for kind in ("function", "custom"):
        found = call.get(kind)
        if isinstance(found, dict):
            return found
    return {}


def called(choice: Mapping[str, Any]) -> list[tuple[Any, Any]]:
    """What a choice calls: the name of each, and its arguments, or the input of a custom tool."""
    found = [function(call) for call in calls(choice)]
    return [(one.get("name"), one.get("arguments", one.get("input"))) for one in found]


def logprobs(choice: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The token records of a chat choice; Inconclusive where they are not there, which logprobs.present owns."""
    table = choice.get("logprobs")
    records = table.get("content") if isinstance(table, dict) else None
    if not isinstance(records, list) or not records:
        raise Inconclusive("the choice has no log probabilities")
    if not all(isinstance(record, dict) and isinstance(record.get("token"), str) for record in records):
        raise Inconclusive("the log probabilities are not records of tokens")
    return records


def usage(exchange: Exchange) -> Mapping[str, Any]:
    """The usage of an answer; Inconclusive where it has none."""
    body = completion(exchange) if ask.is_generation(exchange) else whole_answer(exchange)
    found = body.get("usage")
    if not isinstance(found, dict):
        raise Inconclusive("the answer has no usage")
    return found


def count(table: Mapping[str, Any], name: str) -> int:
    """A count in a usage object; Inconclusive where it is no integer, which the schema owns."""
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, int):
        raise Inconclusive(f"{name} is no integer")
    return value


def input_tokens(exchange: Exchange) -> int:
    """How many tokens a response says that it has read; Inconclusive where it has no usage."""
    found = response(exchange).get("usage")
    if not isinstance(found, dict):
        raise Inconclusive("the response has no usage")
    return count(found, "input_tokens")


def summed(usage: Mapping[str, Any], where: str = "/usage/total_tokens") -> list[Finding]:
    """A finding where the total is not the tokens of the input and of the output together."""
    read, wrote, total = (count(usage, f"{name}_tokens") for name in ("input", "output", "total"))
    return [] if total == read + wrote else [Finding(f"{read} + {wrote} = {read + wrote}", f"{total}", where)]


@lru_cache(maxsize=32)
def vectors(exchange: Exchange) -> tuple[tuple[float, ...], ...]:
    """The embeddings of an answer in the order of the list, decoded where they are base64."""
    data = whole_answer(exchange).get("data")
    if not isinstance(data, list) or not data:
        raise Inconclusive("the answer has no embeddings")
    return tuple(_vector(item.get("embedding") if isinstance(item, dict) else None) for item in data)


def _vector(value: Any) -> tuple[float, ...]:
    if isinstance(value, str):
        try:
            raw = base64.b64decode(value, validate=True)
            return tuple(number for (number,) in struct.iter_unpack("<f", raw))
        except (binascii.Error, struct.error, ValueError) as error:
            raise Inconclusive("an embedding is no base64 of 32-bit floats") from error
    if not isinstance(value, list) or not value:
        raise Inconclusive("an embedding is no list")
    if not all(isinstance(item, (int, float)) and not isinstance(item, bool) for item in value):
        raise Inconclusive("an embedding is no list of numbers")
    try:
        return tuple(float(item) for item in value)
    except OverflowError as error:
        raise Inconclusive("an embedding holds an integer beyond any float") from error
