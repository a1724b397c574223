"""Drawn requests: nothing is said of a good server; a faulty one is shown its smallest request, again the next time."""

from __future__ import annotations

import contextlib
import json
import socket
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from seatrial import home, run, scenario, server, session
from seatrial.generate import crowd as crowds
from seatrial.generate import valid
from seatrial.generate.explore import Explorer
from seatrial.generate.pools import POOLS, is_strange
from seatrial.generate.shape import accepts, document
from seatrial.model import Scenario, Status
from seatrial.play import Budget
from seatrial.scenario import Catalog
from seatrial.session import Options
from seatrial.summary import SPENT
from tests import plants
from tests.conftest import answer, raw_server
from tests.plants import BOUNDS, KEY, PATIENT
from tests.test_plugin import pytest_run

HELLO = {"messages": [{"role": "user", "content": "Hello"}]}


def catalog() -> Catalog:
    """Everything there is to be played at tier nightly; made once, by whoever asks first."""
    return session.catalog(Options("", tier="nightly"))


def chat() -> Scenario:
    """The scenario around which right chat requests are drawn."""
    return catalog().scenarios["generated.valid/createChatCompletion"]


class Lines(list[Mapping[str, Any]]):
    """A record in memory."""

    def write(self, line: Mapping[str, Any]) -> None:
        self.append(json.loads(json.dumps(line)))

    def verdicts(self) -> list[Mapping[str, Any]]:
        return [line for line in self if line["type"] == "verdict"]


@contextlib.contextmanager
def exploring(
    url: str, lines: Lines, profile: str = "reference", requests: int | None = None, tokens: int | None = None
) -> Iterator[Explorer]:
    options = Options(url, ("seatrial-chat",), "SEATRIAL_PLANTS_KEY", profile, bounds=BOUNDS)
    target, _ = session.find_target(options)
    player = session.player(options, target, None)
    player.record, player.budget = lines, Budget(requests)
    yield Explorer(player, chat(), tokens)
    player.client.close()


def suite(
    tmp_path: Path, url: str, out: str, only: str, *more: str
) -> tuple[subprocess.CompletedProcess[str], run.Run]:
    ran = pytest_run(
        tmp_path, str(home.folder("suites")), "--base-url", url, "--model", "seatrial-chat", "--model",
        "embeddings=seatrial-embed", "--profile", "reference", "--tier", "nightly", "--only", only, "--out", out, *more,
    )  # fmt: skip
    return ran, run.read(tmp_path / out)


def bodies(recorded: run.Run) -> list[bytes]:
    return [exchange.request.body for exchange in recorded.exchanges.values()]


@pytest.mark.parametrize("name", sorted(POOLS))
def test_every_value_of_a_pool_keeps_to_its_schema(name: str) -> None:
    members = document(name)["properties"]
    for member, values in POOLS[name].members.items():
        assert all(accepts(members[member], value) for value in values), member


def test_what_does_not_go_together_is_mended() -> None:
    drawn = {**HELLO, "stream_options": {}, "top_logprobs": 2, "tool_choice": "auto", "max_tokens": None}
    body = valid.mended(chat(), drawn, ())
    assert body == {"model": "$target.model", **HELLO, "max_tokens": 16}
    assert valid.mended(chat(), {**HELLO, "n": 2, "seed": 7}, {"n"})["seed"] == 7
    assert "n" not in valid.mended(chat(), {**HELLO, "n": 2}, {"n"})


@pytest.mark.parametrize(
    ("text", "odd"), [("a", False), ("a\n", False), ("", True), ("a\0", True), ("\ud800", True), ("👩‍🚀", False)]
)
def test_a_text_that_may_be_refused_is_told(text: str, odd: bool) -> None:
    assert is_strange({"a": [{"b": text}]}) is odd


def test_a_case_is_written_as_a_file_that_reads_the_same(tmp_path: Path) -> None:
    body = valid.mended(chat(), {"messages": [{"role": "user", "content": '\0 \ud800 👩‍🚀 \u2028 " שלום'}], "n": 2}, ())
    case = valid.case(chat(), body, "both")
    path = tmp_path / "mine.yaml"
    path.write_text(valid.as_yaml(case, "found.mine"), encoding="utf-8")
    read = scenario.load([path], catalog().operations).scenarios["found.mine"]
    assert [step.call for step in read.steps] == [step.call for step in case.scenario.steps]
    assert [step.expect for step in read.steps] == [step.expect for step in case.scenario.steps]
    assert read.needs == case.scenario.needs


