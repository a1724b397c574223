"""What a request schema allows at one place: its keywords in one table, and values that keep to it.

Reads the vocabulary of `schemas/openai/`: type, enum, const, bounds, properties, items, allOf, anyOf, oneOf, $ref and
if/then/else. Whatever it makes is held against the schema before it is used, so a keyword it cannot read costs
values, never truth.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator

from seatrial import home, schema

Json = Any
TYPES = ("string", "integer", "number", "boolean", "array", "object", "null")
_TEXTS = ("seatrial", "a", "0", "30m", "sea_trial-1", "file-1", "https://seatrial.example/a.png", "2026-01-01")
_DEPTH = 6
"""Levels below which an example has no optional member: schemas refer to themselves."""


@cache
def _file(name: str) -> Any:
    text = (home.folder("schemas") / name).read_text(encoding="utf-8")
    return _absolute(json.loads(text), schema.BASE + name)


def _absolute(value: Any, base: str) -> Any:
    """The document with every `$ref` made absolute, so that each part of it can be used by itself."""
    if isinstance(value, list):
        return [_absolute(item, base) for item in value]
    if not isinstance(value, dict):
        return value
    found = {key: _absolute(item, base) for key, item in value.items() if key not in ("$id", "$schema")}
    reference = value.get("$ref")
    if isinstance(reference, str) and not reference.startswith("https:"):
        path, _, fragment = reference.partition("#")
        found["$ref"] = (base.rpartition("/")[0] + "/" + path if path else base) + "#" + fragment
    return found


def document(name: str) -> Any:
    """The schema of that name, such as `openai/chat-request.json`, with absolute references."""
    return _file(name)


def _resolved(reference: str) -> Any:
    uri, _, fragment = reference.partition("#")
    found = _file(uri.removeprefix(schema.BASE))
    for part in fragment.split("/")[1:]:
        found = found[part.replace("~1", "/").replace("~0", "~")]
    return found


@cache
def _compiled(text: str) -> Draft202012Validator:
    return schema.compiled(json.loads(text))


def accepts(subschema: Any, value: Json) -> bool:
    """Whether the value keeps to this part of a schema."""
    if isinstance(subschema, bool):
        return subschema
    return bool(_compiled(json.dumps(subschema, sort_keys=True)).is_valid(value))


def _merge(one: dict[str, Any], other: Mapping[str, Any]) -> None:
    """Takes the keywords of `other` into `one`: where both speak, the narrower one holds."""
    for key, value in other.items():
        if key not in one:
            one[key] = value
        elif key == "type":
            one[key] = [kind for kind in _listed(one[key]) if kind in _widened(_listed(value))] or _listed(value)
        elif key == "enum":
            one[key] = [item for item in one[key] if item in value]
        elif key in ("minimum", "minLength", "minItems", "minProperties"):
            one[key] = max(one[key], value)
        elif key in ("maximum", "maxLength", "maxItems", "maxProperties"):
            one[key] = min(one[key], value)
        elif key == "properties":
            both = one[key].keys() & value.keys()
            one[key] = {**one[key], **value, **{name: {"allOf": [one[key][name], value[name]]} for name in both}}
        elif key == "required":
            one[key] = list(dict.fromkeys([*one[key], *value]))
        elif key == "items":
            one[key] = {"allOf": [one[key], value]}


def _listed(kind: Any) -> list[str]:
    return [kind] if isinstance(kind, str) else list(kind)


def _widened(kinds: list[str]) -> list[str]:
    return [*kinds, "integer"] if "number" in kinds else kinds


def keywords(subschema: Any, value: Json = None) -> dict[str, Any]:
    """The keywords that hold for this value, of all that the subschema refers to, in one table.

    `choices` are the arms of each anyOf or oneOf; `switches` the members by whose value an `if` decides.
    """
    table: dict[str, Any] = {"choices": [], "switches": []}
    _gather(subschema, value, table)
    return table


def _gather(subschema: Any, value: Json, table: dict[str, Any]) -> None:
    if not isinstance(subschema, dict):
        return
    plain = {
        key: item
        for key, item in subschema.items()
        if key not in ("$ref", "allOf", "anyOf", "oneOf", "if", "then", "else", "not", "const", "$defs", "title")
    }
    if "const" in subschema:
        plain["enum"] = [subschema["const"]]
    _merge(table, plain)
    if "$ref" in subschema:
        _gather(_resolved(subschema["$ref"]), value, table)
    for part in subschema.get("allOf", ()):
        _gather(part, value, table)
    for name in ("anyOf", "oneOf"):
        if name in subschema:
            table["choices"].append(subschema[name])
    if "if" in subschema:
        table["switches"] += _switches(subschema["if"])
        _gather(subschema.get("then" if accepts(subschema["if"], value) else "else"), value, table)


def _switches(condition: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name, wanted in condition.get("properties", {}).items()
        if isinstance(wanted, dict) and ("const" in wanted or "enum" in wanted)
    ]


def types(table: Mapping[str, Any]) -> list[str]:
    """The JSON types that the keywords allow, of the kinds a value is written in."""
    if "type" in table:
        return _listed(table["type"])
    if "enum" in table:
        return list(dict.fromkeys(kind(item) for item in table["enum"]))
    if "properties" in table or "required" in table:
        return ["object"]
    return ["array"] if "items" in table else []


def kind(value: Json) -> str:
    """The JSON type of a value."""
    if value is None:
        return "null"
    for name, python in (("boolean", bool), ("integer", int), ("number", float), ("string", str), ("array", list)):
        if isinstance(value, python):
            return name
    return "object"


def arms(subschema: Any) -> list[Any]:
    """The subschema with one arm of each of its unions chosen: each anyOf or oneOf in turn, the first of the others."""
    table = keywords(subschema)
    if not table["choices"]:
        return [subschema]
    found = []
    for index, choice in enumerate(table["choices"]):
        rest = [other[0] for at, other in enumerate(table["choices"]) if at != index]
        found += [{"allOf": [subschema, arm, *rest]} for arm in choice]
    return found


def examples(subschema: Any, depth: int = 0) -> list[tuple[str, Json]]:
    """Small values that keep to the subschema, one of each arm of its unions, by a name for the arm."""
    found: dict[str, Json] = {}
    for arm in arms(subschema):
        for name, value in _examples(arm, depth):
            if accepts(subschema, value):
                taken = name in found and found[name] != value
                found.setdefault(f"{name}-{len(found)}" if taken else name, value)
    return list(found.items())


_BLANK: dict[str, Json] = {
    "null": None, "boolean": True, "integer": 1, "number": 1, "string": "", "array": [], "object": {}
}  # fmt: skip


def _examples(subschema: Any, depth: int) -> Iterator[tuple[str, Json]]:
    for name in types(keywords(subschema)) or ["string"]:
        table = keywords(subschema, _BLANK[name])
        if "enum" in table:
            for item in table["enum"]:
                if kind(item) == name:
                    yield (item if isinstance(item, str) else schema.short(item)), item
            continue
        match name:
            case "null":
                yield "null", None
            case "boolean":
                yield from (("true", True), ("false", False))
            case "integer" | "number":
                low, high = table.get("minimum"), table.get("maximum")
                yield name, next((n for n in (1, low, high) if n is not None and _between(n, low, high)), 1)
            case "string":
                yield "string", _text(table)
            case "array":
                yield from _lists(subschema, table, depth)
            case "object":
                yield from _objects(subschema, table, depth)


def _between(number: float, low: float | None, high: float | None) -> bool:
    return (low is None or number >= low) and (high is None or number <= high)


def _text(table: Mapping[str, Any]) -> str:
    pattern = table.get("pattern")
    least, most = table.get("minLength", 0), table.get("maxLength", 1 << 20)
    for text in _TEXTS:
        if least <= len(text) <= most and (pattern is None or re.search(pattern, text)):
            return text
    return "a" * int(max(least, 1))


def _lists(subschema: Any, table: Mapping[str, Any], depth: int) -> Iterator[tuple[str, list[Json]]]:
    least = max(1, table.get("minItems", 0))
    if depth <= _DEPTH:
        # What the items may be can hang on the first of them.
        for name in types(keywords(subschema.get("items", table.get("items")))):
            items = keywords(subschema, [_BLANK[name]]).get("items")
            for label, item in examples(items, depth + 1):
                if kind(item) == name:
                    yield f"list-of-{label}", [item] * least
    if not table.get("minItems"):
        yield "empty-list", []


def _objects(subschema: Any, table: Mapping[str, Any], depth: int) -> Iterator[tuple[str, dict[str, Json]]]:
    starts: list[tuple[str, dict[str, Json]]] = [("object", {})]
    for switch in table["switches"][:1]:
        values = keywords(table.get("properties", {}).get(switch, {})).get("enum", [])
        starts = [(str(value), {switch: value}) for value in values] or starts
    for name, start in starts:
        yield name, _filled(subschema, start, depth)


def _filled(subschema: Any, start: Mapping[str, Json], depth: int) -> dict[str, Json]:
    """The object with its required members, each the first example of its schema."""
    value = dict(start)
    for _ in range(3):  # what is filled in may ask for more
        table = keywords(subschema, value)
        lacking = [name for name in table.get("required", ()) if name not in value]
        for name in lacking:
            found = examples(table.get("properties", {}).get(name, {"type": "string"}), depth + 1)
            if found:
                value[name] = found[0][1]
        if not lacking:
            break
    return value
