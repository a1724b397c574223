"""The client on servers that do their worst: every wait ends, what is kept is bounded, and the key is in none of it."""

from __future__ import annotations

import base64
import gzip
import json
import socket
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace

import pytest

from seatrial.client import MAX_EVENTS, Bounds, Client, _fill
from seatrial.model import REDACTED, Exchange, Invalid, Operation
from seatrial.secret import Secret
from tests import measured
from tests.conftest import raw_server, read_request

KEY = "sk-canary/4f+1d_9b7e"
CHAT = Operation("createChatCompletion", "POST", "/chat/completions")
BOUNDS = Bounds(connect=2, idle=1, total=2, linger=0.5)
OK = b"HTTP/1.1 200 OK\r\n"


def on_a_kept_connection(
    reply: Callable[[socket.socket], None], stream: bool = False, total: float | None = None
) -> tuple[Exchange, float]:
    """The exchange after a plain one on the same connection, and the seconds it took."""

    def play(connection: socket.socket, request: bytes) -> None:
        connection.sendall(OK + b"content-length: 2\r\n\r\n{}")
        read_request(connection)
        reply(connection)

    bounds = BOUNDS if total is None else replace(BOUNDS, total=total)
    with raw_server(play) as url, closing(Client(url, "CLIENT_TEST_KEY", bounds)) as client:
        assert client.send(CHAT, 1, body={}).error is None
        begun = time.monotonic()
        exchange = client.send(CHAT, 2, body={"stream": stream})
        return exchange, time.monotonic() - begun


def dripping(first: bytes, drop: bytes) -> Callable[[socket.socket], None]:
    def reply(connection: socket.socket) -> None:
        connection.sendall(first)
        end = time.monotonic() + 8
        while time.monotonic() < end:
            connection.sendall(drop)
            time.sleep(0.1)

    return reply


