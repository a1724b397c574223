"""Fine-tuning jobs: made, looked at, listed and cancelled."""

from __future__ import annotations

from typing import Any

from seatrial.generate.machines import ANSWERED, Machine, Rule, Sequence, Thing, listing

_LINE = '{"messages": [{"role": "user", "content": "What is 1 + 1?"}, {"role": "assistant", "content": "2"}]}\n'


def begin(sequence: Sequence, _: Thing, pick: int) -> None:
    file = {"file": "sums.jsonl", "type": "application/jsonl", "text": _LINE * 10}
    form = {"purpose": "fine-tune", "file": file}
    sent = sequence.make("file", "file_id", "createFile", "deleteFile", family="files", form=form)
    body = {"model": "$target.model", "training_file": sent.id, "hyperparameters": {"n_epochs": 1}}
    sequence.make("job", "fine_tuning_job_id", "createFineTuningJob", "cancelFineTuningJob", body=body)


def read(sequence: Sequence, job: Thing, pick: int) -> None:
    pause: dict[str, Any] = {"pause": 0.3} if pick % 4 == 3 else {}
    sequence.ask("retrieveFineTuningJob", parameters=job.ids, **pause)


def events(sequence: Sequence, job: Thing, _: int) -> None:
    sequence.ask("listFineTuningEvents", parameters=job.ids, query={"limit": 100})


def cancel(sequence: Sequence, job: Thing, _: int) -> None:
    sequence.ask("cancelFineTuningJob", ANSWERED, parameters=job.ids)


MACHINE = Machine(
    "fine-tuning",
    "A job goes its way to its end, whoever looks at it and whatever becomes of others",
    "fine-tuning",
    "fine_tuning",
    ("openai#/components/schemas/FineTuningJob",),
    ("fine-tuning.jobs", "fine-tuning", "files"),
    (
        Rule("begin", begin, makes="job", most=2),
        Rule("read", read, on="job"),
        Rule("list", listing("listPaginatedFineTuningJobs")),
        Rule("events", events, on="job"),
        Rule("cancel", cancel, on="job"),
    ),
    "begin begin read:0 cancel:1 read:1 events:1 list read:1 read:0",
)
