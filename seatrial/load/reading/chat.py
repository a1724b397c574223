"""Chat completions in one body."""

from __future__ import annotations

from typing import Any

from seatrial.load.address import Failure
from seatrial.load.reading import Reading


class Dialect(Reading):
    """A `chat.completion`."""

    __slots__ = ()
    streams = False

    def answer(self, answer: dict[str, Any]) -> Failure | None:
        """A completion has choices, and each ended for a reason."""
        choices = answer["choices"]
        if not choices:
            return Failure("body.empty", "no choices")
        if self.text is not None:
            self.text[:] = [choices[0]["message"].get("content") or ""]
        return (
            None if all(c.get("finish_reason") for c in choices) else Failure("body.unterminated", "no finish_reason")
        )
