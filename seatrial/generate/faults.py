"""One fault at a time: every way in which one place of a valid body can break its schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from seatrial.generate.rules import CLOSED
from seatrial.generate.shape import Json, accepts, examples, keywords, types

_DEEPEST = 5
_MOST_ITEMS = 3000
"""Items above which a list that is too long is not sent: the limit is then one of size, not of sense."""
Put = Callable[[Json], Json]


@dataclass(frozen=True, slots=True)
class Fault:
    """A body with one fault: where it lies (members, and the arm where there are several), what it is, the body.

    `prose` says that the contract states the bound in words only, so that the schema alone does not make it binding.
    """

    place: tuple[str, ...]
    kind: str
    body: Json
    prose: bool = False

    @property
    def id(self) -> str:
        return "/".join((*self.place, self.kind))


def faults(
    schema: Any, body: Mapping[str, Json], companions: Mapping[str, Mapping[str, Json]] | None = None
) -> list[Fault]:
    """Every fault of a valid body, by place and kind once, in the order of the schema; each one breaks the schema.

    `companions` are the members that go with another one: without them it would be refused for their lack.
    """
    found: dict[str, Fault] = {}
    for fault in _Walk(companions or {}).inside(schema, dict(body), (), (), lambda value: value):
        if fault.id not in found and not accepts(schema, fault.body):
            found[fault.id] = fault
    return list(found.values())


class _Walk:
    """One walk through a schema; what several arms of a union have in common is broken in the first of them only."""

    def __init__(self, companions: Mapping[str, Mapping[str, Json]]) -> None:
        self._companions = companions
        self._seen: set[tuple[tuple[str, ...], str]] = set()

    def inside(
        self, schema: Any, value: Json, place: tuple[str, ...], bare: tuple[str, ...], put: Put
    ) -> Iterator[Fault]:
        """The faults of a container that is as it should be; `bare` is its place without the arms."""
        table = keywords(schema, value)
        if isinstance(value, list):
            yield from self._items(table, value, place, bare, put)
            return
        for name in table.get("required", ()):
            if name in value and self._new((*bare, name), "missing"):
                yield Fault((*place, name), "missing", put({key: item for key, item in value.items() if key != name}))
        if table.get("additionalProperties") is False and not place:
            yield Fault((*place, "seatrial_unknown"), "extra", put({**value, "seatrial_unknown": 1}), prose=True)
        yield from _members(table, value, place, put)
        arms = _other_arms(keywords(schema, {}), value) if place else frozenset[str]()
        for name, member in table.get("properties", {}).items():
            if name in arms:
                continue
            others = {} if place else self._companions.get(name, {})

            def put_member(new: Json, name: str = name, others: Mapping[str, Json] = others) -> Json:
                return put({**value, **others, name: new})

            needed = name in table.get("required", ())
            at = (*place, name), (*bare, name)
            yield from self._member(member, value.get(name), *at, put_member, needed)

    def _new(self, bare: tuple[str, ...], what: str) -> bool:
        fresh = (bare, what) not in self._seen
        self._seen.add((bare, what))
        return fresh

    def _items(
        self, table: Mapping[str, Any], value: list[Json], place: tuple[str, ...], bare: tuple[str, ...], put: Put
    ) -> Iterator[Fault]:
        if not value:
            return
        if table.get("minItems") and self._new(bare, "too-few"):
            yield Fault(place, "too-few", put(value[: table["minItems"] - 1]))
        most = table.get("maxItems", _MOST_ITEMS)
        if most < _MOST_ITEMS and self._new(bare, "too-many"):
            yield Fault(place, "too-many", put((value * (most // len(value) + 1))[: most + 1]))
        items = table.get("items")
        if not isinstance(items, dict):
            return

        def put_item(new: Json) -> Json:
            return put([new, *value[1:]])

        if self._new((*bare, "item"), str(items)):
            for what, wrong in _wrong(keywords(items), 2, True):
                yield Fault((*place, "item"), what, put_item(wrong), prose=what == "pattern")
        if isinstance(value[0], (dict, list)):
            yield from self.inside(items, value[0], place, (*bare, "item"), put_item)

    def _member(
        self, schema: Any, present: Json, place: tuple[str, ...], bare: tuple[str, ...], put: Put, needed: bool
    ) -> Iterator[Fault]:
        if not isinstance(schema, dict) or not self._new(bare, str(schema)):
            return
        for what, wrong in _wrong(keywords(schema), 4 if len(bare) == 1 else 2, needed):
            yield Fault(place, what, put(wrong), prose=what == "pattern")
        if len(bare) > _DEEPEST or bare[-1] in CLOSED:
            return
        inner = [(label, sample) for label, sample in examples(schema) if isinstance(sample, (dict, list))]
        inner = [(label, sample) for label, sample in inner if sample != []]
        for label, sample in inner:
            arm = (*place, label.removeprefix("list-of-")) if len(inner) > 1 else place
            whole = sample
            if isinstance(present, list) and isinstance(sample, list) and accepts(schema, [*sample, *present]):
                whole = [*sample, *present]  # a message of another role goes before the one that asks
            yield from self.inside(schema, whole, arm, bare, put)


def _other_arms(table: Mapping[str, Any], value: Mapping[str, Json]) -> frozenset[str]:
    """The members that an object of another type has, where one of its members says its type: here they mean nothing."""
    listed = [(name, keywords(member).get("enum", ())) for name, member in table.get("properties", {}).items()]
    return frozenset(
        item for name, items in listed for item in items if isinstance(item, str) and item != value.get(name)
    )


def _members(table: Mapping[str, Any], value: dict[str, Json], place: tuple[str, ...], put: Put) -> Iterator[Fault]:
    """What an open object says of its members: how many, how they are named, what they hold."""
    open_ = table.get("additionalProperties")
    if "maxProperties" in table:
        many = {f"k{number}": "v" for number in range(table["maxProperties"] + 1)}
        yield Fault(place, "too-many", put({**value, **many}), prose=True)
    if "maxLength" in table.get("propertyNames", {}):
        name = "k" * (table["propertyNames"]["maxLength"] + 1)
        yield Fault(place, "name-too-long", put({**value, name: "v"}), prose=True)
    if isinstance(open_, dict):
        for what, wrong in _wrong(keywords(open_), 2):
            yield Fault((*place, "1"), what, put({**value, "1": wrong}), prose=True)


def _wrong(table: Mapping[str, Any], most: int, needed: bool = False) -> Iterator[tuple[str, Json]]:
    """Values that this place does not take: of up to `most` wrong types, and just outside its bounds."""
    allowed = set(types(table))
    if not allowed:
        return
    if "number" in allowed:
        allowed.add("integer")
    strange: dict[str, Json] = {
        "text": "seatrial",
        "object": {"seatrial": 1},
        "list": [True],
        "number": 5,
        "boolean": True,
    }
    clash = {"text": "string", "object": "object", "list": "array", "number": "integer", "boolean": "boolean"}
    taken = 0
    for name, value in strange.items():
        if clash[name] not in allowed and taken < most:
            taken += 1
            yield f"as-{name}", value
    if needed and "null" not in allowed:
        yield "as-null", None
    if "integer" in allowed and "number" not in allowed:
        yield "as-fraction", 1.5
    if allowed & {"integer", "number"}:
        step = 1 if "number" not in allowed else 0.1
        if "minimum" in table:
            yield "too-small", _rounded(table["minimum"] - step)
        if "maximum" in table:
            yield "too-large", _rounded(table["maximum"] + step)
        if "string" not in allowed:
            yield "as-digits", "1"
    yield from _wrong_text(table, allowed, most)


def _rounded(number: float) -> float:
    return number if isinstance(number, int) else round(number, 6)


def _wrong_text(table: Mapping[str, Any], allowed: set[str], most: int) -> Iterator[tuple[str, Json]]:
    listed = [item for item in table.get("enum", ()) if isinstance(item, str)]
    if listed:
        yield "outside", f"{listed[0]}-seatrial"
        if most > 2:
            yield "empty", ""
        if most > 2 and listed[0].upper() != listed[0]:
            yield "upper-case", listed[0].upper()
    elif "string" in allowed:
        if table.get("minLength"):
            yield "empty", ""
        if "maxLength" in table:
            yield "too-long", "a" * (table["maxLength"] + 1)
        if "pattern" in table:
            yield "pattern", "sea trial!"
