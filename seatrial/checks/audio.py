"""Transcriptions and translations: each form is what it is called, times are seconds, and streams add up."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_REQUEST = "openai#/components/schemas/CreateTranscriptionRequest/properties/"
_VERBOSE = "openai#/components/schemas/CreateTranscriptionResponseVerboseJson"
_FORMAT = "openai#/components/schemas/AudioResponseFormat"
_DONE = "openai#/components/schemas/TranscriptTextDoneEvent"
_WINDOW = 30.0
"""Seconds that speech models look at in one piece: a last segment may end with the piece, not with the audio."""
_ONE_WORD = 3
"""Pieces between spaces of which what is called one word may consist."""
_NAMES = {"de": "german", "en": "english", "es": "spanish", "fr": "french"}


def _in_format(*formats: str) -> Callable[[Exchange], bool]:
    def applies(exchange: Exchange) -> bool:
        asked = view.is_transcript(exchange) and not exchange.asked_to_stream
        return asked and view.transcript_format(exchange) in formats

    return applies


def _text(exchange: Exchange) -> str:
    view.require_whole(exchange)
    try:
        return exchange.body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise view.Broken(f"it is not UTF-8: {error}") from error


def _is_json(text: str) -> bool:
    """Whether a text is JSON that no transcript is: an object, or a quoted string."""
    try:
        return isinstance(view.strict_json(text), (dict, str))
    except ValueError:
        return False


@check("audio.plain-text", level=MUST, applies=_in_format("text"), spec=_FORMAT)
def plain_text(exchange: Exchange) -> Iterator[Finding]:
    """The response_format text is the transcript as it is, not wrapped in JSON, nor quoted."""
    try:
        text = _text(exchange)
    except view.Broken as error:
        yield Finding("text", str(error), "body")
        return
    if _is_json(text):
        yield Finding("the transcript as it is", text[:120], "body")


@check("audio.subtitles", level=MUST, applies=_in_format("srt", "vtt"), spec=_FORMAT)
def subtitles(exchange: Exchange) -> Iterator[Finding]:
    """The response_formats srt and vtt are SubRip and WebVTT: a player can read every cue."""
    kind = view.transcript_format(exchange)
    wanted = {"srt": "SubRip", "vtt": "WebVTT"}[kind]
    try:
        text = _text(exchange)
        if not _is_json(text):
            view.cues(text, kind)
            return
        problem = f"JSON: {text[:100]}"
    except view.Broken as error:
        problem = str(error)
    yield Finding(wanted, problem, "body")


@check("audio.text-media", level=SHOULD, applies=_in_format("text", "srt", "vtt"), spec=_FORMAT)
def text_media(exchange: Exchange) -> Iterator[Finding]:
    """A transcript that is text, or subtitles, is called text by its Content-Type."""
    media = exchange.media or "no Content-Type"
    if media == "text/html" or not re.match(r"text/|application/(x-)?(subrip|srt|vtt)$", media):
        yield Finding("text/plain, or the media type of subtitles", media, "header content-type")


@check("audio.verbose-members", level=MUST, applies=_in_format("verbose_json"), spec=_VERBOSE)
def verbose_members(exchange: Exchange) -> Iterator[Finding]:
    """The response_format verbose_json has the language, the duration and whole segments and words beside the text."""
    body = view.whole_answer(exchange)
    if "text" not in body:
        raise Inconclusive("there is no text, which wire.body-schema judges")
    yield from view.schema_errors(body, "openai/transcription-verbose.json", "body")


def _granularities(exchange: Exchange) -> list[str]:
    return exchange.request.texts("timestamp_granularities[]") + exchange.request.texts("timestamp_granularities")


def _asks_granularity(exchange: Exchange) -> bool:
    return _in_format("verbose_json")(exchange) and bool(_granularities(exchange))


@check("audio.granularities", level=MUST, applies=_asks_granularity, spec=_REQUEST + "timestamp_granularities")
def granularities(exchange: Exchange) -> Iterator[Finding]:
    """There are words, and segments, where timestamp_granularities asks for them."""
    body = view.whole_answer(exchange)
    text = body.get("text")
    if not isinstance(text, str) or not text.strip():
        raise Inconclusive("nothing was heard")
    for wanted in _granularities(exchange):
        found = body.get(f"{wanted}s")
        if not isinstance(found, list) or not found:
            yield Finding(f"a list of {wanted}s", repr(found)[:60], f"body /{wanted}s")
            continue
        for place, row in enumerate(found if wanted == "word" else ()):
            # Some are written as two, such as New York or 20 000.
            if isinstance(row, dict) and len(str(row.get("word")).split()) > _ONE_WORD:
                yield Finding("one word", repr(row["word"])[:80], f"body /words/{place}/word")
                break


def _spans(exchange: Exchange) -> Iterator[tuple[str, float, float]]:
    """Where, beginning and end: of each cue, segment and word of an answer."""
    kind = view.transcript_format(exchange)
    if kind in ("srt", "vtt"):
        try:
            for number, cue in enumerate(view.cues(_text(exchange), kind), 1):
                yield f"cue {number}", cue.start, cue.end
        except view.Broken as error:
            raise Inconclusive(f"the subtitles cannot be read: {error}") from error
        return
    body = view.whole_answer(exchange)
    for name in ("segments", "words"):
        rows = body.get(name)
        for number, row in enumerate(rows if isinstance(rows, list) else ()):
            if isinstance(row, dict):
                yield f"body /{name}/{number}", _number(row, "start"), _number(row, "end")


def _number(table: Mapping[str, Any], name: str) -> float:
    value = table.get(name)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise Inconclusive(f"{name} is no number")
    return float(value)


def _is_heard(exchange: Exchange) -> bool:
    kind = view.transcript_format(exchange)
    if kind in ("srt", "vtt"):
        return any(cue.text.strip() for cue in view.cues(_text(exchange), kind))
    return bool(str(view.whole_answer(exchange).get("text") or "").strip())


@check(
    "audio.times-in-seconds",
    level=MUST,
    applies=_in_format("srt", "vtt", "verbose_json"),
    spec="openai#/components/schemas/TranscriptionSegment",
)
def times_in_seconds(exchange: Exchange) -> Iterator[Finding]:
    """The times of cues, segments and words are seconds within the audio: each ends after it begins, not before."""
    most = _WINDOW * math.ceil(view.sent_seconds(exchange) / _WINDOW) + 1
    seen, last = False, 0.0
    for where, start, end in _spans(exchange):
        seen, last = True, max(last, end)
        if end < start:
            yield Finding("an end after the beginning", f"{start:g} to {end:g}", where)
        elif end > most:
            yield Finding(f"at most {most:g} s", f"{start:g} to {end:g}", where)
    if not seen:
        raise Inconclusive("there are no times")
    if not last and view.sent_seconds(exchange) >= 1 and _is_heard(exchange):
        yield Finding("times within the audio", "0 for every one", "the ends")


@check("audio.times-in-order", level=SHOULD, applies=_in_format("srt", "vtt", "verbose_json"), spec=_VERBOSE)
def times_in_order(exchange: Exchange) -> Iterator[Finding]:
    """Cues, segments and words begin in the order in which they were spoken, and not all at one time."""
    last: dict[str, float] = {}
    starts: dict[str, list[float]] = {}
    for where, start, _ in _spans(exchange):
        kind = where.rstrip("0123456789")
        starts.setdefault(kind, []).append(start)
        if start < last.get(kind, 0.0):
            yield Finding(f"a beginning from {last[kind]:g} s", f"{start:g}", where)
        last[kind] = max(start, last.get(kind, 0.0))
    if not last:
        raise Inconclusive("there are no times")
    for kind, found in starts.items():
        if len(found) > _ONE_WORD and len(set(found)) == 1:
            yield Finding("beginnings that differ", f"{len(found)} times {found[0]:g}", kind.rstrip("/ "))


@check("audio.duration", level=MUST, applies=_in_format("verbose_json"), spec=_VERBOSE + "/properties/duration")
def duration(exchange: Exchange) -> Iterator[Finding]:
    """The duration is that of the audio that was sent, in seconds."""
    said, real = _number(view.whole_answer(exchange), "duration"), view.sent_seconds(exchange)
    if abs(said - real) > max(1.0, real / 10):
        yield Finding(f"{real:.2f} s", f"{said:g}", "body /duration")


@check(
    "audio.segment-ids",
    level=MUST,
    applies=lambda e: _in_format("verbose_json")(e) and e.body.count(b'"id"') > 1,
    spec="openai#/components/schemas/TranscriptionSegment",
)
def segment_ids(exchange: Exchange) -> Iterator[Finding]:
    """Each segment has an id of its own."""
    ids = [row.get("id") for row in _parts(exchange, "segments")]
    if len(ids) < 2 or not all(isinstance(id, int) for id in ids):
        raise Inconclusive("there are no two segments with ids")
    if len(set(ids)) < len(ids):
        yield Finding("ids that differ", f"{ids}"[:120], "body /segments")


def _parts(exchange: Exchange, name: str) -> list[Mapping[str, Any]]:
    rows = view.whole_answer(exchange).get(name)
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _letters(text: Any) -> str:
    return "".join(letter for letter in str(text).casefold() if letter.isalnum())


@check("audio.parts-equal-text", level=SHOULD, applies=_in_format("verbose_json"), spec=_VERBOSE + "/properties/text")
def parts_equal_text(exchange: Exchange) -> Iterator[Finding]:
    """The segments, and the words, are those of the text: the same letters, in the same order."""
    whole = _letters(view.whole_answer(exchange).get("text"))
    judged = False
    for name, member in (("segments", "text"), ("words", "word")):
        joined = "".join(_letters(row.get(member, "")) for row in _parts(exchange, name))
        judged = judged or bool(joined)
        if joined and joined != whole:
            yield Finding(whole[:80], joined[:80], f"body /{name}")
    if not judged:
        raise Inconclusive("there are no segments and no words")


@check("audio.cue-numbers", level=SHOULD, applies=_in_format("srt"), spec=_FORMAT)
def cue_numbers(exchange: Exchange) -> Iterator[Finding]:
    """The cues of SubRip are numbered from 1."""
    lines = _text(exchange).replace("\r\n", "\n").split("\n")
    found = [line for line, after in itertools.pairwise(lines) if "-->" in after]
    if not found:
        raise Inconclusive("there are no cues")
    wanted = [str(number) for number in range(1, len(found) + 1)]
    if [line.strip().lstrip("\ufeff") for line in found] != wanted:
        yield Finding(", ".join(wanted)[:80], ", ".join(found)[:80], "the numbers of the cues")


def _asks_language(exchange: Exchange) -> bool:
    return _in_format("verbose_json")(exchange) and view.member(exchange, "language") in _NAMES


@check("audio.language-kept", level=SHOULD, applies=_asks_language, spec=_REQUEST + "language")
def language_kept(exchange: Exchange) -> Iterator[Finding]:
    """The language that the request names is the one that the answer names."""
    code, said = view.member(exchange, "language"), view.whole_answer(exchange).get("language")
    if not isinstance(said, str):
        raise Inconclusive("the answer names no language")
    # A language may be named with its region: en-US, English (US).
    if re.split(r"[^a-z]", said.strip().lower())[0] not in (code, _NAMES[code]):
        yield Finding(f"{code} or {_NAMES[code]}", said[:60], "body /language")


def _is_translated(exchange: Exchange) -> bool:
    return exchange.operation.id == "createTranslation" and view.is_ok(exchange) and b'"language"' in exchange.body


@check(
    "audio.translated-to",
    level=SHOULD,
    applies=_is_translated,
    spec="openai#/components/schemas/CreateTranslationResponseVerboseJson",
)
def translated_to(exchange: Exchange) -> Iterator[Finding]:
    """The language that a translation names is the one it is in: English, always."""
    said = view.whole_answer(exchange).get("language")
    if isinstance(said, str) and re.split(r"[^a-z]", said.strip().lower())[0] not in ("en", "eng", "english"):
        yield Finding("english", said[:60], "body /language")


def _has_usage(exchange: Exchange) -> bool:
    known = exchange.media in ("application/json", "text/event-stream")
    return view.is_transcript(exchange) and known and b'"usage"' in exchange.body


def _usage(exchange: Exchange) -> Any:
    """The usage of an answer, or of the event that ends its stream."""
    if exchange.media != "text/event-stream":
        return view.whole_answer(exchange).get("usage")
    return next((data["usage"] for _, data in _events(exchange) if "usage" in data), None)


@check(
    "audio.usage-kind", level=SHOULD, applies=_has_usage, spec="openai#/components/schemas/TranscriptTextUsageTokens"
)
def usage_kind(exchange: Exchange) -> Iterator[Finding]:
    """The usage says whether it counts tokens or seconds, and what it counts adds up."""
    usage = _usage(exchange)
    if not isinstance(usage, dict):
        raise Inconclusive("there is no usage")
    if usage.get("type") not in ("tokens", "duration"):
        yield Finding("type tokens or duration", repr(usage.get("type", "absent"))[:60], "body /usage/type")
    elif usage["type"] == "tokens":
        yield from view.summed(usage, "body /usage/total_tokens")
    elif abs(_number(usage, "seconds") - view.sent_seconds(exchange)) > max(2.0, view.sent_seconds(exchange) / 10):
        yield Finding(f"{view.sent_seconds(exchange):.2f} s", f"{usage['seconds']:g}", "body /usage/seconds")


def _asks_stream(exchange: Exchange) -> bool:
    return exchange.operation.id == "createTranscription" and view.is_ok(exchange) and exchange.asked_to_stream


def _events(exchange: Exchange) -> list[tuple[int, Mapping[str, Any]]]:
    """The events of a transcript's stream; Inconclusive where their schema, or another check, has a say first."""
    if exchange.media != "text/event-stream":
        # The document says of one model that it ignores `stream`.
        raise Inconclusive("the answer is no stream, which a model may leave out")
    view.require_whole(exchange)
    events: list[tuple[int, Mapping[str, Any]]]
    events = [(number, data) for number, data in view.data_events(exchange) if isinstance(data, dict)]
    if not any(str(data.get("type")).startswith("transcript.text.") for _, data in events):
        raise Inconclusive("no event is one of a transcript, which wire.event-schema judges")
    return events


