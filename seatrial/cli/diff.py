"""`seatrial diff`: two load tests beside each other."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial.model import Invalid


@click.command("diff")
@click.argument("old", type=click.Path(path_type=Path))
@click.argument("new", type=click.Path(path_type=Path))
def command(old: Path, new: Path) -> int:
    """Says of each figure of two load tests whether NEW is better, worse, or undecided.

    Intervals are of the difference, by bootstrap over requests, at 95 %.
    """
    from seatrial.load import compare

    for path in (old, new):
        if not path.exists():
            raise Invalid(str(path), "", "does not exist")
    (first, before), (second, after) = compare.read(old), compare.read(new)
    for name, found in (("OLD", first), ("NEW", second)):
        requests = found["requests"]
        state = "" if found["complete"] else f" INCOMPLETE: {found.get('incomplete', '')}"
        saturated = " CLIENT SATURATED" if found["client"]["saturated"] else ""
        click.echo(
            f"{name} {found['profile']} {found['target']['base_url']}: {requests['ok']} ok, {requests['failed']} failed{state}{saturated}"
        )
    differences = compare.compare(before, after)
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
