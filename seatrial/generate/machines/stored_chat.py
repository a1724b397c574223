"""Stored chat completions: kept, changed, listed and deleted in any order."""

from __future__ import annotations

from seatrial.generate.machines import GONE, Machine, Rule, Sequence, Thing, listing

_SHIPS = ("brig", "cutter", "sloop", "yawl")


def ask(sequence: Sequence, _: Thing, pick: int) -> None:
    body = {
        "model": "$target.model",
        "messages": [{"role": "user", "content": f"Say {_SHIPS[pick % 4]}."}],
        "max_tokens": 4,
        "store": True,
        "metadata": {"seatrial": _SHIPS[pick % 4]},
    }
    sequence.make(
        "completion", "completion_id", "createChatCompletion", "deleteChatCompletion", family="chat", body=body
    )


def read(sequence: Sequence, completion: Thing, pick: int) -> None:
    sequence.ask("getChatCompletion", parameters=completion.ids)


def messages(sequence: Sequence, completion: Thing, pick: int) -> None:
    sequence.ask("getChatCompletionMessages", parameters=completion.ids)


def update(sequence: Sequence, completion: Thing, pick: int) -> None:
    body = {"metadata": {"seatrial": _SHIPS[(pick + 1) % 4]}}
    sequence.ask("updateChatCompletion", parameters=completion.ids, body=body)


def delete(sequence: Sequence, completion: Thing, _: int) -> None:
    sequence.ask("deleteChatCompletion", parameters=completion.ids)
    completion.state = "gone"


def read_gone(sequence: Sequence, completion: Thing, pick: int) -> None:
    operation = "getChatCompletion" if pick % 2 == 0 else "getChatCompletionMessages"
    sequence.ask(operation, GONE, parameters=completion.ids)


MACHINE = Machine(
    "stored-chat",
    "A stored completion is there, as it was changed last, until it is deleted",
    "stored chat completions",
    "chat",
    (
        "openai#/components/schemas/ChatCompletionList",
        "openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/store",
    ),
    ("chat.stored", "chat.store", "chat.metadata"),
    (
        Rule("list", listing("listChatCompletions", order="desc")),
        Rule("ask", ask, makes="completion", most=3),
        Rule("read", read, on="completion"),
        Rule("messages", messages, on="completion"),
        Rule("update", update, on="completion"),
        Rule("delete", delete, on="completion"),
        Rule("read-gone", read_gone, on="completion", state="gone"),
    ),
    "list ask ask read:0 read:1 update:0 update:0 read:0 list delete:0 read-gone messages:0 list delete:0 read-gone:0"
    " read-gone:1:1",
)
