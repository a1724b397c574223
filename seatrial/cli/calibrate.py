"""`seatrial calibrate`: how far the load client may be trusted on this machine."""

from __future__ import annotations

import click

from seatrial.model import Invalid


@click.command("calibrate")
@click.option("--levels", metavar="N,N,...", help="Streams at once.  [default: 1,16,64,128,256,512,1024]")
def command(levels: str | None) -> int:
    """Runs the load client against the simulator at rising load and prints its errors, in milliseconds.

    The result is stored for this machine, and named in every load report.
    """
    from seatrial.load import calibrate, result

    chosen: tuple[int, ...] = calibrate.LEVELS
    if levels:
        try:
            chosen = tuple(int(part) for part in levels.split(","))
        except ValueError:
            raise Invalid("--levels", "", "expected numbers with commas") from None
        if not chosen or min(chosen) < 1:
            raise Invalid("--levels", "", "expected numbers from 1")
    head = f"{'streams':>8}{'events/s':>10}{'µs/event':>10}"
    for name in ("TTFT", "ITL", "E2E"):
        head += f"{name + ' p50':>11}{'p99':>8}"
    click.echo("ours minus the truth, milliseconds")
    click.echo(head)

    def show(level: calibrate.Level) -> None:
        line = f"{level.users:>8}{level.events_per_s:>10,.0f}{level.cpu_us_per_event:>10.1f}"
        for name in ("ttft", "itl", "e2e"):
            row = level.bias[name]
            line += f"{row['p50']:>+11.2f}{row['p99']:>+8.2f}"
        click.echo(line + ("  saturated" if level.saturated else ""))

    found = calibrate.calibrate(chosen, show)
    click.echo(found["summary"])
    if not found["pinned"]:
        click.echo("client and simulator shared their cores: with two or more cores and taskset each has its own")
    click.echo(f"stored: {result.calibration_path()}")
    return 0
