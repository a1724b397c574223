"""Tells a legal refusal (the backend does not offer this) from a failure."""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Sequence
from typing import Any

from seatrial.capability import capabilities, declared
from seatrial.model import Exchange
from seatrial.profile import Target

ASKED = frozenset(("model", "input", "prompt", "messages", "file"))
"""What a request is about; words of capabilities that are about some forms of it."""


_CORE = {
    "/chat/completions": {"max_tokens": "chat.max-tokens", "temperature": "chat.temperature"},
    "/completions": {"temperature": "completions.temperature"},
}
_FORMS = {
    "/completions": ("prompt", "completions.batch-prompts", "completions.token-prompts"),
    "/embeddings": ("input", "embeddings.batch", "embeddings.token-input"),
}
_OTHER_WORK = re.compile(r"not support (the )?(chat )?(completions|embeddings) api|not a chat model", re.I)
"""How servers say that a model of theirs is for other work."""


def error_of(exchange: Exchange) -> tuple[str, str]:
    """`param` and message of the answer's error, empty where there is none; also of `{"detail": ...}` bodies."""
    try:
        body: Any = json.loads(exchange.body)
    except (ValueError, RecursionError):
        return "", ""
    if not isinstance(body, dict):
        return "", ""
    error = body.get("error", body.get("detail", body.get("message", "")))
    if isinstance(error, dict):
        return str(error.get("param") or ""), str(error.get("message") or "")
    return "", error if isinstance(error, str) else json.dumps(error)


def _core(exchange: Exchange) -> dict[str, str]:
    # The paths of the official client's requests begin with those of the base URL.
    return next((table for path, table in _CORE.items() if exchange.operation.path.endswith(path)), {})


def turned_down(exchange: Exchange) -> str | None:
    """What of the core a 400 or 422 names in `param` and says it does not support; None where there is none."""
    core = _core(exchange)
    if exchange.status not in (400, 422):
        return None
    param, message = error_of(exchange)
    said = message.lower() + exchange.body.decode("utf-8", "replace").lower()
    named = param in core and exchange.request.get(param) is not None
    return param if named and ("unsupported" in said or "not support" in said) else None


def _forms(exchange: Exchange) -> list[str]:
    """The capabilities of the forms in which the request gives its texts."""
    for path, (name, batch, tokens) in _FORMS.items():
        given = exchange.request.get(name)
        if exchange.operation.path.endswith(path) and isinstance(given, list):
            numbers = any(not isinstance(item, str) for item in given)
            several = len(given) > 1 and not isinstance(given[0], int)
            return [tokens] * numbers + [batch] * several
    return []


def unsupported(exchange: Exchange, needs: Sequence[str], target: Target) -> str | None:
    """Why a 4XX that was hoped for is none for the fault that the request has; None where it may be."""
    said = exchange.body.decode("utf-8", "replace").lower()
    return refused(exchange, needs, target) if "unsupported" in said or "not support" in said else None


def other_work(exchange: Exchange) -> bool:
    """Whether the answer says that the model is there, but not for this."""
    param, message = error_of(exchange)
    return exchange.status in (400, 403, 404, 422) and (param == "model" or _OTHER_WORK.search(message) is not None)


def refused(exchange: Exchange, needs: Sequence[str], target: Target, route_only: bool = False) -> str | None:
    """Why the answer means "not offered", naming the capability; None where it does not.

    A route may be missing (404, 405, 501) and a parameter may be refused by name (400, 403, 415, 422), unless the
    profile says that the backend offers it. A model may be for other work. With `route_only`, for a request that is wrong on purpose, only the
    missing route counts.
    """
    if exchange.error is not None or exchange.status is None or not needs:
        return None
    param, message = error_of(exchange)
    if exchange.status in (404, 405, 501):
        if declared(needs[0], target.profile.capabilities):
            return None
        if exchange.status == 404 and needs[0] == "models.retrieve":
            return None  # whoever lists a model offers to tell about it, unless the call itself is declined
        return f"unsupported: {needs[0]}: {exchange.operation.method} {exchange.operation.path} is answered {exchange.status}"
    if route_only or exchange.status not in (400, 403, 415, 422):
        return None
    known = capabilities()
    if other_work(exchange) and not declared(needs[0], target.profile.capabilities):
        return f"unsupported: {needs[0]}: {exchange.status} {message[:160]}"
    core = _core(exchange).get(turned_down(exchange) or "")
    if core and declared(core, target.profile.capabilities) is not True:
        return f"unsupported: {core}: {exchange.status} {message[:160]}"
    said = [(id, word) for id in (*needs, *_forms(exchange)) for word in known[id].parameters]
    # A scenario about one thing may ask with another's parameter: where that is refused, nothing is said of its own.
    others = [id for id in known if id.startswith(f"{needs[0]}.") and id not in needs]
    said += [
        (id, word)
        for id in others
        for word in known[id].parameters
        if word not in ASKED and (value := exchange.request.get(word)) is not None and value is not False
    ]
    for id, word in said:
        if declared(id, target.profile.capabilities) is not True and _names(word, param, message):
            return f"unsupported: {id}: {exchange.status} {message[:160]}"
    return None


def _names(word: str, param: str, message: str) -> bool:
    pattern = rf"(?<![A-Za-z0-9]){re.escape(word)}(?![A-Za-z0-9])"
    return re.search(pattern, param, re.I) is not None or re.search(pattern, message, re.I) is not None


def retry_after(exchange: Exchange, now: float | None = None) -> float | None:
    """The seconds that a 429 or 503 asks to wait (RFC 9110, 10.2.3: seconds or a date), or None where it asks nothing."""
    if exchange.status not in (429, 503):
        return None
    value = (exchange.header("retry-after") or "").strip()
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(value).timestamp() - (time.time() if now is None else now))
    except (ValueError, TypeError, OverflowError):
        return None
