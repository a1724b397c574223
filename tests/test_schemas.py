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
from openai import pagination
from openai.types import (
    Completion,
    CompletionUsage,
    CreateEmbeddingResponse,
    Model,
    completion_create_params,
    embedding_create_params,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.shared import ErrorObject
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


class ErrorEnvelope(pydantic.BaseModel):
    error: ErrorObject


CLIENT_TYPES = {
    "model.json": Model,
    "model-list.json": pagination.SyncPage[Model],
    "chat-completion.json": ChatCompletion,
    "chat-completion-chunk.json": ChatCompletionChunk,
    "completion.json": Completion,
    "completion-chunk.json": Completion,
    "embedding-list.json": CreateEmbeddingResponse,
    "usage.json": CompletionUsage,
    "error.json": ErrorEnvelope,
    "chat-request.json": chat_create_params.CompletionCreateParams,
    "completion-request.json": completion_create_params.CompletionCreateParams,
    "embedding-request.json": embedding_create_params.EmbeddingCreateParams,
}
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

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
LOGPROBS = {"content": [{"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}], "refusal": None}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}, "strict": True}}
CUSTOM = {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}
PARTS = [
    {"type": "text", "text": "a"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    {"type": "file", "file": {"file_id": "f"}},
]


def answer(kind: str, *choices: Any, **more: Any) -> dict[str, Any]:
    return {"id": "x-1", "object": kind, "created": 1700000000, "model": "m", "choices": list(choices), **more}


def said(finish_reason: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": content, **more}, "finish_reason": finish_reason}


def delta(finish_reason: str | None, **more: Any) -> dict[str, Any]:
    return {"index": 0, "delta": more, "finish_reason": finish_reason}


def text(finish_reason: str | None) -> dict[str, Any]:
    return {"text": "a", "index": 0, "logprobs": None, "finish_reason": finish_reason}


def vectors(embedding: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": embedding}]
    return {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


REFUSED = {"message": "no", "type": "invalid_request_error"}
# fmt: off
GOOD: dict[str, dict[str, Any]] = {
    "model.json": {"plain": {"id": "org/m:1", "object": "model", "created": 1, "owned_by": "me", "meta_data": None}},
    "model-list.json": {"plain": {"object": "list", "data": []}},
    "usage.json": {
        "plain": {**USAGE, "prompt_tokens_details": {"cached_tokens": None}, "completion_tokens_details": None}
    },
    "error.json": {
        "plain": {"error": {**REFUSED, "param": None, "code": None}},
        "bare": {"error": {**REFUSED, "code": 400}},
    },
    "chat-completion.json": {
        "plain": answer("chat.completion", {**said("stop", "Hi"), "logprobs": LOGPROBS}, usage=USAGE, timings={}),
        "calls": answer("chat.completion", said("tool_calls", None, tool_calls=[CALL]), system_fingerprint=None),
        "nulls": answer("chat.completion", said("length", "", tool_calls=None, refusal=None, reasoning_content="")),
    },
    "chat-completion-chunk.json": {
        "plain": answer("chat.completion.chunk", delta(None, role="assistant", content=""), usage=None),
        "calls": answer(
            "chat.completion.chunk",
            delta("tool_calls", tool_calls=[{"index": 0, **CALL}, {"index": 1, "function": {"arguments": ""}}]),
        ),
        "usage": answer("chat.completion.chunk", usage=USAGE),
    },
    "completion.json": {"plain": answer("text_completion", text("stop"), usage=USAGE)},
    "completion-chunk.json": {"plain": answer("text_completion", text(None), usage=None)},
    "embedding-list.json": {"plain": vectors([0.5, 1]), "base64": vectors("AAAAPw==")},
    "embedding-request.json": {
        kind: {"model": "m", "input": value, "encoding_format": "base64", "dimensions": 8}
        for kind, value in {"plain": "a", "texts": ["a", "b"], "tokens": [1, 2], "batch": [[1], [2, 3]]}.items()
    },
    "completion-request.json": {
        kind: {"model": "m", "prompt": value, "logprobs": 5, "stop": ["a"], "stream_options": None, "top_k": 4}
        for kind, value in {"plain": "", "null": None, "texts": ["a", ""], "tokens": [1], "batch": [[1], [2]]}.items()
    },
    "chat-request.json": {
        "plain": {
            "model": "m",
            "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 2, "top_p": 0, "n": 128, "top_logprobs": 20, "presence_penalty": -2, "seed": -(2**63),
            "logit_bias": {"50256": -100}, "stop": None, "stream": True, "stream_options": {"include_usage": True},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
            "tools": [TOOL, CUSTOM],
            "tool_choice": {"type": "function", "function": {"name": "add"}},
            "unknown": 1,
        },
        "roles": {
            "model": "m",
            "tool_choice": "required",
            "messages": [
                {"role": "developer", "content": [{"type": "text", "text": "a"}]},
                {"role": "system", "content": "a", "name": "s"},
                {"role": "user", "content": PARTS},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "2"}]},
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
                {"role": "function", "name": "f", "content": None},
            ],
        },
    },
}

# By schema and good document: the one member that is changed, its value, and the place to be named where it is not that
# member itself (or, of a dropped one, the object that lacks it).
BAD: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("model.json", "plain"): [
        ("/created", DROP), ("/created", "2024-10-22T15:10:45"), ("/object", "models"), ("/owned_by", None),
    ],
    ("model-list.json", "plain"): [
        ("/object", DROP), ("/data", None), ("/data", [{"id": "m", "object": "model", "created": 1}], "/data/0"),
    ],
    ("usage.json", "plain"): [
        ("/total_tokens", DROP), ("/completion_tokens", -1), ("/prompt_tokens", None),
        ("/prompt_tokens_details/cached_tokens", "0"),
    ],
    ("error.json", "plain"): [("/error", "no"), ("/error", DROP), ("/error/type", None), ("/error/message", DROP)],
    ("chat-completion.json", "plain"): [
        ("/object", "chat.completions"), ("/choices", DROP), ("/created", 1.5), ("/service_tier", 5),
        ("/usage", None), ("/usage/total_tokens", DROP), ("/choices/0/finish_reason", "error"),
        ("/choices/0/finish_reason", None), ("/choices/0/index", "0"), ("/choices/0/logprobs", []),
        ("/choices/0/message", DROP), ("/choices/0/message/role", "user"), ("/choices/0/message/content", DROP),
        ("/choices/0/message/content", [{"type": "text", "text": "Hi"}]),
    ],
    ("chat-completion.json", "calls"): [
        ("/choices/0/message/tool_calls/0/id", None), ("/choices/0/message/tool_calls/0/type", DROP),
        ("/choices/0/message/tool_calls/0/type", "custom", "/choices/0/message/tool_calls/0"),
        ("/choices/0/message/tool_calls/0/function/arguments", {}),
    ],
    ("chat-completion-chunk.json", "plain"): [
        ("/object", DROP), ("/object", "chat.completion"), ("/choices/0/finish_reason", DROP),
        ("/choices/0/delta", None), ("/choices/0/delta/role", "bot"),
    ],
    ("chat-completion-chunk.json", "calls"): [
        ("/choices/0/delta/tool_calls/1/index", DROP), ("/choices/0/delta/tool_calls/1/index", -1),
        ("/choices/0/delta/tool_calls/1/function/arguments", None),
    ],
    ("chat-completion-chunk.json", "usage"): [
        ("/choices", DROP), ("/choices", None), ("/usage/total_tokens", DROP), ("/usage", "n/a"),
    ],
    ("completion.json", "plain"): [
        ("/choices/0/logprobs", DROP), ("/choices/0/finish_reason", None), ("/choices/0/text", None),
    ],
    ("completion-chunk.json", "plain"): [
        ("/choices/0/finish_reason", DROP), ("/choices/0/finish_reason", "tool_calls"),
        ("/usage", {"prompt_tokens": 1, "completion_tokens": 1}),
    ],
    ("embedding-list.json", "plain"): [
        ("/usage", DROP), ("/data/0/embedding", None), ("/data/0/embedding/1", None), ("/data/0/index", DROP),
    ],
    ("embedding-request.json", "plain"): [
        ("/input", ""), ("/input", []), ("/input", None), ("/input", ["a"] * 2049), ("/input", ["a", 1], "/input/1"),
        ("/input", [[1], []], "/input/1"), ("/input", [["a"]], "/input/0/0"), ("/dimensions", 0),
        ("/encoding_format", "int8"), ("/unknown", 1, ""),
    ],
    ("completion-request.json", "plain"): [
        ("/prompt", DROP), ("/prompt", {}), ("/logprobs", 6), ("/best_of", 21), ("/max_tokens", -1),
        ("/stop", ["a"] * 5), ("/stream_options", {}, ""),
    ],
    ("chat-request.json", "plain"): [
        ("/model", None), ("/messages", []), ("/temperature", 2.1), ("/n", 129), ("/top_logprobs", 21),
        ("/logit_bias/1", 101), ("/seed", 2**63), ("/stream", False), ("/stop", []), ("/reasoning_effort", "lots"),
        ("/metadata", {"k": "v" * 513}, "/metadata/k"), ("/tool_choice", "any"), ("/tool_choice/type", "tool"),
        ("/tool_choice/function/name", DROP), ("/tools/0/function/name", "a b"), ("/tools/0/type", "web_search"),
        ("/response_format/json_schema", DROP), ("/response_format/type", "yaml"),
    ],
    ("chat-request.json", "roles"): [
        ("/messages/0/content/0/type", "image_url"), ("/messages/1/role", "robot"), ("/messages/1/content", DROP),
        ("/messages/1/content", None), ("/messages/2/content/0/text", None),
        ("/messages/2/content/1/image_url", "http://x"), ("/messages/2/content/2/input_audio/format", "ogg"),
        ("/messages/3/tool_calls/0/id", None), ("/messages/4/tool_call_id", DROP), ("/messages/5/content", DROP),
    ],
}
# fmt: on
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
