"""Legacy completions, streamed."""

from __future__ import annotations

from typing import Any

from seatrial.load.reading import ANSWER, Reading


class Dialect(Reading):
    """`text_completion` events."""

    __slots__ = ()
    sentinel = True

    def chunk(self, at_ns: int, chunk: dict[str, Any]) -> None:
        """Marks the text, the terminal event and the usage."""
        self.belongs(chunk.get("id"))
        usage = chunk.get("usage")
        if usage:
            self.usage = usage
        for choice in chunk.get("choices") or ():
            if choice.get("text"):
                self.tokens(at_ns, ANSWER, choice["text"])
            if choice.get("finish_reason"):
                self.terminals += 1
                if self.terminals > 1 and choice.get("index", 0) == 0:
                    self.odd = "two terminal chunks"
