"""Two runs beside each other, as text for people."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from seatrial import results, run, summary
from seatrial.history import wire
from seatrial.history.changes import Changed, Kind, compare, grouped
from seatrial.history.store import History, LoadRun, RunRow
from seatrial.load import compare as load_compare
from seatrial.model import Exchange, Invalid, Level, Status, Verdict
from seatrial.run import verdict_from

WINDOW = 10
"""Runs of a target that are looked at for what is flaky."""
_MOST_LINES = 24


@dataclass(frozen=True)
class Checked:
    """One check run; `folder` is where its record is, if it is still there."""

    name: str
    state: str
    verdicts: tuple[Verdict, ...]
    folder: Path | None = None
    row: RunRow | None = None

    def exchange(self, number: int | None) -> Exchange | None:
        """That exchange of the record."""
        if number is None or self.folder is None or not (self.folder / "run.jsonl").is_file():
            return None
        if not hasattr(self, "_exchanges"):
            object.__setattr__(self, "_exchanges", run.read(self.folder).exchanges)
        found: dict[int, Exchange] = self._exchanges  # type: ignore[attr-defined]
        return found.get(number)


@dataclass(frozen=True, slots=True)
class Load:
    """One load test, by its folder or by its row of the history."""

    folder: Path | None
    row: LoadRun | None = None


def find(text: str, path: Path) -> Checked | Load:
    """The run of a folder or file, or of the history: `12` a check, `load3` a load test. Raises Invalid."""
    place = Path(text)
    if place.exists():
        folder = place if place.is_dir() else place.parent
        if place.name == "load.json" or (place.is_dir() and (place / "load.json").is_file()):
            return Load(folder)
        data = results.read(place)
        name = f"{text} {data['target']['base_url']}"
        return Checked(name, data["run"]["result"], tuple(map(verdict_from, data["verdicts"])), folder)
    kind, digits = ("load", text[4:]) if text.startswith("load") else ("", text)
    if not digits.isdecimal():
        raise Invalid(text, "", "is no file, no folder, and no run of the history (12, or load3 for a load test)")
    with History(path) as history:
        if kind:
            loads = [load for load in history.loads() if load.id == int(digits)]
            if not loads:
                raise Invalid(str(path), "", f"has no load test {digits}")
            kept = Path(loads[0].folder)
            return Load(kept if (kept / "requests.jsonl").is_file() else None, loads[0])
        return of_history(history, history.run(int(digits)))


def of_history(history: History, row: RunRow) -> Checked:
    """That run of the history."""
    state = {0: "passed", 1: "failed", 3: "down"}.get(row.exit_code, "incomplete")
    name = f"{row.target}, run {row.id} of {row.started}"
    return Checked(name, state, history.verdicts(row.id), Path(row.folder) if row.folder else None, row)


def nights(path: Path, target: str | None, verbose: bool) -> int:
    """Each target's last run of a night beside the one before; 1 where a MUST newly fails."""
    code = 0
    with History(path) as history:
        known = history.nights()
        if len(known) < 2:
            raise Invalid(str(path), "", f"holds {summary.count(len(known), 'night')}; two are needed to compare")
        seen = list(dict.fromkeys(row.target for row in history.runs(night=known[-1].id)))
        if target is not None and target not in seen:
            raise Invalid("--target", "", f"{target!r} is none of the last night's: {', '.join(seen)}")
        for name in [target] if target is not None else seen:
            rows = [row for row in history.runs(name, most=WINDOW * 4) if row.night is not None and row.counts]
            (new,) = [row for row in rows if row.night == known[-1].id]
            old = next((row for row in reversed(rows) if row.night != known[-1].id and _judged(row)), None)
            if old is None or not _judged(new):
                click.echo(
                    f"{summary.line(name)}: " + ("no earlier night" if old is None else new.reason or "no verdict")
                )
                continue
            past = history.past([row.id for row in rows if _judged(row)][-WINDOW:])
            code |= checks(of_history(history, old), of_history(history, new), verbose, past)
    return code


def _judged(row: RunRow) -> bool:
    return any(level.get("applicable") or level.get("skipped") for level in row.counts.values())


def checks(old: Checked, new: Checked, verbose: bool, past: dict[str, list[Status]] | None = None) -> int:
    """Prints what changed between two check runs; 1 where a MUST that is not known newly fails."""
    found = grouped(compare(old.verdicts, new.verdicts, past))
    for word, one in (("OLD", old), ("NEW", new)):
        click.echo(f"{word} {summary.line(one.name)}: {one.state}, {summary.count(len(one.verdicts), 'verdict')}")
    shown = [row for row in found if verbose or (row.kind is not Kind.SAME and row.level is Level.MUST)]
    for row in shown:
        _one(row, old, new)
    totals = [(kind, sum(len(row.changes) for row in found if row.kind is kind)) for kind in Kind]
    click.echo(", ".join(f"{number:,} {kind}" for kind, number in totals if number) or "nothing changed")
    hidden = len(found) - len(shown)
    if hidden:
        click.echo(f"({summary.count(hidden, 'more requirement')} with --verbose)")
    return int(any(row.kind is Kind.NEW and row.level is Level.MUST and not row.known for row in found))


