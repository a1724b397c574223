"""Fine-tuning."""

from __future__ import annotations

from typing import Any

from openai import pagination
from openai.types import ModelDeleted
from openai.types.fine_tuning import FineTuningJob, FineTuningJobEvent, job_create_params
from openai.types.fine_tuning.jobs import FineTuningJobCheckpoint

from tests.wire import DROP

TYPES = {
    "fine-tuning-job.json": FineTuningJob,
    "fine-tuning-job-list.json": pagination.SyncCursorPage[FineTuningJob],
    "fine-tuning-event-list.json": pagination.SyncCursorPage[FineTuningJobEvent],
    "fine-tuning-checkpoint-list.json": pagination.SyncCursorPage[FineTuningJobCheckpoint],
    "fine-tuning-job-request.json": job_create_params.JobCreateParams,
    "model-deleted.json": ModelDeleted,
}

USED = {"n_epochs": 3, "batch_size": "auto", "learning_rate_multiplier": 1.5}
JOB: dict[str, Any] = {
    "id": "ftjob-1", "object": "fine_tuning.job", "created_at": 1, "model": "m", "organization_id": "org-1",
    "result_files": ["file-2"], "seed": 7, "status": "succeeded", "training_file": "file-1", "validation_file": None,
    "hyperparameters": USED, "fine_tuned_model": "ft:m:x", "finished_at": 2, "trained_tokens": 5, "error": None,
    "integrations": [], "method": {"type": "supervised", "supervised": {"hyperparameters": dict(USED)}}, "metadata": None,
    "estimated_finish": None,
}  # fmt: skip
PAGE = {"object": "list", "has_more": False}
EVENT: dict[str, Any] = {
    "id": "ftevent-1", "object": "fine_tuning.job.event", "created_at": 1, "level": "info", "message": "a",
    "type": "metrics", "data": {"step": 1},
}  # fmt: skip
CHECKPOINT: dict[str, Any] = {
    "id": "ftckpt-1", "object": "fine_tuning.job.checkpoint", "created_at": 1, "fine_tuned_model_checkpoint": "ft:m:1",
    "fine_tuning_job_id": "ftjob-1", "step_number": 4, "metrics": {"step": 4, "train_loss": 0.5},
}  # fmt: skip
GRADER = {"type": "string_check", "name": "n", "input": "a", "reference": "b", "operation": "eq"}

GOOD: dict[str, dict[str, Any]] = {
    "model-deleted.json": {"plain": {"id": "ft:m:x", "object": "model", "deleted": True}},
    "fine-tuning-job.json": {
        "plain": JOB,
        "paused": {**JOB, "status": "paused", "fine_tuned_model": None, "finished_at": None, "trained_tokens": None},
        "failed": {**JOB, "status": "failed", "error": {"code": "invalid", "message": "no", "param": None}},
    },
    "fine-tuning-job-list.json": {"plain": {**PAGE, "data": [JOB]}},
    "fine-tuning-event-list.json": {"plain": {**PAGE, "data": [EVENT, {**EVENT, "type": "message", "data": None}]}},
    "fine-tuning-checkpoint-list.json": {"plain": {**PAGE, "data": [CHECKPOINT], "first_id": "ftckpt-1"}},
    "fine-tuning-job-request.json": {
        "plain": {
            "model": "m", "training_file": "file-1", "validation_file": None, "hyperparameters": USED, "suffix": "a",
            "seed": 0, "metadata": {"a": "b"}, "method": {"type": "reinforcement", "reinforcement": {"grader": GRADER}},
            "integrations": [{"type": "wandb", "wandb": {"project": "p", "tags": ["t"]}}],
        }
    },
}  # fmt: skip

BAD: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("model-deleted.json", "plain"): [("/deleted", "true"), ("/object", DROP), ("/id", None)],
    ("fine-tuning-job.json", "plain"): [
        ("/object", "fine-tune.job"), ("/status", "stopped"), ("/created_at", "2024-10-22T15:10:45"),
        ("/training_file", DROP), ("/seed", None), ("/result_files", None), ("/hyperparameters", DROP),
        ("/trained_tokens", -1), ("/method/type", "ppo"), ("/hyperparameters/n_epochs", "many"),
    ],
    ("fine-tuning-job.json", "failed"): [("/error", "no"), ("/error/message", {})],
    ("fine-tuning-job-list.json", "plain"): [("/has_more", DROP), ("/data/0/object", "fine-tune")],
    ("fine-tuning-event-list.json", "plain"): [
        ("/data/0/id", DROP), ("/data/0/type", "start"), ("/data/0/level", "debug"), ("/data/1/message", None),
    ],
    ("fine-tuning-checkpoint-list.json", "plain"): [
        ("/data/0/step_number", "4"), ("/data/0/metrics", DROP), ("/data/0/metrics/train_loss", "0.5"),
        ("/data/0/fine_tuning_job_id", DROP),
    ],
    ("fine-tuning-job-request.json", "plain"): [
        ("/model", DROP), ("/training_file", None), ("/suffix", ""), ("/suffix", "s" * 65), ("/seed", -1),
        ("/hyperparameters/n_epochs", 0), ("/hyperparameters/batch_size", 257),
        ("/hyperparameters/learning_rate_multiplier", 0), ("/metadata/a", 1),
        ("/integrations/0/wandb/project", DROP), ("/method/reinforcement/grader/operation", "like it"),
    ],
}  # fmt: skip
