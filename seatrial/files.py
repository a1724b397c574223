"""Reads YAML files strictly: no key twice, no tags, no aliases that grow, and every value knows its line."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

from seatrial.model import Invalid
from seatrial.pointer import pointer

LIMIT = 8 << 20
_DEEPEST = 100


class _Strict(yaml.constructor.SafeConstructor):
    """Refuses duplicate keys, and numbers beyond 4096 bits, and keeps dates as text."""

    def construct_whole_number(self, node: yaml.ScalarNode) -> int:
        """The number. Raises ConstructorError where it has more than 4096 bits: it could not even be shown."""
        number = int(self.construct_yaml_int(node))
        if number.bit_length() > 4096:
            raise yaml.constructor.ConstructorError(None, None, "a number beyond 4096 bits", node.start_mark)
        return number

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (dict, list)):
                raise yaml.constructor.ConstructorError(None, None, "a key is a plain value", key_node.start_mark)
            if key in seen:
                raise yaml.constructor.ConstructorError(
                    None, None, f"the key {key!r} is given twice", key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep=deep)


class _Loader(_Strict, yaml.SafeLoader):
    """By PyYAML alone: it says best what is wrong, and reads the escape of half a surrogate pair."""


if TYPE_CHECKING:
    _Fast = _Loader
else:

    class _Fast(_Strict, getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
        """By libyaml, in a tenth of the time, where PyYAML was built with it."""


for _kind in (_Loader, _Fast):
    _kind.add_constructor("tag:yaml.org,2002:int", _kind.construct_whole_number)  # type: ignore[type-var]
    # YAML 1.1 would turn `2026-01-01` into a date; JSON has none.
    _kind.yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in rules if tag != "tag:yaml.org,2002:timestamp"]
        for first, rules in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def _bounded(text: str, kind: type[_Loader]) -> None:
    """Raises ConstructorError where there is an alias, or what is nested deeper than a hundred: before any of it is built."""
    depth = 0
    for event in yaml.parse(text, Loader=kind):
        at: Any = event.start_mark
        if isinstance(event, yaml.AliasEvent):
            raise yaml.constructor.ConstructorError(None, None, "anchors and aliases are not used here", at)
        depth += isinstance(event, yaml.CollectionStartEvent) - isinstance(event, yaml.CollectionEndEvent)
        if depth > _DEEPEST:
            raise yaml.constructor.ConstructorError(None, None, "nested too deep", at)


def _loaded(text: str) -> tuple[yaml.Node | None, Any]:
    """The node and the data. Raises YAMLError; PyYAML's own, unless it would take long to find it."""
    for kind in (_Fast, _Loader):
        try:
            _bounded(text, kind)
            loader = kind(text)
            node = loader.get_single_node()
            return node, loader.construct_document(node) if node else None
        except (yaml.parser.ParserError, yaml.scanner.ScannerError):
            if kind is _Loader or len(text) > 1 << 18:
                raise
    raise AssertionError("the last one returns or raises")


def _lines(node: yaml.Node | None, at: str, table: dict[str, int]) -> dict[str, int]:
    if node is None:
        return table
    table[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            step = pointer([key.value])
            _lines(value, at + step, table)
            table[at + step] = key.start_mark.line + 1
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            _lines(value, f"{at}/{index}", table)
    return table


class Source:
    """A YAML file as data, with the line of each JSON Pointer."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            raw = path.read_bytes()
        except OSError as error:
            raise Invalid(str(path), "", f"cannot be read: {error.strerror}") from error
        if len(raw) > LIMIT:
            raise Invalid(str(path), "", f"is larger than {LIMIT >> 20} MiB")
        try:
            text = raw.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise Invalid(str(path), "", f"is not UTF-8: {error.reason} at byte {error.start}") from error
        try:
            node, data = _loaded(text)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            raise Invalid(
                str(path), "", str(error.problem or error.context), mark.line + 1 if mark else None
            ) from error
        except (yaml.YAMLError, ValueError, TypeError, AttributeError, RecursionError) as error:
            raise Invalid(str(path), "", f"is not YAML: {' '.join(str(error).split())}") from error
        self.data: Any = data
        self._node = node

    def invalid(self, at: str, message: str) -> Invalid:
        """An Invalid that names this file, the pointer and its line (or that of the nearest parent)."""
        table = _lines(self._node, "", {})
        place = at
        while place and place not in table:
            place = place.rpartition("/")[0]
        return Invalid(str(self.path), at, message, table.get(place))

    def conform(self, name: str) -> None:
        """Raises Invalid at the first place where the file breaks the named schema of `schemas/`."""
        from seatrial import schema  # and with it jsonschema, which a load test need not wait for

        validator = schema.validator(name)
        errors = sorted(
            validator.iter_errors(self.data), key=lambda error: (len(error.absolute_path), str(error.absolute_path))
        )
        if not errors:
            return
        error = errors[0]
        at = pointer(error.absolute_path)
        if error.validator == "additionalProperties":
            allowed = sorted(error.schema.get("properties", {}))
            extra = sorted(str(key) for key in error.instance if key not in allowed)
            raise self.invalid(f"{at}/{extra[0]}", f"unknown member {extra[0]!r}; expected one of {', '.join(allowed)}")
        raise self.invalid(at, error.message if len(error.message) < 300 else error.message[:299] + "…")


def read(path: Path, schema_name: str | None = None) -> Source:
    """The file as data, held to a schema of `schemas/` where one is named. Raises Invalid."""
    source = Source(path)
    if schema_name:
        source.conform(schema_name)
    return source


def passage(path: Path, keys: Sequence[str]) -> tuple[int, str]:
    """The lines of a YAML file below these keys (an item of a list by its `id`), outdented, and the first one's number.

    (0, "") where the file cannot be read or has no such place.
    """
    root, text = _composed(path)
    node = first = root
    for key in keys:
        pairs = node.value if isinstance(node, yaml.MappingNode) else []
        items = node.value if isinstance(node, yaml.SequenceNode) else []
        found = [(name, value) for name, value in pairs if name.value == key]
        found += [(item, item) for item in items if ("id", key) in _plain(item)]
        if not found:
            return 0, ""
        first, node = found[0]
    if first is None or node is None:
        return 0, ""
    start, end = first.start_mark.line, max(first.start_mark.line + 1, node.end_mark.line + bool(node.end_mark.column))
    rows = text.split("\n")[start:end]
    if len(rows) > 1 and not isinstance(node, yaml.ScalarNode):
        # The end of a block is where the next token begins: what lies between is another's comment.
        depth = len(rows[0]) - len(rows[0].lstrip())
        after = (at for at, row in enumerate(rows[1:], 1) if row.strip() and len(row) - len(row.lstrip()) <= depth)
        rows = rows[: next(after, len(rows))]
    return start + 1, textwrap.dedent("\n".join(rows)).rstrip()


def _plain(node: yaml.Node) -> list[tuple[str, str]]:
    pairs = node.value if isinstance(node, yaml.MappingNode) else []
    return [(name.value, value.value) for name, value in pairs if isinstance(value, yaml.ScalarNode)]


@cache
def _composed(path: Path) -> tuple[yaml.Node | None, str]:
    try:
        text = path.read_text("utf-8-sig")
        return yaml.compose(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader)), text
    except (OSError, ValueError, yaml.YAMLError, RecursionError):
        return None, ""


def dump(data: Any) -> str:
    """The data as YAML in the order given, one that `read` reads back."""
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=120)


def trusted(text: str) -> Any:
    """The data of a text of our own files, which a test has held to their schema: quick, without lines."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 both are safe loaders
