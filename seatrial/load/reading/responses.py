"""Responses in one body."""

from __future__ import annotations

from typing import Any

from seatrial.load.address import Failure
from seatrial.load.reading import Reading


class Dialect(Reading):
    """A `response`."""

    __slots__ = ()
    streams = False

    def answer(self, answer: dict[str, Any]) -> Failure | None:
        """A response is completed, or incomplete at its token limit."""
        if answer["status"] not in ("completed", "incomplete"):
            return Failure("body.failed", f"status {answer['status']}")
        if self.text is not None:
            parts = [p for item in answer["output"] for p in item.get("content") or ()]
            self.text[:] = ["".join(p.get("text", "") for p in parts)]
        return None if answer["output"] else Failure("body.empty", "no output")
