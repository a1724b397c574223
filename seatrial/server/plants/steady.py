"""Defects of what an object is told to be when it is made, and shown as later; and legal variants near by."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.answers import answer
from seatrial.server.plants.batches import BATCHES
from seatrial.server.plants.responses_shape import put, whole
from seatrial.server.plants.shape import defect, only, result, rows, variant

AREA = "kept objects"
UPLOAD, DONE = "POST /uploads", "POST /uploads/{upload_id}/complete"
PART = "POST /uploads/{upload_id}/parts"
JOB = "/fine_tuning/jobs/{fine_tuning_job_id}"
JUDGE, PAINT = "POST /moderations", "POST /images/generations"
STORED = "GET /chat/completions"
CONTENT = "GET /files/{file_id}/content"
_Change = Callable[[Json], Any]


def _set(**values: Any) -> _Change:
    return lambda made: only(made, **values)


def _later(seconds: int, *names: str) -> _Change:
    """These times, where there are any, so much later."""
    return lambda made: made.update({name: made[name] + seconds for name in names if made.get(name)})


def _ahead(made: Json) -> None:
    """All times, as a clock tells them that is five minutes ahead."""
    for row in made.get("data", [made]):
        _later(300, *(name for name in row if name.endswith("_at")))(row)


def _zoned(made: Json) -> None:
    for row in made.get("data", [made]):
        _later(2 * 3600, "created_at", "completed_at")(row)


def _one_id() -> _Change:
    """Each has the id of the first."""
    first: list[str] = []

    def change(made: Json) -> None:
        first.append(made["id"])
        made["id"] = first[0]

    return change


def _in_files(pattern: bytes, put_in: bytes) -> Callable[[str, Json, Any], Any]:
    """Changes the bytes of files."""
    return lambda route, body, made: (
        re.sub(pattern, put_in, made) if route == CONTENT and isinstance(made, bytes) else made
    )


def _renamed_texts(made: Json) -> None:
    for choice in made["choices"]:
        choice["message"]["content"] = ""


def _open_to_all(*ends: str) -> Callable[[Request, bytes], Response | None]:
    """Whoever has no key is shown what is kept under a path with one of these ends."""

    def before(request: Request, body: bytes) -> Response | None:
        if "authorization" in request.headers or not request.url.path.endswith(ends):
            return None
        page: Json = {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
        return answer(200, page)

    return before


def _bare_head(length: str | None) -> Callable[[Request, bytes], Response | None]:
    """HEAD is answered with that Content-Length, or with none."""

    def before(request: Request, body: bytes) -> Response | None:
        if request.method != "HEAD":
            return None
        made = Response(b"", 200, {"content-type": "application/json"})
        if length is None:
            del made.headers["content-length"]
        return made

    return before


def _allow(change: Callable[[dict[str, str]], Any]) -> Callable[[int, dict[str, str]], None]:
    def headers(status: int, table: dict[str, str]) -> None:
        if status == 405:
            change(table)

    return headers


def _scores(change: Callable[[Json], Json]) -> Callable[[str, Json, Any], Any]:
    def each(made: Json) -> None:
        for row in made["results"]:
            row["category_scores"] = change(row["category_scores"])

    return result(each, JUDGE)


def _by_users(made: Json) -> None:
    for row in made.get("data", [made]):
        only(row, role="user")


def _by_developers(made: Json) -> None:
    for row in made["data"]:
        if row.get("role") == "system":
            row["role"] = "developer"


def _as_function(call: Json) -> None:
    custom = call.pop("custom")
    call.update(type="function", function={"name": custom["name"], "arguments": custom["input"]})


def _emptied(call: Json) -> None:
    call["custom"]["input"] = ""


def _custom(change: _Change) -> Callable[[str, Json, Any], Any]:
    """Changes each call of a custom tool."""

    def each(made: Json) -> None:
        for choice in made["choices"]:
            for call in choice["message"].get("tool_calls") or ():
                if "custom" in call:
                    change(call)

    return result(each, "/chat/completions")


def _first_content() -> Callable[[str, Json, Any], Any]:
    first: list[Any] = []

    def hook(route: str, body: Json, made: Any) -> Any:
        if route != f"{_STORE}/files/{{file_id}}/content":
            return made
        first.append(made)
        return first[0]

    return hook


def _one_metadata() -> Callable[[str, Json, Any], Any]:
    """A change of one completion's metadata is one of all."""
    told: list[Json] = []

    def hook(route: str, body: Json, made: Any) -> Any:
        if route == "POST /chat/completions/{completion_id}":
            told.append(made["metadata"])
        return {**made, "metadata": told[-1]} if told and route == "GET /chat/completions/{completion_id}" else made

    return hook


