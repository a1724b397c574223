"""The command line: exit codes, one clear line for bad input, and whole runs on the reference server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import Play, answer

KEY = "sk-canary-4f1d9b7e"
MODELS = json.dumps(
    {"object": "list", "data": [{"id": "m", "object": "model", "created": 1, "owned_by": "o"}]}
).encode()
Serving = Callable[[Play], AbstractContextManager[str]]


def seatrial(*arguments: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """The command as a user runs it, bounded in time."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return subprocess.run(
        [sys.executable, "-m", "seatrial", *arguments],
        cwd=cwd,
        env={**env, **environment},
        capture_output=True,
        text=True,
        timeout=120,
    )


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["check", "--surprise"], "No such option"),
        (["check", "--tier", "gates"], "unknown tier 'gates'; did you mean gate?"),
        (["check", "--profile", "vlm"], "unknown profile 'vlm'"),
        (["check", "--only", "chat.streem"], "did you mean"),
        (["check", "--scenarios", "nowhere"], "nowhere: is not a folder"),
        (["check", "localhost:8000/v1"], "starts with http:// or https://"),
        (["check", "http://u:secret@h/v1"], "no user name or password"),
        (["check", "--jobs", "0"], "--jobs"),
        (["check", "http://127.0.0.1:9/v1", "--model", "=x"], "neither ID nor family=ID"),
        (["serve", "--defect", "NC-CHAT-5"], "NC-CHAT-05"),
        (["explain", "stream.one-idd"], "did you mean stream.one-id"),
        (["report", "."], "run.jsonl"),
        (["check", "--out", __file__], "--out"),
        (["check", "--out", f"{__file__}/run"], "--out"),
        (["list", "profile"], "profile"),
    ],
)
def test_bad_input_is_one_clear_line_and_exit_2(tmp_path: Path, arguments: list[str], words: str) -> None:
    ran = seatrial(*arguments, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr + ran.stdout
    assert "secret" not in ran.stderr


def test_a_malformed_scenario_of_the_users_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "x.yaml").write_text("title: X\nscenarios:\n  a.b: {title: A}\n  a.b: {title: B}\n")
    ran = seatrial("check", "--scenarios", "mine", cwd=tmp_path)
    assert ran.returncode == 2
    assert "x.yaml:4" in ran.stderr
    assert "given twice" in ran.stderr


def test_a_check_of_the_users_that_cannot_be_imported_is_named(tmp_path: Path) -> None:
    (tmp_path / "checks").mkdir()
    (tmp_path / "checks" / "mine.py").write_text("import no_such_module\n")
    ran = seatrial("check", "--scenarios", ".", cwd=tmp_path)
    assert ran.returncode == 2
    assert "mine.py: cannot be imported: ModuleNotFoundError" in ran.stderr


def refused(tmp_path: Path) -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    return f"http://127.0.0.1:{port}/v1"


def test_a_refused_connection_is_exit_3(tmp_path: Path) -> None:
    ran = seatrial("check", refused(tmp_path), "--out", "run", cwd=tmp_path, OPENAI_API_KEY=KEY)
    assert ran.returncode == 3, ran.stderr
    assert "connect" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert KEY not in ran.stderr


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (answer(b"<html>Sign in</html>", "text/html"), "answers HTML"),
        (answer(b'{"error":{"message":"no","type":"x"}}', status="401 Unauthorized"), "was refused (status 401)"),
        (
            b"HTTP/1.1 302 Found\r\nlocation: https://elsewhere/\r\ncontent-length: 0\r\n\r\n",
            "redirects to https://elsewhere/",
        ),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "protocol"),
        (b"", "protocol"),
    ],
)
def test_what_is_no_api_is_exit_3(tmp_path: Path, serving: Serving, reply: bytes, words: str) -> None:
    with serving(lambda connection, request: connection.sendall(reply)) as url:
        ran = seatrial("check", url, cwd=tmp_path, OPENAI_API_KEY=KEY)
    assert ran.returncode == 3, ran.stdout + ran.stderr
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr


def test_tls_failure_is_exit_3(tmp_path: Path, serving: Serving) -> None:
    with serving(lambda connection, request: None) as url:
        ran = seatrial("check", url.replace("http:", "https:"), cwd=tmp_path)
    assert ran.returncode == 3, ran.stderr
    assert "Traceback" not in ran.stderr


