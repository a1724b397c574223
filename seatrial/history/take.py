"""Takes runs of `seatrial check` and `seatrial load` into a history from their folders and files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from seatrial import results
from seatrial.history.store import History
from seatrial.load import compare
from seatrial.model import Invalid


def found(path: Path) -> Iterator[Path]:
    """The runs at a path: itself, or every run's folder in it at any depth. Raises Invalid where there is none."""
    if path.is_file() or is_run(path):
        yield path
        return
    below = sorted({file.parent for file in path.rglob("*") if file.is_file() and is_run(file.parent)})
    if not below:
        raise Invalid(str(path), "", "holds no run: no results.json, run.jsonl or load.json in it")
    yield from below


def take(history: History, path: Path, target: str = "", night: int | None = None, exit_code: int = 0) -> int | None:
    """Takes in one run; its id, or None where the history has it already. Raises Invalid for a file it cannot use."""
    if path.name == "load.json" or (path / "load.json").is_file():
        summary, rows = compare.read(path)
        folder = path if path.is_dir() else path.parent
        code = exit_code or int(any(not row["held"] for row in summary["slo"]))
        return history.add_load(summary, figures(rows), target, str(folder), night, code)
    data = results.read(path)
    folder = path if path.is_dir() else path.parent
    return history.add(data, target, str(folder), night)


def figures(rows: Sequence[dict[str, Any]]) -> dict[str, list[float]]:
    """Each percentile of a load test's requests with its 95 % interval: value, low, high."""
    return {one.metric: [one.value, one.low, one.high] for one in compare.intervals(rows)}


def is_run(folder: Path) -> bool:
    """Whether the folder is one of a run."""
    return any((folder / name).is_file() for name in ("results.json", "run.jsonl", "load.json"))