def _one(row: Changed, old: Checked, new: Checked) -> None:
    verdict = row.first.verdict
    more = f", {summary.count(len(row.changes), 'verdict')}" if len(row.changes) > 1 else ""
    click.echo(f"\n{row.kind}{' (known)' if row.known else ''}: {row.level.value} {row.name}{more}")
    click.echo(f"  in {summary.line(verdict.id)}")
    for finding in verdict.findings[:1]:
        click.echo(f"  expected {summary.line(finding.expected)}")
        click.echo(f"  actual   {summary.line(finding.actual)}  at {summary.line(finding.where)}")
    if verdict.reason:
        click.echo(f"  {summary.line(verdict.reason)}")
    was, now = row.first.old, row.first.new
    pair = (old.exchange(was.exchange if was else None), new.exchange(now.exchange if now else None))
    if row.kind is Kind.SAME or pair[0] is None or pair[1] is None:
        return
    differs = wire.difference(pair[0], pair[1])
    for title, rows in (("the request differs", differs.request), ("the answer", differs.answer)):
        if rows:
            click.echo(f"  {title}:")
            for text in rows[2 : 2 + _MOST_LINES]:
                click.echo("    " + summary.line(text, 160))
            if len(rows) > 2 + _MOST_LINES:
                click.echo(f"    … {len(rows) - 2 - _MOST_LINES:,} more lines")
    if not differs.request and not differs.answer:
        click.echo("  this exchange is the same on the wire: the difference is in others of the case")


def loads(old: Load, new: Load) -> int:
    """Prints each figure of two load tests with the interval of its difference."""
    if old.folder is not None and new.folder is not None:
        return _loads_from_requests(old.folder, new.folder)
    figures, summaries = [], []
    for one in (old, new):
        if one.row is not None:
            figures.append(dict(one.row.figures))
            summaries.append(dict(one.row.summary))
        elif one.folder is not None:
            found, rows = load_compare.read(one.folder)
            figures.append({f.metric: [f.value, f.low, f.high] for f in load_compare.intervals(rows)})
            summaries.append(found)
    _heads(summaries)
    click.echo(f"{'':<14}{'old (95 % interval)':<32}{'new (95 % interval)':<32}")
    common = [metric for metric in figures[0] if metric in figures[1]]
    if not common:
        raise Invalid("diff", "", "the two runs have no figure in common")
    for metric in common:
        (a, a_low, a_high), (b, b_low, b_high) = figures[0][metric], figures[1][metric]
        verdict = "better" if b_high < a_low else "worse" if b_low > a_high else "undecided"
        pair = [f"{v:.4g} ({low:.4g} to {high:.4g})" for v, low, high in ((a, a_low, a_high), (b, b_low, b_high))]
        click.echo(f"{metric:<14}{pair[0]:<32}{pair[1]:<32}{verdict}")
    return 0


def _heads(found: list[dict[str, Any]]) -> None:
    for name, one in zip(("OLD", "NEW"), found, strict=True):
        requests = one["requests"]
        state = "" if one["complete"] else f" INCOMPLETE: {summary.line(str(one.get('incomplete', '')))}"
        saturated = " CLIENT SATURATED" if one["client"]["saturated"] else ""
        counts = f"{requests['ok']} ok, {requests['failed']} failed"
        click.echo(
            f"{name} {summary.line(str(one['profile']))} {summary.line(one['target']['base_url'])}: {counts}{state}{saturated}"
        )


def _loads_from_requests(old: Path, new: Path) -> int:
    (first, before), (second, after) = load_compare.read(old), load_compare.read(new)
    _heads([first, second])
    differences = load_compare.compare(before, after)
    if not differences:
        raise Invalid(str(new), "", "the two runs have no figure in common")
    click.echo(f"{'':<14}{'old':>10}{'new':>10}  {'difference (95 % interval)':<32}")
    for one in differences:
        change = f"{one.new - one.old:+.4g} ({one.low:+.4g} to {one.high:+.4g})"
        click.echo(f"{one.metric:<14}{one.old:>10.4g}{one.new:>10.4g}  {change:<32}{one.verdict}")
    rates = [found["throughput"]["output_tokens_per_s"] for found in (first, second)]
    if all(rates):
        click.echo(f"output tokens/s: {rates[0]:g} -> {rates[1]:g} ({rates[1] / rates[0] - 1:+.1%})")
    return 0
