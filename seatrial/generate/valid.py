"""Right requests that nobody wrote: the scenario of an operation, and the case of one drawn body."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from seatrial.capability import capabilities, declared
from seatrial.generate.donor import SOURCE, asking, donors
from seatrial.generate.pools import POOLS, Body, is_strange
from seatrial.generate.shape import accepts, document, keywords
from seatrial.model import MUST, Case, Level, Scenario, Step
from seatrial.profile import Target

PREFIX = "generated.valid"
MODES = ("once", "twice", "both")
"""How a body is sent: once; twice; or twice plain and twice as a stream, so that relations have what they compare."""
MEAN_STEPS = 1.8
"""Requests of a drawn body, taken over the ways in which the suite sends them."""
_SURVIVED: Mapping[Level, Mapping[str, Any]] = {MUST: {"status": ["2XX", "4XX"]}}


def scenarios(known: Iterable[Scenario]) -> Iterator[Scenario]:
    """For each operation the right request that bodies are drawn around."""
    for id, donor in donors(known).items():
        if donor.part == "form":
            continue  # a form carries files, which are not drawn
        step = replace(asking(donor, {MUST: {"status": "2XX"}}, body=donor.sent), probe=False)
        yield replace(
            donor.scenario,
            id=f"{PREFIX}/{id}",
            title=f"A right request to {id} is answered as the contract says, whatever its members",
            source=SOURCE,
            tier="nightly",
            inputs={},
            steps=(*donor.before, step),
        )


def is_drawn(case: str) -> bool:
    """Whether a case of that id is made while a run goes on: nobody planned it."""
    return case.endswith("]") and case.startswith((f"{PREFIX}/", "generated.crowd/", "generated.stateful/"))


def schema_of(scenario: Scenario) -> str:
    """The name of the request schema that the scenario's bodies are drawn from."""
    return str(scenario.steps[-1].operation.request)


def mended(scenario: Scenario, drawn: Body, without: Iterable[str]) -> Body:
    """The drawn body without these members, and with what a request cannot do without.

    References of the scenario's own body (`$target.model`, ids of earlier steps) stand for what they refer to.
    """
    base: Body = scenario.steps[-1].call["body"]
    body = {name: value for name, value in drawn.items() if name not in set(without)}
    body |= {name: value for name, value in base.items() if _refers(value)}
    pool = POOLS.get(schema_of(scenario))
    body = pool.mend(body) if pool else body
    return {name: value for name, value in body.items() if name not in set(without)}


def _refers(value: Any) -> bool:
    """Whether a member is, or lists, what only the run knows: no drawn id would be that of anything."""
    return any(isinstance(one, str) and one.startswith("$") for one in (value if isinstance(value, list) else [value]))


def is_valid(scenario: Scenario, body: Body) -> bool:
    """Whether the body keeps to the operation's schema."""
    return accepts(document(schema_of(scenario)), body)


def case(scenario: Scenario, body: Body, mode: str = "once") -> Case:
    """The case of one body; its row is a digest of it, so that the same body has the same id in every run."""
    text = json.dumps([body, mode], sort_keys=True)
    row = hashlib.blake2s(text.encode("ascii"), digest_size=5).hexdigest()
    *before, step = scenario.steps
    lenient = schema_of(scenario) not in POOLS or is_strange(body)
    step = replace(step, call={**step.call, "body": body}, expect=_SURVIVED if lenient else {MUST: {"status": 200}})
    drawn = replace(scenario, needs=needs(scenario, body), inputs={row: {}}, steps=(*before, *_repeated(step, mode)))
    return Case(drawn, row)


def _repeated(step: Step, mode: str) -> list[Step]:
    if mode == "once":
        return [step]
    if mode == "twice" or "stream" not in keywords(document(str(step.operation.request)))["properties"]:
        return [step, replace(step, id=f"{step.id}-again")]
    body = {key: value for key, value in step.call["body"].items() if key not in ("stream", "stream_options")}
    steps = []
    for name, streams in (("plain", False), ("stream", True)):
        call = {**step.call, "body": {**body, "stream": streams}}
        steps += [replace(step, id=f"{step.id}-{name}{again}", call=call) for again in ("", "-again")]
    return steps


def needs(scenario: Scenario, body: Body) -> tuple[str, ...]:
    """The scenario's needs, and the capability of each member: a legal refusal names one of them."""
    found = dict.fromkeys(scenario.needs)
    pool = POOLS.get(schema_of(scenario))
    for name in body:
        if pool is None or name not in pool.core:
            found |= dict.fromkeys(_capabilities(scenario, name))
    return tuple(found)


def _capabilities(scenario: Scenario, member: str) -> list[str]:
    root = scenario.needs[0].partition(".")[0] if scenario.needs else ""
    return [id for id, known in capabilities().items() if id.startswith(f"{root}.") and member in known.parameters]


def not_offered(scenario: Scenario, target: Target) -> set[str]:
    """The members of a request that the profile says this target does not take."""
    table = {**target.profile.capabilities, **target.discovered}
    members = keywords(document(schema_of(scenario))).get("properties", {})
    return {name for name in members if any(declared(id, table) is False for id in _capabilities(scenario, name))}


def refused_members(scenario: Scenario, body: Body, capability: str) -> set[str]:
    """The members of this body that a refusal of that capability was about."""
    known = capabilities().get(capability)
    return {name for name in body if known is not None and name in known.parameters}


def as_yaml(case: Case, id: str) -> str:
    """A file of scenarios that holds this case, to be kept in a folder of the user's own."""
    scenario = case.scenario

    def flow(value: Any) -> str:
        text = json.dumps(value, ensure_ascii=False)
        return "".join(char if char.isprintable() else _escaped(char) for char in text)

    head = {
        "title": scenario.title,
        "area": scenario.area,
        "family": scenario.family,
        "spec": [{"at": cited.at} for cited in scenario.spec],
        **({"needs": list(scenario.needs)} if scenario.needs else {}),
    }
    rows = ["title: Found by drawn requests", "scenarios:", f"  {id}:"]
    rows += [f"    {key}: {flow(value)}" for key, value in head.items()]
    for part, steps in (("steps", scenario.steps), ("finally", scenario.cleanup)):
        if steps:
            rows += [f"    {part}:", *(f"      - {flow(_written(step))}" for step in steps)]
    return "\n".join(rows) + "\n"


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"


def _written(step: Step) -> dict[str, Any]:
    expect = {level.lower(): expected for level, expected in step.expect.items()}
    outputs = {"outputs": step.outputs} if step.outputs else {}
    return {"id": step.id, "operation": step.operation.id, **step.call, **expect, **outputs}
