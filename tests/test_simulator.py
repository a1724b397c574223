"""The simulator: its wire, its times against its own truth, its slots, its faults and its queues."""

from __future__ import annotations

import ast
import itertools
import json
import random
import re
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from seatrial.simulator import Timing, arguments, running
from tests import measured
from tests.simulated import ROOT, USER, ask, client, in_threads, last_chunk, post, raw, rows, stats, wait_for


@pytest.fixture(scope="module")
def quick() -> Iterator[str]:
    """A simulator that takes no time."""
    with running(Timing()) as url:
        yield url


# The package


@pytest.mark.parametrize("path", sorted((ROOT / "seatrial" / "simulator").glob("*.py")), ids=lambda p: p.name)
def test_it_shares_no_code_and_stays_small(path: Path) -> None:
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            names.add(node.module or "")
    own = {name for name in names if name.startswith("seatrial")}
    assert all(name.startswith("seatrial.simulator") for name in own)
    assert {name.split(".")[0] for name in names - own} <= {*sys.stdlib_module_names, "orjson"}
    assert len(path.read_text().splitlines()) <= 300


@pytest.mark.parametrize(
    "given",
    [
        {"ttft": -1},
        {"itl": float("nan")},
        {"jitter": 2},
        {"stall": ("5",)},
        {"stall": ("x@2",)},
        {"fault": ("no-such:0.1",)},
        {"fault": ("reset:2",)},
        {"fault": ("reset:0.6", "hang:0.6")},
        {"tokens_per_event": 0},
    ],
)
def test_flags_that_make_no_sense_are_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="--"):
        Timing(**given)


def test_flags_go_through_the_command_line() -> None:
    timing = Timing(ttft=1.5, slots=3, role_ms=0.0, stall=("5@2", "6@3"), fault=("reset:0.5",))
    words = arguments(timing)
    assert words == [
        *("--ttft", "1.5", "--slots", "3", "--role-ms", "0.0"),
        *("--stall", "5@2", "--stall", "6@3", "--fault", "reset:0.5"),
    ]


@pytest.mark.parametrize(
    "words", [["--ttft", "1", "--defect", "x"], ["--truth", "t", "--api-key", "k"], ["--fault", "nothing:1"]]
)
def test_serve_refuses_what_does_not_go_together(words: list[str]) -> None:
    found = subprocess.run(
        [sys.executable, "-m", "seatrial", "serve", "--port", "0", *words], capture_output=True, text=True, timeout=20
    )
    assert found.returncode == 2
    assert "Error:" in found.stderr


def test_serve_prints_its_url_soon_and_ends_when_told(tmp_path: Path) -> None:
    truth = tmp_path / "truth.jsonl"
    command = [sys.executable, "-m", "seatrial", "serve", "--port", "0", "--itl", "1", "--truth", str(truth)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        url = process.stdout.readline().strip()
        assert httpx.post(f"{url}/chat/completions", json=ask(max_tokens=2)).status_code == 200
    finally:
        process.terminate()
        code = process.wait(5)
        process.stdout.close()
    assert code == 0
    assert rows(truth)[0]["output_tokens"] == 2


# The wire


def test_the_sdk_reads_all_operations(quick: str, tmp_path: Path) -> None:
    api = client(quick)
    assert [model.id for model in api.models.list()] == ["seatrial-sim"]
    messages: Any = [{"role": "user", "content": "an old nonce:old"}, {"role": "user", "content": "now nonce:abc-1"}]
    chat = api.chat.completions.create(model="m", messages=messages, max_tokens=4)
    assert chat.choices[0].message.content == "nonce:abc-1 of and to "
    assert chat.choices[0].finish_reason == "length"
    assert (chat.usage.prompt_tokens, chat.usage.completion_tokens) == (5, 4)

    options: Any = {"include_usage": True}
    chunks = list(api.chat.completions.create(model="m", messages=messages, stream=True, stream_options=options))
    assert len({(chunk.id, chunk.created, chunk.model) for chunk in chunks}) == 1
    assert chunks[0].choices[0].delta.role == "assistant"
    text = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices]
    assert len([piece for piece in text if piece]) == 128
    assert text[1] == "nonce:abc-1 "
    assert chunks[-2].choices[0].finish_reason == "stop"
    assert chunks[-1].usage.completion_tokens == 128
    assert chunks[-1].choices == []

    assert api.completions.create(model="m", prompt="nonce:p", max_tokens=2).choices[0].text == "nonce:p of "
    parts = list(api.completions.create(model="m", prompt="hi", max_tokens=5, stream=True))
    assert "".join(part.choices[0].text for part in parts) == "the of and to in "
    assert len(api.embeddings.create(model="m", input=["a", "b"]).data[1].embedding) == 8
    answer = api.responses.create(model="m", input="nonce:r", max_output_tokens=3)
    assert (answer.status, answer.output_text, answer.usage.output_tokens) == ("completed", "nonce:r of and ", 3)
    with api.responses.stream(model="m", input="nonce:s", max_output_tokens=3) as stream:
        events = list(stream)
        assert stream.get_final_response().output_text == "nonce:s of and "
    assert [event.sequence_number for event in events if event.type != "response.output_text.delta"][-1] == 10
    assert len([event for event in events if event.type == "response.output_text.delta"]) == 3
    assert api.audio.transcriptions.create(model="m", file=("a.wav", b"x" * 9000), prompt="nonce:t").text.startswith(
        "nonce:t of"
    )
    speech = api.audio.speech.create(model="m", voice="alloy", input="three small words", response_format="pcm")
    assert len(speech.content) == 3 * 960


