"""Defects and variants of transcriptions and translations."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

from starlette.responses import Response

from seatrial.server.plant import Json, Piece
from seatrial.server.plants.shape import all_chunks, defect, framing, result, result_of, variant
from seatrial.server.refuse import Refused

TRANSCRIBE, TRANSLATE = "POST /audio/transcriptions", "POST /audio/translations"
HEARD = (TRANSCRIBE, TRANSLATE)
_AREA = "audio"


def forgetting(*names: str) -> Callable[[str, Json], Json]:
    """Drops fields of a form as if they had not been sent."""

    def hook(route: str, body: Json) -> Json:
        return {name: value for name, value in body.items() if route not in HEARD or name not in names}

    return hook


def written(change: Callable[[str], Any], *formats: str) -> Callable[[str, Json, Any], Any]:
    """Changes transcripts that are text or subtitles, in these forms."""

    def hook(route: str, body: Json, made: Any) -> Any:
        if route not in HEARD or not isinstance(made, bytes) or body.get("response_format") not in formats:
            return made
        new = change(made.decode())
        return new if isinstance(new, Response) else str(new).encode()

    return hook


def _as_chunks(body: Json, events: list[Json]) -> list[Json]:
    """The events of chat, as one server sends them."""
    made = []
    for event in events:
        piece = {"delta": {"content": event.get("delta", "")}, "index": 0}
        made.append({"object": "transcription.chunk", "id": "t-1", "created": 1, "model": "m", "choices": [piece]})
    return [{"type": "", **chunk} for chunk in made]


def _untyped(pieces: list[bytes]) -> Iterator[Piece]:
    for piece in pieces:
        data = json.loads(piece.partition(b"data: ")[2])
        data.pop("type", None)
        yield b"data: " + json.dumps(data).encode() + b"\n\n"


def only(route: str, change: Callable[[list[bytes]], Any]) -> Callable[..., Any]:
    """Changes the bytes of one route's streams."""
    inner = framing(change, everywhere=True)
    return lambda at, body, pieces: inner(at, body, pieces) if at == route else pieces


def as_chat(pieces: list[bytes]) -> list[bytes]:
    """Events without names, and [DONE] after them."""
    bare = [piece.partition(b"\n")[2] if piece.startswith(b"event:") else piece for piece in pieces]
    return [*bare, b"data: [DONE]\n\n"]


def _without_done(body: Json, events: list[Json]) -> list[Json]:
    return events[:-1]


def _done_twice(body: Json, events: list[Json]) -> list[Json]:
    return [*events, events[-1]]


def _cumulative(body: Json, events: list[Json]) -> list[Json]:
    """Each delta has all that was said so far."""
    said = ""
    for event in events[:-1]:
        said += event["delta"]
        event["delta"] = said
    return events


def _spaceless(body: Json, events: list[Json]) -> list[Json]:
    for event in events[:-1]:
        event["delta"] = event["delta"].strip()
    return events


def _fails_midway(body: Json, events: list[Json]) -> list[Json]:
    return [*events[:2], {"type": "error", "error": {"message": "The engine died.", "type": "server_error"}}]


def _refused(route: str, body: Json) -> Json:
    """Refuses subtitles with a message that names no parameter."""
    if route in HEARD and body.get("response_format") in ("srt", "vtt"):
        raise Refused(400, "Not possible.", None, None)
    return body


def _times(factor: float) -> Callable[[Json], None]:
    def change(made: Json) -> None:
        for row in [*made.get("segments", ()), *made.get("words", ())]:
            row["start"], row["end"] = row["start"] * factor, row["end"] * factor

    return change


def _zero_based(made: Json) -> None:
    """Segments end with the window of 30 seconds that the model looked at."""
    if made.get("segments"):
        made["segments"][-1]["end"] = 30.0


def _swapped(made: Json) -> None:
    for row in [*made.get("segments", ()), *made.get("words", ())]:
        row["start"], row["end"] = row["end"] + 0.1, row["start"]


def _reordered(made: Json) -> None:
    for name in ("segments", "words"):
        if len(made.get(name, ())) > 1:
            made[name].reverse()


