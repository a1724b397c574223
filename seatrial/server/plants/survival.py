"""Defects of a server that a bad request harms: what is asked next gets no right answer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plants.answers import ERR, STATUS, answer, error, posted
from seatrial.server.plants.shape import defect

Answer = Response | float
_EMPTY: tuple[Any, ...] = ([], {}, "", None)


def _is_bad(request: Request, body: bytes) -> bool:
    """Whether the server will refuse it for what it says: broken JSON, or nothing to answer."""
    if request.method != "POST" or "json" not in request.headers.get("content-type", ""):
        return False
    found = posted(request, body)
    return found is None or any(found.get(name, 0) in _EMPTY for name in ("messages", "input"))


def _next(then: Callable[[], Answer], times: int | None = None) -> Callable[[Request, bytes], Answer | None]:
    """Answers so what comes after a bad request; so many times, where that is said."""

    def before(request: Request, body: bytes) -> Answer | None:
        state = request.app.state
        harmed, done = getattr(state, "harmed", False), getattr(state, "harms", 0)
        state.harmed = _is_bad(request, body)
        if not harmed or done == times:
            return None
        state.harms = done + 1
        return then()

    return before


PLANTS = (
    defect(
        "survives.refusal/hangs",
        ERR,
        "after a bad request the next one is never answered",
        "http.answered",
        STATUS,
        before=_next(lambda: 300.0, times=1),  # a server that is asked on is one that was started again
    ),
    defect(
        "survives.refusal/unloaded",
        ERR,
        "after a bad request the model is not there",
        STATUS,
        before=_next(lambda: error(404, "The model is not loaded.", "model", "model_not_found")),
    ),
    defect(
        "survives.refusal/same-again",
        ERR,
        "after a bad request the next one is refused for it",
        STATUS,
        before=_next(lambda: error(400, "'messages' is too short.", "messages")),
    ),
    defect(
        "survives.refusal/empty",
        ERR,
        "after a bad request the next answer is empty",
        "http.json-body",
        STATUS,
        "*/must/body",
        before=_next(lambda: answer(200, b"")),
    ),
)
