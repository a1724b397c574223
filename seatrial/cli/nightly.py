"""`seatrial nightly`: every target of a file, side by side, then the site that shows what changed."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import click

from seatrial import home
from seatrial.loading import module_at
from seatrial.model import Invalid


@click.command("nightly")
@click.argument("path", metavar="TARGETS", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path("results/nightly"),
    show_default=True,
    metavar="DIR",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=4, show_default=True, help="Targets checked side by side.")
@click.option(
    "--budget",
    type=click.FloatRange(1),
    default=6 * 3600.0,
    show_default=True,
    metavar="S",
    help="Seconds for the whole night.",
)
@click.option(
    "--keep",
    type=click.IntRange(2),
    default=7,
    show_default=True,
    metavar="N",
    help="Nights whose records are kept; verdicts are kept for ever.",
)
@click.option("--render", is_flag=True, help="Only write the site again, of the nights there are.")
def command(path: Path, out: Path, jobs: int, budget: float, keep: int, render: bool) -> int:
    """Checks every target of a YAML file, and writes a static site to DIR/site.

    The site needs no network: open DIR/site/index.html. DIR/history.db keeps every verdict, DIR/runs the records of the
    last nights, DIR/allure-results the last night's results for Allure. A load test that missed its SLO fails the night.
    """
    from seatrial.history import History
    from seatrial.nightly import load, night, view

    targets = load(path)
    place = night.Place(out)
    for ended in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ended, signal.default_int_handler)
    with place.alone():
        whole = True
        if render:
            with History(place.history) as history:
                if not history.nights():
                    raise Invalid(str(place.history), "", "there is no night yet")
        else:
            _, whole = night.run(targets, place, jobs, budget, click.echo)
        with History(place.history) as history:
            if not render:
                view.tell(history)
                night.prune(history, place, keep)
            began = time.monotonic()
            seen = view.site(history, targets.title, targets.url)
            pages = module_at(home.folder("reports") / "site" / "site.py", "seatrial_site")
            front = pages.write(seen, place.site, again=render)
            pages.allure(seen, out / "allure-results")
    for board in seen.boards:
        told = ", ".join(
            f"{sum(one['count'] for one in board.changed(kind)):,} {kind}"
            for kind in dict.fromkeys(one["kind"] for one in board.told)
        )
        measured = f"load test {board.load_state}" if board.load_state else ""
        click.echo(f"{board.name:<24} {board.state:<11} {'; '.join(filter(None, [told, measured]))}".rstrip())
    click.echo(f"site: {front} ({time.monotonic() - began:.1f} s)")
    states = {board.state for board in seen.boards}
    wanted = {one.name for one in targets.tested if one.load is not None}
    states |= {board.load_state or "no run" for board in seen.boards if board.name in wanted and board.state != "down"}
    if not whole:
        return 4
    return next(
        (code for word, code in (("failed", 1), ("no run", 4), ("down", 3), ("incomplete", 4)) if word in states), 0
    )
