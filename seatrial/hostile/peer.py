"""One connection as a behaviour sees it, and the good answers that are given beside the bad ones."""

from __future__ import annotations

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterable, Iterator
from typing import Any

CREATED = 1_760_000_000
MODEL = "hostile-chat"
_PATIENCE_S = 40.0


class Gone(Exception):
    """The client has left, or the server ends."""


class Peer:
    """A client's connection and the request it sent last. Raises Gone from any call once the client has left."""

    def __init__(self, connection: socket.socket, ended: threading.Event, state: dict[str, Any]) -> None:
        self.socket = connection
        self.state = state
        """Shared by all connections of the server; `port` and `trap` are in it."""
        self.method = self.path = ""
        self.headers: dict[str, str] = {}
        self.body = b""
        self._held: list[bytes] | None = None
        self.number = 0  # of the request on this connection
        self._ended = ended
        connection.settimeout(_PATIENCE_S)

    # What the client sent.

    def read(self) -> bool:
        """Takes the next request; False where the client has closed instead."""
        data = b""
        while b"\r\n\r\n" not in data:
            piece = self._receive()
            if not piece:
                return False
            data += piece
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.method, self.path = [*first.split(" "), "", ""][:2]
        self.headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(self.headers.get("content-length", "0"))
        while len(self.body) < length:
            piece = self._receive()
            if not piece:
                return False
            self.body += piece
        self.number += 1
        return True

    def _receive(self) -> bytes:
        if self._ended.is_set():
            raise Gone
        try:
            return self.socket.recv(65536)
        except OSError as error:
            raise Gone from error

    @property
    def streams(self) -> bool:
        """Whether the request asks for a stream."""
        return b'"stream": true' in self.body or b'"stream":true' in self.body

    @property
    def key(self) -> str:
        """The key that came with the request."""
        return self.headers.get("authorization", "").removeprefix("Bearer ")

    # What is sent.

    def send(self, *parts: bytes) -> None:
        """Each part in a write of its own; none yet, within `together`."""
        if self._held is not None:
            self._held.extend(parts)
            return
        for part in parts:
            if self._ended.is_set():
                raise Gone
            try:
                self.socket.sendall(part)
            except OSError as error:
                raise Gone from error

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """What is sent within goes out in one write."""
        self._held = []
        yield
        held, self._held = b"".join(self._held), None
        self.send(held)

    def forever(self, parts: Iterable[bytes], seconds: float = _PATIENCE_S) -> None:
        """Sends parts as fast as they are taken, until the client leaves."""
        end = time.monotonic() + seconds
        for part in parts:
            self.send(part)
            if time.monotonic() > end:
                return

    def drip(self, data: bytes, every: float) -> None:
        """One byte at a time."""
        for index in range(len(data)):
            self.send(data[index : index + 1])
            self.wait(every)

    def wait(self, seconds: float = _PATIENCE_S) -> None:
        """Says nothing for so long. Raises Gone once the client leaves."""
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            if self._ended.is_set():
                raise Gone
            if isinstance(self.socket, ssl.SSLSocket):  # cannot be peeked into
                time.sleep(min(left, 0.2))
                continue
            self.socket.settimeout(min(left, 0.2))
            try:
                if not self.socket.recv(1, socket.MSG_PEEK):
                    raise Gone
                time.sleep(min(left, 0.05))
            except TimeoutError:
                pass
            except OSError as error:
                raise Gone from error
            finally:
                self.socket.settimeout(_PATIENCE_S)

    def reset(self) -> None:
        """Ends the connection by a reset, and whatever is still to be sent with it."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def half_close(self) -> None:
        """Says that nothing more comes, and listens on."""
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Ends the connection."""
        self.socket.close()
        raise Gone

    def head(self, *lines: str, status: str = "200 OK", media: str = "application/json") -> None:
        """The status line and the headers."""
        fields = [f"HTTP/1.1 {status}", *([f"Content-Type: {media}"] if media else []), *lines, "", ""]
        self.send("\r\n".join(fields).encode("utf-8", "surrogateescape"))

    def answer(self, body: bytes, *lines: str, status: str = "200 OK", media: str = "application/json") -> None:
        """A whole answer with its length."""
        self.head(*lines, f"Content-Length: {len(body)}", status=status, media=media)
        self.send(body)

    def events(self, *parts: bytes) -> None:
        """A whole stream of those bytes, chunked."""
        self.head("Transfer-Encoding: chunked", media="text/event-stream")
        self.send(*(chunk(part) for part in parts if part), b"0\r\n\r\n")

    def open_stream(self, *lines: str) -> None:
        """The head of a stream that ends with the connection."""
        self.head("Connection: close", *lines, media="text/event-stream")

    # Good answers.

    def good(self) -> None:
        """The answer that the request deserves."""
        if self.method == "GET":
            self._good_models()
        elif self.streams:
            self.events(*good_events())
        else:
            self.answer(dumped(self.document()))

    def _good_models(self) -> None:
        model = {"id": MODEL, "object": "model", "created": CREATED, "owned_by": "hostile"}
        name = self.path.partition("/models")[2].strip("/")
        if not name:
            self.answer(dumped({"object": "list", "data": [model]}))
        elif name == MODEL or name.startswith("m-"):
            self.answer(dumped({**model, "id": name}))
        else:
            self.answer(dumped(error("no such model", "model_not_found")), status="404 Not Found")

    def document(self) -> dict[str, Any]:
        """The body that answers a POST well where no stream was asked for."""
        usage = {"prompt_tokens": 4, "total_tokens": 4}
        if self.path.endswith("/embeddings"):
            vector = [{"object": "embedding", "index": 0, "embedding": [0.6, 0.8]}]
            return {"object": "list", "data": vector, "model": MODEL, "usage": usage}
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": "Hello.", "refusal": None},
            "logprobs": None,
            "finish_reason": "stop",
        }
        used = {"prompt_tokens": 4, "completion_tokens": 2, "total_tokens": 6}
        self.state["answers"] = number = self.state.get("answers", 0) + 1
        return {
            "id": f"chatcmpl-{number}",
            "object": "chat.completion",
            "created": int(time.time()),
            "model": MODEL,
            "choices": [choice],
            "usage": used,
        }


