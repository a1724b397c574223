"""results.json: the run for programs, by `schemas/results.schema.json`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from seatrial import __version__, summary
from seatrial import run as runs
from seatrial.run import Run

FILE = "results.json"
FORMAT = 1


def results(run: Run) -> dict[str, Any]:
    """The run as results.json holds it."""
    prompt, completion = run.tokens()
    return {
        "format": FORMAT,
        "seatrial": str(run.header.get("seatrial", __version__)),
        "complete": run.complete,
        "incomplete_reason": summary.incomplete_reason(run),
        "run": {
            "result": summary.result(run).lower(),
            "exit_code": summary.exit_code(run),
            "started": summary.started(run, "%Y-%m-%dT%H:%M:%SZ"),
            "tier": str(run.header.get("tier", "")),
            "cases": {"planned": run.planned, "finished": len(run.judged)},
            "capabilities": dict(run.header.get("capabilities") or {}),
        },
        "target": {
            "base_url": str(run.target.get("base_url", "")),
            "profile": str(run.target.get("profile", "")),
            "models": dict(run.target.get("models") or {}),
        },
        "requirements": runs.counts(run.verdicts),
        "requests": summary.requests(run),
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "seconds": round(max(0.0, run.seconds), 3),
        "notes": list(summary.notes(run)),
        "verdicts": [
            {name: value for name, value in runs.verdict_line(verdict).items() if name != "type"}
            for verdict in run.verdicts
        ],
    }


def write(run: Run, out: Path) -> Path:
    """results.json is in `out` when this returns."""
    path = out / FILE
    data = results(run)
    rows = ",\n".join("    " + json.dumps(row, ensure_ascii=False) for row in data.pop("verdicts"))
    head = json.dumps(data, ensure_ascii=False, indent=2).removesuffix("\n}")
    # A verdict a line, so that the file can be searched and compared.
    text = f'{head},\n  "verdicts": [\n{rows}\n  ]\n}}\n'
    # A lone surrogate has no UTF-8 but has a JSON escape, and it can only stand inside a string here.
    path.write_bytes(text.encode("utf-8", "backslashreplace"))
    return path