def test_no_model_is_exit_2(tmp_path: Path, serving: Serving) -> None:
    reply = answer(b'{"object":"list","data":[]}')
    with serving(lambda connection, request: connection.sendall(reply)) as url:
        ran = seatrial("check", url, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert "name one by --model" in ran.stderr


def chat(reply: Callable[[Any], None]) -> Play:
    """A server whose models are listed and whose chat does as it is told."""

    def play(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /v1/models"):
            connection.sendall(answer(MODELS))
        else:
            reply(connection)

    return play


def never(connection: socket.socket) -> None:
    time.sleep(15)


def endless(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n")
    end = time.monotonic() + 20
    while time.monotonic() < end:
        connection.sendall(b": still here\n\n")
        time.sleep(0.05)


def large(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 104857600\r\n\r\n")
    for _ in range(100):
        connection.sendall(b" " * (1 << 20))


def reset(connection: socket.socket) -> None:
    connection.sendall(
        b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n5\r\ndata:"
    )


@pytest.mark.parametrize("reply", [never, endless, large, reset], ids=lambda f: f.__name__)
def test_a_server_that_does_not_answer_well_fails_and_never_hangs(tmp_path: Path, serving: Serving, reply: Any) -> None:
    begun = time.monotonic()
    with serving(chat(reply)) as url:
        limits = ["--timeout", "3", "--idle-timeout", "1"]
        ran = seatrial("check", url, *limits, "--tier", "smoke", "--out", "run", cwd=tmp_path, OPENAI_API_KEY=KEY)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert "http.answered" in ran.stdout
    assert "Traceback" not in ran.stderr + ran.stdout
    assert time.monotonic() - begun < 90
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert {v["check"] for v in results["verdicts"] if v["status"] == "error"} == set()


def test_the_clean_reference_server_passes_and_every_report_is_there(tmp_path: Path) -> None:
    ran = seatrial("check", "--tier", "smoke", "--out", "run", cwd=tmp_path)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    written = {path.name for path in (tmp_path / "run").iterdir()}
    assert {"run.jsonl", "results.json", "junit.xml", "report.html", "summary.md", "allure-results"} <= written
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    assert results["complete"]
    assert results["requirements"]["must"]["failed"] == results["requirements"]["must"]["error"] == 0
    assert results["requirements"]["must"]["passed"] > 100
    assert results["requests"] <= 40
    assert any((tmp_path / "run" / "allure-results").glob("*-result.json"))
    again = seatrial("judge", "run", cwd=tmp_path)
    assert again.returncode == 0, again.stdout + again.stderr
    for name in ("json", "html", "junit", "markdown", "terminal"):
        assert seatrial("report", "run", "--as", name, cwd=tmp_path).returncode == 0


def test_the_key_is_in_no_file_even_where_the_server_echoes_it(tmp_path: Path, serving: Serving) -> None:
    def play(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /v1/models"):
            connection.sendall(answer(MODELS))
        else:
            connection.sendall(answer(b'{"echo": "' + KEY.encode() + b'"}'))

    with serving(play) as url:
        ran = seatrial("check", url, "--tier", "smoke", "--out", "run", "-v", cwd=tmp_path, OPENAI_API_KEY=KEY)
    assert ran.returncode == 1
    assert KEY not in ran.stdout + ran.stderr
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path


def test_a_killed_run_is_readable_and_marked_incomplete(tmp_path: Path) -> None:
    whole = seatrial("check", "--tier", "smoke", "--out", "run", cwd=tmp_path)
    assert whole.returncode == 0
    record = tmp_path / "run" / "run.jsonl"
    data = record.read_bytes()
    (tmp_path / "cut").mkdir()
    (tmp_path / "cut" / "run.jsonl").write_bytes(data[: len(data) * 2 // 3])
    ran = seatrial("report", "cut", cwd=tmp_path)
    assert ran.returncode == 0
    assert "INCOMPLETE" in ran.stdout
    assert seatrial("judge", "cut", cwd=tmp_path).returncode == 4


@pytest.mark.parametrize("jobs", ["1", "2"])
def test_a_full_disk_ends_the_run_and_keeps_what_is_written(tmp_path: Path, jobs: str) -> None:
    limit = "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (60000, 60000)); "
    command = limit + "from seatrial.cli import main; main()"
    ran = subprocess.run(
        [sys.executable, "-c", command, "check", "--tier", "smoke", "--out", "run", "--jobs", jobs],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "the record cannot be written" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert (tmp_path / "run" / "run.jsonl").stat().st_size == 60000
    assert "INCOMPLETE" in seatrial("report", "run", cwd=tmp_path).stdout


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM"])
def test_an_interrupted_run_is_reported_as_incomplete(tmp_path: Path, serving: Serving, name: str) -> None:
    def slow(connection: socket.socket) -> None:
        time.sleep(1)
        connection.sendall(answer(b"{}", status="400 Bad Request"))

    record = tmp_path / "run" / "run.jsonl"
    with serving(chat(slow)) as url:
        ran = subprocess.Popen(
            [sys.executable, "-m", "seatrial", "check", url, "--out", "run"],
            cwd=tmp_path,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        end = time.monotonic() + 60
        while time.monotonic() < end and not (record.exists() and b'"type":"case"' in record.read_bytes()):
            time.sleep(0.1)
        os.killpg(ran.pid, getattr(signal, name))  # as a terminal does: the whole group
        _, said = ran.communicate(timeout=60)
    assert b"Traceback" not in said
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    # What failed before the interrupt has failed.
    assert ran.returncode == (1 if results["requirements"]["must"]["failed"] else 4), said
    assert not results["complete"]
    assert results["verdicts"]
    assert record.read_bytes().splitlines()[-1].startswith(b'{"type":"footer","complete":false')


def test_what_a_user_sets_for_other_pytests_is_without_effect(tmp_path: Path) -> None:
    environment = {"PYTEST_ADDOPTS": "-k nothing", "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = seatrial("check", "--tier", "smoke", "--model=-x", "--out", "-run", cwd=tmp_path, **environment)
    results = json.loads((tmp_path / "-run" / "results.json").read_text())
    assert results["target"]["models"]["default"] == "-x"
    assert results["complete"], ran.stderr


def test_list_and_explain_speak(tmp_path: Path) -> None:
    for what in ("checks", "scenarios", "profiles", "capabilities"):
        assert len(seatrial("list", what, cwd=tmp_path).stdout.splitlines()) >= 2
    said = seatrial("explain", "stream.done-sentinel", cwd=tmp_path).stdout
    assert "MUST" in said
    assert "https://" in said


def test_the_telekom_service_is_played_and_its_dialect_known_and_told_apart(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "seatrial", "serve", "--profile", "telekom", "--port", "0", "--api-key-env", "K"]
    environment = {**os.environ, "K": "sk-telekom"}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            url = server.stdout.readline().strip() if server.stdout else ""
            assert url.endswith("/v2")
            words = [
                "check",
                url,
                "--api-key-env",
                "K",
                "--model",
                "seatrial-chat",
                "--model",
                "embeddings=seatrial-embed",
            ]
            words += ["--only", "queue*", "--only", "models*", "--only", "errors*"]
            codes = {}
            for profile in ("telekom", "openai-compatible"):
                out = tmp_path / profile
                done = subprocess.run(
                    [sys.executable, "-m", "seatrial", *words, "--profile", profile, "--out", str(out)],
                    capture_output=True,
                    text=True,
                    timeout=120,
                    env=environment,
                    check=False,
                )
                codes[profile] = done.returncode
                found = json.loads((out / "results.json").read_text())["verdicts"]
                dialect = [v for v in found if v["check"] == "errors.envelope" and v["status"] == "fail"]
                assert dialect
                assert all(v["known"] is (profile == "telekom") for v in dialect)
                queued = {v["status"] for v in found if v["scenario"].startswith("queue.") and v["level"] == "MUST"}
                assert queued <= (
                    {"pass", "fail", "inconclusive", "skipped"} if profile == "telekom" else {"skipped"}
                ), queued
        finally:
            server.terminate()
    assert codes == {"telekom": 0, "openai-compatible": 1}
