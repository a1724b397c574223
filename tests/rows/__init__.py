"""Rows for test_checks_units.py, one module a family: `ROWS` by check id, of what is to come out, and of what."""

from __future__ import annotations

import json
from typing import Any

from seatrial.model import Exchange, Operation, Request, Status

FAIL, PASS, OPEN, OUT = Status.FAIL, Status.PASS, Status.INCONCLUSIVE, None
Rows = dict[str, list[tuple[Status | None, Any]]]


def exchange(
    name: str, call: str, url: str, answer: Any, ask: Any = None, status: int = 200, number: int = 1
) -> Exchange:
    """An exchange of JSON by an operation `call` (`GET /jobs/{id}`), sent to that path."""
    method, path = call.split()
    request = Request(method, "http://x/v1" + url, (), b"" if ask is None else json.dumps(ask).encode())
    headers = (("content-type", "application/json"),)
    return Exchange(number, Operation(name, method, path), request, status, headers, json.dumps(answer).encode())
