"""`seatrial explain`: the requirement, level, citation and origin behind an id."""

from __future__ import annotations

import click

from seatrial import citation, session
from seatrial.capability import capabilities, unknown
from seatrial.check import checks
from seatrial.model import Invalid
from seatrial.session import Options


@click.command("explain")
@click.argument("id")
@click.option("--scenarios", metavar="DIR", help="A folder of your own beside the project's.")
def command(id: str, scenarios: str | None) -> int:
    """Explains a check, a scenario, a capability, or a verdict's whole id."""
    found = session.catalog(Options("", scenarios=scenarios))
    known = checks()
    parts = id.split("/")
    shown = False
    if parts[-1] in known:
        check = known[parts[-1]]
        kind = "the exchanges of a case together" if check.relation else "each exchange it applies to"
        click.echo(
            f"{check.id}  {check.level}\n  {check.requirement}\n  judges {kind}\n  {check.spec}\n  {citation.url(check.spec)}"
        )
        shown = True
    name = parts[0].split("[")[0]
    if name in found.scenarios:
        scenario = found.scenarios[name]
        click.echo(f"{scenario.id}  tier {scenario.tier}, area {scenario.area}\n  {scenario.title}")
        for step in scenario.steps:
            click.echo(f"  step {step.id}: {step.operation.method} {step.operation.path}")
        if scenario.needs:
            click.echo(f"  needs {', '.join(scenario.needs)}")
        for cited in scenario.spec:
            click.echo(f"  {cited.at}" + (f' "{cited.quote}"' if cited.quote else "") + f"\n  {cited.url}")
        shown = True
    if id in capabilities():
        capability = capabilities()[id]
        words = ", ".join(capability.parameters) or "none"
        click.echo(f"{id}\n  {capability.title}\n  an error that names one of these refuses it: {words}")
        shown = True
    if not shown:
        raise Invalid(id, "", unknown("id", id, [*known, *found.scenarios, *capabilities()]))
    return 0
