"""Playing and judging: what was put off is not seen, faults of ours are errors, and a record judges as the run did."""

from __future__ import annotations

import json
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from seatrial import run, server, session, summary
from seatrial.check import Check
from seatrial.client import Bounds, Client
from seatrial.connect import connect
from seatrial.model import MUST, Case, Finding, Status, Unreachable, Verdict
from seatrial.play import Budget, Player
from seatrial.profile import load
from seatrial.session import Options
from tests.conftest import Play, answer, raw_server

KEY = "sk-canary-4f1d9b7e"
_MODEL = {"id": "m", "object": "model", "created": 1, "owned_by": "o"}
MODELS = answer(json.dumps({"object": "list", "data": [_MODEL]}).encode())
_ERROR = {"message": "slow down", "type": "rate_limit_error", "param": None, "code": None}
LIMITED = answer(json.dumps({"error": _ERROR}).encode(), status="429 Too Many Requests")


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAY_TEST_KEY", KEY)


def of(verdicts: tuple[Verdict, ...] | list[Verdict]) -> Counter[Any]:
    return Counter((v.id, v.status, v.known, v.exchange, v.reason, v.findings) for v in verdicts)


def play(out: Path, url: str, budget: Budget | None = None, profile: str = "reference", **how: Any) -> run.Run:
    """A run in this process, with the header and footer that the suites write."""
    out.mkdir(exist_ok=True)
    options = Options(url, key_variable="PLAY_TEST_KEY", profile=profile, **how)
    target, notes = session.find_target(options)
    recorder = run.Recorder(out / "run.jsonl")
    recorder.write(session.header(options, target, notes))
    player = session.player(options, target, recorder)
    player.budget = budget or player.budget
    cases, _ = session.select(session.catalog(options), options)
    recorder.write({"type": "plan", "cases": len(cases)})
    for case in cases:
        player.play(case)
    so_far = run.read(out)
    numbers = {"requests": len(so_far.exchanges), "seconds": 1.0, "counts": run.counts(so_far.verdicts)}
    recorder.write({"type": "footer", "complete": True, **numbers})
    recorder.close()
    player.client.close()
    return run.read(out)


@pytest.mark.parametrize("plants", [(), ("NC-CHAT-01",), ("legal.occasional-429",)])
def test_a_record_is_judged_as_the_run_was(tmp_path: Path, plants: tuple[str, ...]) -> None:
    (tmp_path / "known.yaml").write_text("title: K\nknown: [{match: stream.one-id, reason: we know}]\n")
    with server.running(server.Settings(api_key=KEY, plants=plants)) as url:
        played = play(tmp_path, url, profile=str(tmp_path / "known.yaml"), only=("errors.*", "chat.stream*"))
    assert len(played.verdicts) > 100
    assert of(session.rejudge(tmp_path).verdicts) == of(played.verdicts)


def test_a_run_of_some_checks_is_judged_by_these(tmp_path: Path) -> None:
    with server.running(server.Settings(api_key=KEY)) as url:
        played = play(tmp_path, url, only=("chat.plain", "wire.body-schema"))
    assert of(session.rejudge(tmp_path).verdicts) == of(played.verdicts)


def limited(after: str = "") -> Play:
    wait = LIMITED.replace(b"\r\n\r\n", f"\r\nretry-after: {after}\r\n\r\n".encode(), 1) if after else LIMITED

    def reply(connection: socket.socket, request: bytes) -> None:
        connection.sendall(MODELS if request.startswith(b"GET /v1/models ") else wait)

    return reply


@pytest.mark.parametrize("after", ["", "1000000000", "Mon, 01 Jan 2035 00:00:00 +999999999999", "0"])
def test_a_server_that_only_puts_off_neither_fails_nor_passes(tmp_path: Path, after: str) -> None:
    with raw_server(limited(after)) as url:
        played = play(
            tmp_path,
            url,
            Budget(waiting_s=1),
            "openai-compatible",
            only=("chat.plain", "chat.invalid-model", "models.list"),
        )
    assert not [v for v in played.verdicts if v.status in (Status.FAIL, Status.ERROR) and "retry-after" not in v.check]
    asked = [v for v in played.verdicts if v.scenario == "chat.invalid-model" and v.check == "must/status"]
    assert asked
    assert {v.status for v in asked} == {Status.INCONCLUSIVE}
    assert summary.exit_code(played) == 4
    assert "nothing but GET" in summary.incomplete_reason(played)


