"""Fine-tuning: /fine_tuning/jobs and what lies below."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from seatrial.server import validate as v
from seatrial.server.call import Call
from seatrial.server.families import files
from seatrial.server.paging import page
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad
from seatrial.server.tuning import Job

_ALL = "/fine_tuning/jobs"
_ONE = _ALL + "/{fine_tuning_job_id}"
_MODEL = "/models/{model}"


def _auto(rule: v.Rule) -> v.Rule:
    return lambda name, value: None if value == "auto" else rule(name, value)


def _rate(name: str, value: Any) -> None:
    v.number(0, None)(name, value)
    if value == 0:
        raise bad(name, f"Invalid '{name}': expected more than 0.", "decimal_below_min_value")


def _group(rules: dict[str, v.Rule]) -> v.Rule:
    """An object of these members, or null."""

    def rule(name: str, value: Any) -> None:
        v.object_or_null(name, value)
        for key, item in (value or {}).items():
            if key not in rules:
                raise bad(f"{name}.{key}", f"Unknown parameter: '{name}.{key}'.", "unknown_parameter")
            rules[key](f"{name}.{key}", item)

    return rule


_HYPER: dict[str, v.Rule] = {
    "n_epochs": _auto(v.number(1, 50, whole=True)),
    "batch_size": _auto(v.number(1, 256, whole=True)),
    "learning_rate_multiplier": _auto(_rate),
}
_BETA = {**_HYPER, "beta": _auto(_rate)}


def _suffix(name: str, value: Any) -> None:
    v.text(64)(name, value)
    if value == "":
        raise bad(name, f"Invalid '{name}': expected a string that is not empty.", "string_below_min_length")


def _integrations(name: str, value: Any) -> None:
    if value not in (None, []):
        raise bad(name, "No integration is offered.", "unsupported_parameter")


def _method(name: str, value: Any) -> None:
    rules = {
        "type": v.one_of("supervised", "dpo"),
        "supervised": _group({"hyperparameters": _group(_HYPER)}),
        "dpo": _group({"hyperparameters": _group(_BETA)}),
    }
    _group(rules)(name, value)
    if value is not None and value.get("type") is None:
        raise bad(f"{name}.type", f"Missing required parameter: '{name}.type'.", "missing_required_parameter")


_RULES: dict[str, v.Rule] = {
    "training_file": v.text(),
    "validation_file": v.text(),
    "hyperparameters": _group(_HYPER),
    "suffix": _suffix,
    "seed": v.number(0, 2**31 - 1, whole=True),
    "method": _method,
    "integrations": _integrations,
    "metadata": v.metadata,
}


def _jobs(call: Call) -> dict[str, Job]:
    found: dict[str, Job] = call.store("fine_tuning", dict)
    return found


def _job(call: Call) -> tuple[Job, float]:
    """The job, and the time now; a model that is done by now is served from now on."""
    id, now = call.path["fine_tuning_job_id"], time.time()
    if id not in _jobs(call):
        raise Refused(404, f"Could not find fine tune: {id}", "fine_tuning_job_id", "fine_tune_not_found")
    job = _jobs(call)[id]
    if job.status(now) == "succeeded" and not job.deleted:
        call.server.models.setdefault(job.tuned, dict(call.server.models[job.body["model"]]))
    return job, now


def create(call: Call) -> Response:
    def validate(body: Json) -> None:
        model = v.model(body, call.server.models)
        if not call.server.models[model].get("chat"):
            raise bad("model", f"Fine-tuning is not offered for '{model}'.", "model_not_available")
        v.members(body, _RULES, {"model"})
        v.required(body, "training_file")

    body, now = call.json(validate), time.time()
    data = {}
    for name in ("training_file", "validation_file"):
        if body.get(name) is not None:
            try:
                data[name] = files.content(call, body[name])[1]
            except Refused:
                raise bad(name, f"Invalid '{name}': no such file: {body[name]}.", "invalid_value") from None
    seed = body.get("seed")
    job = Job(now, body, data["training_file"], secrets.randbelow(2**31) if seed is None else int(seed))
    _jobs(call)[job.id] = job
    return call.answer(job.shown(now), body)


def listed(call: Call) -> Response:
    now, wanted = time.time(), {}
    for name, value in call.query.items():
        hit = re.fullmatch(r"metadata\[(.+)\]", name)
        if hit:
            wanted[hit.group(1)] = value
    rows = [
        job.shown(now) for job in _jobs(call).values() if wanted.items() <= (job.body.get("metadata") or {}).items()
    ]
    return call.answer(page(call.query, rows, order="desc"))


def retrieve(call: Call) -> Response:
    job, now = _job(call)
    return call.answer(job.shown(now))


def _step(call: Call, into: str, *allowed: str) -> Response:
    """Cancels, pauses or resumes. Raises Refused where the job is not in a state that allows it."""
    job, now = _job(call)
    status = job.status(now)
    if status not in allowed:
        raise Refused(400, f"The job {job.id} is {status}: it cannot be {into}.", None, "invalid_job_state")
    if into == "cancelled":
        job.cancelled = now
    elif into == "paused":
        job.pauses.append([now])
    else:
        job.pauses[-1].append(now)
    return call.answer(job.shown(now))


_GOING = ("validating_files", "queued", "running")


def cancel(call: Call) -> Response:
    return _step(call, "cancelled", *_GOING, "paused")


def pause(call: Call) -> Response:
    return _step(call, "paused", *_GOING)


def resume(call: Call) -> Response:
    return _step(call, "resumed", "paused")


def events(call: Call) -> Response:
    job, now = _job(call)
    return call.answer(page(call.query, job.events(now), order="desc"))


def checkpoints(call: Call) -> Response:
    job, now = _job(call)
    return call.answer(page(call.query, job.checkpoints(now), default=10, order="desc"))


def delete_model(call: Call) -> Response:
    id = call.path["model"]
    if id not in call.server.models:
        raise Refused(404, f"The model '{id}' does not exist.", "model", "model_not_found")
    job = next((job for job in _jobs(call).values() if job.tuned == id), None)
    if job is None:
        raise Refused(403, f"The model '{id}' is not yours to delete.", "model", "insufficient_permissions")
    del call.server.models[id]
    job.deleted = True
    return call.answer({"id": id, "object": "model", "deleted": True})


ROUTES: dict[str, dict[str, Callable[[Call], Response]]] = {
    _ALL: {"GET": listed, "POST": create},
    _ONE: {"GET": retrieve},
    _ONE + "/cancel": {"POST": cancel},
    _ONE + "/pause": {"POST": pause},
    _ONE + "/resume": {"POST": resume},
    _ONE + "/events": {"GET": events},
    _ONE + "/checkpoints": {"GET": checkpoints},
    _MODEL: {"DELETE": delete_model},
}
