"""The simulator as its tests ask it: raw bytes, threads, rows of its truth."""

from __future__ import annotations

import contextlib
import json
import re
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import openai

ROOT = Path(__file__).resolve().parent.parent
USER = {"role": "user", "content": "one two three"}


def client(url: str) -> openai.OpenAI:
    return openai.OpenAI(base_url=url, api_key="none", max_retries=0, timeout=10)


def ask(nonce: str = "", **more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": f"hi nonce:{nonce}" if nonce else "hi"}], **more}


def raw(url: str, data: bytes, until: Callable[[bytes], bool] = lambda got: False, timeout: float = 5) -> bytes:
    """What comes back for these bytes until the server closes, falls silent for so long, or it is enough."""
    host, port = re.match(r"http://([^:]+):(\d+)", url).groups()
    got = b""
    with socket.create_connection((host, int(port)), timeout) as sock:
        sock.sendall(data)
        with contextlib.suppress(TimeoutError):
            while not until(got):
                piece = sock.recv(65536)
                if not piece:
                    return got + b"<FIN>"
                got += piece
    return got


def post(body: Any, path: str = "/v1/chat/completions", version: str = "1.1", *headers: str) -> bytes:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"POST {path} HTTP/{version}", "Host: x", f"Content-Length: {len(data)}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def last_chunk(got: bytes) -> bool:
    return got.endswith(b"\r\n0\r\n\r\n")


def rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def stats(url: str) -> dict[str, Any]:
    return httpx.get(f"{url}/seatrial/stats").json()


def wait_for(ready: Callable[[], Any], seconds: float = 5) -> Any:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = ready()
        if found:
            return found
        time.sleep(0.01)
    raise AssertionError("it did not happen in time")


def in_threads(calls: list[Callable[[], Any]]) -> list[Any]:
    found: list[Any] = [None] * len(calls)

    def call(index: int) -> None:
        found[index] = calls[index]()

    threads = [threading.Thread(target=call, args=(index,)) for index in range(len(calls))]
    for thread in threads:
        thread.start()
        time.sleep(0.01)  # in this order
    for thread in threads:
        thread.join(10)
    return found
