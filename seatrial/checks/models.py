"""The list of models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import SHOULD, Exchange, Finding


def _lists(exchange: Exchange) -> bool:
    return exchange.operation.id == "listModels" and view.is_ok(exchange)


@check(
    "models.ids-unique",
    level=SHOULD,
    applies=_lists,
    spec="openai#/components/schemas/ListModelsResponse/properties/data",
)
def ids_unique(exchange: Exchange) -> Iterator[Finding]:
    """Each model is listed once."""
    data = view.whole_answer(exchange).get("data")
    if not isinstance(data, list):
        raise Inconclusive("data is not a list")
    ids = Counter(item["id"] for item in data if isinstance(item, dict) and isinstance(item.get("id"), str))
    if not ids:
        raise Inconclusive("no model has an id")
    for name, times in ids.items():
        if times > 1:
            yield Finding("once", f"{name!r} {times} times"[:120], "body /data/*/id")
