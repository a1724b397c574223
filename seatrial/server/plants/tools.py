"""Defects of tool calls, plain and streamed."""

from __future__ import annotations

import json
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    all_chunks,
    calls,
    choices,
    defect,
    delta_calls,
    result,
    result_of,
)

AREA, STREAM = "tools", "tools streaming"


def _prose(body: Json, made: Json) -> None:
    """A required call is answered with prose until the limit."""
    if body.get("tool_choice") == "required":
        for choice in made["choices"]:
            choice["message"].pop("tool_calls", None)
            choice["message"]["content"] = "I would rather talk about the weather."
            choice["finish_reason"] = "stop"


def _filtered(body: Json, made: Json) -> None:
    if isinstance(body.get("tool_choice"), dict):
        for choice in made["choices"]:
            choice["message"]["tool_calls"] = []
            choice["finish_reason"] = "stop"


def _other_name(body: Json, made: Json) -> None:
    if isinstance(body.get("tool_choice"), dict):
        names = [tool["function"]["name"] for tool in body["tools"]]
        for choice in made["choices"]:
            for call in choice["message"].get("tool_calls") or ():
                call["function"]["name"] = next((n for n in names if n != call["function"]["name"]), "other_function")


def _markup(text: str) -> str:
    return f'<tool_call>{{"name": "{text}", "arguments": {{}}}}</tool_call>'


def _tags(choice: Json) -> None:
    for call in choice["message"].get("tool_calls") or ():
        choice["message"]["content"] = _markup(call["function"]["name"])


def _raw_stream(body: Json, chunks: list[Json]) -> list[Json]:
    """The call is streamed as the model's own markup."""
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            if "tool_calls" in delta:
                call = delta.pop("tool_calls")[0]
                name = call["function"].get("name")
                text = f'<tool_call>{{"name": "{name}", "arguments": ' if name else call["function"]["arguments"]
                delta["content"] = text
            if choice["finish_reason"] in ("tool_calls", "stop") and any(
                "content" in c["choices"][0]["delta"] for c in chunks if c["choices"]
            ):
                choice["finish_reason"] = "stop"
    return chunks


def _one_block(body: Json, chunks: list[Json]) -> list[Json]:
    """All pieces of the arguments arrive in one delta."""
    made: list[Json] = []
    open_: dict[tuple[int, int], Json] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            rows = choice["delta"].get("tool_calls")
            if rows and "id" not in rows[0]:
                into = open_[(choice["index"], rows[0]["index"])]
                into["function"]["arguments"] += rows[0]["function"]["arguments"]
                break
            if rows:
                open_[(choice["index"], rows[0]["index"])] = rows[0]
        else:
            made.append(chunk)
    return made


def _truncated(body: Json, chunks: list[Json]) -> list[Json]:
    if any(choice["delta"].get("tool_calls") for chunk in chunks for choice in chunk["choices"]):
        for chunk in chunks:
            for choice in chunk["choices"]:
                if choice["finish_reason"] == "length":
                    choice["finish_reason"] = "tool_calls"
    return chunks


def _merged(body: Json, chunks: list[Json]) -> list[Json]:
    """Deltas of the second call are sent under the first one's index."""
    for chunk in chunks:
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls") or ():
                call["index"] = 0
    return chunks


