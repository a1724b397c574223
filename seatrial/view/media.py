"""What was asked for in requests of audio, images and moderations, and of which kind their exchanges are."""

from __future__ import annotations

from seatrial.check import Inconclusive
from seatrial.model import Exchange
from seatrial.view import audio
from seatrial.view.ask import is_ok, member

_NOT_JSON = ("text", "srt", "vtt")
_TRANSCRIPTS = ("createTranscription", "createTranslation")
_IMAGES = ("createImage", "createImageEdit", "createImageVariation")


def is_media(exchange: Exchange) -> bool:
    """Audio, images or moderations that were given."""
    return exchange.operation.id in (*_TRANSCRIPTS, *_IMAGES, "createSpeech", "createModeration") and is_ok(exchange)


def is_images(exchange: Exchange) -> bool:
    """Images that were generated, edited or varied."""
    return exchange.operation.id in _IMAGES and is_ok(exchange)


def is_transcript(exchange: Exchange) -> bool:
    """A transcription or translation that was given."""
    return exchange.operation.id in _TRANSCRIPTS and is_ok(exchange)


def transcript_format(exchange: Exchange) -> str:
    """The response_format of a transcription or translation; the default is json."""
    return str(member(exchange, "response_format", "json"))


def wants_json(exchange: Exchange) -> bool:
    """Whether the request asks for JSON: not for an event stream, nor for a transcript as text or subtitles."""
    if exchange.asked_to_stream:
        return exchange.operation.schema_for(200, "text/event-stream") is None
    return not (is_transcript(exchange) and transcript_format(exchange) in _NOT_JSON)


def sent_seconds(exchange: Exchange) -> float:
    """How long the audio is that the request sent."""
    part = next((part for part in exchange.request.form.get("file", ()) if part.file is not None), None)
    if part is None:
        raise Inconclusive("the request sent no file")
    try:
        return audio.sound(part.data).seconds
    except audio.Broken as error:
        raise Inconclusive(f"the file that was sent: {error}") from error
