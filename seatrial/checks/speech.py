"""Speech: the bytes are audio of the form that was asked for, whole, and as fast as was asked for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_REQUEST = "openai#/components/schemas/CreateSpeechRequest/properties/"
_KINDS = {"aac": ("aac", "m4a"), "pcm": (None,)}
_MEDIA = {
    "audio/mpeg": ("mp3",),
    "audio/mp3": ("mp3",),
    "audio/ogg": ("opus", "vorbis"),
    "audio/opus": ("opus",),
    "application/ogg": ("opus", "vorbis"),
    "audio/aac": ("aac", "m4a"),
    "audio/mp4": ("m4a", "aac"),
    "audio/flac": ("flac",),
    "audio/x-flac": ("flac",),
    "audio/wav": ("wav",),
    "audio/x-wav": ("wav",),
    "audio/wave": ("wav",),
    "audio/vnd.wave": ("wav",),
    "audio/webm": ("webm",),
    "audio/pcm": (None,),
    "audio/l16": (None,),
}
"""What the bytes are where a media type says it. Others, such as application/octet-stream, say nothing."""
_RATE = 24_000
"""Samples in a second of raw speech, which are 16-bit integers."""


def _is_speech(exchange: Exchange) -> bool:
    return exchange.operation.id == "createSpeech" and view.is_ok(exchange)


def _is_streamed(exchange: Exchange) -> bool:
    return _is_speech(exchange) and exchange.asked_to_stream


def _is_plain(exchange: Exchange) -> bool:
    return _is_speech(exchange) and not exchange.asked_to_stream


def _format(exchange: Exchange) -> str:
    return str(view.member(exchange, "response_format", "mp3"))


def _events(exchange: Exchange) -> list[Mapping[str, Any]]:
    if exchange.media != "text/event-stream":
        raise Inconclusive("the answer is no stream, which speech.streamed judges")
    view.require_whole(exchange)
    return [data for _, data in view.data_events(exchange) if isinstance(data, dict)]


def _audio(exchange: Exchange) -> bytes:
    """The bytes of the audio, put together where it was streamed."""
    view.require_whole(exchange)
    if not exchange.asked_to_stream:
        _require_no_error(exchange)
        return exchange.body
    pieces = [data.get("audio") for data in _events(exchange) if data.get("type") == "speech.audio.delta"]
    if not pieces:
        raise Inconclusive("no event has audio, which wire.event-schema judges")
    try:
        return b"".join(base64.b64decode(piece, validate=True) for piece in pieces if isinstance(piece, str))
    except (binascii.Error, ValueError) as error:
        raise Inconclusive("the events hold no base64, which speech.stream-base64 judges") from error


def _require_no_error(exchange: Exchange) -> None:
    try:
        body = view.strict_json(exchange.body)
    except ValueError:
        return
    if exchange.media == "application/json" and view.error_in_200(body):
        raise Inconclusive("the body is an error, which errors.not-in-200 judges")


def _shown(data: bytes) -> str:
    return f"{view.audio_kind(data) or 'no known audio'}: {data[:16]!r}"


def _names_format(exchange: Exchange) -> bool:
    return _is_speech(exchange) and view.member(exchange, "response_format") is not None


@check("speech.format", level=MUST, applies=_names_format, spec=_REQUEST + "response_format")
def format_(exchange: Exchange) -> Iterator[Finding]:
    """The bytes are of the response_format that was asked for."""
    data, wanted = _audio(exchange), _format(exchange)
    if view.audio_kind(data) not in _KINDS.get(wanted, (wanted,)):
        yield Finding(wanted, _shown(data), "body")
    elif wanted == "pcm" and _is_json(data):
        yield Finding(wanted, repr(data[:60]), "body")


def _is_json(data: bytes) -> bool:
    try:
        return isinstance(view.strict_json(data), (dict, list, str))
    except ValueError:
        return False


def _names_no_format(exchange: Exchange) -> bool:
    return _is_speech(exchange) and view.member(exchange, "response_format") is None


@check("speech.default-format", level=SHOULD, applies=_names_no_format, spec=_REQUEST + "response_format")
def default_format(exchange: Exchange) -> Iterator[Finding]:
    """Without a response_format the bytes are MP3."""
    data = _audio(exchange)
    if view.audio_kind(data) != "mp3":
        yield Finding("mp3", _shown(data), "body")


@check("speech.media-type", level=MUST, applies=_is_plain, spec="rfc9110#section-8.3")
def media_type(exchange: Exchange) -> Iterator[Finding]:
    """The Content-Type is that of the bytes, or says nothing of them."""
    data, media = _audio(exchange), exchange.media
    if not data:
        raise Inconclusive("there are no bytes, which speech.whole judges")
    kind = view.audio_kind(data)
    if media.startswith("text/") or media == "application/json" or kind not in _MEDIA.get(media, (kind,)):
        yield Finding(f"a type of {kind or 'raw samples'}", media, "header content-type")


def _seconds(exchange: Exchange) -> float:
    """How long the audio is. Raises view.Broken where it is cut or garbled."""
    data = _audio(exchange)
    if _format(exchange) == "pcm" and view.audio_kind(data) is None:
        if len(data) % 2:
            raise view.Broken(f"{len(data)} bytes are no whole samples of 2 bytes")
        return len(data) / 2 / _RATE
    if view.audio_kind(data) is None:
        raise Inconclusive("the bytes are no known audio, which speech.format judges")
    return view.sound(data).seconds


@check("speech.whole", level=MUST, applies=_is_speech, spec="openai#/paths/~1audio~1speech/post")
def whole(exchange: Exchange) -> Iterator[Finding]:
    """The audio can be decoded from its beginning to its end, and is not empty."""
    try:
        seconds = _seconds(exchange)
    except view.Broken as error:
        yield Finding("a whole file", str(error), "body")
        return
    if not seconds:
        yield Finding("some audio", "0 s", "body")


def _is_decoded(exchange: Exchange) -> bool:
    return _is_speech(exchange) and _format(exchange) in ("opus", "flac", "wav", "pcm")


@check("speech.audible", level=SHOULD, applies=_is_decoded, spec=_REQUEST + "input")
def audible(exchange: Exchange) -> Iterator[Finding]:
    """There is something to be heard: not every sample is silence."""
    data = _audio(exchange)
    try:
        peak = max(data, default=0) if view.audio_kind(data) is None else view.sound(data).peak
    except view.Broken as error:
        raise Inconclusive("the audio is not whole") from error
    if peak is None:
        raise Inconclusive("this coding is not decoded here")
    if peak < 0.0005:
        yield Finding("a loudest sample above 0", f"{peak:g}", "body")


def _at_other_speeds(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange, float]]:
    """(slow, fast, how many times as fast) of one text."""
    asked = [(exchange, view.member(exchange, "speed", 1)) for exchange in exchanges if _is_speech(exchange)]
    return [
        (slow, fast, second / first)
        for slow, first in asked
        for fast, second in asked
        if isinstance(first, (int, float)) and isinstance(second, (int, float)) and second >= 1.5 * first
        if view.same_but(slow, fast, "speed")
    ]


def _has_speeds(exchanges: Sequence[Exchange]) -> bool:
    return bool(_at_other_speeds(exchanges))


# SHOULD: a model of the document's own authors is known to keep its pace.
@relation("speech.speed", level=SHOULD, applies=_has_speeds, spec=_REQUEST + "speed")
def speed(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The faster the speed that is asked for, the shorter the audio."""

    def judge(pair: tuple[Exchange, Exchange, float]) -> Iterator[Finding]:
        slow, fast, ratio = pair
        try:
            long, short = _seconds(slow), _seconds(fast)
        except view.Broken as error:
            raise Inconclusive("the audio is not whole") from error
        if not short or not long:
            raise Inconclusive("there is no audio")
        if long / short < 1 + (ratio - 1) / 3:
            wanted = f"about {ratio:g} times as long as the fast one"
            yield Finding(wanted, f"{long:.2f} s and {short:.2f} s", f"exchange {slow.number} and {fast.number}")

    return view.each(_at_other_speeds(exchanges), judge)


