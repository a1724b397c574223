"""Plays what is drawn on a target within a budget, remembers what is refused, and keeps the smallest of each failure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from seatrial import offered, run
from seatrial.generate import valid
from seatrial.generate.machines import Machine, Sequence
from seatrial.generate.pools import Body
from seatrial.model import Case, Level, Scenario, Status, Verdict
from seatrial.play import Player
from seatrial.summary import SPENT

SHRINKS = 60
"""Bodies that are played after the first failure of an operation, to find a smaller one."""
SEQUENCES = 40
"""As many sequences: each is a dozen requests."""
_QUIET = 4
"""Cases in a row of which nothing could be judged, after which no more are drawn."""


@dataclass(slots=True)
class _Played:
    case: Case
    size: int
    failed: frozenset[str]
    verdicts: list[Verdict]
    lines: list[Mapping[str, Any]] = field(default_factory=list)


class Trials:
    """What is drawn of one kind, on one target.

    Every exchange is recorded when it happens. The verdicts of a case that failed are held back until `finish`, which
    records those of the smallest one for each check, once it failed again.
    """

    def __init__(self, player: Player, tokens: int | None, shrinks: int) -> None:
        self.stopped = ""
        self._player, self._sink, self._tokens = player, player.record, tokens
        self._most, self._shrinks = shrinks, 0
        self._played: dict[str, _Played] = {}
        self._held: list[Mapping[str, Any]] = []
        self._quiet = self.spent = 0

    def write(self, line: Mapping[str, Any]) -> None:
        """Takes the player's lines: an exchange at once, a verdict when it is decided."""
        if line["type"] != "exchange":
            self._held.append(line)
            return
        counted = run.usage(run.exchange_from(line, {}))
        self.spent += sum(
            v for name in ("prompt_tokens", "completion_tokens") if isinstance(v := counted.get(name), int)
        )
        if self._sink is not None:
            self._sink.write(line)

    @property
    def is_over(self) -> bool:
        """Whether nothing that is drawn from now on is played."""
        return bool(self.stopped) or self._shrinks > self._most

    def failures(self) -> dict[str, Case]:
        """By check, the case of the smallest body that failed it."""
        return {check: played.case for check, played in self._smallest().items()}

    def _try(self, case: Case, size: int) -> _Played | None:
        """The case as it was played, now or before; None where it could not be played any more."""
        if case.id in self._played:
            return self._played[case.id]
        if self.stopped:
            return None
        if any(played.failed for played in self._played.values()):
            self._shrinks += 1
            if self._shrinks > self._most:
                return None
        played = self._play(case, size)
        self._played[case.id] = played
        self._learn(played)
        if not played.failed:
            self._flush(played.lines)
        return played

    def _play(self, case: Case, size: int) -> _Played:
        self._player.record, self._held = self, []
        try:
            verdicts = self._player.play(case)
        finally:
            self._player.record = self._sink
        failed = (v for v in verdicts if v.status is Status.FAIL and v.level is Level.MUST and not v.known)
        return _Played(case, size, frozenset(v.check for v in failed), verdicts, self._held)

    def _learn(self, played: _Played) -> None:
        for verdict in played.verdicts:
            if verdict.status is Status.SKIPPED and verdict.reason.startswith("unsupported: "):
                self._refused(played, verdict, verdict.reason.removeprefix("unsupported: ").partition(":")[0])
        asked = [v for v in played.verdicts if "/" in v.check and v.check.endswith("/status")]
        self._quiet = self._quiet + 1 if all(v.status is Status.INCONCLUSIVE for v in asked) else 0
        if any(v.reason == SPENT for v in asked):
            self.stopped = SPENT
        elif self._quiet >= _QUIET:
            self.stopped = f"the last {_QUIET} requests could not be judged: {asked[-1].reason if asked else ''}"
        elif self._tokens is not None and self.spent >= self._tokens:
            self.stopped = f"the {self._tokens} tokens of the run were spent"

    def _refused(self, played: _Played, verdict: Verdict, capability: str) -> None:
        """Learns what is not to be drawn again, or stops."""
        self.stopped = verdict.reason

    def _smallest(self) -> dict[str, _Played]:
        found: dict[str, _Played] = {}
        for played in sorted(self._played.values(), key=lambda played: played.size):
            for check in played.failed:
                found.setdefault(check, played)
        return found

    def finish(self) -> list[tuple[Case, list[Verdict]]]:
        """Plays the smallest failing bodies again, records what is true of them, and gives it.

        What fails no more is no failure but *flaky*: its verdict is inconclusive and says so.
        """
        found = []
        for played in {p.case.id: p for p in self._smallest().values()}.values():
            again = self._play(played.case, played.size)
            if again.failed & played.failed:
                lines, verdicts = again.lines, again.verdicts
            else:
                verdicts = [_flaky(verdict) for verdict in played.verdicts]
                lines = [run.verdict_line(verdict) for verdict in verdicts]
                lines += [line for line in played.lines if line["type"] == "case"]
            self._flush(lines)
            found.append((played.case, verdicts))
        return found

    def note(self, text: str) -> None:
        """Says something in the record."""
        if self._sink is not None:
            self._sink.write({"type": "note", "text": text})

    def _flush(self, lines: Iterable[Mapping[str, Any]]) -> None:
        if self._sink is not None:
            for line in lines:
                self._sink.write(line)


