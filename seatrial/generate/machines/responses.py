"""Chains of responses: stored, gone on from, read and deleted in any order."""

from __future__ import annotations

from seatrial.generate.machines import GONE, REFUSED, Machine, Rule, Sequence, Thing
from seatrial.model import MUST

_SAID = ("My ship is the Kittiwake.", "What is my ship?", "Count from one to three.", "Say hello.")


def _body(pick: int) -> dict[str, object]:
    return {"model": "$target.model", "input": _SAID[pick % 4], "max_output_tokens": 16}


def ask(sequence: Sequence, _: Thing, pick: int) -> None:
    body = {**_body(pick), "store": True}
    sequence.make("response", "response_id", "createResponse", "deleteResponse", body=body)


def go_on(sequence: Sequence, response: Thing, pick: int) -> None:
    body = {**_body(pick), "store": True, "previous_response_id": response.id}
    sequence.make("response", "response_id", "createResponse", "deleteResponse", body=body)


def read(sequence: Sequence, response: Thing, _: int) -> None:
    sequence.ask("getResponse", parameters=response.ids)


def items(sequence: Sequence, response: Thing, _: int) -> None:
    sequence.ask("listInputItems", parameters=response.ids)


def delete(sequence: Sequence, response: Thing, _: int) -> None:
    # What is answered is not in the contract, beyond that it is a success.
    sequence.ask("deleteResponse", {MUST: {"status": "2XX"}}, parameters=response.ids)
    response.state = "gone"


def read_gone(sequence: Sequence, response: Thing, _: int) -> None:
    sequence.ask("getResponse", GONE, parameters=response.ids)


def go_on_gone(sequence: Sequence, response: Thing, pick: int) -> None:
    body = {**_body(pick), "store": False, "previous_response_id": response.id}
    sequence.ask("createResponse", REFUSED, body=body)


MACHINE = Machine(
    "responses",
    "A response that is stored can be read and gone on from until it is deleted, and not after",
    "responses",
    "responses",
    (
        "openai#/components/schemas/ResponseProperties/properties/previous_response_id",
        "openai#/paths/~1responses~1{response_id}/delete",
    ),
    ("responses", "responses.stored", "responses.previous"),
    (
        Rule("ask", ask, makes="response", most=3),
        Rule("go-on", go_on, on="response", makes="response", most=4),
        Rule("read", read, on="response"),
        Rule("items", items, on="response", needs=("responses.input-items",)),
        Rule("delete", delete, on="response"),
        Rule("read-gone", read_gone, on="response", state="gone"),
        Rule("go-on-gone", go_on_gone, on="response", state="gone"),
    ),
    "ask go-on:0 go-on:1 read:0 read:1 read:2 delete:0 read-gone read:0 go-on-gone read:1",
)
