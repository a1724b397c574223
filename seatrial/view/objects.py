"""Objects that a server keeps: which one a path names, what a list holds, and what became of one over a case."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import Any
from urllib.parse import unquote, urlsplit

from seatrial.check import Inconclusive
from seatrial.model import Exchange, Finding
from seatrial.view.answer import json_body
from seatrial.view.ask import is_ok


def in_path(exchange: Exchange, name: str) -> str:
    """What stands in the path for a parameter of the operation."""
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(exchange.operation.path)) + "$"
    hit = re.search(pattern, urlsplit(exchange.request.url).path)
    if hit is None or name not in hit.groupdict():
        raise Inconclusive(f"the path names no {name}")
    return unquote(hit.group(name))


def in_query(exchange: Exchange, name: str) -> str | None:
    """A parameter of the query, or None."""
    hit = re.search(rf"(?:^|&){re.escape(name)}=([^&]*)", urlsplit(exchange.request.url).query)
    return unquote(hit.group(1)) if hit else None


def kept(exchange: Exchange) -> list[tuple[str, dict[str, Any]]]:
    """The objects of an answer with their places: itself, or those of its list."""
    body = json_body(exchange)
    if not isinstance(body, dict):
        raise Inconclusive("the body is not an object")
    if "data" not in body or body.get("object") not in ("list", None):
        return [("body ", body)]
    if not isinstance(body["data"], list):
        raise Inconclusive("data is not a list")
    return [(f"body /data/{at}", row) for at, row in enumerate(body["data"]) if isinstance(row, dict)]


def history(exchanges: Sequence[Exchange], operations: Sequence[str]) -> dict[Any, list[tuple[Exchange, str]]]:
    """By the id of an object: the states in which these operations showed it, in the order of the case."""
    found: dict[Any, list[tuple[Exchange, str]]] = {}
    for exchange in exchanges:
        if exchange.operation.id not in operations or not is_ok(exchange):
            continue
        try:
            shown = kept(exchange)
        except Inconclusive:
            continue
        for _, row in shown:
            if isinstance(row.get("id"), str) and isinstance(row.get("status"), str):
                found.setdefault((row.get("vector_store_id"), row["id"]), []).append((exchange, row["status"]))
    return found


def went_back(states: Sequence[tuple[Exchange, str]], may_follow: Callable[[str, str], bool]) -> Iterator[Finding]:
    """Where a state follows one that it may not follow."""
    for (earlier, before), (later, after) in pairwise(states):
        if not may_follow(before, after):
            yield Finding(
                f"still {before}, or what may follow it",
                f"{after}, after {before} in exchange {earlier.number}",
                f"exchange {later.number} /status",
            )


def lost(
    exchanges: Sequence[Exchange], create: str, retrieve: str, parameter: str
) -> Iterator[tuple[Exchange, Exchange | None]]:
    """Each object that was made, with the first answer 404 to a request for it, if there is one."""
    for made in exchanges:
        if made.operation.id != create or not is_ok(made):
            continue
        body = json_body(made)
        id = body.get("id") if isinstance(body, dict) else None
        asked = [e for e in exchanges if e.operation.id == retrieve and e.number > made.number]
        asked = [e for e in asked if isinstance(id, str) and in_path(e, parameter) == id and e.status is not None]
        gone = [e.number for e in exchanges if e.operation.method == "DELETE" and e.number > made.number]
        asked = [e for e in asked if not gone or e.number < gone[0]]
        if asked:
            yield made, next((e for e in asked if e.status == 404), None)
