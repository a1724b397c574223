"""Jobs through a queue: submitted, polled where the pattern says so, answered; by the pattern's file alone."""

from __future__ import annotations

import secrets
from time import perf_counter_ns
from typing import TYPE_CHECKING, Any

import gevent
import orjson

from seatrial.load.address import Failure
from seatrial.load.ask import Ask, Writer, get
from seatrial.load.call import Call
from seatrial.load.queue import pattern as patterns
from seatrial.load.queue.ledger import Ledger
from seatrial.load.queue.pattern import CANCELLED, FAILED, QUEUED, RUNNING, SUCCEEDED, Pattern
from seatrial.load.reading import dialects

if TYPE_CHECKING:
    from seatrial.load.session import Session

_JSON = {"content-type": "application/json"}
_ASIDE_S = 5.0
"""What is asked before and after the test may take so long."""


class Jobs:
    """The jobs of one process."""

    def __init__(self, session: Session, pattern: Pattern) -> None:
        self.session, self.pattern = session, pattern
        self.ledger = Ledger(secrets.token_hex(3)[:5])
        self._cancels: dict[str, str] = {}
        self._executed_before: int | None = None
        submit = pattern.submit
        ask = session.profile.asks[0]
        step = submit.get("scenario", ask.step)
        dialect = "responses" if step.startswith("load.responses") else ask.dialect
        self._ask = Ask(ask.name, step, dialect, 1, submit.get("sibling"), submit.get("path"))
        self._headers = "".join(f"{name}: {value}\r\n" for name, value in submit.get("headers", {}).items())

    def prepare(self) -> None:
        """Everything of the request but its prompt is built; the server's own count of executions is read."""
        session = self.session
        model = session.options.model or ""
        self._writer = Writer(self._ask, session.address, model, session.key, session.options)
        if self.pattern.executions and not session.worker:
            self._executed_before = self._executions()

    def run(self, number: int, planned_ns: int = 0) -> None:
        """One job, from its submission to its end."""
        session, ledger = self.session, self.ledger
        rng = session.rng(number)
        turn = session.workload.turn(rng, number)
        nonce = ledger.submit(number)
        session.gauges["backlog"] = float(ledger.backlog)
        prompt = turn.prompt if isinstance(turn.prompt, str) else str(turn.prompt[-1]["content"])
        body = self._writer.body(f"nonce:{nonce} {prompt}", turn.output_tokens)
        call = session.call(self._ask, planned_ns)
        final = call.reading = dialects()[self._ask.dialect](True)
        try:
            self._follow(call, nonce, body, final)
            refused = final.verdict()
            if refused is not None:
                raise refused
        except Failure as failure:
            call.failure = call.failure or failure
            if failure.name == "timeout.job":
                ledger.overdue += 1
            else:
                ledger.end(nonce, "cancelled" if failure.name == "queue.cancelled" else "failed")
                self._cancels.pop(nonce, None)
        except BaseException:
            call.failure = call.failure or Failure("unfinished", "the run ended first")
            raise
        else:
            ledger.end(nonce, "completed")
            ledger.answer(nonce, final.id, "".join(final.text or ()))
            self._cancels.pop(nonce, None)
        finally:
            call.end_ns = call.end_ns or perf_counter_ns()
            session.gauges["backlog"] = float(ledger.backlog)
            session.ended(call, None)

    def _follow(self, call: Call, nonce: str, body: dict[str, Any], final: Any) -> None:
        session, pattern = self.session, self.pattern
        headers = self._headers
        if pattern.idempotency_header:
            headers += f"{pattern.idempotency_header}: {nonce}\r\n"
        call.reading = dialects()["plain"]()
        request = self._writer.write(body, headers)
        call.play(session.pool, request)
        first_sent = call.sent_ns
        for _ in range(pattern.retries):
            if call.failure is None or not call.failure.name.startswith("timeout."):
                break
            # What a client does whose time is up: the same job again, while the first may still be executed.
            self.ledger.retries += 1
            again = session.call(self._ask, call.planned_ns)
            again.reading = dialects()["plain"]()
            again.play(session.pool, request)
            call.failure, call.status, call.headers = again.failure, again.status, again.headers
            call.reading, call.end_ns, call.headers_ns = again.reading, again.end_ns, again.headers_ns
        call.sent_ns = first_sent
        if call.failure is not None:
            raise call.failure
        failure = call.reading.verdict()
        if failure is not None:
            raise failure
        accepted = call.end_ns
        answer = patterns.parsed(call.reading.body)
        if pattern.poll:
            call.tags["accept"] = round((accepted - call.sent_ns) / 1e6, 3)
            call.end_ns = 0
            answer = self._poll(call, nonce, answer, accepted)
        call.end_ns = perf_counter_ns() if pattern.poll else accepted
        call.reading = final
        final.begin(200, _JSON)
        final.feed(call.end_ns, orjson.dumps(answer))

    def _poll(self, call: Call, nonce: str, answer: Any, accepted: int) -> Any:
        session, pattern = self.session, self.pattern
        id = patterns.found_at(pattern.job_id, call.headers, answer)
        where = patterns.path_of(pattern.poll["url"], id, call.headers, answer, session.address)
        if pattern.cancel:
            self._cancels[nonce] = patterns.path_of(pattern.cancel["url"], id, call.headers, answer, session.address)
        result_url = pattern.result.get("url")
        result = patterns.path_of(result_url, id, call.headers, answer, session.address) if result_url else None
        every = pattern.poll.get("every_s", 0.5)
        until = call.sent_ns + int(session.options.timeout * 1e9)
        running = 0
        while True:
            gevent.sleep(every)
            if perf_counter_ns() > until:
                raise Failure("timeout.job", f"not ended within {session.options.timeout:g} s")
            poll = self._get(where)
            self.ledger.polls += 1
            self.ledger.poll_bytes += poll.received
            if poll.status in (429, 503):
                every = _retry_after(poll.headers, every)
                continue
            body = patterns.parsed(poll.reading.body)
            state = pattern.state_of(poll.status, body)
            now = perf_counter_ns()
            if state == RUNNING and not running:
                running = now
            if state not in (QUEUED, RUNNING):
                break
            every = min(every * pattern.poll.get("backoff", 1.0), pattern.poll.get("most_s", 60.0))
            if pattern.poll.get("retry_after"):
                every = _retry_after(poll.headers, every)
        if running:
            call.tags["queue_wait"] = round((running - accepted) / 1e6, 3)
            call.tags["service"] = round((now - running) / 1e6, 3)
        if state == CANCELLED:
            raise Failure("queue.cancelled", "the server cancelled the job")
        if state == FAILED:
            raise Failure("queue.failed", str(patterns.at(body, "/error") or "")[:200])
        if result is not None:
            body = patterns.parsed(self._get(result).reading.body)
        return pattern.result_of(body)

    def _get(self, path: str, method: str = "GET") -> Call:
        session = self.session
        call = Call(session.calls, "poll", dialects()["plain"](), 0)
        call.play(session.pool, get(session.address, path, session.key, method))
        if call.failure is not None:
            raise call.failure
        if call.status >= 500 and call.status != 503:
            raise Failure(f"http.{call.status}", "from the poll")
        if 400 <= call.status < 500 and call.status != 429:
            raise Failure(f"http.{call.status}", "from the poll: the job is not known any more")
        return call

    def _executions(self) -> int | None:
        where, found = self.pattern.executions, None
        with gevent.Timeout(_ASIDE_S, False):
            try:
                path = self.session.address.path.rstrip("/") + where["path"]
                found = patterns.at(patterns.parsed(self._get(path).reading.body), where["at"])
            except Failure:
                pass
        return found if isinstance(found, int) else None

    def close(self) -> None:
        """Jobs that nobody waits for any longer are cancelled, where the pattern can; then the account is closed."""
        with gevent.Timeout(_ASIDE_S, False):
            for nonce, path in list(self._cancels.items()):
                try:
                    if self._get(path, self.pattern.cancel["method"]).status < 300:
                        self.ledger.end(nonce, "cancelled")
                except Failure:
                    continue
        self._cancels.clear()
        self.told()

    def told(self) -> None:
        """Puts the account where the report, or the master, finds it."""
        session = self.session
        session.extra["queue"] = {"pattern": self.pattern.name, "told": self.ledger.told()}

    def second_executions(self) -> int | None:
        """How many executions the server counts that no submission asked for; None where it does not say."""
        if self._executed_before is None:
            return None
        now = self._executions()
        return None if now is None else now - self._executed_before


def _retry_after(headers: Any, otherwise: float) -> float:
    try:
        return min(max(float(headers.get("retry-after", "")), 0.01), 60.0)
    except ValueError:
        return otherwise


__all__ = ["SUCCEEDED", "Jobs"]
