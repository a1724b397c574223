"""Files, uploads, lists by cursor, batches and stored chat completions."""

from __future__ import annotations

import json
from typing import Any

from seatrial import form
from seatrial.model import Exchange, Operation, Request
from tests.rows import FAIL, OPEN, OUT, PASS, Rows, exchange

ANSWER = {"application/json": "openai/file.json"}
NAMED: dict[str, Any] = {"file": "a.txt", "text": "hello\n"}
FILE: dict[str, Any] = {
    "id": "file-1", "object": "file", "bytes": 6, "created_at": 100, "filename": "a.txt", "purpose": "batch",
    "status": "processed",
}  # fmt: skip


def sent(number: int = 1, fields: dict[str, Any] | None = None, id: str = "file-1", **more: Any) -> Exchange:
    """A file that is uploaded by a form."""
    body = form.encode(fields or {"purpose": "batch", "file": NAMED})
    request = Request("POST", "http://x/v1/files", (("content-type", form.MEDIA),), body)
    operation = Operation("createFile", "POST", "/files", None, {"200": ANSWER})
    answer = json.dumps({**FILE, "id": id, **more}).encode()
    return Exchange(number, operation, request, 200, (("content-type", "application/json"),), answer)


def read(data: bytes, number: int = 2, id: str = "file-1") -> Exchange:
    """The content of a file."""
    request = Request("GET", f"http://x/v1/files/{id}/content", ())
    operation = Operation("downloadFile", "GET", "/files/{file_id}/content")
    return Exchange(number, operation, request, 200, (("content-type", "application/octet-stream"),), data)


def looked(number: int = 2, status: int = 200, **more: Any) -> Exchange:
    return exchange("retrieveFile", "GET /files/{file_id}", "/files/file-1", {**FILE, **more}, None, status, number)


def deleted(number: int, id: str) -> Exchange:
    return exchange("deleteFile", "DELETE /files/{file_id}", f"/files/{id}", {"id": id, "deleted": True}, number=number)


def part(number: int, id: str, text: str) -> Exchange:
    body = form.encode({"data": {"file": "part", "text": text}})
    request = Request("POST", "http://x/v1/uploads/upload_1/parts", (("content-type", form.MEDIA),), body)
    operation = Operation("addUploadPart", "POST", "/uploads/{upload_id}/parts")
    answer = json.dumps({"id": id, "upload_id": "upload_1"}).encode()
    return Exchange(number, operation, request, 200, (("content-type", "application/json"),), answer)


def completed(number: int, *parts: str) -> Exchange:
    answer = {"id": "upload_1", "object": "upload", "status": "completed", "file": FILE}
    call = "POST /uploads/{upload_id}/complete"
    return exchange("completeUpload", call, "/uploads/upload_1/complete", answer, {"part_ids": parts}, number=number)


# --- lists: of an operation that no check knows by its name


def listed(
    query: str, *ids: str, more: Any = False, number: int = 1, times: tuple[int, ...] = (), **ends: Any
) -> Exchange:
    rows: list[dict[str, Any]] = [{"id": id} for id in ids]
    for row, time in zip(rows, times, strict=False):
        row["created_at"] = time
    answer = {"object": "list", "data": rows, "has_more": more, **ends}
    return exchange("listThings", "GET /things", f"/things{query}", answer, number=number)


def made(id: str, number: int) -> Exchange:
    return exchange("makeThing", "POST /things", "/things", {"id": id}, {}, number=number)


def gone(id: str, number: int) -> Exchange:
    return exchange("dropThing", "DELETE /things/{id}", f"/things/{id}", {"id": id, "deleted": True}, number=number)


MODELS = exchange("listModels", "GET /models", "/models", {"object": "list", "data": [{"id": "m"}, {"id": "n"}]})
SEARCH = exchange("search", "GET /x", "/x?limit=1", {"data": [{"id": "a"}, {"id": "b"}], "next_page": None})
WHOLE = listed("?limit=9", "c", "b", "a", number=3)
FIRST = listed("?limit=2", "c", "b", more=True, number=4)

# --- batches

BATCH: dict[str, Any] = {
    "id": "batch_1", "object": "batch", "endpoint": "/v1/embeddings", "input_file_id": "file-1", "status": "completed",
    "completion_window": "24h", "created_at": 100, "completed_at": 101, "expires_at": 86500,
    "output_file_id": "file-2", "error_file_id": "file-3", "metadata": None,
    "request_counts": {"total": 2, "completed": 1, "failed": 1},
}  # fmt: skip
LINES = [
    {"custom_id": id, "method": "POST", "url": "/v1/embeddings", "body": {"input": texts} if texts else {}}
    for id, texts in (("a", None), ("b", ["One.", "Two."]))
]
VECTORS: dict[str, Any] = {
    "object": "list", "model": "m", "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    "usage": {"prompt_tokens": 1, "total_tokens": 1},
}  # fmt: skip
REFUSED = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}


