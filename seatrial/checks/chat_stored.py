"""Stored chat completions: what is kept is what was answered."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, Exchange, Finding

_GET = "openai#/paths/~1chat~1completions~1{completion_id}/get"
_MESSAGES = "openai#/paths/~1chat~1completions~1{completion_id}~1messages/get"


def _pairs(exchanges: Sequence[Exchange], *operations: str) -> list[tuple[Exchange, Exchange]]:
    """(made, asked for again) for each completion that a case stored, and each of these operations on it."""
    made = {}
    found = []
    for exchange in exchanges:
        stored = exchange.request.get("store") is True and not exchange.asked_to_stream
        if view.is_chat(exchange) and stored:
            try:
                made[str(view.whole_answer(exchange).get("id"))] = exchange
            except Inconclusive:
                continue
        elif exchange.operation.id in operations and view.is_ok(exchange):
            id = exchange.request.url.partition("/chat/completions/")[2].partition("/")[0].partition("?")[0]
            if id in made:
                found.append((made[id], exchange))
    return found


def _is_read(exchanges: Sequence[Exchange]) -> bool:
    return bool(_pairs(exchanges, "getChatCompletion", "updateChatCompletion"))


@relation("stored.same", level=MUST, applies=_is_read, spec=_GET)
def same(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A stored completion has the id, the model, the time, the usage and the texts with which it was answered."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        made, again = map(view.whole_answer, pair)
        where = f"exchange {pair[1].number} body"
        for name in ("id", "model", "created"):
            if made.get(name) != again.get(name):
                yield Finding(repr(made.get(name)), repr(again.get(name)), f"{where} /{name}")
        counted = [body.get("usage") for body in (made, again)]
        totals = [usage.get("total_tokens") if isinstance(usage, dict) else None for usage in counted]
        if None not in totals and totals[0] != totals[1]:
            yield Finding(repr(totals[0]), repr(totals[1]), f"{where} /usage/total_tokens")
        texts = [_texts(body) for body in (made, again)]
        if texts[0] != texts[1]:
            yield Finding(repr(texts[0])[:120], repr(texts[1])[:120], f"{where} /choices")

    return view.each(_pairs(exchanges, "getChatCompletion", "updateChatCompletion"), judge)


def _texts(body: Any) -> list[Any]:
    rows = body.get("choices")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Inconclusive("choices is not a list of objects")
    return [(view.message(row).get("content"), row.get("finish_reason")) for row in rows]


def _told(message: Any) -> tuple[Any, Any]:
    """Who says what. Newer models call `developer` what others call `system`: the document has one replace the other."""
    role = message.get("role")
    return "developer" if role == "system" else role, message.get("content")


def _has_messages(exchanges: Sequence[Exchange]) -> bool:
    return bool(_pairs(exchanges, "getChatCompletionMessages"))


@relation("stored.messages", level=MUST, applies=_has_messages, spec=_MESSAGES)
def messages(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The messages of a stored completion are those that it was asked with."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        made, listed = pair
        given = [_told(row) for row in made.request.get("messages", ())]
        rows = view.whole_answer(listed).get("data")
        if not isinstance(rows, list) or not rows:
            raise Inconclusive("the list has no message")
        for place, row in enumerate(rows):
            shown = _told(row) if isinstance(row, dict) else None
            if shown not in given and not (isinstance(row, dict) and row.get("content_parts")):
                yield Finding("a message of the request", repr(shown)[:120], f"exchange {listed.number} /data/{place}")

    return view.each(_pairs(exchanges, "getChatCompletionMessages"), judge)
