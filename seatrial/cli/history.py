"""`seatrial history`: the runs that the history holds, and the import of old ones."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial import summary
from seatrial.history import History, LoadRun, RunRow
from seatrial.model import Invalid

DEFAULT = Path("results/nightly/history.db")


@click.command("history")
@click.argument("folders", nargs=-1, type=click.Path(path_type=Path), metavar="[FOLDER]...")
@click.option("--history", "path", type=click.Path(path_type=Path), default=DEFAULT, show_default=True, metavar="FILE")
@click.option("--import", "importing", is_flag=True, help="Take in the runs of these folders and files.")
@click.option("--target", metavar="NAME", help="Only the runs of this target; with --import, the name of theirs.")
@click.option("--most", type=click.IntRange(1), default=40, show_default=True, metavar="N", help="The newest N runs.")
def command(folders: tuple[Path, ...], path: Path, importing: bool, target: str | None, most: int) -> int:
    """Lists the runs of the history, or with --import takes in the runs of FOLDERs."""
    if importing != bool(folders):
        raise Invalid("--import", "", "needs folders or files" if importing else "is needed to take in folders")
    if importing:
        return _import(folders, path, target or "")
    with History(path) as history:
        runs, loads = history.runs(target, most=most), history.loads(target)[-most:]
        nights = {night.id: night for night in history.nights()}
    if not runs and not loads:
        click.echo("no runs" + (f" of {target}" if target else ""))
    for row in runs:
        night = nights[row.night].name if row.night else ""
        click.echo(
            f"{row.id:>6}  {row.started or '?':<20}  {night:<16}  {summary.line(row.target, 40):<24}  {_said(row)}"
        )
    for load in loads:
        state = _how(load) if load.complete else "incomplete"
        figures = ", ".join(
            f"{name} {value:.4g} ({low:.4g} to {high:.4g})"
            for name, (value, low, high) in load.figures.items()
            if name in ("ttft.p50", "ttft.p95", "e2e.p50", "e2e.p95")
        )
        name = summary.line(load.target, 40)
        click.echo(f"  load{load.id:<4}{load.started:<20}  {load.profile:<16}  {name:<24}  {state}  {figures}")
    return 0


def _said(row: RunRow) -> str:
    word = {0: "passed", 1: "failed", 3: "down"}.get(row.exit_code, "incomplete")
    must = row.counts["must"]
    if not must["applicable"] and row.exit_code:
        return f"{word}: {summary.line(row.reason, 120)}"
    known = f" ({must['known']} known)" if must["known"] else ""
    return f"{word}  MUST {must['passed']} of {must['applicable']}, {must['failed']} failed{known}"


def _how(load: LoadRun) -> str:
    if load.missed:
        return "missed its SLO"
    if load.exit_code:
        return f"{load.summary['requests']['failed']} requests failed"
    return "held" if load.summary.get("slo") else load.state


def _import(folders: tuple[Path, ...], path: Path, target: str) -> int:
    from seatrial.history import take

    runs = []
    for folder in folders:
        if not folder.exists():
            raise Invalid(str(folder), "", "does not exist")
        runs += list(take.found(folder))
    taken = refused = 0
    with History(path, create=True) as history:
        for run in runs:
            try:
                taken += take.take(history, run, target) is not None
            except Invalid as error:
                refused += 1
                click.echo(f"seatrial: {error}", err=True)
    there = len(runs) - taken - refused
    click.echo(f"{path}: {taken} taken in, {there} there already, {refused} left out")
    return 2 if refused else 0
