"""`seatrial judge`: judges a recorded run again by the checks of today, without a server."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial import session, summary
from seatrial.loading import report_formats


@click.command("judge")
@click.argument("path", metavar="RUN", type=click.Path(exists=True, path_type=Path))
@click.option(
    "--out", type=click.Path(file_okay=False, path_type=Path), help="Write the reports of the new verdicts here."
)
@click.option("-v", "--verbose", is_flag=True, help="Show MAY findings and every reason.")
def command(path: Path, out: Path | None, verbose: bool) -> int:
    """Judges a run (its folder, or its run.jsonl) again. The recorded run stays as it is."""
    judged = session.rejudge(path)
    formats = report_formats()
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name, format_ in formats.items():
            if name != "terminal":
                format_.write(judged, out)
    click.echo(formats["terminal"].render(judged, verbose=verbose))
    return summary.exit_code(judged)
