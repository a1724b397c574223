"""Judges the kept answers of a load test by the same checks as `seatrial check`, in a process of its own.

Run as `python -m seatrial.load.judged FOLDER`: reads `kept.jsonl`, writes `contract.json`.
"""

from __future__ import annotations

import base64
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httptools

from seatrial import check, judge
from seatrial.load import ask
from seatrial.model import Case, Event, Exchange, Operation, Request, Scenario, Status, TransportError, Verdict
from seatrial.sse import Reader

_ERRORS = {"connection.reset": "reset", "connection.truncated": "protocol", "http.malformed": "protocol"}


class _Answer:
    """Takes an answer apart again, with the moment of each piece."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.headers: list[tuple[str, str]] = []
        self.pieces: list[tuple[int, bytes]] = []
        self.now = self.headers_ns = self.status = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.decode("latin-1"), value.decode("latin-1")))

    def on_headers_complete(self) -> None:
        self.status, self.headers_ns = self.parser.get_status_code(), self.now

    def on_body(self, data: bytes) -> None:
        self.pieces.append((self.now, data))


def exchange(number: int, kept: dict[str, Any], operation: Operation) -> Exchange:
    """The exchange of a kept answer."""
    answer = _Answer()
    for at, data in kept["raw"]:
        answer.now = at
        try:
            answer.parser.feed_data(base64.b64decode(data))
        except httptools.HttpParserError:
            break
    reader, events = Reader(), list[Event]()
    for at, data in answer.pieces:
        events += reader.feed(data, at)
    kind = _ERRORS.get(kept["error"] or "")
    return Exchange(
        number=number,
        operation=operation,
        request=Request(
            operation.method,
            operation.path,
            (("content-type", "application/json"),),
            json.dumps(kept["request"]).encode(),
        ),
        status=answer.status or None,
        headers=tuple(answer.headers),
        body=b"".join(data for _, data in answer.pieces),
        arrivals=tuple((len(data), at) for at, data in answer.pieces),
        events=tuple(events),
        error=TransportError(kind, kept["error"]) if kind else None,
        headers_ns=answer.headers_ns,
        end_ns=kept["end_ns"],
        http_version="HTTP/1.1",
        step="ask",
    )


def _operation(step: str) -> Operation:
    """The operation that the step calls. Only its entries are read: all files would take longer than the judging."""
    name, row = ask.operation(step)
    method, _, path = row["call"].partition(" ")
    responses = {str(status): media for status, media in row.get("responses", {}).items()}
    return Operation(name, method, path, row.get("request"), responses)


def _verdicts(rows: list[dict[str, Any]], steps: dict[str, str]) -> Iterator[tuple[dict[str, Any], Verdict]]:
    checks = list(check.checks().values())
    operations = {name: _operation(step) for name, step in steps.items()}
    for number, kept in enumerate(rows):
        name = kept["scenario"]
        case = Case(Scenario(f"load.{name}", "", "under load", "", "", (), (), "nightly", {}, ()))
        for verdict in judge.judge(case, exchange(number, kept, operations[name]), checks):
            yield kept, verdict


def judge_folder(folder: Path) -> dict[str, Any]:
    """What the checks say of the folder's kept answers: counts, and each failing check with its first finding."""
    lines = (folder / "kept.jsonl").read_text("utf-8").splitlines()
    head, rows = json.loads(lines[0]), [json.loads(line) for line in lines[1:]]
    failed: dict[str, dict[str, Any]] = {}
    counts = dict.fromkeys(("pass", "fail", "inconclusive", "error"), 0)
    for kept, verdict in _verdicts(rows, head["steps"]):
        name = verdict.status.name.lower()
        if name not in counts:
            continue
        counts[name] += 1
        if verdict.status in (Status.FAIL, Status.ERROR):
            entry = failed.setdefault(
                verdict.check,
                {
                    "check": verdict.check,
                    "level": verdict.level.name,
                    "status": name,
                    "requirement": verdict.requirement,
                    "spec": verdict.spec,
                    "streams": 0,
                    "expected": verdict.findings[0].expected if verdict.findings else "",
                    "actual": verdict.findings[0].actual if verdict.findings else verdict.reason,
                    "at_s": kept["sent_s"],
                },
            )
            entry["streams"] += 1
    order = sorted(failed.values(), key=lambda entry: (entry["level"] != "MUST", -entry["streams"]))
    return {"judged": len(rows), "passed_over": head["passed_over"], "verdicts": counts, "failed": order}


def main() -> None:
    """Judges the folder named on the command line."""
    folder = Path(sys.argv[1])
    (folder / "contract.json").write_text(json.dumps(judge_folder(folder), indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
