"""Vector stores: made, changed, filled, searched and deleted, and the files that they hold."""

from __future__ import annotations

from seatrial.generate.machines import GONE, OK, Machine, Rule, Sequence, Thing, listing

_NAMES = ("harbour", "quay", "mole", "pier")
_TEXTS = (
    "The lighthouse keeper feeds seven geese every morning.",
    "Granite is an igneous rock of quartz and feldspar.",
    "The night train to the coast is late again.",
)


def create(sequence: Sequence, _: Thing, pick: int) -> None:
    body = {"name": f"seatrial {_NAMES[pick % 4]}"}
    sequence.make("store", "vector_store_id", "createVectorStore", "deleteVectorStore", body=body)


def read(sequence: Sequence, store: Thing, _: int) -> None:
    sequence.ask("getVectorStore", parameters=store.ids)


def modify(sequence: Sequence, store: Thing, pick: int) -> None:
    sequence.ask("modifyVectorStore", parameters=store.ids, body={"name": f"seatrial {_NAMES[(pick + 1) % 4]}"})


def describe(sequence: Sequence, store: Thing, pick: int) -> None:
    sequence.ask("modifyVectorStore", parameters=store.ids, body={"metadata": {"place": _NAMES[pick % 4]}})


def attach(sequence: Sequence, store: Thing, pick: int) -> None:
    file = {"file": f"seatrial-{pick % 3}.txt", "type": "text/plain", "text": _TEXTS[pick % 3]}
    form = {"purpose": "assistants", "file": file}
    sent = sequence.make("file", "file_id", "createFile", "deleteFile", family="files", form=form)
    sequence.ask("createVectorStoreFile", parameters=store.ids, body={"file_id": sent.id})
    member = Thing("member", {**store.ids, "file_id": sent.id})
    member.facts["text"] = _TEXTS[pick % 3]
    sequence.things.append(member)


def wait(sequence: Sequence, member: Thing, _: int) -> None:
    poll = {"until": {"/status": {"enum": ["completed", "failed", "cancelled"]}}, "every": 0.2, "within": 60}
    sequence.ask("getVectorStoreFile", parameters=member.ids, poll=poll)


def members(sequence: Sequence, store: Thing, _: int) -> None:
    sequence.ask("listVectorStoreFiles", parameters=store.ids, query={"limit": 100})


def search(sequence: Sequence, store: Thing, pick: int) -> None:
    sequence.ask("searchVectorStore", parameters=store.ids, body={"query": _TEXTS[pick % 3]})


def take_out(sequence: Sequence, member: Thing, _: int) -> None:
    sequence.ask("deleteVectorStoreFile", parameters=member.ids)
    member.state = "gone"


def taken_out(sequence: Sequence, member: Thing, _: int) -> None:
    sequence.ask("getVectorStoreFile", GONE, parameters=member.ids)


def file(sequence: Sequence, sent: Thing, _: int) -> None:
    sequence.ask("retrieveFile", OK, family="files", parameters=sent.ids)


def delete(sequence: Sequence, store: Thing, _: int) -> None:
    sequence.ask("deleteVectorStore", parameters=store.ids)
    store.state = "gone"
    for member in sequence.within(store):
        member.state = "gone"


def read_gone(sequence: Sequence, store: Thing, pick: int) -> None:
    if pick % 2 == 0:
        sequence.ask("getVectorStore", GONE, parameters=store.ids)
    else:
        sequence.ask("searchVectorStore", GONE, parameters=store.ids, body={"query": _TEXTS[0]})


MACHINE = Machine(
    "vector-stores",
    "A vector store holds what was put into it until it is taken out, and is there until it is deleted",
    "vector stores",
    "vector_stores",
    (
        "openai#/components/schemas/VectorStoreObject",
        "openai#/paths/~1vector_stores~1{vector_store_id}~1files~1{file_id}/delete",
    ),
    ("vector-stores", "files"),
    (
        Rule("create", create, makes="store", most=3),
        Rule("read", read, on="store"),
        Rule("modify", modify, on="store"),
        Rule("describe", describe, on="store", needs=("vector-stores.metadata",)),
        Rule("list", listing("listVectorStores", order="desc")),
        Rule("attach", attach, on="store", makes="member", most=3),
        Rule("wait", wait, on="member"),
        Rule("members", members, on="store"),
        Rule("search", search, on="store"),
        Rule("take-out", take_out, on="member"),
        Rule("taken-out", taken_out, on="member", state="gone"),
        Rule("file", file, on="file"),
        Rule("delete", delete, on="store"),
        Rule("read-gone", read_gone, on="store", state="gone"),
    ),
    "create create attach:0 wait modify:1 modify:1 read:1 list search:0 members:0 take-out search:0 taken-out members:0"
    " file read:0 delete:0 read-gone read-gone:0:1 file read:0 list",
)
