"""Vectors that were made shorter than the model makes them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from seatrial import view
from seatrial.check import relation
from seatrial.model import SHOULD, Exchange, Finding


def _pairs(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(whole, short) answers to the same input."""
    answered = [exchange for exchange in exchanges if view.is_embedding(exchange)]
    return [
        (whole, short)
        for whole in answered
        for short in answered
        if whole.request.get("dimensions") is None
        and view.number(short, "dimensions") is not None
        and view.same_but(whole, short, "dimensions", "encoding_format")
    ]


@relation(
    "embeddings.short-norm",
    level=SHOULD,
    applies=lambda exchanges: bool(_pairs(exchanges)),
    spec="openai-guides#embeddings",
)
def short_norm(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Where vectors have length 1, those that dimensions makes shorter have it too: they are scaled again."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        wholes, shorts = (view.vectors(exchange) for exchange in pair)
        for number, (whole, short) in enumerate(zip(wholes, shorts, strict=False)):
            lengths = math.hypot(*whole), math.hypot(*short)
            # A length of 0 may be that of a text which has nothing in the numbers that are left.
            if abs(lengths[0] - 1) < 0.01 and lengths[1] > 0 and abs(lengths[1] - 1) > 0.02:
                where = f"exchange {pair[1].number} /data/{number}/embedding"
                yield Finding("length 1, as of the whole vector", f"{lengths[1]:.4f}", where)
                return

    return view.each(_pairs(exchanges), judge)
