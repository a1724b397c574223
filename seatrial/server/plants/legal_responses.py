"""Legal variants of responses and of their events."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

from starlette.responses import Response

from seatrial.server.plant import Json, Piece
from seatrial.server.plants.responses_shape import (
    RESPONSES,
    RETRIEVE,
    all_events,
    drop,
    each_event,
    put,
    texts_of,
    unless,
    whole,
)
from seatrial.server.plants.shape import (
    result,
    result_of,
    variant,
)


def _bare(made: Json) -> None:
    """Only what both the description and the official client require, and what tells of the end."""
    for name in (
        *("background", "completed_at", "max_output_tokens", "max_tool_calls", "previous_response_id", "reasoning"),
        *("safety_identifier", "service_tier", "store", "text", "top_logprobs", "truncation", "user"),
    ):
        if name == "conversation" or made.get(name) is None or name in ("service_tier", "top_logprobs", "background"):
            made.pop(name, None)


def _refuses(events: list[Json]) -> list[Json]:
    """Every text becomes a refusal."""
    made: list[Json] = []
    for event in events:
        event = {**event, "type": event["type"].replace("output_text", "refusal")}
        event.pop("logprobs", None)
        if event["type"] == "response.refusal.done":
            event["refusal"] = event.pop("text")
        if "part" in event and event["part"]["type"] == "output_text":
            event["part"] = {"type": "refusal", "refusal": event["part"]["text"]}
        for item in [event.get("item"), *(event.get("response") or {}).get("output", ())]:
            if item and item["type"] == "message":
                item["content"] = [
                    {"type": "refusal", "refusal": part.get("text", part.get("refusal"))} for part in item["content"]
                ]
        made.append(event)
    return made


def _once(events: list[Json]) -> list[Json]:
    return [event for event in events if not event["type"].endswith(".delta")]


def _with_done(route: str, body: Json, pieces: Iterator[Piece]) -> Iterator[Piece]:
    yield from pieces
    if route == RESPONSES:
        yield b"data: [DONE]\n\n"


def _comments(route: str, body: Json, pieces: Iterator[Piece]) -> Iterator[Piece]:
    for piece in pieces:
        if route == RESPONSES:
            yield b": keep-alive\n\n"
        yield piece


_CITED = [{"type": "url_citation", "start_index": 0, "end_index": 1, "url": "https://a.example", "title": "A"}]


def _thought(made: Json) -> None:
    if made["output"] and made["output"][0]["type"] != "reasoning":
        text = [{"type": "reasoning_text", "text": "Hm."}]
        thought = {"type": "reasoning", "id": "rs_" + made["id"].removeprefix("resp_"), "summary": [], "content": text}
        made["output"] = [{**thought, "status": "completed"}, *made["output"]]


PLANTS = (
    variant("responses-bare", "a response has no member that nobody requires", **whole(_bare)),
    variant("responses-extra", "a response has members of the server's own", **whole(put("timings", {"total_ms": 3}))),
    variant(
        "responses-own-item",
        "a response begins with an item of the server's own kind",
        result=result(
            lambda made: (
                made.update(output=[{"type": "vendor:note", "id": secrets.token_hex(4)}, *made["output"]])
                if made["status"] == "completed" and not made.get("background") and not made.get("store", True)
                else None
            ),
            RESPONSES,
        ),
    ),
    variant(
        "responses-float-times",
        "times are fractions of a second",
        **whole(lambda made: made.update(created_at=made["created_at"] + 0.25)),
    ),
    variant(
        "responses-deleted-empty",
        "a deletion is answered with nothing",
        result=lambda route, body, made: Response(b"", 204) if route == "DELETE /responses/{response_id}" else made,
    ),
    variant(
        "responses-logprobs-null",
        "a text has no member for log probabilities where none were asked for",
        result=result_of(
            lambda body, made: None if body.get("include") else texts_of(drop("logprobs"))(made), RESPONSES
        ),
    ),
    variant(
        "responses-quick-background",
        "a background response is done at once",
        result=result(
            lambda made: made.update(status="queued") if made["status"] == "in_progress" else None, RESPONSES
        ),
    ),
    variant(
        "responses-compact-alone",
        "of a conversation that is made shorter nothing is left but the one item",
        result=result(lambda made: made.update(output=made["output"][-1:]), "POST /responses/compact"),
    ),
    variant(
        "responses-compact-bare",
        "the messages that are left of a conversation have no id and no status",
        result=result(
            lambda made: [made["output"][n].pop(k) for n in range(len(made["output"]) - 1) for k in ("id", "status")],
            "POST /responses/compact",
        ),
    ),
    variant(
        "responses-reasoned",
        "a response begins with what was thought, in full",
        result=result(_thought, RESPONSES, RETRIEVE),
    ),
    variant(
        "responses-annotated",
        "a text has annotations",
        result=result(
            texts_of(lambda part: part["type"] == "output_text" and part.update(annotations=_CITED)), RESPONSES
        ),
    ),
    variant("responses-done-sentinel", "[DONE] follows the end of a response", events=_with_done),
    variant("responses-keep-alive", "comments come between the events of a response", events=_comments),
    variant(
        "responses-from-one",
        "sequence numbers begin at 1",
        chunks=each_event(lambda e: e.update(sequence_number=e["sequence_number"] + 1)),
    ),
    variant(
        "responses-no-logprobs",
        "the events of a text have no log probabilities",
        chunks=unless(("include",), lambda events: [{k: v for k, v in e.items() if k != "logprobs"} for e in events]),
    ),
    variant("responses-at-once", "texts and arguments come all at once, when they are done", chunks=all_events(_once)),
    variant(
        "responses-obfuscated",
        "deltas are padded",
        chunks=unless(
            ("stream_options",),
            lambda events: [{**e, "obfuscation": "xK3"} if e["type"].endswith(".delta") else e for e in events],
        ),
    ),
    variant(
        "responses-queued",
        "a response is queued before it is in progress",
        chunks=all_events(
            lambda events: (
                [
                    events[0],
                    {**events[0], "type": "response.queued", "response": {**events[0]["response"], "status": "queued"}},
                    *events[1:],
                ]
                if events[1]["type"] != "response.queued"
                else events
            )
        ),
    ),
    variant(
        "responses-refused",
        "the model refuses, in a stream",
        chunks=unless(("include", "text", "tools", "background", "temperature"), _refuses),
    ),
    variant(
        "responses-own-event",
        "a server sends events of its own",
        chunks=all_events(lambda events: [*events[:2], {"type": "vendor.progress", "percent": 3}, *events[2:]]),
    ),
)
