"""Defects and legal variants of fine-tuning."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seatrial.server.plant import Json
from seatrial.server.plants.shape import accepting, defect, ignoring, result, result_of, variant, without
from seatrial.server.plants.stores import BODY, SCHEMA, SHOULD, STATUS, missed_once

AREA = "fine-tuning"
ALL, ONE = "/fine_tuning/jobs", "/fine_tuning/jobs/{fine_tuning_job_id}"
MAKE, SHOW = f"POST {ALL}", f"GET {ONE}"
JOBS = (MAKE, SHOW, f"POST {ONE}/cancel", f"POST {ONE}/pause", f"POST {ONE}/resume")
DROP = "DELETE /models/{model}"
EVENTS, CHECKPOINTS = f"GET {ONE}/events", f"GET {ONE}/checkpoints"


def _when(state: str, /, **changes: Any) -> Any:
    """Changes a job in this state."""
    return lambda made: made["status"] == state and made.update(changes)


def _shuffled(made: Json) -> None:
    for at, event in enumerate(made["data"]):
        event["created_at"] += 100 * (at % 2)


def _auto(body: Json, made: Json) -> None:
    asked = body.get("hyperparameters") or {}
    made["hyperparameters"] = {name: asked.get(name, "auto") for name in made["hyperparameters"]}


def _model_kept(request: Request, body: bytes) -> Response | None:
    path = request.url.path
    if request.method != "DELETE" or "/models/" not in path:
        return None
    return JSONResponse({"id": unquote(path.partition("/models/")[2]), "object": "model", "deleted": True})


PLANTS = (
    defect("tuning.read-after-create/late", AREA, "a job that was just made is not found", "tuning.read-after-create", STATUS, before=missed_once(r"/fine_tuning/jobs/[^/]+$")),
    defect("tuning.status-forward/back", AREA, "a job that was cancelled runs on", "tuning.status-forward", BODY, result=result(_when("cancelled", status="running", finished_at=None), SHOW)),
    defect("tuning.unfinished/named", AREA, "the model is named before there is one", "tuning.unfinished", BODY, result=result(lambda m: m["fine_tuned_model"] or m.update(fine_tuned_model="ft:soon"), *JOBS)),
    defect("tuning.unfinished/zero", AREA, "trained_tokens is 0 from the start", "tuning.unfinished", result=result(lambda m: m["trained_tokens"] or m.update(trained_tokens=0), *JOBS)),
    defect("tuning.finished/nameless", AREA, "a job succeeds without a model", "tuning.finished", BODY, result=result(_when("succeeded", fine_tuned_model=None), SHOW)),
    defect("tuning.finished/endless", AREA, "a job succeeds at no time", "tuning.finished", result=result(_when("succeeded", finished_at=None), SHOW)),
    defect("tuning.error/silent", AREA, "a job fails without a word", "tuning.error", BODY, result=result(_when("failed", error=None), SHOW)),
    defect("tuning.finished/before", AREA, "a job ends before it was made", "tuning.finished", result=result(_when("succeeded", finished_at=1_600_000_000), SHOW)),
    defect("tuning.kept/metadata-shown", AREA, "a job that is read again has no metadata", "fine-tuning.pages*/shown/must/body", "kept.changed", result=result(lambda m: m.update(metadata=None), SHOW)),
    defect("tuning.kept/shown", AREA, "other hyperparameters are shown than were asked for", "fine-tuning.job*/wait/should/body", level="SHOULD", result=result(lambda m: m["hyperparameters"].update(n_epochs=9), SHOW)),
    defect("tuning.kept/epochs", AREA, "hyperparameters are ignored", "tuning.kept", STATUS, body=ignoring("hyperparameters", route=MAKE)),
    defect("tuning.kept/seed", AREA, "the seed is ignored", "tuning.kept", STATUS, body=ignoring("seed", route=MAKE)),
    defect("tuning.kept/metadata", AREA, "metadata is ignored", "tuning.kept", BODY, STATUS, body=ignoring("metadata", route=MAKE)),
    defect("tuning.events-order/shuffled", AREA, "events come in no order", "tuning.events-order", result=result(_shuffled, EVENTS), **SHOULD),
    defect("tuning.checkpoint-job/other", AREA, "checkpoints name another job", "tuning.checkpoint-job", result=result(lambda m: [row.update(fine_tuning_job_id="ftjob-other") for row in m["data"]], CHECKPOINTS)),
    defect("fine-tuning.suffix-ignored", AREA, "the suffix is ignored", BODY, STATUS, body=ignoring("suffix", route=MAKE)),
    defect("fine-tuning.file-unread", AREA, "a job trains on what is no training file", BODY, result=result(_when("failed", status="succeeded", error=None, fine_tuned_model="ft:x"), SHOW)),
    defect("fine-tuning.stopped", AREA, "a job that is cancelled is said to be stopped", SCHEMA, BODY, result=result(_when("cancelled", status="stopped"), *JOBS)),
    defect("fine-tuning.object-other", AREA, "jobs of a list are another object", SCHEMA, result=result(lambda m: [row.update(object="fine-tune") for row in m["data"]], f"GET {ALL}")),
    defect("fine-tuning.list-bare", AREA, "the list of jobs is a bare array", SCHEMA, BODY, result=lambda route, body, made: made["data"] if route == f"GET {ALL}" else made),
    defect("fine-tuning.events-nameless", AREA, "events have no id", SCHEMA, result=result(lambda m: [row.pop("id") for row in m["data"]], EVENTS)),
    defect("fine-tuning.bounds-any", AREA, "any hyperparameter is taken", STATUS, accepts=accepting("hyperparameters")),
    defect("fine-tuning.model-kept", AREA, "a model that was deleted is still there", STATUS, BODY, "kept.gone", "kept.unlisted", before=_model_kept),
    defect("fine-tuning.model-unsaid", AREA, "the deletion of a model is not confirmed", SCHEMA, "fine-tuning.model-deleted*/delete/must/body", result=result(lambda m: m.pop("deleted"), DROP)),
    variant("job-error-nulls", "jobs that are well have an error of nulls", result=result(lambda m: m["error"] or m.update(error={"code": None, "message": None, "param": None}), *JOBS)),
    variant("job-fewer-members", "jobs without optional members", result=result(without("estimated_finish", "integrations", "method"), *JOBS)),
    variant("job-auto", "hyperparameters that nobody asked for are auto", result=result_of(_auto, MAKE)),
    variant("event-data-null", "events without figures", result=result(lambda m: [row.update(data=None) for row in m["data"]], EVENTS)),
)  # fmt: skip
