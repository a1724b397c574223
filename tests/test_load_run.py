"""Load tests as their users run them: against the simulator, whose truth is known, and against servers that misbehave."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seatrial import home
from tests import measured
from tests.loads import command, environment, load, requests, simulated

TLS = Path(__file__).parent / "tls"


@measured
def test_what_is_reported_is_what_the_simulator_did(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    with simulated(truth, ttft=80, itl=10, jitter=0.3, max_output=30) as url:
        code, found, said = load(
            tmp_path / "run", "steady", url, "--users", "6", "--requests", "24", "--workload", "short"
        )
    assert code == 0, said
    assert found["requests"] == {"sent": 24, "ok": 24, "failed": 0, "unfinished": 0, "warmup": 0}
    assert found["tokens_from"] == "usage"
    true = {row["id"]: row for row in map(json.loads, truth.read_text().splitlines())}
    rows = requests(tmp_path / "run")
    assert {row["id"] for row in rows} == set(true)
    off = sorted(
        abs(row["ttft"] - (true[row["id"]]["first_token_ns"] - true[row["id"]]["received_ns"]) / 1e6) for row in rows
    )
    assert off[len(off) // 2] < 5  # the machine may be busy: bench/load.py has the figures
    gaps = sorted((b - a) / 1e6 for row in true.values() for a, b in pairwise(row["event_ns"]))
    itl = found["latency_ms"]["itl"]
    assert itl["count"] == len(gaps)
    assert itl["p50"] == pytest.approx(gaps[len(gaps) // 2], abs=3)
    assert found["throughput"]["output_tokens_per_s"] == pytest.approx(2400 / found["duration_s"], rel=0.01)
    assert "TTFT" in said
    assert max(len(line) for line in said.splitlines()) <= 100


@measured
@pytest.mark.parametrize(
    ("timing", "metric", "figure", "true"),
    [
        ({"ttft": 300, "role_ms": 100, "itl": 5}, "ttft", "p50", 300),
        ({"ttft": 300, "role_ms": 100, "itl": 5}, "role", "p50", 100),
        ({"ttft": 100, "itl": 10, "reasoning": 20}, "ttfat", "p50", 300),
        ({"ttft": 100, "itl": 10, "stall": ("520@15",)}, "itl", "max", 530),
        ({"ttft": 100, "itl": 80, "tokens_per_event": 4}, "tpot", "p50", 20),
        ({"ttft": 100, "itl": 80, "tokens_per_event": 4}, "itl", "p50", 80),
    ],
)
def test_role_reasoning_stalls_and_tokens_are_told_apart(
    tmp_path: Path, timing: dict[str, Any], metric: str, figure: str, true: float
) -> None:
    with simulated(max_output=40, **timing) as url:
        code, found, said = load(tmp_path / "run", "smoke", url, "--requests", "3")
    assert code == 0, said
    assert found["latency_ms"][metric][figure] == pytest.approx(true, abs=12)  # of a busy machine


FAULTS = [
    ("unterminated", "stream.unterminated", ""),
    ("error-event", "stream.error_event", ""),
    ("reset", "connection.reset", ""),
    ("http-500", "http.500", ""),
    ("empty", "stream.empty", ""),
    ("truncated", "connection.truncated", ""),
    ("hang", "timeout.idle", ""),
    ("missing-done", "", "stream.done-sentinel"),
    ("two-terminals", "", "stream."),
    ("crossed", "", "stream."),
    ("wrong-usage", "", "chat."),
]


@pytest.mark.parametrize(("fault", "error", "check"), FAULTS, ids=[row[0] for row in FAULTS])
def test_each_fault_under_load_has_its_name(tmp_path: Path, fault: str, error: str, check: str) -> None:
    with simulated(ttft=5, itl=1, fault=(f"{fault}:0.4",)) as url:
        words = ["--requests", "30", "--users", "5", "--idle-timeout", "0.6", "--keep", "1"]
        code, found, said = load(tmp_path / "run", "steady", url, *words)
    assert found["requests"]["sent"] == 30
    if error:
        assert set(found["errors"]) == {error}, said
        assert 3 <= found["errors"][error] <= 25
        assert found["latency_ms"]["e2e"]["count"] == found["requests"]["ok"] == 30 - found["errors"][error]
        assert code == 1
    else:
        assert found["errors"] == {}
        failed = [entry["check"] for entry in found["contract"]["failed"] if entry["level"] == "MUST"]
        assert any(name.startswith(check) for name in failed), found["contract"]


def test_a_clean_server_fails_no_check_under_load(tmp_path: Path) -> None:
    with simulated(ttft=5, itl=1, reasoning=5, tokens_per_event=2, jitter=0.5) as url:
        _, found, _ = load(tmp_path / "run", "steady", url, "--requests", "20", "--users", "5", "--keep", "1")
    assert found["contract"]["judged"] == 20
    assert found["contract"]["verdicts"]["pass"] > 200
    assert [entry for entry in found["contract"]["failed"] if entry["level"] == "MUST"] == []


@measured
def test_the_open_loop_keeps_its_plan_when_the_server_stalls(tmp_path: Path) -> None:
    with simulated(ttft=200, itl=0, slots=1) as url:
        words = ["--rate", "20", "--arrivals", "constant", "--duration", "2", "--warmup", "0", "--grace", "15"]
        code, found, said = load(tmp_path / "run", "arrivals", url, *words)
    assert code == 0, said
    rows = requests(tmp_path / "run")
    planned = sorted(row["planned_s"] for row in rows)
    assert len(planned) == pytest.approx(39, abs=1)
    assert all(b - a == pytest.approx(0.05, abs=0.001) for a, b in pairwise(planned))
    assert max(row["late"] for row in rows) < 100
    assert found["latency_ms"]["ttft"]["max"] > 4000  # one slot, a fifth of a second each: the last waits for them all


def test_poisson_arrivals_are_as_many_as_asked_for(tmp_path: Path) -> None:
    with simulated(ttft=1, itl=0) as url:
        _, found, _ = load(
            tmp_path / "run", "arrivals", url, "--rate", "100", "--duration", "3", "--warmup", "0", "--seed", "5"
        )
    assert found["requests"]["ok"] == pytest.approx(300, abs=60)
    gaps = [b - a for a, b in pairwise(sorted(row["planned_s"] for row in requests(tmp_path / "run")))]
    mean = sum(gaps) / len(gaps)
    spread = (sum((gap - mean) ** 2 for gap in gaps) / len(gaps)) ** 0.5
    assert spread == pytest.approx(mean, rel=0.25)  # of an exponential distribution they are equal


def test_a_trace_is_replayed_at_its_times(tmp_path: Path) -> None:
    lines = [json.dumps({"timestamp": 100 * i, "input_length": 5 + i, "output_length": 3 + i}) for i in range(8)]
    (tmp_path / "t.jsonl").write_text("\n".join(lines))
    (tmp_path / "w.yaml").write_text("title: t\ntrace: t.jsonl\n")
    with simulated(ttft=1, itl=0) as url:
        words = ["--workload", str(tmp_path / "w.yaml"), "--duration", "2", "--warmup", "0"]
        code, _, said = load(tmp_path / "run", "arrivals", url, *words)
    assert code == 0, said
    rows = sorted(requests(tmp_path / "run"), key=lambda row: row["planned_s"])
    assert [row["planned_s"] for row in rows] == [pytest.approx(i / 10, abs=0.002) for i in range(8)]
    assert [row["output_tokens"] for row in rows] == [3 + i for i in range(8)]


def test_sessions_carry_their_history(tmp_path: Path) -> None:
    (tmp_path / "w.yaml").write_text(
        "title: t\nprompt_tokens: 5\noutput_tokens: 4\nsessions: {turns: 3, think_s: 0.05}\n"
    )
    with simulated(ttft=1, itl=0) as url:
        _, found, _ = load(
            tmp_path / "run", "steady", url, "--users", "1", "--requests", "6", "--workload", str(tmp_path / "w.yaml")
        )
    assert found["requests"]["ok"] == 6
    sizes = [row["input_tokens"] for row in requests(tmp_path / "run")]
    assert sizes == [5, 14, 23, 5, 14, 23]  # each turn sends the turns before it, and their answers


def test_a_new_connection_for_each_request_where_asked_for(tmp_path: Path) -> None:
    with simulated(ttft=1, itl=0) as url:
        _, found, _ = load(tmp_path / "a", "smoke", url, "--no-reuse")
        _, other, _ = load(tmp_path / "b", "smoke", url)
    assert found["latency_ms"]["connect"]["count"] == 5
    assert other["latency_ms"].get("connect", {"count": 0})["count"] <= 1


@measured
def test_tls_is_spoken_and_its_certificate_verified(tmp_path: Path) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(TLS / "cert.pem", TLS / "key.pem")
    with simulated(ttft=20, itl=2, max_output=50) as inner, tls_proxy(context, inner) as url:
        code, found, said = load(tmp_path / "a", "steady", url, "--requests", "12", "--users", "4", "--insecure")
        assert code == 0, said
        assert found["requests"]["ok"] == 12
        assert found["latency_ms"]["ttft"]["p50"] == pytest.approx(20, abs=12)
        code, found, said = load(tmp_path / "b", "steady", url, "--requests", "2")
        assert code == 3
        assert "connect.tls" in said
        code, found, said = load(tmp_path / "c", "smoke", url, SSL_CERT_FILE=str(TLS / "cert.pem"))
        assert code == 0, said


@contextlib.contextmanager
def tls_proxy(context: ssl.SSLContext, inner: str) -> Iterator[str]:
    """Speaks TLS for a server that does not."""
    port = int(re.findall(r":(\d+)/", inner)[0])
    listener = socket.create_server(("127.0.0.1", 0))
    ended = threading.Event()

    def pump(source: Any, sink: Any) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                sink.sendall(data)
        with contextlib.suppress(OSError):
            sink.shutdown(socket.SHUT_RDWR)

    def serve(raw: socket.socket) -> None:
        with (
            contextlib.suppress(OSError),
            context.wrap_socket(raw, server_side=True) as outer,
            socket.create_connection(("127.0.0.1", port)) as there,
        ):
            for end in (outer, there):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=pump, args=(outer, there), daemon=True).start()
            pump(there, outer)

    def accept() -> None:
        while not ended.is_set():
            with contextlib.suppress(OSError):
                raw, _ = listener.accept()
                threading.Thread(target=serve, args=(raw,), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        ended.set()
        listener.close()


# SLO and capacity.


def test_an_slo_is_the_exit_code(tmp_path: Path) -> None:
    (tmp_path / "good.yaml").write_text("limits: {ttft.p95: 400, error_rate: 0}\n")
    (tmp_path / "bad.yaml").write_text("limits: {ttft.p50: 10}\n")
    with simulated(ttft=60, itl=1) as url:
        code, found, said = load(tmp_path / "a", "smoke", url, "--slo", str(tmp_path / "good.yaml"))
        assert (code, [line["held"] for line in found["slo"]]) == (0, [True, True]), said
        code, found, said = load(tmp_path / "b", "smoke", url, "--slo", str(tmp_path / "bad.yaml"))
        assert (code, [line["held"] for line in found["slo"]]) == (1, [False])
        assert "MISSED" in said
        words = ["--users", "8", "--duration", "60", "--warmup", "0", "--abort", "--slo", str(tmp_path / "bad.yaml")]
        began = time.monotonic()
        code, found, said = load(tmp_path / "c", "steady", url, *words)
        assert time.monotonic() - began < 30
        assert (code, found["complete"]) == (1, False)
        assert "cannot hold" in found["incomplete"]


@measured
def test_capacity_is_found_near_what_the_slots_allow(tmp_path: Path) -> None:
    (tmp_path / "slo.yaml").write_text("limits: {ttft.p90: 300}\n")
    with simulated(ttft=100, itl=0, slots=2) as url:  # 20 requests a second, no more
        words = ["--slo", str(tmp_path / "slo.yaml"), "--rate", "8", "--duration", "3", "--grace", "2"]
        done = subprocess.run(
            [*command("capacity", url, *words), "--arrivals", "constant", "--out", str(tmp_path / "run")],
            capture_output=True,
            text=True,
            timeout=300,
            env=environment(),
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    found = json.loads((tmp_path / "run" / "capacity.json").read_text())
    low, high = found["interval_per_s"]
    assert 10 <= low < high <= 28
    assert found["capacity_per_s"] == low


def test_a_load_test_is_rendered_again(tmp_path: Path) -> None:
    def report(*words: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "seatrial", "report", str(tmp_path), *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment(), check=False)

    found = json.loads((Path(__file__).parent / "load-sweep.json").read_text("utf-8"))
    (tmp_path / "load.json").write_text(json.dumps(found))
    (tmp_path / "requests.jsonl").write_text("")
    assert "TTFT" in report().stdout
    assert report("--as", "html", "--out", str(tmp_path / "again")).returncode == 0
    assert "plotly" in (tmp_path / "again" / "report.html").read_text("utf-8")[:5_000_000]
    assert "known: html, markdown, terminal" in report("--as", "junit").stderr
    del found["requests"]
    (tmp_path / "load.json").write_text(json.dumps(found))
    wrong = report()
    assert (wrong.returncode, "Traceback" in wrong.stderr) == (2, False), wrong.stderr
    assert "load.json" in wrong.stderr


def test_every_profile_is_a_locustfile_and_listed() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "seatrial", "list", "loads"], capture_output=True, text=True, timeout=30, check=True
    )
    listed = {line.split()[0] for line in done.stdout.splitlines()}
    names = {path.stem for path in home.folder("locustfiles").glob("*.py")}
    assert listed == names
    expected = "smoke steady arrivals ramp burst soak sweep completions embeddings responses audio mixed queue"
    assert names == set(expected.split())


@pytest.mark.parametrize(
    "profile", ["ramp", "burst", "sweep", "completions", "embeddings", "responses", "audio", "mixed"]
)
def test_every_profile_measures(tmp_path: Path, profile: str) -> None:
    with simulated(ttft=10, itl=1, max_output=10) as url:
        words = {"ramp": ["--users", "4"], "sweep": ["--levels", "1,3"]}.get(profile, [])
        code, found, said = load(tmp_path / "run", profile, url, "--duration", "5", *words)
    assert code == 0, said
    assert found["requests"]["ok"] > 5
    if profile in ("ramp", "burst", "sweep"):
        assert len(found["phases"]) >= 2


def test_two_runs_are_compared(tmp_path: Path) -> None:
    for name, ttft in (("old", 20), ("new", 120)):
        with simulated(ttft=ttft, itl=1, jitter=0.1) as url:
            load(tmp_path / name, "steady", url, "--users", "4", "--requests", "60")
    words = [sys.executable, "-m", "seatrial", "diff", str(tmp_path / "old"), str(tmp_path / "new")]
    done = subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert re.search(r"ttft\.p50 .* worse", done.stdout)
    done = subprocess.run(
        [*words[:4], str(tmp_path), str(tmp_path / "new")], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 2
    assert "is no run's folder" in done.stderr
