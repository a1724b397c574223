"""Steps that ask an operation rightly: what a derived request is made of."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from seatrial.capability import capabilities
from seatrial.citation import url
from seatrial.expect import status_matches
from seatrial.generate.shape import accepts, document
from seatrial.model import Citation, Level, Scenario, Step
from seatrial.refusal import ASKED

PREFIX = "generated.invalid"
SOURCE = "generated"
"""Stands where a scenario's file is named."""


_TOKENS = 16
"""The fewest that a response may be limited to."""


@cache
def _refusable() -> frozenset[str]:
    named = {word for capability in capabilities().values() for word in capability.parameters}
    return frozenset(named - ASKED)


@dataclass(frozen=True, slots=True)
class Donor:
    """A step that asks an operation rightly, and what has to come before it."""

    scenario: Scenario
    index: int

    @property
    def step(self) -> Step:
        return self.scenario.steps[self.index]

    @property
    def part(self) -> str:
        """What of the call is held to the request schema: `body`, or the fields of a `form`."""
        return "form" if "form" in self.step.call else "body"

    @property
    def sent(self) -> dict[str, Any]:
        """The body or form, without what a server may refuse by name: then that would be all it says."""
        given: dict[str, Any] = self.step.call[self.part]
        needed = document(str(self.step.operation.request)).get("required", ())
        kept = {name: value for name, value in given.items() if name in needed or name not in _refusable()}
        # What should be refused is answered as a rule by servers that do not look, and then every token is paid for.
        return {name: min(value, _TOKENS) if name == "max_output_tokens" else value for name, value in kept.items()}

    @property
    def asked(self) -> str:
        """The id of the step that asks wrongly."""
        return "wrong" if any(step.id == "ask" for step in self.before) else "ask"

    @property
    def before(self) -> tuple[Step, ...]:
        """The earlier steps, with nothing expected of them."""
        return tuple(replace(step, expect={}) for step in self.scenario.steps[: self.index])


def donors(scenarios: Iterable[Scenario]) -> dict[str, Donor]:
    """For each operation with a request schema the plainest step that sends it a valid body or form.

    Of operations that share a schema (a queue's routes beside their twins) only the first: what breaks one breaks all.
    """
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
    first: dict[str | None, str] = {}
    for id, (_, donor) in found.items():
        first.setdefault(donor.step.operation.request, id)
    return {id: found[id][1] for id in first.values()}


def _is_plain(step: Step) -> bool:
    body, schema = step.call.get("body", step.call.get("form")), step.operation.request
    wanted = [expected["status"] for expected in step.expect.values() if "status" in expected]
    return (
        schema is not None
        and isinstance(body, dict)
        and not step.call.keys() & {"merge", "drop", "headers", "auth", "poll"}
        and all(status_matches(status, 200) and not status_matches(status, 400) for status in wanted)
        and "$repeat" not in json.dumps(body)
        and accepts(document(schema), body)
    )


def derived(donor: Donor, id: str, title: str, needs: tuple[str, ...], step: Step) -> Scenario:
    """The donor's scenario with this step in place of the one that asks rightly."""
    cited = [*donor.scenario.spec[:1], Citation("rfc9110#section-15.5.1", url("rfc9110#section-15.5.1"))]
    return replace(
        donor.scenario,
        id=f"{PREFIX}/{id}",
        title=title,
        source=SOURCE,
        spec=tuple(cited),
        needs=needs,
        tier="nightly",
        inputs={},
        steps=(*donor.before, step),
    )


def asking(donor: Donor, expect: Mapping[Level, Mapping[str, Any]], **call: Any) -> Step:
    """The donor's step with another body, form, raw text or headers, followed by a plain request."""
    kept = {key: value for key, value in donor.step.call.items() if key != donor.part}
    return Step(donor.asked, donor.step.operation, {**kept, **call}, expect, {}, probe=True)
