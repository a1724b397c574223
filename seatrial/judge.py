"""Applies checks to exchanges: a fault of a check is an ERROR of ours, never a failure of the server."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from seatrial.check import Check, Inconclusive
from seatrial.model import Case, Exchange, Finding, Status, Verdict

_MOST_FINDINGS = 20


def judge(case: Case, exchange: Exchange, checks: Iterable[Check]) -> list[Verdict]:
    """The verdict of each check that applies to this exchange."""
    return _run(case, f"{case.id}/{exchange.step}", exchange.number, exchange, (c for c in checks if not c.relation))


def relate(case: Case, exchanges: Sequence[Exchange], checks: Iterable[Check]) -> list[Verdict]:
    """The verdict of each relation that applies to the exchanges of one case."""
    last = exchanges[-1].number if exchanges else None
    return _run(case, case.id, last, exchanges, (c for c in checks if c.relation)) if exchanges else []


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
            findings.append(finding)
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
