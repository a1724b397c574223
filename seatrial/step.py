"""What a step says of its call and of the answer to it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from seatrial import expect, view
from seatrial.check import Inconclusive
from seatrial.model import Exchange, Step
from seatrial.reference import ABSENT, Scope, at, resolve

PLAIN: dict[str, dict[str, Any]] = {
    "createChatCompletion": {"messages": [{"role": "user", "content": "Hello"}], "max_tokens": 1},
    "createCompletion": {"prompt": "Hello", "max_tokens": 1},
    "createEmbedding": {"input": "Hello"},
}
"""The least that can be asked of what generates and embeds."""


def asked_of(step: Step, scope: Scope) -> str:
    """What a step is asked of, by its operation and the parameters of its path; empty where they are not to be had."""
    try:
        return f"{step.operation.id} {resolve(step.call.get('parameters', {}), scope)}"
    except Inconclusive:
        return ""


def called(step: Step, scope: Scope) -> dict[str, Any]:
    """The call with all that it refers to, its `merge` and `drop` done. Raises Inconclusive."""
    call = dict(resolve({key: value for key, value in step.call.items() if key != "poll"}, scope))
    for kind in ("body", "form"):
        if isinstance(call.get(kind), dict):
            whole = {**call[kind], **(call.get("merge") or {})}
            call[kind] = {name: value for name, value in whole.items() if name not in (call.get("drop") or ())}
    return call


def wanted_status(step: Step) -> Any:
    """The status that the most binding level expects; 200 where none says."""
    return next((expected["status"] for expected in step.expect.values() if "status" in expected), 200)


def names_status(expected: Any, status: int | None) -> bool:
    """Whether an expectation names this very status, not only its class."""
    return status in expected if isinstance(expected, list) else expected == status


def is_pending(exchange: Exchange, poll: Mapping[str, Any]) -> bool:
    """Whether what is polled has not come yet."""
    return exchange.status in poll.get("pending", ()) or (
        exchange.status == 200 and is_awaited(exchange, poll["until"])
    )


def is_awaited(exchange: Exchange, until: Mapping[str, Any]) -> bool:
    """Whether a polled answer is not yet what is waited for."""
    for _, found in expect.parts({"body": until}, exchange, Scope({}, {}), False):
        return isinstance(found, Inconclusive) or bool(found)
    return False


def from_response(exchange: Exchange, source: str) -> Any:
    """The value that `$response....` leads to, or ABSENT."""
    head, _, pointer = source.partition("#")
    if head == "$response.status":
        return exchange.status
    if head.startswith("$response.headers."):
        value = exchange.header(head.removeprefix("$response.headers."))
        return ABSENT if value is None else value
    try:
        return at(view.joined(exchange) if head == "$response.joined" else view.json_body(exchange), pointer)
    except Inconclusive:
        return ABSENT


def outputs(step: Step, exchange: Exchange) -> dict[str, Any]:
    """What later steps may refer to, of what the answer has."""
    found = {}
    for name, given in step.outputs.items():
        source, pattern = (given, None) if isinstance(given, str) else (given["from"], given["match"])
        value = from_response(exchange, source)
        if pattern is not None:
            hit = re.search(pattern, value, re.S) if isinstance(value, str) else None
            value = (hit.group(1) if hit.groups() else hit.group(0)) if hit else ABSENT
        if value is not ABSENT:
            found[name] = value
    return found
