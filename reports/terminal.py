"""The run on a terminal: a verdict table by area, each failure, and the result last, where the eye is."""

from __future__ import annotations

import io
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from rich import box
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from seatrial import curl, summary
from seatrial import run as runs
from seatrial.model import Level, Status, Verdict
from seatrial.run import Run
from seatrial.summary import Group, count, line

FILE = ""
_COLOURS = {"PASSED": "bold green", "FAILED": "bold red", "INCOMPLETE": "bold yellow"}
_LONGEST_CURL = 1200
_BLOCKS = 20


def _number(number: int, style: str = "") -> Text:
    return Text(f"{number:,}", style=style) if number else Text("·", style="dim")


def _of(row: dict[str, int] | None, style: str) -> Text:
    if not row or not row["applicable"]:
        return Text("·", style="dim")
    whole = row["passed"] == row["applicable"]
    return Text(f"{row['passed']:,}/{row['applicable']:,}", style="green" if whole else style)


def _areas(run: Run) -> Table:
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 1), collapse_padding=True, show_edge=False)
    table.add_column("Area", overflow="fold", ratio=None)
    for name in ("MUST", "failed", "SHOULD", "failed", "inconcl.", "skipped", "errors"):
        table.add_column(name, justify="right", no_wrap=True)
    for area in summary.areas(run):
        must, should = dict(area.levels["must"]), dict(area.levels["should"])
        table.add_row(
            Text(line(area.name, 60)),
            _of(must, ""),
            _number(must["failed"], "bold red"),
            _of(should, ""),
            _number(should["failed"], "yellow"),
            _number(area.total("inconclusive"), "cyan"),
            _number(area.total("skipped"), "dim"),
            _number(area.total("error"), "bold magenta"),
        )
    return table


def _cases(cases: Sequence[str], most: int) -> str:
    shown = ", ".join(line(case, 80) for case in cases[:most])
    return shown + (f" and {count(len(cases) - most, 'more case')}" if len(cases) > most else "")


def _block(console: Console, run: Run, group: Group, style: str) -> None:
    """One check: what it asks, the first place where it is not kept, and how to see that again."""
    first = group.verdicts[0]
    times = f" · {count(len(group.verdicts), 'time')}" if len(group.verdicts) > 1 else ""
    console.print()
    console.print(Text.assemble(("✗ ", style), (group.name, "bold"), (times, "dim")))
    most = max(200, 3 * console.width)
    rows = [("", Text(line(group.requirement))), ("spec", Text(line(group.spec), "dim")), ("in", Text(line(first.id)))]
    for finding in first.findings[:1]:
        rows += [
            ("expected", Text(line(finding.expected, most), "green")),
            ("actual", Text(line(finding.actual, most), style)),
            ("where", Text(line(finding.where, most))),
        ]
    if len(first.findings) > 1:
        rows.append(("", Text(f"{count(len(first.findings) - 1, 'more finding')} in the same place", "dim")))
    others = [case for case in group.cases if case != first.case]
    rows += [("also in", Text(_cases(others, 6)))] if others else []
    rows += [("known", Text(line(first.reason.removeprefix("known: "))))] if group.known else []
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="dim", width=8)
    grid.add_column(overflow="fold")
    for name, value in rows[1:]:
        if value.plain:
            grid.add_row(name, value)
    console.print(Padding(rows[0][1], (0, 0, 0, 2)))
    console.print(Padding(grid, (0, 0, 0, 2)))
    exchange = run.exchanges.get(first.exchange) if first.exchange is not None else None
    if exchange is not None:
        command = curl.line(exchange, breaks=True)
        if len(command) > _LONGEST_CURL:
            command = f"# the curl line is long: see exchange {first.exchange} in report.html"
        # Left to the terminal to wrap, so that it can be copied whole.
        console.print(Text("\n".join("  " + row for row in command.split("\n")), "dim"), soft_wrap=True)


def _title(console: Console, text: str, style: str) -> None:
    console.print()
    console.print(Text(text, style=style))


