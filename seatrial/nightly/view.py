"""What the site shows, read from the history and from the records of the last nights."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import compatibility, run, summary
from seatrial.compatibility import Cell
from seatrial.history import History, Kind, LoadRun, Night, RunRow, compare, wire
from seatrial.history.changes import Change, Changed, grouped
from seatrial.history.diff import WINDOW
from seatrial.model import Exchange, Level, Status, Verdict
from seatrial.nightly.targets import slug

MEASURES = ("passed", "failed", "known", "inconclusive", "unsupported", "error")
_MOST_DIFFS, _DIFF_LINES, _WIDTH = 6, 20, 160
_IN_FULL = 40
"""Changes of one run that are kept with a finding; of more, only which they are."""


def judged(row: RunRow) -> bool:
    """Whether the run gave verdicts at all."""
    return any(level.get("applicable") or level.get("skipped") for level in row.counts.values())


def state(row: RunRow) -> str:
    """passed, failed, incomplete, down, or no run."""
    if not judged(row):
        return "down" if row.exit_code == 3 else "no run"
    return {0: "passed", 1: "failed"}.get(row.exit_code, "incomplete")


def tally(verdicts: Iterable[Verdict]) -> dict[str, int]:
    """The counts of some verdicts: each measure apart, and `applicable`, all but the unsupported."""
    row = dict.fromkeys(MEASURES, 0) | {"applicable": 0}
    names = {Status.PASS: "passed", Status.INCONCLUSIVE: "inconclusive", Status.ERROR: "error"}
    for verdict in verdicts:
        if verdict.status is Status.SKIPPED:
            row["unsupported"] += 1
            continue
        row["applicable"] += 1
        if verdict.status is Status.FAIL:
            row["known" if verdict.known else "failed"] += 1
        else:
            row[names[verdict.status]] += 1
    return row


def of_counts(counts: Mapping[str, int]) -> dict[str, int]:
    """The same of counts as results.json has them, in which the known are among the failed."""
    table = {"passed": counts["passed"], "failed": counts["failed"] - counts["known"], "known": counts["known"]}
    rest = {"inconclusive": counts["inconclusive"], "unsupported": counts["skipped"], "error": counts["error"]}
    return {**table, **rest, "applicable": counts["applicable"]}


@dataclass(frozen=True)
class Board:
    """One target as the last night left it."""

    name: str
    row: RunRow
    verdicts: tuple[Verdict, ...]
    cells: Sequence[Cell]
    areas: Mapping[str, Mapping[str, int]]
    since: RunRow | None
    told: Sequence[Mapping[str, Any]]
    past: Sequence[RunRow]
    load: LoadRun | None
    loads: Sequence[LoadRun]

    @property
    def slug(self) -> str:
        return slug(self.name)

    @property
    def state(self) -> str:
        return state(self.row)

    @property
    def load_state(self) -> str:
        """How the load test of the last night ended; nothing where none was run."""
        return self.load.state if self.load else ""

    @property
    def must(self) -> Mapping[str, int]:
        return of_counts(self.row.counts["must"])

    @property
    def unchanged(self) -> bool:
        """Whether no verdict changed."""
        return all(row["kind"] == Kind.SAME for row in self.told)

    def changed(self, *kinds: str) -> list[Mapping[str, Any]]:
        """What is told of these kinds."""
        return [row for row in self.told if row["kind"] in kinds]


@dataclass(frozen=True)
class Site:
    """All that the pages are made of; `runs` are those of every night by its id, newest night last."""

    title: str
    url: str
    nights: Sequence[Night]
    boards: Sequence[Board]
    runs: Mapping[int, Sequence[RunRow]]
    told: Callable[[int], tuple[int | None, Sequence[Mapping[str, Any]]]]
    verdicts: Callable[[int], tuple[Verdict, ...]]

    @property
    def night(self) -> Night:
        return self.nights[-1]


def tell(history: History) -> None:
    """Keeps what changed on each night of which that is not kept, of each target since its last one with verdicts."""
    for new in (history.run(id) for id in history.untold()):
        if not judged(new):
            continue
        rows = [row for row in history.runs(new.target) if row.night is not None and row.id <= new.id and judged(row)]
        old = rows[-2] if len(rows) > 1 else None
        told: list[dict[str, Any]] = []
        if old is not None:
            past = history.past([row.id for row in rows][-WINDOW:])
            found = grouped(compare(history.verdicts(old.id), history.verdicts(new.id), past))
            told = _with_wire(found, Path(old.folder), Path(new.folder))
        history.tell(new.id, old.id if old else None, told)


def _with_wire(found: Sequence[Changed], old: Path, new: Path) -> list[dict[str, Any]]:
    wanted = [row for row in found if row.kind in (Kind.NEW, Kind.FIXED, Kind.LOST, Kind.FLAKY)][:_MOST_DIFFS]
    pairs = [row.first for row in wanted]
    before = exchanges(old, [change.old.exchange for change in pairs if change.old])
    after = exchanges(new, [change.new.exchange for change in pairs if change.new])
    return [
        _told(row, index < _IN_FULL, _differs(row.first, before, after) if row in wanted else ())
        for index, row in enumerate(found)
    ]


def _differs(change: Change, old: Mapping[int, Exchange], new: Mapping[int, Exchange]) -> tuple[str, ...]:
    was = old.get(change.old.exchange or 0) if change.old else None
    now = new.get(change.new.exchange or 0) if change.new else None
    if was is None or now is None:
        return ()
    found = wire.difference(was, now)
    rows = (*found.request[2:], *found.answer[2:])
    cut = (f"… {len(rows) - _DIFF_LINES:,} more lines",) if len(rows) > _DIFF_LINES else ()
    return tuple(summary.line(row, _WIDTH) for row in rows[:_DIFF_LINES]) + cut


def _told(row: Changed, full: bool, diff: Sequence[str]) -> dict[str, Any]:
    brief: dict[str, Any] = {"kind": row.kind.value, "name": row.name, "level": row.level.value, "known": row.known}
    brief["count"] = len(row.changes)
    if row.kind is Kind.SAME or not full:
        return brief
    verdict = row.first.verdict
    finding = verdict.findings[0] if verdict.findings else None
    pair = [summary.line(text, _WIDTH) for text in (finding.expected, finding.actual)] if finding else []
    more = {"id": verdict.id, "area": verdict.area, "requirement": verdict.requirement, "finding": pair}
    return {**brief, **more, "reason": summary.line(verdict.reason, _WIDTH), "diff": list(diff)}


def exchanges(folder: Path, numbers: Iterable[int | None]) -> dict[int, Exchange]:
    """These exchanges of a run's record, as far as it is still there; lines of others are not parsed."""
    wanted = {number for number in numbers if number is not None}
    path = folder / "run.jsonl"
    if not wanted or not path.is_file():
        return {}
    start = b'{"type":"exchange","number":'
    found = {}
    with path.open("rb") as file:
        for line in file:
            if line.startswith(start) and int(line[len(start) :].partition(b",")[0]) in wanted:
                exchange = run.exchange_from(json.loads(line), {})
                found[exchange.number] = exchange
    return found


