"""Files: uploaded, read, listed and deleted in any order."""

from __future__ import annotations

from seatrial.generate.machines import GONE, Machine, Rule, Sequence, Thing, listing

_SHIPS = ("brig", "cutter", "sloop", "yawl")


def upload(sequence: Sequence, _: Thing, pick: int) -> None:
    ship = _SHIPS[pick % len(_SHIPS)]
    file = {"file": f"seatrial-{ship}.jsonl", "type": "application/jsonl", "lines": [{"ship": ship}]}
    sequence.make("file", "file_id", "createFile", "deleteFile", form={"purpose": "batch", "file": file})


def read(sequence: Sequence, file: Thing, _: int) -> None:
    sequence.ask("retrieveFile", parameters=file.ids)


def content(sequence: Sequence, file: Thing, _: int) -> None:
    sequence.ask("downloadFile", parameters=file.ids)


def delete(sequence: Sequence, file: Thing, _: int) -> None:
    sequence.ask("deleteFile", parameters=file.ids)
    file.state = "gone"


def read_gone(sequence: Sequence, file: Thing, pick: int) -> None:
    sequence.ask("retrieveFile" if pick % 2 == 0 else "downloadFile", GONE, parameters=file.ids)


MACHINE = Machine(
    "files",
    "Files are there from when they were uploaded until they are deleted, whatever becomes of others",
    "files",
    "files",
    ("openai#/components/schemas/OpenAIFile", "openai#/components/schemas/DeleteFileResponse"),
    ("files",),
    (
        Rule("upload", upload, makes="file", most=4),
        Rule("read", read, on="file"),
        Rule("content", content, on="file"),
        Rule("list", listing("listFiles", page=2, purpose="batch", order="desc")),
        Rule("delete", delete, on="file"),
        Rule("read-gone", read_gone, on="file", state="gone"),
    ),
    "upload upload upload read:0 read:1 delete:0 list read-gone:0 read:0 delete:1 read-gone:0 read-gone:1:1 read:0"
    " content:0 list",
)
