"""Lists that are read by cursor: recognised by their query and shape, whatever the operation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from seatrial.check import Inconclusive
from seatrial.model import Exchange
from seatrial.view.answer import json_body
from seatrial.view.ask import is_ok

CURSORS = ("limit", "after", "before", "order")


def query(exchange: Exchange) -> dict[str, str]:
    """The parameters of the query; of one given twice, the last."""
    return dict(parse_qsl(urlsplit(exchange.request.url).query, keep_blank_values=True))


def is_cursor_list(exchange: Exchange) -> bool:
    """A GET that was answered by a list with `has_more`, or that asked for a page of a list and got one.

    Pages that are read by another mark (`next_page`) and lists that have no pages are none.
    """
    if exchange.request.method != "GET" or not is_ok(exchange) or exchange.media == "text/event-stream":
        return False
    try:
        body = json_body(exchange)
    except Inconclusive:
        return False
    if not isinstance(body, dict) or not isinstance(body.get("data"), list) or "next_page" in body:
        return False
    return "has_more" in body or bool({"limit", "after", "before"} & query(exchange).keys())


def items(exchange: Exchange) -> list[Mapping[str, Any]]:
    """The items of a list; Inconclusive where one has no id, which the schema owns."""
    body = json_body(exchange)
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and isinstance(row.get("id"), str) for row in rows):
        raise Inconclusive("not every item of the list has an id")
    return rows


def ids(exchange: Exchange) -> list[str]:
    """The ids of a list's items, in their order."""
    return [str(row["id"]) for row in items(exchange)]


def has_more(exchange: Exchange) -> bool:
    """Whether a list says that there is more of it; Inconclusive where it does not say, which the schema owns."""
    said = json_body(exchange).get("has_more")
    if not isinstance(said, bool):
        raise Inconclusive("has_more is no boolean")
    return said


def next_after(exchange: Exchange) -> str | None:
    """The cursor of the next page, by which clients go on: the id of the last item. None where the list ends."""
    try:
        if not is_cursor_list(exchange) or not has_more(exchange):
            return None
        found = ids(exchange)
    except Inconclusive:
        return None
    return found[-1] if found else None


@dataclass(frozen=True, slots=True)
class Walk:
    """Pages of one list that follow one another from its beginning; `ended` says that the last has no more."""

    path: str
    filters: tuple[tuple[str, str], ...]
    order: str | None
    pages: tuple[Exchange, ...]
    ended: bool

    @property
    def ids(self) -> list[str]:
        """The ids of all items, in their order."""
        return [id for page in self.pages for id in ids(page)]


def _same_list(exchange: Exchange) -> tuple[str, tuple[tuple[str, str], ...], str | None]:
    asked = query(exchange)
    filters = tuple(sorted((name, value) for name, value in asked.items() if name not in CURSORS))
    return urlsplit(exchange.request.url).path, filters, asked.get("order")


def walks(exchanges: Sequence[Exchange]) -> list[Walk]:
    """The walks through lists that a case made: each begins with a page without a cursor."""
    pages = [exchange for exchange in exchanges if is_cursor_list(exchange)]
    found = []
    for place, first in enumerate(pages):
        asked = query(first)
        if "after" in asked or "before" in asked:
            continue
        whole = [first]
        for page in pages[place + 1 :]:
            after = query(page).get("after")
            if after is not None and after == next_after(whole[-1]) and _same_list(page) == _same_list(first):
                whole.append(page)
        try:
            ended = not has_more(whole[-1])
        except Inconclusive:
            ended = False
        found.append(Walk(*_same_list(first), tuple(whole), ended))
    return found
