"""Judges the expectations that a scenario states: JSON Pointer to JSON Schema, by level."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import schema, view
from seatrial.check import Inconclusive
from seatrial.model import Exchange, Finding
from seatrial.reference import ABSENT, Scope, at, resolve

LARGE = 4 << 20
"""Bytes of a request from which an answer is only hoped for: http.answered leaves it to the scenario."""

Part = tuple[str, list[Finding] | Inconclusive]


def status_matches(expected: Any, status: int) -> bool:
    """Whether a status is the expected one: 200, "4XX", or a list of these."""
    if isinstance(expected, list):
        return any(status_matches(item, status) for item in expected)
    return str(expected) in (str(status), f"{status // 100}XX")


def parts(expected: Mapping[str, Any], exchange: Exchange, scope: Scope, status_failed: bool) -> Iterator[Part]:
    """Each part of the expectations (`status`, `headers/NAME`, `body`, `stream/WHAT`) with its findings.

    Only the status is judged where the status is not the expected one: one fault, one failure.
    """
    failed = status_failed
    if "status" in expected:
        wanted = resolve(expected["status"], scope)
        if exchange.status is None:
            failed = True
            if len(exchange.request.body) >= LARGE:
                got = exchange.error.detail if exchange.error else "no answer"
                yield "status", [Finding(f"status {_words(wanted)}", got, "status line")]
            else:
                yield "status", Inconclusive("no answer came")
        elif status_failed:
            yield "status", Inconclusive("a more binding expectation of the status failed")
        elif exchange.status >= 500 and exchange.status != 501 and not status_matches(wanted, exchange.status):
            failed = True
            yield "status", Inconclusive("the server erred, which http.no-server-error judges")
        elif not status_matches(wanted, exchange.status):
            failed = True
            yield "status", [Finding(f"status {_words(wanted)}", f"status {exchange.status}", "status line")]
        else:
            yield "status", []
    for name, document in expected.get("headers", {}).items():
        yield f"headers/{name}", _guarded(failed, lambda n=name, d=document: _header(exchange, n, resolve(d, scope)))
    if "body" in expected:
        yield "body", _guarded(failed, lambda: _table(view.json_body(exchange), expected["body"], scope, ""))
    stream = expected.get("stream", {})
    if "sentinel" in stream:
        yield "stream/sentinel", _guarded(failed, lambda: _sentinel(exchange, stream["sentinel"]))
    for part in ("joined", "first", "last", "every"):
        if part in stream:
            yield f"stream/{part}", _guarded(failed, lambda p=part: _stream(exchange, p, stream[p], scope))


def _words(wanted: Any) -> str:
    return " or ".join(map(str, wanted)) if isinstance(wanted, list) else str(wanted)


def _guarded(failed: bool, judge: Any) -> list[Finding] | Inconclusive:
    if failed:
        return Inconclusive("the status was not the expected one")
    try:
        found: list[Finding] = judge()
        return found
    except Inconclusive as reason:
        return reason


def _header(exchange: Exchange, name: str, document: Any) -> list[Finding]:
    value = exchange.header(name)
    return _compare(ABSENT if value is None else value, document, f"header {name}")


def _compare(value: Any, document: Any, where: str) -> list[Finding]:
    if value is ABSENT:
        return [] if document is False else [Finding(schema.short(document), "absent", where)]
    if document is False:
        return [Finding("absent", schema.short(value), where)]
    return [
        Finding(expected, actual, where + pointer) for pointer, expected, actual in schema.breaches(value, document)
    ]


def _table(document: Any, table: Mapping[str, Any], scope: Scope, where: str) -> list[Finding]:
    findings = []
    for pointer, wanted in table.items():
        findings += _compare(at(document, pointer), resolve(wanted, scope), where + pointer)
    return findings


def _sentinel(exchange: Exchange, wanted: str) -> list[Finding]:
    if not exchange.events:
        raise Inconclusive("there is no event")
    last = exchange.events[-1].data
    return [] if last == wanted else [Finding(f"data: {wanted}", last[:80], "the last event")]


def _stream(exchange: Exchange, part: str, table: Mapping[str, Any], scope: Scope) -> list[Finding]:
    if part == "joined":
        return _table(view.joined(exchange), table, scope, "joined ")
    chunks = view.chunks(exchange)
    if not chunks:
        raise Inconclusive("there is no chunk")
    if part == "first":
        return _table(chunks[0], table, scope, "first chunk ")
    if part == "last":
        return _table(chunks[-1], table, scope, "last chunk ")
    return [finding for index, chunk in enumerate(chunks) for finding in _table(chunk, table, scope, f"chunk {index} ")]
