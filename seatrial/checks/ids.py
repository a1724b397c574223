"""Identity: ids, and the time of creation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, Exchange, Finding

_MILLISECONDS = 100_000_000_000  # as seconds this is the year 5138


@check(
    "ids.non-empty",
    level=MUST,
    applies=view.is_generation,
    spec="openai#/components/schemas/CreateChatCompletionResponse/properties/id",
)
def non_empty(exchange: Exchange) -> Iterator[Finding]:
    """An answer, and each chunk of a stream, has an id that is not empty."""
    bodies: Sequence[Any] = view.chunks(exchange) if exchange.asked_to_stream else [view.completion(exchange)]
    for index, body in enumerate(bodies):
        # The filter chunk that some gateways send first has nothing of the answer yet.
        if body.get("id") == "" and (view.choices_of(body) or len(bodies) == 1):
            yield Finding("an id", '""', f"chunk {index}" if exchange.asked_to_stream else "/id")
            return


@relation(
    "ids.unique",
    level=MUST,
    applies=lambda xs: sum(view.is_generation(x) for x in xs) > 1,
    spec="openai#/components/schemas/CreateChatCompletionResponse/properties/id",
)
def unique(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Two requests are answered under two ids."""
    seen: dict[str, int] = {}
    for exchange in exchanges:
        if not view.is_generation(exchange):
            continue
        try:
            id = view.completion(exchange).get("id")
        except Inconclusive:
            continue
        if not isinstance(id, str) or not id:
            continue
        if id in seen:
            yield Finding("an id of its own", f"{id!r}, as exchange {seen[id]}", f"exchange {exchange.number}")
            return
        seen[id] = exchange.number
    if len(seen) < 2:
        raise Inconclusive("fewer than two ids were to be seen")


@check(
    "created.seconds",
    level=MUST,
    applies=lambda x: view.is_generation(x) or (view.is_ok(x) and x.operation.id in ("listModels", "retrieveModel")),
    spec="openai#/components/schemas/CreateChatCompletionResponse/properties/created",
)
def created_seconds(exchange: Exchange) -> Iterator[Finding]:
    """`created` is a Unix time in seconds, not in milliseconds."""
    if view.is_generation(exchange):
        bodies: Sequence[Any] = view.chunks(exchange) if exchange.asked_to_stream else [view.completion(exchange)]
    else:
        body = view.json_body(exchange)
        rows = body.get("data", [body]) if isinstance(body, dict) else []
        bodies = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    seen = False
    for body in bodies:
        created = body.get("created")
        if isinstance(created, bool) or not isinstance(created, int):
            continue
        seen = True
        if created >= _MILLISECONDS:
            yield Finding("seconds since 1970", str(created), "/created")
            return
    if not seen:
        raise Inconclusive("there is no integer `created`")
