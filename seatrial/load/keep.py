"""Keeps the bytes of a sample of streams, and of every one that failed or was odd, to be judged after the run.

Every record passes here before it is added up or written, so here the key is taken out of what a server sent back.
"""

from __future__ import annotations

import base64
import random
import re
from functools import cache
from itertools import accumulate
from typing import Any

import httptools

from seatrial import sse
from seatrial.load.call import KEEP_BYTES, Call
from seatrial.load.record import Record
from seatrial.secret import Secret

_MOST = 400
_MOST_BYTES = 32 << 20
_UNJUDGED = ("unfinished", "connect.", "timeout.")
_OURS = frozenset(("scenario", "error", "odd", "tokens_from", "phase"))
"""Texts of a record that no server wrote."""

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
        """Takes the key out of the record. Keeps the call if it is one to be judged; its bytes are let go otherwise.

        An answer of which not all bytes are there, or that brought the key in pieces, is passed over.
        """
        secret = _secret(_key(call.request))
        for name, value in row.items():
            if isinstance(value, str) and name not in _OURS:
                row[name] = secret.hide(value).encode("utf-8", "replace").decode()  # half an emoji cannot be written
        error = row["error"] or ""
        wanted = bool(error and not error.startswith(_UNJUDGED)) or "odd" in row
        sampled = self._rng.random() < self._share and not error
        if body is not None and call.headers_ns and (wanted or sampled):
            full = len(self.rows) >= (_MOST if wanted else _MOST // 2) or self._bytes > _MOST_BYTES
            if full or call.received >= KEEP_BYTES or secret.blot_pieces(_events(call.raw)):
                self.passed_over += 1
            else:
                self._take(call, row, body, secret)
        call.raw, call.raw_ns = [], []

    def _take(self, call: Call, row: Record, body: dict[str, Any], secret: Secret) -> None:
        whole = secret.blot(b"".join(call.raw))
        ends = list(accumulate(map(len, call.raw), initial=0))
        kept = {
            "scenario": call.scenario,
            "sent_s": row["sent_s"],
            "error": row["error"],
            "odd": row.get("odd"),
            "request": body,
            "end_ns": call.end_ns - call.sent_ns,
            "raw": [
                [at - call.sent_ns, base64.b64encode(whole[start:end]).decode()]
                for at, start, end in zip(call.raw_ns, ends, ends[1:], strict=False)
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


def _key(request: bytes) -> str:
    """The key that the request carries."""
    found = re.search(rb"\r\nAuthorization: Bearer ([^\r]+)\r\n", request[:4096])
    return found[1].decode("latin-1") if found else ""


@cache
def _secret(key: str) -> Secret:
    return Secret(key)


class _Body:
    """The body of a kept answer, its framing taken off."""

    def __init__(self) -> None:
        self.data = bytearray()

    def on_body(self, data: bytes) -> None:
        """A piece of it."""
        self.data += data


def _events(raw: list[bytes]) -> list[str]:
    body = _Body()
    parser = httptools.HttpResponseParser(body)
    try:
        for data in raw:
            parser.feed_data(data)
    except httptools.HttpParserError:
        pass  # what came before it is there
    return [event.data for event in sse.read(bytes(body.data))]
