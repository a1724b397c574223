"""The suites and fixtures as pytest's users meet them: by themselves, in parallel, with Allure, in a project of their own."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seatrial import home, run, server, session
from seatrial.session import Options
from tests.conftest import answer, raw_server

KEY = "sk-plugin-tests"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with server.running(server.Settings(api_key=KEY)) as base:
        yield base


def pytest_run(cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith(("OPENAI_", "PYTEST_"))}
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *arguments]
    return subprocess.run(
        command, cwd=cwd, env={**env, "OPENAI_API_KEY": KEY}, capture_output=True, text=True, timeout=120
    )


def test_the_suites_work_by_themselves_in_parallel_with_allure(tmp_path: Path, url: str) -> None:
    suites = str(home.folder("suites"))
    ran = pytest_run(
        tmp_path, suites, "--base-url", url, "--model", "seatrial-chat", "--model", "embeddings=seatrial-embed",
        "--tier", "smoke", "-n", "4", "-v", "--alluredir", "allure", "--out", "run",
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "SUBPASSED" in ran.stdout
    recorded = run.read(tmp_path / "run")
    assert recorded.complete
    assert len(recorded.judged) == recorded.planned > 10
    assert (tmp_path / "run" / "report.html").exists()
    numbers = list(recorded.exchanges)
    assert len(set(numbers)) == len(numbers)
    results = [json.loads(path.read_text()) for path in (tmp_path / "allure").glob("*-result.json")]
    assert {label["value"] for row in results for label in row["labels"] if label["name"] == "feature"} >= {
        "chat",
        "models",
    }
    assert sum(len(row.get("steps", [])) for row in results) == len(recorded.verdicts)
    labels = [{label["name"]: label["value"] for label in row["labels"]} for row in results]
    assert {row["severity"] for row in labels if "feature" in row} <= {"normal", "minor", "trivial"}, (
        "no MUST is broken"
    )
    assert {row.get("subSuite") for row in labels} >= {"chat.plain", "models.list"}


def test_a_failing_must_is_seen_in_pytest(tmp_path: Path) -> None:
    with server.running(server.Settings(api_key=KEY, plants=("NC-CHAT-01",))) as broken:
        ran = pytest_run(
            tmp_path,
            str(home.folder("suites")),
            "--base-url",
            broken,
            "--model",
            "seatrial-chat",
            "--only",
            "chat.plain",
        )
    assert ran.returncode == 1
    assert "wire.body-schema" in ran.stdout


def test_a_run_in_which_nothing_was_seen_is_no_success(tmp_path: Path) -> None:
    rows = b'{"object":"list","data":[{"id":"m","object":"model","created":1,"owned_by":"o"}]}'
    error = b'{"error":{"message":"no such route","type":"invalid_request_error","param":null,"code":null}}'

    def play(connection: socket.socket, request: bytes) -> None:
        found = request.startswith(b"GET /v1/models ")
        connection.sendall(answer(rows) if found else answer(error, status="404 Not Found"))

    with raw_server(play) as url:
        suites = str(home.folder("suites"))
        ran = pytest_run(tmp_path, suites, "--base-url", url, "--only", "chat.plain", "--only", "models.list")
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert " failed" not in ran.stdout


DEADLY = """
import os, pathlib
from seatrial import MUST
from seatrial.check import check

@check("mine.{name}", level=MUST, applies=lambda x: x.operation.id == "listModels", spec="rfc9110#section-15")
def judge(exchange):
    \"\"\"Whatever.\"\"\"
    {body}
    yield from ()
