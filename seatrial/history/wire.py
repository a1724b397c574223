"""The wire bytes of an exchange as lines of text, and how those of two runs differ."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

from seatrial import summary
from seatrial.model import Exchange

_MOST_LINES = 400
_LONGEST = 2_000
# Different in every answer, whatever the server does.
_VOLATILE = ("date", "content-length", "x-request-id", "openai-processing-ms", "cf-ray", "set-cookie", "age")


@dataclass(frozen=True, slots=True)
class Difference:
    """What was asked and answered before and now, as lines of a unified diff; empty where nothing differs."""

    request: tuple[str, ...]
    answer: tuple[str, ...]


def sent(exchange: Exchange) -> list[str]:
    """The request: its line, its headers, its body laid out."""
    request = exchange.request
    path = "/" + request.url.partition("://")[2].partition("/")[2]
    rows = [f"{request.method} {path}", *(f"{name}: {value}" for name, value in request.headers)]
    return [summary.line(row, _LONGEST) for row in rows] + ["", *_body(request.body)]


def received(exchange: Exchange) -> list[str]:
    """The answer: status, headers, body laid out or events; or why there is none."""
    if exchange.status is None:
        rows = ["no answer"]
    else:
        rows = [f"{exchange.http_version or 'HTTP'} {exchange.status}"]
        rows += [f"{name}: {value}" for name, value in exchange.headers]
    if exchange.error:
        rows.append(f"({exchange.error.kind}: {exchange.error.detail})")
    head = [summary.line(row, _LONGEST) for row in rows]
    if exchange.events:
        return [*head, "", *_cut(exchange.text.splitlines())]
    return [*head, "", *_body(exchange.body)]


def difference(old: Exchange, new: Exchange) -> Difference:
    """How the two differ, ports and dates aside."""
    return Difference(_diff(_plain(sent(old)), _plain(sent(new))), _diff(_plain(received(old)), _plain(received(new))))


def _body(data: bytes) -> list[str]:
    if not data:
        return []
    text = data.decode("utf-8", "backslashreplace")
    try:
        text = json.dumps(json.loads(text), ensure_ascii=False, indent=1) if len(text) < 200_000 else text
    except (ValueError, RecursionError):
        pass
    return _cut(text.splitlines())


def _cut(rows: Sequence[str]) -> list[str]:
    shown = [summary.line(row, _LONGEST) for row in rows[:_MOST_LINES]]
    return shown + ([f"… {len(rows) - _MOST_LINES:,} more lines"] if len(rows) > _MOST_LINES else [])


def _plain(rows: Sequence[str]) -> list[str]:
    kept = [row for row in rows if row.partition(":")[0].lower() not in _VOLATILE]
    return [re.sub(r"(?i)^(host: [^:]+):\d+$", r"\1", row) for row in kept]


def _diff(old: Sequence[str], new: Sequence[str]) -> tuple[str, ...]:
    return tuple(row.rstrip("\n") for row in difflib.unified_diff(old, new, "before", "now", n=2, lineterm=""))