@check("audio.stream-ends", level=MUST, applies=_asks_stream, spec=_DONE)
def stream_ends(exchange: Exchange) -> Iterator[Finding]:
    """A streamed transcript ends with one transcript.text.done, and nothing follows it."""
    kinds = ["an error" if "error" in data else str(data.get("type")) for _, data in _events(exchange)]
    if kinds.count("transcript.text.done") != 1 or kinds[-1] != "transcript.text.done":
        count = kinds.count("transcript.text.done")
        yield Finding("one transcript.text.done, at the end", f"{count}; the last event is {kinds[-1]}", "events")


@check("audio.stream-assembles", level=MUST, applies=_asks_stream, spec=_DONE)
def stream_assembles(exchange: Exchange) -> Iterator[Finding]:
    """The deltas of a streamed transcript put together are the text at its end."""
    events = _events(exchange)
    done = [data.get("text") for _, data in events if data.get("type") == "transcript.text.done"]
    pieces = [data.get("delta") for _, data in events if data.get("type") == "transcript.text.delta"]
    if len(done) != 1 or not isinstance(done[0], str) or not all(isinstance(piece, str) for piece in pieces):
        raise Inconclusive("there is not one text at the end")
    if not pieces:
        raise Inconclusive("the text came all at once")
    joined = "".join(map(str, pieces))
    if joined.strip() != done[0].strip():
        yield Finding(repr(done[0][:120]), repr(joined[:120]), "the deltas together")


