"""The end of a load test: its files, its table, its exit code."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from seatrial.load import result
from seatrial.load.session import Session, warn
from seatrial.loading import report_formats


def finish(session: Session) -> int:
    """Writes the results, prints the table, and gives the exit code: 1 for a missed SLO, 4 for an incomplete run."""
    folder: Path | None = None
    try:
        folder = result.write(session)
    except OSError as error:
        warn(f"the results could not be written: {error.strerror or error}: {error.filename or ''}")
        found = result.summary(session)
    else:
        found = json.loads((folder / "load.json").read_text("utf-8"))
    sys.stdout.write(report_formats("load_")["load_terminal"].render(found))
    if folder is not None:
        print(f"report: {folder / 'report.html'}", flush=True)
    return 4 if folder is None else exit_code(found)


def exit_code(found: dict[str, Any]) -> int:
    """0: the SLO held, or, where there is none, no request failed; 1: not so, or jobs are not accounted for; 3: no
    request reached the target; 4: incomplete, or nothing was measured."""
    missed = any(not line["held"] for line in found["slo"])
    requests, errors, queue = found["requests"], found["errors"], found.get("queue")
    if not found["complete"]:
        return 1 if missed and str(found.get("incomplete", "")).startswith("stopped because the SLO") else 4
    if not requests["ok"]:
        if not requests["failed"]:
            return 4
        return 3 if all(name.startswith(("connect.", "timeout.connect")) for name in errors) else 1
    failed = bool(requests["failed"]) and not found["slo"]
    return 1 if missed or failed or (queue and not queue["accounted"]) else 0
