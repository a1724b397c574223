"""Draws sequences of requests for what a server keeps, and shows the shortest of those that it answers wrongly."""

from __future__ import annotations

import contextlib
import os
import sys
import unittest
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase, Verbosity
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from seatrial.generate import found
from seatrial.generate.explore import Walker
from seatrial.generate.machines import Rule, Sequence, drawn_sequences, machines
from seatrial.model import Level, Scenario, Status, Verdict
from seatrial.play import Player

os.environ.setdefault("HYPOTHESIS_DATABASE_FILE", ":memory:")
_LONGEST = 14
"""Rules of a sequence."""
_LEARNT = 4
"""Times that is drawn anew, without the rules that were found not to be offered meanwhile."""


class Over(unittest.SkipTest):
    """Ends the drawing at once: hypothesis lets nothing through but what skips a test."""


class Failed(Exception):
    """A drawn sequence failed a check; each check has a class of its own, so that each failure is shrunk by itself."""


def drawn(walker: Walker) -> type[RuleBasedStateMachine]:
    """The state machine whose sequences are played when they are whole, of the rules that are offered by now."""
    without = frozenset(walker.without)
    classes: dict[str, type[Failed]] = {}

    class Drawn(RuleBasedStateMachine):
        def __init__(self) -> None:
            super().__init__()
            self.sequence = Sequence(walker.operations)
            self._outer = sys.exc_info()[1]

        def teardown(self) -> None:
            if sys.exc_info()[1] is self._outer and self.sequence.steps:  # a draw that was given up is no sequence
                failed = sorted(walker.ask(self.sequence))[:1]
                if walker.is_over:
                    raise Over("nothing more is played")
                for check in failed:
                    raise classes.setdefault(check, type("Failed", (Failed,), {}))(check)

    def bound(one: Rule) -> Any:
        def ask(self: Drawn, which: int, pick: int) -> None:
            one.play(self.sequence, which, pick)

        ask.__name__ = one.name.replace("-", "_")
        may = precondition(lambda self: one.name not in without and bool(one.subjects(self.sequence)))
        return may(rule(which=st.integers(0, 3), pick=st.integers(0, 3))(ask))

    return type("Drawn", (Drawn,), {one.name.replace("-", "_"): bound(one) for one in walker.machine.rules})


def _failing(verdicts: list[Verdict]) -> list[Verdict]:
    return [v for v in verdicts if v.status is Status.FAIL and v.level is Level.MUST and not v.known]


def test_stateful(machine_of: Scenario, player: Player, pytestconfig: pytest.Config, subtests: pytest.Subtests) -> None:
    """What fails again from the last time, then as many drawn sequences as the number of examples gives."""
    option = pytestconfig.option
    kept = found.Kept(option.out, player.target)
    walker = Walker(player, machines()[machine_of.id.rpartition("/")[2]], option.max_tokens)

    def show(verdict: Verdict) -> None:
        with subtests.test(msg=verdict.id):
            pytest.fail(f"{verdict.requirement}\n{verdict.findings}", pytrace=False)

    for case in kept.cases(machine_of, player.operations):
        failing = _failing(player.play(case))
        if not failing:
            kept.drop(case)
        for verdict in failing:
            show(verdict)
    if option.examples > 0 and not walker.stopped:
        settings = hypothesis.settings(
            max_examples=drawn_sequences(option.examples),
            stateful_step_count=_LONGEST,
            deadline=None,
            database=None,
            phases=(Phase.generate, Phase.shrink),
            suppress_health_check=list(HealthCheck),
            print_blob=False,
            report_multiple_bugs=True,
            verbosity=Verbosity.quiet,
        )
        # What failed is told by what is recorded, as with drawn bodies.
        for _ in range(_LEARNT):
            before = len(walker.without)
            with contextlib.suppress(Failed, ExceptionGroup, hypothesis.errors.Flaky, Over):
                run_state_machine_as_test(hypothesis.seed(option.seed or 0)(drawn(walker)), settings=settings)
            if walker.is_over or len(walker.without) == before:
                break
    if walker.stopped:
        walker.note(f"{machine_of.id}: no more sequences were drawn: {walker.stopped}")
    for case, verdicts in walker.finish():
        for verdict in _failing(verdicts):
            walker.note(f"{verdict.id} failed: kept as {kept.keep(case)}")
            show(verdict)
