"""Cases of wrong requests, derived from the request schema of every operation that some scenario asks rightly."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

from seatrial.capability import capabilities
from seatrial.generate import broken
from seatrial.generate.donor import Donor, asking, derived, donors
from seatrial.generate.faults import Fault, faults
from seatrial.generate.pools import POOLS
from seatrial.generate.rules import COMPANIONS, SELDOM, UNWRITTEN
from seatrial.generate.shape import document
from seatrial.model import MUST, SHOULD, Level, Scenario, Step

_KINDS = {
    "missing": "is missing",
    "extra": "is not known",
    "outside": "is none of the values listed",
    "upper-case": "is written in capitals",
    "pattern": "has characters that are not allowed",
}
_IN_FORMS = frozenset(("missing", "extra", "outside", "upper-case", "empty", "too-small", "too-large", "as-text"))
"""The fields of a form are texts: what is of another type there cannot be sent."""
_DEEP = 2
"""Members below which a fault binds no more than a SHOULD, outside what every server reads."""
_READ = frozenset(("messages", "prompt", "input", "tools", "tool_choice", "response_format", "stop", "logit_bias"))


@cache
def _faults(schema: str, body: str) -> list[Fault]:
    return faults(document(schema), json.loads(body), COMPANIONS.get(schema))


def scenarios(known: Iterable[Scenario]) -> Iterator[Scenario]:
    """A scenario for each fault of each operation: refused with 4xx and an envelope, and the server lives on."""
    for id, donor in donors(known).items():
        schema = str(donor.step.operation.request)
        for fault in _faults(schema, json.dumps(donor.sent)):
            if donor.part == "form" and (fault.kind not in _IN_FORMS or len(fault.place) > 1):
                continue
            yield derived(donor, f"{id}/{fault.id}", _title(fault), _needs(donor, fault), _step(donor, fault))
        yield from broken.scenarios(donor)


def _title(fault: Fault) -> str:
    said = _KINDS.get(fault.kind) or f"is {fault.kind.replace('-', ' ').replace('as ', 'given as ', 1)}"
    return f"A request whose {'.'.join(fault.place)} {said} is refused and harms nobody"


def _step(donor: Donor, fault: Fault) -> Step:
    expect: dict[Level, Mapping[str, Any]] = {}
    member = fault.place[0]
    # Which model there is and what it is called is told by 404; by then the route itself may be what is missing.
    advised: dict[str, Any] = {"status": [400, 404] if member == "model" else 400}
    if len(fault.place) == 1 and member != "model":
        schema = str(donor.step.operation.request)
        others: Iterable[str] = COMPANIONS.get(schema, {}).get(member, ())
        if schema not in POOLS:
            others = donor.sent  # two members may exclude each other, and either is named with right
        names = "|".join((member, *others))
        advised["body"] = {"/error/param": {"type": "string", "pattern": f"(^|[^a-z_])({names})"}}
    if _binds(fault, donor):
        expect[MUST] = {"status": "4XX"}
        expect[SHOULD] = advised
    else:
        # Most servers leave unread what they do not know, and clients depend on it.
        expect[Level.MAY if fault.kind == "extra" else SHOULD] = {"status": "4XX"}
    return asking(donor, expect, **{donor.part: fault.body})


def _binds(fault: Fault, donor: Donor) -> bool:
    # A field of a form that is empty is to many servers one that was not sent.
    unsent = donor.part == "form" and fault.kind == "empty"
    if unsent or fault.prose or SELDOM.intersection(fault.place):
        return False
    if fault.place in UNWRITTEN.get(str(donor.step.operation.request), ()):
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