def _chat_usage(made: Json) -> None:
    if "usage" in made:
        made["usage"] = {"prompt_tokens": 0, "completion_tokens": 52, "total_tokens": 52}


def _miscounted(made: Json) -> None:
    if made.get("usage", {}).get("type") == "tokens":
        made["usage"]["total_tokens"] += 1


def error_instead(made: Json) -> None:
    made.clear()
    made["error"] = {"message": "no", "type": "server_error"}


def _verbose(change: Callable[[Json], Any]) -> Callable[[str, Json, Any], Any]:
    return result(lambda made: change(made) if "duration" in made else None, *HEARD)


def _numbered_words(body: Json, made: Json) -> None:
    """Segments are sent beside the words that alone were asked for."""
    if "words" in made and "segments" not in made:
        made["segments"] = []


def _typed(media: str) -> Callable[[str], Response]:
    return lambda text: Response(text.encode(), 200, {}, media)


def _cr(text: str) -> str:
    return text.replace("\n", "\r\n")


def _no_hours(text: str) -> str:
    return text.replace("00:00:", "00:")


def _styled(text: str) -> str:
    head, _, rest = text.replace("\r\n", "\n").partition("\n\n")
    times = rest.replace(" --> ", "  -->  ").replace("\n", " align:start\n", 1)
    return f"{head} - made here\nKind: captions\n\nNOTE\nby a machine\n\nintro\n{times}"


