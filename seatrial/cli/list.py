"""`seatrial list`: what there is of checks, scenarios, profiles, capabilities."""

from __future__ import annotations

import click

from seatrial import profile, session
from seatrial.capability import capabilities
from seatrial.check import checks
from seatrial.session import Options


@click.command("list")
@click.argument("what", type=click.Choice(["checks", "scenarios", "profiles", "capabilities"]))
@click.option("--scenarios", metavar="DIR", help="A folder of your own beside the project's.")
def command(what: str, scenarios: str | None) -> int:
    """Lists checks, scenarios, profiles or capabilities, one a line."""
    options = Options("", scenarios=scenarios)
    found = session.catalog(options)
    match what:
        case "checks":
            for check in checks().values():
                click.echo(f"{check.id:<36} {check.level:<6} {check.requirement}")
        case "scenarios":
            for scenario in found.scenarios.values():
                rows = f" [{len(scenario.inputs)} rows]" if scenario.inputs else ""
                click.echo(f"{scenario.id:<36} {scenario.tier:<8} {scenario.title}{rows}")
        case "profiles":
            for name in profile.names(options.folder):
                click.echo(f"{name:<24} {profile.load(name, options.folder).title}")
        case "capabilities":
            for capability in capabilities().values():
                click.echo(f"{capability.id:<28} {capability.title}")
    return 0
