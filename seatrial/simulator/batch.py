"""Batches: a file of requests in, a file of answers out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter_ns
from typing import Any

import orjson

from seatrial.simulator import ask
from seatrial.simulator.engine import Engine
from seatrial.simulator.http import Connection
from seatrial.simulator.loop import Life
from seatrial.simulator.parse import Refused, Request, form
from seatrial.simulator.plain import created
from seatrial.simulator.queue import Job, Queue
from seatrial.simulator.timing import MS

Handle = Callable[[Connection, Request], None]
Json = dict[str, Any]
ENDPOINTS = ("/v1/chat/completions", "/v1/completions", "/v1/embeddings", "/v1/responses")
PASSING_NS = 20 * MS
"""How long a batch is validated, and finalized."""


@dataclass(slots=True)
class File:
    """An uploaded or written file."""

    id: str
    name: str
    purpose: str
    data: bytes
    created: int = field(default_factory=created)

    def body(self) -> Json:
        return {
            "id": self.id,
            "object": "file",
            "bytes": len(self.data),
            "created_at": self.created,
            "filename": self.name,
            "purpose": self.purpose,
            "status": "processed",
        }


@dataclass(slots=True)
class Batch:
    """One batch; its jobs by custom_id."""

    id: str
    endpoint: str
    input: File
    window: str
    status: str = "validating"
    jobs: dict[str, Job] = field(default_factory=dict)
    output: str | None = None
    errors: str | None = None
    problem: str | None = None
    stamps: dict[str, int] = field(default_factory=dict)

    def pass_to(self, status: str) -> None:
        self.status = status
        self.stamps[f"{status}_at"] = created()

    def body(self) -> Json:
        ended = [job.ended for job in self.jobs.values()]
        times = ("in_progress_at", "finalizing_at", "completed_at", "failed_at", "cancelling_at", "cancelled_at")
        problem = [{"code": "invalid_request", "message": self.problem, "param": None, "line": None}]
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.endpoint,
            "errors": {"object": "list", "data": problem} if self.problem else None,
            "input_file_id": self.input.id,
            "completion_window": self.window,
            "status": self.status,
            "output_file_id": self.output,
            "error_file_id": self.errors,
            "created_at": self.stamps["created_at"],
            **{name: self.stamps.get(name) for name in times},
            "request_counts": {
                "total": len(ended),
                "completed": ended.count("completed"),
                "failed": ended.count("failed"),
            },
        }


class Batches:
    """Files, and the batches that read and write them."""

    def __init__(self, engine: Engine, queue: Queue) -> None:
        self.engine, self.queue = engine, queue
        self.files: dict[str, File] = {}
        self.batches: dict[str, Batch] = {}

    def routes(self) -> dict[tuple[str, str], Handle]:
        return {
            ("POST", "/v1/files"): self._upload,
            ("GET", "/v1/files/*"): lambda conn, request: _say(conn, self._file(request.id).body()),
            ("GET", "/v1/files/*/content"): self._content,
            ("POST", "/v1/batches"): self._create,
            ("GET", "/v1/batches/*"): lambda conn, request: _say(conn, self._batch(request).body()),
            ("POST", "/v1/batches/*/cancel"): self._cancel,
        }

    def _keep(self, name: str, purpose: str, data: bytes) -> File:
        file = File(f"file-{self.engine.mint()[1]}", name, purpose, data)
        self.files[file.id] = file
        return file

    def _file(self, id: str) -> File:
        if id not in self.files:
            raise Refused(404, f"No such File object: {id}", "id")
        return self.files[id]

    def _batch(self, request: Request) -> Batch:
        if request.id not in self.batches:
            raise Refused(404, f"No batch found with id {request.id!r}.")
        return self.batches[request.id]

    def _upload(self, conn: Connection, request: Request) -> None:
        parts = form(request)
        if "file" not in parts or "purpose" not in parts:
            raise Refused(400, "The form has no file, or no purpose.")
        name, purpose = parts["file"].filename or "upload", parts["purpose"].data.decode("utf-8", "replace")
        _say(conn, self._keep(name, purpose, parts["file"].data).body())

    def _content(self, conn: Connection, request: Request) -> None:
        conn.reply(200, self._file(request.id).data, media="application/octet-stream")

    def _create(self, conn: Connection, request: Request) -> None:
        body = request.json()
        endpoint = body.get("endpoint")
        if endpoint not in ENDPOINTS:
            raise Refused(400, f"'endpoint' is one of {', '.join(ENDPOINTS)}", "endpoint")
        input, window = self._file(str(body.get("input_file_id"))), body.get("completion_window")
        if not isinstance(window, str):
            raise Refused(400, "'completion_window' is missing", "completion_window")
        batch = Batch(f"batch_{self.engine.mint()[1]}", endpoint, input, window)
        batch.stamps["created_at"] = created()
        self.batches[batch.id] = batch
        self.engine.loop.run(self._begin(batch, request.received_ns), perf_counter_ns() + PASSING_NS)
        _say(conn, batch.body())

    def _begin(self, batch: Batch, received_ns: int) -> Life:
        if batch.status != "validating":
            return
        wanted = {}
        try:
            for number, line in enumerate(batch.input.data.splitlines(), 1):
                row = orjson.loads(line)
                if row["url"] != batch.endpoint or row["method"] != "POST" or row["custom_id"] in wanted:
                    raise Refused(400, f"line {number}: its url, method or custom_id is wrong")
                wanted[row["custom_id"]] = ask.read(batch.endpoint[4:], row["body"], self.engine.timing)
            if not wanted:
                raise Refused(400, "the file has no requests")
        except (Refused, orjson.JSONDecodeError, KeyError, TypeError, AttributeError) as error:
            batch.problem = f"The input file is invalid: {error}"
            batch.pass_to("failed")
            return
        batch.pass_to("in_progress")
        for custom, one in wanted.items():
            job = self.queue.submit(one, received_ns, limited=False)
            batch.jobs[custom] = job
            job.then.append(partial(self._progress, batch))
        return
        yield 0

    def _progress(self, batch: Batch, job: Job) -> None:
        if batch.status == "in_progress" and all(one.over for one in batch.jobs.values()):
            batch.pass_to("finalizing")
            self.engine.loop.run(self._finalize(batch, "completed"), perf_counter_ns() + PASSING_NS)

    def _finalize(self, batch: Batch, status: str) -> Life:
        output: list[bytes] = []
        errors: list[bytes] = []
        for custom, job in batch.jobs.items():
            fine = job.error is None
            answer = job.result if fine or job.error is None else orjson.loads(job.error.body())
            code = 200 if job.error is None else job.error.status
            said = {"status_code": code, "request_id": f"req_{job.id}", "body": answer}
            row = {"id": f"batch_req_{job.id}", "custom_id": custom, "response": said, "error": None}
            (output if fine else errors).append(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
        if output:
            batch.output = self._keep("output.jsonl", "batch_output", b"".join(output)).id
        if errors:
            batch.errors = self._keep("errors.jsonl", "batch_output", b"".join(errors)).id
        batch.pass_to(status)
        return
        yield 0

    def _cancel(self, conn: Connection, request: Request) -> None:
        batch = self._batch(request)
        if batch.status not in ("validating", "in_progress"):
            raise Refused(409, f"Cannot cancel a batch with status '{batch.status}'.")
        batch.pass_to("cancelling")
        for job in batch.jobs.values():
            self.queue.cancel(job)
        self.engine.loop.run(self._finalize(batch, "cancelled"), perf_counter_ns() + PASSING_NS)
        _say(conn, batch.body())


def _say(conn: Connection, body: Json) -> None:
    conn.reply(200, orjson.dumps(body))
