"""Streamed tool calls that are changed whole, and streamed again."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import CHAT, all_chunks

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