def batch(number: int = 2, name: str = "retrieveBatch", **more: Any) -> Exchange:
    call = {"createBatch": "POST /batches", "cancelBatch": "POST /batches/{batch_id}/cancel"}
    return exchange(name, call.get(name, "GET /batches/{batch_id}"), "/batches", {**BATCH, **more}, number=number)


def line(id: str, body: Any, status: int = 200, **more: Any) -> bytes:
    response = {"status_code": status, "request_id": "req_1", "body": body}
    made_ = {"id": "batch_req_" + id, "custom_id": id, "response": response, "error": None, **more}
    return json.dumps(made_).encode() + b"\n"


def ran(output: bytes, errors: bytes, **more: Any) -> list[Exchange]:
    """A batch of two lines, from its file to its files."""
    asked = sent(1, {"purpose": "batch", "file": {"file": "a.jsonl", "lines": LINES}})
    return [asked, batch(2, **more), read(output, 3, "file-2"), read(errors, 4, "file-3")]


GOOD, BAD = line("a", VECTORS), line("b", REFUSED, 404)


def one_of_two(vectors: int) -> bytes:
    """The answer to the line that asks for two vectors."""
    return line("b", {**VECTORS, "data": VECTORS["data"] * vectors})


# --- stored chat completions

SYSTEM = {"role": "system", "content": "Be brief."}

STORED: dict[str, Any] = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
}  # fmt: skip
ASKED = {"model": "m", "messages": [{"role": "user", "content": "Hello"}], "store": True}


def answered(**more: Any) -> Exchange:
    return exchange("createChatCompletion", "POST /chat/completions", "/chat/completions", STORED, {**ASKED, **more})


def had(**more: Any) -> Exchange:
    call = "GET /chat/completions/{completion_id}"
    return exchange("getChatCompletion", call, "/chat/completions/chatcmpl-1", {**STORED, **more}, number=2)


def listing(**more: Any) -> Exchange:
    rows = {"object": "list", "data": [{**STORED, **more}]}
    return exchange("listChatCompletions", "GET /chat/completions", "/chat/completions", rows, number=2)


def told(*rows: Any) -> Exchange:
    call, url = "GET /chat/completions/{completion_id}/messages", "/chat/completions/chatcmpl-1/messages?limit=1"
    return exchange("getChatCompletionMessages", call, url, {"data": list(rows), "has_more": False}, number=2)


