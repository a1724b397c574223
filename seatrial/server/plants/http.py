"""Defects of HTTP: preflights, silence, cut bodies."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.requests import Request

from seatrial.server.plant import Piece
from seatrial.server.plants.answers import HTTP, STATUS, answer, error, posted
from seatrial.server.plants.shape import defect


def _preflight(status: int, body: Any) -> Any:
    return lambda request, data: answer(status, body) if request.method == "OPTIONS" else None


def _cut(route: str, data: bytes) -> Iterator[Piece]:
    yield data[: len(data) // 2]
    raise ConnectionResetError("planted")


def _never(request: Request, body: bytes) -> float | None:
    found = posted(request, body, "/chat/completions")
    return 120.0 if found and found.get("tool_choice") == "none" else None


def _hangs_on_large(request: Request, body: bytes) -> float | None:
    return 120.0 if len(body) > 5 << 20 else None


PLANTS = (
    defect(
        "NC-HTTP-01",
        HTTP,
        "the preflight asks for a key",
        "*/should/*",
        level="SHOULD",
        source="dphnAI/sonar#434",
        before=_preflight(
            401,
            {"error": {"message": "no key", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}},
        ),
    ),
    defect(
        "NC-HTTP-03",
        HTTP,
        "OPTIONS is handled as POST",
        "*/may/*",
        "*/should/*",
        level="MAY",
        source="lmstudio-ai/lmstudio-bug-tracker#443",
        before=_preflight(200, {"error": "'messages' field is required"}),
    ),
    defect(
        "NC-HTTP-05",
        HTTP,
        "a large body hangs the server",
        "*/should/*",
        level="SHOULD",
        source="raullenchai/Rapid-MLX#710",
        before=_hangs_on_large,
    ),
    defect(
        "http.answered/cut-body",
        HTTP,
        "the connection is cut in the middle of the body",
        "http.answered",
        "*.probe/must/status",
        wire=_cut,
    ),
    defect("http.answered/silent", HTTP, "some requests are never answered", "http.answered", before=_never),
    defect(
        "http.no-server-error/unicode",
        HTTP,
        "an emoji is a 500",
        "http.no-server-error",
        STATUS,
        before=lambda request, body: error(500, "codec can't encode") if "😀".encode()[:2] in body else None,
    ),
    defect(
        "http.json-content-type/plain",
        HTTP,
        "JSON is sent as text/plain",
        "http.json-content-type",
        "*/must/headers/*",
        "*/should/headers/*",
        headers=lambda status, h: (
            h.update({"content-type": "text/plain; charset=utf-8"})
            if h.get("content-type") == "application/json"
            else None
        ),
    ),
)
