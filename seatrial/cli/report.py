"""`seatrial report`: renders a recorded run again, in any format."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial import run
from seatrial.capability import unknown
from seatrial.loading import report_formats
from seatrial.model import Invalid


@click.command("report")
@click.argument("path", metavar="RUN", type=click.Path(exists=True, path_type=Path))
@click.option("--as", "name", default="terminal", show_default=True, metavar="FORMAT", help="A module of reports/.")
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Folder to write to.  [default: the run's]"
)
@click.option("-v", "--verbose", is_flag=True, help="Show MAY findings and every reason.")
def command(path: Path, name: str, out: Path | None, verbose: bool) -> int:
    """Renders a run (its folder, or its run.jsonl) as FORMAT."""
    formats = report_formats()
    if name not in formats:
        raise Invalid("--as", "", unknown("format", name, formats) + f" (known: {', '.join(formats)})")
    recorded = run.read(path, checked=True)
    if not formats[name].FILE:
        click.echo(formats[name].render(recorded, verbose=verbose))
        return 0
    target = out or (path if path.is_dir() else path.parent)
    target.mkdir(parents=True, exist_ok=True)
    click.echo(str(formats[name].write(recorded, target)))
    return 0
