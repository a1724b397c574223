"""Draws right requests for each operation, and shows the smallest of those that are answered wrongly."""

from __future__ import annotations

import contextlib
import os
import string
import unittest
from collections.abc import Mapping
from typing import Any

import hypothesis
import pytest
from hypothesis import HealthCheck, Phase
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from seatrial.generate import found, valid
from seatrial.generate.explore import Explorer
from seatrial.generate.pools import POOLS, STRANGE, TEXTS, Body
from seatrial.generate.shape import arms, document, keywords, kind, types
from seatrial.model import Level, Scenario, Status
from seatrial.play import Player

os.environ.setdefault("HYPOTHESIS_DATABASE_FILE", ":memory:")
_DEEPEST = 5


class Over(unittest.SkipTest):
    """Ends the drawing at once: hypothesis lets nothing through but what skips a test."""


class Failed(Exception):
    """A drawn body failed a check; each check has a class of its own, so that each failure is shrunk by itself."""


def texts() -> SearchStrategy[str]:
    """Texts that servers take, among them those that break careless ones; no reference of a scenario's."""
    free = st.text(st.characters(codec="utf-8"), min_size=1, max_size=24)
    return st.one_of(st.sampled_from(TEXTS), free, st.sampled_from(STRANGE)).filter(lambda text: text[:1] != "$")


def parts() -> SearchStrategy[Any]:
    """The content of a message: a text, or parts of one."""
    part = st.builds(lambda text: {"type": "text", "text": text}, texts())
    return st.one_of(texts(), st.lists(part, min_size=1, max_size=3))


@st.composite
def conversations(draw: DrawFn) -> list[Body]:
    """Messages as clients send them: at most one head, turns, at times a tool's answer, and the user's question."""
    messages: list[Body] = []
    if draw(st.booleans()):
        messages.append({"role": draw(st.sampled_from(("system", "developer"))), "content": draw(parts())})
    for _ in range(draw(st.integers(0, 2))):
        messages.append({"role": "user", "content": draw(parts())})
        if draw(st.booleans()):
            messages.append({"role": "assistant", "content": draw(parts())})
            continue
        calls = [
            {"id": f"call_{n}", "type": "function", "function": {"name": "get_time", "arguments": "{}"}}
            for n in range(draw(st.integers(1, 2)))
        ]
        content = draw(st.one_of(st.none(), texts()))
        messages.append({"role": "assistant", "content": content, "tool_calls": calls})
        messages += [{"role": "tool", "tool_call_id": call["id"], "content": draw(parts())} for call in calls]
        messages.append({"role": "assistant", "content": draw(texts())})
    last = {"role": "user", "content": draw(parts())}
    return [*messages, last]


def inputs() -> SearchStrategy[Any]:
    """What legacy completions and embeddings read: a text, texts, tokens, or lists of tokens."""
    tokens = st.lists(st.integers(1, 500), min_size=1, max_size=6)
    some = texts()
    return st.one_of(some, st.lists(some, min_size=1, max_size=4), tokens, st.lists(tokens, min_size=1, max_size=3))


_OWN: Mapping[str, SearchStrategy[Any]] = {"messages": conversations(), "prompt": inputs(), "input": inputs()}


@st.composite
def values(draw: DrawFn, schema: Any, depth: int = 0) -> Any:
    """A value that keeps to the schema, as far as the schema's keywords are read."""
    arm = draw(st.sampled_from(arms(schema)))
    name = draw(st.sampled_from(types(keywords(arm)) or ["string"]))
    blanks: Mapping[str, Any] = {
        "null": None,
        "boolean": True,
        "integer": 1,
        "number": 1,
        "string": "",
        "array": [],
        "object": {},
    }
    table = keywords(arm, blanks[name])
    if "enum" in table:
        return draw(st.sampled_from([item for item in table["enum"] if kind(item) == name] or table["enum"]))
    match name:
        case "null":
            return None
        case "boolean":
            return draw(st.booleans())
        case "integer" | "number":
            low, high = table.get("minimum", 0), table.get("maximum", 1000)
            edges = st.sampled_from([edge for edge in (low, high, 1) if low <= edge <= high] or [low])
            between = st.integers(int(low), int(high)) if name == "integer" else st.floats(low, high)
            return draw(st.one_of(edges, between))
        case "string":
            if "pattern" in table:
                return draw(st.text(string.ascii_lowercase, min_size=1, max_size=12))
            most = min(table.get("maxLength", 200), 2000)
            return draw(texts().map(lambda text: text[:most]).filter(lambda t: len(t) >= table.get("minLength", 0)))
        case "array":
            least = table.get("minItems", 0)
            many = draw(st.integers(least, min(table.get("maxItems", least + 2), least + 2)))
            item = keywords(arm, []).get("items", {"type": "string"})
            return [draw(values(item, depth + 1)) for _ in range(many)] if depth < _DEEPEST else []
        case _:
            return draw(objects(arm, depth))


