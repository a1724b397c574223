"""Transcriptions in one body."""

from __future__ import annotations

from typing import Any

from seatrial.load.address import Failure
from seatrial.load.reading import Reading


class Dialect(Reading):
    """An object with `text`."""

    __slots__ = ()
    streams = False

    def answer(self, answer: dict[str, Any]) -> Failure | None:
        """There is a text; which one is the model's affair."""
        return None if isinstance(answer["text"], str) else Failure("body.garbage", "no text")
