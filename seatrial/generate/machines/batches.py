"""Batches: made of a file, looked at, listed and cancelled."""

from __future__ import annotations

from typing import Any

from seatrial.generate.machines import ANSWERED, OK, Machine, Rule, Sequence, Thing, listing

_FILES = {name: {"from": f"$response.body#/{name}_file_id", "match": "^(.+)$"} for name in ("output", "error")}


def begin(sequence: Sequence, _: Thing, pick: int) -> None:
    asked = {"model": "$target.model", "messages": [{"role": "user", "content": "Say hello."}], "max_tokens": 4}
    line = {"custom_id": f"line-{pick}", "method": "POST", "url": "/v1/chat/completions", "body": asked}
    file = {"file": "seatrial.jsonl", "type": "application/jsonl", "lines": [line]}
    form = {"purpose": "batch", "file": file}
    sent = sequence.make("file", "file_id", "createFile", "deleteFile", family="files", form=form)
    body = {"input_file_id": sent.id, "endpoint": "/v1/chat/completions", "completion_window": "24h"}
    sequence.make("batch", "batch_id", "createBatch", "cancelBatch", body=body)


def read(sequence: Sequence, batch: Thing, pick: int) -> None:
    # At times after a while: what a batch was made for happens meanwhile.
    pause: dict[str, Any] = {"pause": 0.3} if pick % 4 == 3 else {}
    id = sequence.ask("retrieveBatch", OK, _FILES, parameters=batch.ids, **pause)
    for name in _FILES:
        made = {"file_id": f"$steps.{id}.outputs.{name}"}
        sequence.undo("deleteFile", f"clean-{id}-{name}", parameters=made, family="files")


def cancel(sequence: Sequence, batch: Thing, _: int) -> None:
    sequence.ask("cancelBatch", ANSWERED, parameters=batch.ids)


MACHINE = Machine(
    "batches",
    "A batch goes its way to its end, whoever looks at it and whatever becomes of others",
    "batches",
    "batches",
    ("openai-guides#batch", "openai#/components/schemas/Batch"),
    ("batches", "files"),
    (
        Rule("begin", begin, makes="batch", most=3),
        Rule("read", read, on="batch"),
        Rule("list", listing("listBatches")),
        Rule("cancel", cancel, on="batch"),
    ),
    "begin begin read:0 cancel:1 read:1 list read:0 read:1",
)
