"""Defects of queue routes and of the models' meta_data."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.answers import answer
from seatrial.server.plants.shape import defect, result, variant

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


def _meta(change: Any) -> Any:
    def each(made: Json) -> None:
        for model in made.get("data", [made]):
            if "meta_data" in model:
                change(model["meta_data"])

    return result(each, "/models", "/models/{model}")


def _first_generation(meta: Json) -> None:
    for name in set(meta) - {"max_sequence_length", "hidden_size", "max_output_length"}:
        del meta[name]


def _second_generation(meta: Json) -> None:
    del meta["model_lifecycle_stage"]
    meta["end_of_life_date"] = None


def _sized(meta: Json) -> None:
    if meta["hidden_size"]:
        meta["hidden_size"] += 1


SHOULD = {"level": "SHOULD"}
PLANTS = (
    defect("queue.accepted-only", QUEUE, "The queue answers 202 with an id that nothing can be asked of", "queue.chat/queued/must/status", before=_queued("/chat/completions", _accepted)),
    defect("queue.embeddings-gone", QUEUE, "The queue has no embeddings, though it is declared", "queue.embeddings/queued/must/status", before=_queued("/embeddings", _gone)),
    defect("queue.models-gone", QUEUE, "The queue lists no models", "queue.models/list/must/status", before=_queued("/models", _gone)),
    defect("meta-data.members-absent", MODELS, "meta_data without its display_name", "models.meta-data", result=_meta(lambda meta: meta.pop("display_name")), **SHOULD),
    defect("meta-data.size-negative", MODELS, "Unknown lengths are -1, not 0", "models.meta-data", result=_meta(lambda meta: meta.update(max_output_length=-1)), **SHOULD),
    defect("meta-data.hidden-size", MODELS, "hidden_size is not the length of the vectors", "models.hidden-size", result=_meta(_sized), **SHOULD),
    defect("meta-data.modalities", MODELS, "input_modalities leave images out, which are taken", "models.modalities", result=_meta(lambda meta: meta.update(input_modalities=["text"])), **SHOULD),
    variant("meta-data-first", "meta_data of three members", result=_meta(_first_generation)),
    variant("meta-data-second", "meta_data with end_of_life_date null", result=_meta(_second_generation)),
    variant("meta-data-null", "meta_data null", result=result(lambda made: [m.update(meta_data=None) for m in made.get("data", [made]) if "meta_data" in m], "/models", "/models/{model}")),
    variant("modalities-null", "modalities null", result=_meta(lambda meta: meta.update(input_modalities=None, output_modalities=None))),
)  # fmt: skip
