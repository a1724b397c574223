"""Defects of tool calls in whole messages."""

from __future__ import annotations

import json

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    calls,
    choices,
    defect,
    result,
    result_of,
)


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


def _own_tool(body: Json, made: Json) -> None:
    for choice in () if body.get("tools") else made["choices"]:
        call = {"id": f"call_{made['id']}", "type": "function", "function": {"name": "search", "arguments": "{}"}}
        choice["message"]["tool_calls"] = [call]


PLANTS = (
    defect(
        "NC-TOOL-01",
        "tools",
        "function.arguments is an object",
        "wire.body-schema",
        source="ggml-org/llama.cpp#20198",
        result=result(calls(_objects), CHAT),
    ),
    defect(
        "NC-TOOL-03",
        "tools",
        "calls of a whole message keep index",
        "tools.no-message-index",
        level="MAY",
        source="epam/ai-dial-sdk#110",
        result=result(calls(lambda at, c: c.update(index=at)), CHAT),
    ),
    defect(
        "NC-TOOL-05",
        "tools",
        "tool_choice required is answered with prose",
        "tools.required-called",
        "stream.equals-plain",
        source="am17an/llama.cpp#33",
        result=result_of(_prose, CHAT),
    ),
    defect(
        "tools.none-offered/own",
        "tools",
        "a tool is called that nobody offered",
        "tools.none-offered",
        "stream.equals-plain",
        result=result_of(_own_tool, CHAT),
    ),
    defect(
        "NC-TOOL-07",
        "tools",
        "a named choice ends in an empty list of calls",
        "tools.named-called",
        "tools.calls-non-empty",
        "stream.equals-plain",
        source="lablup/mlxcel#1581",
        result=result_of(_filtered, CHAT),
    ),
    defect(
        "tools.named-called/another",
        "tools",
        "another function than the named one is called",
        "tools.named-called",
        "tools.allowed-called",
        "tools.known-name",
        "stream.equals-plain",
        "tools.arguments-schema",
        "*/must/body",
        result=result_of(_other_name, CHAT),
    ),
    defect(
        "tools.calls-non-empty/plain-answer",
        "tools",
        "a message without calls has an empty list of them",
        "tools.calls-non-empty",
        level="SHOULD",
        result=result_of(lambda body, made: [c["message"].setdefault("tool_calls", []) for c in made["choices"]], CHAT),
    ),
    defect(
        "NC-TOOL-11",
        "tools",
        "tool markup stays in the content",
        "tools.no-markup",
        "stream.equals-plain",
        source="NVIDIA/TensorRT-LLM#9784",
        result=result(choices(_tags), CHAT),
    ),
    defect(
        "tools.none-not-called/called",
        "tools",
        "tool_choice none is ignored",
        "tools.none-not-called",
        "*/must/body",
        result=result_of(_called_anyway, CHAT),
    ),
    defect(
        "tools.single-when-not-parallel/two",
        "tools",
        "parallel_tool_calls false is ignored",
        "tools.single-when-not-parallel",
        "*/must/body",
        result=result_of(_twice, CHAT),
    ),
    defect(
        "tools.known-name/invented",
        "tools",
        "a function is called that was not offered",
        "tools.known-name",
        "stream.equals-plain",
        "*/must/body",
        result=result_of(_invented, CHAT),
    ),
    defect(
        "tools.call-ids/empty",
        "tools",
        "a call's id is empty",
        "tools.call-ids",
        "*/must/body",
        result=result(calls(lambda at, c: c.update(id="")), CHAT),
    ),
    defect(
        "tools.call-ids/shared",
        "tools",
        "two calls share an id",
        "tools.call-ids",
        "tools.parallel?two-cities?/*/tools.*",
        result=result(calls(lambda at, c: c.update(id="call_0")), CHAT),
    ),
    defect(
        "tools.arguments-json/single-quotes",
        "tools",
        "the arguments are no JSON",
        "tools.arguments-json",
        "stream.equals-plain",
        "*/must/body",
        result=result_of(_broken, CHAT),
    ),
    defect(
        "tools.arguments-schema/strict-ignored",
        "tools",
        "strict is ignored",
        "tools.arguments-schema",
        "stream.equals-plain",
        "tools.arguments-json",
        "*/must/body",
        result=result_of(_loose, CHAT),
    ),
    defect(
        "tools.finish-reason/without-calls",
        "tools",
        "finish_reason tool_calls without calls",
        "tools.finish-reason",
        "*/must/body",
        result=result_of(_no_calls, CHAT),
    ),
)
