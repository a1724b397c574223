"""Fine-tuning."""

from __future__ import annotations

from typing import Any

from seatrial.model import Exchange
from tests.rows import FAIL, OPEN, OUT, PASS, Rows, exchange

ALL, ONE = "/fine_tuning/jobs", "/fine_tuning/jobs/{fine_tuning_job_id}"
ENDS = {"fine_tuned_model": "ft:m", "finished_at": 5, "trained_tokens": 5}
WHY = {"code": "invalid", "message": "no", "param": None}


def job(status: str = "running", **more: Any) -> dict[str, Any]:
    return {"id": "ftjob-1", "object": "fine_tuning.job", "status": status, "fine_tuned_model": None, **more}


def got(answer: Any, number: int = 1, status: int = 200) -> Exchange:
    return exchange("retrieveFineTuningJob", f"GET {ONE}", ALL + "/ftjob-1", answer, status=status, number=number)


def made(ask: Any = None, number: int = 1, **more: Any) -> Exchange:
    return exchange("createFineTuningJob", f"POST {ALL}", ALL, job("queued", **more), ask or {}, number=number)


def jobs(*rows: Any) -> Exchange:
    return exchange("listPaginatedFineTuningJobs", f"GET {ALL}", ALL, {"object": "list", "data": list(rows)})


def events(*times: Any) -> Exchange:
    rows = [{"id": f"e-{at}", "created_at": time} for at, time in enumerate(times)]
    answer = {"object": "list", "data": rows}
    return exchange("listFineTuningEvents", f"GET {ONE}/events", ALL + "/ftjob-1/events?limit=2", answer)


def checkpoints(*ids: str) -> Exchange:
    answer = {"object": "list", "data": [{"id": "c", "fine_tuning_job_id": id} for id in ids]}
    return exchange("listFineTuningJobCheckpoints", f"GET {ONE}/checkpoints", ALL + "/ftjob-1/checkpoints", answer)


USED = {"n_epochs": 3, "batch_size": "auto"}

ROWS: Rows = {
    "tuning.unfinished": [
        (FAIL, got(job(fine_tuned_model="ft:m"))),
        (FAIL, got(job("paused", finished_at=5))),
        (FAIL, jobs(job("succeeded", **ENDS), job("queued", trained_tokens=0))),
        (PASS, got(job(trained_tokens=None))),
        (PASS, got(job("succeeded", **ENDS))),
        (PASS, got(job("stopped", finished_at=5))),
        (PASS, jobs()),
    ],
    "tuning.finished": [
        (FAIL, got(job("succeeded", finished_at=5))),
        (FAIL, got(job("succeeded", fine_tuned_model="ft:m"))),
        (PASS, got(job("succeeded", **ENDS))),
        (PASS, got(job("cancelled"))),
    ],
    "tuning.error": [
        (FAIL, got(job("failed", error=None))),
        (FAIL, got(job("failed", error={"code": None, "message": None}))),
        (PASS, got(job("failed", error=WHY))),
        (PASS, got(job(error=None))),
    ],
    "tuning.kept": [
        (FAIL, made({"training_file": "file-1"}, training_file="file-2")),
        (FAIL, made({"seed": 0}, seed=7)),
        (FAIL, made({"metadata": {"a": "b"}}, metadata=None)),
        (FAIL, made({"hyperparameters": {"n_epochs": 4}}, hyperparameters=USED)),
        (PASS, made({"seed": 7, "metadata": None}, seed=7)),
        (PASS, made({"hyperparameters": {"n_epochs": 3, "batch_size": "auto"}}, hyperparameters={**USED, "batch_size": 1})),
        (OUT, got(job())),
    ],
    "tuning.events-order": [
        (FAIL, events(1, 3, 2)),
        (PASS, events(3, 2, 2, 1)),
        (PASS, events(1, 2)),
        (PASS, events()),
        (OPEN, events("2024-10-22T15:10:45", 2)),
    ],
    "tuning.checkpoint-job": [
        (FAIL, checkpoints("ftjob-1", "ftjob-2")),
        (PASS, checkpoints("ftjob-1")),
        (PASS, checkpoints()),
    ],
    "tuning.status-forward": [
        (FAIL, [got(job("cancelled"), 1), got(job("running"), 2)]),
        (FAIL, [got(job("running"), 1), got(job("queued"), 2)]),
        (FAIL, [got(job("succeeded", **ENDS), 1), got(job("failed", error=WHY), 2)]),
        (PASS, [made(), got(job("running"), 2), got(job("succeeded", **ENDS), 3)]),
        (PASS, [got(job("running"), 1), got(job("paused"), 2), got(job("validating_files"), 3)]),
        (PASS, [got(job("validating_files"), 1), got(job("failed", error=WHY), 2)]),
        (OUT, [made()]),
    ],
    "tuning.read-after-create": [
        (FAIL, [made(), got({"error": {}}, 2, 404)]),
        (PASS, [made(), got(job(), 2)]),
        (OUT, [got(job(), 1)]),
    ],
}  # fmt: skip
