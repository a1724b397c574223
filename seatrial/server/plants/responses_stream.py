"""Defects of the events of a streamed response."""

from __future__ import annotations

from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.responses_shape import (
    all_events,
    drop,
    each_event,
)
from seatrial.server.plants.shape import (
    defect,
    every,
)

_AREA = "responses streaming"
_ADDED, _DONE = "response.output_item.added", "response.output_item.done"
_LAST = ("response.completed", "response.incomplete")


def without_events(*types: str) -> Any:
    return all_events(lambda events: [event for event in events if event["type"] not in types])


def _gaps(events: list[Json]) -> list[Json]:
    return [{**event, "sequence_number": 2 * number} for number, event in enumerate(events)]


def _twice(*types: str) -> Any:
    return all_events(
        lambda events: [again for event in events for again in [event] * (2 if event["type"] in types else 1)]
    )


def _late(events: list[Json]) -> list[Json]:
    deltas = [event for event in events if event["type"].endswith(".delta")]
    return [*events, {**events[2], "output_index": 7}] if not deltas else [*events, deltas[-1]]


def _as_text(events: list[Json]) -> list[Json]:
    """Every call becomes a message that holds it as markup."""
    made: list[Json] = []
    items: dict[int, Json] = {}
    for event in events:
        item = event.get("item") or {}
        if item.get("type") == "function_call" and event["type"] == _ADDED:
            text = f'<tool_call>{{"name": "{_named(events, event)}", "arguments": {{}}}}</tool_call>'
            part = {"type": "output_text", "text": text, "annotations": [], "logprobs": []}
            message = {"id": item["id"], "type": "message", "role": "assistant"}
            at = {"item_id": item["id"], "output_index": event["output_index"], "content_index": 0}
            done = items[event["output_index"]] = {**message, "status": "completed", "content": [part]}
            made += [
                {**event, "item": {**message, "status": "in_progress", "content": []}},
                {"type": "response.content_part.added", **at, "part": {**part, "text": ""}},
                {"type": "response.output_text.delta", **at, "delta": text, "logprobs": []},
                {"type": "response.output_text.done", **at, "text": text, "logprobs": []},
                {"type": "response.content_part.done", **at, "part": part},
                {"type": _DONE, "output_index": event["output_index"], "item": done},
            ]
        elif event.get("output_index") in items:
            continue
        elif event["type"] in _LAST:
            output = [items.get(place, item) for place, item in enumerate(event["response"]["output"])]
            made.append({**event, "response": {**event["response"], "output": output}})
        else:
            made.append(event)
    return made


def _named(events: list[Json], added: Json) -> str:
    return str(added["item"]["name"])


def _nameless(events: list[Json]) -> list[Json]:
    for place, event in enumerate(events):
        if event["type"] == _ADDED and event["item"]["type"] == "function_call":
            del event["item"]["name"]
            return events[: place + 1]
    return events


def _reordered(event: Json) -> None:
    event["response"]["output"] = [{"id": "rs_0", "type": "reasoning", "summary": []}, *event["response"]["output"]]


def _text_after(stem: str, member: str) -> Any:
    def change(event: Json) -> None:
        event[member] += "!"

    return each_event(change, f"{stem}.done")


def _part_text(event: Json) -> None:
    if event["part"].get("text"):
        event["part"]["text"] += "!"


def _final_text(event: Json) -> None:
    for item in event["response"]["output"]:
        for part in item.get("content") or ():
            part["text"] += "!"


def _begun(event: Json) -> None:
    if "text" in event["part"]:
        event["part"]["text"] = "So"


def _errors(events: list[Json]) -> list[Json]:
    return [*events[:3], {"type": "error", "code": "server_error", "message": "worker died", "param": None}]


