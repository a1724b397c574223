"""`seatrial report`: renders a recorded run again, in any format."""

from __future__ import annotations

from pathlib import Path
from typing import Any

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
    """Renders a run (its folder, or its run.jsonl; of a load test its load.json) as FORMAT."""
    folder = path if path.is_dir() else path.parent
    measured = path.name == "load.json" or ((folder / "load.json").is_file() and not (folder / "run.jsonl").is_file())
    prefix = "load_" if measured else ""
    formats = {key.removeprefix(prefix): module for key, module in report_formats(prefix).items()}
    if name not in formats:
        raise Invalid("--as", "", unknown("format", name, formats) + f" (known: {', '.join(formats)})")
    recorded: Any = _measured(folder) if measured else run.read(path, checked=True)
    if not formats[name].FILE:
        click.echo(formats[name].render(recorded, **({} if measured else {"verbose": verbose})))
        return 0
    target = out or folder
    target.mkdir(parents=True, exist_ok=True)
    click.echo(str(formats[name].write(recorded, target)))
    return 0


def _measured(folder: Path) -> dict[str, Any]:
    """What a load test wrote of itself. Raises Invalid where it is not as one writes it."""
    from seatrial import schema
    from seatrial.load import compare

    found = compare.summary(folder)
    errors = schema.errors(found, "load.schema.json")
    if errors:
        at, expected, actual = errors[0]
        raise Invalid(str(folder / "load.json"), at, f"expected {expected}, got {actual}")
    return found
