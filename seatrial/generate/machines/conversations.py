"""Conversations: begun, described, added to, answered in and deleted in any order."""

from __future__ import annotations

from seatrial.generate.machines import GONE, REFUSED, Machine, Rule, Sequence, Thing

_PLACES = ("harbour", "quay", "mole", "pier")


def begin(sequence: Sequence, _: Thing, pick: int) -> None:
    item = {"type": "message", "role": "user", "content": f"We are at the {_PLACES[pick % 4]}."}
    sequence.make("conversation", "conversation_id", "createConversation", "deleteConversation", body={"items": [item]})


def read(sequence: Sequence, conversation: Thing, _: int) -> None:
    sequence.ask("getConversation", parameters=conversation.ids)


def describe(sequence: Sequence, conversation: Thing, pick: int) -> None:
    body = {"metadata": {"place": _PLACES[pick % 4]}}
    sequence.ask("updateConversation", parameters=conversation.ids, body=body)


def add(sequence: Sequence, conversation: Thing, pick: int) -> None:
    body = {"items": [{"type": "message", "role": "user", "content": f"Now at the {_PLACES[pick % 4]}."}]}
    sequence.make(
        "item", "item_id", "createConversationItems", at="/data/0/id", parameters=dict(conversation.ids), body=body
    )


def items(sequence: Sequence, conversation: Thing, _: int) -> None:
    sequence.ask("listConversationItems", parameters=conversation.ids, query={"limit": 100, "order": "asc"})


def read_item(sequence: Sequence, item: Thing, _: int) -> None:
    sequence.ask("getConversationItem", parameters=item.ids)


def take_out(sequence: Sequence, item: Thing, _: int) -> None:
    sequence.ask("deleteConversationItem", parameters=item.ids)
    item.state = "gone"


def taken_out(sequence: Sequence, item: Thing, _: int) -> None:
    sequence.ask("getConversationItem", GONE, parameters=item.ids)


def answer(sequence: Sequence, conversation: Thing, _: int) -> None:
    body = {"model": "$target.model", "input": "Where are we?", "max_output_tokens": 16, "store": False}
    sequence.ask("createResponse", body={**body, "conversation": conversation.id})


def delete(sequence: Sequence, conversation: Thing, _: int) -> None:
    sequence.ask("deleteConversation", parameters=conversation.ids)
    conversation.state = "gone"
    for item in sequence.within(conversation):
        item.state = "apart"


def read_gone(sequence: Sequence, conversation: Thing, _: int) -> None:
    sequence.ask("getConversation", GONE, parameters=conversation.ids)


def answer_gone(sequence: Sequence, conversation: Thing, _: int) -> None:
    body = {"model": "$target.model", "input": "Where are we?", "max_output_tokens": 16, "store": False}
    sequence.ask("createResponse", REFUSED, body={**body, "conversation": conversation.id})


MACHINE = Machine(
    "conversations",
    "A conversation keeps what was said in it, and is there until it is deleted",
    "conversations",
    "responses",
    ("openai#/components/schemas/ConversationResource", "openai#/components/schemas/ConversationItemList"),
    ("conversations", "responses"),
    (
        Rule("begin", begin, makes="conversation", most=3),
        Rule("read", read, on="conversation"),
        Rule("describe", describe, on="conversation", needs=("conversations.metadata",)),
        Rule("add", add, on="conversation", makes="item", most=4),
        Rule("items", items, on="conversation"),
        Rule("read-item", read_item, on="item"),
        Rule("take-out", take_out, on="item"),
        Rule("taken-out", taken_out, on="item", state="gone"),
        Rule("answer", answer, on="conversation"),
        Rule("delete", delete, on="conversation"),
        Rule("read-gone", read_gone, on="conversation", state="gone"),
        Rule("answer-gone", answer_gone, on="conversation", state="gone"),
    ),
    "begin begin describe:0 describe:0 read:0 add:0 add:0 items:0 take-out:0 taken-out items:0 read-item answer:0 items:0"
    " delete:0 read-gone answer-gone read:0",
)
