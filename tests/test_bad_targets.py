"""Generated requests on targets that refuse, put off, drop, dawdle or change their mind: verdicts stay true, budgets hold."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial import run
from seatrial.generate.explore import Walker
from seatrial.generate.machines import Sequence, machines
from seatrial.model import Level, Status
from seatrial.play import Budget
from tests import measured
from tests.conftest import Play, answer, raw_server
from tests.test_cli import MODELS, seatrial
from tests.test_generated import HELLO, Lines, exploring

CHAT, FILES = "generated.valid/createChatCompletion", "generated.stateful/files"
WRONG = "generated.invalid/createChatCompletion/n/as-text"
REFUSAL = json.dumps(
    {"error": {"message": "Not today.", "type": "invalid_request_error", "param": None, "code": None}}
).encode()
MOST = 60
"""Requests that each of these runs may make."""


def refusal(status: str, *headers: str) -> bytes:
    whole = answer(REFUSAL, status=status)
    return whole.replace(b"\r\n", b"\r\n" + b"".join(f"{line}\r\n".encode() for line in headers), 1)


def good(request: bytes) -> bytes:
    """A right answer to a request for a chat; 404 to any other."""
    if b"/chat/completions" not in request.split(b"\r\n")[0]:
        return refusal("404 Not Found")
    message = {"role": "assistant", "content": "Hi", "refusal": None}
    made = {
        "id": f"chatcmpl-{time.monotonic_ns()}",
        "object": "chat.completion",
        "created": 1_760_000_000,
        "model": "m",
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
    }
    return answer(json.dumps(made).encode())


def target(respond: Callable[[int, bytes], bytes | None]) -> Play:
    """A target that lists its models, and answers the nth other request so; None closes the connection."""
    asked: list[bytes] = []
    lock = threading.Lock()

    def play(connection: socket.socket, request: bytes) -> None:
        if b"/models" in request.split(b"\r\n")[0]:
            connection.sendall(answer(MODELS))
            return
        if request.endswith(b"\r\n\r\n{}"):
            connection.sendall(answer(b"{}", status="400 Bad Request"))  # whether it asks for a key
            return
        with lock:
            asked.append(request)
            number = len(asked)
        sent = respond(number, request)
        if sent is not None:
            connection.sendall(sent)

    return play


def checked(tmp_path: Path, play: Play, *only: str, most: int = MOST) -> tuple[int, run.Run, float]:
    """Exit code, record and seconds of a run of these scenarios, which came to its end without a traceback."""
    words = [word for id in only for word in ("--only", id)]
    with raw_server(play) as url:
        began = time.monotonic()
        ran = seatrial(
            "check", url, *words, "--examples", "8", "--seed", "3", "--max-requests", str(most), "--timeout", "1",
            "--idle-timeout", "1", "--out", "run", cwd=tmp_path,
        )  # fmt: skip
        took = time.monotonic() - began
    recorded = run.read(tmp_path / "run")
    assert "Traceback" not in ran.stdout + ran.stderr
    assert recorded.complete
    # What was made, or may have been, is removed all the same.
    assert sum(exchange.request.method != "DELETE" for exchange in recorded.exchanges.values()) <= most
    assert not [v for v in recorded.verdicts if v.status is Status.ERROR]
    broken = [v for v in recorded.verdicts if v.status is Status.FAIL and v.level is Level.MUST]
    assert (ran.returncode == 1) == bool(broken), ran.stdout
    return ran.returncode, recorded, took


def failing(recorded: run.Run) -> set[str]:
    return {v.check for v in recorded.verdicts if v.status is Status.FAIL and v.level is Level.MUST}


def reasons(recorded: run.Run) -> set[str]:
    return {v.reason for v in recorded.verdicts if v.status is Status.INCONCLUSIVE}


def test_one_that_refuses_every_request_fails_by_rule(tmp_path: Path) -> None:
    play = target(lambda number, request: refusal("400 Bad Request"))
    code, recorded, _ = checked(tmp_path, play, CHAT, FILES, WRONG)
    assert code == 1
    assert failing(recorded) == {"must/status"}
    wrong = [v for v in recorded.verdicts if v.scenario == WRONG and v.check == "must/status"]
    assert wrong[0].status is Status.PASS  # that one was to be refused


def test_one_that_offers_nothing_is_accused_of_nothing(tmp_path: Path) -> None:
    play = target(lambda number, request: refusal("501 Not Implemented"))
    code, recorded, _ = checked(tmp_path, play, CHAT, FILES)
    assert code == 4
    assert not failing(recorded)
    assert len(recorded.exchanges) < 10
    assert sum("drawn: unsupported: " in note for note in recorded.notes) == 2


def test_one_that_puts_everything_off_is_asked_little_and_not_judged(tmp_path: Path) -> None:
    play = target(lambda number, request: refusal("429 Too Many Requests", "retry-after: 3600"))
    code, recorded, _ = checked(tmp_path, play, CHAT, FILES)
    assert code == 4
    assert not failing(recorded)
    assert len(recorded.exchanges) < 20
    assert "the server answered 429 and the run's waiting time was spent" in reasons(recorded)
    assert any("could not be judged: the server answered 429" in note for note in recorded.notes)


@measured
def test_a_wait_that_is_asked_for_is_kept_within_the_time_that_there_is() -> None:
    lines = Lines()
    play = target(lambda number, request: refusal("429 Too Many Requests", "retry-after: 1"))
    with raw_server(play) as url, exploring(url, lines, "openai-compatible") as explorer:
        explorer._player.budget = Budget(None, 2.5)
        began = time.monotonic()
        for number in range(12):
            assert explorer.ask({**HELLO, "seed": number}) == frozenset()
        took = time.monotonic() - began
    assert 2 <= took < 8
    assert "the run's waiting time was spent" in explorer.stopped
    assert 4 <= sum(line["type"] == "exchange" for line in lines) < 10
    assert {v["status"] for v in lines.verdicts() if v["check"] == "must/status"} == {"inconclusive"}


def test_one_that_is_back_after_a_wait_is_judged() -> None:
    lines = Lines()
    late = refusal("429 Too Many Requests", "retry-after: 1")
    with raw_server(target(lambda n, asked: late if n == 1 else good(asked))) as url, exploring(url, lines) as explorer:
        assert explorer.ask(HELLO) == frozenset()
    assert {v["status"] for v in lines.verdicts() if v["check"] == "must/status"} == {"pass"}


def test_one_that_drops_each_tenth_connection_is_told_of_it_alone(tmp_path: Path) -> None:
    play = target(lambda number, request: None if number % 10 == 0 else good(request))
    _, recorded, _ = checked(tmp_path, play, "generated.repeats/createChatCompletion/plain", CHAT, most=150)
    assert "http.answered" in failing(recorded)
    dropped = {n for n, exchange in recorded.exchanges.items() if exchange.error is not None}
    assert dropped
    for verdict in recorded.verdicts:
        if verdict.status is Status.FAIL and verdict.check == "http.answered":
            assert verdict.exchange in dropped
    assert any(note.startswith("flaky: ") and "http.answered failed" in note for note in recorded.notes)


def test_one_that_answers_late_costs_little_time(tmp_path: Path) -> None:
    closed = threading.Event()

    def respond(number: int, request: bytes) -> None:
        closed.wait(30)

    try:
        code, recorded, _ = checked(tmp_path, target(respond), CHAT, FILES)
    finally:
        closed.set()
    assert code == 1
    assert failing(recorded) <= {"http.answered", "must/status"}
    assert {exchange.error.kind for exchange in recorded.exchanges.values() if exchange.error} == {"timeout"}
    assert len(recorded.exchanges) <= 12
    assert any("were not answered" in reason for reason in reasons(recorded) | set(recorded.notes))


@pytest.mark.parametrize("other", ["400 Bad Request", "200 OK"], ids=str)
def test_one_that_changes_its_mind_is_told_as_it_was(tmp_path: Path, other: str) -> None:
    play = target(lambda number, request: refusal(other) if number % 2 else good(request))
    _, recorded, _ = checked(tmp_path, play, CHAT)
    # What failed is told where it was seen to fail again; the rest was flaky, and says so.
    for verdict in recorded.verdicts:
        if verdict.status is Status.FAIL and verdict.exchange in recorded.exchanges:
            assert b"Not today." in recorded.exchanges[verdict.exchange].body
    assert failing(recorded) or any(reason.startswith("flaky: ") for reason in reasons(recorded))


def test_a_sequence_that_fails_once_only_is_flaky() -> None:
    lines = Lines()
    wrong = json.dumps({"object": "list", "data": []}).encode()

    def respond(number: int, request: bytes) -> bytes:
        return answer(wrong, status="200 OK" if number > 1 else "500 Internal Server Error")

    with raw_server(target(respond)) as url, exploring(url, lines) as explorer:
        player = explorer._player
        files = machines()["files"]
        walker = Walker(player, files)
        sequence = Sequence(player.operations)
        files.rule("list").play(sequence)
        player.record = lines
        assert walker.ask(sequence)
        ((case, verdicts),) = walker.finish()
    assert case.id.startswith(f"{FILES}[")
    assert any(v.reason.startswith("flaky: ") for v in verdicts)
