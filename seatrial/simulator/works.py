"""What the model executes: a stream to a client, or a plain answer; with the faults that are planted in them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import islice
from time import perf_counter_ns
from typing import Any

import orjson

from seatrial.simulator import events, plain, responses
from seatrial.simulator.ask import Ask
from seatrial.simulator.engine import Engine, Work
from seatrial.simulator.events import Script
from seatrial.simulator.http import JSON, LAST, Connection, frame, unframed
from seatrial.simulator.loop import Life
from seatrial.simulator.parse import Refused
from seatrial.simulator.timing import MS

SCRIPTS: dict[str, Callable[[Ask, str, int, int], Script]] = {
    "chat/completions": events.chat,
    "completions": events.completions,
    "responses": responses.script,
    "audio/speech": events.speech,
}
BODIES: dict[str, Callable[[Ask, str, int], dict[str, Any]]] = {
    "chat/completions": plain.chat,
    "completions": plain.completions,
    "responses": responses.plain,
    "embeddings": plain.embeddings,
    "audio/transcriptions": plain.transcription,
}
BREAKS = ("error-event", "reset", "truncated", "hang")
MORE = 7
"""Tokens that `wrong-usage` adds."""
FAILED = Refused(500, "The server had an error while processing your request.")
SLOW = 5 * MS
"""How long a stream waits before it looks again whether a slow client has caught up."""


class Stream(Work):
    """Events to a client as they are made."""

    def __init__(self, engine: Engine, ask: Ask, received_ns: int, fault: str | None, conn: Connection) -> None:
        super().__init__(engine, _emptied(ask, fault), received_ns, fault)
        self.conn = conn
        self.mark = b""
        self._head = b""
        conn.left = partial(engine.cancel, self)

    def run(self) -> Life:
        conn, ask, fault = self.conn, self.ask, self.fault
        if fault == "http-500":
            self.status = 500
            self.headers_ns = self.end_ns = conn.refuse(FAILED)
            return
        per = self.engine.timing.tokens_per_event
        script = SCRIPTS[ask.operation](ask, self.id, per, MORE if fault == "wrong-usage" else 0)
        self.mark, self.status = script.mark, 200
        headers = {"content-type": script.media, "cache-control": "no-cache", "x-request-id": f"req_{self.number:x}"}
        self._head = conn.head(200, headers, None)
        silent = -(-ask.reasoning // per)
        total = silent + -(-ask.answer // per)
        self.first_answer = 0 if ask.operation == "responses" else silent
        strikes = min(3, total) if fault == "hang" else max(1, total // 2) if fault in BREAKS else total
        crossing = total // 2 if fault == "crossed" else -1

        pace, role = self.pace(), self.engine.timing.role_ms
        due = next(pace)
        if role is not None and script.opening and self.started_ns is not None:
            yield self.started_ns + round(role * MS)
            self._open(script.opening)
        yield due
        if role is None:
            self._open(script.opening)

        plain, stamps, clock, write = not conn.chunked, self.stamps, perf_counter_ns, conn.write
        sent = 0
        for data in islice(script.events, strikes):
            if sent:
                yield next(pace)
            if sent == crossing:
                data = data.replace(self.mark, self._other())
            sent += 1
            if self._head or plain:
                if data:
                    stamps.append(self._say(data))
            elif data:
                now = clock()
                write(data)
                stamps.append(now)
                while conn.held:
                    yield clock() + SLOW
        self.reasoning_tokens = min(ask.reasoning, sent * per)
        self.output_tokens = self.reasoning_tokens + min(ask.answer, max(0, sent - silent) * per)
        if fault in BREAKS:
            yield from self._break()
        else:
            self._close(script.closing)

    def _say(self, data: bytes) -> int:
        """Sends an event, with the headers if it is the first; the time right before."""
        if not self.conn.chunked:
            data = unframed(data) if data != LAST else b""
        data, head = self._head + data, self._head
        self._head = b""
        now = perf_counter_ns()
        if head:
            self.headers_ns = now
        self.conn.write(data)
        return now

    def _open(self, opening: list[bytes]) -> None:
        for number, data in enumerate(opening):
            now = self._say(data)
            if self.ask.operation == "chat/completions" and not number:
                self.role_ns = now

    def _close(self, closing: list[bytes]) -> None:
        done = bool(closing) and closing[-1] is events.DONE
        if self.fault == "unterminated":
            closing = []
        elif self.fault == "missing-done" and done:
            closing = closing[:-1]
        elif self.fault == "two-terminals":
            closing = closing[:1] + closing if done else closing + closing[-1:]
        for data in closing:
            self.end_ns = self._say(data)
        if self.conn.chunked or self._head:
            now = self._say(LAST)
            self.end_ns = self.end_ns or now
        self.finished = self.fault != "unterminated"
        self.conn.finish()

    def _break(self) -> Life:
        if self.fault == "hang":
            while True:
                yield perf_counter_ns() + 1000 * MS
        if self.fault == "error-event":
            self._say(frame(b"data: " + FAILED.body() + b"\n\n"))
            self.end_ns = self._say(LAST)
            self.conn.finish()
        elif self.fault == "reset":
            self.end_ns = perf_counter_ns()
            self.conn.reset()
        else:
            self.end_ns = self._say(b'40\r\ndata: {"id":"')
            self.conn.end()

    def _other(self) -> bytes:
        """The mark of another stream: of one that runs now, or of one that never was."""
        for work in self.engine.busy:
            if isinstance(work, Stream) and work is not self and len(work.mark) == len(self.mark):
                return work.mark
        return self.mark[:-16] + b"f" * 16


class Plain(Work):
    """One whole answer: `result`, or `error`, is there when `deliver` is called; that says when it was delivered."""

    def __init__(
        self, engine: Engine, ask: Ask, received_ns: int, fault: str | None, deliver: Callable[[Plain], int]
    ) -> None:
        super().__init__(engine, _emptied(ask, fault), received_ns, fault)
        self.deliver = deliver
        self.result: dict[str, Any] | None = None
        self.error: Refused | None = None

    def run(self) -> Life:
        ask = self.ask
        if self.fault in ("http-500", "failed-job"):
            self.error = FAILED
        else:
            per = self.engine.timing.tokens_per_event
            steps = -(-ask.reasoning // per) + -(-ask.answer // per)
            yield from islice(self.pace(), max(1, steps))
            while self.fault == "hang":
                yield perf_counter_ns() + 1000 * MS
            self.output_tokens, self.reasoning_tokens = ask.tokens, ask.reasoning
            self.result = BODIES[ask.operation](ask, self.id, MORE if self.fault == "wrong-usage" else 0)
        self.finished = self.error is None and self.fault not in BREAKS
        self.end_ns = self.deliver(self)


def respond(conn: Connection, work: Plain) -> int:
    """Sends the answer to the client, or what its fault leaves of it; the time right before."""
    headers = {"x-request-id": f"req_{work.number:x}"}
    if work.error is not None:
        work.status = work.error.status
        work.headers_ns = conn.refuse(work.error)
        return work.headers_ns
    body = orjson.dumps(work.result)
    work.status = 200
    if work.fault == "reset":
        now = perf_counter_ns()
        conn.reset()
    elif work.fault == "truncated":
        head = conn.head(200, {"content-type": JSON, **headers}, len(body))
        now = perf_counter_ns()
        conn.say(head + body[: len(body) // 2])
        conn.end()
    else:
        now = conn.reply(200, body, headers)
    work.headers_ns = now
    return now


def _emptied(ask: Ask, fault: str | None) -> Ask:
    return replace(ask, tokens=0, reasoning=0, nonce=None) if fault == "empty" else ask