def test_a_spent_budget_of_requests_is_an_incomplete_run(tmp_path: Path) -> None:
    with server.running(server.Settings(api_key=KEY)) as url:
        played = play(tmp_path, url, only=("chat.plain", "usage.*"), max_requests=2)
    assert len(played.exchanges) == 2
    assert summary.exit_code(played) == 4
    assert "the requests allowed were spent" in summary.incomplete_reason(played)


def test_a_first_answer_that_is_put_off_is_waited_for() -> None:
    asked: list[bytes] = []

    def reply(connection: socket.socket, request: bytes) -> None:
        asked.append(request)
        wait = LIMITED.replace(b"\r\n\r\n", b"\r\nretry-after: 0\r\n\r\n", 1)
        connection.sendall(wait if len(asked) == 1 else MODELS)

    with raw_server(reply) as url, closing(Client(url, "NO_KEY")) as client:
        target, _ = connect(url, "NO_KEY", {}, load("openai-compatible"), client)
    assert target.model("chat") == "m"


def test_a_server_that_never_lists_its_models_is_unreachable() -> None:
    with (
        raw_server(lambda connection, request: connection.sendall(LIMITED)) as url,
        closing(Client(url, "NO_KEY")) as client,
        pytest.raises(Unreachable, match="status 429"),
    ):
        connect(url, "NO_KEY", {}, load("openai-compatible"), client)


@pytest.fixture
def one_case(tmp_path: Path) -> Iterator[Callable[..., tuple[list[Verdict], run.Run]]]:
    """Plays `models.list` on the reference server by the given checks."""
    with server.running(server.Settings(api_key=KEY)) as url:

        def played(*functions: Any, break_it: bool = False) -> tuple[list[Verdict], run.Run]:
            options = Options(url, key_variable="PLAY_TEST_KEY", profile="reference")
            target, notes = session.find_target(options)
            recorder = run.Recorder(tmp_path / "run.jsonl")
            recorder.write(session.header(options, target, notes))
            checks = [Check(f"mine.{f.__name__}", MUST, "", "r", lambda _: True, f, False, "") for f in functions]
            found = session.catalog(options)
            case = Case(found.scenarios["models.list"])
            with closing(Client(url, "PLAY_TEST_KEY", Bounds())) as client, closing(recorder):
                player = Player(target, client, found.operations, checks, recorder)
                if break_it:
                    player._expectations = None  # type: ignore[assignment, method-assign]
                return player.play(case), run.read(tmp_path)

        yield played


def test_a_fault_of_ours_is_an_error_of_the_case_and_never_green(one_case: Any) -> None:
    verdicts, recorded = one_case(break_it=True)
    assert [v.id for v in verdicts if v.status is Status.ERROR] == ["models.list/seatrial"]
    assert len(recorded.judged) == 1
    assert summary.exit_code(recorded) == 4


def test_what_a_users_check_yields_is_text_or_an_error(one_case: Any) -> None:
    def numbers(exchange: Any) -> Iterator[Finding]:
        yield Finding(1, {2}, None)  # type: ignore[arg-type]

    def words(exchange: Any) -> Iterator[Any]:
        yield "bad"

    verdicts, _ = one_case(numbers, words)
    by_check = {v.check: v for v in verdicts}
    assert by_check["mine.numbers"].findings == (Finding("1", "{2}", "None"),)
    assert by_check["mine.words"].status is Status.ERROR


def test_a_key_that_came_in_pieces_is_in_no_verdict(one_case: Any, tmp_path: Path) -> None:
    def joins(exchange: Any) -> Iterator[Finding]:
        yield Finding("no key", "".join([KEY[:5], KEY[5:]]), "content")

    verdicts, _ = one_case(joins)
    assert any(v.check == "mine.joins" for v in verdicts)
    assert KEY not in repr(verdicts)
    assert KEY.encode() not in (tmp_path / "run.jsonl").read_bytes()


