"""run.jsonl: the record of one run, written as it happens and read back by everything else."""

from __future__ import annotations

import base64
import json
import os
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from seatrial import formats, schema
from seatrial.model import (
    Event,
    Exchange,
    Finding,
    Invalid,
    Level,
    Operation,
    Request,
    Status,
    TransportError,
    Verdict,
)
from seatrial.pointer import pointer

FORMAT = 1


def _bytes_out(data: bytes) -> dict[str, str]:
    try:
        return {"text": data.decode("utf-8")}
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode("ascii")}


def _bytes_in(data: Mapping[str, str]) -> bytes:
    return data["text"].encode("utf-8") if "text" in data else base64.b64decode(data["base64"])


def exchange_line(exchange: Exchange, case: str) -> dict[str, Any]:
    """The exchange as one JSON object; holds no secret, since the exchange holds none."""
    request = exchange.request
    return {
        "type": "exchange",
        "number": exchange.number,
        "case": case,
        "step": exchange.step,
        "operation": {
            "id": exchange.operation.id,
            "method": exchange.operation.method,
            "path": exchange.operation.path,
        },
        "auth": exchange.auth,
        "request": {
            "method": request.method,
            "url": request.url,
            "headers": [list(pair) for pair in request.headers],
            "body": _bytes_out(request.body),
        },
        "status": exchange.status,
        "http_version": exchange.http_version,
        "headers": [list(pair) for pair in exchange.headers],
        "body": _bytes_out(exchange.body),
        "arrivals": [list(pair) for pair in exchange.arrivals],
        "events": [[e.data, e.event, e.id, e.at_ns, e.start, e.end] for e in exchange.events],
        "error": {"kind": exchange.error.kind, "detail": exchange.error.detail} if exchange.error else None,
        "started": exchange.started,
        "late_ns": exchange.late_ns,
        "headers_ns": exchange.headers_ns,
        "end_ns": exchange.end_ns,
        "left_open": exchange.left_open,
    }


def exchange_from(line: Mapping[str, Any], operations: Mapping[str, Operation]) -> Exchange:
    """The exchange of one line; its operation is the one known now under that name, else as recorded."""
    recorded = line["operation"]
    operation = operations.get(recorded["id"]) or Operation(recorded["id"], recorded["method"], recorded["path"])
    request = line["request"]
    error = line["error"]
    return Exchange(
        number=line["number"],
        operation=operation,
        request=Request(
            request["method"],
            request["url"],
            tuple((name, value) for name, value in request["headers"]),
            _bytes_in(request["body"]),
        ),
        status=line["status"],
        headers=tuple((name, value) for name, value in line["headers"]),
        body=_bytes_in(line["body"]),
        arrivals=tuple((size, at) for size, at in line["arrivals"]),
        events=tuple(Event(*event) for event in line["events"]),
        error=TransportError(error["kind"], error["detail"]) if error else None,
        started=line["started"],
        headers_ns=line["headers_ns"],
        end_ns=line["end_ns"],
        http_version=line["http_version"],
        late_ns=line["late_ns"],
        step=line["step"],
        auth=line["auth"],
        left_open=line["left_open"],
    )


def verdict_line(verdict: Verdict) -> dict[str, Any]:
    """The verdict as one JSON object."""
    return {
        "type": "verdict",
        "id": verdict.id,
        "check": verdict.check,
        "scenario": verdict.scenario,
        "case": verdict.case,
        "area": verdict.area,
        "level": verdict.level.value,
        "status": verdict.status.word,
        "requirement": verdict.requirement,
        "spec": verdict.spec,
        "exchange": verdict.exchange,
        "reason": verdict.reason,
        "findings": [{"expected": f.expected, "actual": f.actual, "where": f.where} for f in verdict.findings],
        "known": verdict.known,
    }


def verdict_from(line: Mapping[str, Any]) -> Verdict:
    """The verdict of one line. What many verdicts have in common is held once: a run may have 100,000 of them."""
    return Verdict(
        id=line["id"],
        check=sys.intern(line["check"]),
        scenario=sys.intern(line["scenario"]),
        case=sys.intern(line["case"]),
        area=sys.intern(line["area"]),
        level=Level(line["level"]),
        status=Status[line["status"].upper()],
        requirement=sys.intern(line["requirement"]),
        spec=sys.intern(line["spec"]),
        exchange=line["exchange"],
        reason=sys.intern(line["reason"]),
        findings=tuple(Finding(f["expected"], f["actual"], f["where"]) for f in line["findings"]),
        known=line["known"],
    )


class Sink(Protocol):
    """Takes the lines of a record."""

    def write(self, line: Mapping[str, Any]) -> None: ...


class Recorder:
    """Appends lines to run.jsonl; several processes may write to one file, each line in one write."""

    def __init__(self, path: Path, fresh: bool = False) -> None:
        """Raises FileExistsError where it is to be `fresh` and is not."""
        self.path = path
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_EXCL if fresh else 0)
        self._descriptor = os.open(path, flags, 0o644)
        self._refused: OSError | None = None

    def write(self, line: Mapping[str, Any]) -> None:
        """The line is in the file when this returns. Raises OSError where the disk refuses, and ever after."""
        if self._refused is not None:
            raise self._refused  # a line after half a line would make the record unreadable
        data = json.dumps(line, ensure_ascii=True, separators=(",", ":")).encode("ascii") + b"\n"
        view = memoryview(data)
        try:
            while view:
                view = view[os.write(self._descriptor, view) :]
        except OSError as error:
            self._refused = error
            raise

    def close(self) -> None:
        os.close(self._descriptor)


