"""Responses: objects, streams, and what is kept from one request to the next."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from seatrial import sse
from seatrial.model import Exchange, Operation, Request, Status

FAIL, PASS, OPEN, OUT = Status.FAIL, Status.PASS, Status.INCONCLUSIVE, None
_OK = {"application/json": "openai/response.json", "text/event-stream": "openai/response-stream-event.json"}
MAKE = Operation("createResponse", "POST", "/responses", None, {"200": _OK})
READ = Operation("getResponse", "GET", "/responses/resp_1", None, {"200": _OK})
COUNT = Operation("countInputTokens", "POST", "/responses/input_tokens", None, {"200": {}})
Json = dict[str, Any]

PART = {"type": "output_text", "text": "Hello", "annotations": [], "logprobs": []}
MESSAGE = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": [PART]}
CALL = {
    "id": "fc_1",
    "type": "function_call",
    "status": "completed",
    "call_id": "call_1",
    "name": "add",
    "arguments": "{}",
}
USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 5,
}
WHOLE: Json = {
    "id": "resp_1", "object": "response", "created_at": 1_780_000_000, "status": "completed", "model": "m",
    "output": [MESSAGE], "usage": USAGE, "error": None, "incomplete_details": None, "instructions": None,
    "metadata": {}, "temperature": 1.0, "top_p": 1.0, "tools": [], "tool_choice": "auto", "parallel_tool_calls": True,
}  # fmt: skip


def exchange(op: Operation, asked: Any, body: bytes, media: str = "application/json", **more: Any) -> Exchange:
    path = more.pop("path", op.path)
    request = Request(op.method, "http://x" + path, (), b"" if asked is None else json.dumps(asked).encode())
    events = sse.read(body) if media == "text/event-stream" else ()
    return Exchange(more.pop("number", 1), op, request, 200, (("content-type", media),), body, events=events, **more)


def made(asked: Json | None = None, number: int = 1, **answer: Any) -> Exchange:
    """A plain response; a member whose value is the ellipsis is left out."""
    whole = {name: value for name, value in {**WHOLE, **answer}.items() if value is not ...}
    return exchange(MAKE, {"model": "m", "input": "Hi", **(asked or {})}, json.dumps(whole).encode(), number=number)


def read(number: int = 2, path: str = "/responses/resp_1", **answer: Any) -> Exchange:
    return exchange(READ, None, json.dumps({**WHOLE, **answer}).encode(), number=number, path=path)


def counted(tokens: int) -> Exchange:
    body = {"object": "response.input_tokens", "input_tokens": tokens}
    return exchange(COUNT, {"model": "m", "input": "Hi"}, json.dumps(body).encode(), number=2)


AT = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
BARE = {**WHOLE, "status": "in_progress", "output": [], "usage": None}
EVENTS: list[Json] = [
    {"type": "response.created", "response": BARE},
    {"type": "response.in_progress", "response": BARE},
    {
        "type": "response.output_item.added",
        "output_index": 0,
        "item": {**MESSAGE, "status": "in_progress", "content": []},
    },
    {"type": "response.content_part.added", **AT, "part": {**PART, "text": ""}},
    {"type": "response.output_text.delta", **AT, "delta": "Hel"},
    {"type": "response.output_text.delta", **AT, "delta": "lo"},
    {"type": "response.output_text.done", **AT, "text": "Hello"},
    {"type": "response.content_part.done", **AT, "part": PART},
    {"type": "response.output_item.done", "output_index": 0, "item": MESSAGE},
    {"type": "response.completed", "response": WHOLE},
]
CREATED, PROGRESS, ADDED, PART_ADDED, DELTA, _, TEXT_DONE, PART_DONE, DONE, END = range(10)


def stream(
    change: Callable[[list[Json]], Any] | None = None, asked: Json | None = None, tail: str = "", **more: Any
) -> Exchange:
    """A streamed response, changed in one place; its events are numbered from 0 where they have no number."""
    events = [copy.deepcopy(event) for event in EVENTS]
    if change is not None:
        changed = change(events)
        events = changed if isinstance(changed, list) else events
    text = ""
    for number, event in enumerate(events):
        name = event.pop("NAME", event["type"])
        text += f"event: {name}\ndata: {json.dumps({'sequence_number': number, **event})}\n\n"
    body = {"model": "m", "input": "Hi", "stream": True, **(asked or {})}
    return exchange(MAKE, body, (text + tail).encode(), "text/event-stream", **more)


def put(place: int, **members: Any) -> Callable[[list[Json]], Any]:
    return lambda events: events[place].update(members)


def without(*places: int) -> Callable[[list[Json]], Any]:
    return lambda events: [event for place, event in enumerate(events) if place not in places]


def response(place: int, **members: Any) -> Callable[[list[Json]], Any]:
    return lambda events: events[place].update(response={**events[place]["response"], **members})


def item(place: int, **members: Any) -> Callable[[list[Json]], Any]:
    return lambda events: events[place].update(item={**events[place]["item"], **members})


CUT = {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}}
LOUD = {**MESSAGE, "content": [{**PART, "text": "Hello!"}]}
ERROR = {"type": "error", "code": None, "message": "no", "param": None}
LIMIT = {"max_output_tokens": 2}
PROBS = {"include": ["message.output_text.logprobs"]}
SETTLED = {"temperature": 0}


def settled(**answer: Any) -> Exchange:
    """A plain response at temperature 0."""
    return made(SETTLED, **answer)


def twin() -> Exchange:
    """The same, streamed."""
    return stream(asked=SETTLED)


TOKENS = [{"token": "Hel", "logprob": -0.1}, {"token": "lo", "logprob": -0.1}]


def scored(**members: Any) -> Callable[[list[Json]], list[Json]]:
    """The text has log probabilities in the end; its first piece has these members."""

    def change(events: list[Json]) -> list[Json]:
        output = [{**MESSAGE, "content": [{**PART, "logprobs": TOKENS}]}]
        events[END].update(response={**WHOLE, "output": output})
        events[DELTA].update(members)
        return events

    return change


# fmt: off
ROWS: dict[str, list[tuple[Any, Any]]] = {
    "responses.members": [
        (FAIL, made(error=...)), (FAIL, made(temperature=None)), (PASS, made()), (PASS, stream()), (OUT, read()),
    ],
    "responses.status-reasons": [
        (FAIL, made(**{**CUT, "incomplete_details": None})), (FAIL, made(error={"code": "server_error", "message": "no"})),
        (FAIL, made(status="failed")), (PASS, made()), (PASS, made(**CUT)), (OPEN, made(status=...)),
    ],
    "responses.not-failed": [
        (FAIL, made(status="failed", error={"code": "server_error", "message": "no"})),
        (FAIL, stream(lambda events: [*events[:3], ERROR])), (PASS, made(**CUT)), (PASS, stream()),
        (OPEN, stream(without(END))),
    ],
    "responses.usage-sum": [
        (FAIL, made(usage={**USAGE, "total_tokens": 6})), (PASS, stream()),
        (FAIL, made(usage={**USAGE, "input_tokens_details": {"cached_tokens": 4}})), (PASS, made()), (OPEN, made(usage=None)),
    ],
    "responses.usage-present": [
        (FAIL, made(usage=None)), (FAIL, made(usage={**USAGE, "input_tokens": 0})), (PASS, made()),
        (OPEN, made(status="queued", output=[], usage=None)),
    ],
    "responses.max-output-tokens": [
        (FAIL, made({"max_output_tokens": 1})), (PASS, made(LIMIT)), (OUT, made()), (OPEN, made(LIMIT, usage=None)),
    ],
    "responses.cut-is-incomplete": [
        (FAIL, made(LIMIT)), (PASS, made(LIMIT, **CUT)), (OPEN, made(LIMIT, output=[{**MESSAGE, "content": [{**PART, "text": "So."}]}])),
        (OPEN, made(LIMIT, output=[{**MESSAGE, "content": [{"type": "refusal", "refusal": "No"}]}])),
        (OUT, made({"max_output_tokens": 3})), (OUT, made(LIMIT, usage=None)),
    ],
    "responses.metadata-kept": [
        (FAIL, made({"metadata": {"a": "b"}})), (PASS, made({"metadata": {"a": "b"}}, metadata={"a": "b"})), (OUT, made()),
    ],
    "responses.gives-back": [
        (FAIL, made({"temperature": 0.5})), (FAIL, made({"tools": [{"type": "function", "name": "add"}]})),
        (FAIL, made({"text": {"format": {"type": "json_object"}}}, text={"format": {"type": "text"}})),
        (PASS, made({"temperature": 1})), (PASS, made({"tools": [{"type": "function", "name": "add"}]}, tools=[{"type": "function", "name": "add", "strict": True}])),
        (PASS, made({"top_p": 0.9}, top_p=0.8999999761581421)), (FAIL, made({"top_p": 0.9}, top_p=0.89)),
        (PASS, made({"instructions": "Hi"}, instructions=[None, {"role": "developer", "content": [{"text": "Hi"}]}])),
        (FAIL, made({"instructions": "Hi"}, instructions=[{"role": "developer", "content": []}])),
        (OPEN, made()), (OPEN, made({"max_output_tokens": 20})),
    ],
    "responses.item-ids": [
        (FAIL, made(output=[MESSAGE, {**CALL, "id": "msg_1"}])), (FAIL, made(id=" ")), (PASS, made(output=[MESSAGE, CALL])),
        (PASS, made(output=[{**CALL, "id": None}, {**CALL, "id": None}])),
    ],
    "responses.logprobs": [
        (FAIL, made(PROBS)), (PASS, made(PROBS, output=[{**MESSAGE, "content": [{**PART, "logprobs": TOKENS}]}])),
        (FAIL, made(PROBS, output=[{**MESSAGE, "content": [{**PART, "logprobs": [{"token": "No"}]}]}])),
        (OPEN, made(PROBS, output=[CALL])), (OUT, made()),
    ],
    "responses.ids-unique": [
        (FAIL, [made(), made(number=2)]), (PASS, [made(), made(number=2, id="resp_2")]),
        (OPEN, [made(), made(number=2, id="")]), (OUT, [made()]),
    ],
    "responses.read-again": [
        (FAIL, [made(), read(output=[LOUD])]), (FAIL, [made(), read(id="resp_2")]), (PASS, [made(), read()]),
        (PASS, [made(output=[{**MESSAGE, "content": [{**PART, "logprobs": TOKENS}]}]), read()]),
        (OPEN, [made(status="queued", output=[]), read()]), (OUT, [made()]),
    ],
    "responses.status-forward": [
        (FAIL, [made(), read(status="in_progress")]), (FAIL, [made(status="in_progress"), read(status="queued")]),
        (FAIL, [made(status="cancelled"), read()]), (PASS, [made(status="queued"), read()]),
        (PASS, [made(status="queued"), read(status="in_progress"), read(number=3)]), (OUT, [made()]),
    ],
    "responses.context-read": [
        (FAIL, [made({"instructions": "Be brief."}), made(number=2)]),
        (PASS, [made({"instructions": "Be brief."}, usage={**USAGE, "input_tokens": 9}), made(number=2)]),
        (OPEN, [made({"instructions": "Be brief."}, usage=None), made(number=2)]), (OUT, [made(), made(number=2)]),
    ],
    "responses.count-equals-usage": [
        (FAIL, [made(), counted(4)]), (PASS, [made(), counted(3)]), (OPEN, [made(usage=None), counted(3)]),
        (OUT, [made({"instructions": "Be brief."}), counted(3)]),
    ],
    "responses.event-names": [
        (FAIL, stream(put(DELTA, NAME="message"))), (PASS, stream()), (PASS, stream(tail="data: [DONE]\n\n")), (OUT, made()),
    ],
    "responses.sequence": [
        (FAIL, stream(put(DELTA, sequence_number=9))), (PASS, stream()),
        (PASS, stream(lambda events: [{**event, "sequence_number": n + 1} for n, event in enumerate(events)])),
        (OPEN, stream(put(DELTA, sequence_number=None))),
    ],
    "responses.created-first": [
        (FAIL, stream(without(CREATED))), (FAIL, stream(lambda events: [*events, events[0]])), (PASS, stream()),
        (OPEN, stream(lambda events: [ERROR])),
    ],
    "responses.life-order": [
        (FAIL, stream(without(PROGRESS))), (FAIL, stream(lambda e: [e[0], *e[2:4], e[1], *e[4:]])), (PASS, stream()),
        (PASS, stream(lambda e: [e[0], {**e[0], "type": "response.queued"}, *e[1:]])), (OPEN, stream(lambda e: [e[0], e[-1]])),
        (FAIL, stream(lambda e: [*e[:2], *e[1:]])),
    ],
    "responses.one-terminal": [
        (FAIL, stream(without(END))), (FAIL, stream(lambda e: [*e, e[-1]])), (PASS, stream()),
        (OPEN, stream(without(END), left_open=True)), (OPEN, stream(lambda e: [*e[:3], ERROR])),
    ],
    "responses.nothing-after-terminal": [
        (FAIL, stream(lambda e: [*e, e[DELTA]])), (PASS, stream()), (PASS, stream(tail="data: [DONE]\n\n")),
        (OPEN, stream(without(END))),
    ],
    "responses.final-status": [
        (FAIL, stream(response(END, status="in_progress"))), (PASS, stream()), (OPEN, stream(without(END))),
        (FAIL, stream(put(END, type="response.incomplete"))),
    ],
    "responses.one-id": [
        (FAIL, stream(response(END, id="resp_2"))), (PASS, stream()), (OPEN, stream(lambda e: e[2:9])),
    ],
    "responses.items-open": [
        (FAIL, stream(without(ADDED))), (FAIL, stream(lambda e: [*e[:3], *e[2:]])), (PASS, stream()),
        (FAIL, stream(lambda e: [*e[:9], e[DELTA], e[9]])), (OPEN, stream(lambda e: [e[0], e[-1]])),
    ],
    "responses.event-item-ids": [
        (FAIL, stream(put(DELTA, item_id="msg_2"))), (FAIL, stream(item(DONE, id="msg_2"))),
        (FAIL, stream(item(DONE, type="reasoning"))), (PASS, stream()), (OPEN, stream(without(ADDED))),
    ],
    "responses.parts-open": [
        (FAIL, stream(without(PART_ADDED))), (FAIL, stream(put(PART_ADDED, content_index=1))), (PASS, stream()),
        (FAIL, stream(put(PART_ADDED, part={"type": "refusal", "refusal": ""}))),
        (FAIL, stream(lambda e: [*e[:8], e[DELTA], *e[8:]])), (OPEN, stream(lambda e: [e[0], e[-1]])),
    ],
    "responses.added-empty": [
        (FAIL, stream(put(PART_ADDED, part=PART))), (FAIL, stream(item(ADDED, content=[PART]))), (PASS, stream()),
        (OPEN, stream(without(DELTA, DELTA + 1))),
    ],
    "responses.item-states": [
        (FAIL, stream(item(ADDED, status="completed"))), (FAIL, stream(item(DONE, status="in_progress"))), (PASS, stream()),
        (OPEN, stream(without(ADDED, DONE))), (PASS, stream(item(DONE, status="incomplete"))),
    ],
    "responses.all-done": [
        (FAIL, stream(without(DONE))), (FAIL, stream(without(PART_DONE))), (FAIL, stream(without(TEXT_DONE))), (PASS, stream()),
        (OPEN, stream(without(END))),
    ],
    "responses.deltas-equal-done": [
        (FAIL, stream(without(DELTA))), (FAIL, stream(put(DELTA, delta="HELL"))), (PASS, stream()),
        (OPEN, stream(without(DELTA, DELTA + 1))),
    ],
    "responses.delta-logprobs": [
        (FAIL, stream(scored(), PROBS)), (PASS, stream(scored(logprobs=TOKENS[:1]), PROBS)), (OPEN, stream(asked=PROBS)),
        (OPEN, stream(lambda events: without(DELTA, DELTA + 1)(scored()(events)), PROBS)), (OUT, stream(scored())),
    ],
    "responses.done-equals-item": [
        (FAIL, stream(put(PART_DONE, part={**PART, "text": "Hi"}))), (FAIL, stream(put(DONE, item=LOUD))), (PASS, stream()),
        (OPEN, stream(without(PART_DONE, DONE))),
    ],
    "responses.completed-at": [
        (FAIL, made(created_at=1_780_000_000, completed_at=1_779_999_999)), (PASS, made(completed_at=1_780_000_000)),
        (FAIL, read(status="in_progress", completed_at=1_780_000_001)), (PASS, made(created_at=1_780_000_000.5, completed_at=1_780_000_000)),
        (OUT, made(completed_at=None)), (OUT, made()), (OPEN, made(created_at=None, completed_at=1_780_000_000)),
    ],
    "responses.output-own": [
        (FAIL, [made(), made({"previous_response_id": "resp_1"}, 2, id="resp_2", output=[MESSAGE, {**MESSAGE, "id": "msg_2"}])]),
        (PASS, [made(), made({"previous_response_id": "resp_1"}, 2, id="resp_2", output=[{**MESSAGE, "id": "msg_2"}])]),
        (OUT, [made(), made({"previous_response_id": "resp_9"}, 2, id="resp_2")]),
    ],
    "responses.life-same": [
        (FAIL, stream(response(END, model="other"))), (FAIL, stream(response(END, created_at=5))), (PASS, stream()),
    ],
    "responses.same": [
        (FAIL, [made(), read(model="other")]), (FAIL, [made(), read(metadata={"a": "b"})]), (PASS, [made(), read()]),
        (FAIL, [made(), read(created_at=5)]), (FAIL, [made(), read(usage={**USAGE, "total_tokens": 6})]),
        (PASS, [made(usage=None, status="queued"), read()]), (OPEN, [read(path="/responses/resp_1")]),
    ],
    "responses.stream-reads-as-plain": [
        (PASS, [settled(), twin()]), (FAIL, [settled(usage={**USAGE, "input_tokens": 9}), twin()]),
        (OPEN, [settled(usage=None), twin()]), (OPEN, [settled(), settled(usage={**USAGE, "input_tokens": 9}), twin()]),
    ],
    "responses.stream-equals-plain": [
        (PASS, [settled(), twin()]), (OUT, [made(), stream()]), (OPEN, [settled(output=[LOUD]), twin()]),
        (FAIL, [settled(output=[LOUD]), settled(output=[LOUD]), twin(), twin()]),
        (OPEN, [settled(output=[LOUD]), settled(), twin(), twin()]),
    ],
    "responses.final-output": [
        (FAIL, stream(response(END, output=[LOUD]))), (FAIL, stream(response(END, output=[]))), (PASS, stream()),
        (FAIL, stream(response(END, output=[CALL, MESSAGE]))), (OPEN, stream(without(END))),
        (OPEN, stream(response(END, status="failed"))),
    ],
}
