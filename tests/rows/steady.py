"""What an object is made as, and ever after: its members, its id, its times."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

from seatrial.model import Exchange
from tests.rows import FAIL, OPEN, OUT, PASS, Rows, exchange
from tests.rows.files import BAD, GOOD, batch, part, ran, sent

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


ROWS: Rows = {
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
