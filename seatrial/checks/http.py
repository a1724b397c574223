"""What holds for every answer: that it comes whole, with a right status and type, in good JSON."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

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


@check("http.allow", level=MAY, applies=lambda exchange: exchange.status == 405, spec="rfc9110#section-15.5.6")
def allow(exchange: Exchange) -> Iterator[Finding]:
    """A 405 says in Allow which methods there are, and the one that was refused is none of them: clients do not read it."""
    given = exchange.header("allow")
    if given is None:
        yield Finding("Allow", "absent", "header allow")
    elif exchange.request.method in [name.strip() for name in given.split(",")]:
        yield Finding(f"methods other than {exchange.request.method}", given[:80], "header allow")


def _lengths(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(HEAD, GET) of each address of which both were asked for, and HEAD told a length."""
    heads = [x for x in exchanges if x.request.method == "HEAD" and view.is_ok(x) and x.header("content-length")]
    gets = [x for x in exchanges if x.request.method == "GET" and view.is_ok(x) and x.header("content-length")]
    return [(head, get) for head in heads for get in gets if head.request.url == get.request.url]


@relation("http.head-length", level=SHOULD, applies=lambda xs: bool(_lengths(xs)), spec="rfc9110#section-8.6")
def head_length(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """HEAD tells no other Content-Length than GET."""
    for head, get in _lengths(exchanges):
        one, other = (exchange.header("content-length") for exchange in (head, get))
        # What a list says may change, and by a few bytes its length; compression is decided anew.
        if head.header("content-encoding") != get.header("content-encoding"):
            raise Inconclusive("one of the two is compressed, the other is not")
        if one == "0" != other:
            yield Finding(f"{other}, as GET", "0", f"exchange {head.number} header content-length")
