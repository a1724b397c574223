"""Errors: their envelope, and that they are told by the status."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_ERROR = "openai#/components/schemas/Error"
_DATE = re.compile(r"[A-Z][a-z]{2}, \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT")


def _declares_envelope(exchange: Exchange) -> bool:
    status = exchange.status or 0
    return (
        400 <= status < 600
        and exchange.operation.method not in ("HEAD", "OPTIONS")
        and exchange.operation.schema_for(status, "application/json") == "openai/error.json"
    )


def _route_may_be_missing(exchange: Exchange, body: Any) -> bool:
    # A framework's own answer to an unknown route: what is due there is no more than a SHOULD, and scenarios say it.
    status = exchange.status
    if status in (405, 501):
        return True
    if status != 404:
        return False
    return not isinstance(body, dict) or not body or body == {"detail": "Not Found"}


def _body(exchange: Exchange) -> Any:
    """The body of an error as JSON, or None where it is none and nothing but the envelope is at fault."""
    view.require_whole(exchange)
    try:
        return view.strict_json(exchange.body)
    except ValueError as error:
        if exchange.media == "application/json":
            raise Inconclusive("the body is not JSON") from error
        return None


@check("errors.envelope", level=MUST, applies=_declares_envelope, spec="openai#/components/schemas/ErrorResponse")
def envelope(exchange: Exchange) -> Iterator[Finding]:
    """An error is an object `error` with a message and a type, both strings."""
    body = _body(exchange)
    findings = list(_envelope_findings(body, exchange))
    if not findings:
        return
    status = exchange.status or 0
    if status >= 500 and (status != 501 or body is None):
        raise Inconclusive(f"status {status} may come from what stands in front of the server")
    if _route_may_be_missing(exchange, body):
        raise Inconclusive(f"status {status}: the route itself may be missing")
    yield from findings


def _envelope_findings(body: Any, exchange: Exchange) -> Iterator[Finding]:
    error = body.get("error") if isinstance(body, dict) else None
    if not isinstance(error, dict):
        actual = exchange.text[:160].strip() or "an empty body"
        yield Finding('{"error": {"message": ..., "type": ...}}', actual, "body")
        return
    for name in ("message", "type"):
        if not isinstance(error.get(name), str):
            actual = repr(error[name])[:80] if name in error else "absent"
            yield Finding("a string", actual, f"body /error/{name}")


@check("errors.members", level=SHOULD, applies=_declares_envelope, spec=_ERROR)
def members(exchange: Exchange) -> Iterator[Finding]:
    """An error has the members `param` and `code`, each a string or null."""
    body = _body(exchange)
    if list(_envelope_findings(body, exchange)):
        raise Inconclusive("there is no envelope")
    error = body["error"]
    for name in ("param", "code"):
        if name not in error:
            yield Finding("a string or null", "absent", f"body /error/{name}")
        elif error[name] is not None and not isinstance(error[name], str):
            yield Finding("a string or null", repr(error[name])[:80], f"body /error/{name}")


def _is_judged_success(exchange: Exchange) -> bool:
    named = (view.is_generation, view.is_embedding, view.is_models, view.is_response)
    if any(kind(exchange) for kind in named):
        return exchange.media != "text/event-stream"
    declared = exchange.operation.schema_for(exchange.status or 0, "application/json") is not None
    return view.is_ok(exchange) and exchange.media == "application/json" and declared


@check("errors.not-in-200", level=MUST, applies=_is_judged_success, spec="rfc9110#section-15.5")
def not_in_200(exchange: Exchange) -> Iterator[Finding]:
    """An error has a status of 4xx or 5xx, and does not come as a success."""
    if view.error_in_200(view.json_body(exchange)):
        yield Finding("a status of 4xx or 5xx", f"status {exchange.status} {exchange.text[:160]}", "status line")


def _is_429(exchange: Exchange) -> bool:
    return exchange.status == 429


@check("headers.retry-after", level=SHOULD, applies=_is_429, spec="rfc6585#section-4")
def retry_after(exchange: Exchange) -> Iterator[Finding]:
    """An answer of 429 says in Retry-After when to come again: seconds, or a date."""
    value = exchange.header("retry-after")
    if value is None:
        yield Finding("Retry-After", "no such header", "header retry-after")
    elif not re.fullmatch(r"\d+(\.\d+)?", value.strip()) and not _DATE.fullmatch(value.strip()):
        yield Finding("seconds, or a date", value[:80], "header retry-after")