def _compact(console: Console, found: Sequence[Group], style: str) -> None:
    """A check in two lines, neither longer than the screen."""
    wide = max((len(f"{len(group.verdicts):,}") for group in found), default=1)
    for group in found:
        first = group.verdicts[0].findings[0] if group.verdicts[0].findings else None
        room = console.width - wide - 5
        times = f"{len(group.verdicts):>{wide},}×"
        console.print(Text.assemble((f"  {times} ", style), _fit(group.name, room)), no_wrap=True)
        if first:
            free = room - len("expected , got ")
            long = [Text(line(said, 400)).cell_len for said in (first.expected, first.actual)]
            expected = _fit(first.expected, max(free // 2, free - long[1]))
            said = f"expected {expected}, got {_fit(first.actual, free - Text(expected).cell_len)}"
            console.print(Text(" " * (wide + 4) + said, "dim"), no_wrap=True)


def _fit(text: str, room: int) -> str:
    cut = Text(line(text, 400))
    cut.truncate(max(room, 8), overflow="ellipsis")
    return cut.plain


def _listed(console: Console, rows: Sequence[tuple[str, int]]) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", no_wrap=True)
    grid.add_column(overflow="fold")
    for text, times in rows:
        grid.add_row(f"{times:,}×", Text(line(text, 500)))
    console.print(Padding(grid, (0, 0, 0, 2)))


def _checks(verdicts: Sequence[Verdict]) -> str:
    names = list(dict.fromkeys(summary.name_of(verdict) for verdict in verdicts))
    return names[0] + (f" and {count(len(names) - 1, 'more check')}" if len(names) > 1 else "")


def _reasons(console: Console, run: Run, status: Status) -> None:
    found = summary.reasons(run.verdicts, status)
    if not found:
        return
    _title(console, status.word.capitalize(), "bold")
    _listed(console, [(reason or "no reason was recorded", len(verdicts)) for reason, verdicts in found])


def _failures(console: Console, run: Run, verbose: bool) -> None:
    found = summary.groups(summary.failed(run.verdicts))
    must = [group for group in found if group.level is Level.MUST and not group.known]
    if must:
        _title(console, f"MUST failed: {sum(len(g.verdicts) for g in must):,}", "bold red")
        most = len(must) if verbose else _BLOCKS
        for group in must[:most]:
            _block(console, run, group, "red")
        if must[most:]:
            _title(
                console, f"{count(len(must) - most, 'more check')}, in full with --verbose and in report.html", "red"
            )
            _compact(console, must[most:], "red")
    errors = [(f"{reason}: {_checks(rows)}", len(rows)) for reason, rows in summary.reasons(run.verdicts, Status.ERROR)]
    if errors:
        _title(console, "Errors of seatrial itself, which are worth a bug report", "bold magenta")
        _listed(console, errors)
    known = [group for group in found if group.known]
    if known:
        _title(console, f"Known failures, which do not count: {sum(len(g.verdicts) for g in known):,}", "bold")
        rows = [(f"{g.name} ({g.level.value}): {g.verdicts[0].reason.removeprefix('known: ')}", g) for g in known]
        _listed(console, [(text, len(group.verdicts)) for text, group in rows])
    fixed = summary.fixed(run.verdicts)
    if fixed:
        _title(console, f"Known failures that pass now: {len(fixed):,}", "bold green")
        _listed(console, [(verdict.id, 1) for verdict in fixed])
    for level in (Level.SHOULD, Level.MAY):
        some = [group for group in found if group.level is level and not group.known]
        total = sum(len(group.verdicts) for group in some)
        if some and (level is Level.SHOULD or verbose):
            _title(console, f"{level.value} failed: {total:,}", "bold yellow" if level is Level.SHOULD else "bold")
            _compact(console, some, "yellow")
        elif some:
            _title(console, f"MAY failed: {total:,} in {count(len(some), 'check')} (shown with --verbose)", "dim")


def _joined(parts: Sequence[str], room: int) -> Text:
    """The parts with dots between them, on as many lines as they need; no part is broken."""
    rows = [""]
    for item in parts:
        longer = f"{rows[-1]} · {item}" if rows[-1] else item
        rows = [*rows[:-1], longer] if len(longer) <= room else [*rows, item]
    return Text("\n".join(rows))


def _end(console: Console, run: Run) -> None:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(no_wrap=True, style="bold")
    grid.add_column()
    for level, row in runs.counts(run.verdicts).items():
        grid.add_row(level.upper(), _joined(summary.tally(row), console.width - 8))
    for note in summary.notes(run):
        grid.add_row("note", Text(line(note)))
    word = summary.result(run)
    prompt, completion = run.tokens()
    spent = [count(summary.requests(run), "request"), summary.duration(run.seconds)]
    spent += [f"{prompt:,} + {completion:,} tokens"] if prompt or completion else []
    console.print()
    console.print(grid)
    console.print()
    console.print(Text.assemble((word, _COLOURS[word]), "  ", summary.conclusion(run)))
    console.print(Text(" · ".join(spent), "dim"))


def render(run: Run, width: int | None = None, color: bool | None = None, verbose: bool = False) -> str:
    """What is printed at the end of a run; width and colour as given, else as the standard output takes them."""
    terminal = sys.stdout.isatty()
    if width is None:
        width = min(shutil.get_terminal_size((80, 24)).columns if terminal else 100, 140)
    if color is None:
        color = terminal and not os.environ.get("NO_COLOR")
    sink = io.StringIO()
    console = Console(
        file=sink,
        width=max(width, 40),
        force_terminal=color,
        color_system="standard" if color else None,
        no_color=not color,
        highlight=False,
        markup=False,
        emoji=False,
        legacy_windows=False,
    )
    where = [str(run.target.get("base_url", "")), summary.models(run), str(run.target.get("profile", ""))]
    console.print(Text(" · ".join(line(part) for part in where if part), "bold"), overflow="fold")
    if run.verdicts:
        console.print()
        console.print(_areas(run))
    _failures(console, run, verbose)
    if verbose:
        _reasons(console, run, Status.INCONCLUSIVE)
        _reasons(console, run, Status.SKIPPED)
    _end(console, run)
    return "\n".join(row.rstrip() for row in sink.getvalue().splitlines()) + "\n"


def write(run: Run, out: Path) -> Path:
    """Nothing is written: the command line prints what `render` gives."""
    del run
    return out
