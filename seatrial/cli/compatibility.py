"""`seatrial compatibility`: the compatibility table of recorded runs, as Markdown."""

from __future__ import annotations

from pathlib import Path

import click

from seatrial import compatibility, home, results
from seatrial.loading import module_at
from seatrial.model import Invalid
from seatrial.run import verdict_from


@click.command("compatibility")
@click.argument("runs", nargs=-1, required=True, metavar="[NAME=]RUN...")
@click.option("--definitions", type=click.Path(path_type=Path), metavar="FILE", help="Cells of your own.")
@click.option(
    "--out", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE", help="Write here, not to the terminal."
)
def command(runs: tuple[str, ...], definitions: Path | None, out: Path | None) -> int:
    """Tells from recorded runs what each backend offers: chat, streaming, tool calling, and so on.

    A RUN is a run's folder or its results.json, a column of the table; NAME is its title.
    """
    columns, facts = {}, {}
    for word in runs:
        name, _, path = word.rpartition("=") if not Path(word).exists() else ("", "", word)
        data = results.read(Path(path))
        name = name or Path(path).name
        if name in columns:
            raise Invalid(word, "", f"two runs are named {name}; give NAME=RUN")
        columns[name] = compatibility.cells(map(verdict_from, data["verdicts"]), definitions)
        models = ", ".join(dict.fromkeys(data["target"]["models"].values()))
        whole = "" if data["complete"] else ", incomplete"
        facts[name] = (
            f"profile {data['target']['profile']}, model {models or 'unknown'}, tier {data['run']['tier']}, "
            f"{data['requests']} requests on {data['run']['started'][:10]}, seatrial {data['seatrial']}{whole}"
        )
    table = module_at(home.folder("reports") / "site" / "table.py", "seatrial_site_table")
    text: str = table.render(columns, facts)
    if out is None:
        click.echo(text, nl=False)
    else:
        out.parent.mkdir(parents=True, exist_ok=True)
        out.write_text(text, encoding="utf-8")
        click.echo(str(out))
    return 0
