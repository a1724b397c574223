"""Keeps the bytes of a sample of streams, and of every one that failed or was odd, to be judged after the run."""

from __future__ import annotations

import base64
import random
from typing import Any

from seatrial.load.call import Call
from seatrial.load.record import Record

_MOST = 400
_MOST_BYTES = 32 << 20
_UNJUDGED = ("unfinished", "connect.", "timeout.")

Kept = dict[str, Any]


class Keep:
    """The kept answers: at most 400 and 32 MiB, failures and odd ones before the sample."""

    def __init__(self, share: float, seed: int) -> None:
        self.rows: list[Kept] = []
        self.passed_over = 0
        self._share = share
        self._rng = random.Random(seed)  # noqa: S311
        self._bytes = 0
        self._new: list[Kept] = []

    def offer(self, call: Call, row: Record, body: dict[str, Any] | None) -> None:
        """Keeps the call if it is one to be judged; its bytes are let go otherwise."""
        error = row["error"] or ""
        wanted = bool(error and not error.startswith(_UNJUDGED)) or "odd" in row
        sampled = self._rng.random() < self._share and not error
        if body is not None and call.headers_ns and (wanted or sampled):
            if len(self.rows) >= (_MOST if wanted else _MOST // 2) or self._bytes > _MOST_BYTES:
                self.passed_over += 1
            else:
                self._take(call, row, body)
        call.raw, call.raw_ns = [], []

    def _take(self, call: Call, row: Record, body: dict[str, Any]) -> None:
        kept = {
            "scenario": call.scenario,
            "sent_s": row["sent_s"],
            "error": row["error"],
            "odd": row.get("odd"),
            "request": body,
            "end_ns": call.end_ns - call.sent_ns,
            "raw": [
                [at - call.sent_ns, base64.b64encode(data).decode()]
                for at, data in zip(call.raw_ns, call.raw, strict=True)
            ],
        }
        self._bytes += call.received
        self.rows.append(kept)
        self._new.append(kept)

    def told(self) -> list[Kept]:
        """What was kept since the last call: for the master."""
        new, self._new = self._new, []
        return new

    def heard(self, rows: list[Kept]) -> None:
        """Takes what a worker kept."""
        room = max(0, _MOST - len(self.rows))
        self.rows += rows[:room]
        self.passed_over += max(0, len(rows) - room)
