"""The wire schemas are valid, resolve offline, know what the official client knows, and name each fault once."""

from __future__ import annotations

import collections.abc
import copy
import importlib
import json
import pkgutil
import types
import typing
from pathlib import Path
from typing import Any

import openai
import pydantic
import pytest
import typing_extensions
from jsonschema import Draft202012Validator
from openai.types import (
    Model,
)
from referencing import Registry, Resource

from seatrial import citation, files, schema
from seatrial.model import Invalid
from tests import wire
from tests.wire import DROP

SCHEMAS = Path(__file__).resolve().parent.parent / "schemas"
DOCUMENTS: dict[str, Any] = {path.name: json.loads(path.read_text()) for path in (SCHEMAS / "openai").glob("*.json")}
REGISTRY: Registry[Any] = Registry().with_resources(
    [(document["$id"], Resource.from_contents(document)) for document in DOCUMENTS.values()]
)
ERRATA = files.read(SCHEMAS / "errata.yaml").data["errata"]
SPECS = files.read(SCHEMAS / "specs.yaml").data["specs"]
FAMILIES = [importlib.import_module(f"tests.wire.{found.name}") for found in pkgutil.iter_modules(wire.__path__)]


# --- the files themselves


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_valid_and_named_after_its_file(name: str) -> None:
    document = DOCUMENTS[name]
    Draft202012Validator.check_schema(document)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert document["$id"] == f"https://seatrial.dev/schemas/openai/{name}"


def references(node: Any) -> typing.Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


@pytest.mark.parametrize("name", sorted(DOCUMENTS))
def test_references_resolve_locally(name: str) -> None:
    resolver = REGISTRY.resolver(DOCUMENTS[name]["$id"])
    for reference in references(DOCUMENTS[name]):
        assert isinstance(resolver.lookup(reference).contents, dict), reference


@pytest.mark.parametrize("name", sorted(name for name in DOCUMENTS if not name.endswith("-request.json")))
def test_answers_may_carry_more(name: str) -> None:
    assert '"additionalProperties": false' not in json.dumps(DOCUMENTS[name])


# --- the official client's types

Node = tuple[Any, str, bool]  # a schema, the file it lies in, whether it applies always


def parts(node: Any, file: str, always: bool = True) -> typing.Iterator[Node]:
    """The schema and all that it applies to the same place of a document."""
    if not isinstance(node, dict):
        return
    yield node, file, always
    if "$ref" in node:
        found = REGISTRY.resolver(DOCUMENTS[file]["$id"]).lookup(node["$ref"])
        target, _, _ = node["$ref"].partition("#")
        yield from parts(found.contents, target or file, always)
    for member in node.get("allOf", ()):
        yield from parts(member, file, always)
    for keyword in ("then", "else"):
        if keyword in node:
            yield from parts(node[keyword], file, False)


def below(nodes: list[Node], name: str) -> list[Node] | None:
    """What applies to a member, or None where no schema names it."""
    found = [(node["properties"][name], file) for node, file, _ in nodes if name in node.get("properties", {})]
    return [part for node, file in found for part in parts(node, file)] if found else None


def elements(nodes: list[Node]) -> list[Node]:
    return [part for node, file, _ in nodes if "items" in node for part in parts(node["items"], file)]


