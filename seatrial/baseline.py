"""Baselines: failures of one target that are known until a date, and what of a run breaks the gate besides them."""

from __future__ import annotations

import datetime
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial import files, results
from seatrial.model import Level, Status
from seatrial.profile import Known
from seatrial.run import Run

FORMAT = 1
_HEAD = """\
# Known failures: shown in every report, but not failing the gate. Written by `seatrial check --baseline FILE
# --update-baseline`, which keeps reasons, links and dates; comments are lost. `expires` is the last day excused (UTC).
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One known failure as the file has it; `expires` is the last day, in UTC, on which it is excused."""

    match: str
    reason: str
    link: str = ""
    actual: str = ""
    expires: str = ""

    def known(self, day: str) -> Known:
        """What it excuses on that day."""
        expired = self.expires if self.expires and self.expires < day else ""
        return Known(self.match, self.reason, self.link, self.actual, expired)

    def row(self) -> dict[str, str]:
        """The entry for the file, without what is empty."""
        pairs = (("match", self.match), ("reason", self.reason), ("link", self.link))
        more = (("actual", self.actual), ("expires", self.expires))
        return {name: value for name, value in (*pairs, *more) if value}


def today() -> str:
    """The day by which entries expire, in UTC."""
    return datetime.datetime.now(datetime.UTC).date().isoformat()


def load(path: Path) -> tuple[Entry, ...]:
    """The entries of a baseline file. Raises Invalid with file and line."""
    source = files.read(path, "baseline.schema.json")
    seen: set[tuple[str, str]] = set()
    for index, row in enumerate(source.data["known"]):
        at = f"/known/{index}"
        if (row["match"], row.get("actual", "")) in seen:
            raise source.invalid(at, f"{row['match']!r} is given twice")
        seen.add((row["match"], row.get("actual", "")))
        try:
            datetime.date.fromisoformat(row.get("expires", "2000-01-01"))
        except ValueError:
            raise source.invalid(f"{at}/expires", f"{row['expires']} is no day of the calendar") from None
    return tuple(Entry(**row) for row in source.data["known"])


def excused(baseline: str | None, compare_to: str | None) -> tuple[Known, ...]:
    """What a run does not fail for: the entries of a baseline, and what failed in an earlier run. Raises Invalid."""
    day = today()
    found = [entry.known(day) for entry in load(Path(baseline))] if baseline else []
    if compare_to:
        earlier = results.read(Path(compare_to))
        when = earlier["run"]["started"][:10]
        reason = f"failed before, in {compare_to}" + (f" of {when}" if when else "")
        failed = [v["id"] for v in earlier["verdicts"] if v["status"] == "fail" and v["level"] == Level.MUST]
        found += [Known(id, reason) for id in dict.fromkeys(failed)]
    return tuple(found)


def passed_before(compare_to: str | None) -> list[str]:
    """The MUST verdicts that passed in an earlier run. Raises Invalid."""
    if not compare_to:
        return []
    verdicts = results.read(Path(compare_to))["verdicts"]
    return [v["id"] for v in verdicts if v["status"] == "pass" and v["level"] == Level.MUST]


def mended(run: Run) -> list[Known]:
    """What was known and passes now: all that it speaks of was seen, some of it passed, and none of it failed."""
    found = []
    for row in (Known(**row) for row in run.header.get("known") or ()):
        seen = {verdict.status for verdict in run.verdicts if row.names(verdict.id, verdict.check)}
        if Status.PASS in seen and not seen & {Status.FAIL, Status.ERROR}:
            found.append(row)
    return found


def expired(run: Run) -> list[Known]:
    """What is no longer excused and still fails."""
    rows = [Known(**row) for row in run.header.get("known") or () if row.get("expired")]
    bad = [verdict for verdict in run.verdicts if verdict.status is Status.FAIL and not verdict.known]
    return [row for row in rows if any(row.names(verdict.id, verdict.check) for verdict in bad)]


def breaches(run: Run) -> list[str]:
    """Why the gate fails although every failed MUST is known: expired entries, and by --strict what is stale or lost."""
    passing = mended(run)
    expired = [row for row in passing if row.expired]
    found = [f"the known failure {row.match} expired on {row.expired}, and passes now" for row in expired]
    if run.header.get("strict"):
        found += [f"the known failure {row.match} passes now" for row in passing if not row.expired]
        before = set(run.header.get("passed_before") or ())
        lost = [v for v in run.verdicts if v.id in before and v.status in (Status.SKIPPED, Status.INCONCLUSIVE)]
        found += [f"{v.id} passed before, and is {v.status.word} now" for v in lost]
    return found


def update(path: Path, run: Run) -> str:
    """Writes the baseline that this run would keep, and says what changed.

    Entries that still fail, or were not seen, stay as they are; those that pass now go; each other MUST failure comes
    in by its id, to be given a reason. Raises Invalid where the file there is no baseline, and leaves it untouched.
    """
    entries = load(path) if path.exists() else ()
    passing = {(row.match, row.actual) for row in mended(run)}
    kept = [entry for entry in entries if (entry.match, entry.actual) not in passing]
    day = today()
    fresh = [
        Entry(verdict.id, f"not looked into yet: fails since {day}")
        for verdict in {v.id: v for v in run.verdicts}.values()
        if verdict.status is Status.FAIL and verdict.level is Level.MUST and not verdict.known
        if not _named(kept, verdict.id, verdict.check, [finding.actual for finding in verdict.findings])
    ]
    write(path, [*kept, *fresh])
    return f"{len(kept) + len(fresh)} known, {len(fresh)} new, {len(entries) - len(kept)} removed as they pass now"


def write(path: Path, entries: Iterable[Entry]) -> None:
    """The baseline is in the file when this returns, ordered by what the entries match. Raises OSError."""
    rows = [entry.row() for entry in sorted(entries, key=lambda entry: (entry.match, entry.actual))]
    data: Mapping[str, Any] = {"format": FORMAT, "known": rows}
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(_HEAD + files.dump(data), encoding="utf-8")
    os.replace(fresh, path)


def _named(entries: Iterable[Entry], id: str, check: str, actual: list[str]) -> bool:
    return any(entry.known("").covers(id, check, actual) for entry in entries)
