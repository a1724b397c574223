"""Batches: a file of requests, each put to the server's own handlers. What a batch is like is a function of its age."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from seatrial.server import paging
from seatrial.server import validate as v
from seatrial.server.app import Server
from seatrial.server.call import Call
from seatrial.server.families import files, handlers_by_path
from seatrial.server.plant import Json, Plants, Settings
from seatrial.server.refuse import Refused, bad

_ENDPOINTS = (
    "/v1/responses",
    "/v1/chat/completions",
    "/v1/embeddings",
    "/v1/completions",
    "/v1/moderations",
    "/v1/images/generations",
    "/v1/images/edits",
    "/v1/videos",
)
_WINDOW_S = 24 * 3600
_MOST_LINES = 50_000
_VALIDATED_S, _RUN_S, _DONE_S, _CANCELLED_S = 0.1, 0.5, 0.6, 0.2
"""Seconds after which a batch is validated, has run, has its files; and, once it is cancelled, is at rest."""


@dataclass(slots=True)
class Batch:
    """A batch, its lines, and what became of each."""

    body: Json
    lines: list[Json]
    faults: list[Json]
    run: Callable[[Json], tuple[int, Any]]
    results: list[tuple[int, Any]] = field(default_factory=list)
    output: files.File | None = None
    errors: files.File | None = None
    cancelled_at: float | None = None
    id: str = field(default_factory=lambda: "batch_" + secrets.token_hex(12))
    since: float = field(default_factory=time.time)

    @property
    def age(self) -> float:
        return time.time() - self.since

    @property
    def status(self) -> str:
        if self.cancelled_at is not None:
            return "cancelling" if time.time() < self.cancelled_at + _CANCELLED_S else "cancelled"
        if self.age < _VALIDATED_S:
            return "validating"
        if self.faults:
            return "failed"
        if self.age < _RUN_S:
            return "in_progress"
        return "finalizing" if self.age < _DONE_S else "completed"

    def advance(self, call: Call) -> str:
        """Runs the lines that are due, writes the files when it is time, and says the status."""
        status = self.status
        if self.faults or status == "validating":
            return status
        until = self.age if self.cancelled_at is None else self.cancelled_at - self.since
        due = int(len(self.lines) * (until - _VALIDATED_S) / (_RUN_S - _VALIDATED_S))
        for line in self.lines[len(self.results) : max(0, due)]:
            self.results.append(self.run(line))
        if status in ("completed", "cancelled") and self.output is None and self.errors is None:
            rows = list(zip(self.lines, self.results, strict=False))
            self.output = self._file(call, "output", [row for row in rows if row[1][0] < 400])
            self.errors = self._file(call, "error", [row for row in rows if row[1][0] >= 400])
        return status

    def _file(self, call: Call, kind: str, rows: list[tuple[Json, tuple[int, Any]]]) -> files.File | None:
        if not rows:
            return None
        made = []
        for line, (status, body) in rows:
            answer = {"status_code": status, "request_id": "req_" + secrets.token_hex(12), "body": body}
            id = "batch_req_" + secrets.token_hex(12)
            made.append({"id": id, "custom_id": line["custom_id"], "response": answer, "error": None})
        data = b"".join(json.dumps(row).encode() + b"\n" for row in made)
        file = files.File(f"{self.id}_{kind}.jsonl", data, "batch_output")
        file.expires_at = files.expiry("output_expires_after", self.body.get("output_expires_after"), file.created)
        return files.keep(call, file)

    def shown(self, call: Call) -> Json:
        """The object as it is now."""
        status = self.advance(call)
        failed = sum(code >= 400 for code, _ in self.results)
        counts = {"total": len(self.lines), "completed": len(self.results) - failed, "failed": failed}
        going = status not in ("validating", "failed")
        done = status == "completed"
        models = {line["body"].get("model") for line in self.lines}
        return {
            "id": self.id,
            "object": "batch",
            "endpoint": self.body["endpoint"],
            "model": next(iter(models)) if len(models) == 1 else None,
            "errors": {"object": "list", "data": self.faults} if status == "failed" else None,
            "input_file_id": self.body["input_file_id"],
            "completion_window": self.body["completion_window"],
            "status": status,
            "output_file_id": self.output.id if self.output else None,
            "error_file_id": self.errors.id if self.errors else None,
            "created_at": int(self.since),
            "in_progress_at": int(self.since + _VALIDATED_S) if going else None,
            "expires_at": int(self.since) + _WINDOW_S,
            "finalizing_at": int(self.since + _RUN_S) if status == "finalizing" or done else None,
            "completed_at": int(self.since + _DONE_S) if done else None,
            "failed_at": int(self.since + _VALIDATED_S) if status == "failed" else None,
            "expired_at": None,
            "cancelling_at": None if self.cancelled_at is None else int(self.cancelled_at),
            "cancelled_at": int((self.cancelled_at or 0) + _CANCELLED_S) if status == "cancelled" else None,
            "request_counts": counts if going else {"total": 0, "completed": 0, "failed": 0},
            "metadata": self.body.get("metadata"),
        }


def _runner(call: Call, endpoint: str) -> Callable[[Json], tuple[int, Any]]:
    """Puts the body of a line to the handler of the batch's endpoint; what is planted in answers is not in these."""
    server = Server(Settings(), Plants(), call.server.models)
    core = {"/chat/completions": server.chat, "/completions": server.completions, "/embeddings": server.embeddings}
    path = endpoint.removeprefix("/v1")

    def run(line: Json) -> tuple[int, Any]:
        body = json.dumps(line["body"]).encode()
        headers = [(b"content-type", b"application/json")]
        request = Request({**call.request.scope, "method": "POST", "path": endpoint, "headers": headers})
        try:
            if line["body"].get("stream"):
                raise bad("stream", "A request of a batch cannot be streamed.", "invalid_value")
            if path in core:
                made = core[path](request, body)
            else:
                made = handlers_by_path()[path]["POST"](Call(server, request, body, f"POST {path}"))
        except Refused as refused:
            return refused.status, refused.envelope
        if isinstance(made, StreamingResponse):
            raise TypeError("a line's answer is a stream")
        return made.status_code, json.loads(bytes(made.body))

    return run


