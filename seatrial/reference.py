"""Resolves what a scenario refers to: `$inputs`, `$steps`, `$target`, `$response`, JSON Pointers and the forms.

Forms are `{$repeat: value, times: n}`, `{$text: [parts]}` joined, and `{$json: value}` as JSON text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.check import Inconclusive


class _Absent:
    def __repr__(self) -> str:
        return "absent"


ABSENT: Any = _Absent()
"""What a pointer gives that leads nowhere."""


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be referred to while one case is played."""

    inputs: Mapping[str, Any]
    target: Mapping[str, Any]
    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)


def at(document: Any, pointer: str) -> Any:
    """The value at a JSON Pointer (RFC 6901), or ABSENT."""
    value = document
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and re.fullmatch(r"-?\d+", part) and -len(value) <= int(part) < len(value):
            value = value[int(part)]
        else:
            return ABSENT
    return value


def resolve(value: Any, scope: Scope) -> Any:
    """The value with every reference replaced. Raises Inconclusive where an earlier step gave no such output."""
    if isinstance(value, str):
        return _one(value, scope)
    if isinstance(value, dict):
        if value.keys() == {"$repeat", "times"}:
            unit = resolve(value["$repeat"], scope)
            return unit * int(value["times"])
        if value.keys() == {"$text"}:
            return "".join(str(resolve(part, scope)) for part in value["$text"])
        if value.keys() == {"$json"}:
            return json.dumps(resolve(value["$json"], scope), separators=(",", ":"))
        return {key: resolve(item, scope) for key, item in value.items()}
    if isinstance(value, list):
        return [resolve(item, scope) for item in value]
    return value


def _one(text: str, scope: Scope) -> Any:
    head, hash_, pointer = text.partition("#")
    found: Any
    if head.startswith("$inputs."):
        found = scope.inputs.get(head.removeprefix("$inputs."), ABSENT)
        if isinstance(found, (dict, list)):
            found = resolve(found, scope)
    elif head.startswith("$steps."):
        step, _, output = head.removeprefix("$steps.").partition(".outputs.")
        found = scope.outputs.get(step, {}).get(output, ABSENT)
    elif head.startswith("$target."):
        name = head.removeprefix("$target.")
        found = scope.target.get(name, ABSENT)
        if found is None:
            found = ABSENT
    else:
        return text
    if found is not ABSENT and hash_:
        found = at(found, pointer)
    if found is ABSENT:
        raise Inconclusive(f"{text} could not be had")
    return found
