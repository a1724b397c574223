"""Batch files: many jobs in one upload, one output file; every line accounted for."""

from __future__ import annotations

from time import perf_counter_ns
from typing import Any
from urllib.parse import quote

import gevent
import orjson

from seatrial.load.address import Failure
from seatrial.load.ask import get
from seatrial.load.call import Call
from seatrial.load.queue import pattern as patterns
from seatrial.load.queue.jobs import Jobs
from seatrial.load.reading import dialects

_BOUNDARY = "seatrial-batch-boundary-71c4"
_ENDED = ("completed", "failed", "expired", "cancelled")


class Batches(Jobs):
    """Batches of the jobs of one process: a record for each batch, an account of each job."""

    def run(self, number: int, planned_ns: int = 0) -> None:
        """One batch, from its upload to its last answer."""
        session, size = self.session, self.pattern.batch["size"]
        rng = session.rng(number)
        rows, waiting = [], set()
        for index in range(size):
            turn = session.workload.turn(rng, number * size + index)
            nonce = self.ledger.submit(number * size + index)
            waiting.add(nonce)
            prompt = turn.prompt if isinstance(turn.prompt, str) else str(turn.prompt[-1]["content"])
            body = self._writer.body(f"nonce:{nonce} {prompt}", turn.output_tokens)
            rows.append({"custom_id": nonce, "method": "POST", "url": self.pattern.batch["endpoint"], "body": body})
        call = session.call(self._ask, planned_ns)
        call.reading = dialects()["plain"]()
        session.gauges["backlog"] = float(self.ledger.backlog)
        try:
            self._follow_batch(call, rows, waiting)
        except Failure as failure:
            call.failure = call.failure or failure
            if failure.name == "timeout.job":
                self.ledger.overdue += len(waiting)
            else:
                for nonce in waiting:
                    self.ledger.end(nonce, "failed")
        except BaseException:
            call.failure = call.failure or Failure("unfinished", "the run ended first")
            raise
        finally:
            call.end_ns = perf_counter_ns()
            session.gauges["backlog"] = float(self.ledger.backlog)
            session.ended(call, None)

    def _follow_batch(self, call: Call, rows: list[dict[str, Any]], waiting: set[str]) -> None:
        session, batch = self.session, self.pattern.batch
        call.play(session.pool, self._upload(b"\n".join(orjson.dumps(row) for row in rows) + b"\n"))
        failure = call.failure or call.reading.verdict()
        if failure is not None:
            raise failure
        file = patterns.found_at({"body": "/id"}, call.headers, patterns.parsed(call.reading.body))
        request = {"input_file_id": file, "endpoint": batch["endpoint"], "completion_window": "24h"}
        made = self._post("/batches", request)
        call.tags["accept"] = round((perf_counter_ns() - call.sent_ns) / 1e6, 3)
        id = patterns.found_at({"body": "/id"}, {}, made)
        done = self._wait(id, call)
        if done["status"] != "completed":
            raise Failure(f"queue.{done['status']}", f"the batch {id}")
        for name in ("output_file_id", "error_file_id"):
            if isinstance(done.get(name), str):
                self._take(done[name], waiting)
        lost = set(waiting)
        for nonce in lost:
            self.ledger.end(nonce, "failed")
            waiting.discard(nonce)
        if lost:
            call.failure = Failure("queue.line_missing", f"{len(lost)} jobs are in no file of a completed batch")

    def _wait(self, id: str, call: Call) -> dict[str, Any]:
        session, batch = self.session, self.pattern.batch
        every, accepted, running = batch.get("every_s", 1.0), perf_counter_ns(), 0
        until = call.sent_ns + int(session.options.timeout * 1e9)
        path = f"{session.address.path.rstrip('/')}/batches/{quote(id, safe='')}"
        while True:
            gevent.sleep(every)
            if perf_counter_ns() > until:
                raise Failure("timeout.job", f"not ended within {session.options.timeout:g} s")
            body = patterns.parsed(self._get(path).reading.body)
            self.ledger.polls += 1
            status = body.get("status") if isinstance(body, dict) else None
            now = perf_counter_ns()
            if status in ("in_progress", "finalizing") and not running:
                running = now
            if status in _ENDED:
                if running:
                    call.tags["queue_wait"] = round((running - accepted) / 1e6, 3)
                    call.tags["service"] = round((now - running) / 1e6, 3)
                return dict(body)
            every = min(every * batch.get("backoff", 1.0), batch.get("most_s", 60.0))

    def _take(self, file: str, waiting: set[str]) -> None:
        path = f"{self.session.address.path.rstrip('/')}/files/{quote(file, safe='')}/content"
        for line in self._get(path).reading.body.splitlines():
            row = patterns.parsed(line)
            nonce = patterns.at(row, "/custom_id")
            if not isinstance(nonce, str) or nonce not in waiting:
                self.ledger.twice.append(f"a line of {file} answers {str(nonce)[:80]}, which waits for none")
                continue
            waiting.discard(nonce)
            good = patterns.at(row, "/response/status_code") == 200 and not patterns.at(row, "/error")
            self.ledger.end(nonce, "completed" if good else "failed")
            if good:
                id, text = (
                    patterns.at(row, "/response/body/id"),
                    patterns.at(row, "/response/body/choices/0/message/content"),
                )
                self.ledger.answer(nonce, id if isinstance(id, str) else "", text if isinstance(text, str) else "")

    def _upload(self, data: bytes) -> bytes:
        parts = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nbatch\r\n'
        parts += f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="batch.jsonl"\r\n'
        parts += "Content-Type: application/jsonl\r\n\r\n"
        body = parts.encode() + data + f"\r\n--{_BOUNDARY}--\r\n".encode()
        return self._request("/files", f"multipart/form-data; boundary={_BOUNDARY}", body)

    def _post(self, path: str, body: dict[str, Any]) -> Any:
        session = self.session
        call = Call(session.calls, "batch", dialects()["plain"](), 0)
        call.play(session.pool, self._request(path, "application/json", orjson.dumps(body)))
        failure = call.failure or call.reading.verdict()
        if failure is not None:
            raise failure
        return patterns.parsed(call.reading.body)

    def _request(self, path: str, media: str, body: bytes) -> bytes:
        session = self.session
        headers = f"Content-Type: {media}\r\nContent-Length: {len(body)}\r\n"
        return get(session.address, session.address.path.rstrip("/") + path, session.key, "POST", headers) + body
