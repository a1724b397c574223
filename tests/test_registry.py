"""The registry: its ids are a promise, kept in a list that changes on purpose only."""

from __future__ import annotations

import re
from pathlib import Path

from seatrial import citation, profile, server, session
from seatrial.check import checks
from seatrial.model import Case
from seatrial.session import Options


def test_the_ids_and_levels_are_those_of_the_list() -> None:
    """An id is never reused, and a level that changes turns servers red: CHANGELOG.md, "Verdict changes"."""
    listed = Path(__file__).with_name("check_ids.txt").read_text().splitlines()
    assert [f"{check.id} {check.level}" for check in checks().values()] == listed


def test_ids_are_themes_and_properties_in_kebab_case() -> None:
    assert all(re.fullmatch(r"[a-z]+\.[a-z0-9]+(-[a-z0-9]+)*", id) for id in checks())


def test_every_citation_resolves() -> None:
    for check in checks().values():
        assert citation.url(check.spec).startswith("https://")


CLIENT = 80
"""Requests of the official client, at most."""


def test_the_tiers_keep_their_budgets() -> None:
    """At most 40 requests in smoke and 900 in gate, the two that find the target and those of the official client among
    them; and at most 500 in the gate of a backend that generates text and embeds it, and offers no more."""
    found = session.catalog(Options(""))
    text = {"models", "chat", "completions", "embeddings", "auth", "cors", "vision"}

    def offered(case: Case) -> bool:
        return all(need.split(".")[0] in text for need in case.scenario.needs)

    for tier, most, cases in (
        ("smoke", 40, list(found.cases("smoke"))),
        ("gate", 900 - CLIENT, list(found.cases("gate"))),
        ("gate", 500, [case for case in found.cases("gate") if offered(case)]),
    ):
        asked = sum(
            len(c.scenario.steps) + len(c.scenario.cleanup) + sum(s.probe for s in c.scenario.steps) for c in cases
        )
        assert asked + 2 <= most, (tier, asked)


def test_each_class_of_defect_has_its_plants() -> None:
    kinds = [plant.kind for plant in server.catalog().values()]
    assert kinds.count("defect") >= 150
    assert kinds.count("variant") >= 50


def test_every_profile_can_be_loaded() -> None:
    named = set(profile.names())
    assert named >= {"openai", "vllm", "ollama", "litellm", "tgi", "llamacpp", "llama-cpp-python", "sglang", "telekom"}
    for name in named:
        assert profile.load(name).title
