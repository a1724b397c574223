"""Defects of files, uploads and lists by cursor."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qsl, urlencode

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seatrial.server.plant import Json
from seatrial.server.plants.shape import defect, ignoring, result, result_of, variant

CREATE, LIST, ONE = "POST /files", "GET /files", "GET /files/{file_id}"
CONTENT = ONE + "/content"
LISTS = (LIST, "GET /batches", "GET /chat/completions", "GET /chat/completions/{completion_id}/messages")
Before = Callable[[Request, bytes], Response | None]


def asking(change: Callable[[dict[str, str]], Any], *paths: str) -> Before:
    """Changes the query of a GET of these paths, as if the client had asked so."""

    def hook(request: Request, body: bytes) -> None:
        if request.method == "GET" and request.url.path.partition("/v1")[2] in paths:
            query = dict(parse_qsl(request.scope["query_string"].decode()))
            change(query)
            request.scope["query_string"] = urlencode(query).encode()

    return hook


def without_query(*names: str) -> Callable[[dict[str, str]], Any]:
    return lambda query: [query.pop(name, None) for name in names]


def answering(method: str, ending: str, made: Callable[[Request], Response | None]) -> Before:
    """Answers in the place of a route: the path below the version is `ending`, or any that no ending is given for."""

    def hook(request: Request, body: bytes) -> Response | None:
        below = "/" + request.url.path.split("/", 2)[-1]
        hit = request.method == method and ending in ("", below)
        return made(request) if hit else None

    return hook


def _file(name: str = "a.jsonl") -> Json:
    id, now = "file-" + secrets.token_hex(12), int(time.time())
    made = {"id": id, "object": "file", "bytes": 9, "created_at": now, "filename": name, "purpose": "batch"}
    return {**made, "status": "processed"}


def _endless(request: Request) -> Response | None:
    if request.query_params.get("limit") != "2":
        return None
    rows = [_file(), _file()]
    ends = {"first_id": rows[0]["id"], "last_id": rows[1]["id"]}
    return JSONResponse({"object": "list", "data": rows, **ends, "has_more": True})


def _no_such_purpose(request: Request) -> Response | None:
    if "no-such" not in request.query_params.get("purpose", ""):
        return None
    return JSONResponse({"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False})


def _not_deleted(request: Request) -> Response | None:
    id = request.url.path.rpartition("/")[2]
    return JSONResponse({"id": id, "object": "file", "deleted": True}) if "/files/" in request.url.path else None


def _error_in_200(route: str, status: int, body: Json) -> tuple[int, Json]:
    missing = status == 404 and "File object" in json.dumps(body)
    return (200, body) if missing else (status, body)


def _swap_ends(made: Json) -> None:
    made["first_id"], made["last_id"] = made["last_id"], made["first_id"]


def _one_time(made: Json) -> None:
    for row in made["data"]:
        row["created_at"] = 1_760_000_000


def _same_time(request: Request, body: bytes) -> None:
    asking(without_query("order"), "/files")(request, body)


def _content(change: Callable[[bytes], bytes]) -> Any:
    return lambda route, body, made: change(made) if route == CONTENT and isinstance(made, bytes) else made


def _latin(data: bytes) -> bytes:
    return data.decode("utf-8", "replace").encode("latin-1", "replace")


PLANTS = (
    defect(
        "NC-FILE-01",
        "files",
        "limit and after are ignored, and has_more is always false",
        "cursor.limit",
        source="BerriAI/litellm#37855",
        before=asking(without_query("limit", "after"), "/files"),
    ),
    defect(
        "NC-FILE-03",
        "files",
        "a list of an unknown purpose is an empty one",
        "files.invalid-purpose-filter/*/may/status",
        level="MAY",
        source="BerriAI/litellm#37855",
        before=answering("GET", "/files", _no_such_purpose),
    ),
    defect(
        "cursor.no-item-twice/after-ignored",
        "lists",
        "each page is the first",
        "cursor.no-item-twice",
        before=asking(without_query("after"), "/files"),
    ),
    defect(
        "cursor.first-and-last/swapped",
        "lists",
        "last_id is the first item's",
        "cursor.first-and-last",
        result=result(_swap_ends, *LISTS),
    ),
    defect(
        "cursor.empty-page-ends/always-more",
        "lists",
        "has_more is always true",
        "cursor.empty-page-ends",
        result=result(lambda made: made.update(has_more=True), *LISTS),
    ),
    defect(
        "cursor.has-more/till-empty",
        "lists",
        "has_more is true of every page that has items",
        "cursor.has-more",
        level="SHOULD",
        result=result(lambda made: made.update(has_more=bool(made["data"])), *LISTS),
    ),
    defect(
        "cursor.none-lost/one-page",
        "lists",
        "has_more is always false",
        "cursor.none-lost",
        "kept.listed",
        result=result(lambda made: made.update(has_more=False), *LISTS),
    ),
    defect(
        "cursor.ends/endless",
        "lists",
        "a list that is asked for in pages of two never ends",
        "cursor.ends",
        before=answering("GET", "/files", _endless),
    ),
    defect(
        "cursor.order/ignored",
        "lists",
        "order is ignored",
        "cursor.order",
        "cursor.order-reversed",
        before=asking(without_query("order"), "/files"),
    ),
    defect(
        "cursor.order-reversed/one-second",
        "lists",
        "order is ignored among files of one second",
        "cursor.order-reversed",
        level="SHOULD",
        before=_same_time,
        result=result(_one_time, LIST),
    ),
    defect(
        "files.as-sent/no-size",
        "files",
        "the size of a new file is 0",
        "files.as-sent",
        "files.stays",
        result=result(lambda made: made.update(bytes=0), CREATE),
    ),
    defect(
        "files.as-sent/renamed",
        "files",
        "files are renamed",
        "files.as-sent",
        "files.stays",
        result=result(lambda made: made.update(filename="upload.bin"), CREATE, ONE),
    ),
    defect(
        "files.expires-at/ignored",
        "files",
        "expires_after is ignored",
        "files.expires-at",
        body=ignoring("expires_after[anchor]", "expires_after[seconds]", route=CREATE),
    ),
    defect(
        "files.stays/made-again",
        "files",
        "created_at is the time at which one looks",
        "files.stays",
        result=result(lambda made: made.update(created_at=made["created_at"] + 5), ONE),
    ),
    defect(
        "files.content/trimmed",
        "files",
        "the last newline of a file is lost",
        "files.content",
        result=_content(lambda data: data.rstrip(b"\n")),
    ),
    defect(
        "files.content/latin-1",
        "files",
        "content is turned into Latin-1",
        "files.content",
        result=_content(_latin),
    ),
    defect(
        "files.delete/kept",
        "files",
        "a file that is deleted is still there",
        "*/gone/must/status",
        "kept.gone",
        "*/content-gone/must/status",
        before=answering("DELETE", "", _not_deleted),
    ),
    defect(
        "files.purpose/any",
        "files",
        "any purpose is taken",
        "files.invalid*/must/status",
        body=lambda route, body: (
            {**body, "purpose": body["purpose"] if body.get("purpose") == "batch" else "user_data"}
            if route == CREATE and "purpose" in body
            else body
        ),
    ),
    defect(
        "files.error-in-200",
        "files",
        "a file that is not there is told with 200",
        "errors.not-in-200",
        "*/must/status",
        error=_error_in_200,
    ),
    defect(
        "files.delete/object",
        "files",
        "a deleted file is a file.deleted",
        "wire.body-schema",
        result=result(lambda made: made.update(object="file.deleted"), "DELETE /files/{file_id}"),
    ),
    defect(
        "files.created-at-iso",
        "files",
        "created_at is a date in words",
        "wire.body-schema",
        result=result(lambda made: made.update(created_at="2024-10-22T15:10:45.770750+02:00"), CREATE, ONE),
    ),
    defect(
        "uploads.md5/unchecked",
        "uploads",
        "the checksum is not looked at",
        "uploads.mismatch*/must/status",
        body=ignoring("md5", route="POST /uploads/{upload_id}/complete"),
    ),
    defect(
        "uploads.bytes/unchecked",
        "uploads",
        "an upload may be completed with fewer bytes",
        "uploads.mismatch*/must/status",
        accepts=lambda route, param, body: route.endswith("/complete") and param == "part_ids",
    ),
    defect(
        "uploads.order/as-sent",
        "uploads",
        "parts are put together in the order in which they came",
        "files.content",
        before=lambda request, body: None,
        result=_content(lambda data: b"".join(sorted(data.splitlines(keepends=True), reverse=True))),
    ),
    defect(
        "uploads.status/pending",
        "uploads",
        "an upload that is complete says that it is pending",
        "uploads.lifecycle/complete/must/body",
        result=result(lambda made: made.update(status="pending"), "POST /uploads/{upload_id}/complete"),
    ),
    defect(
        "uploads.cancel/status",
        "uploads",
        "an upload that is cancelled is told as canceled",
        "wire.body-schema",
        "uploads.cancel/cancel/must/body",
        result=result(lambda made: made.update(status="canceled"), "POST /uploads/{upload_id}/cancel"),
    ),
    defect(
        "uploads.part/no-upload-id",
        "uploads",
        "a part does not say of which upload it is",
        "wire.body-schema",
        "uploads.lifecycle/*/must/body",
        result=result(lambda made: made.pop("upload_id"), "POST /uploads/{upload_id}/parts"),
    ),
    variant(
        "files-of-a-service",
        "files have members of the service's own, and no status",
        result=result(
            lambda made: [made.update(userId="u", groupId="g", projectId="p"), made.pop("status", None)], CREATE, ONE
        ),
    ),
    variant(
        "lists-without-ends",
        "lists do not name their ends",
        result=result(lambda made: [made.pop("first_id", None), made.pop("last_id", None)], *LISTS),
    ),
    variant(
        "lists-with-empty-ends",
        "an empty list has ends that are empty strings",
        result=result(lambda made: made["data"] or made.update(first_id="", last_id=""), *LISTS),
    ),
    variant(
        "file-content-as-json",
        "the content of a file comes as text",
        result=lambda route, body, made: Response(made, 200, {}, "text/plain") if route == CONTENT else made,
    ),
    variant(
        "lists-of-others",
        "a list of files has another's file in it",
        result=result_of(
            lambda body, made: (
                made["data"]
                and not made["has_more"]
                and len(made["data"]) > 3
                and made["data"].insert(1, {**_file("other"), "created_at": made["data"][0]["created_at"]})
            ),
            LIST,
        ),
    ),
    variant(
        "uploads-without-file",
        "an upload that is not complete has no member file",
        result=result(
            lambda made: made.get("file") is None and made.pop("file", None),
            "POST /uploads",
            "POST /uploads/{upload_id}/cancel",
        ),
    ),
)
