"""Parametrizes the suites by the selected cases and describes each to Allure."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from seatrial.generate.crowd import PREFIX as CROWD
from seatrial.generate.machines import PREFIX as STATEFUL
from seatrial.generate.valid import PREFIX
from seatrial.model import Case, Invalid
from seatrial.sdk import SOURCE

_GENERATED = {"crowd_of": CROWD, "machine_of": STATEFUL, "drawn_from": PREFIX}
_SUITES = Path(__file__).resolve().parent


def _plugin() -> Any:
    return sys.modules["seatrial_suites_plugin"]


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """One test for each case, and one for each operation that right requests are drawn for."""
    if {"seatrial_case", "sdk_case", *_GENERATED}.intersection(metafunc.fixturenames):
        try:
            cases = _plugin().selected(metafunc.config)
        except Invalid as error:
            raise pytest.UsageError(f"seatrial: {error}") from None
        if "seatrial_case" in metafunc.fixturenames:
            played = [case for case in cases if case.scenario.source != SOURCE]
            metafunc.parametrize("seatrial_case", played, ids=[case.id for case in played])
        elif "sdk_case" in metafunc.fixturenames:
            driven = [case for case in cases if case.scenario.source == SOURCE]
            metafunc.parametrize("sdk_case", driven, ids=[case.id for case in driven])
        else:
            name, prefix = next(row for row in _GENERATED.items() if row[0] in metafunc.fixturenames)
            scenarios = [case.scenario for case in cases if case.id.startswith(f"{prefix}/")]
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
