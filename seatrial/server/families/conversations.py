"""Conversations: items that are kept from one response to the next."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from seatrial.server import items
from seatrial.server import validate as v
from seatrial.server.call import Call
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad

_MOST = 20


@dataclass(slots=True)
class Conversation:
    """A conversation and what was said in it."""

    metadata: Json
    items: list[Json] = field(default_factory=list)
    id: str = field(default_factory=lambda: "conv_" + secrets.token_hex(16))
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def shown(self) -> Json:
        """The object."""
        return {"id": self.id, "object": "conversation", "created_at": self.created, "metadata": self.metadata}


def of(call: Call, given: Any) -> Conversation:
    """The conversation of an id, or of an object with one. Raises Refused where there is none."""
    id = given["id"] if isinstance(given, dict) else given
    found: dict[str, Conversation] = call.store("conversations", dict)
    if id not in found:
        raise Refused(404, f"Conversation with id '{id}' not found.", None, "conversation_not_found")
    return found[id]


def _here(call: Call) -> Conversation:
    return of(call, call.path["conversation_id"])


def _body(call: Call, *names: str, needed: str = "") -> Json:
    def validate(body: Json) -> None:
        v.members(body, {"metadata": v.metadata} if "metadata" in names else {}, set(names))
        if needed:
            v.required(body, needed)
        _items(call, body, {})

    return call.json(validate)


def _items(call: Call, body: Json, known: dict[str, Json]) -> list[Json]:
    rows = body.get("items")
    if rows is None:
        return []
    if not isinstance(rows, list):
        raise bad("items", "Invalid type for 'items': expected an array.", "invalid_type")
    if len(rows) > _MOST:
        raise bad("items", f"Invalid 'items': at most {_MOST}.", "array_above_max_length")
    return items.given(rows, known, True, call.origin, "items")


def create(call: Call) -> Response:
    body = _body(call, "items", "metadata")
    made = Conversation(body.get("metadata") or {}, _items(call, body, {}))
    call.store("conversations", dict)[made.id] = made
    return call.answer(made.shown, body)


def retrieve(call: Call) -> Response:
    return call.answer(_here(call).shown)


def update(call: Call) -> Response:
    found = _here(call)
    body = _body(call, "metadata", needed="metadata")
    found.metadata = body["metadata"]
    return call.answer(found.shown, body)


def delete(call: Call) -> Response:
    found = _here(call)
    del call.store("conversations", dict)[found.id]
    return call.answer({"id": found.id, "object": "conversation.deleted", "deleted": True})


def list_items(call: Call) -> Response:
    return call.answer(items.page(_here(call).items, call.query))


def add_items(call: Call) -> Response:
    found = _here(call)
    body = _body(call, "items", needed="items")
    fresh = _items(call, body, {item["id"]: item for item in found.items})
    found.items += fresh
    ends = {"first_id": fresh[0]["id"] if fresh else None, "last_id": fresh[-1]["id"] if fresh else None}
    return call.answer({"object": "list", "data": fresh, **ends, "has_more": False}, body)


def _item(call: Call) -> Json:
    for item in _here(call).items:
        if item["id"] == call.path["item_id"]:
            return item
    raise Refused(404, f"Item with id '{call.path['item_id']}' not found.", None, "item_not_found")


def retrieve_item(call: Call) -> Response:
    return call.answer(_item(call))


def delete_item(call: Call) -> Response:
    found = _here(call)
    found.items.remove(_item(call))
    return call.answer(found.shown)


ROUTES = {
    "/conversations": {"POST": create},
    "/conversations/{conversation_id}": {"GET": retrieve, "POST": update, "DELETE": delete},
    "/conversations/{conversation_id}/items": {"GET": list_items, "POST": add_items},
    "/conversations/{conversation_id}/items/{item_id}": {"GET": retrieve_item, "DELETE": delete_item},
}
