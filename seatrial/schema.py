"""JSON Schemas of the folder `schemas/`, resolved locally and compiled once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry, Resource
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from seatrial import home
from seatrial.pointer import pointer

BASE = "https://seatrial.dev/schemas/"
_MOST_FINDINGS = 1000
_MOST_VALUES = 50_000
_SHARES = (1000, 100, 10)
_FEW = 64
_DEEPEST = 100


@cache
def _registry() -> Registry[Any]:
    folder = home.folder("schemas")
    registry: Registry[Any] = Registry()
    for path in sorted(folder.rglob("*.json")):
        contents = json.loads(path.read_text(encoding="utf-8"))
        uri = BASE + path.relative_to(folder).as_posix()
        registry = registry.with_resource(uri, Resource.from_contents(contents, DRAFT202012))
    return registry


@cache
def validator(name: str) -> Draft202012Validator:
    """The compiled schema of that name, such as `openai/model.json`. Raises KeyError where there is none."""
    uri = BASE + name
    if uri not in _registry():
        raise KeyError(name)
    return Draft202012Validator({"$ref": uri}, registry=_registry())


def known(name: str) -> bool:
    """Whether `schemas/` has a schema of that name."""
    return BASE + name in _registry()


def short(value: Any, limit: int = 200) -> str:
    """The value as compact JSON, cut at `limit` characters."""
    text = json.dumps(value, ensure_ascii=False, default=repr, separators=(", ", ": "))
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _expected(error: ValidationError) -> str:
    value: Any = error.validator_value
    instance: Any = error.instance
    match error.validator:
        case "required":
            missing = [name for name in value if name not in instance]
            return "members " + ", ".join(missing)
        case "type":
            kinds = value
            return "type " + (kinds if isinstance(kinds, str) else " or ".join(kinds))
        case "const":
            return short(value)
        case "enum":
            return "one of " + short(value)
        case None:
            return "nothing here"
        case _:
            return f"{error.validator} {short(value)}"


def _findings(errors: Any) -> list[tuple[str, str, str]]:
    found = []
    for error in islice(errors, _MOST_FINDINGS):
        actual = short(error.instance)
        if error.validator == "required":
            actual = "members " + (", ".join(map(str, error.instance)) or "none")
        found.append((pointer(error.absolute_path), _expected(error), actual))
    return sorted(set(found))  # jsonschema gives one `required` error for each member that is missing


def thinned(document: Any) -> tuple[Any, bool]:
    """The document small enough to be held to a schema in seconds, and whether nothing was left out for that.

    Of a long list of numbers some stand for all, the lowest and the highest among them. Of a document that still has
    more than 50,000 values, only the first of each list and object are left. Raises ValueError where that is no help.
    """
    for most in (None, *_SHARES):
        small = _cut(document, most)
        if _count(small, _MOST_VALUES) < _MOST_VALUES:
            return small, most is None
    raise ValueError("more than 50,000 values, however short its lists are cut")


def _cut(value: Any, most: int | None, depth: int = 0) -> Any:
    if depth > _DEEPEST or not isinstance(value, (dict, list)):
        return value
    if isinstance(value, dict):
        return {name: _cut(item, most, depth + 1) for name, item in islice(value.items(), most)}
    if len(value) > _FEW and all(type(item) is float or type(item) is int for item in value):
        return [*value[:_FEW], min(value), max(value)]
    return [_cut(item, most, depth + 1) for item in islice(value, most)]


def _count(value: Any, most: int) -> int:
    """How many values there are in it; `most` where there are more."""
    left, count = [value], 0
    while left and count < most:
        one = left.pop()
        count += 1
        if isinstance(one, dict):
            left += one.values()
        elif isinstance(one, list):
            left += one
    return count


def errors(document: Any, name: str) -> list[tuple[str, str, str]]:
    """Where the document breaks the named schema: (pointer, expected, actual), sorted; empty where it does not."""
    return _findings(validator(name).iter_errors(document))


def breaches(document: Any, schema: Any) -> list[tuple[str, str, str]]:
    """Like `errors`, for a schema given as a document (a scenario's or a request's own). Never fetches a `$ref`.

    Raises ValueError where the schema itself cannot be used.
    """
    try:
        return _findings(compiled(schema).iter_errors(document))
    except Unresolvable as error:
        raise ValueError(f"the schema refers to what is not there: {error}") from error


def compiled(schema: Any) -> Draft202012Validator:
    """The validator of a schema given as a document, whose references are absolute."""
    return Draft202012Validator(schema, registry=_registry())


def check_schema(schema: Any) -> str | None:
    """What is wrong with a schema given as a document, or None."""
    try:
        Draft202012Validator.check_schema(schema)
    except SchemaError as error:
        return f"{pointer(error.absolute_path) or '/'}: {error.message}"
    resolver = _registry().with_resource("", DRAFT202012.create_resource(schema)).resolver()
    for ref in _refs(schema):
        try:
            resolver.lookup(ref)
        except Unresolvable:
            return f"$ref {ref!r} leads to nothing in this schema or in schemas/; nothing is fetched"
    return None


def _refs(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"]
        for item in value.values():
            yield from _refs(item)
    elif isinstance(value, list):
        for item in value:
            yield from _refs(item)
