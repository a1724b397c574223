"""Load tests keep the key from what needs it not, and answers in bounds: seen in every process they start."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from seatrial import home, simulator
from tests.conftest import raw_server
from tests.loads import KEY, SSE, free_port, load, simulated, wait_for

SPY = """
import json, os, sys
with open(os.path.join({folder!r}, f"{{os.getpid()}}.json"), "w") as sink:
    json.dump([sys.orig_argv, dict(os.environ)], sink)
"""
SLO = "limits: {e2e.p95: 60000}\n"
PAGES = (
    "/", "/stats/requests", "/stats/requests/csv", "/stats/requests_full_history/csv", "/stats/report",
    "/stats/report?theme=dark", "/stats/failures/csv", "/exceptions", "/exceptions/csv", "/tasks", "/logs", "/worker-count",
)  # fmt: skip


@pytest.fixture
def spied(tmp_path: Path) -> tuple[Path, dict[str, str]]:
    """A folder in which every Python process notes its words and its environment, and the environment that makes it."""
    seen = tmp_path / "seen"
    seen.mkdir()
    spy = tmp_path / "spy"
    spy.mkdir()
    (spy / "sitecustomize.py").write_text(SPY.format(folder=str(seen)))
    path = os.pathsep.join(filter(None, [str(spy), os.environ.get("PYTHONPATH", str(Path(home.__file__).parents[1]))]))
    return seen, {"PYTHONPATH": path}


def processes(seen: Path) -> list[tuple[list[str], dict[str, str]]]:
    return [(words, env) for words, env in (json.loads(path.read_bytes()) for path in seen.iterdir())]


def written(folder: Path) -> None:
    """No file there has the key."""
    for path in folder.rglob("*"):
        assert not path.is_file() or KEY.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("variable", ["OPENAI_API_KEY", "MY_KEY"])
@pytest.mark.parametrize("way", ["load", "capacity", "locust"])
def test_the_judging_process_has_no_key(
    tmp_path: Path, spied: tuple[Path, dict[str, str]], way: str, variable: str
) -> None:
    seen, path = spied
    out = tmp_path / "run"
    (tmp_path / "slo.yaml").write_text(SLO)
    common = ["--keep", "1", "--out", str(out), "--api-key-env", variable, "--workload", "short"]
    with simulator.running(simulator.Timing(ttft=10, itl=1)) as url:
        words = {
            "load": ["seatrial", "load", "smoke", url, "--requests", "2"],
            "capacity": ["seatrial", "load", "capacity", url, "--slo", str(tmp_path / "slo.yaml"), "--rate", "20", "--duration", "2"],
            "locust": [
                "locust", "-f", str(home.folder("locustfiles") / "smoke.py"), "-H", url, "--headless", "-u", "1",
                "--requests", "2",
            ],
        }[way]  # fmt: skip
        env = {**os.environ, **path, "OPENAI_API_KEY": KEY, variable: KEY}
        child = subprocess.Popen(
            [sys.executable, "-m", *words, *common],
            env=env,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            if way == "capacity":  # one step is enough to see
                wait_for(lambda: any("seatrial.load.judged" in words for words, _ in _whole(seen)), 60)
                child.send_signal(signal.SIGINT)
            said, _ = child.communicate(timeout=90)
        finally:
            child.kill()
    assert KEY not in said
    started = processes(seen)
    judged = [env for words, env in started if "seatrial.load.judged" in words]
    assert judged, said
    assert not [name for env in judged for name, value in env.items() if KEY in value]
    assert not [words for words, _ in started if any(KEY in word for word in words)]
    written(out)


def _whole(seen: Path) -> list[tuple[list[str], dict[str, str]]]:
    try:
        return processes(seen)
    except ValueError:  # one is being written
        return []


def refusing(connection: socket.socket, request: bytes) -> None:
    """Gives the key back wherever an answer has room for it."""
    said = request.partition(b"uthorization: Bearer ")[2].partition(b"\r")[0] or b"none"
    body = json.dumps({"error": {"message": f"bad key {said.decode()}", "type": said.decode()}}).encode()
    head = b"HTTP/1.1 401 Bad key " + said + b"\r\nwww-authenticate: " + said
    connection.sendall(head + b"\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body)


@pytest.mark.parametrize("echoing", [False, True], ids=["good", "echoing"])
def test_no_page_of_the_web_ui_has_the_key(tmp_path: Path, spied: tuple[Path, dict[str, str]], echoing: bool) -> None:
    port, out = free_port(), tmp_path / "run"
    place = raw_server(refusing) if echoing else simulated(ttft=10, itl=1)
    with place as url:
        words = ["load", "smoke", url, "--model", "m" if echoing else "seatrial-sim", "--keep", "1", "--out", str(out)]
        child = subprocess.Popen(
            [sys.executable, "-m", "seatrial", *words, "--ui", str(port)],
            env={**os.environ, **spied[1], "OPENAI_API_KEY": KEY},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        try:
            wait_for(lambda: (out / "summary.md").exists(), 60)
            told = {page: _page(f"http://127.0.0.1:{port}{page}") for page in PAGES}
        finally:
            child.send_signal(signal.SIGINT)
            said, _ = child.communicate(timeout=30)
    assert {page for page, (status, _) in told.items() if status == 200} >= {
        "/", "/stats/requests", "/stats/report", "/exceptions", "/tasks", "/logs",
    }, told  # fmt: skip
    assert not [page for page, (_, data) in told.items() if KEY.encode() in data]
    assert KEY not in said
    written(out)
    for words_, env in processes(spied[0]):
        assert not any(KEY in word for word in words_)
        assert "seatrial.load.judged" not in words_ or KEY not in env.values()


def _page(url: str) -> tuple[int, bytes]:
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def test_an_answer_ends_at_the_bound_that_is_asked_for(tmp_path: Path) -> None:
    def endless(connection: socket.socket, request: bytes) -> None:
        connection.sendall(SSE)
        data = b": " + b"x" * 65536 + b"\n\n"
        until = time.monotonic() + 20
        while time.monotonic() < until:
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))

    with raw_server(endless) as url:
        words = ["--model", "m", "--requests", "1", "--max-body", "2"]
        code, found, said = load(tmp_path / "run", "smoke", url, *words)
    assert (code, found["errors"]) == (1, {"body.too_large": 1}), said
    [row] = map(json.loads, (tmp_path / "run" / "requests.jsonl").read_text().splitlines())
    assert "2 MiB" in json.dumps(row)
