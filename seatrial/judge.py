"""Applies checks to exchanges: a fault of a check is an ERROR of ours, never a failure of the server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from seatrial.check import Check, Inconclusive
from seatrial.model import Case, Exchange, Finding, Level, Status, Verdict
from seatrial.profile import Known

_MOST_FINDINGS = 20


def judge(case: Case, exchange: Exchange, checks: Iterable[Check], taken: bool = False) -> list[Verdict]:
    """The verdict of each check that applies to this exchange; `taken`: it was wrong on purpose, and succeeded."""
    if taken:
        # That is the fault, and its answer can keep no promise.
        checks = [check for check in checks if check.id.startswith(("http.", "auth."))]
    return _run(case, f"{case.id}/{exchange.step}", exchange.number, exchange, (c for c in checks if not c.relation))


def relate(case: Case, exchanges: Sequence[Exchange], checks: Iterable[Check]) -> list[Verdict]:
    """The verdict of each relation that applies to the exchanges of one case, those aside that the server put off."""
    told = [exchange for exchange in exchanges if exchange.status not in (429, 503)]
    return _run(case, case.id, told[-1].number, told, (c for c in checks if c.relation)) if told else []


def mark(verdict: Verdict, known: Iterable[Known]) -> Verdict:
    """The verdict, marked where the profile knows its failure, or knew one that passes now."""
    actual = [finding.actual for finding in verdict.findings]
    rows = [row for row in known if row.covers(verdict.id, verdict.check, actual)]
    if not rows or verdict.known:
        return verdict
    row = next((row for row in rows if not row.expired), rows[0])
    if verdict.status is Status.FAIL and row.expired:
        return replace(verdict, reason=f"known until {row.expired}, when that expired: {row.why}")
    if verdict.status is Status.FAIL:
        return replace(verdict, known=True, reason=f"known: {row.why}")
    if verdict.status is Status.PASS and "*" not in row.match and not row.actual:  # one of many is no sign of a mend
        return replace(verdict, reason="fixed: this known failure passes now")
    return verdict


def erred(case: Case, fault: Exception) -> Verdict:
    """The verdict of a case that could not be played for a fault of ours, or of a file of the user's."""
    scenario = case.scenario
    return Verdict(
        id=f"{case.id}/seatrial",
        check="seatrial",
        scenario=scenario.id,
        case=case.id,
        area=scenario.area,
        level=Level.MUST,
        status=Status.ERROR,
        requirement=scenario.title,
        spec=scenario.spec[0].at if scenario.spec else "",
        reason=_fault(fault),
    )


def _run(case: Case, at: str, number: int | None, subject: Any, checks: Iterable[Check]) -> list[Verdict]:
    verdicts = []
    for check in checks:
        try:
            if not check.applies(subject):
                continue
            status, findings, reason = _apply(check, subject)
        except Exception as fault:
            status, findings, reason = Status.ERROR, (), _fault(fault)
        verdicts.append(
            Verdict(
                id=f"{at}/{check.id}",
                check=check.id,
                scenario=case.scenario.id,
                case=case.id,
                area=case.scenario.area,
                level=check.level,
                status=status,
                requirement=check.requirement,
                spec=check.spec,
                exchange=number,
                reason=reason,
                findings=findings,
            )
        )
    return verdicts


def _apply(check: Check, subject: Any) -> tuple[Status, tuple[Finding, ...], str]:
    findings: list[Finding] = []
    try:
        for finding in check.function(subject):
            if not isinstance(finding, Finding):
                raise TypeError(f"a check yields Findings, not {type(finding).__name__}")
            findings.append(Finding(str(finding.expected), str(finding.actual), str(finding.where)))
            if len(findings) == _MOST_FINDINGS:
                break
    except Inconclusive as reason:
        # What was found before the view closed still stands.
        if not findings:
            return Status.INCONCLUSIVE, (), str(reason)
    return (Status.FAIL if findings else Status.PASS), tuple(findings), ""


def _fault(fault: Exception) -> str:
    place = fault.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename.rpartition('/')[2]}:{place.tb_lineno}" if place else "?"
    return f"{type(fault).__name__}: {fault} ({where})"
