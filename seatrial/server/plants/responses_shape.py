"""Where a response, its items and its events are changed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    all_chunks,
    result,
)

RESPONSES = "POST /responses"
RETRIEVE = "GET /responses/{response_id}"
SHOWN = (RESPONSES, RETRIEVE, "POST /responses/{response_id}/cancel")


def whole(change: Any, *routes: str) -> Any:
    """Changes a response wherever it is shown: plain, read again, and in the events of its stream."""

    def chunks(route: str, body: Json, events: Any) -> Any:
        for event in events:
            if route in (routes or SHOWN) and isinstance(event.get("response"), dict):
                event = {**event, "response": dict(event["response"])}
                change(event["response"])
            yield event

    return {"result": result(change, *(routes or SHOWN)), "chunks": chunks}


def put(name: str, value: Any) -> Any:
    """Sets one member."""
    return lambda made: made.update({name: value})


def drop(*names: str) -> Any:
    """Drops members."""
    return lambda made: [made.pop(name, None) for name in names]


def items_of(change: Any) -> Any:
    """Changes each item of the output."""

    def on(made: Json) -> None:
        made["output"] = [dict(item) for item in made["output"]]
        for item in made["output"]:
            change(item)

    return on


def texts_of(change: Any) -> Any:
    """Changes each part of each message of the output."""

    def on(item: Json) -> None:
        if item["type"] == "message":
            item["content"] = [dict(part) for part in item["content"]]
            for part in item["content"]:
                change(part)

    return items_of(on)


def each_event(change: Callable[[Json], Any], *types: str) -> Any:
    """Changes each event of these types (all, where none is named)."""

    def hook(body: Json, events: list[Json]) -> list[Json]:
        made = [copy.deepcopy(event) for event in events]
        for event in made:
            if not types or event["type"] in types:
                change(event)
        return made

    return all_chunks(hook, RESPONSES)


def all_events(change: Callable[[list[Json]], list[Json]], numbered: bool = True) -> Any:
    """Changes the events as a list, and numbers them again."""

    def hook(body: Json, events: list[Json]) -> list[Json]:
        made = change([copy.deepcopy(event) for event in events])
        if numbered:
            made = [{**event, "sequence_number": number} for number, event in enumerate(made)]
        return made

    return all_chunks(hook, RESPONSES)


def unless(asked: tuple[str, ...], change: Callable[[list[Json]], list[Json]]) -> Any:
    """Changes the events, unless the request has one of these members."""

    def hook(body: Json, events: list[Json]) -> list[Json]:
        if any(body.get(name) is not None for name in asked):
            return events
        return [{**e, "sequence_number": n} for n, e in enumerate(change([copy.deepcopy(event) for event in events]))]

    return all_chunks(hook, RESPONSES)
