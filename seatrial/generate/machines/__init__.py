"""Machines: what may be asked in which order of what a server keeps, as rules that add steps to a sequence.

Each module of this package has a `MACHINE`. A rule says what it is asked of; whoever draws chooses the rule and the
object, and the sequence that comes of it is a case like any other: its steps refer to one another's outputs.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import pkgutil
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

from seatrial.citation import url
from seatrial.model import MUST, SHOULD, Case, Citation, Level, Operation, Scenario, Step

PREFIX = "generated.stateful"
SOURCE = "sequences"
"""Stands where a scenario's file is named."""
MEAN_STEPS = 22
"""Requests of a drawn sequence, those that clean up with them."""
Expect = Mapping[Level, Mapping[str, Any]]
OK: Expect = {MUST: {"status": 200}}
GONE: Expect = {MUST: {"status": "4XX"}, SHOULD: {"status": 404}}
REFUSED: Expect = {MUST: {"status": "4XX"}}
ANSWERED: Expect = {MUST: {"status": ["2XX", "4XX"]}}
"""Of what may come too late, such as a cancel."""


@dataclass(slots=True)
class Thing:
    """Something that a sequence made: `ids` are the parameters that name it in a path."""

    kind: str
    ids: dict[str, str]
    state: str = "alive"
    facts: dict[str, Any] = field(default_factory=dict)

    @property
    def id(self) -> str:
        """The reference to its own id, the last of those that name it."""
        return list(self.ids.values())[-1]


@dataclass(slots=True)
class Sequence:
    """The steps that were chosen so far, and what there is after them."""

    operations: Mapping[str, Operation]
    steps: list[Step] = field(default_factory=list)
    cleanup: list[Step] = field(default_factory=list)
    things: list[Thing] = field(default_factory=list)
    needs: dict[str, None] = field(default_factory=dict)
    rule: str = ""

    def of(self, kind: str, state: str = "alive") -> list[Thing]:
        """The things of that kind in that state, the oldest first."""
        return [thing for thing in self.things if thing.kind == kind and thing.state == state]

    def within(self, thing: Thing) -> list[Thing]:
        """What was made inside of that one, and is named by its id too."""
        return [one for one in self.things if one is not thing and thing.ids.items() <= one.ids.items()]

    def ask(self, operation: str, expect: Expect = OK, outputs: Mapping[str, Any] | None = None, **call: Any) -> str:
        """Adds a step, and gives its id: the rule's name and the step's number."""
        id = f"{self.rule}-{len(self.steps) + 1}"
        self.steps.append(Step(id, self.operations[operation], call, expect, outputs or {}))
        return id

    def make(
        self, kind: str, parameter: str, operation: str, undo: str = "", family: str = "", at: str = "/id", **call: Any
    ) -> Thing:
        """Adds a step that makes something, and the one by which it is removed when the case has ended."""
        above = call.get("parameters", {})
        more = {"family": family} if family else {}
        id = self.ask(operation, OK, {"id": f"$response.body#{at}"}, **more, **call)
        made = Thing(kind, {**above, parameter: f"$steps.{id}.outputs.id"})
        self.things.append(made)
        if undo:
            self.undo(undo, f"clean-{id}", parameters=dict(made.ids), **more)
        return made

    def undo(self, operation: str, id: str, **call: Any) -> None:
        """Adds a step to those that are asked when the case has ended, however it ended."""
        self.cleanup.append(Step(id, self.operations[operation], call, {}, {}))


Do = Callable[[Sequence, Thing, int], None]


def listing(operation: str, page: int = 1, **query: Any) -> Do:
    """What a rule does that reads a list to its end: in one large page, or by an odd number in pages of that size."""

    def do(sequence: Sequence, _: Thing, pick: int) -> None:
        sequence.ask(operation, query={**query, "limit": page if pick % 2 else 100}, walk={"most": 6})

    return do