def arms(annotation: Any) -> list[Any]:
    """The members of a union, without wrappers and without None."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin in (
        typing.Annotated,
        typing.Required,
        typing.NotRequired,
        typing_extensions.Required,
        typing_extensions.NotRequired,
    ):
        return arms(arguments[0])
    if origin in (typing.Union, types.UnionType):
        return [arm for argument in arguments if argument is not type(None) for arm in arms(argument)]
    return [annotation]


def members(arm: Any) -> dict[str, tuple[Any, bool]]:
    """The members of a model or typed dictionary: annotation, and whether required."""
    if isinstance(arm, type) and issubclass(arm, pydantic.BaseModel):
        fields = arm.model_fields.items()
        return {field.alias or name: (field.annotation, field.is_required()) for name, field in fields}
    if typing_extensions.is_typeddict(arm):
        hints = typing_extensions.get_type_hints(arm, include_extras=True)
        return {
            name: (hint, typing_extensions.get_origin(hint) in (typing.Required, typing_extensions.Required))
            for name, hint in hints.items()
        }
    return {}


def overload(annotation: Any) -> bool:
    """Whether this is one or both of True and False, by which the client tells two overloads of a call apart."""
    return all(isinstance(value, bool) for arm in arms(annotation) for value in typing.get_args(arm) or ("",))


def differences(annotation: Any, nodes: list[Node], path: str = "") -> typing.Iterator[tuple[str, str]]:
    """Where the client's type and the schema differ: `unknown`, `value`, `firmer` (we require it), `softer`.

    A schema that lies in a file of its own is compared by itself.
    """
    if path and any("$ref" in node and "#" not in node["$ref"] for node, _, _ in nodes):
        return
    choices = arms(annotation)
    values = {value for arm in choices if typing.get_origin(arm) is typing.Literal for value in typing.get_args(arm)}
    allowed = {value for node, _, _ in nodes for value in node.get("enum", [node["const"]] if "const" in node else [])}
    # True of one overload and False of another are a boolean, whatever a branch says of one of them.
    if values and allowed and str not in choices and values != {True, False}:
        yield from (("value", f"{path}={value}") for value in sorted(values - allowed))
    for arm in choices:
        if typing.get_origin(arm) in (list, collections.abc.Iterable, collections.abc.Sequence):
            yield from differences(typing.get_args(arm)[0], elements(nodes), f"{path}/*")
    shapes = [shape for shape in map(members, choices) if shape]
    unconditional = {name for node, _, always in nodes if always for name in node.get("required", ())}
    # What a branch needs to be entered, such as a type, is required of the objects that it is for.
    anyhow = {name for node, _, _ in nodes for part in (node, node.get("if", {})) for name in part.get("required", ())}
    for name in sorted({name for shape in shapes for name in shape}):
        inner = below(nodes, name)
        if inner is None:
            yield "unknown", f"{path}/{name}"
            continue
        if name in unconditional and not all(shape[name][1] for shape in shapes if name in shape):
            yield "firmer", f"{path}/{name}"
        demanded = [shape[name] for shape in shapes if name in shape]
        always = all(required for _, required in demanded)
        if name not in anyhow and (always or any(required and not overload(hint) for hint, required in demanded)):
            yield "softer", f"{path}/{name}"
        union = typing.Union[tuple(shape[name][0] for shape in shapes if name in shape)]  # noqa: UP007
        yield from differences(union, inner, f"{path}/{name}")


CLIENT_TYPES: dict[str, Any] = {}
for family in FAMILIES:
    CLIENT_TYPES |= family.TYPES


# The client's parameters of a call hold what it puts into the path and the query beside the body.
BESIDE = {
    "conversation-items-request.json": {("unknown", "/include")},
    "vector-store-file-update-request.json": {("unknown", "/vector_store_id")},
}


def excused(name: str, *kinds: str) -> set[str]:
    entries = [entry for entry in ERRATA.values() if name in entry["schemas"] and entry["kind"] in kinds]
    return {member for entry in entries for member in entry["members"]}


def test_every_schema_has_a_client_type() -> None:
    assert set(CLIENT_TYPES) == set(DOCUMENTS)


@pytest.mark.parametrize("name", sorted(CLIENT_TYPES))
def test_knows_what_the_official_client_knows(name: str) -> None:
    # The client has no type for a line of a batch's output.
    readable = all(members(arm) for arm in arms(CLIENT_TYPES[name]))
    assert readable or name == "batch-output-line.json", "a type that cannot be read differs in nothing"
    found = set(differences(CLIENT_TYPES[name], list(parts(DOCUMENTS[name], name))))
    beside = BESIDE.get(name, set())
    assert beside <= found
    softer, firmer = excused(name, "softer"), excused(name, "firmer", "laxer-client")
    unjudged = tuple(f"{member}/" for member in excused(name, "unjudged"))
    unexcused = [
        (kind, where)
        for kind, where in sorted(found - beside)
        if not (kind in ("firmer", "value") and where.partition("=")[0] in firmer)
        and not (kind == "softer" and any(f"{where}/".startswith(f"{member}/") for member in softer))
        and not where.startswith(unjudged)
    ]
    assert unexcused == []
    stale = excused(name, "laxer-client") - {
        where.partition("=")[0] for kind, where in found if kind in ("firmer", "value")
    }
    assert not stale, "the client is no longer laxer about these: take the errata out"


TYPED = ("response-output-item.json", "response-stream-event.json", "response-tool.json")


def kinds(arm: Any) -> tuple[str, ...]:
    """The values that the `type` of a model may have."""
    return tuple(value for one in arms(members(arm)["type"][0]) for value in typing.get_args(one))


@pytest.mark.parametrize(
    ("name", "kind", "arm"),
    [(name, kind, arm) for name in TYPED for arm in arms(CLIENT_TYPES[name]) for kind in kinds(arm)],
)
def test_each_type_is_known_by_itself(name: str, kind: str, arm: Any) -> None:
    """What is said of one type of event, item or tool does not stand in for what another lacks."""
    root = DOCUMENTS[name]
    branches = [
        branch["then"]
        for branch in root["then"]["allOf"]
        if kind in branch["if"]["properties"]["type"].get("enum", [branch["if"]["properties"]["type"].get("const")])
    ]
    assert len(branches) == 1
    nodes = [(root, name, True), *parts(branches[0], name)]
    softer, unjudged = excused(name, "softer"), tuple(f"{member}/" for member in excused(name, "unjudged"))
    found = [
        (what, where)
        for what, where in differences(arm, nodes)
        if not (what == "softer" and where in softer) and not where.startswith(unjudged)
    ]
    # A tool may be of more types than its model tells apart by name.
    assert [row for row in found if row[0] != "value" or not row[1].startswith("/type=")] == []


def test_the_comparison_sees_what_is_missing() -> None:
    poor = {"properties": {"id": {}, "object": {"const": "models"}, "shutdown_date": {}}, "required": ["shutdown_date"]}
    assert set(differences(Model, list(parts(poor, "model.json")))) == {
        ("unknown", "/created"),
        ("unknown", "/owned_by"),
        ("softer", "/id"),
        ("softer", "/object"),
        ("value", "/object=model"),
        ("firmer", "/shutdown_date"),
    }


# --- errata and citations


@pytest.mark.parametrize("name", sorted(SPECS))
def test_specs_are_well_formed(name: str) -> None:
    spec = SPECS[name]
    assert {"title", "url"} <= set(spec) <= {"title", "url", "home", "fragments", "pattern"}
    assert "fragments" in spec or "pattern" in spec
    for prefix, endings in spec.get("fragments", {}).items():
        assert all(isinstance(text, str) for text in [prefix, *endings]), prefix
        assert len(set(endings)) == len(endings), prefix


@pytest.mark.parametrize(
    ("at", "url"),
    [
        ("openai#/components/schemas/Model", SPECS["openai"]["home"] + "#/components/schemas/Model"),
        ("openai#/paths/~1models~1{model}/get", SPECS["openai"]["home"] + "#/paths/~1models~1{model}/get"),
        ("openai-docs#chat/create", "https://platform.openai.com/docs/api-reference/chat/create"),
        ("rfc9110#section-15.5.5", "https://www.rfc-editor.org/rfc/rfc9110.html#section-15.5.5"),
        ("rfc9110", "https://www.rfc-editor.org/rfc/rfc9110.html"),
        ("whatwg-sse#parsing-an-event-stream", SPECS["whatwg-sse"]["home"] + "#parsing-an-event-stream"),
        ("issue#vllm-project/vllm/19662", "https://github.com/vllm-project/vllm/issues/19662"),
    ],
)
def test_citations_become_urls(at: str, url: str) -> None:
    assert citation.url(at) == url


@pytest.mark.parametrize(
    "at",
    ["openai#/components/schemas/Modle", "openai#", "rfc9110#15.5.5", "rfc1#section-1", "issue#vllm/19662", "issue"],
)
def test_mistyped_citations_are_refused(at: str) -> None:
    with pytest.raises(Invalid):
        citation.url(at)


@pytest.mark.parametrize("key", sorted(ERRATA))
def test_errata_point_somewhere(key: str) -> None:
    entry = ERRATA[key]
    assert set(entry) == {"schemas", "members", "kind", "document", "demand", "reason", "source"}
    assert entry["kind"] in ("softer", "firmer", "laxer-client", "unjudged")
    for at in entry["source"]:
        assert citation.url(at)
        if at.startswith("openai-python#src/"):
            assert (Path(openai.__file__).parent.parent / at.partition("#src/")[2]).is_file(), at
    for name in entry["schemas"]:
        for member in entry["members"]:
            nodes: list[Node] | None = list(parts(DOCUMENTS[name], name))
            for token in member.split("/")[1:]:
                assert nodes, (name, member)
                nodes = elements(nodes) if token == "*" else below(nodes, token)
            assert nodes is not None, (name, member)


# --- documents by hand

GOOD: dict[str, dict[str, Any]] = {}
BAD: dict[tuple[str, str], list[tuple[Any, ...]]] = {}
for family in FAMILIES:
    GOOD |= family.GOOD
    BAD |= family.BAD


def changed(document: Any, pointer: str, value: Any) -> Any:
    """A copy of the document in which the pointed member has this value, or is gone."""
    copied = copy.deepcopy(document)
    *way, last = pointer.split("/")[1:]
    place = copied
    for token in way:
        place = place[int(token) if isinstance(place, list) else token]
    key = int(last) if isinstance(place, list) else last
    if value is DROP:
        del place[key]
    else:
        place[key] = value
    return copied


@pytest.mark.parametrize(("name", "case"), [(name, case) for name, cases in GOOD.items() for case in cases])
def test_good_documents_pass(name: str, case: str) -> None:
    assert schema.errors(GOOD[name][case], f"openai/{name}") == []


@pytest.mark.parametrize(
    ("name", "case", "change"),
    [(name, case, change) for (name, case), changes in BAD.items() for change in changes],
)
def test_one_fault_is_named_once(name: str, case: str, change: tuple[Any, ...]) -> None:
    pointer, value, *elsewhere = change
    place = elsewhere[0] if elsewhere else pointer.rpartition("/")[0] if value is DROP else pointer
    found = schema.errors(changed(GOOD[name][case], pointer, value), f"openai/{name}")
    assert [at for at, _, _ in found] == [place]


def test_every_schema_has_good_and_bad_documents() -> None:
    assert set(GOOD) == {name for name, _ in BAD} == set(DOCUMENTS)


def test_a_large_document_is_held_to_its_schema_as_far_as_seconds_allow() -> None:
    vectors = {"data": [{"embedding": [float(number) for number in range(1536)]} for _ in range(60)]}
    small, whole = schema.thinned(vectors)
    assert whole
    assert small["data"][59]["embedding"][-2:] == [0.0, 1535.0]
    assert len(small["data"][59]["embedding"]) == 66
    mixed = {"data": [1.0] * 100 + ["x"]}
    assert schema.thinned(mixed) == (mixed, True)
    rows = {"data": [{"id": str(number)} for number in range(100_000)]}
    small, whole = schema.thinned(rows)
    assert not whole
    assert small["data"] == rows["data"][:1000]
    with pytest.raises(ValueError, match="however short"):
        schema.thinned([[[[[[["a"] * 10] * 10] * 10] * 10] * 10] * 10])
