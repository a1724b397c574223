"""Load tests past one process, under Locust itself, and what others scrape of them."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from seatrial import home
from tests import measured
from tests.loads import command, environment, free_port, load, requests, simulated, wait_for


def test_three_processes_merge_without_loss(tmp_path: Path) -> None:
    with simulated(ttft=30, itl=2, max_output=20) as url:
        words = ["--processes", "3", "--users", "9", "--requests", "60", "--workload", "short"]
        code, found, said = load(tmp_path / "run", "steady", url, *words)
    assert code == 0, said
    rows = requests(tmp_path / "run")
    assert found["requests"]["ok"] == len(rows) == len({row["id"] for row in rows}) == 60
    assert len({row["worker"] for row in rows}) == 3
    assert found["client"]["processes"] == 4
    assert found["latency_ms"]["itl"]["count"] == 60 * 99


def locust(*words: str, out: Path, **env: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "locust",
            "-f",
            str(home.folder("locustfiles") / "steady.py"),
            *words,
            "--out",
            str(out),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(**env),
    )


def test_a_profile_runs_under_locust_itself(tmp_path: Path) -> None:
    with simulated(ttft=30, itl=2) as url:
        child = locust("-H", url, "--headless", "-u", "4", "--requests", "12", out=tmp_path / "run")
        said, _ = child.communicate(timeout=60)
    assert child.returncode == 0, said
    found = json.loads((tmp_path / "run" / "load.json").read_text())
    assert found["requests"]["ok"] == 12
    assert "TTFT ms" in said


def test_locusts_master_and_three_workers_of_which_one_dies(tmp_path: Path) -> None:
    port = free_port()
    out = tmp_path / "run"
    with simulated(ttft=30, itl=2, max_output=10) as url:
        words = ["--headless", "-H", url, "-u", "6", "-t", "20s", "--warmup", "0", "--expect-workers", "3"]
        master = locust("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port), *words, out=out)
        workers = [
            locust("--worker", "--master-host", "127.0.0.1", "--master-port", str(port), out=out) for _ in range(3)
        ]
        wait_for(lambda: out.exists() and len({row["worker"] for row in requests(out)}) == 3, 120)
        workers[0].kill()
        said, _ = master.communicate(timeout=60)
        for worker in workers:
            worker.communicate(timeout=20)
    assert master.returncode == 4, said
    found = json.loads((out / "load.json").read_text())
    assert "lost workers" in found["incomplete"]
    rows = requests(out)
    by = {row["worker"] for row in rows}
    assert len(by) == 3  # what the dead one had finished is kept
    assert found["requests"]["ok"] == len([row for row in rows if not row["error"]])


@measured
def test_the_web_ui_shows_rows_of_ttft_itl_and_tokens(tmp_path: Path) -> None:
    port = free_port()
    with simulated(ttft=30, itl=2) as url:
        words = command(
            "steady", url, "--users", "2", "--requests", "8", "--ui", str(port), "--out", str(tmp_path / "run")
        )
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())
        try:
            wait_for(lambda: (tmp_path / "run" / "load.json").exists(), 60)
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/stats/requests", timeout=5) as response:
                found = json.load(response)
        finally:
            child.send_signal(signal.SIGINT)
            said, _ = child.communicate(timeout=20)
    rows = {row["method"]: row for row in found["stats"]}
    assert rows["TTFT ms"]["num_requests"] == 8
    assert rows["ITL ms"]["num_requests"] == 8 * 127
    assert rows["tokens/s"]["median_response_time"] == pytest.approx(500, rel=0.2)
    assert child.returncode == 0, said


@measured
def test_prometheus_can_scrape_the_figures(tmp_path: Path) -> None:
    port, out = free_port(), tmp_path / "run"
    with simulated(ttft=20, itl=1, max_output=20, fault=("http-500:0.5",)) as url:
        words = command("steady", url, "--users", "3", "--duration", "8", "--warmup", "0", "--out", str(out))
        child = subprocess.Popen(
            [*words, "--prometheus", str(port)],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=environment(),
        )
        wait_for(lambda: out.exists() and (out / "requests.jsonl").stat().st_size > 5000, 20)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as response:
            text = response.read().decode()
        said, _ = child.communicate(timeout=30)
    assert child.returncode == 1, said  # requests failed
    assert re.search(r'seatrial_requests_total{result="ok",scenario="chat"} [1-9]', text)
    assert re.search(r'seatrial_errors_total{error="http.500",scenario="chat"} [1-9]', text)
    found = re.search(r'seatrial_latency_seconds{metric="ttft",quantile="0.5",scenario="chat"} ([0-9.e-]+)', text)
    assert found
    assert float(found[1]) == pytest.approx(0.02, abs=0.015)
