"""Multipart forms (RFC 7578) as scenarios write them, with files that are made when they are needed."""

from __future__ import annotations

import io
import json
import math
import struct
import wave
import zlib
from array import array
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Any

from seatrial import home

_BOUNDARY = "seatrial-form-5b1f9c7e20d4"
MEDIA = f"multipart/form-data; boundary={_BOUNDARY}"


@cache
def tone(seconds: float) -> bytes:
    """A WAV file: 440 Hz, mono, 16 bits at 16 kHz."""
    rate = 16_000
    samples = array("h", (int(8000 * math.sin(2 * math.pi * 440 * n / rate)) for n in range(int(seconds * rate))))
    out = io.BytesIO()
    with wave.open(out, "wb") as sink:
        sink.setnchannels(1)
        sink.setsampwidth(2)
        sink.setframerate(rate)
        sink.writeframes(samples.tobytes())
    return out.getvalue()


@cache
def picture(width: int, height: int, hole: bool = False) -> bytes:
    """A PNG with an alpha channel: red grows to the right, green downwards; a `hole` in the middle is transparent."""

    def pixel(x: int, y: int) -> tuple[int, int, int, int]:
        empty = hole and width <= 4 * x < 3 * width and height <= 4 * y < 3 * height
        return 255 * x // width, 255 * y // height, 128, 0 if empty else 255

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = b"".join(b"\0" + bytes(part for x in range(width) for part in pixel(x, y)) for y in range(height))
    head = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(rows)) + chunk(b"IEND", b"")


@cache
def _asset(name: str) -> bytes:
    path = Path(name)
    return (path if path.is_absolute() else home.folder("scenarios") / "assets" / name).read_bytes()


def _data(file: Mapping[str, Any]) -> bytes:
    if "asset" in file:
        return _asset(file["asset"])
    if "tone_s" in file:
        return tone(file["tone_s"])
    if "picture" in file:
        return picture(**file["picture"])
    if "lines" in file:
        return jsonl(file["lines"])
    return str(file.get("text", "")).encode()


def jsonl(lines: Any) -> bytes:
    """JSON Lines: texts as they are, other values as JSON; or `each` line `times` over, with `{n}` for its number."""
    if isinstance(lines, Mapping):
        each = _line(lines["each"])
        lines = [each.replace("{n}", str(number)) for number in range(1, lines["times"] + 1)]
    return "".join(f"{_line(line)}\n" for line in lines).encode()


def _line(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def encode(form: Mapping[str, Any]) -> bytes:
    """The body. A member is text, a file, or a list of these, sent under one name in their order.

    A file has its `file` name, its media `type`, and what is in it: `text`, JSON `lines`, `tone_s` seconds, a `picture` of
    so many pixels, or an `asset` (a path, or the name of one of the project's own). Raises OSError where an asset cannot be read.
    """
    return b"".join(_parts(form)) + f"--{_BOUNDARY}--\r\n".encode()


def _parts(form: Mapping[str, Any]) -> Iterable[bytes]:
    for name, given in form.items():
        for value in given if isinstance(given, list) else [given]:
            head = f'Content-Disposition: form-data; name="{name}"'
            if isinstance(value, Mapping):
                head += f'; filename="{value["file"]}"\r\nContent-Type: {value.get("type", "application/octet-stream")}'
                data = _data(value)
            else:
                data = (str(value).lower() if isinstance(value, bool) else str(value)).encode()
            yield f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n"
