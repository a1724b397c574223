"""What a case made on the target is removed when the case has ended, however it ended."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from seatrial.check import Inconclusive
from seatrial.client import Client
from seatrial.model import Exchange, Step

WITHIN_S = 10.0
"""For all steps of one case: what takes longer is left behind, and listed."""
_MADE_BY = re.compile(r"^\$steps\.([^.#]+)\.outputs\.")


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, str) and (hit := _MADE_BY.match(value)):
        yield hit[1]
    for item in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from _references(item)


def newest_first(steps: Sequence[Step], cleanup: Sequence[Step]) -> list[Step]:
    """The cleanup in the reverse order of what it refers to: what was made last goes first."""
    place = {step.id: number for number, step in enumerate(steps)}
    return sorted(
        cleanup, key=lambda step: -max((place.get(id, -1) for id in _references(dict(step.call))), default=-1)
    )


def clean(steps: Sequence[Step], cleanup: Sequence[Step], ask: Callable[[Step], Exchange], client: Client) -> list[str]:
    """Asks each step of the cleanup, and says of each what it left behind.

    A step that refers to what was never made is not asked. A DELETE leaves nothing where the answer is a success, or
    says that it is gone; another call, such as a cancel, where it is answered at all and the server did not err.
    """
    left = []
    bounds, end = client.bounds, time.monotonic() + WITHIN_S
    try:
        for step in newest_first(steps, cleanup):
            client.bounds = replace(bounds, total=min(bounds.total, max(0.1, end - time.monotonic())))
            if time.monotonic() >= end:
                left.append(f"{step.operation.method} {step.operation.path}: not asked, the time was up")
                continue
            try:
                exchange = ask(step)
            except Inconclusive as reason:
                if not str(reason).startswith("$steps."):
                    left.append(f"{step.operation.method} {step.operation.path}: {reason}")
                continue
            except OSError:
                continue  # the record cannot be written, which is told elsewhere; what can be removed still is
            if not _is_gone(exchange):
                got = f"status {exchange.status}" if exchange.error is None else exchange.error.detail
                left.append(f"{exchange.request.method} {exchange.request.url}: {got}")
    finally:
        client.bounds = bounds
    return left


def _is_gone(exchange: Exchange) -> bool:
    if exchange.status is None or exchange.error is not None:
        return False
    if exchange.request.method == "DELETE":
        return exchange.status < 300 or exchange.status in (404, 410)
    return exchange.status < 500
