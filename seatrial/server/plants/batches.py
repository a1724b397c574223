"""Defects of batches and of stored chat completions."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seatrial.server.plant import Json
from seatrial.server.plants.files import answering, asking, without_query
from seatrial.server.plants.shape import defect, ignoring, result, result_of, variant

CREATE, ONE, CANCEL = "POST /batches", "GET /batches/{batch_id}", "POST /batches/{batch_id}/cancel"
BATCHES = (CREATE, ONE, CANCEL)
CONTENT = "GET /files/{file_id}/content"
GET, UPDATE = "GET /chat/completions/{completion_id}", "POST /chat/completions/{completion_id}"
MESSAGES = GET + "/messages"


def output_lines(change: Callable[[list[Json]], Any], end: bytes = b"\n") -> Any:
    """Changes the lines of a batch's file, and what is after the last; other files are as they are."""

    def hook(route: str, body: Json, made: Any) -> Any:
        if route != CONTENT or b'"batch_req_' not in made:
            return made
        rows = [json.loads(line) for line in made.splitlines()]
        changed = change(rows)
        lines = [json.dumps(row).encode() for row in (rows if changed is None else changed)]
        return b"\n".join(lines) + (end if lines else b"")

    return hook


def _answers(change: Callable[[Json], Any]) -> Any:
    return output_lines(lambda rows: [change(row["response"]["body"]) for row in rows] and None)


def _succeeded(change: Callable[[Json], Any]) -> Any:
    """Changes the bodies of the lines that succeeded."""

    def each(rows: list[Json]) -> None:
        for row in rows:
            if row["response"]["status_code"] < 400:
                change(row["response"]["body"])

    return output_lines(each)


def _completed(change: Callable[[Json], Any]) -> Any:
    return result(lambda made: made["status"] == "completed" and change(made), *BATCHES)


def _expired(route: str, body: Json, made: Any, when: int | None = 1) -> Any:
    """A completed batch of three is one that expired when two were done."""
    if route not in BATCHES or made["request_counts"]["total"] != 3:
        return made
    if made["status"] != "completed":
        counts = made["request_counts"]
        return {**made, "request_counts": {**counts, "completed": min(counts["completed"], 1)}}
    at = when and made["completed_at"]
    counts = {"total": 3, "completed": 1, "failed": 2}
    return {**made, "status": "expired", "expired_at": at, "completed_at": None, "request_counts": counts}


def _expired_rows(route: str, body: Json, made: Any, twice: bool = False) -> Any:
    def change(rows: list[Json]) -> list[Json]:
        if len(rows) == 2:
            return rows if twice else rows[:1]
        error = {"code": "batch_expired", "message": "This request could not be executed in time."}
        late = {"id": "batch_req_late", "custom_id": "Third/Ü", "response": None, "error": error}
        return [*rows, late] if rows[0]["custom_id"] == "second" else rows

    return output_lines(change)(route, body, made)


def _going_back(made: Json) -> None:
    if made["status"] == "cancelling":
        made["status"] = "in_progress"


def _bare_bodies(rows: list[Json]) -> None:
    for row in rows:
        row["response"] = row["response"]["body"]


def _broken(route: str, body: Json, made: Any) -> Any:
    return made + b'{"id": "batch_req_' if route == CONTENT and b'"batch_req_' in made else made


def _all_in_one(made: Json) -> None:
    made["request_counts"] = {"total": 0, "completed": 0, "failed": 0}


def _wrong_counts(made: Json) -> None:
    counts = made["request_counts"]
    counts["completed"], counts["failed"] = counts["total"], 0


def _one_more(made: Json) -> None:
    made["request_counts"]["total"] += 1
    made["request_counts"]["completed"] += 1


def _not_found(request: Request) -> Response:
    error = {"message": "Not found.", "type": "invalid_request_error", "param": None, "code": None}
    return JSONResponse({"error": error}, 404)


