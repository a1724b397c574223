"""Speech: a body of audio that may come in pieces."""

from __future__ import annotations

from collections.abc import Mapping

from seatrial.load.address import Failure
from seatrial.load.reading import ANSWER, Reading


class Dialect(Reading):
    """Audio bytes: each piece that arrives is an event, the first is the first of the answer."""

    __slots__ = ("_size",)
    streams = False
    counts = False

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Takes the status and the headers."""
        super().begin(status, headers)
        self._size = 0

    def take(self, data: bytes) -> None:
        """Counts the bytes; marks when they came."""
        if self.status >= 300 or self.media == "application/json" or self.media.startswith("text/"):
            super().take(data)
            return
        self._size += len(data)
        self.events += 1
        self.tokens(self.now, ANSWER)

    def whole(self, body: bytes) -> Failure | None:
        """There is audio."""
        if self.media == "application/json" or self.media.startswith("text/"):
            return Failure("body.garbage", f"{self.media} where audio was asked for")
        return None if self._size else Failure("body.empty", "no audio")
