"""The list of models."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import SHOULD, Exchange, Finding


@check(
    "models.ids-unique",
    level=SHOULD,
    applies=lambda x: x.operation.id == "listModels" and view.is_ok(x),
    spec="openai#/components/schemas/Model/properties/id",
)
def ids_unique(exchange: Exchange) -> Iterator[Finding]:
    """No model is listed twice."""
    body = view.json_body(exchange)
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list):
        raise Inconclusive("there is no list")
    ids = [row.get("id") for row in rows if isinstance(row, dict)]
    for id in dict.fromkeys(i for i in ids if isinstance(i, str)):
        if ids.count(id) > 1:
            yield Finding("each id once", f"{id!r} {ids.count(id)} times", "/data")