def _called_anyway(body: Json, made: Json) -> None:
    if body.get("tool_choice") == "none" and body.get("tools"):
        for choice in made["choices"]:
            name = body["tools"][0]["function"]["name"]
            choice["message"] |= {
                "content": None,
                "tool_calls": [{"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}],
            }
            choice["finish_reason"] = "tool_calls"


def _twice(body: Json, made: Json) -> None:
    if body.get("parallel_tool_calls") is False:
        for choice in made["choices"]:
            rows = choice["message"].get("tool_calls")
            if rows:
                rows.append({**rows[0], "id": rows[0]["id"] + "b"})


def _invented(body: Json, made: Json) -> None:
    if not isinstance(body.get("tool_choice"), dict):
        calls(lambda at, call: call["function"].update(name="invented_function"))(made)


def _loose(body: Json, made: Json) -> None:
    for choice in made["choices"]:
        for call in choice["message"].get("tool_calls") or ():
            call["function"]["arguments"] = '{"surprise": 1}'


def _broken(body: Json, made: Json) -> None:
    for choice in made["choices"]:
        for call in choice["message"].get("tool_calls") or ():
            if choice["finish_reason"] != "length":
                call["function"]["arguments"] = call["function"]["arguments"].replace('"', "'")


def _no_calls(body: Json, made: Json) -> None:
    for choice in made["choices"]:
        if not choice["message"].get("tool_calls") and choice["finish_reason"] == "stop" and body.get("tools"):
            choice["finish_reason"] = "tool_calls"


def _objects(at: int, call: Json) -> None:
    try:
        call["function"]["arguments"] = json.loads(call["function"]["arguments"])
    except ValueError:
        call["function"]["arguments"] = {}


def _continued(name: str, value: Any) -> Any:
    def change(first: bool, call: Json) -> None:
        if not first:
            if name == "id":
                call["id"] = value
            else:
                call["function"]["name"] = value

    return delta_calls(change)


def _first_lacks(*names: str) -> Any:
    def change(first: bool, call: Json) -> None:
        for name in names if first else ():
            (call["function"] if name == "name" else call).pop(name, None)

    return change


def _all_lack_id(body: Json, chunks: list[Json]) -> list[Json]:
    for chunk in chunks:
        for choice in chunk["choices"]:
            for call in choice["delta"].get("tool_calls") or ():
                call.pop("id", None)
    return chunks


PLANTS = (
    defect(
        "NC-TOOL-01",
        AREA,
        "function.arguments is an object",
        "wire.body-schema",
        source="ggml-org/llama.cpp#20198",
        result=result(calls(_objects), CHAT),
    ),
    defect(
        "NC-TOOL-03",
        AREA,
        "calls of a whole message keep index",
        "tools.no-message-index",
        level="MAY",
        source="epam/ai-dial-sdk#110",
        result=result(calls(lambda at, c: c.update(index=at)), CHAT),
    ),
    defect(
        "NC-TOOL-05",
        AREA,
        "tool_choice required is answered with prose",
        "tools.required-called",
        "stream.equals-plain",
        source="am17an/llama.cpp#33",
        result=result_of(_prose, CHAT),
    ),
    defect(
        "NC-TOOL-07",
        AREA,
        "a named choice ends in an empty list of calls",
        "tools.named-called",
        "tools.calls-non-empty",
        "stream.equals-plain",
        source="lablup/mlxcel#1581",
        result=result_of(_filtered, CHAT),
    ),
    defect(
        "tools.named-called/another",
        AREA,
        "another function than the named one is called",
        "tools.named-called",
        "tools.known-name",
        "stream.equals-plain",
        "tools.arguments-schema",
        "*/must/body",
        result=result_of(_other_name, CHAT),
    ),
    defect(
        "tools.calls-non-empty/plain-answer",
        AREA,
        "a message without calls has an empty list of them",
        "tools.calls-non-empty",
        result=result_of(lambda body, made: [c["message"].setdefault("tool_calls", []) for c in made["choices"]], CHAT),
    ),
    defect(
        "NC-TOOL-11",
        AREA,
        "tool markup stays in the content",
        "tools.no-markup",
        "stream.equals-plain",
        source="NVIDIA/TensorRT-LLM#9784",
        result=result(choices(_tags), CHAT),
    ),
    defect(
        "NC-TSTR-01",
        STREAM,
        "tool-call deltas have no index",
        "wire.event-schema",
        source="ollama/ollama#7881",
        chunks=delta_calls(lambda first, call: call.pop("index")),
    ),
    defect(
        "NC-TSTR-03",
        STREAM,
        "the first call has index 1",
        "tools.delta-indices",
        source="pipecat-ai/pipecat#4987",
        chunks=delta_calls(lambda first, call: call.update(index=call["index"] + 1)),
    ),
    defect(
        "NC-TSTR-05",
        STREAM,
        "the first delta has no type",
        "tools.delta-type-first",
        level="SHOULD",
        source="vllm-project/vllm#16346",
        chunks=delta_calls(lambda first, call: call.pop("type", None)),
    ),
    defect(
        "NC-TSTR-07",
        STREAM,
        "later deltas carry an empty id",
        "tools.delta-id-once",
        source="anomalyco/opencode#40969",
        chunks=_continued("id", ""),
    ),
    defect(
        "NC-TSTR-09",
        STREAM,
        "later deltas carry an empty name",
        "tools.delta-name-once",
        source="sgl-project/sglang#4700",
        chunks=_continued("name", ""),
    ),
    defect(
        "tools.delta-id-once/repeated",
        STREAM,
        "later deltas repeat the id",
        "tools.delta-id-once",
        chunks=_continued("id", "call_again"),
    ),
    defect(
        "NC-TSTR-11",
        STREAM,
        "a truncated call says tool_calls",
        "tools.arguments-json",
        "stream.equals-plain",
        source="vllm-project/vllm#53269",
        chunks=all_chunks(_truncated, CHAT),
    ),
    defect(
        "NC-TSTR-13",
        STREAM,
        "a stream sends the call as text",
        "tools.required-called",
        "tools.named-called",
        "stream.equals-plain",
        "tools.no-markup",
        "tools.finish-reason",
        source="waybarrios/vllm-mlx#43",
        chunks=all_chunks(_raw_stream, CHAT),
    ),
    defect(
        "NC-TSTR-15",
        STREAM,
        "deltas of two calls share an index",
        "tools.delta-id-once",
        "tools.delta-name-once",
        "tools.arguments-json",
        "stream.equals-plain",
        "*/stream/joined",
        "tools.parallel?two-cities?/*/tools.*",
        source="maximhq/bifrost#1829",
        chunks=all_chunks(_merged, CHAT),
    ),
    defect(
        "NC-TSTR-17",
        STREAM,
        "the arguments come in one block",
        "tools.arguments-incremental",
        level="MAY",
        source="vllm-project/vllm#40779",
        chunks=all_chunks(_one_block, CHAT),
    ),
    defect(
        "tools.delta-first-complete/no-name",
        STREAM,
        "the first delta has no name",
        "tools.delta-first-complete",
        "tools.named-called",
        "tools.known-name",
        "stream.equals-plain",
        "*/stream/joined",
        chunks=delta_calls(_first_lacks("name")),
    ),
    defect(
        "tools.delta-first-complete/no-id",
        STREAM,
        "no delta has an id",
        "tools.delta-first-complete",
        "*/stream/joined",
        chunks=all_chunks(_all_lack_id, CHAT),
    ),
    defect(
        "tools.none-not-called/called",
        AREA,
        "tool_choice none is ignored",
        "tools.none-not-called",
        "*/must/body",
        result=result_of(_called_anyway, CHAT),
    ),
    defect(
        "tools.single-when-not-parallel/two",
        AREA,
        "parallel_tool_calls false is ignored",
        "tools.single-when-not-parallel",
        "*/must/body",
        result=result_of(_twice, CHAT),
    ),
    defect(
        "tools.known-name/invented",
        AREA,
        "a function is called that was not offered",
        "tools.known-name",
        "stream.equals-plain",
        "*/must/body",
        result=result_of(_invented, CHAT),
    ),
    defect(
        "tools.call-ids/empty",
        AREA,
        "a call's id is empty",
        "tools.call-ids",
        "*/must/body",
        result=result(calls(lambda at, c: c.update(id="")), CHAT),
    ),
    defect(
        "tools.call-ids/shared",
        AREA,
        "two calls share an id",
        "tools.call-ids",
        "tools.parallel?two-cities?/*/tools.*",
        result=result(calls(lambda at, c: c.update(id="call_0")), CHAT),
    ),
    defect(
        "tools.arguments-json/single-quotes",
        AREA,
        "the arguments are no JSON",
        "tools.arguments-json",
        "stream.equals-plain",
        "*/must/body",
        result=result_of(_broken, CHAT),
    ),
    defect(
        "tools.arguments-schema/strict-ignored",
        AREA,
        "strict is ignored",
        "tools.arguments-schema",
        "stream.equals-plain",
        "tools.arguments-json",
        "*/must/body",
        result=result_of(_loose, CHAT),
    ),
    defect(
        "tools.finish-reason/without-calls",
        AREA,
        "finish_reason tool_calls without calls",
        "tools.finish-reason",
        "*/must/body",
        result=result_of(_no_calls, CHAT),
    ),
)