def test_a_chat_stream_is_chunked_on_a_connection_that_stays(quick: str) -> None:
    body = ask(stream=True, max_tokens=2)
    got = raw(quick, post(body) + post(body), lambda data: data.count(b"\r\n0\r\n\r\n") == 2)
    head = got.split(b"\r\n\r\n")[0].lower()
    assert b"transfer-encoding: chunked" in head
    assert b"content-type: text/event-stream" in head
    assert b"x-request-id: " in head
    assert got.count(b"data: [DONE]\n\n") == 2


def test_tokens_are_grouped_and_split_into_reasoning_and_answer() -> None:
    with running(Timing(tokens_per_event=3, reasoning=4)) as url:
        options: Any = {"include_usage": True}
        stream = client(url).chat.completions.create(
            model="m",
            messages=[{"role": "user", "content": "nonce:x"}],
            max_tokens=11,
            stream=True,
            stream_options=options,
        )
        deltas, usage = [], None
        for chunk in stream:
            usage = chunk.usage or usage
            deltas += [choice.delta.model_dump(exclude_none=True) for choice in chunk.choices]
    assert [row["reasoning_content"] for row in deltas if "reasoning_content" in row] == ["the of and ", "to "]
    assert [row["content"] for row in deltas if row.get("content")] == ["nonce:x of and ", "to in is ", "that "]
    assert usage.completion_tokens == 11
    assert usage.completion_tokens_details.reasoning_tokens == 4


def test_http_10_and_close_end_the_connection(quick: str) -> None:
    got = raw(quick, post(ask(stream=True, max_tokens=2), version="1.0"))
    assert b"chunked" not in got
    assert got.endswith(b"data: [DONE]\n\n<FIN>")
    got = raw(quick, post(ask(stream=True, max_tokens=2), "/v1/chat/completions", "1.1", "Connection: close"))
    assert got.endswith(b"0\r\n\r\n<FIN>")


def test_bodies_come_chunked_and_after_a_continue(quick: str) -> None:
    data = json.dumps(ask(max_tokens=1)).encode()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
    parts = b"5;a=b\r\n" + data[:5] + b"\r\n%x\r\n" % (len(data) - 5) + data[5:] + b"\r\n0\r\nTrailer: x\r\n\r\n"
    assert raw(quick, head + b"Transfer-Encoding: chunked\r\n\r\n" + parts).startswith(b"HTTP/1.1 200 OK")
    waiting = head + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % len(data)
    assert raw(quick, waiting, lambda got: bool(got)) == b"HTTP/1.1 100 Continue\r\n\r\n"