PLANTS = (
    defect(
        "NC-BAT-01",
        "batches",
        "the counts of a completed batch are all zero",
        "batches.counts-match",
        "batches.many/wait/must/body",
        source="BerriAI/litellm#38744",
        result=_completed(_all_in_one),
    ),
    defect(
        "batches.counts-match/no-failure",
        "batches",
        "a request that failed is counted as completed",
        "batches.counts-match",
        result=_completed(_wrong_counts),
    ),
    defect(
        "batches.counts-match/one-more",
        "batches",
        "a batch counts one request more than its file has",
        "batches.counts-match",
        "batches.many/wait/must/body",
        result=_completed(_one_more),
    ),
    defect(
        "batches.counts/more-than-all",
        "batches",
        "a completed batch has not done all of its requests",
        "batches.counts",
        "batches.many/wait/must/body",
        result=_completed(lambda made: made["request_counts"].update(completed=0, failed=0)),
    ),
    defect(
        "batches.status-forward/back",
        "batches",
        "a batch that is being cancelled is in progress again",
        "batches.status-forward",
        result=result(_going_back, ONE),
    ),
    defect(
        "batches.same/other-file",
        "batches",
        "a batch forgets its metadata",
        "batches.same",
        "kept.changed",
        result=result(lambda made: made.update(metadata=None), ONE),
    ),
    defect(
        "batches.times/none",
        "batches",
        "a completed batch does not say when",
        "batches.times",
        level="SHOULD",
        result=_completed(lambda made: made.update(completed_at=None)),
    ),
    defect(
        "batches.expires-at/at-once",
        "batches",
        "a batch expires when it is made",
        "batches.expires-at",
        level="SHOULD",
        result=result(lambda made: made.update(expires_at=made["created_at"]), *BATCHES),
    ),
    defect(
        "batches.errors/none",
        "batches",
        "a batch that failed does not say why",
        "batches.errors",
        "batches.bad-line/wait/should/body",
        level="SHOULD",
        result=result(lambda made: made["status"] == "failed" and made.update(errors=None), *BATCHES),
    ),
    defect(
        "batches.bad-line/completed",
        "batches",
        "a batch with a line that is not JSON is completed all the same",
        "batches.bad-line/wait/must/body",
        "batches.invalid-lines*/should/body",
        result=result(
            lambda made: (
                made["status"] == "failed"
                and made.update(status="completed", errors=None, completed_at=made["failed_at"], failed_at=None)
            ),
            *BATCHES,
        ),
    ),
    defect(
        "batches.lines/bare-body",
        "batches",
        "the response of a line is the body alone",
        "batches.lines",
        "batches.right-file",
        "batches.counts-match",
        result=output_lines(_bare_bodies),
    ),
    defect(
        "batches.lines/cut-off",
        "batches",
        "the last line of an output file is cut off",
        "batches.lines",
        result=_broken,
    ),
    defect(
        "batches.each-once/lost",
        "batches",
        "a file lacks its last line",
        "batches.each-once",
        "batches.counts-match",
        result=output_lines(lambda rows: rows[:-1]),
    ),
    defect(
        "batches.each-once/twice",
        "batches",
        "a request is answered twice",
        "batches.each-once",
        "batches.counts-match",
        result=output_lines(lambda rows: [*rows, rows[0]]),
    ),
    defect(
        "batches.each-once/renamed",
        "batches",
        "custom_ids are cut at the first character beyond ASCII",
        "batches.each-once",
        result=output_lines(
            lambda rows: (
                [row.update(custom_id=row["custom_id"].encode("ascii", "ignore").decode()) for row in rows] and None
            )
        ),
    ),
    defect(
        "batches.line-bodies/no-choices",
        "batches",
        "the answers in an output file have no choices",
        "batches.line-bodies",
        result=_succeeded(lambda body: body.pop("choices", None)),
    ),
    defect(
        "batches.line-bodies/error-text",
        "batches",
        "an error in an error file is a text",
        "batches.line-bodies",
        result=_answers(lambda body: "error" in body and body["error"] and body.update(error="not found")),
    ),
    defect(
        "batches.right-file/one-file",
        "batches",
        "what failed is told as a success with an error inside",
        "batches.right-file",
        "batches.counts-match",
        "batches.line-bodies",
        level="SHOULD",
        result=output_lines(lambda rows: [row["response"].update(status_code=200) for row in rows] and None),
    ),
    defect(
        "batches.cancel/goes-on",
        "batches",
        "a batch that is cancelled says that it is in progress",
        "batches.cancel/cancel/must/body",
        result=result(lambda made: made.update(status="in_progress"), CANCEL),
    ),
    defect(
        "batches.endpoint/any",
        "batches",
        "a batch of an unknown endpoint is told with 200",
        "batches.invalid*/must/status",
        error=lambda route, status, body: (
            (200, {"object": "list", "data": []}) if route == CREATE and status == 400 else (status, body)
        ),
    ),
    defect(
        "stored.same/other-text",
        "stored chat",
        "a stored completion is cut off",
        "stored.same",
        result=result(lambda made: made["choices"][0]["message"].update(content="…"), GET),
    ),
    defect(
        "stored.same/other-id",
        "stored chat",
        "a stored completion has an id of its own",
        "stored.same",
        "chat-stored.*/must/body",
        result=result(lambda made: made.update(id="cmpl-store-" + made["id"]), GET, UPDATE),
    ),
    defect(
        "stored.messages/other",
        "stored chat",
        "the messages of a stored completion are all the user's",
        "stored.messages",
        result=result(lambda made: [row.update(role="user") for row in made["data"]], MESSAGES),
    ),
    defect(
        "stored.metadata/merged",
        "stored chat",
        "an update of the metadata does nothing",
        "chat-stored.*/must/body",
        body=lambda route, body: {**body, "metadata": {"seatrial": "brig"}} if route == UPDATE else body,
    ),
    defect(
        "stored.store/always",
        "stored chat",
        "every completion is stored",
        "chat-stored.not-asked/get/must/status",
        body=lambda route, body: {**body, "store": True} if route == "/chat/completions" else body,
    ),
    defect(
        "stored.filter/ignored",
        "stored chat",
        "a list by metadata has everything",
        "chat-stored.filters/*/must/body",
        before=asking(without_query("metadata[seatrial]"), "/chat/completions"),
    ),
    defect(
        "stored.store/ignored",
        "stored chat",
        "store is ignored, though there is a store",
        "chat-stored.*/must/status",
        "chat-stored.filters/whole/must/body",
        body=ignoring("store", route="/chat/completions"),
    ),
    variant(
        "batches-without-optional",
        "a batch leaves out what is null",
        result=result_of(
            lambda body, made: [made.pop(name) for name in [n for n, v in made.items() if v is None]], *BATCHES
        ),
    ),
    variant(
        "batches-at-once",
        "a batch is never seen to be validated or finalized",
        result=result(
            lambda made: made["status"] in ("validating", "finalizing") and made.update(status="in_progress"), *BATCHES
        ),
    ),
    variant(
        "batches-expired",
        "a batch expires before its last request was done",
        result=lambda route, body, made: _expired_rows(route, body, _expired(route, body, made)),
    ),
    defect(
        "batches.times/expired",
        "batches",
        "a batch that expired does not say when",
        "batches.times",
        level="SHOULD",
        result=lambda route, body, made: _expired(route, body, made, None),
    ),
    defect(
        "batches.each-once/expired-twice",
        "batches",
        "a batch that expired has a request both done and not done",
        "batches.each-once",
        result=lambda route, body, made: _expired_rows(route, body, _expired(route, body, made), True),
    ),
    variant(
        "batches-in-another-order",
        "the lines of a batch's files are in another order",
        result=output_lines(lambda rows: rows[::-1]),
    ),
    variant(
        "batches-with-blank-lines",
        "a batch's file ends with an empty line",
        result=lambda route, body, made: made + b"\n" if route == CONTENT and b'"batch_req_' in made else made,
    ),
    variant(
        "stored-without-metadata-of-others",
        "a stored completion has members of the store's own",
        result=result(lambda made: made.update(input_user=None, request_id="req_1", tool_choice=None), GET, UPDATE),
    ),
    variant(
        "stored-not-offered",
        "chat completions are not listed",
        before=answering("GET", "/chat/completions", _not_found),
    ),
)
