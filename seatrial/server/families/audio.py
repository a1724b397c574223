"""POST /audio/transcriptions, POST /audio/translations, GET /audio/models."""

from __future__ import annotations

import hashlib
import io
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import soundfile
from starlette.responses import Response

from seatrial.server import tokens
from seatrial.server import validate as v
from seatrial.server.app import model_object
from seatrial.server.call import Call, Upload
from seatrial.server.language import WORDS, dice
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad

_LONGEST = 30 * 60
"""Seconds of audio that are read."""
_SEGMENT = 5.0
"""Seconds after which a segment ends with the next word."""
_LANGUAGES = {"de": "german", "en": "english", "es": "spanish", "fr": "french", "it": "italian", "pl": "polish"}
_FORMATS = ("json", "text", "srt", "verbose_json", "vtt")
_ENGLISH = "The ship left the harbour at dawn."
# By the SHA-256 of the samples as 16-bit integers: language, words, their beginnings in seconds, what they mean.
_KNOWN: dict[str, tuple[str, str, tuple[float, ...], str]] = {
    "d858f23318b6d5e57f5dae2ce42f908ade2bde6b55c7190c9208ad0e2c450403": (
        "en",
        _ENGLISH,
        (0.0, 0.15, 0.494, 0.777, 0.929, 1.299, 1.47),
        _ENGLISH,
    ),
    "9838e273283daeca3d63777d1af3f9f84748c7a1b80bf72b4eb6d0390da5ea4b": (
        "de",
        "Das Schiff verließ den Hafen im Morgengrauen.",
        (0.0, 0.154, 0.444, 0.88, 1.091, 1.558, 1.682),
        _ENGLISH,
    ),
}


@dataclass(frozen=True, slots=True)
class _Heard:
    """What was heard: language, seconds, and each word with its beginning and end."""

    language: str
    seconds: float
    words: tuple[tuple[str, float, float], ...]

    @property
    def text(self) -> str:
        return " ".join(word for word, _, _ in self.words)


def _validate(body: Json, known: dict[str, Any], rules: dict[str, v.Rule]) -> None:
    """Raises Refused at the first fault of a request."""
    model = v.model(body, known)
    if not known[model].get("audio"):
        raise bad("model", f"This model does not hear: '{model}'.", "model_not_supported")
    v.members(body, rules, {"model", "file"})
    v.required(body, "file")
    if not isinstance(body["file"], Upload):
        raise bad("file", "Invalid type for 'file': expected a file.", "invalid_type")
    wants_times = body.get("response_format") == "verbose_json"
    if body.get("timestamp_granularities") and not wants_times:
        raise bad("timestamp_granularities", "'timestamp_granularities' needs verbose_json.", "invalid_value")
    for name in ("stream", "include"):
        if body.get(name) and body.get("response_format", "json") != "json":
            raise bad("response_format", f"'{name}' goes with response_format json only.", "invalid_value")


def _language(name: str, value: Any) -> None:
    if value is not None and value not in _LANGUAGES:
        raise bad(name, f"Invalid '{name}': expected an ISO-639-1 code such as en.", "invalid_value")


_TRANSLATION: dict[str, v.Rule] = {
    "prompt": v.text(),
    "response_format": v.one_of(*_FORMATS),
    "temperature": v.number(0, 1),
}
_TRANSCRIPTION: dict[str, v.Rule] = {
    **_TRANSLATION,
    "language": _language,
    "stream": v.boolean,
    "include": v.array_of("logprobs"),
    "timestamp_granularities": v.array_of("word", "segment"),
    "chunking_strategy": v.one_of("auto"),
}


def _samples(upload: Upload) -> tuple[bytes, float]:
    """The samples as 16-bit integers, and their seconds. Raises Refused for what is no audio, or too long."""
    try:
        with soundfile.SoundFile(io.BytesIO(upload.data)) as source:
            if source.frames > _LONGEST * source.samplerate:
                raise Refused(413, f"The audio is longer than {_LONGEST} seconds.", "file", "audio_too_long")
            data = source.read(dtype="int16")
            seconds = len(data) / source.samplerate
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise bad("file", "The audio file could not be decoded.", "invalid_audio") from error
    if not len(data):
        raise bad("file", "The audio file is empty.", "invalid_audio")
    return data.tobytes(), seconds


def _hear(body: Json, translate: bool) -> _Heard:
    data, seconds = _samples(body["file"])
    print_ = hashlib.sha256(data).hexdigest()
    if print_ in _KNOWN:
        spoken, said, starts, meaning = _KNOWN[print_]
        said = meaning if translate else said
    else:
        chance = dice("audio", print_)
        said = " ".join(chance.choice(WORDS) for _ in range(max(1, int(2 * seconds)))).capitalize() + "."
        spoken, starts = "en", ()
    words = said.split(" ")
    # A prompt guides the spelling: a word that it has in other letters is written as there.
    guide = {word.lower(): word for word in re.findall(r"\w+", body.get("prompt") or "")}
    words = [re.sub(r"\w+", lambda hit: guide.get(hit[0].lower(), hit[0]), word) for word in words]
    if len(starts) != len(words):
        starts = tuple(seconds * place / len(words) for place in range(len(words)))
    ends = (*starts[1:], seconds)
    language = "en" if translate else body.get("language") or spoken
    timed = tuple((w, round(a, 3), round(b, 3)) for w, a, b in zip(words, starts, ends, strict=True))
    return _Heard(language, round(seconds, 3), timed)