PLANTS = (
    defect(
        "NC-AUD-01", _AREA, "a streamed transcript has the chunks of chat", "wire.event-schema",
        source="vllm-project/vllm#49116", chunks=all_chunks(_as_chunks, TRANSCRIBE), events=only(TRANSCRIBE, _untyped),
    ),
    defect(
        "NC-AUD-03", _AREA, "subtitles are answered 400", "*/should/status", level="SHOULD",
        source="vllm-project/vllm#46680", body=_refused,
    ),
    defect(
        "audio.plain-text/quoted", _AREA, "text is a JSON string", "audio.plain-text", "http.json-*",
        result=written(lambda text: json.dumps(text), "text"),
    ),
    defect(
        "audio.plain-text/json", _AREA, "response_format text is ignored", "audio.plain-text",
        result=written(lambda text: Response(json.dumps({"text": text}), 200, {}, "application/json"), "text"),
    ),
    defect(
        "audio.subtitles/text", _AREA, "subtitles are the bare text", "audio.subtitles",
        result=written(lambda text: "The ship left the harbour at dawn.", "srt", "vtt"),
    ),
    defect(
        "audio.subtitles/no-head", _AREA, "WebVTT without its first line", "audio.subtitles",
        result=written(lambda text: text.replace("WEBVTT\n\n", ""), "vtt"),
    ),
    defect(
        "audio.subtitles/points", _AREA, "SubRip with points in its times", "audio.subtitles",
        result=written(lambda text: text.replace(",", "."), "srt"),
    ),
    defect(
        "audio.subtitles/seconds", _AREA, "cues have seconds instead of times", "audio.subtitles",
        result=written(lambda text: "1\n0.0 --> 1.88\nThe ship left.\n\n", "srt"),
    ),
    defect(
        "audio.verbose-members/ignored", _AREA, "verbose_json is ignored", "audio.verbose-members", "audio.granularities",
        result=result_of(lambda body, made: [made.pop(name, None) for name in [*made] if name not in ("text", "usage")], *HEARD),
    ),
    defect(
        "audio.verbose-members/bare-segments", _AREA, "segments have only times and text", "audio.verbose-members",
        result=_verbose(lambda made: [row.pop("tokens") for row in made.get("segments", ())]),
    ),
    defect(
        "audio.granularities/ignored", _AREA, "timestamp_granularities is ignored", "audio.granularities",
        body=forgetting("timestamp_granularities"),
    ),
    defect(
        "audio.times-in-seconds/milliseconds", _AREA, "times are milliseconds", "audio.times-in-seconds",
        result=_verbose(_times(1000)),
    ),
    defect(
        "audio.times-in-seconds/swapped", _AREA, "segments end before they begin", "audio.times-in-seconds",
        result=_verbose(_swapped),
    ),
    defect(
        "audio.times-in-order/reversed", _AREA, "segments and words come last first", "audio.times-in-order",
        level="SHOULD", result=_verbose(_reordered),
    ),
    defect(
        "audio.duration/milliseconds", _AREA, "the duration is in milliseconds", "audio.duration",
        result=_verbose(lambda made: made.update(duration=made["duration"] * 1000)),
    ),
    defect(
        "audio.duration/window", _AREA, "the duration is that of the padded window", "audio.duration",
        result=_verbose(lambda made: made.update(duration=30.0)),
    ),
    defect(
        "audio.language-kept/guessed", _AREA, "the language asked for is ignored", "audio.language-kept", level="SHOULD",
        result=_verbose(lambda made: made.update(language="finnish")),
    ),
    defect(
        "audio.usage-kind/chat", _AREA, "usage counts as chat does", "audio.usage-kind", level="SHOULD",
        source="telekom", result=result(_chat_usage, *HEARD),
    ),
    defect(
        "audio.usage-kind/sum", _AREA, "the total of tokens is not their sum", "audio.usage-kind", level="SHOULD",
        result=result(_miscounted, *HEARD),
    ),
    defect(
        "audio.stream-ends/no-done", _AREA, "a streamed transcript just stops", "audio.stream-ends",
        chunks=all_chunks(_without_done, TRANSCRIBE),
    ),
    defect(
        "audio.stream-ends/twice", _AREA, "the end is said twice", "audio.stream-ends",
        chunks=all_chunks(_done_twice, TRANSCRIBE),
    ),
    defect(
        "audio.stream-ends/error", _AREA, "a streamed transcript ends with an error", "audio.stream-ends",
        chunks=all_chunks(_fails_midway, TRANSCRIBE),
    ),
    defect(
        "audio.stream-assembles/cumulative", _AREA, "each delta repeats what came before", "audio.stream-assembles",
        chunks=all_chunks(_cumulative, TRANSCRIBE),
    ),
    defect(
        "audio.stream-assembles/spaceless", _AREA, "deltas lose their spaces", "audio.stream-assembles",
        chunks=all_chunks(_spaceless, TRANSCRIBE),
    ),
    defect(
        "audio.logprobs/ignored", _AREA, "include is ignored", "audio.logprobs", level="SHOULD",
        body=forgetting("include"),
    ),
    defect(
        "errors.not-in-200/audio", _AREA, "a transcript is an error with status 200", "errors.not-in-200",
        "audio.*", "*/must/body", "wire.*",
        result=result(error_instead, *HEARD),
    ),
    variant("subtitles-crlf", "Subtitles with CRLF, and media types of text", result=written(_cr, "srt", "vtt")),
    variant("subtitles-styled", "WebVTT with comments, names of cues and settings", result=written(_styled, "vtt")),
    variant("subtitles-short-times", "WebVTT times without hours", result=written(_no_hours, "vtt")),
    variant("transcript-as-plain", "Each transcript as text/plain", result=written(_typed("text/plain"), "text", "srt", "vtt")),
    variant("segment-to-the-window", "The last segment ends with the model's window", result=_verbose(_zero_based)),
    variant("language-code", "verbose_json names the language by its code",
            result=_verbose(lambda made: made.update(language={"english": "en", "german": "de"}[made["language"]]))),
    variant("no-transcript-usage", "Transcripts without usage", result=result(lambda made: made.pop("usage", None), *HEARD)),
    variant("empty-segments", "An empty list of segments where only words were asked for",
            result=result_of(_numbered_words, *HEARD)),
    variant("transcript-done-sentinel", "A streamed transcript ends with [DONE], without names of events",
            events=only(TRANSCRIBE, as_chat)),
    variant("transcript-not-streamed", "A model that ignores stream for transcripts", body=forgetting("stream")),
)  # fmt: skip
