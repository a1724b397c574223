"""Structured outputs: JSON mode and JSON Schemas."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_SCHEMA = "openai#/components/schemas/ResponseFormatJsonSchema/properties/json_schema/properties/"


def _format(exchange: Exchange) -> Mapping[str, Any]:
    if exchange.operation.id == "createResponse":
        text = exchange.request.get("text")
        found = text.get("format") if isinstance(text, dict) else None
        # What a chat completion has one level deeper.
        return {**found, "json_schema": found} if isinstance(found, dict) else {}
    found = exchange.request.get("response_format")
    return found if isinstance(found, dict) and exchange.operation.id == "createChatCompletion" else {}


def _generated(exchange: Exchange) -> bool:
    return view.is_chat(exchange) or view.is_response(exchange)


def _asks_schema(exchange: Exchange) -> bool:
    return _generated(exchange) and _format(exchange).get("type") == "json_schema"


def _asks_object(exchange: Exchange) -> bool:
    return _generated(exchange) and _format(exchange).get("type") == "json_object"


def _finished_text(choice: Mapping[str, Any]) -> str:
    """The text of a choice that came to its end and is all the message there is."""
    reason = view.finish_reason(choice)
    if reason in ("length", "content_filter", None) or view.refusal(choice):
        raise Inconclusive(f"the choice ended by {reason or 'nothing that is said'}")
    if view.calls(choice):
        raise Inconclusive("the choice calls tools")
    return view.text(choice)


@check("structured.schema-honoured", level=MUST, applies=_asks_schema, spec=_SCHEMA + "strict")
def schema_honoured(exchange: Exchange) -> Iterator[Finding]:
    """With a json_schema that is strict, the content is JSON and valid by the schema."""
    asked = _format(exchange).get("json_schema")
    wanted = asked.get("schema") if isinstance(asked, dict) else None
    if not isinstance(asked, dict) or not isinstance(wanted, dict):
        raise Inconclusive("the request carries no schema")

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        text = _finished_text(choice)
        where = f"choice {choice.get('index')} /message/content"
        try:
            findings = view.breaches(view.strict_json(text), wanted, where)
        except ValueError as error:
            findings = [Finding("JSON by the schema", f"{error}: {text[:120]!r}", where)]
        if findings and asked.get("strict") is not True:
            raise Inconclusive("the content breaks the schema, which is not strict")
        yield from findings

    return view.each(view.choices(exchange), judge)


def _disordered(value: Any, schema: Any) -> list[str]:
    """The members of the first object whose members do not come as its schema lists them; empty where all do."""
    if isinstance(value, list):
        items = schema.get("items") if isinstance(schema, dict) else None
        return next((found for item in value if (found := _disordered(item, items))), [])
    listed = schema.get("properties") if isinstance(schema, dict) else None
    if not isinstance(value, dict) or not isinstance(listed, dict):
        return []
    names = [name for name in value if name in listed]
    if names != [name for name in listed if name in value]:
        return names
    return next((found for name in names if (found := _disordered(value[name], listed[name]))), [])


def _asks_strict(exchange: Exchange) -> bool:
    asked = _format(exchange).get("json_schema")
    return _asks_schema(exchange) and isinstance(asked, dict) and asked.get("strict") is True


@check("structured.key-order", level=SHOULD, applies=_asks_strict, spec="openai-guides#structured-outputs")
def key_order(exchange: Exchange) -> Iterator[Finding]:
    """With a json_schema that is strict, members come in the order in which the schema lists them."""
    wanted = _format(exchange)["json_schema"].get("schema")

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        try:
            value = view.strict_json(_finished_text(choice))
        except ValueError as error:
            raise Inconclusive("the content is not JSON") from error
        found = _disordered(value, wanted)
        if found:
            yield Finding("the order of the schema", ", ".join(found)[:80], f"choice {choice.get('index')}")

    return view.each(view.choices(exchange), judge)


@check(
    "structured.json-object",
    level=MUST,
    applies=_asks_object,
    spec="openai#/components/schemas/ResponseFormatJsonObject",
)
def json_object(exchange: Exchange) -> Iterator[Finding]:
    """In JSON mode, the content is one JSON object."""

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        text = _finished_text(choice)
        where = f"choice {choice.get('index')} /message/content"
        try:
            value = view.strict_json(text)
        except ValueError as error:
            yield Finding("a JSON object", f"{error}: {text[:120]!r}", where)
            return
        if not isinstance(value, dict):
            yield Finding("a JSON object", text[:120], where)

    return view.each(view.choices(exchange), judge)


def _asks_both(exchanges: Sequence[Exchange]) -> bool:
    kinds = [_format(exchange).get("type") for exchange in exchanges if exchange.status is not None]
    return "json_schema" in kinds and "json_object" in kinds


@relation("structured.json-object-offered", level=SHOULD, applies=_asks_both, spec="issue#GD4AI/obsidian-llm-wiki/306")
def json_object_offered(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A server that takes JSON Schemas takes JSON mode too."""
    if not any(_asks_schema(exchange) for exchange in exchanges):
        raise Inconclusive("no JSON Schema was accepted")
    asked = [exchange for exchange in exchanges if _format(exchange).get("type") == "json_object"]
    if any(view.is_ok(exchange) for exchange in asked):
        return
    refused = [exchange for exchange in asked if exchange.status in (400, 422, 501)]
    if not refused:
        raise Inconclusive("JSON mode was neither accepted nor refused")
    last = refused[-1]
    yield Finding("status 200", f"status {last.status} {last.text[:160]}", f"exchange {last.number}")
