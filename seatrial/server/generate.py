"""Writes a JSON value that keeps to a JSON Schema, for structured outputs and tool arguments."""

from __future__ import annotations

import random
import re
from typing import Any

from seatrial.server.language import dice

_WORDS = ("harbour", "lantern", "compass", "anchor", "beacon", "voyage", "current", "island")
_FORMATS = {
    "date-time": "2026-01-02T03:04:05Z",
    "date": "2026-01-02",
    "time": "03:04:05Z",
    "email": "pilot@harbour.example",
    "uuid": "6f1f6f0e-3a52-4f6e-9d0c-0c3b7a2f1e11",
    "uri": "https://harbour.example/",
    "hostname": "harbour.example",
    "ipv4": "192.0.2.7",
    "ipv6": "2001:db8::7",
    "duration": "PT5M",
}


def value(schema: Any, seed: str, root: Any = None, depth: int = 0) -> Any:
    """A value that keeps to the schema, the same for the same seed."""
    root = schema if root is None else root
    if not isinstance(schema, dict) or depth > 12:
        return None
    if "$ref" in schema:
        return value(_resolve(root, schema["$ref"]), seed, root, depth + 1)
    for name in ("anyOf", "oneOf", "allOf"):
        if isinstance(schema.get(name), list) and schema[name]:
            merged = {**schema, **schema[name][0]} if name == "allOf" else schema[name][0]
            return value({k: v for k, v in merged.items() if k != name}, seed, root, depth + 1)
    if "const" in schema:
        return schema["const"]
    chance = dice("value", seed, depth, sorted(schema))
    if schema.get("enum"):
        return chance.choice(schema["enum"])
    kind = schema.get("type", "object" if "properties" in schema else "string")
    if isinstance(kind, list):
        kind = next((k for k in kind if k != "null"), "null")
    return _of(kind, schema, seed, root, depth, chance)


def _of(kind: str, schema: dict[str, Any], seed: str, root: Any, depth: int, chance: random.Random) -> Any:
    match kind:
        case "object":
            names = (
                list(schema.get("properties", {}))
                if schema.get("additionalProperties") is False or depth < 3
                else schema.get("required", [])
            )
            return {
                name: value(schema.get("properties", {}).get(name, {}), f"{seed}.{name}", root, depth + 1)
                for name in names
            }
        case "array":
            size = max(schema.get("minItems", 1), min(2, schema.get("maxItems", 2)))
            return [value(schema.get("items", {}), f"{seed}.{index}", root, depth + 1) for index in range(size)]
        case "integer":
            low = schema.get(
                "minimum",
                schema.get("exclusiveMinimum", 0 if schema.get("maximum", 1) >= 0 else schema.get("maximum", 0) - 9)
                + ("exclusiveMinimum" in schema),
            )
            return int(min(low + chance.randrange(9), schema.get("maximum", low + 9)))
        case "number":
            low = schema.get("minimum", 0)
            return min(low + chance.randrange(90) / 10, schema.get("maximum", low + 9))
        case "boolean":
            return chance.random() < 0.5
        case "null":
            return None
        case _:
            return _text(schema, chance)


def _text(schema: dict[str, Any], chance: random.Random) -> str:
    if schema.get("format") in _FORMATS:
        return _FORMATS[schema["format"]]
    if "pattern" in schema:
        return _matching(str(schema["pattern"]), chance)
    text = " ".join(chance.choice(_WORDS) for _ in range(3))
    while len(text) < schema.get("minLength", 0):
        text += " " + chance.choice(_WORDS)
    return text[: schema.get("maxLength", len(text))]


_PARTS = re.compile(r"(\\[dws]|\[[^\]]+\]|\\.|[^\\])(\{\d+(?:,\d*)?\}|[+*?])?")
_CLASSES = {"\\d": "0123456789", "\\w": "abcdefgh", "\\s": " "}


def _matching(pattern: str, chance: random.Random) -> str:
    """A text for a simple pattern: literals, character classes, counts; what is more is beyond this model."""
    text = ""
    for part, count in _PARTS.findall(pattern.removeprefix("^").removesuffix("$")):
        if part in _CLASSES:
            letters = _CLASSES[part]
        elif part.startswith("[") and len(part) > 2:
            letters = "".join(
                "".join(map(chr, range(ord(a), ord(b) + 1))) if b else a
                for a, b in re.findall(r"(.)(?:-(.))?", part[1:-1])
            )
        else:
            letters = part[-1]
        low = re.match(r"\{(\d+)", count)
        text += "".join(chance.choice(letters) for _ in range(int(low.group(1)) if low else 1))
    return text


def _resolve(root: Any, reference: str) -> Any:
    found = root
    for part in reference.removeprefix("#").split("/")[1:]:
        found = found.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(found, dict) else {}
    return found