@dataclass(frozen=True)
class Run:
    """One run as read back: header, verdicts in order, exchanges by number; `complete` needs a footer that says so."""

    header: Mapping[str, Any]
    verdicts: tuple[Verdict, ...]
    exchanges: Mapping[int, Exchange]
    footer: Mapping[str, Any] | None = None
    planned: int = 0
    judged: Mapping[str, Mapping[int, bool]] = field(default_factory=dict)
    """The cases that were played to their end: of each, the exchanges that were judged, and whether `taken`."""
    polled: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    """Of each such case, the answers that a poll passed over: only what relates exchanges looks at them."""
    notes: tuple[str, ...] = ()

    @property
    def complete(self) -> bool:
        return self.footer is not None and bool(self.footer.get("complete"))

    @property
    def target(self) -> Mapping[str, Any]:
        """base_url, profile, models."""
        target: Mapping[str, Any] = self.header.get("target", {})
        return target

    @property
    def seconds(self) -> float:
        """How long the run took, as far as is known."""
        if self.footer:
            return float(self.footer.get("seconds", 0.0))
        ends = [exchange.started + exchange.end_ns / 1e9 for exchange in self.exchanges.values()]
        return max(ends, default=0.0) - float(self.header.get("started", 0.0)) if ends else 0.0

    def tokens(self) -> tuple[int, int]:
        """Prompt and completion tokens over all exchanges, from the server's own usage."""
        prompt = completion = 0
        for exchange in self.exchanges.values():
            counted = usage(exchange)
            prompt += _count(counted.get("prompt_tokens"))
            completion += _count(counted.get("completion_tokens"))
        return prompt, completion


def _count(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else 0


def usage(exchange: Exchange) -> Mapping[str, Any]:
    """The server's own count of an answer's tokens; empty where it gives none."""
    bodies = [event.data for event in reversed(exchange.events[-4:])] if exchange.events else [exchange.text]
    for body in bodies:
        if '"usage"' not in body:
            continue
        try:
            found = json.loads(body).get("usage")
        except (ValueError, AttributeError, RecursionError):
            continue
        if isinstance(found, dict):
            return found
    return {}


def lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each whole line of a run.jsonl with its number; a last line cut short by a crash is left out.

    Raises Invalid where the file cannot be read or an inner line is no JSON object.
    """
    try:
        source = path.open("rb")
    except OSError as error:
        raise Invalid(str(path), "", f"cannot be read: {error.strerror}") from error
    with source:
        yield from _lines(path, source)


def _lines(path: Path, source: Iterable[bytes]) -> Iterator[tuple[int, dict[str, Any]]]:
    for number, row in enumerate(source, 1):
        if row == b"\n":
            continue
        try:
            line = json.loads(row)
        except (ValueError, RecursionError) as error:
            if not row.endswith(b"\n"):
                return
            raise Invalid(str(path), "", f"is not JSON: {error}", number) from error
        if not isinstance(line, dict):
            raise Invalid(str(path), "", "is not a JSON object", number)
        yield number, line


def read(path: Path, operations: Mapping[str, Operation] | None = None, checked: bool = False) -> Run:
    """The run recorded in a run.jsonl, or in the folder that holds one.

    `checked` holds each line to its schema, which takes seconds; it is for a record that others may have changed.
    Raises Invalid where the file is no run of a format known here.
    """
    if path.is_dir():
        path = path / "run.jsonl"
    header: dict[str, Any] = {}
    footer: dict[str, Any] | None = None
    verdicts: list[Verdict] = []
    exchanges: dict[int, Exchange] = {}
    notes: list[str] = []
    judged: dict[str, dict[int, bool]] = {}
    polled: dict[str, tuple[int, ...]] = {}
    planned = 0
    for number, line in lines(path):
        kind = line.get("type")
        if not header and kind != "header":
            raise Invalid(str(path), "", "is no run: the first line is not a header", number)
        if kind == "header":
            formats.hold(f"{path}:{number}", line.get("format"), FORMAT)
        if checked:
            wrong = next(schema.validator("run.schema.json").iter_errors(line), None)
            if wrong is not None:
                raise Invalid(str(path), pointer(wrong.absolute_path), wrong.message[:300], number)
        try:
            match kind:
                case "header":
                    header = line
                case "plan":
                    planned = line["cases"]
                case "exchange":
                    exchange = exchange_from(line, operations or {})
                    exchanges[exchange.number] = exchange
                case "verdict":
                    verdicts.append(verdict_from(line))
                case "case":
                    judged[line["id"]] = {n: n in line["taken"] for n in line["judged"]}
                    polled[line["id"]] = tuple(line.get("polled", ()))
                    if not exchanges.keys() >= {*judged[line["id"]], *polled[line["id"]]}:
                        raise ValueError("an exchange that was judged is not there")
                case "note":
                    notes.append(line["text"])
                case "footer":
                    footer = line
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Invalid(str(path), "", f"is not a {kind} line: {error!r}", number) from error
    if not header:
        raise Invalid(str(path), "", "is empty: no header line")
    return Run(header, tuple(verdicts), exchanges, footer, planned, judged, polled, tuple(notes))


def counts(verdicts: tuple[Verdict, ...]) -> dict[str, dict[str, int]]:
    """Per level (must, should, may): applicable, passed, failed, inconclusive, skipped, error, known.

    `applicable` is all but the skipped; a known failure counts as failed and in `known`.
    """
    words = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive", "skipped": "skipped", "error": "error"}
    empty = {"applicable": 0, "passed": 0, "failed": 0, "inconclusive": 0, "skipped": 0, "error": 0, "known": 0}
    table = {level.value.lower(): dict(empty) for level in Level}
    for verdict in verdicts:
        row = table[verdict.level.value.lower()]
        row[words[verdict.status.word]] += 1
        row["applicable"] += verdict.status is not Status.SKIPPED
        row["known"] += verdict.known and verdict.status is Status.FAIL
    return table