@check("speech.streamed", level=MUST, applies=_is_streamed, spec=_REQUEST + "stream_format")
def streamed(exchange: Exchange) -> Iterator[Finding]:
    """The stream_format sse is answered by an event stream."""
    if exchange.media != "text/event-stream":
        _require_no_error(exchange)
        yield Finding("text/event-stream", exchange.media or "no Content-Type", "header content-type")


@check(
    "speech.stream-base64", level=MUST, applies=_is_streamed, spec="openai#/components/schemas/SpeechAudioDeltaEvent"
)
def stream_base64(exchange: Exchange) -> Iterator[Finding]:
    """The audio of each event is base64."""
    for number, data in enumerate(_events(exchange)):
        piece = data.get("audio")
        if not isinstance(piece, str):
            continue
        try:
            base64.b64decode(piece, validate=True)
        except (binascii.Error, ValueError):
            yield Finding("base64", repr(piece[:60]), f"event {number} /audio")
            return


@check("speech.usage-sum", level=SHOULD, applies=_is_streamed, spec="openai#/components/schemas/SpeechAudioDoneEvent")
def usage_sum(exchange: Exchange) -> Iterator[Finding]:
    """The total of streamed speech's usage is the tokens of the input and of the output together."""
    counted = [data["usage"] for data in _events(exchange) if isinstance(data.get("usage"), dict)]
    if not counted:
        raise Inconclusive("there is no usage")
    for usage in counted:
        yield from view.summed(usage)


@check("speech.stream-ends", level=MUST, applies=_is_streamed, spec="openai#/components/schemas/SpeechAudioDoneEvent")
def stream_ends(exchange: Exchange) -> Iterator[Finding]:
    """Streamed speech ends with one speech.audio.done, and nothing follows it."""
    kinds = ["an error" if "error" in data else str(data.get("type")) for data in _events(exchange)]
    if not any(kind.startswith("speech.audio.") for kind in kinds):
        raise Inconclusive("no event is one of speech, which wire.event-schema judges")
    count = kinds.count("speech.audio.done")
    if count != 1 or kinds[-1] != "speech.audio.done":
        yield Finding("one speech.audio.done, at the end", f"{count}; the last event is {kinds[-1]}", "events")
