"""POST /audio/speech: a voice that hums one tone for each letter."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from typing import Any

import numpy
import soundfile
from starlette.responses import Response

from seatrial.server import tokens
from seatrial.server import validate as v
from seatrial.server.call import Call
from seatrial.server.plant import Json
from seatrial.server.refuse import bad

_RATE = 24_000
_LETTER = 0.06
"""Seconds of one letter at speed 1."""
_VOICES = {
    name: 110.0 + 15 * place
    for place, name in enumerate(
        (
            "onyx",
            "ash",
            "echo",
            "cedar",
            "verse",
            "alloy",
            "ballad",
            "fable",
            "sage",
            "coral",
            "marin",
            "nova",
            "shimmer",
        )
    )
}
_FORMATS = {
    "mp3": ("audio/mpeg", "MP3", "MPEG_LAYER_III"),
    "opus": ("audio/ogg", "OGG", "OPUS"),
    "flac": ("audio/flac", "FLAC", "PCM_16"),
    "wav": ("audio/wav", "WAV", "PCM_16"),
    "pcm": ("audio/pcm", "RAW", "PCM_16"),
}
_PIECE = 4096
"""Bytes of audio in one event of a stream."""


def _voice(name: str, value: Any) -> None:
    id = value.get("id") if isinstance(value, dict) else value
    if not isinstance(id, str) or id not in _VOICES:
        raise bad(name, f"Invalid value for 'voice': expected one of {', '.join(sorted(_VOICES))}.", "invalid_value")


def _validate(body: Json, known: dict[str, Any]) -> None:
    model = v.model(body, known)
    if not known[model].get("speech"):
        raise bad("model", f"This model does not speak: '{model}'.", "model_not_supported")
    rules = {
        "input": v.text(4096),
        "instructions": v.text(4096),
        "voice": _voice,
        "response_format": v.one_of(*_FORMATS),
        "speed": v.number(0.25, 4),
        "stream_format": v.one_of("sse", "audio"),
    }
    v.required(body, "input", "voice")
    v.members(body, rules, {"model"})
    if not body["input"].strip():
        raise bad("input", "Invalid 'input': there is nothing to say.", "invalid_value")


def spoken(text: str, pitch: float, speed: float) -> Any:
    """The samples from -1 to 1: a tone for each letter and silence for all else, faded in and out."""
    length = max(int(_LETTER * _RATE / speed), 240)
    time = numpy.arange(length) / _RATE
    fade = numpy.minimum(1.0, numpy.minimum(numpy.arange(length), length - 1 - numpy.arange(length)) / 100)
    made = numpy.zeros(length * len(text), dtype=numpy.float32)
    for place, letter in enumerate(text):
        if letter.isalnum():
            tone = pitch * (1 + (ord(letter.lower()) % 26) / 13)
            made[place * length : (place + 1) * length] = 0.3 * fade * numpy.sin(2 * numpy.pi * tone * time)
    return made


def encoded(samples: Any, kind: str) -> bytes:
    """The samples in one of the forms."""
    out = io.BytesIO()
    _, container, coding = _FORMATS[kind]
    more = {"endian": "LITTLE"} if kind == "pcm" else {}
    soundfile.write(out, samples, _RATE, format=container, subtype=coding, **more)
    return out.getvalue()


def _events(data: bytes, body: Json) -> Iterator[Json]:
    for at in range(0, len(data), _PIECE):
        yield {"type": "speech.audio.delta", "audio": base64.b64encode(data[at : at + _PIECE]).decode("ascii")}
    read, written = tokens.count(body["input"]), len(data) // 256 + 1
    usage = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    yield {"type": "speech.audio.done", "usage": usage}


def speak(call: Call) -> Response:
    """The text as audio, whole or as a stream of events."""
    body = call.json(lambda body: _validate(body, call.server.models))
    kind = body.get("response_format") or "mp3"
    voice = body["voice"]
    pitch = _VOICES[voice["id"] if isinstance(voice, dict) else voice]
    data = encoded(spoken(body["input"], pitch, body.get("speed") or 1.0), kind)
    if body.get("stream_format") == "sse":
        return call.stream(body, _events(data, body))
    return call.bytes(data, _FORMATS[kind][0], body)


ROUTES = {"/audio/speech": {"POST": speak}}
