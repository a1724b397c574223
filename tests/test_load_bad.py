"""Load tests that end badly: servers that misbehave, input that is wrong, Ctrl-C, a full disk."""

from __future__ import annotations

import contextlib
import json
import re
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import answer, raw_server
from tests.loads import SSE, command, environment, load, simulated, wait_for


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