class Explorer(Trials):
    """One operation's drawn bodies."""

    def __init__(self, player: Player, scenario: Scenario, tokens: int | None = None) -> None:
        super().__init__(player, tokens, SHRINKS)
        self.scenario = scenario
        self._without = valid.not_offered(scenario, player.target)
        self._bodies: dict[str, Body] = {}

    def ask(self, drawn: Body, mode: str = "once") -> frozenset[str]:
        """The MUST checks that fail on this body; none where it could not be asked any more."""
        body = valid.mended(self.scenario, drawn, self._without)
        case = valid.case(self.scenario, body, mode)
        if case.id not in self._bodies and not valid.is_valid(self.scenario, body):
            return frozenset()
        self._bodies[case.id] = body
        played = self._try(case, len(json.dumps(body)) + len(case.scenario.steps))
        return played.failed if played else frozenset()

    def _refused(self, played: _Played, verdict: Verdict, capability: str) -> None:
        found = valid.refused_members(self.scenario, self._bodies[played.case.id], capability)
        if not found:
            self.stopped = verdict.reason
        self._without |= found


class Walker(Trials):
    """One machine's drawn sequences; `without` are the rules that the target has nothing for."""

    def __init__(self, player: Player, machine: Machine, tokens: int | None = None) -> None:
        super().__init__(player, tokens, SEQUENCES)
        self.machine, self.operations = machine, player.operations

        def why_not(needs: tuple[str, ...]) -> str:
            scenario = replace(machine.scenario(Sequence({})), needs=needs)
            return offered.disabled(Case(scenario), player.target)

        self.stopped = why_not(machine.needs)
        self.without = {rule.name for rule in machine.rules if why_not(rule.needs)}

    def ask(self, sequence: Sequence) -> frozenset[str]:
        """The MUST checks that fail on this sequence; none where it was not to be played any more."""
        if self.without & {_rule(step.id) for step in sequence.steps}:
            return frozenset()
        case = self.machine.case(sequence)
        played = self._try(case, 1000 * len(case.scenario.steps) + len(str(case.scenario.steps)))
        return played.failed if played else frozenset()

    def _refused(self, played: _Played, verdict: Verdict, capability: str) -> None:
        step = verdict.id.removeprefix(f"{played.case.id}/").partition("/")[0]
        for rule in self.machine.rules:
            if capability in rule.needs or rule.name == _rule(step):
                self.without.add(rule.name)
                if rule.makes and not rule.needs:
                    self.stopped = verdict.reason


def _rule(step: str) -> str:
    """The rule that added the step."""
    return step.rpartition("-")[0]


def _flaky(verdict: Verdict) -> Verdict:
    if verdict.status is not Status.FAIL:
        return verdict
    what = "; ".join(f"{f.where}: expected {f.expected}, got {f.actual}" for f in verdict.findings[:2])
    return replace(
        verdict, status=Status.INCONCLUSIVE, findings=(), reason=f"flaky: failed once, and not when asked again: {what}"
    )
