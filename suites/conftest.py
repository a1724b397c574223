"""Parametrizes the suites by the selected cases and describes each to Allure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from seatrial.generate.crowd import PREFIX as CROWD
from seatrial.generate.machines import PREFIX as STATEFUL
from seatrial.generate.valid import PREFIX
from seatrial.model import Case
from seatrial.sdk import SOURCE

_GENERATED = {"crowd_of": CROWD, "machine_of": STATEFUL, "drawn_from": PREFIX}
_FILES = {
    "test_sdk": "sdk_case",
    "test_crowd": "crowd_of",
    "test_stateful": "machine_of",
    "test_generated": "drawn_from",
}
"""What each suite is parametrized by that not every run has: each brings a library that takes its time to import."""
_SUITES = Path(__file__).resolve().parent


def _selected(config: pytest.Config, name: str) -> list[Case]:
    """The selected cases that this parameter stands for."""
    cases: list[Case] = sys.modules["seatrial_suites_plugin"].selected(config)
    if name in _GENERATED:
        return [case for case in cases if case.id.startswith(f"{_GENERATED[name]}/")]
    return [case for case in cases if (case.scenario.source == SOURCE) == (name == "sdk_case")]


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A suite that has none of the selected cases is not imported."""
    name = _FILES.get(collection_path.stem) if collection_path.parent == _SUITES else None
    try:
        return True if name and not _selected(config, name) else None
    except pytest.UsageError:
        return None  # and said where the cases are asked for


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case, and one for each operation that right requests are drawn for."""
    for name in ("seatrial_case", "sdk_case"):
        if name in metafunc.fixturenames:
            cases = _selected(metafunc.config, name)
            metafunc.parametrize(name, cases, ids=[case.id for case in cases])
            return
    for name in _GENERATED:
        if name in metafunc.fixturenames:
            scenarios = [case.scenario for case in _selected(metafunc.config, name)]
            metafunc.parametrize(name, scenarios, ids=[scenario.id for scenario in scenarios])


@pytest.fixture
def described(seatrial_case: Case) -> Case:
    """The case, its titles, labels and links told to Allure."""
    import allure

    scenario = seatrial_case.scenario
    dynamic: Any = allure.dynamic
    dynamic.title(f"{scenario.title} [{seatrial_case.row}]" if seatrial_case.row else scenario.title)
    dynamic.parent_suite("seatrial")
    dynamic.suite(scenario.area)
    dynamic.sub_suite(scenario.id)
    dynamic.feature(scenario.area)
    dynamic.story(scenario.id)
    dynamic.tag(scenario.tier, *scenario.needs)
    for cited in scenario.spec:
        dynamic.link(cited.url, name=cited.at)
    return seatrial_case
