"""What a case made on the target is removed when the case has ended, however it ended."""

from __future__ import annotations

import contextlib
import re
import signal
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from types import FrameType
from typing import Any

from seatrial import kept
from seatrial.check import Inconclusive
from seatrial.client import Client
from seatrial.model import Exchange, Operation, Step

WITHIN_S = 8.0
"""For all steps of one case: what takes longer is left behind, and listed."""
_SETTLING_S = (0.0, 0.3, 0.6, 1.2)
"""The pauses before a batch is looked at, that was cancelled or has ended unheard, until it is at rest and names its files."""
HOLD_S = 5.0
"""How long an interrupt waits for the answer to a request that makes something."""
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


def steps(own: Iterable[Step], heard: Sequence[Exchange], operations: Mapping[str, Operation]) -> Iterator[Step]:
    """The scenario's own cleanup, then what removes all that was made and that it did not ask for.

    `heard` grows by the answer to each before the next is drawn.
    """
    asked, end = len(heard), time.monotonic() + WITHIN_S
    known: list[kept.Kept] = []

    def fresh() -> list[kept.Kept]:
        found = [one for one in kept.kept(heard) if one not in known]
        known.extend(found)
        return found

    yield from own
    tried = [exchange.request.url for exchange in heard[asked:]]
    yield from kept.undo((one for one in fresh() if not any(f"/{one.id}" in url for url in tried)), operations)
    yield from kept.undo(fresh(), operations)  # What a batch names in the answer to being cancelled.
    for pause in _SETTLING_S:
        batches = kept.looks(kept.unsettled(heard), operations)
        if not batches or time.monotonic() + pause > end:
            break
        time.sleep(pause)
        yield from batches
        yield from kept.undo(fresh(), operations)


def clean(cleanup: Iterable[Step], ask: Callable[[Step], Exchange], client: Client) -> list[str]:
    """Asks each step of the cleanup, and says of each what it left behind; takes WITHIN_S, and no longer.

    A step that refers to what was never made is not asked.
    """
    left = []
    bounds, end = client.bounds, time.monotonic() + WITHIN_S
    try:
        for step in cleanup:
            client.bounds = replace(bounds, total=min(bounds.total, max(0.1, end - time.monotonic())))
            again = step.operation.id in kept.UNDOING and "base" not in step.call
            looks = step.operation.method == "GET"  # It removes nothing; what it did not tell is listed elsewhere.
            try:
                if time.monotonic() >= end:
                    raise Inconclusive("not asked, the time was up")
                exchange = ask(step)
            except Inconclusive as reason:
                # What there is to remove comes again, by its id.
                left += [] if again or looks or str(reason).startswith("$steps.") else [f"{_named(step)}: {reason}"]
                continue
            except OSError:
                continue  # the record cannot be written, which is told elsewhere; what can be removed still is
            if not looks and not kept.is_gone(exchange):
                got = f"status {exchange.status}" if exchange.error is None else exchange.error.detail
                left.append(f"{exchange.request.method} {exchange.request.url}: {got}")
    finally:
        client.bounds = bounds
    return left


def _named(step: Step) -> str:
    path = step.operation.path
    for name, value in (step.call.get("parameters") or {}).items():
        path = path.replace("{" + name + "}", str(value))
    return f"{step.operation.method} {path}"


@contextlib.contextmanager
def uninterrupted() -> Iterator[None]:
    """An interrupt during the block is raised at its end, or after HOLD_S, or at the second: what is made is known then.

    Only the main thread of a process is interrupted; in another one this does nothing.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    main, held = threading.get_ident(), threading.Timer(HOLD_S, lambda: signal.pthread_kill(main, signal.SIGINT))

    def hold(_signal: int, _frame: FrameType | None) -> None:
        if held.ident is not None:
            raise KeyboardInterrupt
        held.daemon = True
        held.start()

    before = signal.signal(signal.SIGINT, hold)
    try:
        yield
    finally:
        held.cancel()
        signal.signal(signal.SIGINT, before)
    if held.ident is not None:
        raise KeyboardInterrupt
