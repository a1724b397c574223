"""Requests read from bytes: HTTP/1.x heads and bodies, and multipart forms."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import orjson

HEAD_LIMIT = 1 << 16
BODY_LIMIT = 1 << 26
TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class Refused(Exception):
    """The request gets this status and message; `headers` are added to the answer."""

    def __init__(self, status: int, message: str, param: str | None = None, code: str | None = None, **headers: str):
        super().__init__(message)
        self.status, self.param, self.code = status, param, code
        self.headers = {name.replace("_", "-"): value for name, value in headers.items()}

    def body(self) -> bytes:
        """The error in OpenAI's envelope."""
        kind = {429: "rate_limit_error", 500: "server_error"}.get(self.status, "invalid_request_error")
        return orjson.dumps(
            {"error": {"message": str(self), "type": kind, "param": self.param, "code": self.code}},
        )


@dataclass(slots=True)
class Request:
    """One request; `received_ns` is the time at which its last byte had been read."""

    method: str
    path: str
    headers: dict[str, str]
    http10: bool = False
    body: bytes = b""
    received_ns: int = 0
    length: int | None = 0
    id: str = ""
    """The id in its path, where the route has one."""
    _json: Any = field(default=None)

    @property
    def keeps(self) -> bool:
        """Whether the connection stays open afterwards."""
        return not self.http10 and "close" not in self.headers.get("connection", "").lower()

    def json(self) -> dict[str, Any]:
        """The body as a JSON object. Raises Refused."""
        if self._json is None:
            try:
                self._json = orjson.loads(self.body)
            except orjson.JSONDecodeError as error:
                raise Refused(400, f"We could not parse the JSON body of your request: {error}") from None
        if not isinstance(self._json, dict):
            raise Refused(400, "The body of the request is not a JSON object.")
        return self._json


def head(data: bytes) -> Request:
    """The request line and headers, without the blank line. `length` is None for a chunked body. Raises Refused."""
    first, *lines = data.split(b"\r\n")
    words = first.split(b" ")
    if len(words) != 3 or not TOKEN.fullmatch(words[0]) or words[2] not in (b"HTTP/1.1", b"HTTP/1.0"):
        raise Refused(400, "The request line is malformed.")
    if not words[1].startswith((b"/", b"http://")) and words[1] != b"*":
        raise Refused(400, "The request target is malformed.")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.fullmatch(name) or b"\0" in value or b"\n" in value or b"\r" in value:
            raise Refused(400, "A header is malformed.")
        key, text = name.decode("latin-1").lower(), value.strip(b" \t").decode("latin-1")
        if key in headers and key in ("content-length", "host", "transfer-encoding") and headers[key] != text:
            raise Refused(400, f"{key} is given twice.")
        headers[key] = f"{headers[key]}, {text}" if key in headers and key != "content-length" else text
    target = words[1].decode("latin-1").partition("?")[0]
    if target.startswith("http://"):
        target = "/" + target[7:].partition("/")[2]
    request = Request(words[0].decode(), target, headers, words[2] == b"HTTP/1.0")
    if "host" not in headers and not request.http10:
        raise Refused(400, "The Host header is missing.")
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
            raise Refused(400, "The body's framing is malformed.")
        request.length = None
    elif "content-length" in headers:
        text = headers["content-length"]
        if not (text.isascii() and text.isdigit() and len(text) < 16):
            raise Refused(400, "Content-Length is not a number.")
        request.length = int(text)
        if request.length > BODY_LIMIT:
            raise Refused(413, "The body is too large.")
    return request


def chunked(data: bytearray, start: int) -> tuple[bytes, int] | None:
    """The chunked body that begins here and the position after it; None while it is incomplete. Raises Refused."""
    parts, size, at = [], 0, start
    while True:
        end = data.find(b"\r\n", at, at + 1024)
        if end < 0:
            if len(data) - at >= 1024:
                raise Refused(400, "A chunk's size is malformed.")
            return None
        text = bytes(data[at:end]).partition(b";")[0].strip(b" \t")
        if not re.fullmatch(rb"[0-9A-Fa-f]{1,8}", text):
            raise Refused(400, "A chunk's size is malformed.")
        length = int(text, 16)
        size += length
        if size > BODY_LIMIT:
            raise Refused(413, "The body is too large.")
        at = end + 2
        if length == 0:
            break
        if len(data) < at + length + 2:
            return None
        if data[at + length : at + length + 2] != b"\r\n":
            raise Refused(400, "A chunk is malformed.")
        parts.append(bytes(data[at : at + length]))
        at += length + 2
    while True:  # trailers
        end = data.find(b"\r\n", at, at + HEAD_LIMIT)
        if end < 0:
            return None
        if end == at:
            return b"".join(parts), at + 2
        at = end + 2


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a form."""

    name: str
    filename: str | None
    data: bytes


def form(request: Request) -> dict[str, Part]:
    """The parts of a multipart form by name. Raises Refused."""
    found = re.search(r'multipart/form-data;.*boundary="?([^";]+)"?', request.headers.get("content-type", ""))
    if not found:
        raise Refused(400, "The body is not a multipart form.")
    line = b"--" + found[1].encode("latin-1")
    parts = {}
    for piece in (b"\r\n" + request.body).split(b"\r\n" + line)[1:-1]:
        top, blank, data = piece.partition(b"\r\n\r\n")
        name = re.search(rb'[; ]name="([^"]*)"', top)
        if not blank or not name:
            raise Refused(400, "The multipart form is malformed.")
        filename = re.search(rb'filename="([^"]*)"', top)
        text = name[1].decode("utf-8", "replace")
        parts[text] = Part(text, filename[1].decode("utf-8", "replace") if filename else None, data)
    if not parts:
        raise Refused(400, "The multipart form is empty.")
    return parts
