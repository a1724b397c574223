"""Fine-tuning jobs: what becomes of one is a function of its age, without a thread."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from seatrial.server import tokens
from seatrial.server.plant import Json

VALIDATED_S, STARTED_S, EPOCH_S = 0.2, 0.4, 0.2
"""Seconds until the files are validated, until the training starts, and for each epoch of it."""
FEWEST = 10
ENDED = ("succeeded", "failed", "cancelled")


def problem(data: bytes) -> str | None:
    """What is wrong with a training file, or None: JSON Lines of conversations, ten or more."""
    lines = [line for line in data.split(b"\n") if line.strip()]
    for number, line in enumerate(lines, 1):
        try:
            row = json.loads(line)
        except ValueError:
            return f"Invalid file format. Line {number} is not JSON."
        messages = row.get("messages") if isinstance(row, dict) else None
        if not isinstance(messages, list) or not messages:
            return f"Invalid file format. Line {number} has no key 'messages', or an empty one."
        if not all(isinstance(one, dict) and isinstance(one.get("role"), str) for one in messages):
            return f"Invalid file format. Line {number} has a message without a role."
        if messages[-1]["role"] != "assistant":
            return f"Invalid file format. Line {number} does not end with a message of the assistant."
    if len(lines) < FEWEST:
        return f"Training file has {len(lines)} example(s), but must have at least {FEWEST} examples."
    return None


@dataclass(slots=True)
class Job:
    """A fine-tuning job; times are seconds since the epoch."""

    created: float
    body: Json
    data: bytes
    seed: int
    id: str = field(default_factory=lambda: "ftjob-" + secrets.token_hex(12))
    pauses: list[list[float]] = field(default_factory=list)
    """When it was paused and, where it was, resumed."""
    cancelled: float | None = None
    deleted: bool = False
    """Whether the model that it made is there no more."""

    @property
    def settings(self) -> Json:
        """The hyperparameters as they are used."""
        method = self.body.get("method") or {}
        asked = (
            (method.get(method.get("type", "")) or {}).get("hyperparameters") or self.body.get("hyperparameters") or {}
        )
        used = {"n_epochs": 3, "batch_size": 1, "learning_rate_multiplier": 2.0}
        return used | {name: value for name, value in asked.items() if value not in ("auto", None)}

    @property
    def steps(self) -> int:
        """Steps of one epoch."""
        return math.ceil(self.data.count(b"\n") / int(self.settings["batch_size"])) or 1

    @property
    def tuned(self) -> str:
        """The name of the model that is made."""
        return ":".join(["ft", self.body["model"], "seatrial", self.body.get("suffix") or "", self.id[-8:]])

    def age(self, now: float) -> float:
        """The seconds in which work was done."""
        now = now if self.cancelled is None else min(now, self.cancelled)
        return now - self.created - sum((pause[1] if pause[1:] else now) - pause[0] for pause in self.pauses)

    def at(self, age: float) -> float:
        """When it was of that age."""
        when = self.created + age
        for pause in self.pauses:
            if pause[1:] and pause[0] < when:
                when += pause[1] - pause[0]
        return when

    def ends(self) -> float:
        """The age at which it ends, if nobody steps in."""
        wrong = problem(self.data) is not None
        return VALIDATED_S if wrong else STARTED_S + EPOCH_S * int(self.settings["n_epochs"])

    def status(self, now: float) -> str:
        """What has become of it."""
        if self.cancelled is not None:
            return "cancelled"
        age = self.age(now)
        if age >= self.ends():
            return "failed" if problem(self.data) else "succeeded"
        if self.pauses and not self.pauses[-1][1:]:
            return "paused"
        return "validating_files" if age < VALIDATED_S else "queued" if age < STARTED_S else "running"

    def shown(self, now: float) -> Json:
        """The object on the wire."""
        status, used = self.status(now), self.settings
        failed, done = status == "failed", status == "succeeded"
        why = {"code": "invalid_training_file", "message": problem(self.data), "param": "training_file"}
        method = self.body.get("method") or {"type": "supervised", "supervised": {"hyperparameters": used}}
        ended = self.cancelled if self.cancelled is not None else self.at(self.ends())
        trained = tokens.count(self.data.decode("utf-8", "replace")) * int(used["n_epochs"])
        return {
            "id": self.id,
            "object": "fine_tuning.job",
            "created_at": int(self.created),
            "model": self.body["model"],
            "organization_id": "org-seatrial",
            "training_file": self.body["training_file"],
            "validation_file": self.body.get("validation_file"),
            "status": status,
            "hyperparameters": used,
            "method": method,
            "seed": self.seed,
            "error": why if failed else None,
            "fine_tuned_model": self.tuned if done else None,
            "trained_tokens": trained if done else None,
            "finished_at": int(ended) if status in ENDED else None,
            "estimated_finish": None if status in (*ENDED, "paused") else int(self.at(self.ends())) + 1,
            "result_files": [],
            "integrations": self.body.get("integrations") or [],
            "metadata": self.body.get("metadata"),
        }

    def _told(self) -> Iterator[tuple[float, str, str, Json | None]]:
        """What would be told of it at which age: level, message, and figures."""
        yield 0.0, "info", f"Created fine-tuning job: {self.id}", None
        yield 0.0, "info", f"Validating training file: {self.body['training_file']}", None
        wrong = problem(self.data)
        if wrong:
            yield VALIDATED_S, "error", wrong, None
            return
        yield VALIDATED_S, "info", "Files validated, moving job to queued state", None
        yield STARTED_S, "info", "Fine-tuning job started", None
        for epoch in range(1, int(self.settings["n_epochs"]) + 1):
            step, age = epoch * self.steps, STARTED_S + EPOCH_S * epoch
            figures = self.figures(step)
            yield age, "info", f"Step {step}: training loss={figures['train_loss']}", figures
            yield age, "info", f"Checkpoint created at step {step}", None
        yield self.ends(), "info", f"New fine-tuned model created: {self.tuned}", None
        yield self.ends(), "info", "The job has successfully completed", None

    def figures(self, step: int) -> Json:
        """The metrics at a step: a loss that falls."""
        loss = round(2.0 * math.exp(-step / (8.0 * self.steps)), 4)
        return {"step": step, "train_loss": loss, "train_mean_token_accuracy": round(1 - loss / 2.5, 4)}

    def events(self, now: float) -> list[Json]:
        """What has been told so far, oldest first."""
        told = [(self.at(age), level, text, data) for age, level, text, data in self._told() if age <= self.age(now)]
        for pause in self.pauses:
            told += [
                (when, "info", text, None) for when, text in zip(pause, ("Job paused", "Job resumed"), strict=False)
            ]
        if self.cancelled is not None:
            told.append((self.cancelled, "info", "The job was cancelled", None))
        told.sort(key=lambda row: row[0])
        return [
            {
                "id": f"ftevent-{self.id[-12:]}-{number}",
                "object": "fine_tuning.job.event",
                "created_at": int(when),
                "level": level,
                "message": text,
                "type": "metrics" if data else "message",
                "data": data or {},
            }
            for number, (when, level, text, data) in enumerate(told)
        ]

    def checkpoints(self, now: float) -> list[Json]:
        """The models kept on the way, oldest first."""
        if problem(self.data):
            return []
        made: list[Json] = []
        for epoch in range(1, int(self.settings["n_epochs"]) + 1):
            age, step = STARTED_S + EPOCH_S * epoch, epoch * self.steps
            if age <= self.age(now):
                row: dict[str, Any] = {
                    "id": f"ftckpt-{self.id[-12:]}-{epoch}",
                    "object": "fine_tuning.job.checkpoint",
                    "created_at": int(self.at(age)),
                    "fine_tuning_job_id": self.id,
                    "fine_tuned_model_checkpoint": f"{self.tuned}:ckpt-step-{step}",
                    "metrics": self.figures(step),
                    "step_number": step,
                }
                made.append(row)
        return made
