"""Plays every selected case and shows each verdict as a subtest of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import allure
import pytest

from seatrial.model import Case, Level, Status, Verdict

_SEVERITY = {Level.MUST: "critical", Level.SHOULD: "minor", Level.MAY: "trivial"}


def test_scenario(described: Case, play: Callable[[Case], list[Verdict]], subtests: pytest.Subtests) -> None:
    """Every MUST of the case holds, known failures aside."""
    verdicts = play(described)
    broken = [verdict.level for verdict in verdicts if verdict.status is Status.FAIL]
    # To Allure a case is as severe as the most binding requirement that it breaks.
    dynamic: Any = allure.dynamic
    dynamic.severity(next((word for level, word in _SEVERITY.items() if level in broken), "normal"))
    for verdict in verdicts:
        with (
            subtests.test(msg=verdict.id),
            allure.step(f"{verdict.level} {verdict.id.removeprefix(described.id + '/')}"),
        ):
            show(verdict)


def show(verdict: Verdict) -> None:
    """Ends as the verdict did: passed, failed (MUST, ERROR), or skipped with its reason (the rest)."""
    found = "\n".join(f"{f.where}: expected {f.expected}; got {f.actual}" for f in verdict.findings)
    text = f"{verdict.level} {verdict.requirement} [{verdict.spec}]\n{found or verdict.reason}"
    match verdict.status:
        case Status.PASS:
            return
        case Status.ERROR:
            raise RuntimeError(f"seatrial erred, not the server: {text}")
        case Status.FAIL if verdict.known:
            pytest.skip(f"{verdict.reason}: {text}")
        case Status.FAIL if verdict.level is Level.MUST:
            pytest.fail(text, pytrace=False)
        case Status.FAIL:
            pytest.skip(f"not gating: {text}")
        case _:
            pytest.skip(f"{verdict.status.word}: {verdict.reason}")
