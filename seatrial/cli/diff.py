"""`seatrial diff`: two runs beside each other, of the conformance check or of load tests."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.cli.history import DEFAULT
from seatrial.model import Invalid
from seatrial.summary import line


@click.command("diff")
@click.argument("old", required=False)
@click.argument("new", required=False)
@click.option("--history", type=click.Path(path_type=Path), default=DEFAULT, show_default=True, metavar="FILE")
@click.option("--target", metavar="NAME", help="Of the last two nights, only this target.")
@click.option("-v", "--verbose", is_flag=True, help="Also what still fails, and what SHOULD and MAY ask for.")
def command(old: str | None, new: str | None, history: Path, target: str | None, verbose: bool) -> int:
    """Says what changed from OLD to NEW: folders or files of runs, or ids of the history. Without both: the last two
    nights of each target.

    Of checks: new failures, fixed, flaky, with the difference on the wire. Exit code 1 where a MUST newly fails.
    Of load tests: each figure better, worse, or undecided. Intervals are of the difference, by bootstrap over
    requests, at 95 %.
    """
    from seatrial.history import diff

    if old is None:
        return diff.nights(history, target, verbose)
    if new is None:
        raise Invalid("diff", "", "needs OLD and NEW, or neither for the last two nights")
    first, second = diff.find(old, history), diff.find(new, history)
    if isinstance(first, diff.Load) != isinstance(second, diff.Load):
        raise Invalid(new, "", "one is a load test and the other a check")
    if isinstance(first, diff.Load) and isinstance(second, diff.Load):
        try:
            return diff.loads(first, second)
        except (LookupError, TypeError, AttributeError, ValueError, ArithmeticError) as error:
            raise Invalid(f"{old} or {new}", "", f"is not as a load test writes it: {line(repr(error))}") from None
    assert isinstance(first, diff.Checked) and isinstance(second, diff.Checked)  # noqa: PT018
    return diff.checks(first, second, verbose)
