"""Structured outputs: what response_format asks for is what comes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding


def _format(x: Exchange) -> Mapping[str, Any]:
    wanted = x.request.get("response_format")
    return wanted if isinstance(wanted, dict) else {}


def _schema(x: Exchange) -> Mapping[str, Any]:
    found = _format(x).get("json_schema")
    return found if isinstance(found, dict) and isinstance(found.get("schema"), dict) else {}


def _contents(exchange: Exchange) -> Iterator[tuple[int, str]]:
    """The whole contents of the choices; a cut or refused answer, or a tool call, shows nothing."""
    for choice in view.choices(exchange):
        message = choice.get("message")
        refusal = message.get("refusal") if isinstance(message, dict) else None
        if choice.get("finish_reason") in ("length", "content_filter") or refusal or view.calls_of(choice):
            raise Inconclusive("the answer was cut, refused, or a tool call")
        yield view.index_of(choice), view.text_of(choice)


@check(
    "structured.schema-honoured",
    level=MUST,
    applies=lambda x: view.is_chat(x) and _format(x).get("type") == "json_schema" and bool(_schema(x)),
    spec="openai#/components/schemas/ResponseFormatJsonSchema",
)
def schema_honoured(exchange: Exchange) -> Iterator[Finding]:
    """With a strict json_schema the content is JSON that keeps to it: it is honoured or refused, never dropped."""
    strict = _schema(exchange).get("strict") is True
    for index, text in _contents(exchange):
        try:
            found = [(f"{p}", e, a) for p, e, a in view.breaches(json.loads(text), _schema(exchange)["schema"])]
        except (ValueError, RecursionError):
            found = [("", "JSON", repr(text[:120]))]
        if found and not strict:
            raise Inconclusive("without strict the schema is advice")
        for pointer, expected, actual in found[:5]:
            yield Finding(expected, actual, f"content of choice {index} {pointer}".rstrip())


@check(
    "structured.json-object",
    level=MUST,
    applies=lambda x: view.is_chat(x) and _format(x).get("type") == "json_object",
    spec="openai#/components/schemas/ResponseFormatJsonObject",
)
def json_object(exchange: Exchange) -> Iterator[Finding]:
    """In JSON mode the content is a JSON object."""
    for index, text in _contents(exchange):
        try:
            value = json.loads(text)
        except (ValueError, RecursionError):
            value = None
        if not isinstance(value, dict):
            yield Finding("a JSON object", repr(text[:120]), f"content of choice {index}")


def _both(xs: Sequence[Exchange]) -> bool:
    kinds = {_format(x).get("type") for x in xs if x.operation.id == "createChatCompletion"}
    return {"json_object", "json_schema"} <= kinds


@relation("structured.json-object-offered", level=SHOULD, applies=_both, spec="issue#GD4AI/obsidian-llm-wiki/306")
def json_object_offered(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A server that takes a json_schema takes json_object too: both are types of response_format."""
    status = {_format(x).get("type"): x.status for x in exchanges if x.operation.id == "createChatCompletion"}
    if status["json_schema"] != 200:
        raise Inconclusive("json_schema is not offered")
    if status["json_object"] != 200:
        yield Finding("status 200", f"status {status['json_object']}", "response_format json_object")
