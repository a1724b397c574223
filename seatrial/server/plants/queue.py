"""Defects of queue routes and of the models' meta_data."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.answers import answer
from seatrial.server.plants.shape import defect, meta_data, only, result, variant

QUEUE, MODELS = "queue", "models"


def _queued(path: str, made: Any) -> Any:
    """Answers in place of a queue's route."""

    def before(request: Request, body: bytes) -> Response | None:
        return made() if request.url.path == f"/queue{path}" else None

    return before


def _accepted() -> Response:
    return answer(202, {"id": "job-1", "status": "queued"})


def _gone() -> Response:
    return answer(
        404, {"error": {"message": "Not found", "type": "invalid_request_error", "param": None, "code": None}}
    )


def _first_generation(meta: Json) -> None:
    for name in set(meta) - {"max_sequence_length", "hidden_size", "max_output_length"}:
        del meta[name]


def _second_generation(meta: Json) -> None:
    if meta.pop("model_lifecycle_stage", None):  # else it is of an older one
        meta["end_of_life_date"] = None


def _sized(meta: Json) -> None:
    if meta["hidden_size"]:
        meta["hidden_size"] += 1


def _on(route: str, change: Callable[[Json], Any]) -> Any:
    """Changes the plain answer of one route of a job queue."""

    def hook(path: str, body: Json, made: Any) -> Any:
        if path == route and isinstance(made, dict):
            made = dict(made)
            change(made)
        return made

    return hook


def _location(status: int, headers: dict[str, str]) -> None:
    if status == 202:
        headers.pop("location", None)


def _reqid(status: int, headers: dict[str, str]) -> None:
    if status == 202:
        headers.pop("nvcf-reqid", None)


def _forgetful() -> Callable[[str, Json, Any], Any]:
    """A result is there once; who asks again is told that it is empty."""
    seen: set[str] = set()

    def once(path: str, body: Json, made: Any) -> Any:
        if path == "GET /async/chat/completions/{job}" and "result" in made:
            if made["id"] in seen:
                return {**made, "result": None}
            seen.add(made["id"])
        return made

    return once


def _other(path: str, body: Json, made: Any) -> Any:
    """Results of another job."""
    return {**made, "id": "p1-of-another"} if path == "GET /async/chat/completions/{job}" else made


def _unread(request: Request, body: bytes) -> Response | None:
    """A job that nobody submitted is pending for ever."""
    if request.url.path.endswith("/async/chat/completions/seatrial-no-such-job"):
        return answer(202, {"id": "seatrial-no-such-job", "status": "pending"})
    return None


def _keyless(request: Request, body: bytes) -> None:
    """Forgets the idempotency key of each request."""
    kept = [(name, value) for name, value in request.scope["headers"] if name != b"idempotency-key"]
    request.scope["headers"][:] = kept


SHOULD = {"level": "SHOULD"}
PLANTS = (
    defect("queue.accepted-only", QUEUE, "The queue answers 202 with an id that nothing can be asked of", "queue.chat/queued/must/status", before=_queued("/chat/completions", _accepted)),
    defect("queue.embeddings-gone", QUEUE, "The queue has no embeddings, though it is declared", "queue.embeddings/queued/must/status", before=_queued("/embeddings", _gone)),
    defect("queue.models-gone", QUEUE, "The queue lists no models", "queue.models/list/must/status", before=_queued("/models", _gone)),
    defect("queue.p1-id-absent", QUEUE, "A job is accepted without its id", "queue.p1/submit/must/body", "queue.p1-retry/again/must/body", result=_on("POST /async/chat/completions", lambda made: made.pop("id"))),
    defect("queue.p1-other-job", QUEUE, "A job's path has the result of another", "queue.p1/wait/must/body", result=_other),
    defect("queue.p1-result-once", QUEUE, "A result is gone once it was read", "queue.p1/again/must/body", result=_forgetful()),
    defect("queue.p1-unknown-pending", QUEUE, "A job that nobody submitted is pending", "queue.p1-unknown/ask/must/status", before=_unread),
    defect("queue.p1-key-ignored", QUEUE, "A submission sent again with its key is executed again", "queue.p1-retry/again/must/body", before=_keyless),
    defect("queue.p2-failed", QUEUE, "A job's status is FAILED though it has a result", "queue.p2/wait/must/body", result=_on("GET /queue/requests/{job}/status", lambda made: made.update(status="FAILED"))),
    defect("queue.p2-urls-absent", QUEUE, "A job does not say where its result will be", "queue.p2/submit/must/body", result=_on("POST /queue/submit", lambda made: made.pop("response_url"))),
    defect("queue.p3-id-absent", QUEUE, "A job's header has no id", "queue.job-named", headers=_reqid),
    defect("queue.p4-location-absent", QUEUE, "What is accepted has no Location", "queue.job-named", headers=_location),
    defect("meta-data.members-absent", MODELS, "meta_data without its display_name", "models.meta-data", result=meta_data(lambda meta: meta.pop("display_name")), **SHOULD),
    defect("meta-data.size-negative", MODELS, "Unknown lengths are -1, not 0", "models.meta-data", result=meta_data(lambda meta: meta.update(max_output_length=-1)), **SHOULD),
    defect("meta-data.hidden-size", MODELS, "hidden_size is not the length of the vectors", "models.hidden-size", result=meta_data(_sized), **SHOULD),
    defect("meta-data.modalities", MODELS, "input_modalities leave images out, which are taken", "models.modalities", result=meta_data(lambda meta: meta.update(input_modalities=["text"])), **SHOULD),
    variant("queue-urls-relative", "a queue's URLs are paths", result=_on("POST /queue/submit", lambda made: made.update({name: "/v1" + made[name].split("/v1", 1)[1] for name in ("status_url", "response_url", "cancel_url")}))),
    variant("queue-more-members", "a job tells more of itself", result=_on("POST /async/chat/completions", lambda made: made.update(eta=5, position=1, retries=0))),
    variant("meta-data-first", "meta_data of three members", result=meta_data(_first_generation)),
    variant("meta-data-second", "meta_data with end_of_life_date null", result=meta_data(_second_generation)),
    variant("meta-data-null", "meta_data null", result=result(lambda made: [m.update(meta_data=None) for m in made.get("data", [made]) if "meta_data" in m], "/models", "/models/{model}")),
    variant("modalities-null", "modalities null", result=meta_data(lambda meta: only(meta, input_modalities=None, output_modalities=None))),
)  # fmt: skip