PLANTS = (
    defect(
        "NC-RSTR-01",
        _AREA,
        "no event has a sequence_number",
        "wire.event-schema",
        source="onyx-dot-app/onyx#13624",
        chunks=each_event(drop("sequence_number")),
    ),
    defect(
        "responses.sequence/gaps",
        _AREA,
        "the sequence numbers have gaps",
        "responses.sequence",
        level="SHOULD",
        source="ENTERPILOT/GoModel#953",
        chunks=all_events(_gaps, numbered=False),
    ),
    defect(
        "NC-RSTR-05",
        _AREA,
        "the items of output_item events lack a status",
        "wire.event-schema",
        source="diegosouzapw/OmniRoute#13964",
        chunks=each_event(lambda e: e["item"].pop("status", None), _ADDED, _DONE),
    ),
    defect(
        "NC-RSTR-07",
        _AREA,
        "output_index is absent",
        "wire.event-schema",
        source="ggml-org/llama.cpp#20607",
        chunks=each_event(drop("output_index")),
    ),
    defect(
        "NC-RSTR-09",
        _AREA,
        "response.created lacks created_at and model",
        "wire.event-schema",
        source="ggml-org/llama.cpp#20607",
        chunks=each_event(lambda e: [e["response"].pop(name) for name in ("created_at", "model")], "response.created"),
    ),
    defect(
        "NC-RSTR-11",
        _AREA,
        "calls are streamed as text with raw markup",
        "tools.no-markup",
        source="vllm-project/vllm#36435",
        chunks=all_events(_as_text),
    ),
    defect(
        "NC-RSTR-13",
        _AREA,
        "a call without a name ends the stream",
        "responses.one-terminal",
        "wire.event-schema",
        source="vllm-project/vllm#52418",
        chunks=all_events(_nameless),
    ),
    defect(
        "NC-RSTR-15",
        _AREA,
        "output_index is not the place in the output",
        "responses.final-output",
        source="invergent-ai/surogate#175",
        chunks=each_event(_reordered, *_LAST),
    ),
    defect(
        "responses.event-names/none",
        _AREA,
        "events have another name than their type",
        "responses.event-names",
        level="SHOULD",
        events=every(lambda piece: piece.replace(b"event: response.", b"event: ", 1)),
    ),
    defect(
        "responses.created-first/missing",
        _AREA,
        "the stream begins without response.created",
        "responses.created-first",
        chunks=without_events("response.created"),
    ),
    defect(
        "responses.life-order/no-progress",
        _AREA,
        "the response is never in progress",
        "responses.life-order",
        level="SHOULD",
        chunks=without_events("response.in_progress"),
    ),
    defect(
        "responses.one-terminal/none",
        _AREA,
        "no event ends the response",
        "responses.one-terminal",
        chunks=without_events(*_LAST),
    ),
    defect(
        "responses.one-terminal/two",
        _AREA,
        "two events end the response",
        "responses.one-terminal",
        chunks=_twice(*_LAST),
    ),
    defect(
        "responses.nothing-after-terminal/delta",
        _AREA,
        "a delta comes after the end",
        "responses.nothing-after-terminal",
        "responses.items-open",
        "responses.parts-open",
        "responses.deltas-equal-done",
        "responses.all-done",
        chunks=all_events(_late),
    ),
    defect(
        "responses.final-status/in-progress",
        _AREA,
        "the last response is still in progress",
        "responses.final-status",
        chunks=each_event(lambda e: e["response"].update(status="in_progress"), *_LAST),
    ),
    defect(
        "responses.one-id/changes",
        _AREA,
        "the id changes on the way",
        "responses.one-id",
        "responses.ids-unique",
        chunks=each_event(lambda e: e["response"].update(id="resp_other"), *_LAST),
    ),
    defect(
        "responses.items-open/not-added",
        _AREA,
        "items are not added before their parts",
        "responses.items-open",
        "responses.event-item-ids",
        chunks=without_events(_ADDED),
    ),
    defect(
        "responses.event-item-ids/other",
        _AREA,
        "deltas name another item",
        "responses.event-item-ids",
        chunks=each_event(lambda e: e.update(item_id="msg_other") if "item_id" in e else None),
    ),
    defect(
        "responses.event-item-ids/done",
        _AREA,
        "an item has another id when it is done",
        "responses.event-item-ids",
        "responses.final-output",
        chunks=each_event(lambda e: e["item"].update(id="msg_other"), _DONE),
    ),
    defect(
        "responses.parts-open/not-added",
        _AREA,
        "text comes in a part that was not added",
        "responses.parts-open",
        chunks=without_events("response.content_part.added"),
    ),
    defect(
        "responses.parts-open/index",
        _AREA,
        "the first part has the index 1",
        "responses.parts-open",
        "responses.done-equals-item",
        chunks=each_event(lambda e: e.update(content_index=1) if "content_index" in e else None),
    ),
    defect(
        "responses.added-empty/begun",
        _AREA,
        "a part has text already when it is added",
        "responses.added-empty",
        chunks=each_event(_begun, "response.content_part.added"),
    ),
    defect(
        "responses.item-states/completed",
        _AREA,
        "an item is completed when it is added",
        "responses.item-states",
        level="SHOULD",
        chunks=each_event(lambda e: e["item"].update(status="completed"), _ADDED),
    ),
    defect(
        "responses.all-done/items",
        _AREA,
        "items are never done",
        "responses.all-done",
        level="SHOULD",
        chunks=without_events(_DONE),
    ),
    defect(
        "responses.deltas-equal-done/text",
        _AREA,
        "the pieces of a text are not what is done",
        "responses.deltas-equal-done",
        chunks=each_event(lambda e: e.update(delta=e["delta"][1:]), "response.output_text.delta"),
    ),
    defect(
        "responses.deltas-equal-done/arguments",
        _AREA,
        "the pieces of a call are cumulative",
        "responses.deltas-equal-done",
        chunks=each_event(lambda e: e.update(delta=e["delta"] * 2), "response.function_call_arguments.delta"),
    ),
    defect(
        "responses.done-equals-item/part",
        _AREA,
        "a part is not the text that is done",
        "responses.done-equals-item",
        chunks=each_event(_part_text, "response.content_part.done"),
    ),
    defect(
        "responses.done-equals-item/arguments",
        _AREA,
        "a call that is done has other arguments",
        "responses.done-equals-item",
        "responses.deltas-equal-done",
        chunks=_text_after("response.function_call_arguments", "arguments"),
    ),
    defect(
        "responses.final-output/text",
        _AREA,
        "the last response has another text",
        "responses.final-output",
        "structured.schema-honoured",
        "responses.logprobs",
        chunks=each_event(_final_text, *_LAST),
    ),
    defect(
        "responses.final-output/empty",
        _AREA,
        "the last response has no output",
        "responses.final-output",
        "tools.required-called",
        "tools.named-called",
        "responses.logprobs",
        "structured.schema-honoured",
        chunks=each_event(lambda e: e["response"].update(output=[]), *_LAST),
    ),
    defect(
        "responses.not-failed/error-event",
        _AREA,
        "an error comes as an event of a 200",
        "responses.not-failed",
        chunks=all_events(_errors),
    ),
)
