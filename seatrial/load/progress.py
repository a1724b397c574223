"""The live line of a load test."""

from __future__ import annotations

import sys
from typing import Any

import gevent

from seatrial.load.session import Session


class Progress:
    """One line on stderr, renewed each second on a terminal, a new one every ten seconds elsewhere."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._greenlet: Any = None
        self._terminal = sys.stderr.isatty()

    def start(self) -> None:
        """Begins to show."""
        self._greenlet = gevent.spawn(self._show)

    def stop(self) -> None:
        """Clears the line."""
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
            if self._terminal:
                sys.stderr.write("\r\x1b[K")
                sys.stderr.flush()

    def _show(self) -> None:
        seconds = 0
        while True:
            gevent.sleep(1)
            seconds += 1
            if self._terminal:
                sys.stderr.write(f"\r\x1b[K{self.line()[:118]}")
                sys.stderr.flush()
            elif seconds % 10 == 0:
                print(self.line(), file=sys.stderr, flush=True)

    def line(self) -> str:
        """Where the test is, in under 120 columns."""
        session = self._session
        total = session.measure.total()
        at = f"{session.elapsed:.0f} s"
        if session.quota is not None:
            at += f", {session.measure.finished} of {session.quota}"
        elif session.seconds < 1e8:
            at += f" of {session.seconds:.0f}"
        phase = session.phase()
        if phase is not None and (phase.name or not phase.counted):
            at += f" ({phase.name or 'warm-up'}{'' if phase.counted or not phase.name else ', settling'})"
        parts = [at, f"{session.gauges.get('concurrency', 0):.0f} open", f"{total.ok} ok", f"{total.failed} failed"]
        for metric in ("ttft", "itl", "e2e"):
            value = total.value(f"{metric}.p95")
            if value is not None:
                parts.append(f"{metric.upper()} p95 {value:.0f} ms")
        rate = session.measure.value("output_tokens_per_s")
        if rate:
            parts.append(f"{rate:.0f} tok/s")
        if session.stopping:
            parts.append("ending")
        return " · ".join(parts)
