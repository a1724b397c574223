"""Multipart forms (RFC 7578) as scenarios write them, with files that are made when they are needed."""

from __future__ import annotations

import io
import math
import wave
from array import array
from collections.abc import Mapping
from functools import cache
from typing import Any

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


def encode(form: Mapping[str, Any]) -> bytes:
    """The body. A member is text, or a file: its `file` name, its media `type`, and `text` or `tone_s` seconds."""
    parts = []
    for name, value in form.items():
        head, data = f'Content-Disposition: form-data; name="{name}"', b""
        if isinstance(value, Mapping):
            head += f'; filename="{value["file"]}"\r\nContent-Type: {value.get("type", "application/octet-stream")}'
            data = tone(value["tone_s"]) if "tone_s" in value else str(value.get("text", "")).encode()
        else:
            data = str(value).encode()
        parts.append(f"--{_BOUNDARY}\r\n{head}\r\n\r\n".encode() + data + b"\r\n")
    return b"".join(parts) + f"--{_BOUNDARY}--\r\n".encode()
