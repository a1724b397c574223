"""Defects of streamed tool calls whose plain twins lie in `tools`: the calls are changed whole, and streamed again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import CHAT, all_chunks, defect

AREA = "tools streaming"
Calls = list[Json]


def _whole(chunks: list[Json]) -> dict[int, Calls]:
    """The calls of each choice, assembled."""
    found: dict[int, Calls] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            for delta in choice["delta"].get("tool_calls") or ():
                calls = found.setdefault(choice["index"], [])
                if "id" in delta:
                    calls.append(copy.deepcopy(delta))
                else:
                    calls[-1]["function"]["arguments"] += delta["function"]["arguments"]
    return found


def _streamed(chunk: Json, choice: Json, calls: Calls) -> Iterator[Json]:
    """Chunks like this one that stream the calls."""
    for place, call in enumerate(calls):
        arguments = call["function"]["arguments"]
        head = {**call, "index": call.get("index", place), "function": {**call["function"], "arguments": ""}}
        pieces = [
            {"index": head["index"], "function": {"arguments": arguments[at : at + 12]}}
            for at in range(0, len(arguments), 12)
        ]
        for delta in (head, *pieces):
            yield {**chunk, "choices": [{**choice, "delta": {"tool_calls": [delta]}}]}


def recalled(change: Callable[[Json, Calls], Calls]) -> Any:
    """Streams the calls that `change` makes of those that were to be streamed; of none, too."""

    def hook(body: Json, chunks: list[Json]) -> list[Json]:
        calls = {index: change(body, rows) for index, rows in _whole(chunks).items()}
        made, done = [], set()
        for chunk in chunks:
            choice = next(iter(chunk["choices"]), None)
            if choice is None or not choice["delta"].get("tool_calls"):
                made.append(chunk)
            elif choice["index"] not in done:
                done.add(choice["index"])
                made += _streamed(chunk, choice, calls[choice["index"]])
        return made

    return all_chunks(hook, CHAT)


def _each(change: Callable[[Json], Any], when: Callable[[Json], bool] = lambda body: True) -> Any:
    def hook(body: Json, calls: Calls) -> Calls:
        for call in calls if when(body) else ():
            change(call)
        return calls

    return recalled(hook)


def _prose(when: Callable[[Json], bool]) -> Any:
    """Instead of calls there is text."""

    def hook(body: Json, chunks: list[Json]) -> list[Json]:
        if not when(body):
            return chunks
        made, said = [], set()
        for chunk in chunks:
            for choice in chunk["choices"]:
                if choice["delta"].pop("tool_calls", None) and choice["index"] not in said:
                    said.add(choice["index"])
                    choice["delta"] = {"content": "I would rather talk about the weather."}
                if choice["finish_reason"]:
                    choice["finish_reason"] = "stop"
            if not chunk["choices"] or chunk["choices"][0]["delta"] or chunk["choices"][0]["finish_reason"]:
                made.append(chunk)
        return made

    return all_chunks(hook, CHAT)


def _named(body: Json) -> bool:
    return isinstance(body.get("tool_choice"), dict)


def _uncalled(body: Json, chunks: list[Json]) -> list[Json]:
    """tool_choice none is ignored: the text is followed by a call."""
    if body.get("tool_choice") != "none" or not body.get("tools"):
        return chunks
    name = body["tools"][0]["function"]["name"]
    made: list[Json] = []
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["finish_reason"]:
                call = {"id": "call_1", "type": "function", "function": {"name": name, "arguments": "{}"}}
                made += _streamed(chunk, {**choice, "finish_reason": None}, [call])
                choice["finish_reason"] = "tool_calls"
        made.append(chunk)
    return made


def _says_calls(body: Json, chunks: list[Json]) -> list[Json]:
    called = _whole(chunks)
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["finish_reason"] == "stop" and choice["index"] not in called and body.get("tools"):
                choice["finish_reason"] = "tool_calls"
    return chunks


def _tags(body: Json, chunks: list[Json]) -> list[Json]:
    """The call's markup is streamed as content before the call itself."""
    called, made, said = _whole(chunks), [], set()
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["delta"].get("tool_calls") and choice["index"] not in said:
                said.add(choice["index"])
                name = called[choice["index"]][0]["function"]["name"]
                text = f'<tool_call>{{"name": "{name}"}}</tool_call>'
                made.append({**chunk, "choices": [{**choice, "delta": {"content": text}}]})
        made.append(chunk)
    return made


