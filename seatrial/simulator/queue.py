"""Queues in front of the model, in the shapes in which services offer them. Each job runs once in a slot.

`/queue/…` blocks; `/v1/async/…` is polled at its own path; `/v1/queue/submit` answers with URLs; `/v1/pexec/…` with a
header; `/v1/operations/…` with a Location; `/v1/responses` with `background` is the object itself.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import partial
from time import perf_counter_ns
from typing import Any

import orjson

from seatrial.simulator import ask, responses
from seatrial.simulator.ask import Ask
from seatrial.simulator.engine import Engine
from seatrial.simulator.http import Connection
from seatrial.simulator.parse import Refused, Request
from seatrial.simulator.timing import JOB_FAULTS
from seatrial.simulator.works import BODIES, Plain

Handle = Callable[[Connection, Request], None]
Json = dict[str, Any]
OPERATIONS = ("chat/completions", "completions", "embeddings")
FAL = {"queued": "IN_QUEUE", "running": "IN_PROGRESS"}
NVCF = {"queued": "pending-evaluation", "running": "in-progress", "completed": "fulfilled", "failed": "errored"}
AZURE = {"queued": "NotStarted", "running": "Running", "completed": "Succeeded", "failed": "Failed"}


@dataclass(slots=True, eq=False)
class Job:
    """One job; `work` is what it executes, `result` or `error` is there when it has ended."""

    id: str
    ask: Ask
    work: Plain
    ended: str | None = None
    result: Json | None = None
    error: Refused | None = None
    then: list[Callable[[Job], None]] = field(default_factory=list)
    """Called once it has ended."""

    @property
    def status(self) -> str:
        """queued, running, completed, failed or cancelled."""
        return self.ended or ("queued" if self.work.started_ns is None else "running")

    @property
    def over(self) -> bool:
        return self.ended is not None

    def end(self, status: str) -> None:
        self.ended = status
        then, self.then = self.then, []
        for call in then:
            call(self)

    def answer(self, conn: Connection) -> None:
        """Replies with what the operation itself would have answered."""
        if self.error is not None:
            conn.refuse(self.error)
        else:
            conn.reply(200, orjson.dumps(self.result))


class Queue:
    """The jobs of all patterns."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.jobs: dict[str, Job] = {}
        self._keys: dict[str, Job] = {}
        self._last: dict[str, Json] = {}

    def routes(self) -> dict[tuple[str, str], Handle]:
        """What is served; `*` stands for a job's id."""
        table: dict[tuple[str, str], Handle] = {
            ("POST", "/v1/queue/submit"): self._fal,
            ("GET", "/v1/queue/requests/*/status"): self._fal_status,
            ("GET", "/v1/queue/requests/*"): self._fal_response,
            ("PUT", "/v1/queue/requests/*/cancel"): self._fal_cancel,
            ("GET", "/v1/pexec/status/*"): self._pexec_status,
            ("GET", "/v1/operations/*"): self._operation,
            ("DELETE", "/v1/operations/*"): self._forget,
            ("GET", "/v1/responses/*"): self._response,
            ("POST", "/v1/responses/*/cancel"): self._cancel_response,
        }
        for name in OPERATIONS:
            table["POST", f"/queue/{name}"] = partial(self._block, name)
            table["POST", f"/v1/async/{name}"] = partial(self._accept, name)
            table["GET", f"/v1/async/{name}/*"] = self._poll
            table["POST", f"/v1/pexec/{name}"] = partial(self._pexec, name)
            table["POST", f"/v1/operations/{name}"] = partial(self._operate, name)
        return table

    def submit(self, wanted: Ask, received_ns: int, limited: bool = True) -> Job:
        """A new job in the line. Raises Refused where that is full."""
        fault = self.engine.draw(JOB_FAULTS)
        job: Job

        def deliver(work: Plain) -> int:
            self._end(job, work)
            return perf_counter_ns()

        work = Plain(self.engine, wanted, received_ns, fault, deliver)
        job = Job(
            work.id if wanted.operation == "responses" else f"job_{work.id.partition('-')[2] or work.id}", wanted, work
        )
        if fault == "lost-job":
            self.engine.lose(work)
        else:
            self.engine.submit(work, limited)
        if fault == "duplicate-run":
            again = Plain(self.engine, wanted, received_ns, fault, lambda work: perf_counter_ns())
            self.engine.submit(again, limited=False)
        self.jobs[job.id] = job
        return job

    def cancel(self, job: Job) -> None:
        if not job.over:
            self.engine.cancel(job.work)
            job.error = Refused(409, "The job was cancelled.", None, "cancelled")
            job.end("cancelled")

    def _end(self, job: Job, work: Plain) -> None:
        job.error, job.result = work.error, work.result
        if work.result is not None:
            operation = job.ask.operation
            if work.fault == "swapped-answer":
                _, suffix = self.engine.mint()
                invented = BODIES[operation](replace(job.ask, nonce="another"), f"other-{suffix}", 0)
                job.result = self._last.get(operation, invented)
            self._last[operation] = work.result
        job.end("failed" if job.error else "completed")

    def _new(self, name: str, request: Request) -> Job:
        wanted = ask.read(name, request.json(), self.engine.timing)
        if wanted.streams:
            raise Refused(400, "A job cannot be streamed.", "stream")
        return self.submit(wanted, request.received_ns)

    def _job(self, request: Request) -> Job:
        job = self.jobs.get(request.id)
        if job is None:
            raise Refused(404, f"No job has the id {request.id!r}.")
        return job

    # Blocking twin path

    def _block(self, name: str, conn: Connection, request: Request) -> None:
        key = request.headers.get("idempotency-key")
        job = self._keys.get(key) if key else None
        if job is None:
            job = self._new(name, request)
            if key:
                self._keys[key] = job
        if job.over:
            job.answer(conn)
            return
        waiting = job
        call = partial(Job.answer, conn=conn)
        job.then.append(call)
        conn.left = lambda: waiting.then.remove(call) if call in waiting.then else None

    # An id, polled at the same path

    def _accept(self, name: str, conn: Connection, request: Request) -> None:
        job = self._new(name, request)
        conn.reply(202, orjson.dumps({"id": job.id, "status": "pending"}))

    def _poll(self, conn: Connection, request: Request) -> None:
        job = self._job(request)
        if not job.over:
            shown = "pending" if job.status == "queued" else "processing"
            conn.reply(202, orjson.dumps({"id": job.id, "status": shown}))
        elif job.error is not None:
            error = orjson.loads(job.error.body())["error"]
            conn.reply(200, orjson.dumps({"id": job.id, "status": "failed", "error": error}))
        else:
            conn.reply(200, orjson.dumps({"id": job.id, "status": "completed", "result": job.result}))

    # URLs in the body

    def _fal(self, conn: Connection, request: Request) -> None:
        job = self._new("chat/completions", request)
        conn.reply(200, orjson.dumps(self._fal_body(job, request)))

    def _fal_body(self, job: Job, request: Request) -> Json:
        url = f"{_origin(request)}/v1/queue/requests/{job.id}"
        return {
            "request_id": job.id,
            "status": FAL.get(job.status, "COMPLETED"),
            "queue_position": self.engine.place(job.work),
            "status_url": f"{url}/status",
            "response_url": url,
            "cancel_url": f"{url}/cancel",
        }

    def _fal_status(self, conn: Connection, request: Request) -> None:
        job = self._job(request)
        conn.reply(200 if job.over else 202, orjson.dumps(self._fal_body(job, request)))

    def _fal_response(self, conn: Connection, request: Request) -> None:
        job = self._job(request)
        if not job.over:
            raise Refused(400, "Request is still in progress")
        job.answer(conn)

    def _fal_cancel(self, conn: Connection, request: Request) -> None:
        job = self._job(request)
        if job.over:
            conn.reply(400, orjson.dumps({"status": "ALREADY_COMPLETED"}))
            return
        self.cancel(job)
        conn.reply(202, orjson.dumps({"status": "CANCELLATION_REQUESTED"}))

    # An id in a header

    def _pexec(self, name: str, conn: Connection, request: Request) -> None:
        self._pexec_said(conn, self._new(name, request))

    def _pexec_status(self, conn: Connection, request: Request) -> None:
        self._pexec_said(conn, self._job(request))

    def _pexec_said(self, conn: Connection, job: Job) -> None:
        headers = {"NVCF-REQID": job.id, "NVCF-STATUS": NVCF.get(job.status, "rejected")}
        if not job.over:
            conn.reply(202, b"", headers)
        elif job.error is not None:
            conn.reply(job.error.status, job.error.body(), headers)
        else:
            conn.reply(200, orjson.dumps(job.result), headers)

    # A location

    def _operate(self, name: str, conn: Connection, request: Request) -> None:
        if "respond-async" not in request.headers.get("prefer", ""):
            self._block(name, conn, request)
            return
        job = self._new(name, request)
        url = f"{_origin(request)}/v1/operations/{job.id}"
        headers = {
            "Location": url,
            "Operation-Location": url,
            "Retry-After": "1",
            "Preference-Applied": "respond-async",
        }
        conn.reply(202, orjson.dumps({"id": job.id, "status": AZURE.get(job.status, "NotStarted")}), headers)

    def _operation(self, conn: Connection, request: Request) -> None:
        job = self._job(request)
        body: Json = {"id": job.id, "status": AZURE.get(job.status, "Canceled")}
        if job.error is not None:
            body["error"] = orjson.loads(job.error.body())["error"]
        elif job.over:
            body["result"] = job.result
        conn.reply(200, orjson.dumps(body), {} if job.over else {"Retry-After": "1"})

    def _forget(self, conn: Connection, request: Request) -> None:
        self.cancel(self._job(request))
        conn.reply(204, b"")

    # The object itself

    def background(self, conn: Connection, request: Request, wanted: Ask) -> None:
        """A response that is made in the background."""
        if wanted.streams:
            raise Refused(400, "A background response cannot be streamed here.", "stream")
        conn.reply(200, orjson.dumps(_object(self.submit(wanted, request.received_ns))))

    def _response(self, conn: Connection, request: Request) -> None:
        conn.reply(200, orjson.dumps(_object(self._job(request))))

    def _cancel_response(self, conn: Connection, request: Request) -> None:
        job = self._job(request)
        self.cancel(job)
        conn.reply(200, orjson.dumps(_object(job)))


def _object(job: Job) -> Json:
    if job.ended == "completed" and job.result is not None:
        return job.result | {"id": job.id}
    status = "in_progress" if job.status == "running" else job.status
    shown = responses.response(job.ask, job.id, status)
    if job.ended == "failed":
        shown["error"] = {"code": "server_error", "message": str(job.error)}
    return shown


def _origin(request: Request) -> str:
    return f"http://{request.headers.get('host', '127.0.0.1')}"
