"""Stored chat completions: those that were asked for with `store: true`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from starlette.responses import Response

from seatrial.server import paging
from seatrial.server import validate as v
from seatrial.server.call import Call
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad

STORE = "stored-chat"


@dataclass(slots=True)
class Stored:
    """A completion as it was answered, and the messages that it answers."""

    made: Json
    messages: list[Json]


def keep(stored: dict[str, Stored], body: Json, answer: Response, whole: Json) -> None:
    """Keeps the completion that this request was answered with: the answer as it was sent, else the whole."""
    data = getattr(answer, "body", None)  # of a plain answer
    if data is not None:
        try:
            sent = json.loads(bytes(data))
        except ValueError:
            return
        if not isinstance(sent, dict) or not isinstance(sent.get("id"), str):
            return
        whole = sent
    stored[whole["id"]] = Stored({**whole, "metadata": body.get("metadata") or {}}, body["messages"])


def _all(call: Call) -> dict[str, Stored]:
    found: dict[str, Stored] = call.store(STORE, dict)
    return found


def _found(call: Call) -> Stored:
    id = call.path["completion_id"]
    if id not in _all(call):
        raise Refused(404, f"Completion '{id}' not found.", "completion_id", "not_found")
    return _all(call)[id]


def list_all(call: Call) -> Response:
    wanted = {k[9:-1]: text for k, text in call.query.items() if k.startswith("metadata[") and k.endswith("]")}
    model = call.query.get("model")
    rows = [
        one.made
        for one in _all(call).values()
        if model in (None, one.made.get("model"))
        and all(one.made["metadata"].get(name) == text for name, text in wanted.items())
    ]
    return call.answer(paging.page({"order": "asc", **call.query}, rows))


def retrieve(call: Call) -> Response:
    return call.answer(_found(call).made)


def update(call: Call) -> Response:
    stored = _found(call)

    def valid(body: Json) -> None:
        v.members(body, {"metadata": v.metadata}, set())
        if "metadata" not in body:
            raise bad("metadata", "Missing required parameter: 'metadata'.", "missing_required_parameter")

    body = call.json(valid)
    stored.made["metadata"] = body.get("metadata") or {}
    return call.answer(stored.made, body)


def delete(call: Call) -> Response:
    _found(call)
    id = call.path["completion_id"]
    del _all(call)[id]
    return call.answer({"object": "chat.completion.deleted", "id": id, "deleted": True})


def _message(id: str, place: int, message: Json) -> Json:
    content: Any = message.get("content")
    parts = content if isinstance(content, list) else None
    shown = {name: value for name, value in message.items() if name not in ("content", "tool_call_id")}
    return {"id": f"{id}-{place}", **shown, "content": None if parts else content, "content_parts": parts}


def messages(call: Call) -> Response:
    stored = _found(call)
    rows = [_message(call.path["completion_id"], place, row) for place, row in enumerate(stored.messages)]
    return call.answer(paging.page({"order": "asc", **call.query}, rows))


ROUTES = {
    "/chat/completions": {"GET": list_all},
    "/chat/completions/{completion_id}": {"GET": retrieve, "POST": update, "DELETE": delete},
    "/chat/completions/{completion_id}/messages": {"GET": messages},
}
