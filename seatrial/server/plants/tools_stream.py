"""Defects of tool calls in deltas."""

from __future__ import annotations

from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    all_chunks,
    defect,
    delta_calls,
)


def _raw_stream(body: Json, chunks: list[Json]) -> list[Json]:
    """The call is streamed as the model's own markup."""
    called = False
    for chunk in chunks:
        for choice in chunk["choices"]:
            delta = choice["delta"]
            if "tool_calls" in delta:
                called = True
                call = delta.pop("tool_calls")[0]
                name = call["function"].get("name")
                delta["content"] = (
                    f'<tool_call>{{"name": "{name}", "arguments": ' if name else call["function"]["arguments"]
                )
            elif called and choice["finish_reason"] in ("tool_calls", "stop"):
                delta["content"] = "}</tool_call>"
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
        "NC-TSTR-01",
        "tools streaming",
        "tool-call deltas have no index",
        "wire.event-schema",
        source="ollama/ollama#7881",
        chunks=delta_calls(lambda first, call: call.pop("index")),
    ),
    defect(
        "NC-TSTR-03",
        "tools streaming",
        "the first call has index 1",
        "tools.delta-indices",
        source="pipecat-ai/pipecat#4987",
        chunks=delta_calls(lambda first, call: call.update(index=call["index"] + 1)),
    ),
    defect(
        "NC-TSTR-05",
        "tools streaming",
        "the first delta has no type",
        "tools.delta-type-first",
        level="SHOULD",
        source="vllm-project/vllm#16346",
        chunks=delta_calls(lambda first, call: call.pop("type", None)),
    ),
    defect(
        "NC-TSTR-07",
        "tools streaming",
        "later deltas carry an empty id",
        "tools.delta-id-once",
        source="anomalyco/opencode#40969",
        chunks=_continued("id", ""),
    ),
    defect(
        "NC-TSTR-09",
        "tools streaming",
        "later deltas carry an empty name",
        "tools.delta-name-once",
        source="sgl-project/sglang#4700",
        chunks=_continued("name", ""),
    ),
    defect(
        "tools.delta-id-once/repeated",
        "tools streaming",
        "later deltas repeat the id",
        "tools.delta-id-once",
        chunks=_continued("id", "call_again"),
    ),
    defect(
        "NC-TSTR-11",
        "tools streaming",
        "a truncated call says tool_calls",
        "tools.arguments-json",
        "stream.equals-plain",
        source="vllm-project/vllm#53269",
        chunks=all_chunks(_truncated, CHAT),
    ),
    defect(
        "NC-TSTR-13",
        "tools streaming",
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
        "tools streaming",
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
        "tools streaming",
        "the arguments come in one block",
        "tools.arguments-incremental",
        level="MAY",
        source="vllm-project/vllm#40779",
        chunks=all_chunks(_one_block, CHAT),
    ),
    defect(
        "tools.delta-first-complete/no-name",
        "tools streaming",
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
        "tools streaming",
        "no delta has an id",
        "tools.delta-first-complete",
        "*/stream/joined",
        chunks=all_chunks(_all_lack_id, CHAT),
    ),
)