def _asks_logprobs(exchange: Exchange) -> bool:
    included = exchange.request.texts("include[]") + exchange.request.texts("include")
    return view.is_transcript(exchange) and not exchange.asked_to_stream and "logprobs" in included


@check(
    "audio.logprobs",
    level=SHOULD,
    applies=_asks_logprobs,
    spec="openai#/components/schemas/CreateTranscriptionResponseJson",
)
def logprobs(exchange: Exchange) -> Iterator[Finding]:
    """Log probabilities that are asked for are given: a token each, of the whole text, none above 0."""
    body = view.whole_answer(exchange)
    rows = body.get("logprobs")
    if not isinstance(rows, list) or not rows:
        yield Finding("a list of tokens", repr(rows)[:60], "body /logprobs")
        return
    values = [row.get("logprob") for row in rows if isinstance(row, dict)]
    if any(isinstance(value, (int, float)) and value > 0 for value in values):
        yield Finding("log probabilities of at most 0", str(max(v for v in values if v is not None)), "body /logprobs")
    tokens = [row.get("token") for row in rows if isinstance(row, dict)]
    tokens = [token for token in tokens if not re.fullmatch(r"<\|.*\|>", str(token))]  # times, the end
    said, heard = _letters("".join(map(str, tokens))), _letters(body.get("text"))
    if all(isinstance(token, str) and "\ufffd" not in token for token in tokens) and heard not in said:
        yield Finding(f"the tokens of {heard[:60]}", said[:80], "body /logprobs")
