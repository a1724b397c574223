"""Each planted defect is caught by its check, at its level; no check accuses the clean server or a legal variant."""

from __future__ import annotations

import pytest

from seatrial import server
from seatrial.check import checks
from seatrial.model import Level, Status, Verdict
from tests import plants, waited

DEFECTS = sorted(id for id, plant in server.catalog().items() if plant.kind == "defect")
CONSEQUENCES = ("stream.equals-plain", "logprobs.stream-equals-plain", "responses.stream-equals-plain")
"""A plain answer that is spoilt differs from its stream: that is true, and said beside the fault itself."""
IN_A_CROWD = {"answers.not-mixed", "answers.not-starved"}
"""Checks that only a crowd of generated requests shows: tests/test_generated.py plants their defects."""
VARIANTS = sorted(id for id, plant in server.catalog().items() if plant.kind == "variant")


def accusations(verdicts: list[Verdict] | tuple[Verdict, ...]) -> list[str]:
    """What reads as an accusation of the server, or as a fault of ours. A MAY finding is information, not one."""
    return [
        f"{v.id} {v.level} {v.status.word} {v.reason} {v.findings[:2]}"
        for v in verdicts
        if v.status is Status.ERROR or (v.status is Status.FAIL and v.level is not Level.MAY)
    ]


def test_the_clean_server_is_accused_of_nothing() -> None:
    assert accusations(plants.clean()) == []
    assert [v.id for v in plants.clean() if v.status is Status.FAIL] == []


def test_every_check_passes_somewhere_on_the_clean_server() -> None:
    """A check that is never seen to pass is one that sees nothing."""
    seen = {v.check for v in plants.clean() if v.status is Status.PASS}
    unseen = set(checks()) - seen
    assert unseen <= {"headers.retry-after", *IN_A_CROWD}, unseen


def test_every_check_has_a_planted_defect() -> None:
    tripped = {trip for plant in server.catalog().values() for trip in plant.trips}
    assert set(checks()) - tripped == set()


ALONE = (
    "legal.bare",
    "legal.filter-chunk",
    "legal.ids-with-slashes-and-colons",
    "legal.nondeterministic",
    "legal.occasional-429",
    "legal.occasional-503",
    "legal.one-word",
    "legal.own-mind",
    "legal.refused",
    "legal.says-nothing",
)
"""Variants that would hide what others of their group show."""


def groups() -> list[tuple[str, ...]]:
    """Every variant once: alone, among those that answer in a route's place, or among the others.

    What is legal is legal together. `--whole-gate` plays each by itself.
    """
    before = [id for id in VARIANTS if server.catalog()[id].before and id not in ALONE]
    others = [id for id in VARIANTS if id not in before and id not in ALONE]
    shared = [tuple(before[n::4]) for n in range(4)] + [tuple(others[n::8]) for n in range(8)]
    return [*((id,) for id in ALONE), *shared]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "variants" in metafunc.fixturenames:
        alone = metafunc.config.getoption("--whole-gate")
        made = [(id,) for id in VARIANTS] if alone else groups()
        metafunc.parametrize("variants", made, ids=[f"{ids[0]}+{len(ids) - 1}" for ids in made])


def test_every_variant_is_played() -> None:
    assert sorted(id for ids in groups() for id in ids) == VARIANTS


@waited
def test_a_legal_variant_is_not_accused(variants: tuple[str, ...]) -> None:
    wrong = accusations(plants.play(variants, plants.gate()))
    if wrong and len(variants) > 1:
        alone = {id: accusations(plants.play((id,), plants.gate())) for id in variants}
        wrong = [f"{id}: {text}" for id, found in alone.items() for text in found] or wrong
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("alone", [False, True])
def test_a_legal_variant_of_a_queue_is_not_accused(alone: bool) -> None:
    """Queues of jobs are asked only where a profile declares them."""
    jobless = {"legal.queue-quick", "legal.queue-prefer-unread"}
    ids = tuple(id for id in VARIANTS if id.startswith("legal.queue-") and (id in jobless) is alone)
    cases = [case for case in plants.nightly() if case.scenario.source.startswith("queue")]
    assert accusations(plants.play(ids, cases, "reference")) == []


EARLY = 5
"""Cases: a plant that shows later than this is worth a note."""


@waited
@pytest.mark.parametrize("id", [id for id in DEFECTS if not IN_A_CROWD.issuperset(server.catalog()[id].trips)])
def test_a_defect_is_caught_by_its_check(id: str, request: pytest.FixtureRequest) -> None:
    """Case by case until it shows at its level; with `--whole-gate` every case of the gate is played in any case."""
    plant = server.catalog()[id]
    whole = request.config.getoption("--whole-gate")
    cases = (*plants.gate(), *plants.nightly()) if whole else plants.showing(plant)
    least = len(plants.gate()) if whole else 1
    verdicts: list[Verdict] = []
    caught: list[Verdict] = []
    with plants.playing((id,), "reference") as player:
        for number, case in enumerate(cases, 1):
            found = player.play(case)
            verdicts += found
            caught += [v for v in found if v.status is Status.FAIL and plants.matches(v, plant.trips)]
            if number >= least and plant.level in {v.level.value for v in caught}:
                if number > EARLY and not whole and request.config.getoption("--note"):
                    plants.note(id, case.id)
                break
    assert caught, f"{id} was not caught by {plant.trips}; accusations: {accusations(verdicts)[:5]}"
    assert {v.level.value for v in caught} >= {plant.level}, {v.level.value for v in caught}
    others = [v for v in verdicts if not plants.matches(v, (*plant.trips, *CONSEQUENCES))]
    wrong = accusations([v for v in others if v.level is Level.MUST or v.status is Status.ERROR])
    assert not wrong, "\n".join(wrong)