ROWS: Rows = {
    "files.as-sent": [
        (FAIL, sent(bytes=5)), (FAIL, sent(filename="b.txt")), (FAIL, sent(purpose="assistants")), (PASS, sent()),
        (OPEN, sent(fields={"purpose": "batch", "file": "hello"})), (OUT, looked(1)),
    ],
    "files.expires-at": [
        (FAIL, sent(fields={"file": NAMED, "expires_after[seconds]": 3600})),
        (FAIL, sent(fields={"file": NAMED, "expires_after[seconds]": 3600}, expires_at=7300)),
        (PASS, sent(fields={"file": NAMED, "expires_after[seconds]": 3600}, expires_at=3701)),
        (OPEN, sent(fields={"file": NAMED, "expires_after[seconds]": "many"})),
        (OUT, sent()),
    ],
    "files.content": [
        (FAIL, [sent(), read(b"hello")]), (FAIL, [sent(), read(b"hallo\n")]), (PASS, [sent(), read(b"hello\n")]),
        (FAIL, [part(1, "p", "hel"), part(2, "q", "lo\n"), completed(3, "p", "q"), read(b"lo\nhel", 4)]),
        (PASS, [part(1, "p", "hel"), part(2, "q", "lo\n"), completed(3, "p", "q"), read(b"hello\n", 4)]),
        (OUT, [sent(), read(b"hello", id="file-9")]),
    ],
    "files.stays": [
        (FAIL, [sent(), looked(created_at=105)]), (FAIL, [sent(), looked(purpose="user_data")]), (PASS, [sent(), looked()]),
        (PASS, [sent(), looked(status_details="read")]), (OUT, [sent(), looked(status=404)]),
    ],
    "cursor.limit": [
        (FAIL, listed("?limit=1", "a", "b")), (PASS, listed("?limit=2", "a", "b")), (OUT, listed("", "a", "b")),
        (OUT, listed("?limit=0", "a")), (OUT, MODELS), (OUT, SEARCH),
    ],
    "cursor.first-and-last": [
        (FAIL, listed("", "a", "b", first_id="b", last_id="b")), (FAIL, listed("", "a", last_id="z")),
        (FAIL, listed("", first_id="a")), (PASS, listed("", "a", "b", first_id="a", last_id="b")),
        (PASS, listed("", first_id="")), (OUT, listed("", "a", first_id=None)), (OUT, MODELS),
    ],
    "cursor.empty-page-ends": [
        (FAIL, listed("?after=a", more=True)), (PASS, listed("?after=a")), (OUT, listed("", "a", more=True)),
        (OPEN, listed("?after=a", more=None)),
    ],
    "cursor.order": [
        (FAIL, listed("?order=asc", "a", "b", times=(2, 1))), (FAIL, listed("?order=desc", "a", "b", times=(1, 2))),
        (PASS, listed("?order=asc", "a", "b", "c", times=(1, 1, 2))), (OPEN, listed("?order=asc", "a", "b", times=(1, 1))),
        (OUT, listed("?order=asc", "a", times=(1,))), (OUT, listed("", "a", "b", times=(1, 2))),
    ],
    "cursor.no-item-twice": [
        (FAIL, [FIRST, listed("?limit=2&after=b", "c", "b", more=True, number=5)]),
        (FAIL, [FIRST, listed("?limit=2&after=b", "b", "a", number=5)]),
        (PASS, [FIRST, listed("?limit=2&after=b", "a", number=5)]),
        (OUT, [FIRST, listed("?limit=2&after=z", "c", number=5)]),
        (OUT, [FIRST]),
    ],
    "cursor.ends": [
        (
            FAIL,
            [WHOLE, FIRST]
            + [listed(f"?limit=2&after={p[1]}", *n, more=True, number=5) for p, n in zip(("cb", "ed", "gf", "ih"), ("ed", "gf", "ih", "kj"), strict=True)],
        ),
        (PASS, [WHOLE, FIRST, listed("?limit=2&after=b", "a", number=5)]),
        (OPEN, [WHOLE, FIRST, listed("?limit=2&after=b", "x", "y", more=True, number=5)]),
        (OUT, [WHOLE]),
    ],
    "cursor.has-more": [
        (FAIL, [FIRST, listed("?limit=2&after=b", number=5)]),
        (PASS, [FIRST, listed("?limit=2&after=b", "a", number=5)]),
        (OUT, [listed("?limit=2", number=5)]),
    ],
    "cursor.none-lost": [
        (FAIL, [made("a", 1), made("c", 2), WHOLE, listed("?limit=2", "c", "b", number=4)]),
        (PASS, [made("a", 1), WHOLE, FIRST, listed("?limit=2&after=b", "a", number=5)]),
        (PASS, [made("a", 1), made("c", 2), WHOLE, gone("a", 4), listed("?limit=2", "c", "b", number=5)]),
        (OUT, [made("z", 1), WHOLE, listed("?limit=2", "c", "b", number=4)]),
        (OUT, [made("a", 1), WHOLE, listed("?limit=2&purpose=x", "c", "b", number=4)]),
    ],
    "cursor.order-reversed": [
        (FAIL, [listed("?order=asc", "a", "b"), listed("?order=desc", "a", "b", number=2)]),
        (PASS, [listed("?order=asc", "a", "b"), listed("?order=desc", "c", "b", "a", number=2)]),
        (OPEN, [listed("?order=asc", "a"), listed("?order=desc", "a", number=2)]),
        (OUT, [listed("?order=asc", "a", "b")]),
    ],
    "batches.counts": [
        (FAIL, batch(request_counts={"total": 2, "completed": 2, "failed": 1})),
        (FAIL, batch(request_counts={"total": 2, "completed": 1, "failed": 0})),
        (PASS, batch()), (PASS, batch(status="in_progress", request_counts={"total": 2, "completed": 0, "failed": 0})),
        (OPEN, batch(request_counts=None)),
    ],
    "batches.times": [
        (FAIL, batch(completed_at=None)), (FAIL, batch(completed_at=99)), (PASS, batch()),
        (FAIL, batch(expired_at=101)), (PASS, batch(cancelling_at=101)),
        (FAIL, batch(status="in_progress")), (PASS, batch(status="in_progress", completed_at=None)),
        (FAIL, batch(in_progress_at=103)), (PASS, batch(in_progress_at=100, finalizing_at=101)), (OUT, sent()),
    ],
    "batches.expires-at": [
        (FAIL, batch(name="createBatch", expires_at=100)), (PASS, batch(name="createBatch")),
        (OPEN, batch(name="createBatch", expires_at=None)), (OUT, batch()),
    ],
    "batches.errors": [
        (FAIL, batch(status="failed", errors=None)), (FAIL, batch(status="failed", errors={"data": [{"message": ""}]})),
        (PASS, batch(status="failed", errors={"data": [{"message": "no", "line": 2}]})), (OUT, batch()),
    ],
    "batches.status-forward": [
        (FAIL, [batch(1, status="finalizing"), batch(2, status="in_progress")]),
        (FAIL, [batch(1, status="completed"), batch(2, status="cancelling")]),
        (PASS, [batch(1, status="validating"), batch(2, status="validating"), batch(3, status="completed")]),
        (PASS, [batch(1, status="cancelling"), batch(2, status="completed")]),
        (OUT, [batch(1)]),
    ],
    "batches.same": [
        (FAIL, [batch(1, status="validating", metadata={"a": "b"}), batch(2)]), (FAIL, [batch(1), batch(2, created_at=99)]),
        (PASS, [batch(1, status="validating"), batch(2)]), (OUT, [batch(1)]),
        (PASS, [batch(1, metadata=None), batch(2, metadata={})]),
    ],
    "batches.lines": [
        (FAIL, ran(GOOD + b'{"id": "b', BAD)), (FAIL, ran(line("a", VECTORS, error=5), BAD)),
        (FAIL, ran(line("a", None, response=None), BAD)), (PASS, ran(GOOD, BAD)), (PASS, ran(b"\n" + GOOD, BAD)),
        (FAIL, ran(b'{"id": "a", "custom_id": "a"}', BAD)), (PASS, ran(GOOD.replace(b', "error": null', b""), BAD)),
        (OUT, ran(GOOD, BAD, status="cancelled")),
    ],
    "batches.each-once": [
        (FAIL, ran(GOOD, b"")), (FAIL, ran(GOOD + GOOD, BAD)), (FAIL, ran(GOOD, BAD + line("c", REFUSED, 404))),
        (PASS, ran(GOOD, BAD)), (PASS, ran(BAD + GOOD, b"")), (OPEN, ran(GOOD, BAD)[:3]), (OPEN, ran(GOOD + b"{}\n", BAD)),
        (OUT, ran(GOOD, BAD)[:2]),
    ],
    "batches.counts-match": [
        (FAIL, ran(GOOD, BAD, request_counts={"total": 0, "completed": 0, "failed": 0})),
        (FAIL, ran(GOOD, BAD, request_counts={"total": 2, "completed": 2, "failed": 0})),
        (PASS, ran(GOOD, BAD)), (OPEN, ran(GOOD, BAD, request_counts=None)),
    ],
    "batches.line-bodies": [
        (FAIL, ran(line("a", {**VECTORS, "data": None}), BAD)), (FAIL, ran(GOOD, line("b", {"error": "no"}, 404))),
        (PASS, ran(GOOD, BAD)), (PASS, ran(GOOD, line("b", None, response=None, error={"code": "x", "message": "y"}))),
        (OPEN, ran(GOOD, b"", endpoint="/v1/videos")),
    ],
    "batches.own-answer": [
        (FAIL, ran(one_of_two(1), b"")), (PASS, ran(one_of_two(2), b"")), (OPEN, ran(GOOD, BAD)),
        (OPEN, ran(line("a", REFUSED, 404), BAD)),
    ],
    "batches.right-file": [
        (FAIL, ran(GOOD + BAD, BAD)), (FAIL, ran(GOOD, GOOD)), (PASS, ran(GOOD, BAD)),
    ],
    "stored.same": [
        (FAIL, [answered(), had(created=2)]), (FAIL, [answered(), had(model="n")]),
        (FAIL, [answered(), had(choices=[{"index": 0, "message": {"content": "H"}}])]),
        (PASS, [answered(), had(metadata={"a": "b"})]), (OPEN, [answered(), had(choices=None)]),
        (OUT, [answered(store=False), had()]), (OUT, [answered(), listing(id="chatcmpl-2")]),
        (FAIL, [answered(), listing(model="n")]), (FAIL, [answered(), listing(choices=[])]), (PASS, [answered(), listing()]),
    ],
    "stored.messages": [
        (FAIL, [answered(), told({"role": "assistant", "content": "Hello"})]), (FAIL, [answered(), told(None)]),
        (PASS, [answered(), told({"id": "a", "role": "user", "content": "Hello"})]),
        (PASS, [answered(messages=[SYSTEM]), told({**SYSTEM, "role": "developer"})]),
        (PASS, [answered(), told({"role": "user", "content": None, "content_parts": [{"type": "text"}]})]),
        (OPEN, [answered(), told()]), (OUT, [answered()]),
    ],
}  # fmt: skip
