"""HTTP: the answer comes, is whole, and says truly what it is."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding


def _any(exchange: Exchange) -> bool:
    return True


@check("http.answered", level=MUST, applies=_any, spec="rfc9112#section-8")
def answered(exchange: Exchange) -> Iterator[Finding]:
    """The server answers, and the answer is whole: no reset, no silence, no broken framing, no truncation."""
    if exchange.error is not None:
        got = f"{exchange.error.kind}: {exchange.error.detail}"
        yield Finding(
            "a whole answer", got, f"after {exchange.end_ns / 1e9:.1f} s and {len(exchange.body)} bytes of body"
        )


@check("http.no-server-error", level=MUST, applies=lambda x: x.status is not None, spec="rfc9110#section-15.6.1")
def no_server_error(exchange: Exchange) -> Iterator[Finding]:
    """No request makes the server answer 5xx: what it does not like is 4xx, what it does not have 404, 405 or 501."""
    status = exchange.status or 0
    if status == 503 and exchange.header("retry-after") is not None:
        raise Inconclusive("the server asked to come back later")
    if status >= 500 and status != 501:
        yield Finding("2xx, 4xx or 501", f"{status}: {exchange.text[:120]}", "status line")


def _says_json(exchange: Exchange) -> bool:
    return exchange.status is not None and (exchange.media == "application/json" or exchange.media.endswith("+json"))


def _is_json_text(exchange: Exchange) -> bool:
    if exchange.body.lstrip()[:1] not in (b"{", b"["):
        return False
    try:
        json.loads(exchange.body)
    except (ValueError, RecursionError):
        return False
    return True


@check(
    "http.json-content-type",
    level=MUST,
    applies=lambda x: x.status is not None and x.error is None and _is_json_text(x),
    spec="rfc9110#section-8.3",
)
def json_content_type(exchange: Exchange) -> Iterator[Finding]:
    """A JSON body is sent as application/json: a client that goes by the media type reads anything else as text."""
    if not _says_json(exchange):
        yield Finding("application/json", exchange.header("content-type") or "none", "header content-type")


@check("http.json-body", level=MUST, applies=lambda x: _says_json(x) and view.has_body(x), spec="rfc8259#section-2")
def json_body(exchange: Exchange) -> Iterator[Finding]:
    """What is sent as application/json is JSON: strict numbers, UTF-8, no member twice, nothing after it."""
    if exchange.error is not None:
        raise Inconclusive("the answer is not whole")
    try:
        view.strict_json(exchange.body)
    except ValueError as error:
        yield Finding("JSON", f"{error}: {exchange.text[:80]!r}", "body")
        return
    doubled: list[str] = []

    def pairs(items: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in items]
        doubled.extend(name for name in dict.fromkeys(names) if names.count(name) > 1)

    json.loads(exchange.body, object_pairs_hook=pairs)
    for name in doubled:
        yield Finding("each member once", f"{name!r} twice", "body")


@check("headers.retry-after", level=SHOULD, applies=lambda x: x.status == 429, spec="rfc6585#section-4")
def retry_after(exchange: Exchange) -> Iterator[Finding]:
    """A 429 says when to come back: without Retry-After the official clients give up after two quick tries."""
    if exchange.header("retry-after") is None and exchange.header("retry-after-ms") is None:
        yield Finding("a Retry-After header", "none", "headers")