@st.composite
def objects(draw: DrawFn, schema: Any, depth: int = 0, pool: Mapping[str, Any] | None = None) -> Body:
    """An object with its required members and some of the others; `pool` says what to try as those."""
    table = keywords(schema, {})
    value: Body = {}
    for switch in table["switches"][:1]:
        value[switch] = draw(st.sampled_from(keywords(table["properties"][switch]).get("enum", [None])))
    table = keywords(schema, value)
    members = table.get("properties", {})
    required = [name for name in table.get("required", ()) if name not in value]
    names = [name for name in members if name not in required and name not in value]
    if pool is not None:
        names = [name for name in pool if name in members]
    chosen = [name for name in names if depth < _DEEPEST and draw(st.integers(0, 2)) == 2]
    for name in (*required, *chosen):
        if depth == 0 and name in _OWN and pool is not None:
            value[name] = draw(_OWN[name])
        elif pool is not None and name in pool:
            value[name] = draw(st.sampled_from(pool[name]))
        else:
            value[name] = draw(values(members.get(name, {"type": "string"}), depth + 1))
    return value


def drawn(scenario: Scenario) -> SearchStrategy[tuple[Body, str]]:
    """A body for the scenario's operation, and how it is sent."""
    name = valid.schema_of(scenario)
    pool = POOLS.get(name)
    bodies = objects(document(name), pool=pool.members if pool else None)
    modes = st.sampled_from(("once", "once", "once", "twice", "both") if pool else ("once",))
    return st.tuples(bodies, modes)


def test_generated(
    drawn_from: Scenario, player: Player, pytestconfig: pytest.Config, subtests: pytest.Subtests
) -> None:
    """What fails again from the last time, then as many drawn requests as were asked for."""
    option = pytestconfig.option
    kept = found.Kept(option.out, player.target)
    explorer = Explorer(player, drawn_from, option.max_tokens)
    for case in kept.cases(drawn_from, player.operations):
        failing = [v for v in player.play(case) if v.status is Status.FAIL and v.level is Level.MUST and not v.known]
        if not failing:
            kept.drop(case)
        for verdict in failing:
            with subtests.test(msg=verdict.id):
                pytest.fail(f"{verdict.requirement}\n{verdict.findings}", pytrace=False)
    classes: dict[str, type[Failed]] = {}

    @hypothesis.seed(option.seed or 0)
    @hypothesis.settings(
        max_examples=max(1, option.examples),
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
        print_blob=False,
        report_multiple_bugs=True,
    )
    @hypothesis.given(drawn(drawn_from))
    def ask(pair: tuple[Body, str]) -> None:
        failed = sorted(explorer.ask(*pair))[:1]
        if explorer.is_over:
            raise Over("nothing more is played")
        for check in failed:
            raise classes.setdefault(check, type("Failed", (Failed,), {}))(check)

    if option.examples > 0:
        # What failed is told by what is recorded: each exchange was real, and hypothesis's own account is of draws.
        with contextlib.suppress(Failed, ExceptionGroup, hypothesis.errors.Flaky, Over):
            ask()
    if explorer.stopped:
        explorer.note(f"{drawn_from.id}: no more requests were drawn: {explorer.stopped}")
    for case, verdicts in explorer.finish():
        for verdict in verdicts:
            if verdict.status is Status.FAIL and verdict.level is Level.MUST and not verdict.known:
                explorer.note(f"{verdict.id} failed: kept as {kept.keep(case)}")
                with subtests.test(msg=verdict.id):
                    pytest.fail(f"{verdict.requirement}\n{verdict.findings}", pytrace=False)