def _fault(code: str, message: str, line: int | None, param: str | None = None) -> Json:
    return {"code": code, "message": message, "param": param, "line": line}


def _read(data: bytes, endpoint: str) -> tuple[list[Json], list[Json]]:
    """The requests of a file, and what is wrong with its lines."""
    lines: list[Json] = []
    faults: list[Json] = []
    seen: set[str] = set()
    for number, text in enumerate(data.split(b"\n"), 1):
        if not text.strip():
            continue
        try:
            line: Any = json.loads(text)
        except (ValueError, RecursionError):
            line = None
        if not isinstance(line, dict):
            faults.append(_fault("invalid_json_line", "This line is not parseable as valid JSON.", number))
            continue
        if not isinstance(line.get("custom_id"), str):
            faults.append(_fault("missing_required_parameter", "A line needs a custom_id.", number, "custom_id"))
        elif line["custom_id"] in seen:
            faults.append(_fault("duplicate_custom_id", "The custom_id is there already.", number, "custom_id"))
        elif line.get("method") != "POST":
            faults.append(_fault("invalid_method", "The method of a line is POST.", number, "method"))
        elif line.get("url") != endpoint:
            faults.append(_fault("mismatched_url", f"The url is not the batch's, {endpoint}.", number, "url"))
        elif not isinstance(line.get("body"), dict):
            faults.append(_fault("missing_required_parameter", "A line needs a body.", number, "body"))
        else:
            seen.add(line["custom_id"])
            lines.append(line)
    if not lines and not faults:
        faults.append(_fault("empty_file", "The input file has no request.", None))
    if len(lines) > _MOST_LINES:
        faults.append(_fault("too_many_requests", f"A batch has at most {_MOST_LINES} requests.", None))
    return lines, faults


def _valid(body: Json) -> None:
    rules = {
        "input_file_id": v.text(),
        "endpoint": v.one_of(*_ENDPOINTS),
        "completion_window": v.one_of("24h"),
        "metadata": v.metadata,
    }
    v.members(body, rules, {"output_expires_after"})
    v.required(body, "input_file_id", "endpoint", "completion_window")
    files.expiry("output_expires_after", body.get("output_expires_after"), 0)


def create(call: Call) -> Response:
    body = call.json(_valid)
    file = files.kept(call).get(body["input_file_id"])
    if file is None:
        raise bad("input_file_id", f"No such File object: {body['input_file_id']}", "invalid_value")
    if file.purpose != "batch":
        raise bad("input_file_id", f"Expected a file of purpose batch, not {file.purpose}.", "invalid_value")
    path = body["endpoint"].removeprefix("/v1")
    if path not in ("/chat/completions", "/completions", "/embeddings") and path not in handlers_by_path():
        raise bad("endpoint", f"Batches of {body['endpoint']} are not offered.", "invalid_value")
    lines, faults = _read(file.data, body["endpoint"])
    made = Batch(body, lines, faults, _runner(call, body["endpoint"]))
    call.store("batches", dict)[made.id] = made
    return call.answer(made.shown(call), body)


def _found(call: Call) -> Batch:
    found: dict[str, Batch] = call.store("batches", dict)
    id = call.path["batch_id"]
    if id not in found:
        raise Refused(404, f"No batch found with id '{id}'.", "id")
    return found[id]


def retrieve(call: Call) -> Response:
    return call.answer(_found(call).shown(call))


def list_all(call: Call) -> Response:
    rows = [batch.shown(call) for batch in call.store("batches", dict).values()]
    return call.answer(paging.page(call.query, rows, order="desc"))


def cancel(call: Call) -> Response:
    batch = _found(call)
    status = batch.advance(call)
    if status in ("failed", "completed"):
        raise bad("id", f"Cannot cancel a batch with status '{status}'.", "invalid_value")
    batch.cancelled_at = batch.cancelled_at or time.time()
    return call.answer(batch.shown(call))


ROUTES = {
    "/batches": {"POST": create, "GET": list_all},
    "/batches/{batch_id}": {"GET": retrieve},
    "/batches/{batch_id}/cancel": {"POST": cancel},
}
