"""What the reference server may play: another service's ways, where they are not the contract's."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from seatrial.server.plant import Json, Plant


def _detail(route: str, status: int, body: Json) -> tuple[int, Json]:
    """Errors as FastAPI writes them."""
    error = body.get("error")
    return status, {"detail": error["message"]} if isinstance(error, dict) else body


_DATED = ("/files", "/fine_tuning", "/vector_stores")


def _iso(route: str, body: Json, made: Any) -> Any:
    """Times of files, fine-tuning and vector stores as ISO 8601 text."""
    return _dated(made) if isinstance(made, dict) and any(part in route for part in _DATED) else made


def _dated(value: Any) -> Any:
    if isinstance(value, list):
        return [_dated(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: datetime.fromtimestamp(item, UTC).isoformat()
        if name.endswith("_at") and isinstance(item, int)
        else _dated(item)
        for name, item in value.items()
    }


PROFILES: dict[str, Plant] = {
    "telekom": Plant(
        "profile.telekom", "profile", "profile", "Errors as {'detail': ...}, times as text", error=_detail, result=_iso
    ),
}
"""By name; the routes under /v2 and /queue and the models' meta_data are always there."""
