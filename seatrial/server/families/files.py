"""Files: uploaded by a form, listed, read back and deleted."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from seatrial.server import paging
from seatrial.server import validate as v
from seatrial.server.call import Call, Upload
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad

PURPOSES = ("assistants", "batch", "fine-tune", "vision", "user_data", "evals")
MADE_HERE = ("assistants_output", "batch_output", "fine-tune-results")
_DAYS_30 = 30 * 24 * 3600
_SECONDS = v.number(3600, _DAYS_30, whole=True)


@dataclass(slots=True)
class File:
    """A file and what is in it; `expires_at` is in seconds of the wall clock."""

    name: str
    data: bytes
    purpose: str
    expires_at: int | None = None
    id: str = field(default_factory=lambda: "file-" + secrets.token_hex(12))
    created: int = field(default_factory=lambda: int(time.time()))

    @property
    def shown(self) -> Json:
        """The object."""
        made = {
            "id": self.id,
            "object": "file",
            "bytes": len(self.data),
            "created_at": self.created,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
            "status_details": None,
        }
        return made if self.expires_at is None else {**made, "expires_at": self.expires_at}


def kept(call: Call) -> dict[str, File]:
    """The files that have not expired, by id, oldest first."""
    found: dict[str, File] = call.store("files", dict)
    for file in list(found.values()):
        if file.expires_at is not None and file.expires_at <= time.time():
            del found[file.id]
    return found


def of(call: Call, id: str) -> File:
    """The file of that id. Raises Refused where there is none."""
    found = kept(call).get(id)
    if found is None:
        raise Refused(404, f"No such File object: {id}", "id")
    return found


def content(call: Call, id: str) -> tuple[str, bytes]:
    """The name of a file, and what is in it. Raises Refused where there is none."""
    file = of(call, id)
    return file.name, file.data


def keep(call: Call, file: File) -> File:
    """The file, kept from now on."""
    kept(call)[file.id] = file
    return file


def expiry(name: str, given: Any, since: int) -> int | None:
    """When what is made at `since` expires. Raises Refused for a policy that is none."""
    if given is None:
        return None
    v.object_or_null(name, given)
    for member in given:
        if member not in ("anchor", "seconds"):
            raise bad(f"{name}.{member}", f"Unknown parameter: '{name}.{member}'.", "unknown_parameter")
    for member in ("anchor", "seconds"):
        if given.get(member) is None:
            raise bad(
                f"{name}.{member}", f"Missing required parameter: '{name}.{member}'.", "missing_required_parameter"
            )
    v.one_of("created_at")(f"{name}.anchor", given["anchor"])
    _SECONDS(f"{name}.seconds", given["seconds"])
    return int(since + given["seconds"])


def _nested(body: Json) -> Json | None:
    """The policy of a form, whose fields are `expires_after[anchor]` and `expires_after[seconds]`."""
    head = "expires_after["
    found = {name[len(head) : -1]: value for name, value in body.items() if name.startswith(head)}
    return found or None


def _valid(body: Json) -> None:
    for name in body:
        if name not in ("file", "purpose") and not name.startswith("expires_after["):
            raise bad(name, f"Unknown parameter: '{name}'.", "unknown_parameter")
    v.required(body, "file", "purpose")
    if not isinstance(body["file"], Upload):
        raise bad("file", "Invalid type for 'file': expected a file.", "invalid_type")
    v.one_of(*PURPOSES)("purpose", body["purpose"])
    expiry("expires_after", _nested(body), 0)


def create(call: Call) -> Response:
    body = call.fields({"expires_after[seconds]": int}, _valid)
    sent: Upload = body["file"]
    made = File(sent.name, sent.data, body.get("purpose") or "user_data")
    made.expires_at = expiry("expires_after", _nested(body), made.created)
    if made.expires_at is None and made.purpose == "batch":
        made.expires_at = made.created + _DAYS_30
    return call.answer(keep(call, made).shown, body)


def list_all(call: Call) -> Response:
    wanted = call.query.get("purpose")
    if wanted is not None and wanted not in (*PURPOSES, *MADE_HERE):
        raise bad("purpose", f"Invalid value for 'purpose': {wanted!r}.", "invalid_value")
    rows = [file.shown for file in kept(call).values() if wanted in (None, file.purpose)]
    return call.answer(paging.page(call.query, rows, 10_000, 10_000))


def retrieve(call: Call) -> Response:
    return call.answer(of(call, call.path["file_id"]).shown)


def download(call: Call) -> Response:
    return call.bytes(of(call, call.path["file_id"]).data, "application/octet-stream")


def delete(call: Call) -> Response:
    id = of(call, call.path["file_id"]).id
    del kept(call)[id]
    return call.answer({"id": id, "object": "file", "deleted": True})


ROUTES = {
    "/files": {"POST": create, "GET": list_all},
    "/files/{file_id}": {"GET": retrieve, "DELETE": delete},
    "/files/{file_id}/content": {"GET": download},
}
