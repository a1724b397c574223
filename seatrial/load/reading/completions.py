"""Legacy completions in one body."""

from __future__ import annotations

from typing import Any

from seatrial.load.address import Failure
from seatrial.load.reading import Reading


class Dialect(Reading):
    """A `text_completion`."""

    __slots__ = ()
    streams = False

    def answer(self, answer: dict[str, Any]) -> Failure | None:
        """A completion has choices with text."""
        if not answer["choices"]:
            return Failure("body.empty", "no choices")
        if self.text is not None:
            self.text[:] = [answer["choices"][0].get("text") or ""]
        return None
