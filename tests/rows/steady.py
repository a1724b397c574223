"""What an object is made as, and ever after: its members, its id, its times."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from seatrial.model import Exchange, Operation, Request
from tests.rows import FAIL, OPEN, OUT, PASS, Rows, exchange
from tests.rows.files import BAD, GOOD, batch, part, ran, sent
from tests.rows.files import read as content
from tests.rows.responses import made, read

DATE = "Thu, 01 Jan 2026 00:00:00 GMT"
NOW = 1_767_225_600
UPLOAD: dict[str, Any] = {
    "id": "upload_1", "object": "upload", "created_at": NOW, "filename": "a", "purpose": "batch", "bytes": 6,
}  # fmt: skip
OWN = BAD.replace(b'"req_1"', b'"req_2"')
"""The other line with a request of its own."""


def upload(ask: dict[str, Any], number: int = 1, **more: Any) -> Exchange:
    return exchange("createUpload", "POST /uploads", "/uploads", {**UPLOAD, **more}, ask, number=number)


def ended(number: int = 2, **more: Any) -> Exchange:
    call = "POST /uploads/{upload_id}/cancel"
    return exchange("cancelUpload", call, "/uploads/upload_1/cancel", {**UPLOAD, **more}, number=number)


def dated(found: Exchange, date: str = DATE) -> Exchange:
    return dataclasses.replace(found, headers=(*found.headers, ("date", date)))


def judged(number: int, text: str, id: str = "modr-1") -> Exchange:
    return exchange("createModeration", "POST /moderations", "/moderations", {"id": id}, {"input": text}, number=number)


def batches(**more: Any) -> Exchange:
    row = json.loads(batch(**more).body)
    return exchange("listBatches", "GET /batches", "/batches", {"object": "list", "data": [row]}, number=2)


def asked(method: str, status: int = 200, **headers: str) -> Exchange:
    """A request for the list of models that is answered with these headers."""
    names = tuple((name.replace("_", "-"), value) for name, value in headers.items())
    operation = Operation("any", method, "/models")
    number = 2 if method == "GET" else 1
    return Exchange(number, operation, Request(method, "http://x/v1/models", ()), status, names, b"")


def checkpoints(*rows: dict[str, Any]) -> Exchange:
    call, url = "GET /fine_tuning/jobs/{fine_tuning_job_id}/checkpoints", "/fine_tuning/jobs/ftjob-1/checkpoints"
    return exchange("listFineTuningJobCheckpoints", call, url, {"object": "list", "data": rows})


def translated(**more: Any) -> Exchange:
    return exchange("createTranslation", "POST /audio/translations", "/audio/translations", {"text": "Hi", **more})


def talk(*items: dict[str, Any]) -> Exchange:
    return exchange("createConversation", "POST /conversations", "/conversations", {"id": "c"}, {"items": items})


def item(role: str, text: str, name: str = "getConversationItem") -> Exchange:
    shown = {"type": "message", "id": "msg_1", "role": role, "content": [{"type": "input_text", "text": text}]}
    call = "GET /conversations/{conversation_id}/items/{item_id}"
    return exchange(name, call, "/conversations/c/items/msg_1", shown, number=2)


HELLO = {"role": "system", "content": "Hello"}

ROWS: Rows = {
    "http.allow": [
        (FAIL, asked("PUT", 405)),
        (FAIL, asked("PUT", 405, allow="GET, PUT")),
        (PASS, asked("PUT", 405, allow="GET, OPTIONS")),
        (PASS, asked("PUT", 405, allow="")),
        (OUT, asked("PUT", 404)),
    ],
    "http.head-length": [
        (FAIL, [asked("HEAD", content_length="0"), asked("GET", content_length="9")]),
        (PASS, [asked("HEAD", content_length="9"), asked("GET", content_length="9")]),
        (OPEN, [asked("HEAD", content_length="0"), asked("GET", content_length="9", content_encoding="gzip")]),
        (OUT, [asked("HEAD"), asked("GET", content_length="9")]),
    ],
    "files.content-type": [
        (FAIL, dataclasses.replace(content(b"a"), headers=(("content-type", "text/html; charset=utf-8"),))),
        (PASS, content(b"a")),
        (PASS, dataclasses.replace(content(b"a"), headers=())),
        (OUT, sent()),
    ],
    "tuning.checkpoint-step": [
        (FAIL, checkpoints({"step_number": 1, "metrics": {"step": 2}})),
        (FAIL, checkpoints({"step_number": 1}, {"step_number": 1})),
        (PASS, checkpoints({"step_number": 1, "metrics": {"step": 1.0}}, {"step_number": 2, "metrics": {}})),
    ],
    "audio.translated-to": [
        (FAIL, translated(language="german")),
        (PASS, translated(language="en-US")),
        (PASS, translated(language="English")),
        (PASS, translated(language=None)),
        (OUT, translated()),
    ],
    "items.role": [
        (FAIL, [talk(HELLO), item("user", "Hello")]),
        (PASS, [talk(HELLO), item("developer", "Hello")]),
        (PASS, [talk(HELLO, {"role": "user", "content": "Hello"}), item("user", "Hello")]),
        (OUT, [talk(HELLO), item("user", "Good night")]),
    ],
    "responses.keeps-request": [
        (FAIL, [made(max_output_tokens=16), read(max_output_tokens=None)]),
        (FAIL, [made(metadata={"a": "b"}), read(metadata={})]),
        (PASS, [made(max_output_tokens=16), read(max_output_tokens=16)]),
        (PASS, [made(background=None), read(background=False)]),
        (OUT, [made(max_output_tokens=16)]),
    ],
    "kept.as-asked": [
        (FAIL, upload({"purpose": "assistants"})),
        (FAIL, upload({"bytes": 7})),
        (PASS, upload({"purpose": "batch", "bytes": 6, "filename": "a"})),
        (PASS, upload({"mime_type": "text/plain", "filename": "a"})),
        (OUT, upload({"mime_type": "text/plain"})),
    ],
    "kept.steady": [
        (FAIL, [upload({}), ended(created_at=NOW + 60)]),
        (FAIL, [upload({}), ended(filename="b")]),
        (FAIL, [batch(1), batches(input_file_id="file-9")]),
        (PASS, [upload({}), ended(created_at=NOW + 1, status="cancelled")]),
        (PASS, [batch(1), batches()]),
        (OUT, [upload({}), ended(id="upload_2")]),
    ],
    "kept.ids-unique": [
        (FAIL, [part(1, "part_1", "a"), part(2, "part_1", "b")]),
        (FAIL, [judged(1, "a"), judged(2, "b")]),
        (PASS, [part(1, "part_1", "a"), part(2, "part_2", "a")]),
        (PASS, [judged(1, "a"), judged(2, "a")]),
        (OPEN, [judged(1, "a"), judged(2, "b", "")]),
        (OUT, [judged(1, "a"), upload({})]),
    ],
    "created.not-ahead": [
        (FAIL, dated(upload({}, created_at=NOW + 3600))),
        (FAIL, dated(upload({}, created_at=NOW - 3600))),
        (FAIL, dated(ended(file={"created_at": NOW + 3600}))),
        (PASS, dated(ended(file={"created_at": NOW + 9}))),
        (PASS, dated(upload({}))),
        (PASS, dated(upload({}, created_at=NOW * 1000))),
        (PASS, dated(ended(created_at=NOW - 3600))),
        (OPEN, upload({})),
    ],
    "files.upload-expires-soon": [
        (FAIL, upload({}, expires_at=NOW + 366 * 86_400)),
        (PASS, upload({}, expires_at=NOW + 86_400)),
        (OPEN, upload({})),
        (OUT, sent()),
    ],
    "batches.line-ids": [
        (FAIL, ran(GOOD, BAD)),
        (FAIL, ran(GOOD, OWN.replace(b"batch_req_b", b"batch_req_a"))),
        (PASS, ran(GOOD, OWN)),
        (PASS, ran(GOOD, BAD.replace(b'"req_1"', b"null"))),
    ],
}
