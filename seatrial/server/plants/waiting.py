"""What an answer that takes its time does to the others."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Iterator
from typing import Any

from starlette.requests import Request

from seatrial.server.plant import Json, Piece
from seatrial.server.plants.shape import defect, variant

_LONG = 128
"""Tokens of an answer that takes its time."""
_TAKES_S = 3.0
_FREED_S = 0.5
"""After its end, by which a busy machine ends it later than was meant."""


def _slowly(holding: list[float]) -> Any:
    """Long streams take their seconds; until when, is kept in `holding`."""

    def events(route: str, body: Json, pieces: Iterator[Piece]) -> Iterable[Piece]:
        whole = list(pieces)
        if body.get("max_tokens") != _LONG or not all(isinstance(piece, bytes) for piece in whole):
            yield from whole  # short, or slow already
            return
        holding[:] = [time.monotonic() + _TAKES_S + _FREED_S]
        for piece in whole:
            yield _TAKES_S / len(whole)
            yield piece

    return events


def _locked(holding: list[float], generations_only: bool) -> Any:
    """What comes while a long stream is on its way waits for its end."""

    def before(request: Request, body: bytes) -> float | None:
        left = holding[0] - time.monotonic() if holding else 0.0
        if generations_only and (request.method != "POST" or _is_long(body)):
            return None
        return left if left > 0 else None

    return before


def _is_long(body: bytes) -> bool:
    try:
        asked = json.loads(body)
    except ValueError:
        return False
    return isinstance(asked, dict) and asked.get("max_tokens") == _LONG


_all: list[float] = []
_slot: list[float] = []
PLANTS = (
    defect(
        "answers.not-starved/locked",
        "transport",
        "while a stream is open, everything else waits",
        "answers.not-starved",
        level="SHOULD",
        events=_slowly(_all),
        before=_locked(_all, False),
    ),
    variant(
        "one-slot",
        "long answers make other generations wait",
        events=_slowly(_slot),
        before=_locked(_slot, True),
        stage=-1,
    ),
    variant("long-winded", "long answers that take seconds", events=_slowly([]), stage=-1),
)
