"""Any answer that is one body: of a queue's own routes, of a list of models."""

from __future__ import annotations

from seatrial.load.address import Failure
from seatrial.load.reading import Reading


class Dialect(Reading):
    """The body as it is; whether it is a good one is for the caller to say."""

    __slots__ = ()
    streams = False

    def whole(self, body: bytes) -> Failure | None:
        """Nothing is asked of it."""
        return None