def _segments(heard: _Heard, temperature: float) -> list[Json]:
    groups: list[list[tuple[str, float, float]]] = []
    for word in heard.words:
        if not groups or word[1] - groups[-1][0][1] >= _SEGMENT:
            groups.append([])
        groups[-1].append(word)
    made = []
    for number, group in enumerate(groups):
        text = " " + " ".join(word for word, _, _ in group)
        row = {"id": number, "seek": 0, "start": group[0][1], "end": group[-1][2], "text": text}
        row |= {"tokens": tokens.encode(text), "temperature": temperature, "avg_logprob": -0.25}
        made.append({**row, "compression_ratio": 1.1, "no_speech_prob": 0.01})
    return made


def _clock(seconds: float, mark: str) -> str:
    millis = round(seconds * 1000)
    return f"{millis // 3_600_000:02}:{millis // 60_000 % 60:02}:{millis // 1000 % 60:02}{mark}{millis % 1000:03}"


def _cues(segments: list[Json], kind: str) -> str:
    """The segments as SubRip or WebVTT."""
    mark = "," if kind == "srt" else "."
    rows = []
    for row in segments:
        number = f"{row['id'] + 1}\n" if kind == "srt" else ""
        rows.append(f"{number}{_clock(row['start'], mark)} --> {_clock(row['end'], mark)}\n{row['text'].strip()}\n\n")
    return ("" if kind == "srt" else "WEBVTT\n\n") + "".join(rows)


def _usage(heard: _Heard) -> Json:
    read, written = math.ceil(10 * heard.seconds), tokens.count(heard.text)
    details = {"text_tokens": 0, "audio_tokens": read}
    total = {"input_tokens": read, "output_tokens": written, "total_tokens": read + written}
    return {"type": "tokens", "input_token_details": details, **total}


def _logprobs(text: str) -> list[Json]:
    pieces = tokens.split(text)
    return [{"token": p.decode("utf-8", "replace"), "logprob": -0.1, "bytes": list(p)} for p in pieces]


def _events(body: Json, heard: _Heard) -> Iterator[Json]:
    wanted = "logprobs" in (body.get("include") or ())
    for place, (word, _, _) in enumerate(heard.words):
        piece = " " * bool(place) + word
        more = {"logprobs": _logprobs(piece)} if wanted else {}
        yield {"type": "transcript.text.delta", "delta": piece, **more}
    more = {"logprobs": _logprobs(heard.text)} if wanted else {}
    yield {"type": "transcript.text.done", "text": heard.text, **more, "usage": _usage(heard)}


def _written(call: Call, body: Json, heard: _Heard, task: str) -> Response:
    """The answer in the format that was asked for."""
    kind = body.get("response_format") or "json"
    if body.get("stream"):
        return call.stream(body, _events(body, heard))
    if kind == "text":
        return call.bytes(f"{heard.text}\n".encode(), "text/plain; charset=utf-8", body)
    segments = _segments(heard, body.get("temperature") or 0.0)
    if kind in ("srt", "vtt"):
        media = {"srt": "application/x-subrip", "vtt": "text/vtt"}[kind]
        return call.bytes(_cues(segments, kind).encode(), f"{media}; charset=utf-8", body)
    if kind == "json":
        more: Json = {"logprobs": _logprobs(heard.text)} if body.get("include") else {}
        return call.answer({"text": heard.text, **more, "usage": _usage(heard)}, body)
    wanted = body.get("timestamp_granularities") or ["segment"]
    made: Json = {"task": task, "language": _LANGUAGES[heard.language], "duration": heard.seconds, "text": heard.text}
    if "word" in wanted:
        made["words"] = [{"word": w.strip(".,"), "start": a, "end": b} for w, a, b in heard.words]
    if "segment" in wanted:
        made["segments"] = segments
    return call.answer({**made, "usage": {"type": "duration", "seconds": math.ceil(heard.seconds)}}, body)


_KINDS = {"temperature": float, "stream": bool}


def transcribe(call: Call) -> Response:
    """What was said, in the language it was said in."""
    body = call.fields(_KINDS, lambda body: _validate(body, call.server.models, _TRANSCRIPTION))
    return _written(call, body, _hear(body, False), "transcribe")


def translate(call: Call) -> Response:
    """What was said, in English."""
    body = call.fields(_KINDS, lambda body: _validate(body, call.server.models, _TRANSLATION))
    return _written(call, body, _hear(body, True), "translate")


def models(call: Call) -> Response:
    """The models that hear or speak."""
    heard = [model_object(id, able) for id, able in call.server.models.items() if able.keys() & {"audio", "speech"}]
    return call.answer({"object": "list", "data": heard})


ROUTES = {
    "/audio/transcriptions": {"POST": transcribe},
    "/audio/translations": {"POST": translate},
    "/audio/models": {"GET": models},
}