def error(message: str, code: str | None = None, type_: str = "invalid_request_error") -> dict[str, Any]:
    """An error's body."""
    return {"error": {"message": message, "type": type_, "param": None, "code": code}}


def dumped(value: Any) -> bytes:
    """The value as JSON."""
    return json.dumps(value, separators=(",", ":")).encode()


def chunk(data: bytes) -> bytes:
    """One chunk of the chunked coding."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(data: bytes) -> bytes:
    """One server-sent event."""
    return b"data: " + data + b"\n\n"


def piece(content: str | None, finish: str | None = None, **more: Any) -> dict[str, Any]:
    """One chunk of a streamed answer."""
    delta: dict[str, Any] = {} if content is None else {"content": content}
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    whole = {"id": "chatcmpl-s", "object": "chat.completion.chunk", "created": CREATED, "model": MODEL}
    return {**whole, "choices": [choice], **more}


def good_events(*contents: str) -> list[bytes]:
    """The events of a whole good stream of that content."""
    role = piece("")
    role["choices"][0]["delta"] = {"role": "assistant", "content": "", "refusal": None}
    rows = [role, *(piece(content) for content in contents or ("one", ",", " two")), piece(None, "stop")]
    return [*(event(dumped(row)) for row in rows), event(b"[DONE]")]


def without_end(part: bytes) -> Iterator[bytes]:
    """That part again and again."""
    while True:
        yield part


def good_body(peer: Peer) -> tuple[bytes, str]:
    """The body of the good answer to a POST, and its media type."""
    if peer.streams:
        return b"".join(good_events()), "text/event-stream"
    return dumped(peer.document()), "application/json"