_NOTHING = Thing("", {})


@dataclass(frozen=True, slots=True)
class Rule:
    """One thing that may be asked: of something (`on`) in that `state`, or, where `most` is given, to make up to so many.

    `needs` are capabilities beyond the machine's. `do` is given what it is asked of and a number to choose by.
    """

    name: str
    do: Do
    on: str = ""
    state: str = "alive"
    most: int = 0
    makes: str = ""
    needs: tuple[str, ...] = ()
    when: Callable[[Thing], bool] = lambda thing: True

    def subjects(self, sequence: Sequence) -> list[Thing]:
        """What it may be asked of now; of a rule that is asked of nothing, one that stands for nothing."""
        if self.most and sum(thing.kind == self.makes for thing in sequence.things) >= self.most:
            return []
        return [thing for thing in sequence.of(self.on, self.state) if self.when(thing)] if self.on else [_NOTHING]

    def play(self, sequence: Sequence, which: int = 0, pick: int = 0) -> None:
        """Adds its steps. Raises IndexError where there is nothing that it may be asked of."""
        subjects = self.subjects(sequence)
        sequence.rule = self.name
        sequence.needs |= dict.fromkeys(self.needs)
        self.do(sequence, subjects[which % len(subjects)] if subjects else subjects[which], pick)


@dataclass(frozen=True, slots=True)
class Machine:
    """The rules of one family; `tour` is one sequence that is always played, by names of rules, `name:which:pick`."""

    id: str
    title: str
    area: str
    family: str
    spec: tuple[str, ...]
    needs: tuple[str, ...]
    rules: tuple[Rule, ...]
    tour: str

    def rule(self, name: str) -> Rule:
        """The rule of that name."""
        return next(rule for rule in self.rules if rule.name == name)

    def toured(self, operations: Mapping[str, Operation]) -> Sequence:
        """The sequence of the tour."""
        sequence = Sequence(operations)
        for word in self.tour.split():
            name, *chosen = word.split(":")
            self.rule(name).play(sequence, *map(int, chosen))
        return sequence

    def scenario(self, sequence: Sequence) -> Scenario:
        """The sequence as a scenario."""
        return Scenario(
            id=f"{PREFIX}/{self.id}",
            title=self.title,
            area=self.area,
            family=self.family,
            source=SOURCE,
            spec=tuple(Citation(at, url(at)) for at in self.spec),
            needs=(*self.needs, *(need for need in sequence.needs if need not in self.needs)),
            tier="nightly",
            inputs={},
            steps=tuple(sequence.steps),
            cleanup=tuple(sequence.cleanup),
        )

    def case(self, sequence: Sequence) -> Case:
        """The case of a sequence; its row is a digest of it, so that the same one has the same id in every run."""
        made = self.scenario(sequence)
        text = json.dumps([[step.id, step.operation.id, step.call] for step in made.steps], sort_keys=True)
        row = hashlib.blake2s(text.encode("ascii"), digest_size=5).hexdigest()
        return Case(replace(made, inputs={row: {}}), row)


@cache
def machines() -> dict[str, Machine]:
    """Every machine by id."""
    names = sorted(module.name for module in pkgutil.iter_modules(__path__))
    found = [importlib.import_module(f"{__name__}.{name}").MACHINE for name in names]
    return {machine.id: machine for machine in found}


def drawn_sequences(examples: int) -> int:
    """How many sequences of each machine are drawn where so many bodies are: each is a dozen requests."""
    return -(-examples // 5)


def scenarios(known: Iterable[Scenario]) -> Iterator[Scenario]:
    """The tour of each machine whose operations are known."""
    operations = {s.operation.id: s.operation for scenario in known for s in (*scenario.steps, *scenario.cleanup)}
    for machine in machines().values():
        try:
            yield machine.scenario(machine.toured(operations))
        except KeyError:
            continue  # an operation of it is in no scenario
