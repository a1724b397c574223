"""The model's capacity: slots, the line before them, the time of each step, and the truth about every request."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Iterator
from random import Random
from time import perf_counter_ns, process_time
from typing import Any

from seatrial.simulator.ask import Ask
from seatrial.simulator.http import Gone
from seatrial.simulator.loop import Life, Loop
from seatrial.simulator.parse import Refused
from seatrial.simulator.timing import MS, Timing
from seatrial.simulator.truth import Truth

PREFIXES = {"chat/completions": "chatcmpl-", "completions": "cmpl-", "responses": "resp_"}


class Work:
    """One execution on the model. `run` is its life in a slot; times are perf_counter_ns, None where nothing was sent."""

    def __init__(self, engine: Engine, ask: Ask, received_ns: int, fault: str | None = None) -> None:
        self.engine, self.ask, self.received_ns, self.fault = engine, ask, received_ns, fault
        self.number, suffix = engine.mint()
        self.id = PREFIXES.get(ask.operation, "req_") + suffix
        self.started_ns: int | None = None
        self.headers_ns: int | None = None
        self.role_ns: int | None = None
        self.end_ns: int | None = None
        self.first_answer = 0
        """The number of the first event that belongs to the answer, not to its reasoning."""
        self.stamps: list[int] = []
        self.status: int | None = None
        self.output_tokens = self.reasoning_tokens = 0
        self.finished = self.cancelled = False
        self.life: Life | None = None

    def run(self) -> Life:
        """From the moment it has its slot. It sets `finished` at its end; a Gone client ends it early."""
        raise NotImplementedError

    def pace(self) -> Iterator[int]:
        """When each event is due."""
        engine, timing = self.engine, self.engine.timing
        per = timing.tokens_per_event
        pauses = {(token - 1) // per: 0 for token in engine.stalls}
        for token, pause in engine.stalls.items():
            pauses[(token - 1) // per] += pause
        fixed = None if timing.jitter or timing.itl_per_slot else round(timing.itl * MS)
        step = None if fixed is not None else engine.stepper(self.number)
        assert self.started_ns is not None
        due = self.started_ns + round((timing.ttft + timing.prefill * self.ask.prompt_tokens / 1000) * MS)
        number = 0
        while True:
            if pauses:
                due += pauses.get(number, 0)
            yield due
            number += 1
            if fixed:
                due += fixed
            elif step is None:
                due = perf_counter_ns()
            else:
                due += step()

    def row(self) -> dict[str, Any]:
        """Its line in the truth file."""
        answered = self.stamps[self.first_answer :]
        return {
            "id": self.id,
            "nonce": self.ask.nonce,
            "operation": self.ask.operation,
            "status": self.status,
            "received_ns": self.received_ns,
            "started_ns": self.started_ns,
            "queue_ms": None if self.started_ns is None else (self.started_ns - self.received_ns) / MS,
            "headers_ns": self.headers_ns,
            "role_ns": self.role_ns,
            "first_token_ns": self.stamps[0] if self.stamps else None,
            "first_answer_ns": answered[0] if answered else None,
            "last_token_ns": self.stamps[-1] if self.stamps else None,
            "end_ns": self.end_ns,
            "event_ns": self.stamps,
            "prompt_tokens": self.ask.prompt_tokens,
            "output_tokens": self.output_tokens,
            "reasoning_tokens": self.reasoning_tokens,
            "fault": self.fault,
            "finished": self.finished,
        }


class Engine:
    """Gives slots in the order of arrival, and counts."""

    def __init__(self, timing: Timing, loop: Loop, truth: Truth) -> None:
        self.timing, self.loop, self.truth = timing, loop, truth
        self.stalls = timing.stalls()
        self.busy: dict[Work, None] = {}
        self.line: deque[Work] = deque()
        self.counts = Counter(
            dict.fromkeys(("received", "started", "finished", "cancelled", "broken", "refused", "lost"), 0)
        )
        self.nonces: Counter[str] = Counter()
        self._lost: list[Work] = []
        self._run = os.urandom(4).hex()
        self._minted = 0
        self._faults: dict[tuple[str, ...], list[tuple[str, float]]] = {}
        self._random = Random(timing.seed)  # noqa: S311

    def mint(self) -> tuple[int, str]:
        """The next number, and the part of an id that is unique to it; all are of one length."""
        self._minted += 1
        return self._minted, f"{self._run}{self._minted:016x}"

    def draw(self, kinds: tuple[str, ...]) -> str | None:
        """The fault, if any, of the next request, to which these may happen."""
        if not self.timing.fault:
            return None
        if kinds not in self._faults:
            self._faults[kinds] = self.timing.faults(kinds)
        value = self._random.random()
        for name, share in self._faults[kinds]:
            if value < share:
                return name
            value -= share
        return None

    def stepper(self, number: int) -> Callable[[], int]:
        """The time of each next step, in nanoseconds, of the work of this number."""
        timing, busy = self.timing, self.busy
        base, each, jitter = timing.itl * MS, timing.itl_per_slot * MS, timing.jitter
        random = Random(timing.seed << 32 | number).random  # noqa: S311
        return lambda: int((base + each * len(busy)) * (1 + jitter * (2 * random() - 1)))

    def submit(self, work: Work, limited: bool = True) -> None:
        """Gives it a slot, or a place in the line. Raises Refused where that is full."""
        self.counts["received"] += 1
        if not self.timing.slots or len(self.busy) < self.timing.slots:
            self._start(work)
        elif limited and self.timing.queue_limit and len(self.line) >= self.timing.queue_limit:
            self.counts["refused"] += 1
            work.status = 429
            self.truth.add(work.row())
            raise Refused(429, "The queue is full. Please retry later.", None, "rate_limit_exceeded", retry_after="1")
        else:
            self.line.append(work)

    def lose(self, work: Work) -> None:
        """Takes it, and never runs it."""
        self.counts["received"] += 1
        self.counts["lost"] += 1
        self._lost.append(work)

    def cancel(self, work: Work) -> None:
        """Ends it at once, wherever it is; nothing happens to one that has ended."""
        if work in self.busy and work.life is not None:
            work.cancelled = True
            work.life.close()
        elif work in self.line:
            self.line.remove(work)
            self.counts["cancelled"] += 1
            self.truth.add(work.row())

    def place(self, work: Work) -> int:
        """Its place in the line, from 1; 0 once it has left it."""
        return self.line.index(work) + 1 if work in self.line else 0

    def _start(self, work: Work) -> None:
        self.busy[work] = None
        self.counts["started"] += 1
        if work.ask.nonce is not None:
            self.nonces[work.ask.nonce] += 1
        work.started_ns = perf_counter_ns()
        work.life = self._live(work)
        next(work.life)  # so that closing it before its first step is an end like any other
        self.loop.run(work.life, work.started_ns)

    def _live(self, work: Work) -> Life:
        try:
            yield 0
            yield from work.run()
        except Gone:
            work.cancelled = True
        finally:
            del self.busy[work]
            work.life = None
            self.counts["cancelled"] += work.cancelled
            self.counts["finished"] += work.finished
            self.counts["broken"] += not (work.finished or work.cancelled)
            self.truth.add(work.row())
            if self.line:
                self._start(self.line.popleft())

    def stats(self) -> dict[str, Any]:
        """The counters, as they are now."""
        return {
            **self.counts,
            "busy": len(self.busy),
            "queued": len(self.line),
            "cpu_s": process_time(),
            "nonces": len(self.nonces),
            "duplicated": sum(count - 1 for count in self.nonces.values()),
        }

    def close(self) -> None:
        """Ends all requests that have not ended; their rows say so."""
        for work in [*self.line, *self._lost]:
            self.truth.add(work.row())
        self.line.clear()
        for work in list(self.busy):
            self.cancel(work)
