"""What a target does not offer: by its profile, by what was learnt of it, and how it says so when it is asked all the same."""

from __future__ import annotations

from dataclasses import replace

from seatrial.capability import capabilities, declared
from seatrial.model import Case, Exchange, Finding, Level, Status, Step, Verdict
from seatrial.profile import Target
from seatrial.step import wanted_status


def denied(case: Case, target: Target) -> str | None:
    """The first capability that the case needs and the profile says is not offered; None where there is none."""
    table = target.profile.capabilities
    return next((id for id in case.scenario.needs if declared(id, table) is False), None)


def disabled(case: Case, target: Target) -> str:
    """Why the case is not to be played, or nothing."""
    for id in case.scenario.needs:
        said = declared(id, target.profile.capabilities)
        if said is None and capabilities()[id].declared:
            return f"disabled: the profile {target.profile.name} does not say that {id} is offered"
        if said is False:
            return f"disabled: the profile {target.profile.name} says that {id} is not offered"
        if target.discovered.get(id) is False:
            return f"unsupported: {id}: not offered by this target"
    if target.model(case.scenario.family) is None:
        return f"disabled: no model is known for {case.scenario.family}"
    return ""


def asking(case: Case) -> Step | None:
    """The step of the case by which a refusal shows: its first, where that needs nothing of another and is to succeed."""
    if not case.scenario.steps:
        return None
    step = case.scenario.steps[0]
    return replace(step, expect={}, outputs={}, probe=False) if wanted_status(step) == 200 else None


def refusal(case: Case, step: Step, capability: str, exchange: Exchange) -> Verdict:
    """Whether what the profile says is not offered was refused (4XX or 501), as --strict wants it."""
    status, reason = Status.PASS, ""
    findings: tuple[Finding, ...] = ()
    if exchange.status in (429, 503) or exchange.error is not None:
        status, reason = Status.INCONCLUSIVE, "it was not answered"
    elif exchange.status != 501 and not 400 <= (exchange.status or 0) < 500:
        status = Status.FAIL
        findings = (Finding(f"{capability} is refused: 4XX or 501", f"status {exchange.status}", "the answer"),)
    scenario = case.scenario
    spec = scenario.spec[0].at if scenario.spec else ""
    return Verdict(
        f"{case.id}/{step.id}/must/refused",
        "must/refused",
        scenario.id,
        case.id,
        scenario.area,
        Level.MUST,
        status,
        "What the profile says is not offered is refused, not accepted and ignored",
        spec,
        exchange.number,
        reason,
        findings,
    )