def test_an_interrupted_case_is_kept_and_not_counted_as_played(one_case: Any, tmp_path: Path) -> None:
    def interrupts(exchange: Any) -> Iterator[Finding]:
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        one_case(interrupts)
    recorded = run.read(tmp_path)
    assert len(recorded.exchanges) == 1
    assert not recorded.judged


def test_a_route_that_is_not_there_is_asked_for_once(tmp_path: Path) -> None:
    with server.running(server.Settings(plants=("legal.no-completions-404",))) as url:
        played = play(tmp_path, url, only=("completions.*",), profile="openai-compatible")
    skipped = [v for v in played.verdicts if "unsupported: completions" in v.reason]
    assert len({v.case for v in skipped}) > 10
    asked = [x for x in played.exchanges.values() if x.operation.id == "createCompletion"]
    assert len(asked) == 1


def test_a_route_that_answers_is_there_whatever_was_not_found_by_it(tmp_path: Path) -> None:
    """A 404 that speaks of an earlier response says nothing against the route, before an answer or after one."""
    lost = answer(
        b'{"error": {"message": "No such response.", "type": "x", "param": null, "code": null}}', status="404 No"
    )
    said = answer(b'{"object": "response", "status": "completed", "output": [{}]}')

    def reply(connection: socket.socket, request: bytes) -> None:
        connection.sendall(MODELS if b"GET" in request[:4] else lost if b"resp_0000" in request else said)

    cases = ("responses.invalid-previous", "responses.answer", "responses.invalid-previous")
    with raw_server(reply) as url:
        options = Options(url, key_variable="PLAY_TEST_KEY", profile="openai-compatible")
        target, _ = session.find_target(options)
        player = session.player(options, target, run.Recorder(tmp_path / "run.jsonl"))
        found = session.catalog(options).scenarios
        made = [verdict for id in cases for verdict in player.play(Case(found[id])) if verdict.check == "must/status"]
    assert [verdict.status for verdict in made] == [Status.SKIPPED, Status.PASS, Status.PASS]


def test_what_is_said_not_to_be_offered_is_asked_for_when_strict(tmp_path: Path) -> None:
    (tmp_path / "p.yaml").write_text("title: P\ncapabilities: {chat.n: false, completions: false}\n")
    how: dict[str, Any] = {"only": ("chat.n", "completions.*"), "profile": str(tmp_path / "p.yaml"), "strict": True}
    with server.running(server.Settings(plants=("legal.no-completions-404",))) as url:
        played = play(tmp_path / "a", url, **how)
    asked = {v.case: v.status for v in played.verdicts if v.check == "must/refused"}
    assert Counter(asked.values()) == {Status.PASS: 1, Status.FAIL: 1}
    assert asked["chat.n"] is Status.FAIL
    assert [x.operation.id for x in played.exchanges.values()].count("createCompletion") == 1
    with server.running(server.Settings()) as url:
        lenient = play(tmp_path / "b", url, **{**how, "strict": False})
    assert not lenient.exchanges


def test_a_service_is_played_and_its_ways_are_known_not_hidden(tmp_path: Path) -> None:
    how: dict[str, Any] = {"only": ("files.lifecycle", "errors.model-unknown.*", "models.*", "queue.chat")}
    with server.running(server.Settings(profile="telekom")) as url:
        base = url.replace("/v1", "/v2")
        known = play(tmp_path / "a", base, profile="telekom", **how)
        strange = play(tmp_path / "b", base, profile="openai-compatible", **how)
    failed = [v for v in known.verdicts if v.status is Status.FAIL and v.level is MUST]
    assert {v.check for v in failed} == {"errors.envelope", "wire.body-schema"}
    assert all(v.known for v in failed)
    assert any(not v.known for v in strange.verdicts if v.status is Status.FAIL and v.level is MUST)
    urls = {x.request.url.split("/")[3] for x in known.exchanges.values()}
    assert urls == {"v2", "v1", "queue"}