def site(history: History, title: str, url: str = "") -> Site:
    """The whole of it, for the last night of the history."""
    nights = history.nights()
    by_night: dict[int, list[RunRow]] = {night.id: [] for night in nights}
    by_target: dict[str, list[RunRow]] = {}
    by_id = {}
    for row in history.runs():
        if row.night is not None:
            by_night[row.night].append(row)
            by_target.setdefault(row.target, []).append(row)
            by_id[row.id] = row
    boards = []
    order = {name: index for index, name in enumerate(nights[-1].planned)}
    for row in sorted(by_night[nights[-1].id], key=lambda row: order.get(row.target, len(order))):
        verdicts = history.verdicts(row.id)
        areas: dict[str, list[Verdict]] = {}
        for verdict in verdicts:
            if verdict.level is Level.MUST:
                areas.setdefault(verdict.area, []).append(verdict)
        since, changes = history.told(row.id)
        loads = history.loads(row.target)
        boards.append(
            Board(
                name=row.target,
                row=row,
                verdicts=verdicts,
                cells=compatibility.cells(verdicts),
                areas={name: tally(areas[name]) for name in sorted(areas, key=str.casefold)},
                since=by_id.get(since) if since is not None else None,
                told=changes,
                past=by_target[row.target],
                load=next((load for load in reversed(loads) if load.night == row.night), None),
                loads=loads,
            )
        )
    return Site(title, url, nights, boards, by_night, history.told, history.verdicts)