@pytest.mark.parametrize(
    ("status", "data"),
    [
        (400, b"nonsense\r\n\r\n"),
        (400, b"GET /v1/models HTTP/3.0\r\nHost: x\r\n\r\n"),
        (400, b"GET /v1/models HTTP/1.1\r\n\r\n"),
        (400, b"GET /v1/models HTTP/1.1\r\nHost x\r\n\r\n"),
        (400, b"GET /v1/models HTTP/1.1\nHost: x\n\n"),
        (400, b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n"),
        (400, b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
        (400, b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
        (431, b"GET /v1/models HTTP/1.1\r\nHost: x\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"),
        (413, b"POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n"),
        (400, post(b"{")),
        (400, post(b"[]")),
        (400, post({"messages": [USER]})),
        (400, post({"model": "m", "messages": []})),
        (400, post({"model": "m", "messages": ["x"]})),
        (400, post(ask(max_tokens=0))),
        (400, post(ask(max_tokens="9"))),
        (400, post(ask(n=2))),
        (400, post(b"x", "/v1/files")),
        (404, post({}, "/v1/nothing")),
        (404, b"GET /v1/async/chat/completions/job_x HTTP/1.1\r\nHost: x\r\n\r\n"),
        (405, b"GET /v1/chat/completions HTTP/1.1\r\nHost: x\r\n\r\n"),
    ],
)
def test_what_is_malformed_is_refused(quick: str, status: int, data: bytes) -> None:
    got = raw(quick, data, lambda got: got.endswith(b"}}"))
    assert got.startswith(b"HTTP/1.1 %d " % status)
    assert json.loads(got.partition(b"\r\n\r\n")[2])["error"]["message"]


def test_no_garbage_brings_it_down(quick: str) -> None:
    dice = random.Random(3)
    good = [post(ask("x", stream=True, max_tokens=2)), post({"model": "m", "input": [[1, 2], "x"]}, "/v1/embeddings")]
    for _ in range(150):
        data = bytearray(dice.choice(good))
        for _ in range(dice.randint(1, 6)):
            data[dice.randrange(len(data))] = dice.randrange(256)
        raw(quick, bytes(data), bool, 0.01)
    values: list[Any] = [None, True, 1.5, "%%", [], [None], {}, {"content": {"text": 3}}, [[1], [2]], "\ud7ff"]
    for name in ("model", "messages", "input", "prompt", "stream", "stream_options", "dimensions", "max_tokens"):
        for path in ("chat/completions", "completions", "embeddings", "responses", "audio/speech"):
            for value in values:
                body = ask(input="x", prompt="x") | {name: value}
                assert raw(quick, post(body, f"/v1/{path}"), bool).startswith((b"HTTP/1.1 200", b"HTTP/1.1 400"))
    assert httpx.get(f"{quick}/models").status_code == 200


# Times


@measured
def test_times_are_as_told_and_the_truth_says_when(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    timing = Timing(ttft=60, prefill=1000, itl=10, role_ms=20, stall=("80@5",), reasoning=2)
    with running(timing, path) as url:
        api, seen = client(url), []
        before = time.perf_counter_ns()
        stream: Any = api.chat.completions.create(
            model="m", messages=[{"role": "user", "content": "w " * 39 + "nonce:n"}], max_tokens=10, stream=True
        )
        for chunk in stream:
            seen.append((time.perf_counter_ns(), chunk.choices[0].delta))
    row = rows(path)[0]
    assert (row["nonce"], row["operation"], row["prompt_tokens"]) == ("n", "chat/completions", 40)
    assert (row["output_tokens"], row["reasoning_tokens"], row["finished"], row["fault"]) == (10, 2, True, None)
    at = row["event_ns"]
    assert before < row["received_ns"] <= row["started_ns"] < row["role_ns"] < at[0]
    assert (row["first_token_ns"], row["first_answer_ns"], row["last_token_ns"]) == (at[0], at[2], at[-1])
    assert row["headers_ns"] == row["role_ns"]
    due = [20, 100, 110, 120, 130, 220, 230, 240, 250, 260, 270]
    late = [(when - row["started_ns"]) / 1e6 - ms for when, ms in zip([row["role_ns"], *at], due, strict=True)]
    assert min(late) >= 0
    assert statistics.median(late) < 8  # of a busy machine: bench/load.py has the figures
    assert max(late) < 60
    tokens = [when for when, delta in seen if delta.content or getattr(delta, "reasoning_content", None)]
    assert len(tokens) == 10
    assert all(0 <= when - sent < 200e6 for when, sent in zip(tokens, at, strict=True))


@measured
def test_plain_answers_take_the_same_time() -> None:
    with running(Timing(ttft=50, itl=10)) as url:
        begin = time.perf_counter()
        httpx.post(f"{url}/chat/completions", json=ask(max_tokens=6))
        assert 0.1 <= time.perf_counter() - begin < 1
        begin = time.perf_counter()
        httpx.post(f"{url}/embeddings", json={"model": "m", "input": "x"})
        assert 0.05 <= time.perf_counter() - begin < 1


@measured
def test_jitter_is_seeded_and_busy_slots_cost(tmp_path: Path) -> None:
    def steps(timing: Timing, streams: int) -> list[list[float]]:
        path = tmp_path / "truth.jsonl"
        with running(timing, path) as url:
            body = post(ask(stream=True, max_tokens=12))
            in_threads([lambda: raw(url, body, last_chunk)] * streams)
        return [[(b - a) / 1e6 for a, b in itertools.pairwise(r["event_ns"])] for r in rows(path)]

    first, again = (steps(Timing(itl=40, jitter=0.5, seed=7), 1)[0] for _ in range(2))
    assert statistics.median(abs(a - b) for a, b in zip(first, again, strict=True)) < 6
    assert 4 < statistics.stdev(first) < 32
    crowd = steps(Timing(ttft=100, itl=4, itl_per_slot=4), 4)
    assert statistics.median(crowd[0]) == pytest.approx(20, abs=8)


@measured
def test_many_streams_keep_their_schedule(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    with running(Timing(ttft=300, itl=20), path) as url:
        host, port = re.match(r"http://([^:]+):(\d+)", url).groups()
        socks = [socket.create_connection((host, int(port)), 10) for _ in range(100)]
        for sock in socks:
            sock.sendall(post(ask(stream=True, max_tokens=25), "/v1/chat/completions", "1.1", "Connection: close"))
        for sock in socks:
            got = b""
            while piece := sock.recv(1 << 18):
                got += piece
            sock.close()
            assert last_chunk(got)
    late = [
        (at - row["started_ns"]) / 1e6 - 300 - 20 * number
        for row in rows(path)
        for number, at in enumerate(row["event_ns"])
    ]
    assert len(late) == 2500
    assert min(late) >= 0
    assert statistics.median(late) < 8  # of a busy machine: bench/load.py has the figures


# Slots


@measured
def test_slots_are_given_in_order_and_the_line_has_an_end(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    with running(Timing(ttft=80, slots=1, queue_limit=2), path) as url:
        calls = [
            lambda n=n: raw(url, post(ask(f"n{n}", max_tokens=1)), lambda got: got.endswith(b"}}")) for n in range(4)
        ]
        found = in_threads(calls)
        assert [got[9:12] for got in found] == [b"200", b"200", b"200", b"429"]
        assert b"\r\nretry-after: 1\r\n" in found[3]
        assert b'"code":"rate_limit_exceeded"' in found[3]
        seen = stats(url)
    assert (seen["received"], seen["finished"], seen["refused"], seen["duplicated"]) == (4, 3, 1, 0)
    done = sorted((row for row in rows(path) if row["finished"]), key=lambda row: row["started_ns"])
    assert [row["nonce"] for row in done] == ["n0", "n1", "n2"]
    assert all(later["started_ns"] >= earlier["end_ns"] for earlier, later in itertools.pairwise(done))
    assert done[2]["queue_ms"] == pytest.approx(140, abs=60)


def test_a_client_that_leaves_frees_its_slot_and_its_place(tmp_path: Path) -> None:
    path = tmp_path / "truth.jsonl"
    with running(Timing(ttft=20, itl=50, slots=1), path) as url:
        host, port = re.match(r"http://([^:]+):(\d+)", url).groups()
        streaming = socket.create_connection((host, int(port)))
        streaming.sendall(post(ask("a", stream=True, max_tokens=1000)))
        waiting = socket.create_connection((host, int(port)))
        wait_for(lambda: stats(url)["busy"])
        waiting.sendall(post(ask("b")))
        wait_for(lambda: stats(url)["queued"])
        waiting.close()
        wait_for(lambda: not stats(url)["queued"])
        streaming.recv(1000)
        streaming.close()
        wait_for(lambda: not stats(url)["busy"])
        assert stats(url)["cancelled"] == 2
        assert httpx.post(f"{url}/chat/completions", json=ask("c", max_tokens=1)).status_code == 200
    found = {row["nonce"]: row for row in rows(path)}
    assert [found[name]["finished"] for name in "abc"] == [False, False, True]
    assert found["b"]["started_ns"] is None
    assert 0 < found["a"]["output_tokens"] + len(found["a"]["event_ns"]) < 1000


@measured
def test_a_slow_reader_gets_everything_and_hinders_nobody(quick: str) -> None:
    host, port = re.match(r"http://([^:]+):(\d+)", quick).groups()
    with socket.create_connection((host, int(port)), 10) as sock:
        sock.sendall(post(ask(stream=True, max_tokens=40_000), "/v1/chat/completions", "1.1", "Connection: close"))
        time.sleep(0.3)
        begin = time.perf_counter()
        assert httpx.post(f"{quick}/chat/completions", json=ask(max_tokens=1)).status_code == 200
        assert time.perf_counter() - begin < 0.5
        got = bytearray()
        while piece := sock.recv(1 << 18):
            got += piece
    assert got.count(b'"delta":{"content":') == 40_000
    assert got.endswith(b"data: [DONE]\n\n\r\n0\r\n\r\n")