"""


def test_a_run_in_which_only_seatrial_erred_ends_as_the_command_does(tmp_path: Path, url: str) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "mine.py").write_text(DEADLY.format(name="errs", body="raise RuntimeError('ours')"))
    words = ["--base-url", url, "--model", "seatrial-chat", "--scenarios", ".", "--only", "models.list", "--out", "run"]
    ran = pytest_run(tmp_path, str(home.folder("suites")), *words)
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert {v.status.word for v in run.read(tmp_path / "run").verdicts} == {"pass", "error"}


def test_a_worker_that_stands_in_for_a_dead_one_has_numbers_of_its_own(tmp_path: Path, url: str) -> None:
    (tmp_path / "checks").mkdir()
    body = "mark = pathlib.Path('died')\n    if not mark.exists():\n        mark.touch()\n        os._exit(9)"
    (tmp_path / "checks" / "mine.py").write_text(DEADLY.format(name="dies", body=body))
    words = ["--base-url", url, "--model", "seatrial-chat", "--scenarios", ".", "--tier", "smoke", "--out", "run"]
    ran = pytest_run(tmp_path, str(home.folder("suites")), *words, "-n", "2")
    assert "crashed" in ran.stdout
    assert ran.returncode == 4, "a case was not played"
    recorded = run.read(tmp_path / "run")
    assert not recorded.complete
    lines = [line for _, line in run.lines(tmp_path / "run" / "run.jsonl") if line["type"] == "exchange"]
    assert len({line["number"] for line in lines}) == len(lines) > 10


def test_no_two_workers_share_a_number(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    options = Options(url, ("seatrial-chat",), tier="smoke")
    target, _ = session.find_target(options)
    seen: set[int] = set()
    for _ in range(2):  # and in a run that goes on
        after = max(seen, default=0)
        for worker in range(5):  # three of them stand in for others
            players = [session.player(options, target, None, worker, 2, after)]
            players += session.crowd_of(options, target, worker, after)
            for player in players:
                numbers = {player.number() for _ in range(1000)}
                assert not numbers & seen
                player.client.close()
                seen |= numbers


def test_without_a_base_url_the_suites_say_so(tmp_path: Path) -> None:
    ran = pytest_run(tmp_path, str(home.folder("suites")))
    assert ran.returncode == 4
    assert "no base URL" in ran.stderr


def test_a_users_own_tests_have_the_fixtures(tmp_path: Path, url: str) -> None:
    (tmp_path / "test_mine.py").write_text(
        "def test_it(target, play):\n"
        "    assert target.model('chat') == 'seatrial-chat'\n"
        "    verdicts = play('chat.plain')\n"
        "    assert verdicts and all(v.status.word != 'fail' for v in verdicts)\n"
    )
    ran = pytest_run(tmp_path, "test_mine.py", "--base-url", url, "--model", "seatrial-chat")
    assert ran.returncode == 0, ran.stdout + ran.stderr


def test_a_users_own_folder_adds_an_endpoint_a_check_and_a_profile(tmp_path: Path, url: str) -> None:
    for name in ("checks", "profiles"):
        (tmp_path / name).mkdir()
    (tmp_path / "mine.yaml").write_text(
        "title: Mine\n"
        "family: models\n"
        "operations: {listMine: {call: GET /models}}\n"
        "scenarios:\n"
        "  mine.listed:\n"
        "    title: Models are listed\n"
        "    area: mine\n"
        "    spec: [{at: openai#/components/schemas/ListModelsResponse}]\n"
        "    steps: [{id: ask, operation: listMine, must: {status: 200}}]\n"
    )
    (tmp_path / "checks" / "mine.py").write_text(
        "from seatrial import MUST, Finding\n"
        "from seatrial.check import check\n"
        "@check('mine.never', level=MUST, applies=lambda x: x.operation.id == 'listMine', spec='rfc9110#section-15')\n"
        "def never(exchange):\n"
        '    """Nothing is ever good enough."""\n'
        "    yield Finding('more', 'less', 'body')\n"
    )
    (tmp_path / "profiles" / "ours.yaml").write_text("title: Ours\nknown: [{match: mine.never, reason: we know}]\n")
    common = [
        str(home.folder("suites")),
        "--base-url",
        url,
        "--model",
        "seatrial-chat",
        "--scenarios",
        ".",
        "--only",
        "mine.listed",
    ]
    ran = pytest_run(tmp_path, *common)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "mine.never" in ran.stdout
    known = pytest_run(tmp_path, *common, "--profile", "ours")
    assert known.returncode == 0, known.stdout + known.stderr
