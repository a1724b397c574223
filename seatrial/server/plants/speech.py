"""Defects and variants of speech."""

from __future__ import annotations

import base64
import struct
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from seatrial.server.families.speech import encoded
from seatrial.server.plant import Json
from seatrial.server.plants.audio import as_chat, only
from seatrial.server.plants.shape import accepting, all_chunks, defect, ignoring, variant

SPEAK = "POST /audio/speech"
_AREA = "speech"
_MEDIA = {"mp3": "audio/mpeg", "opus": "audio/ogg", "flac": "audio/flac", "wav": "audio/wav", "pcm": "audio/pcm"}


def audio(change: Callable[[bytes], bytes], *formats: str, media: str | None = None) -> Callable[[str, Json, Any], Any]:
    """Changes audio of these forms (all, where none is named), and says that it is of this media type."""

    def hook(route: str, body: Json, made: Any) -> Any:
        kind = body.get("response_format") or "mp3"
        if route != SPEAK or not isinstance(made, bytes) or (formats and kind not in formats):
            return made
        return Response(change(made), 200, {}, media or _MEDIA[kind])

    return hook


def _same(data: bytes) -> bytes:
    return data


def _half(data: bytes) -> bytes:
    return data[: len(data) // 2 | 1]


def _silence(data: bytes) -> bytes:
    import numpy

    return encoded(numpy.zeros(48_000, dtype=numpy.float32), "wav")


def _wav_by_default(route: str, body: Json) -> Json:
    return {"response_format": "wav", **body} if route == SPEAK else body


def _in_json(data: bytes) -> bytes:
    return b'{"audio":"' + base64.b64encode(data) + b'"}'


def _data_urls(body: Json, events: list[Json]) -> list[Json]:
    for event in events[:-1]:
        event["audio"] = f"data:audio/mpeg;base64,{event['audio']}"
    return events


def _endless(data: bytes) -> bytes:
    """A WAV as streamed: its lengths are not known when the header is written."""
    at = data.index(b"data")
    unknown = struct.pack("<I", 0xFFFFFFFF)
    return data[:4] + unknown + data[8 : at + 4] + unknown + data[at + 8 :]


def _tagged(data: bytes) -> bytes:
    """An MP3 with an empty ID3 tag in front."""
    return b"ID3\x04\x00\x00\x00\x00\x00\x00" + data


def _listed(data: bytes) -> bytes:
    """A WAV with a chunk of remarks before its samples."""
    at = data.index(b"data")
    note = b"LIST" + struct.pack("<I", 4) + b"INFO"
    size = struct.unpack_from("<I", data, 4)[0] + len(note)
    return data[:4] + struct.pack("<I", size) + data[8:at] + note + data[at:]


PLANTS = (
    defect(
        "NC-AUD-05", _AREA, "the Content-Type is always audio/mpeg", "speech.media-type", source="BerriAI/litellm#4332",
        result=audio(_same, media="audio/mpeg"),
    ),
    defect(
        "NC-AUD-07", _AREA, "WAV without a response_format", "speech.default-format", level="SHOULD",
        source="adrianlyjak/obsidian-aloud-tts#113", body=_wav_by_default,
    ),
    defect(
        "speech.format/ignored", _AREA, "response_format is ignored", "speech.format", "*/must/status",
        body=ignoring("response_format", route=SPEAK),
    ),
    defect(
        "speech.format/json", _AREA, "the audio is base64 in a JSON object", "speech.format", "speech.default-format",
        "speech.media-type", "speech.whole", result=audio(_in_json, media="application/json"),
    ),
    defect(
        "speech.media-type/html", _AREA, "the audio is called HTML", "speech.media-type",
        result=audio(_same, media="text/html"),
    ),
    defect("speech.whole/cut", _AREA, "the audio is cut", "speech.whole", result=audio(_half)),
    defect(
        "speech.whole/garbled", _AREA, "the audio is decoded as text on its way", "speech.whole", "speech.format",
        "speech.default-format", "speech.media-type",
        result=audio(lambda data: data.decode("utf-8", "replace").encode(), "flac", "wav", "opus", "mp3"),
    ),
    defect(
        "speech.whole/empty", _AREA, "no audio comes", "speech.whole", "speech.format", "speech.default-format",
        result=audio(lambda data: b""),
    ),
    defect(
        "speech.whole/stream-loses-the-end", _AREA, "streamed audio lacks its last piece", "speech.whole",
        chunks=all_chunks(lambda body, events: [*events[: len(events) // 2], events[-1]], SPEAK),
    ),
    defect("speech.audible/silence", _AREA, "the audio is silent", "speech.audible", "speech.speed", level="SHOULD",
           result=audio(_silence, "wav")),
    defect("speech.speed/ignored", _AREA, "speed is ignored", "speech.speed", "*/must/status", level="SHOULD",
           body=ignoring("speed", route=SPEAK)),
    defect(
        "speech.streamed/ignored", _AREA, "stream_format is ignored", "speech.streamed", "*/must/status",
        body=ignoring("stream_format", route=SPEAK),
    ),
    defect("speech.stream-base64/url", _AREA, "streamed audio is in data URLs", "speech.stream-base64",
           chunks=all_chunks(_data_urls, SPEAK)),
    defect(
        "speech.stream-ends/no-done", _AREA, "streamed audio just stops", "speech.stream-ends",
        chunks=all_chunks(lambda body, events: events[:-1], SPEAK),
    ),
    defect(
        "speech.stream-ends/no-usage", _AREA, "the end of streamed audio has no usage", "wire.event-schema",
        chunks=all_chunks(lambda body, events: [*events[:-1], {"type": "speech.audio.done"}], SPEAK),
    ),
    defect(
        "speech.invalid/speed", _AREA, "any speed is taken", "*/must/status",
        accepts=lambda route, param, body: route == SPEAK and accepting("speed")(route, param, body),
    ),
    defect(
        "speech.invalid/format", _AREA, "an unknown response_format is MP3", "*/must/status", "speech.format",
        accepts=lambda route, param, body: route == SPEAK and accepting("response_format")(route, param, body),
    ),
    variant("speech-octet-stream", "Speech as application/octet-stream", result=audio(_same, media="application/octet-stream")),
    variant("speech-media-synonyms", "Other names of the same media types", result=audio(_same, "wav", media="audio/x-wav")),
    variant("speech-opus-type", "Opus as audio/opus", result=audio(_same, "opus", media="audio/opus; codecs=opus")),
    variant("speech-streamed-wav", "A WAV whose header says no length", result=audio(_endless, "wav")),
    variant("speech-remarks", "A WAV with remarks before its samples", result=audio(_listed, "wav")),
    variant("speech-tagged", "An MP3 with an ID3 tag", result=audio(_tagged, "mp3")),
    variant("speech-done-sentinel", "Streamed speech ends with [DONE], without names of events",
            events=only(SPEAK, as_chat)),
)  # fmt: skip
