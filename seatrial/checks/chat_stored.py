"""Stored chat completions: what is kept is what was answered."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
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


def _reads(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Mapping[str, Any], str]]:
    """(made, shown, where) for each time that a completion is shown again: by itself, or in a list."""
    pairs = _pairs(exchanges, "getChatCompletion", "updateChatCompletion")
    found = [(made, view.whole_answer(again), f"exchange {again.number} body") for made, again in pairs]
    for made, page in _pages(exchanges):
        id = view.whole_answer(made)["id"]
        with contextlib.suppress(Inconclusive):  # a page of another shape is judged by its schema
            found += [(made, row, f"exchange {page.number} {at}") for at, row in view.kept(page) if row.get("id") == id]
    return found


def _pages(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(made, list) for each later page in which a completion that a case stored may stand."""
    made = [x for x in exchanges if view.is_chat(x) and x.request.get("store") is True and not x.asked_to_stream]
    lists = [x for x in exchanges if x.operation.id == "listChatCompletions" and view.is_ok(x)]
    return [(one, page) for one in made for page in lists if page.number > one.number and _has_id(one)]


def _has_id(exchange: Exchange) -> bool:
    try:
        return isinstance(view.whole_answer(exchange).get("id"), str)
    except Inconclusive:
        return False


def _is_read(exchanges: Sequence[Exchange]) -> bool:
    try:
        return bool(_reads(exchanges))
    except Inconclusive:
        return True


@relation("stored.same", level=MUST, applies=_is_read, spec=_GET)
def same(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A stored completion has the id, the model, the time, the usage and the texts with which it was answered."""

    def judge(read: tuple[Exchange, Mapping[str, Any], str]) -> Iterator[Finding]:
        made, again, where = view.whole_answer(read[0]), read[1], read[2]
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

    return view.each(_reads(exchanges), judge)


def _texts(body: Any) -> list[Any]:
    rows = body.get("choices")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise Inconclusive("choices is not a list of objects")
    return [(view.message(row).get("content"), row.get("finish_reason"), *view.called(row)) for row in rows]


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
