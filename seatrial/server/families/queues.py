"""Queues in front of chat completions that answer with a job: P1 to P4. A job's state is a matter of its age."""

from __future__ import annotations

import copy
import json
import secrets
import time
from dataclasses import dataclass, field
from typing import Any

from starlette.responses import Response

from seatrial.server.call import Call
from seatrial.server.plant import Json, Plants
from seatrial.server.refuse import Refused, bad

QUEUED_S, ENDED_S = 0.1, 0.3
"""Seconds after which a job is executed, and after which it has ended."""
_STATES = {
    "p1": ("pending", "processing", "completed", "cancelled"),
    "p2": ("IN_QUEUE", "IN_PROGRESS", "COMPLETED", "CANCELLED"),
    "p3": ("pending-evaluation", "in-progress", "fulfilled", "rejected"),
    "p4": ("NotStarted", "Running", "Succeeded", "Canceled"),
}


@dataclass(slots=True)
class Job:
    """A request that was accepted, and the answer that its submitter will find."""

    id: str
    kind: str
    answer: Json
    begun: float = field(default_factory=time.monotonic)
    cancelled: bool = False

    @property
    def place(self) -> int:
        """0 queued, 1 running, 2 ended well, 3 cancelled."""
        age = time.monotonic() - self.begun
        return 3 if self.cancelled else (age >= QUEUED_S) + (age >= ENDED_S)

    @property
    def state(self) -> str:
        """The state in the words of its pattern."""
        return _STATES[self.kind][self.place]


def _jobs(call: Call) -> dict[str, Job]:
    found: dict[str, Job] = call.store("jobs", dict)
    return found


def _submitted(call: Call, kind: str) -> Job:
    """The job of this request; that of an earlier one with the same idempotency key. Raises Refused as chat does."""
    keys: dict[str, str] = call.store("idempotency", dict)
    key = call.request.headers.get("idempotency-key")
    if key is not None and keys.get(key) in _jobs(call):
        return _jobs(call)[keys[key]]
    # A job keeps what the engine said: what a plant spoils is spoilt where the job's answer is sent.
    engine = copy.copy(call.server)
    engine.plants = Plants()
    made = engine.chat(call.request, call.body)
    if made.media_type != "application/json":
        raise bad("stream", "What is queued cannot be streamed.", "unsupported_value")
    job = Job(f"{kind}-{secrets.token_hex(8)}", kind, json.loads(bytes(made.body)))
    _jobs(call)[job.id] = job
    if key is not None:
        keys[key] = job.id
    return job


def _found(call: Call) -> Job:
    job = _jobs(call).get(call.path["job"])
    if job is None:
        raise Refused(404, "There is no such job.", None, "job_not_found")
    return job


def _url(call: Call, path: str) -> str:
    base = "/" + call.request.url.path.split("/")[1]
    return f"{call.request.url.scheme}://{call.request.url.netloc}{base}{path}"


def _with(made: Response, headers: dict[str, str]) -> Response:
    made.headers.update(headers)
    return made


def submit_async(call: Call) -> Response:
    """P1: 202 and an id."""
    job = _submitted(call, "p1")
    return call.answer({"id": job.id, "status": job.state}, status=202)


def poll_async(call: Call) -> Response:
    """P1: 202 until the result is there."""
    job = _found(call)
    body: dict[str, Any] = {"id": job.id, "status": job.state}
    return call.answer(body | ({"result": job.answer} if job.place == 2 else {}), status=200 if job.place >= 2 else 202)


def submit_queued(call: Call) -> Response:
    """P2: URLs for all that follows."""
    job = _submitted(call, "p2")
    at = _url(call, f"/queue/requests/{job.id}")
    body = {"request_id": job.id, "status": job.state, "status_url": f"{at}/status", "response_url": at}
    return call.answer(body | {"cancel_url": f"{at}/cancel"})


def status_queued(call: Call) -> Response:
    """P2: the state alone."""
    job = _found(call)
    body = {"request_id": job.id, "status": job.state} | ({"queue_position": 0} if not job.place else {})
    return call.answer(body, status=200 if job.place >= 2 else 202)


def result_queued(call: Call) -> Response:
    """P2: the plain answer, once it is there."""
    job = _found(call)
    if job.place != 2:
        raise Refused(400, "The request has no result.", None, "no_result")
    return call.answer(job.answer)


def cancel_queued(call: Call) -> Response:
    """P2: ends a job that has not ended."""
    job = _found(call)
    if job.place >= 2:
        raise Refused(400, "The request has ended.", None, "already_ended")
    job.cancelled = True
    return call.answer({"status": "CANCELLATION_REQUESTED"}, status=202)


def submit_exec(call: Call) -> Response:
    """P3: 202 and an id in a header."""
    job = _submitted(call, "p3")
    return _with(call.answer({}, status=202), {"nvcf-reqid": job.id, "nvcf-status": job.state})


def poll_exec(call: Call) -> Response:
    """P3: the plain answer, once it is there."""
    job = _found(call)
    done = job.place == 2
    made = call.answer(job.answer if done else {}, status=200 if done else 202)
    return _with(made, {"nvcf-reqid": job.id, "nvcf-status": job.state})


def submit_operation(call: Call) -> Response:
    """P4: the plain answer, or 202 and a monitor where the client prefers that."""
    if "respond-async" not in call.request.headers.get("prefer", ""):
        return call.server.chat(call.request, call.body)
    job = _submitted(call, "p4")
    headers = {
        "location": _url(call, f"/operations/{job.id}"),
        "retry-after": "1",
        "preference-applied": "respond-async",
    }
    return _with(call.answer({"id": job.id, "status": job.state}, status=202), headers)


def monitor(call: Call) -> Response:
    """P4: the state, and the result within it."""
    job = _found(call)
    body: dict[str, Any] = {"id": job.id, "status": job.state}
    return call.answer(body | ({"result": job.answer} if job.place == 2 else {}))


def cancel_operation(call: Call) -> Response:
    """P4: ends a job, or forgets one that has ended."""
    job = _found(call)
    job.cancelled = job.cancelled or job.place < 2
    return call.answer({"id": job.id, "status": job.state})


ROUTES = {
    "/async/chat/completions": {"POST": submit_async},
    "/async/chat/completions/{job}": {"GET": poll_async},
    "/queue/submit": {"POST": submit_queued},
    "/queue/requests/{job}/status": {"GET": status_queued},
    "/queue/requests/{job}/cancel": {"PUT": cancel_queued},
    "/queue/requests/{job}": {"GET": result_queued},
    "/pexec/chat/completions": {"POST": submit_exec},
    "/pexec/status/{job}": {"GET": poll_exec},
    "/operations/chat/completions": {"POST": submit_operation},
    "/operations/{job}": {"GET": monitor, "DELETE": cancel_operation},
}
