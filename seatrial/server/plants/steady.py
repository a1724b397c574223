"""Defects of what an object is told to be when it is made, and shown as later; and legal variants near by."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.batches import BATCHES
from seatrial.server.plants.responses_shape import put, whole
from seatrial.server.plants.shape import defect, only, result, result_of, rows, variant

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


def _graded(body: Json, made: Json) -> None:
    if body.get("quality"):
        made["quality"] = "high"


def _renamed_texts(made: Json) -> None:
    for choice in made["choices"]:
        choice["message"]["content"] = ""


SHOULD = {"level": "SHOULD"}

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
    defect("images.reported/quality", AREA, "the quality of a picture is said to be high whatever was asked for", "images.reported", result=result_of(_graded, PAINT), **SHOULD),
    defect("responses.gives-back/background", AREA, "a response in the background says that it is not", "responses.gives-back", **whole(put("background", False)), **SHOULD),
    defect("stored.same/listed-model", AREA, "a list of stored completions names another model", "stored.same", result=result(rows(_set(model="another")), STORED)),
    defect("stored.same/listed-text", AREA, "a list of stored completions has no texts", "stored.same", result=result(rows(_renamed_texts), STORED)),
    defect("batches.times/two-ends", AREA, "a batch that is completed has expired too", "batches.times", result=result(lambda made: made["status"] == "completed" and made.update(expired_at=made["completed_at"]), *BATCHES), **SHOULD),
    defect("batches.line-ids/line", AREA, "all lines of an output file have one id", "batches.line-ids", result=_in_files(rb"batch_req_\w+", b"batch_req_1"), **SHOULD),
    defect("batches.line-ids/answer", AREA, "all answers in an output file have one id", "batches.line-ids", result=_in_files(rb"chatcmpl-\w+", b"chatcmpl-1"), **SHOULD),
    defect("batches.each-once/lower-case", AREA, "custom_ids lose their capitals", "batches.each-once", result=lambda route, body, made: re.sub(rb'"custom_id": "[^"]*"', lambda hit: hit[0].lower(), made) if route == CONTENT and isinstance(made, bytes) else made),
    variant("uploads-of-a-day", "an upload lives for a day", result=result(_later(23 * 3600, "expires_at"), UPLOAD, DONE, "POST /uploads/{upload_id}/cancel")),
    variant("times-cut", "times are a second apart from view to view", result=result(_later(1, "created_at"), DONE, "GET /batches/{batch_id}", f"GET {JOB}")),
    variant("times-five-minutes-ahead", "a clock that is five minutes ahead", result=result(_later(300, "created_at", "in_progress_at", "finalizing_at", "completed_at"), *BATCHES)),
    variant("batch-lines-cached", "what is asked twice is answered once", result=_in_files(rb'"request_id": "\w+"', b'"request_id": null')),
)  # fmt: skip