def _two(body: Json, calls: Calls) -> Calls:
    if body.get("parallel_tool_calls") is not False:
        return calls
    return [*calls, {**copy.deepcopy(calls[0]), "id": calls[0]["id"] + "b", "index": len(calls)}]


def _gap(body: Json, calls: Calls) -> Calls:
    for place, call in enumerate(calls):
        call["index"] = place * 2
    return calls


def _first_piece_lost(body: Json, calls: Calls) -> Calls:
    for call in calls:
        call["function"]["arguments"] = call["function"]["arguments"][12:] or "{"
    return calls


PLANTS = (
    defect(
        "tools.required-called/stream",
        AREA,
        "tool_choice required is answered with prose in streams",
        "tools.required-called",
        chunks=_prose(lambda body: body.get("tool_choice") == "required"),
    ),
    defect(
        "tools.named-called/stream",
        AREA,
        "a named choice is answered with prose in streams",
        "tools.named-called",
        chunks=_prose(_named),
    ),
    defect(
        "tools.none-not-called/stream",
        AREA,
        "tool_choice none is ignored in streams",
        "tools.none-not-called",
        chunks=all_chunks(_uncalled, CHAT),
    ),
    defect(
        "tools.single-when-not-parallel/stream",
        AREA,
        "parallel_tool_calls false is ignored in streams",
        "tools.single-when-not-parallel",
        chunks=recalled(_two),
    ),
    defect(
        "tools.known-name/stream",
        AREA,
        "a stream calls a function that was not offered",
        "tools.known-name",
        chunks=_each(lambda call: call["function"].update(name="invented_function"), lambda body: not _named(body)),
    ),
    defect(
        "tools.delta-first-complete/empty-id",
        AREA,
        "the id of a streamed call is empty",
        "tools.delta-first-complete",
        chunks=_each(lambda call: call.update(id="")),
    ),
    defect(
        "tools.call-ids/stream-shared",
        AREA,
        "all streamed calls have one id",
        "tools.call-ids",
        "tools.parallel?two-cities?/*/tools.*",
        chunks=_each(lambda call: call.update(id="call_0")),
    ),
    defect(
        "tools.arguments-json/stream",
        AREA,
        "streamed arguments are no JSON",
        "tools.arguments-json",
        chunks=_each(lambda call: call["function"].update(arguments=call["function"]["arguments"].replace('"', "'"))),
    ),
    defect(
        "tools.arguments-json/first-piece-lost",
        AREA,
        "the first piece of the arguments is lost",
        "tools.arguments-json",
        chunks=recalled(_first_piece_lost),
    ),
    defect(
        "tools.arguments-schema/stream",
        AREA,
        "strict is ignored in streams",
        "tools.arguments-schema",
        chunks=_each(lambda call: call["function"].update(arguments='{"surprise": 1}')),
    ),
    defect(
        "tools.finish-reason/stream",
        AREA,
        "a stream ends with tool_calls and has none",
        "tools.finish-reason",
        "tools.result?weather?/stream/tools.*",
        chunks=all_chunks(_says_calls, CHAT),
    ),
    defect(
        "tools.no-markup/stream",
        AREA,
        "tool markup is streamed beside the call",
        "tools.no-markup",
        chunks=all_chunks(_tags, CHAT),
    ),
    defect(
        "tools.delta-indices/gap",
        AREA,
        "the second call has index 2",
        "tools.delta-indices",
        "tools.parallel?two-cities?/*/tools.*",
        chunks=recalled(_gap),
    ),
)
