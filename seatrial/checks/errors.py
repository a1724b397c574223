"""Errors: the envelope that clients read, and never under a 200."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

ENVELOPE = "openai#/components/schemas/ErrorResponse"


def _refused(x: Exchange) -> bool:
    # A route that is not there may be answered by what stands in front of the API: scenarios of their own look at it.
    return (
        x.status is not None
        and x.status >= 400
        and x.request.method in ("GET", "POST")
        and not x.operation.id.startswith("http")
    )


def _json(x: Exchange) -> Any:
    try:
        return view.json_body(x)
    except Inconclusive:
        if x.error is not None:
            raise
        return None


@check("errors.envelope", level=MUST, applies=_refused, spec=ENVELOPE)
def envelope(exchange: Exchange) -> Iterator[Finding]:
    """Every 4xx and 5xx carries {"error": {...}} with a message and a type: clients read nothing else."""
    body = _json(exchange)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        got = exchange.text[:160] or "an empty body"
        yield Finding('{"error": {"message": ..., "type": ...}}', got, f"body of the {exchange.status}")
        return
    for name in ("message", "type"):
        if not isinstance(error.get(name), str):
            yield Finding("a string", repr(error.get(name, "absent")), f"/error/{name}")


@check("errors.members", level=SHOULD, applies=_refused, spec="openai#/components/schemas/Error")
def members(exchange: Exchange) -> Iterator[Finding]:
    """The error object has `param` and `code`, each a string or null."""
    body = _json(exchange)
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        raise Inconclusive("there is no error object")
    for name in ("param", "code"):
        value = error.get(name, 0)
        if name not in error:
            yield Finding("a string or null", "absent", f"/error/{name}")
        elif value is not None and not isinstance(value, str):
            yield Finding("a string or null", repr(value), f"/error/{name}")


@check(
    "errors.not-in-200",
    level=MUST,
    applies=lambda x: view.is_ok(x) and x.media != "text/event-stream" and view.has_body(x),
    spec=ENVELOPE,
)
def not_in_200(exchange: Exchange) -> Iterator[Finding]:
    """A successful status carries no error: the official clients raise nothing for a 200."""
    body = view.json_body(exchange)
    if isinstance(body, dict) and (
        body.get("error") or body.get("object") == "error" or ("detail" in body and len(body) == 1)
    ):
        yield Finding("a 4xx or 5xx status", f"{exchange.status} with {exchange.text[:120]}", "status line")
