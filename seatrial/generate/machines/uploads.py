"""Uploads in parts: added to, completed or cancelled, and at an end for good."""

from __future__ import annotations

from seatrial.generate.machines import OK, REFUSED, Machine, Rule, Sequence, Thing

_PARTS = ('{"n": 1}\n', '{"n": 2}\n')


def begin(sequence: Sequence, _: Thing, pick: int) -> None:
    body = {"filename": "seatrial.jsonl", "purpose": "batch", "bytes": 18, "mime_type": "application/jsonl"}
    made = sequence.make("upload", "upload_id", "createUpload", "cancelUpload", body=body)
    made.facts["parts"] = []


def add(sequence: Sequence, upload: Thing, pick: int) -> None:
    parts: list[str] = upload.facts["parts"]
    sent = {"data": {"file": "part", "text": _PARTS[len(parts)]}}
    id = sequence.ask("addUploadPart", OK, {"id": "$response.body#/id"}, parameters=upload.ids, form=sent)
    parts.append(f"$steps.{id}.outputs.id")


def complete(sequence: Sequence, upload: Thing, pick: int) -> None:
    parts = upload.facts["parts"] if pick % 2 == 0 else upload.facts["parts"][::-1]
    call = {"parameters": upload.ids, "body": {"part_ids": list(parts)}}
    id = sequence.ask("completeUpload", OK, {"file": "$response.body#/file/id"}, **call)
    upload.state = "ended"
    file = {"file_id": f"$steps.{id}.outputs.file"}
    sequence.things.append(Thing("file", file))
    sequence.undo("deleteFile", f"clean-{id}", parameters=file, family="files")


def cancel(sequence: Sequence, upload: Thing, _: int) -> None:
    sequence.ask("cancelUpload", parameters=upload.ids)
    upload.state = "ended"


def add_late(sequence: Sequence, upload: Thing, _: int) -> None:
    sequence.ask("addUploadPart", REFUSED, parameters=upload.ids, form={"data": {"file": "part", "text": "late"}})


def complete_late(sequence: Sequence, upload: Thing, _: int) -> None:
    body = {"part_ids": list(upload.facts["parts"])}
    sequence.ask("completeUpload", REFUSED, parameters=upload.ids, body=body)


def read(sequence: Sequence, file: Thing, pick: int) -> None:
    sequence.ask("retrieveFile" if pick % 2 == 0 else "downloadFile", family="files", parameters=file.ids)


def _is_whole(upload: Thing) -> bool:
    return len(upload.facts["parts"]) == len(_PARTS)


MACHINE = Machine(
    "uploads",
    "An upload takes parts until it is completed or cancelled, and then no more",
    "uploads",
    "uploads",
    ("openai#/components/schemas/Upload", "openai#/components/schemas/CompleteUploadRequest/properties/part_ids"),
    ("uploads", "files"),
    (
        Rule("begin", begin, makes="upload", most=3),
        Rule("add", add, on="upload", when=lambda upload: not _is_whole(upload)),
        Rule("complete", complete, on="upload", when=_is_whole),
        Rule("cancel", cancel, on="upload"),
        Rule("add-late", add_late, on="upload", state="ended"),
        Rule("complete-late", complete_late, on="upload", state="ended", when=_is_whole),
        Rule("read", read, on="file"),
    ),
    "begin begin add:0 add:1 add:0 cancel:1 complete read add-late:1 complete-late",
)
