"""`seatrial list`: what there is of checks, scenarios, profiles, capabilities, load profiles."""

from __future__ import annotations

import ast

import click

from seatrial import coverage, home, profile, sdk, session
from seatrial.capability import capabilities
from seatrial.check import checks
from seatrial.session import Options


@click.command("list")
@click.argument(
    "what", type=click.Choice(["checks", "scenarios", "profiles", "capabilities", "loads", "coverage"]), metavar="WHAT"
)
@click.option("--scenarios", metavar="DIR", help="A folder of your own beside the project's.")
def command(what: str, scenarios: str | None) -> int:
    """Lists checks, scenarios, profiles, capabilities or load profiles, one a line; or what is tried of each operation."""
    if what == "loads":
        for path in sorted(home.folder("locustfiles").glob("*.py")):  # read, not run: that would load Locust
            title = (ast.get_docstring(ast.parse(path.read_text("utf-8"))) or "").splitlines()[:1]
            click.echo(f"{path.stem:<16} {''.join(title)}")
        return 0
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
        case "coverage":
            click.echo("\n".join(coverage.table(coverage.rows(found, coverage.play(), sdk.operations()))))
        case "profiles":
            for name in profile.names(options.folder):
                click.echo(f"{name:<24} {profile.load(name, options.folder).title}")
        case "capabilities":
            for capability in capabilities().values():
                click.echo(f"{capability.id:<28} {capability.title}")
    return 0
