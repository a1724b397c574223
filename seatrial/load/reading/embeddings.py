"""Embeddings."""

from __future__ import annotations

from typing import Any

from seatrial.load.address import Failure
from seatrial.load.reading import Reading


class Dialect(Reading):
    """A list of `embedding` objects."""

    __slots__ = ()
    streams = False

    def answer(self, answer: dict[str, Any]) -> Failure | None:
        """Each row has a vector."""
        rows = answer["data"]
        return None if rows and all(row["embedding"] for row in rows) else Failure("body.empty", "no vectors")
