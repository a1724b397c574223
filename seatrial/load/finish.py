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
    """0: the SLO held, and something was measured; 1: it did not hold; 4: incomplete, or nothing could be measured."""
    missed = any(not line["held"] for line in found["slo"])
    if not found["complete"]:
        return 1 if missed and str(found.get("incomplete", "")).startswith("stopped because the SLO") else 4
    queue = found.get("queue")
    if missed or (queue and not queue["accounted"]):
        return 1
    if found["requests"]["ok"] == 0:
        return 4 if not found["requests"]["failed"] else 1
    return 0
