"""Load tests as their users run them: against the simulator, whose truth is known, and against servers that misbehave."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from seatrial import home, schema, simulator
from tests import measured
from tests.conftest import answer, raw_server

TLS = Path(__file__).parent / "tls"
KEY = "sk-canary-5f2e81c0"
SSE = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "seatrial", "load", *words]


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "OPENAI_API_KEY": KEY, "COLUMNS": "100", **more}


def load(out: Path, *words: str, timeout: float = 60, **env: str) -> tuple[int, dict[str, Any], str]:
    """Exit code, load.json (empty where there is none) and all that was printed."""
    done = subprocess.run(
        [*command(*words), "--out", str(out)],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(**env),
        check=False,
    )
    path = out / "load.json"
    found = json.loads(path.read_text()) if path.exists() else {}
    said = done.stdout + done.stderr
    assert "Traceback" not in said, said
    if found:
        assert not schema.errors(found, "load.schema.json")
        for file in [*out.rglob("*")]:
            if file.is_file() and file.suffix != ".html":
                assert KEY not in file.read_text("utf-8", "replace"), file
        assert KEY not in said
        assert (out / "report.html").stat().st_size > 1_000_000  # with its plotting library: it needs no network
    return done.returncode, found, said


def requests(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "requests.jsonl").read_text().splitlines()]


@contextlib.contextmanager
def simulated(truth: Path | None = None, **timing: Any) -> Iterator[str]:
    with simulator.running(simulator.Timing(**timing), truth=truth) as url:
        yield url


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


# What ends badly.


def reset(connection: socket.socket, request: bytes) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")


BAD: list[tuple[str, Callable[[socket.socket, bytes], None], str]] = [
    ("reset", reset, "connection.reset"),
    ("closed", lambda c, r: None, "connection.closed"),
    ("garbage", lambda c, r: c.sendall(b"\x00\x01 what is this\r\n\r\n"), "http.malformed"),
    ("silent", lambda c, r: time.sleep(8), "timeout."),
    ("html", lambda c, r: c.sendall(answer(b"<html>login</html>", "text/html")), "stream.not_streamed"),
    ("json", lambda c, r: c.sendall(answer(b"{}")), "stream.not_streamed"),
    (
        "refused-429",
        lambda c, r: c.sendall(answer(b'{"error":{"message":"slow down"}}', status="429 Too Many")),
        "http.429",
    ),
    ("cut", lambda c, r: c.sendall(SSE + b"40\r\ndata: {"), "connection.truncated"),
    ("bad-chunk", lambda c, r: c.sendall(SSE + b"zz\r\ndata: {"), "http.malformed"),
]


@pytest.mark.parametrize(("name", "play", "error"), BAD, ids=[row[0] for row in BAD])
def test_a_bad_server_is_counted_under_a_name_and_ends(tmp_path: Path, name: str, play: Any, error: str) -> None:
    with raw_server(play) as url:
        words = ["--model", "m", "--requests", "3", "--users", "1", "--first-timeout", "1", "--idle-timeout", "1"]
        code, found, said = load(tmp_path / "run", "steady", url, *words)
    assert code == 1, said
    assert found["requests"]["ok"] == 0
    assert all(known.startswith(error) for known in found["errors"]), found["errors"]
    assert sum(found["errors"].values()) == 3


@pytest.mark.parametrize(
    ("said", "error"), [(b"", "timeout.total"), (answer(b"{}", status="413 Too Large"), "http.413")]
)
def test_a_request_that_is_not_read_is_given_up(tmp_path: Path, said: bytes, error: str) -> None:
    (tmp_path / "prompts.jsonl").write_text(json.dumps("x" * 30_000_000) + "\n")
    (tmp_path / "large.yaml").write_text("title: L\nprompts: prompts.jsonl\n")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        kept: list[socket.socket] = []

        def deaf() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    kept.append(connection)
                    connection.sendall(said)

        threading.Thread(target=deaf, daemon=True).start()
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
        words = ["--model", "m", "--requests", "2", "--users", "1", "--timeout", "2"]
        code, found, text = load(tmp_path / "run", "steady", url, "--workload", str(tmp_path / "large.yaml"), *words)
        for connection in kept:
            connection.close()
    assert (code, found["errors"]) == (1, {error: 2}), text


def test_a_batch_file_of_odd_lines_is_accounted_for(tmp_path: Path) -> None:
    odd = [
        {"custom_id": ["a"]},
        {"custom_id": "nobody"},
        ["no object"],
        {"custom_id": "IT", "response": [1]},
        {"custom_id": "IT", "response": {"status_code": 200, "body": {"choices": "none", "id": 5}}},
    ]
    (tmp_path / "p.yaml").write_text("title: B\nbatch: {size: 1, endpoint: /v1/chat/completions, every_s: 0.05}\n")
    asked: list[bytes] = []

    def files(connection: socket.socket, request: bytes) -> None:
        head = request.partition(b"\r\n")[0]
        if b"custom_id" in request:
            asked.extend(re.findall(rb'"custom_id":"(\w+)"', request))
        if head.startswith(b"GET") and b"/content" in head:
            lines = [json.dumps(row).replace("IT", asked[-1].decode()) for row in odd]
            connection.sendall(answer("\n".join(lines).encode(), "application/jsonl"))
        else:
            connection.sendall(answer(b'{"id":"a b/c","status":"completed","output_file_id":"f\\r\\nX: 1"}'))

    with raw_server(files) as url:
        words = ["--model", "m", "--requests", "2", "--users", "1", "--queue", str(tmp_path / "p.yaml")]
        code, found, said = load(tmp_path / "run", "queue", url, *words)
    queue = found["queue"]
    assert (code, queue["submitted"], queue["failed"], queue["pending"]) == (1, 2, 2, 0), said
    assert queue["answered_twice"] == 8
    assert len(set(asked)) == 2


def test_a_kept_connection_that_was_closed_is_no_failure(tmp_path: Path) -> None:
    said = chunked(
        b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":"stop"}]}', b"data: [DONE]"
    )

    def forgetful(connection: socket.socket, request: bytes) -> None:
        connection.sendall(SSE + said)
        connection.recv(65536)  # the next request on this connection, which is closed over it

    with raw_server(forgetful) as url:
        code, found, text = load(tmp_path / "run", "smoke", url, "--model", "m", "--requests", "4")
    assert (code, found["errors"], found["reconnects"]) == (0, {}, 3), text


def chunked(*events: bytes) -> bytes:
    pieces = (event + b"\n\n" for event in events)
    return b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def test_a_stream_that_never_ends_is_ended(tmp_path: Path) -> None:
    def endless(connection: socket.socket, request: bytes) -> None:
        connection.sendall(SSE)
        data = b'data: {"id":"a","choices":[{"index":0,"delta":{"content":"x"}}]}\n\n'
        while True:
            connection.sendall(b"%x\r\n%s\r\n" % (len(data), data))
            time.sleep(0.01)

    with raw_server(endless) as url:
        code, found, said = load(tmp_path / "run", "smoke", url, "--model", "m", "--requests", "1", "--timeout", "1.5")
    assert (code, found["errors"]) == (1, {"timeout.total": 1}), said


def test_a_model_that_takes_other_members_is_asked_with_them(tmp_path: Path) -> None:
    """A reasoning model takes `max_completion_tokens` in place of `max_tokens`."""
    asked: list[dict[str, Any]] = []

    def reasons(connection: socket.socket, request: bytes) -> None:
        body = json.loads(request.partition(b"\r\n\r\n")[2])
        asked.append(body)
        if "max_tokens" in body:
            error = {
                "message": "Unsupported parameter",
                "type": "invalid_request_error",
                "param": "max_tokens",
                "code": None,
            }
            connection.sendall(answer(json.dumps({"error": error}).encode(), status="400 Bad Request"))
            return
        chunk = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m", "choices": []}
        said = [{"index": 0, "delta": {"role": "assistant", "content": "Four"}, "finish_reason": None}]
        last = [{"index": 0, "delta": {}, "finish_reason": "stop"}]
        usage = {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4}
        events = [{**chunk, "choices": said}, {**chunk, "choices": last}, {**chunk, "usage": usage}]
        text = "".join(f"data: {json.dumps(event)}\n\n" for event in events) + "data: [DONE]\n\n"
        connection.sendall(answer(text.encode(), "text/event-stream"))

    words = ["--model", "m", "--requests", "3", "--users", "1"]
    extra = {"max_tokens": None, "max_completion_tokens": 9, "ignore_eos": True}
    with raw_server(reasons) as url:
        code, found, said = load(tmp_path / "plain", "smoke", url, *words)
        assert (code, found["requests"]["ok"]) == (1, 0), said
        asked.clear()
        code, found, said = load(tmp_path / "extra", "smoke", url, *words, "--extra-body", json.dumps(extra))
    assert (code, found["requests"]["ok"]) == (0, 3), said
    assert found["options"]["extra_body"] == extra
    assert all(body["ignore_eos"] and body["max_completion_tokens"] == 9 and "max_tokens" not in body for body in asked)


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["nonsense", "http://127.0.0.1:9/v1"], 2, "no such load profile"),
        (["steady", "127.0.0.1:9"], 2, "http://HOST"),
        (["steady", "http://user:canary@127.0.0.1:9/v1"], 2, "no user name"),
        (["steady", "http://127.0.0.1:99999/v1"], 2, "ort"),
        (["steady", "http://127.0.0.1:9/v1"], 3, "connect.refused"),
        (["steady", "http://no-such-host.invalid/v1"], 3, "connect.dns"),
        (["steady", "http://127.0.0.1:9/v1", "--workload", "nonsense"], 2, "no such workload"),
        (["steady", "http://127.0.0.1:9/v1", "--workload", "/none.yaml"], 2, "/none.yaml"),
        (["steady", "http://127.0.0.1:9/v1", "--slo", "/none.yaml"], 2, "/none.yaml"),
        (["queue", "http://127.0.0.1:9/v1", "--queue", "P9"], 2, "no such queue pattern"),
        (["steady", "http://127.0.0.1:9/v1", "--users", "0"], 2, "--users"),
        (["capacity", "http://127.0.0.1:9/v1"], 2, "--slo"),
        (["steady", "http://127.0.0.1:9/v1", "--extra-body", "{a: 1}"], 2, "--extra-body: is not JSON"),
        (["steady", "http://127.0.0.1:9/v1", "--extra-body", "[1]"], 2, "expected a JSON object"),
        (["steady", "http://127.0.0.1:9/v1", "--extra-body", '{"stream": false}'], 2, "stream is given by"),
        (["audio", "http://127.0.0.1:9/v1", "--model", "m", "--extra-body", '{"n": 1}'], 2, "sends a form"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path: Path, words: list[str], code: int, said: str) -> None:
    got, _, text = load(tmp_path / "run", *words)
    assert got == code, text
    assert said in text
    assert len([line for line in text.splitlines() if line.startswith("seatrial:")]) <= 1


@pytest.mark.parametrize("times", [1, 2])
def test_ctrl_c_leaves_what_was_measured(tmp_path: Path, times: int) -> None:
    out = tmp_path / "run"
    with simulated(ttft=20, itl=20, max_output=40) as url:
        words = command(
            "steady", url, "--users", "4", "--duration", "60", "--warmup", "0", "--out", str(out), "--grace", "20"
        )
        child = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment())
        wait_for(lambda: (out / "requests.jsonl").exists() and (out / "requests.jsonl").stat().st_size > 0, 20)
        for _ in range(times):
            child.send_signal(signal.SIGINT)
            time.sleep(0.3)
        said, _ = child.communicate(timeout=25)
    assert child.returncode == 4, said
    found = json.loads((out / "load.json").read_text())
    assert found["complete"] is False
    assert found["requests"]["ok"] >= 4
    assert "Traceback" not in said
    assert "INCOMPLETE" in said
    assert (out / "report.html").exists()


def wait_for(ready: Callable[[], Any], seconds: float) -> None:
    until = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_a_full_disk_ends_the_run_with_what_is_there(tmp_path: Path) -> None:
    import resource

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))

    with simulated(ttft=1, itl=0) as url:
        words = command("steady", url, "--users", "4", "--duration", "30", "--out", str(tmp_path / "run"))
        done = subprocess.run(
            words, capture_output=True, text=True, timeout=40, env=environment(), preexec_fn=limit, check=False
        )
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    assert "File too large" in done.stderr
    *whole, _ = (tmp_path / "run" / "requests.jsonl").read_text().splitlines()
    assert len([json.loads(line) for line in whole]) > 10


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


# Queues.


@pytest.mark.parametrize("pattern", ["P0", "P1", "P2", "P3", "P4", "P5", "P6"])
def test_every_queue_pattern_accounts_for_its_jobs(tmp_path: Path, pattern: str) -> None:
    with simulated(ttft=10, itl=0, slots=4) as url:
        words = ["--queue", pattern, "--users", "4", "--requests", "8", "--workload", "short", "--timeout", "20"]
        code, found, said = load(tmp_path / "run", "queue", url, *words)
    assert code == 0, said
    queue = found["queue"]
    jobs = 160 if pattern == "P6" else 8
    assert (queue["submitted"], queue["completed"], queue["verified"], queue["accounted"]) == (jobs, jobs, jobs, True)
    assert found["throughput"]["jobs_per_s"] > 0


@pytest.mark.parametrize(
    ("fault", "name"), [("lost-job", "overdue"), ("swapped-answer", "wrong_answer"), ("failed-job", "failed")]
)
def test_a_queue_that_loses_or_mixes_jobs_is_seen(tmp_path: Path, fault: str, name: str) -> None:
    with simulated(ttft=10, itl=0, slots=4, fault=(f"{fault}:0.4",)) as url:
        words = ["--queue", "P1", "--users", "4", "--requests", "20", "--workload", "short", "--timeout", "2"]
        code, found, said = load(tmp_path / "run", "queue", url, *words)
    assert code == 1, said
    queue = found["queue"]
    assert queue[name] >= 2
    ended = queue["completed"] + queue["failed"] + queue["cancelled"] + queue["pending"]
    assert ended == queue["submitted"] == 20
    assert queue["accounted"] is (fault == "failed-job")


@pytest.mark.parametrize("idempotent", [False, True])
def test_a_time_out_that_became_a_second_execution_is_seen(tmp_path: Path, idempotent: bool) -> None:
    header = "idempotency_header: Idempotency-Key\n" if idempotent else ""
    (tmp_path / "p.yaml").write_text(
        f"title: t\nsubmit: {{sibling: queue}}\nretries: 3\n{header}"
        "executions: {path: /seatrial/stats, at: /duplicated}\n"
    )
    with simulated(ttft=900, itl=0) as url:
        words = [
            "--queue",
            str(tmp_path / "p.yaml"),
            "--users",
            "3",
            "--requests",
            "3",
            "--workload",
            "short",
            "--timeout",
            "0.5",
        ]
        code, found, said = load(tmp_path / "run", "queue", url, *words)
    queue = found["queue"]
    assert queue["retries"] >= 3
    if idempotent:
        assert (code, queue["second_executions"], queue["completed"]) == (0, 0, 3), said
    else:
        assert code == 1
        assert queue["second_executions"] >= 3


# Past one process.


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


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_locusts_master_and_three_workers_of_which_one_dies(tmp_path: Path) -> None:
    port = free_port()
    out = tmp_path / "run"
    with simulated(ttft=30, itl=2, max_output=10) as url:
        words = ["--headless", "-H", url, "-u", "6", "-t", "20s", "--warmup", "0", "--expect-workers", "3"]
        master = locust("--master", "--master-bind-host", "127.0.0.1", "--master-bind-port", str(port), *words, out=out)
        workers = [
            locust("--worker", "--master-host", "127.0.0.1", "--master-port", str(port), out=out) for _ in range(3)
        ]
        wait_for(lambda: out.exists() and len({row["worker"] for row in requests(out)}) == 3, 40)
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
            wait_for(lambda: (tmp_path / "run" / "load.json").exists(), 30)
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
