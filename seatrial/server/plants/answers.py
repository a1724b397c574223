"""Answers in place of the server, for plants that refuse."""

from __future__ import annotations

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json

STATUS = "*/must/status"


def posted(request: Request, body: bytes, path: str = "") -> Any:
    if request.method != "POST" or (path and not request.url.path.endswith(path)):
        return None
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def answer(status: int, body: Any, media: str = "application/json") -> Response:
    return Response(json.dumps(body) if not isinstance(body, (bytes, str)) else body, status, {}, media)


def error(status: int, message: str, param: str | None = None, code: str | None = None) -> Response:
    return answer(
        status, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    )


def answered_with(code: int, body: Any, *statuses: int, media: str = "application/json") -> Any:
    """Answers refusals of these statuses with another status and body."""

    def error(route: str, status: int, envelope: Json) -> tuple[int, Any]:
        return (code, body) if status in statuses else (status, envelope)

    return error


ERR, HTTP = "errors", "HTTP semantics"


def when(test: Any, answer: Any, path: str = "") -> Any:
    """Answers in place of the server where the parsed request passes the test."""

    def before(request: Request, body: bytes) -> Response | None:
        found = posted(request, body, path)
        return answer(found) if found is not None and test(found) else None

    return before


def counted(request: Request) -> int:
    """Which POST to this server it is, from 1."""
    state = request.app.state
    if request.method == "POST":
        state.posts = getattr(state, "posts", 0) + 1
    return int(getattr(state, "posts", 0))


def seventh(retry: bool) -> Any:
    def before(request: Request, body: bytes) -> Response | None:
        if request.method == "POST" and counted(request) % 7 == 0:
            made = error(429, "Rate limit reached.", None, "rate_limit_exceeded")
            if retry:
                made.headers["retry-after"] = "0"
            return made
        return None

    return before