def test_the_same_requests_come_again_by_their_seed(tmp_path: Path) -> None:
    with server.running(server.Settings(api_key="sk-plugin-tests")) as url:
        runs = [
            suite(tmp_path, url, f"run{n}", "generated.valid/createEmbedding", "--examples", "8", "--seed", s)
            for n, s in enumerate("112")
        ]
    assert all(ran.returncode == 0 and recorded.complete for ran, recorded in runs), runs[0][0].stdout
    first, again, other = (bodies(recorded) for _, recorded in runs)
    assert len(first) > 5
    assert first == again != other
    assert any("--seed 1" in note for note in runs[0][1].header["notes"])
    assert not [v for _, recorded in runs for v in recorded.verdicts if v.status is Status.FAIL]


def test_a_failure_is_made_small_kept_and_asked_first_the_next_time(tmp_path: Path) -> None:
    ids = ("generated.valid/createChatCompletion", "--examples", "25", "--seed", "1")
    with server.running(server.Settings(api_key="sk-plugin-tests", plants=("NC-CHAT-05",))) as url:
        ran, recorded = suite(tmp_path, url, "one", *ids)
        assert ran.returncode == 1, ran.stdout
        failed = [v for v in recorded.verdicts if v.status is Status.FAIL]
        assert {v.check for v in failed} == {"chat.choice-count"}
        assert len({v.case for v in failed}) == 1
        body = recorded.exchanges[failed[0].exchange or 0].request.json
        assert body == {"model": "seatrial-chat", **HELLO, "n": 2, "max_tokens": 16}
        kept = list((tmp_path / "found").rglob("*.yaml"))
        assert len(kept) == 1
        assert any(str(kept[0]) in note for note in recorded.notes)
        own = scenario.load([kept[0]], catalog().operations)
        assert len(own.scenarios) == 1
        ran, recorded = suite(tmp_path, url, "two", "generated.valid/createChatCompletion", "--examples", "0")
        assert ran.returncode == 1
        assert [v.check for v in recorded.verdicts if v.status is Status.FAIL] == ["chat.choice-count"]
    with server.running(server.Settings(api_key="sk-plugin-tests")) as url:
        ran, _ = suite(tmp_path, url, "three", "generated.valid/createChatCompletion", "--examples", "0")
    assert ran.returncode == 0
    assert not list((tmp_path / "found").rglob("*.yaml"))


def test_a_refused_parameter_is_said_once_and_drawn_no_more() -> None:
    lines = Lines()
    with (
        server.running(server.Settings(api_key=KEY, plants=("legal.refuses-seed",))) as url,
        exploring(url, lines, "openai-compatible") as explorer,
    ):
        for number in (5, 6, 7):
            assert explorer.ask({**HELLO, "seed": number}) == frozenset()
    asked = [json.loads(line["request"]["body"]["text"]) for line in lines if line["type"] == "exchange"]
    assert ["seed" in body for body in asked] == [True, False]
    assert [v["reason"][:23] for v in lines.verdicts() if v["status"] == "skipped"] == ["unsupported: chat.seed:"]


def test_budgets_hold() -> None:
    with server.running(server.Settings(api_key=KEY)) as url:
        with exploring(url, lines := Lines(), requests=4) as explorer:
            for number in range(20):
                explorer.ask({**HELLO, "seed": number})
        assert explorer.stopped == SPENT
        assert sum(line["type"] == "exchange" for line in lines) <= 4
        with exploring(url, lines := Lines(), tokens=50) as explorer:
            for number in range(20):
                explorer.ask({**HELLO, "seed": number})
    assert "tokens" in explorer.stopped
    assert sum(line["type"] == "exchange" for line in lines) < 8


