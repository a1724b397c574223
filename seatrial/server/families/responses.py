"""Responses: made, streamed, kept, polled, cancelled and deleted."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from seatrial.server import chat, items, responding
from seatrial.server import validate as v
from seatrial.server.call import Call
from seatrial.server.families import conversations
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad
from seatrial.server.response_events import events

QUEUED_S, RUNNING_S = 0.1, 0.3
"""For how long a background response is queued, and at what age it is done."""


@dataclass(slots=True)
class Kept:
    """A stored response; what it shows is a function of its age."""

    made: responding.Made
    since: float = field(default_factory=time.monotonic)
    cancelled: bool = False

    @property
    def shown(self) -> Json:
        """The object as it is now."""
        age = time.monotonic() - self.since
        if self.cancelled:
            return self.made.at("cancelled")
        if self.made.body.get("background") is True and age < RUNNING_S:
            return self.made.at("queued" if age < QUEUED_S else "in_progress")
        return self.made.whole


def _kept(call: Call) -> dict[str, Kept]:
    store: dict[str, Kept] = call.store("responses", dict)
    return store


def _found(call: Call) -> Kept:
    id = call.path["response_id"]
    if id not in _kept(call):
        raise Refused(404, f"Response with id '{id}' not found.", None, "response_not_found")
    return _kept(call)[id]


def _model(call: Call, body: Json) -> dict[str, Any]:
    found: dict[str, Any] = call.server.models[body["model"]]
    return found


def _context(call: Call, body: Json) -> tuple[list[Json], list[Json]]:
    """The items before this request, and its own. Raises Refused where it refers to what is not there."""
    history: list[Json] = []
    before = body.get("previous_response_id")
    if before is not None:
        kept = _kept(call).get(before)
        if kept is None:
            raise Refused(
                400,
                f"Previous response with id '{before}' not found.",
                "previous_response_id",
                "previous_response_not_found",
            )
        if kept.shown["status"] in ("queued", "in_progress"):
            raise bad("previous_response_id", f"The response '{before}' is not done.", "invalid_value")
        history = [*kept.made.history, *kept.made.input, *kept.shown["output"]]
    if body.get("conversation") is not None:
        history = list(conversations.of(call, body["conversation"]).items)
    known = {
        item["id"]: item for kept in _kept(call).values() for item in (*kept.made.input, *kept.made.whole["output"])
    }
    known |= {item["id"]: item for item in history}
    vision = bool(_model(call, body).get("vision"))
    own = [] if body.get("input") is None else items.given(body["input"], known, vision, call.origin)
    return history, own


def create(call: Call) -> Response:
    body = call.json(lambda parsed: responding.validate(parsed, call.server.models))
    history, own = _context(call, body)
    effort = _model(call, body).get("effort")
    made = responding.make(body, own, history, call.server.plants, int(time.time()), effort)
    kept = Kept(made)
    if made.whole["store"]:
        _kept(call)[made.whole["id"]] = kept
    if body.get("conversation") is not None:
        conversations.of(call, body["conversation"]).items += [*own, *made.whole["output"]]
    if body.get("stream") is True:
        return call.stream(body, events(made))
    return call.answer(kept.shown, body)


def retrieve(call: Call) -> Response:
    kept = _found(call)
    responding.RULES["include"]("include", call.request.query_params.getlist("include") or None)
    if call.query.get("stream") != "true":
        return call.answer(kept.shown)
    after = call.query.get("starting_after", "-1")
    if not after.removeprefix("-").isdecimal():
        raise bad("starting_after", "Invalid type for 'starting_after': expected an integer.", "invalid_type")
    return call.stream({}, (event for event in events(kept.made) if event["sequence_number"] > int(after)))


def delete(call: Call) -> Response:
    id = _found(call).made.whole["id"]
    del _kept(call)[id]
    return call.answer({"id": id, "object": "response", "deleted": True})


def cancel(call: Call) -> Response:
    kept = _found(call)
    if kept.made.body.get("background") is not True:
        raise bad("response_id", "Only background responses can be cancelled.", "invalid_value")
    if kept.shown["status"] in ("queued", "in_progress"):
        kept.cancelled = True
    return call.answer(kept.shown)


def input_items(call: Call) -> Response:
    return call.answer(items.page(_found(call).made.input, call.query))


def input_tokens(call: Call) -> Response:
    def validate(body: Json) -> None:
        names = "model input instructions previous_response_id conversation text tools tool_choice parallel_tool_calls"
        v.members(body, {"personality": v.text()}, {*names.split(), "reasoning", "truncation"})
        responding.validate({name: value for name, value in body.items() if name != "personality"}, call.server.models)

    body = call.json(validate)
    history, own = _context(call, body)
    if not history and not own:
        raise bad("input", "Invalid 'input': there is nothing to count.", "empty_array")
    asked = responding.chat_body(body, [*history, *own])
    counted = chat.answer(asked, call.server.plants, 0).usage["prompt_tokens"]
    return call.answer({"object": "response.input_tokens", "input_tokens": counted}, body)


def _image(name: str, value: Any) -> None:
    v.object_or_null(name, value)
    if value and "context_compression" in value:
        v.one_of("auto", "enabled", "disabled")(f"{name}.context_compression", value["context_compression"])


def compact(call: Call) -> Response:
    def validate(body: Json) -> None:
        names = "model input instructions previous_response_id prompt_cache_retention prompt_cache_options service_tier"
        v.members(body, {"prompt_cache_key": v.text(64), "image": _image}, set(names.split()))
        responding.validate({name: value for name, value in body.items() if name != "image"}, call.server.models)

    body = call.json(validate)
    history, own = _context(call, body)
    if not history and not own:
        raise bad("input", "Invalid 'input': there is nothing to compact.", "empty_array")
    asked = {**body, "max_output_tokens": 64}
    usage = responding.usage(chat.answer(responding.chat_body(asked, [*history, *own]), call.server.plants, 0))
    made = {"id": "resp_" + secrets.token_hex(16), "object": "response.compaction", "created_at": int(time.time())}
    return call.answer({**made, "output": items.compacted([*history, *own]), "usage": usage}, body)


ROUTES = {
    "/responses": {"POST": create},
    "/responses/input_tokens": {"POST": input_tokens},
    "/responses/compact": {"POST": compact},
    "/responses/{response_id}": {"GET": retrieve, "DELETE": delete},
    "/responses/{response_id}/cancel": {"POST": cancel},
    "/responses/{response_id}/input_items": {"GET": input_items},
}