@measured
@pytest.mark.parametrize(
    ("first", "drop"),
    [
        (OK + b"x: ", b"a"),
        (OK + b"content-length: 10000\r\n\r\n", b"a"),
        (OK + b"content-type: text/event-stream\r\n\r\n", b": still here\n\n"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    ],
    ids=["head", "body", "comments", "informational"],
)
@pytest.mark.parametrize("stream", [False, True])
def test_what_drips_on_a_kept_connection_ends_with_the_bound(first: bytes, drop: bytes, stream: bool) -> None:
    exchange, seconds = on_a_kept_connection(dripping(first, drop), stream)
    assert exchange.error is not None
    assert exchange.error.kind == "timeout"
    assert seconds < BOUNDS.total + 1


def test_a_bound_that_cuts_one_answer_leaves_the_next_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cut is made in a thread of its own, which may come to its end late."""

    def slowly(connection: socket.socket, how: int) -> None:
        shutdown(connection, how)
        time.sleep(0.3)

    def play(connection: socket.socket, request: bytes) -> None:
        if b"silent" in request:
            connection.recv(1)
        else:
            time.sleep(0.5)
            connection.sendall(OK + b"content-length: 2\r\n\r\n{}")

    shutdown = socket.socket.shutdown
    with raw_server(play) as url, closing(Client(url, "CLIENT_TEST_KEY", BOUNDS)) as client:
        monkeypatch.setattr(socket.socket, "shutdown", slowly)
        silent = client.send(CHAT, 1, body="silent")
        after = client.send(CHAT, 2, body={})
    assert silent.error is not None
    assert silent.error.kind == "timeout"
    assert (after.error, after.status) == (None, 200)


def test_a_flood_of_events_is_cut_and_little_of_it_kept() -> None:
    def reply(connection: socket.socket) -> None:
        connection.sendall(OK + b"content-type: text/event-stream\r\n\r\n")
        for _ in range(MAX_EVENTS // 1000 + 50):
            connection.sendall(b"data: x\n\n" * 1000)

    exchange, _ = on_a_kept_connection(reply, stream=True, total=60)  # a busy machine needs its time for so many
    assert exchange.error is not None
    assert exchange.error.kind == "too-large"
    assert len(exchange.body) <= 1 << 20
    assert exchange.events[-1].end <= len(exchange.body)


def test_codings_on_one_another_are_not_undone() -> None:
    body = gzip.compress(gzip.compress(b"\0" * (1 << 20)))
    head = OK + b"content-encoding: gzip, gzip\r\ncontent-length: %d\r\n\r\n" % len(body)
    exchange, _ = on_a_kept_connection(lambda connection: connection.sendall(head + body))
    assert exchange.error is not None
    assert exchange.error.kind == "decoding"
    assert exchange.body == b""


ECHOES = [
    KEY,
    "".join(f"\\u{ord(char):04X}" for char in KEY),
    KEY.replace("/", "\\/"),
    "".join(f"%{ord(char):02x}" for char in KEY),
    *(base64.b64encode(b"x" * before + KEY.encode()).decode() for before in range(3)),
]


@pytest.mark.parametrize("echo", ECHOES)
def test_an_echoed_key_is_hidden_however_it_is_written(echo: str) -> None:
    hidden = Secret(KEY).hide(f"<{echo}>")
    assert REDACTED in hidden
    assert len(hidden) < len(REDACTED) + 10
    assert Secret(KEY).hide_bytes(f"<{echo}>".encode()) == hidden.encode()


def test_the_key_goes_to_the_base_url_s_host_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_TEST_KEY", KEY)
    heard: list[bytes] = []

    def play(connection: socket.socket, request: bytes) -> None:
        heard.append(request)
        connection.sendall(OK + b"content-length: 2\r\nconnection: close\r\n\r\n{}")

    with raw_server(play) as url, raw_server(play) as other, closing(Client(url, "CLIENT_TEST_KEY", BOUNDS)) as client:
        for base in (None, url.replace("/v1", "/queue"), other):
            exchange = client.send(CHAT, 1, body={}, base_url=base)
            assert exchange.status == 200
    assert [KEY.encode() in request for request in heard] == [True, True, False]
    assert not any(name == "authorization" for name, _ in exchange.request.headers)


def test_what_is_no_key_is_let_be() -> None:
    assert Secret("EMPTY").hide("EMPTY") == "EMPTY"
    assert Secret(None).hide_bytes(b"none") == b"none"


def test_an_echoed_key_is_in_no_part_of_the_exchange(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLIENT_TEST_KEY", KEY)

    def reply(connection: socket.socket) -> None:
        event = f"data: {json.dumps(KEY)}\n\ndata: after\n\n".encode()
        head = OK + b"content-type: text/event-stream\r\nx-echo: " + KEY.encode() + b"\r\nconnection: close\r\n\r\n"
        connection.sendall(head + event)
        connection.shutdown(socket.SHUT_WR)

    exchange, _ = on_a_kept_connection(reply, stream=True)
    assert KEY not in repr(exchange)
    assert [event.data for event in exchange.events] == [f'"{REDACTED}"', "after"]
    last = exchange.events[-1]
    assert exchange.body[last.start : last.end] == b"data: after\n\n"


@pytest.mark.parametrize("key", ["sk-canary-4f1d\n", " sk-canary-4f1d", "sk-canary\u00e9\u2019"])
def test_a_key_that_no_header_carries_is_refused_unseen(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("CLIENT_TEST_KEY", key)
    with pytest.raises(Invalid, match="CLIENT_TEST_KEY") as raised:
        Client("http://127.0.0.1:9/v1", "CLIENT_TEST_KEY")
    assert "canary" not in str(raised.value)


@measured
@pytest.mark.parametrize("last", ["completed", "incomplete", "failed"])
def test_a_stream_that_is_left_open_after_the_end_of_its_response_is_not_waited_out(last: str) -> None:
    data = json.dumps({"type": f"response.{last}", "response": {}})

    def reply(connection: socket.socket) -> None:
        connection.sendall(OK + b"content-type: text/event-stream\r\n\r\n" + f"data: {data}\n\n".encode())
        time.sleep(4)

    exchange, seconds = on_a_kept_connection(reply, stream=True, total=3.5)
    assert (exchange.left_open, exchange.error) == (True, None)
    assert seconds < 2


@pytest.mark.parametrize(
    ("path", "value", "sent"),
    [
        ("/{path+}", "jobs/1?api-version=2026&t=a%2Fb", "/jobs/1?api-version=2026&t=a%2Fb"),
        ("/{path+}", "jobs/a b", "/jobs/a%20b"),
        ("/models/{path+}", "who/what:1?x=%2F", "/models/who/what:1%3Fx%3D%252F"),
        ("/models/{path}", "who/what", "/models/who%2Fwhat"),
    ],
)
def test_what_a_server_gave_out_stays_as_it_is(path: str, value: str, sent: str) -> None:
    assert _fill(path, {"path": value}) == sent
