"""Uploads: a file in parts, put together when they are all there."""

from __future__ import annotations

import hashlib
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from seatrial.server import validate as v
from seatrial.server.call import Call, Upload
from seatrial.server.families import files
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad

_LIVES_S = 3600
_LARGEST = 8 << 30
_LARGEST_PART = 64 << 20


@dataclass(slots=True)
class Pending:
    """An upload and the parts that it has so far."""

    body: Json
    parts: dict[str, bytes] = field(default_factory=dict)
    file: files.File | None = None
    cancelled: bool = False
    id: str = field(default_factory=lambda: "upload_" + secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def status(self) -> str:
        if self.file is not None:
            return "completed"
        if self.cancelled:
            return "cancelled"
        return "expired" if self.created + _LIVES_S <= time.time() else "pending"

    @property
    def shown(self) -> Json:
        """The object."""
        return {
            "id": self.id,
            "object": "upload",
            "bytes": self.body["bytes"],
            "created_at": self.created,
            "expires_at": self.created + _LIVES_S,
            "filename": self.body["filename"],
            "purpose": self.body["purpose"],
            "status": self.status,
            "file": self.file.shown if self.file else None,
        }


def _open(call: Call) -> Pending:
    """The upload of the path, which still takes parts. Raises Refused."""
    found: dict[str, Pending] = call.store("uploads", dict)
    id = call.path["upload_id"]
    if id not in found:
        raise Refused(404, f"No such Upload object: {id}", "id")
    if found[id].status != "pending":
        raise bad("id", f"The upload '{id}' is {found[id].status}.", "invalid_value")
    return found[id]


def _valid(body: Json) -> None:
    rules = {
        "filename": v.text(),
        "purpose": v.one_of(*files.PURPOSES),
        "bytes": v.number(0, _LARGEST, whole=True),
        "mime_type": v.text(),
    }
    v.members(body, rules, {"expires_after"})
    v.required(body, *rules)
    files.expiry("expires_after", body.get("expires_after"), 0)


def create(call: Call) -> Response:
    body = call.json(_valid)
    made = Pending(body)
    call.store("uploads", dict)[made.id] = made
    return call.answer(made.shown, body)


def _valid_part(body: Json) -> None:
    v.members(body, {}, {"data"})
    v.required(body, "data")
    if not isinstance(body["data"], Upload):
        raise bad("data", "Invalid type for 'data': expected a file.", "invalid_type")
    if len(body["data"].data) > _LARGEST_PART:
        raise bad("data", "Invalid 'data': at most 64 MB.", "invalid_value")


def add_part(call: Call) -> Response:
    upload = _open(call)
    body = call.fields({}, _valid_part)
    if sum(map(len, upload.parts.values())) + len(body["data"].data) > upload.body["bytes"]:
        raise bad("data", f"The parts have more than the {upload.body['bytes']} bytes of the upload.", "invalid_value")
    id = "part_" + secrets.token_hex(12)
    upload.parts[id] = body["data"].data
    made = {"id": id, "object": "upload.part", "created_at": int(time.time()), "upload_id": upload.id}
    return call.answer(made, body)


def _part_ids(name: str, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad(name, f"Invalid type for '{name}': expected an array of strings.", "invalid_type")


def complete(call: Call) -> Response:
    upload = _open(call)

    def valid(body: Json) -> None:
        v.members(body, {"part_ids": _part_ids, "md5": v.text()}, set())
        v.required(body, "part_ids")
        lacking = [id for id in body["part_ids"] if id not in upload.parts]
        if lacking or len(set(body["part_ids"])) != len(body["part_ids"]):
            raise bad("part_ids", "Invalid 'part_ids': expected the upload's own parts, each once.", "invalid_value")
        data = b"".join(upload.parts[id] for id in body["part_ids"])
        if len(data) != upload.body["bytes"]:
            raise bad("part_ids", f"The parts have {len(data)} bytes, not {upload.body['bytes']}.", "invalid_value")
        if body.get("md5") is not None and body["md5"] != hashlib.md5(data, usedforsecurity=False).hexdigest():
            raise bad("md5", "The MD5 of the parts is another one.", "invalid_value")

    body = call.json(valid)
    data = b"".join(upload.parts[id] for id in body.get("part_ids") or [] if id in upload.parts)
    made = files.File(upload.body["filename"], data, upload.body["purpose"])
    made.expires_at = files.expiry("expires_after", upload.body.get("expires_after"), made.created)
    upload.file = files.keep(call, made)
    return call.answer(upload.shown, body)


def cancel(call: Call) -> Response:
    upload = _open(call)
    upload.cancelled = True
    upload.parts.clear()
    return call.answer(upload.shown)


ROUTES = {
    "/uploads": {"POST": create},
    "/uploads/{upload_id}/parts": {"POST": add_part},
    "/uploads/{upload_id}/complete": {"POST": complete},
    "/uploads/{upload_id}/cancel": {"POST": cancel},
}
