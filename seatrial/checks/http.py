"""What holds for every answer: that it comes whole, with a right status and type, in good JSON."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, Exchange, Finding

_LARGE = 4 << 20


def _asked(exchange: Exchange) -> bool:
    # Whether a server still answers megabytes is a question of limits: the scenario that asks it says at what level.
    return len(exchange.request.body) < _LARGE


def _answered(exchange: Exchange) -> bool:
    return exchange.status is not None


@check("http.answered", level=MUST, applies=_asked, spec="rfc9110#section-15")
def answered(exchange: Exchange) -> Iterator[Finding]:
    """Every request is answered, wholly and in time: no reset, no cut, no protocol error, no silence."""
    if exchange.error is not None:
        yield Finding("a whole answer", f"{exchange.error.kind}: {exchange.error.detail}"[:200], "connection")
    elif exchange.status is None:
        yield Finding("an answer", "none", "connection")


def _is_server_error(exchange: Exchange) -> bool:
    status = exchange.status or 0
    return status >= 500 and status != 501 and not (status == 503 and exchange.header("retry-after") is not None)


@check("http.no-server-error", level=MUST, applies=_answered, spec="rfc9110#section-15.6")
def no_server_error(exchange: Exchange) -> Iterator[Finding]:
    """No request makes the server fail (5xx); saying 501, or 503 with Retry-After, is no failure."""
    if _is_server_error(exchange):
        body = exchange.text[:160].strip()
        yield Finding("a status below 500", f"status {exchange.status} {body}".strip(), "status line")


def _promises_json(exchange: Exchange) -> bool:
    return (
        exchange.status is not None
        and exchange.status not in (204, 205, 304)
        and exchange.operation.method not in ("HEAD", "OPTIONS", "CONNECT")
        and exchange.operation.schema_for(exchange.status, "application/json") is not None
        and not (view.is_ok(exchange) and not view.wants_json(exchange))
    )


def _is_json_media(media: str) -> bool:
    return media == "application/json" or (media.startswith("application/") and media.endswith("+json"))


@check("http.json-content-type", level=MUST, applies=_promises_json, spec="rfc9110#section-8.3")
def json_content_type(exchange: Exchange) -> Iterator[Finding]:
    """A JSON answer says so in its Content-Type."""
    view.require_whole(exchange)
    if _is_json_media(exchange.media):
        return
    if (exchange.status or 0) >= 400:
        # An error that is no JSON at all is judged as an envelope, by errors.envelope.
        view.json_body(exchange)
    yield Finding("application/json", exchange.header("content-type") or "no Content-Type", "header content-type")


def _claims_json(exchange: Exchange) -> bool:
    return (
        _is_json_media(exchange.media)
        and exchange.operation.method not in ("HEAD", "OPTIONS", "CONNECT")
        and exchange.status not in (204, 205, 304, None)
    )


@check("http.json-body", level=MUST, applies=_claims_json, spec="rfc8259#section-2")
def json_body(exchange: Exchange) -> Iterator[Finding]:
    """A body that is called JSON is one document by RFC 8259, in UTF-8, whose names mean one thing each."""
    view.require_whole(exchange)
    try:
        view.strict_json(exchange.body)
        names = view.conflicting_names(exchange.body)
    except ValueError as error:
        # An answer of 5xx is at fault already for its status.
        if _is_server_error(exchange):
            raise Inconclusive("the status is the fault") from error
        yield Finding("one JSON document", f"{error}: {exchange.text[:120]}", "body")
        return
    for name in names:
        yield Finding("a name once, or with one value", f"{name!r} twice with different values", "body")
