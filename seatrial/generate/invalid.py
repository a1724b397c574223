"""Cases of wrong requests, derived from the request schema of every operation that some scenario asks rightly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from seatrial.capability import capabilities
from seatrial.citation import url
from seatrial.expect import status_matches
from seatrial.generate.faults import Fault, faults
from seatrial.generate.rules import COMPANIONS, SELDOM
from seatrial.generate.shape import accepts, document
from seatrial.model import MUST, SHOULD, Citation, Level, Scenario, Step

PREFIX = "generated.invalid"
SOURCE = "generated"
"""Stands where a scenario's file is named."""
_KINDS = {
    "missing": "is missing",
    "extra": "is not known",
    "outside": "is none of the values listed",
    "upper-case": "is written in capitals",
    "pattern": "has characters that are not allowed",
}
_DEEP = 2
"""Members below which a fault binds no more than a SHOULD, outside what every server reads."""
_READ = frozenset(("messages", "prompt", "input", "tools", "tool_choice", "response_format", "stop", "logit_bias"))


@dataclass(frozen=True, slots=True)
class Donor:
    """A step that asks an operation rightly, and what has to come before it."""

    scenario: Scenario
    index: int

    @property
    def step(self) -> Step:
        return self.scenario.steps[self.index]

    @property
    def asked(self) -> str:
        """The id of the step that asks wrongly."""
        return "wrong" if any(step.id == "ask" for step in self.before) else "ask"

    @property
    def before(self) -> tuple[Step, ...]:
        """The earlier steps, with nothing expected of them."""
        return tuple(replace(step, expect={}) for step in self.scenario.steps[: self.index])


def donors(scenarios: Iterable[Scenario]) -> dict[str, Donor]:
    """For each operation with a request schema the plainest step that sends it a valid JSON body."""
    found: dict[str, tuple[tuple[int, int, int], Donor]] = {}
    for scenario in scenarios:
        if scenario.source == SOURCE:
            continue
        for index, step in enumerate(scenario.steps):
            weight = (index, len(scenario.needs), len(json.dumps(step.call)))
            if not _is_plain(step) or any("$inputs" in json.dumps(s.call) for s in scenario.steps[: index + 1]):
                continue
            known = found.get(step.operation.id)
            if known is None or weight < known[0]:
                found[step.operation.id] = weight, Donor(scenario, index)
    return {id: donor for id, (_, donor) in found.items()}


def _is_plain(step: Step) -> bool:
    body, schema = step.call.get("body"), step.operation.request
    expected: Any = step.expect.get(MUST, {})
    return (
        schema is not None
        and isinstance(body, dict)
        and not step.call.keys() & {"merge", "drop", "headers", "auth", "poll"}
        and status_matches(expected.get("status", 200), 200)
        and "$repeat" not in json.dumps(body)
        and accepts(document(schema), body)
    )


def scenarios(known: Iterable[Scenario]) -> Iterator[Scenario]:
    """A scenario for each fault of each operation: refused with 4xx and an envelope, and the server lives on."""
    for id, donor in donors(known).items():
        schema = str(donor.step.operation.request)
        body: Mapping[str, Any] = donor.step.call["body"]
        for fault in faults(document(schema), body, COMPANIONS.get(schema)):
            yield _scenario(
                donor, f"{PREFIX}/{id}/{fault.id}", _title(fault), _needs(donor, fault), _step(donor, fault)
            )


def _scenario(donor: Donor, id: str, title: str, needs: tuple[str, ...], step: Step) -> Scenario:
    cited = [*donor.scenario.spec[:1], Citation("rfc9110#section-15.5.1", url("rfc9110#section-15.5.1"))]
    return replace(
        donor.scenario,
        id=id,
        title=title,
        source=SOURCE,
        spec=tuple(cited),
        needs=needs,
        tier="nightly",
        inputs={},
        steps=(*donor.before, step),
    )


def _title(fault: Fault) -> str:
    said = _KINDS.get(fault.kind) or f"is {fault.kind.replace('-', ' ').replace('as ', 'given as ', 1)}"
    return f"A request whose {'.'.join(fault.place)} {said} is refused and harms nobody"


def _step(donor: Donor, fault: Fault) -> Step:
    expect: dict[Level, Mapping[str, Any]] = {}
    advised: dict[str, Any] = {"status": [400, 404] if fault.place[0] == "model" else 400}
    if len(fault.place) == 1 and fault.kind != "extra":
        advised["body"] = {"/error/param": {"type": "string", "pattern": rf"(^|[^a-z_]){fault.place[0]}"}}
    if _binds(fault):
        expect[MUST] = {"status": "4XX"}
        expect[SHOULD] = advised
    elif fault.kind == "extra":
        expect[Level.MAY] = {"status": "4XX"}
    else:
        expect[SHOULD] = {"status": "4XX"}
    call = {**donor.step.call, "body": fault.body}
    return Step(donor.asked, donor.step.operation, call, expect, {}, probe=True)


def _binds(fault: Fault) -> bool:
    if fault.prose or SELDOM.intersection(fault.place):
        return False
    return len(fault.place) <= _DEEP or fault.place[0] in _READ


def _needs(donor: Donor, fault: Fault) -> tuple[str, ...]:
    """The donor's needs, and the capability that the innermost member of the fault's place belongs to."""
    needs = donor.scenario.needs
    if not needs or fault.place[0] in ("model", "prompt", "input"):
        return needs
    for name in reversed(fault.place):
        for id, capability in capabilities().items():
            if id.startswith(needs[0] + ".") and name in capability.parameters:
                return (*needs, *([id] if id not in needs else []))
    return needs
