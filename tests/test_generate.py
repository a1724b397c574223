"""Requests derived from the schemas: each wrong one has one fault, and no other server than a faulty one fails on it."""

from __future__ import annotations

import json
import re
from functools import cache

import pytest

from seatrial import home, schema, session
from seatrial.generate import broken, invalid, repeats, shape
from seatrial.generate.faults import faults
from seatrial.model import Case, Level, Scenario, Status
from seatrial.reference import Scope, resolve
from seatrial.session import Options
from tests import plants

SOMETIMES = "stream.one-terminal/now-and-then"
REQUESTS = sorted(f"openai/{path.name}" for path in (home.folder("schemas") / "openai").glob("*-request.json"))


@cache
def written() -> list[Scenario]:
    """The scenarios that people wrote."""
    return list(session.catalog(Options("")).scenarios.values())


@cache
def every() -> dict[str, Scenario]:
    """The wrong requests derived from them."""
    return {derived.id: derived for derived in invalid.scenarios(written())}


def wrong(scenario: Scenario) -> tuple[str, object]:
    """The schema and the body of the step that asks wrongly."""
    step = scenario.steps[-1]
    return str(step.operation.request), step.call.get("body")


@pytest.mark.parametrize("name", REQUESTS)
def test_an_example_of_each_arm_keeps_to_the_schema(name: str) -> None:
    document = shape.document(name)
    found = shape.examples(document)
    assert found
    for label, value in found:
        assert schema.errors(value, name) == [], label


def test_text_that_is_called_no_json_is_none() -> None:
    derived = [s for s in every().values() if "/json/" in s.id and len(s.steps) == 1]
    assert len(derived) > 100
    for one in derived:
        step = one.steps[-1]
        text = resolve(step.call["raw"], Scope({}, {"model": "m"}))
        try:
            json.loads(text, parse_constant=refuse)
            good = True
        except (ValueError, RecursionError):
            good = False
        odd = step.expect == broken.SURVIVED
        assert good is odd or "surrogate" in one.id or "byte-order" in one.id or "deep" in one.id or "utf-8" in one.id


def refuse(name: str) -> object:
    raise ValueError(name)


def test_every_derived_body_breaks_the_schema_in_one_place() -> None:
    assert len(every()) > 400
    for derived in every().values():
        name, body = wrong(derived)
        if isinstance(body, dict) and "/media-type/" not in derived.id and "/method/" not in derived.id:
            assert schema.errors(body, name), derived.id


def test_every_operation_that_a_scenario_asks_rightly_has_a_donor() -> None:
    found = invalid.donors(written())
    assert set(found) >= {"createChatCompletion", "createCompletion", "createEmbedding"}
    for donor in found.values():
        assert schema.errors(donor.sent, str(donor.step.operation.request)) == []


@pytest.mark.parametrize(
    ("id", "level", "value"),
    [
        ("createChatCompletion/temperature/too-large", Level.MUST, 2.1),
        ("createChatCompletion/n/too-small", Level.MUST, 0),
        ("createChatCompletion/n/as-fraction", Level.MUST, 1.5),
        ("createChatCompletion/logit_bias/1/too-large", Level.SHOULD, {"1": 101}),
        ("createChatCompletion/service_tier/outside", Level.MUST, "auto-seatrial"),
        ("createCompletion/best_of/too-large", Level.MUST, 21),
        ("createEmbedding/input/empty", Level.MUST, ""),
        ("createEmbedding/seatrial_unknown/extra", Level.MAY, 1),
    ],
)
def test_a_fault_has_its_name_its_level_and_its_value(id: str, level: Level, value: object) -> None:
    step = every()[f"generated.invalid/{id}"].steps[-1]
    assert next(iter(step.expect)) is level
    assert step.call["body"][id.split("/")[1]] == value
    assert step.probe


def test_what_goes_with_a_member_is_sent_along() -> None:
    body = every()["generated.invalid/createChatCompletion/top_logprobs/too-large"].steps[-1].call["body"]
    assert body["logprobs"] is True


def test_a_schema_of_unions_is_broken_in_each_arm() -> None:
    document = {
        "type": "object",
        "required": ["store"],
        "properties": {
            "store": {"anyOf": [{"type": "string", "maxLength": 3}, {"type": "array", "items": {"type": "integer"}}]},
            "expires": {
                "type": "object",
                "required": ["days"],
                "properties": {"days": {"minimum": 1, "type": "integer"}},
            },
        },
    }
    found = {fault.id: fault.body for fault in faults(document, {"store": "a"})}
    assert found["expires/days/too-small"] == {"store": "a", "expires": {"days": 0}}
    assert found["expires/days/missing"] == {"store": "a", "expires": {}}
    assert "store/missing" in found
    assert all(not shape.accepts(document, body) for body in found.values())


def play(plant: str, *prefixes: str) -> list[str]:
    """The failing verdicts of derived cases on a server with this plant."""
    cases = [Case(every()[id]) for id in every() if id.startswith(tuple(f"generated.invalid/{p}" for p in prefixes))]
    assert cases
    return [v.id for v in plants.play((plant,), cases, "reference") if v.status is Status.FAIL]


@pytest.mark.parametrize("plant", ["accepts.verbosity", "accepts.seed", "crashes.response_format"])
def test_a_server_that_takes_a_wrong_value_is_caught(plant: str) -> None:
    member = plant.partition(".")[2]
    assert play(plant, f"createChatCompletion/{member}/")


def test_a_derived_case_can_be_written_as_json() -> None:
    for derived in every().values():
        json.dumps([step.call for step in derived.steps])


@pytest.mark.parametrize(
    ("failed", "of", "low", "high"),
    [(0, 24, 0.0, 0.138), (1, 24, 0.007, 0.202), (12, 24, 0.314, 0.686), (24, 24, 0.862, 1.0)],
)
def test_the_interval_is_wilsons(failed: int, of: int, low: float, high: float) -> None:
    assert repeats.interval(failed, of) == pytest.approx((low, high), abs=0.001)


def test_what_fails_now_and_then_is_told_with_its_rate() -> None:
    cases = [
        Case(s, row)
        for s in repeats.scenarios(written())
        if s.id.endswith("createChatCompletion/stream")
        for row in s.inputs
    ]
    verdicts = plants.play((SOMETIMES,), cases, "reference")
    (said,) = [text for text in repeats.flaky(verdicts) if "stream.one-terminal" in text]
    assert re.fullmatch(
        r"flaky: .*/stream: .* failed \d+ of 24 times; of all answers between \d+% and \d+% \(95 %\)", said
    )
    assert repeats.flaky(plants.play((), cases, "reference")) == []