SHOULD = {"level": "SHOULD"}
_ITEMS = "GET /conversations/{conversation_id}/items"
_STORE = "GET /vector_stores/{vector_store_id}"

PLANTS = (
    defect("kept.as-asked/upload", AREA, "an upload is of another purpose than was asked for", "kept.as-asked", "files.as-sent", "uploads.*", result=result(_set(purpose="user_data"), UPLOAD)),
    defect("kept.as-asked/validation-file", AREA, "a job says that it has no validation file", "kept.as-asked", result=result(_set(validation_file=None), "POST /fine_tuning/jobs", f"GET {JOB}")),
    defect("kept.steady/upload", AREA, "an upload that is complete was made a minute later", "kept.steady", result=result(_later(60, "created_at"), DONE)),
    defect("kept.steady/listed", AREA, "a list of batches names another input file", "kept.steady", result=result(rows(_set(input_file_id="file-other")), "GET /batches")),
    defect("kept.ids-unique/parts", AREA, "the parts of an upload have one id", "kept.ids-unique", "uploads.*", "files.content", "http.*", result=result(_one_id(), PART)),
    defect("kept.ids-unique/moderations", AREA, "every moderation has the same id", "kept.ids-unique", result=result(_set(id="modr-1"), JUDGE)),
    defect("created.not-ahead/zone", AREA, "times are those of another time zone", "created.not-ahead", result=result(_zoned, *BATCHES, "GET /batches"), **SHOULD),
    defect("created.not-ahead/behind", AREA, "an upload was made two hours ago", "created.not-ahead", result=result(_later(-2 * 3600, "created_at"), UPLOAD, DONE, "POST /uploads/{upload_id}/cancel"), **SHOULD),
    defect("files.upload-expires-soon/year", AREA, "an upload expires a year late", "files.upload-expires-soon", result=result(_later(365 * 86_400, "expires_at"), UPLOAD), **SHOULD),
    defect("responses.gives-back/background", AREA, "a response in the background says that it is not", "responses.gives-back", **whole(put("background", False)), **SHOULD),
    defect("stored.same/listed-model", AREA, "a list of stored completions names another model", "stored.same", result=result(rows(_set(model="another")), STORED)),
    defect("stored.same/listed-text", AREA, "a list of stored completions has no texts", "stored.same", result=result(rows(_renamed_texts), STORED)),
    defect("batches.times/two-ends", AREA, "a batch that is completed has expired too", "batches.times", result=result(lambda made: made["status"] == "completed" and made.update(expired_at=made["completed_at"]), *BATCHES), **SHOULD),
    defect("batches.line-ids/line", AREA, "all lines of an output file have one id", "batches.line-ids", result=_in_files(rb"batch_req_\w+", b"batch_req_1"), **SHOULD),
    defect("batches.line-ids/answer", AREA, "all answers in an output file have one id", "batches.line-ids", result=_in_files(rb"chatcmpl-\w+", b"chatcmpl-1"), **SHOULD),
    defect("batches.each-once/lower-case", AREA, "custom_ids lose their capitals", "batches.each-once", result=lambda route, body, made: re.sub(rb'"custom_id": "[^"]*"', lambda hit: hit[0].lower(), made) if route == CONTENT and isinstance(made, bytes) else made),
    defect("auth.accepts/files", "auth", "files and batches are listed to everybody", "auth.key-missing.files/*", "auth.key-missing.batches/*", before=_open_to_all("/files", "/batches")),
    defect("auth.accepts/responses", "auth", "whoever has no key is answered as if a list had been asked for", "auth.key-missing.responses/*", before=_open_to_all("/responses")),
    defect("files.content-type/page", "files", "the content of a file is called a page", "files.content-type", result=lambda route, body, made: Response(made, 200, {}, "text/html") if route == CONTENT and isinstance(made, bytes) else made, **SHOULD),
    defect("vector-stores.content-first", "vector stores", "the content of every file is that of the first", "vector-stores.*/must/body", result=_first_content()),
    defect("batches.output-purpose", "batches", "an output file says that it is of purpose batch", "batches.others*", result=result(lambda made: made["filename"].endswith("_output.jsonl") and made.update(purpose="batch"), "GET /files/{file_id}"), **SHOULD),
    defect("http.allow/absent", "HTTP semantics", "a 405 says nothing of methods", "http.allow", headers=_allow(lambda table: table.pop("allow", None)), level="MAY"),
    defect("http.allow/all", "HTTP semantics", "a 405 allows what it refuses", "http.allow", headers=_allow(lambda table: table.update(allow="GET, POST, PUT, OPTIONS")), level="MAY"),
    defect("http.head-length/zero", "HTTP semantics", "HEAD tells a length of 0", "http.head-length", before=_bare_head("0"), **SHOULD),
    defect("items.role/listed", AREA, "all items of a list are the user's", "items.role", "conversations.items/*", result=result(_by_users, _ITEMS, "GET /responses/{response_id}/input_items")),
    defect("items.role/one", AREA, "an item that is read is the assistant's", "items.role", result=result(_set(role="assistant"), _ITEMS + "/{item_id}")),
    defect("kept.changed/expiry", AREA, "a store that is read again does not expire", "kept.changed", "vector-stores.*", result=result(_set(expires_after=None, expires_at=None), _STORE)),
    defect("kept.changed/all", AREA, "a change of one stored completion changes all", "chat-stored.*/must/body", result=_one_metadata()),
    defect("stored.same/calls", AREA, "a stored completion has lost its calls", "stored.same", result=result(lambda made: [choice["message"].pop("tool_calls", None) for choice in made["choices"]], "GET /chat/completions/{completion_id}")),
    defect("responses.keeps-request/limit", AREA, "a response that is read again has no limit", "responses.keeps-request", result=result(_set(max_output_tokens=None), "GET /responses/{response_id}"), **SHOULD),
    defect("audio.translated-to/source", "audio", "a translation names the language it was made from", "audio.translated-to", result=result(_set(language="german"), "POST /audio/translations"), **SHOULD),
    defect("tuning.checkpoint-step/metrics", "fine-tuning", "the metrics of a checkpoint are of another step", "tuning.checkpoint-step", result=result(rows(lambda row: row["metrics"].update(step=row["step_number"] + 5)), f"GET {JOB}/checkpoints"), **SHOULD),
    defect("moderations.scores/turned", "moderations", "scores say how harmless a text is", "moderations.scores", result=_scores(lambda table: {name: round(1 - score, 6) for name, score in table.items() if score is not None}), **SHOULD),
    defect("moderations.list-in-order/copies", "moderations", "the first result of a list stands for all", "moderations.list-in-order", result=result(lambda made: made.update(results=made["results"][:1] * len(made["results"])), JUDGE), **SHOULD),
    defect("tools.custom/function", "tools", "a call of a custom tool is one of a function", "tools.custom*", "tools.*", "wire.*", result=_custom(_as_function)),
    defect("tools.custom/empty", "tools", "a custom tool is called with nothing", "tools.custom*", result=_custom(_emptied)),
    variant("head-without-length", "HEAD tells no length", before=_bare_head(None)),
    variant("scores-all-low", "what is flagged has a score below a half", result=_scores(lambda table: {name: score / 4 if isinstance(score, float) else score for name, score in table.items()})),
    variant("steps-without-metrics", "a checkpoint's metrics name no step", result=result(rows(lambda row: row["metrics"].pop("step", None)), f"GET {JOB}/checkpoints")),
    variant("items-of-developers", "the system's items are the developer's", result=result(_by_developers, _ITEMS)),
    variant("uploads-of-a-day", "an upload lives for a day", result=result(_later(23 * 3600, "expires_at"), UPLOAD, DONE, "POST /uploads/{upload_id}/cancel")),
    variant("times-cut", "times are a second apart from view to view", result=result(_later(1, "created_at"), DONE, "POST /uploads/{upload_id}/cancel")),
    variant("times-five-minutes-ahead", "a clock that is five minutes ahead", result=result(_ahead, *BATCHES, "GET /batches")),
    variant("batch-lines-cached", "what is asked twice is answered once", result=_in_files(rb'"request_id": "\w+"', b'"request_id": null')),
)  # fmt: skip
