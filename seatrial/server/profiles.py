"""What the reference server may play: another service's ways, where they are not the contract's."""

from __future__ import annotations

from seatrial.server.plant import Json, Plant


def _detail(route: str, status: int, body: Json) -> tuple[int, Json]:
    """Errors as FastAPI writes them."""
    error = body.get("error")
    return status, {"detail": error["message"]} if isinstance(error, dict) else body


PROFILES: dict[str, Plant] = {
    "telekom": Plant("profile.telekom", "profile", "profile", "Errors as {'detail': ...}", error=_detail),
}
"""By name; the routes under /v2 and /queue and the models' meta_data are always there."""