def test_what_fails_once_only_is_flaky_and_no_failure() -> None:
    good = {
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1_700_000_000, "model": "seatrial-chat", "choices": [
            {"index": 0, "message": {"role": "assistant", "content": "Hi", "refusal": None}, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }  # fmt: skip
    seen: list[bytes] = []

    def play(connection: socket.socket, request: bytes) -> None:
        if b'"messages"' in request:  # else it looks for the models, and whether keys are asked for
            seen.append(request)
        bad = len(seen) == 1
        listed = {"object": "list", "data": [{"id": "seatrial-chat", "object": "model", "created": 1, "owned_by": "o"}]}
        body = listed if b"/models" in request else {**good, "object": "chat.complexion"} if bad else good
        connection.sendall(answer(json.dumps(body).encode()))

    lines = Lines()
    with raw_server(play) as url, exploring(url, lines) as explorer:
        assert explorer.ask(HELLO)
        shown = explorer.finish()
    assert {v.status for _, verdicts in shown for v in verdicts if "flaky" in v.reason} == {Status.INCONCLUSIVE}
    assert not [v for v in lines.verdicts() if v["status"] == "fail" and v["level"] == "MUST"]


def test_no_check_errs_on_tools_that_are_no_objects() -> None:
    options = Options("", tier="nightly", only=("generated.invalid/createResponse/tools/item*",))
    wrong = session.select(session.catalog(options), options)[0]
    assert len(wrong) >= 3
    assert [v.id for v in plants.play((), wrong, "reference") if v.status is Status.ERROR] == []


def test_a_server_that_is_gone_ends_the_drawing() -> None:
    lines = Lines()
    with contextlib.ExitStack() as stack:
        with server.running(server.Settings(api_key=KEY)) as url:
            explorer = stack.enter_context(exploring(url, lines))
        for number in range(30):
            explorer.ask({**HELLO, "seed": number})
    assert "could not be judged" in explorer.stopped
    assert sum(line["type"] == "exchange" for line in lines) < 12


def test_a_body_sent_both_ways_is_a_twin() -> None:
    case = valid.case(chat(), {"model": "$target.model", **HELLO, "temperature": 0, "seed": 7}, "both")
    assert [step.call["body"]["stream"] for step in case.scenario.steps] == [False, False, True, True]
    with server.running(server.Settings(api_key=KEY)) as url, exploring(url, lines := Lines()) as explorer:
        assert explorer.ask({**HELLO, "temperature": 0, "seed": 7}, "both") == frozenset()
    assert "stream.equals-plain" in {v["check"] for v in lines.verdicts() if v["status"] == "pass"}


def crowd(url: str, lines: Lines) -> list[str]:
    """The failing checks of eight requests at once."""
    options = Options(url, ("seatrial-chat",), "SEATRIAL_PLANTS_KEY", "reference", bounds=PATIENT)
    target, _ = session.find_target(options)
    players = session.crowd_of(options, target)
    try:
        played = crowds.play(catalog().scenarios["generated.crowd/createChatCompletion"], players, lines)
    finally:
        for player in players:
            player.client.close()
    return [verdict.check for verdict in played if verdict.status is Status.FAIL]


def test_requests_at_once_are_each_answered_by_themselves() -> None:
    lines = Lines()
    with server.running(server.Settings(api_key=KEY)) as url:
        failed = crowd(url, lines)
    assert failed == []
    numbers = [line["number"] for line in lines if line["type"] == "exchange"]
    assert len(numbers) == len(set(numbers)) == crowds.AT_ONCE
    passed = {v["check"] for v in lines.verdicts() if v["status"] == "pass"}
    assert {v["status"] for v in lines.verdicts() if v["check"] == "answers.not-starved"} <= {"inconclusive"}
    assert passed >= {"answers.not-mixed", "ids.unique", "stream.done-sentinel"}
    (case,) = [line for line in lines if line["type"] == "case"]
    assert sorted(case["judged"]) == sorted(numbers)


def test_answers_that_are_mixed_up_are_told() -> None:
    with server.running(server.Settings(api_key=KEY, plants=("answers.not-mixed/planted",))) as url:
        assert "answers.not-mixed" in crowd(url, Lines())


@pytest.mark.parametrize(
    ("plant", "found"),
    [("answers.not-starved/locked", "fail"), ("legal.one-slot", "pass"), ("legal.long-winded", "pass")],
)
def test_a_long_stream_that_holds_up_what_needs_no_model_is_told(plant: str, found: str) -> None:
    lines = Lines()
    with server.running(server.Settings(api_key=KEY, plants=(plant,))) as url:
        failed = crowd(url, lines)
    assert [v["status"] for v in lines.verdicts() if v["check"] == "answers.not-starved"] == [found]
    assert "answers.not-starved" in failed if found == "fail" else not failed
