"""What is in the bytes of an audio file or of subtitles. Nothing is believed that a header says."""

from __future__ import annotations

import io
import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from seatrial.check import Inconclusive

LONGEST = 600.0
"""Seconds of audio that are decoded."""
_MOST_RATE = 384_000
_MP3_RATES = (44100, 48000, 32000)
_MP3_BITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
)
"""Thousands of bits a second: of MPEG 1, and of MPEG 2 and 2.5."""
_ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


class Broken(ValueError):
    """Bytes that are no whole file of their kind."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A decoded file: how long, and how loud its loudest sample is (1.0 is full scale; None where it is not decoded)."""

    kind: str
    seconds: float
    peak: float | None


def audio_kind(data: bytes) -> str | None:
    """mp3, opus, vorbis, aac, m4a, flac, wav or webm by the first bytes; None for anything else, such as raw samples."""
    if data[:3] == b"ID3" or (len(data) > 1 and data[0] == 0xFF and data[1] & 0xE6 == 0xE2):
        return "mp3"
    if data[:4] == b"OggS":
        return "opus" if b"OpusHead" in data[:100] else "vorbis"
    if len(data) > 1 and data[0] == 0xFF and data[1] & 0xF6 == 0xF0:
        return "aac"
    if data[4:8] == b"ftyp":
        return "m4a"
    if data[:4] == b"fLaC":
        return "flac"
    if data[:4] in (b"RIFF", b"RF64") and data[8:12] == b"WAVE":
        return "wav"
    return "webm" if data[:4] == b"\x1a\x45\xdf\xa3" else None


@lru_cache(maxsize=16)
def sound(data: bytes) -> Sound:
    """The file decoded. Raises Broken for one that is cut or garbled, Inconclusive for one that cannot be decoded here."""
    kind = audio_kind(data)
    if kind is None:
        raise Broken("it begins like no audio file")
    if kind in ("m4a", "webm"):
        raise Inconclusive(f"{kind} cannot be decoded here")
    if kind in ("aac", "mp3"):
        return Sound(kind, _adts_seconds(data) if kind == "aac" else _mp3_seconds(data), None)
    if kind == "wav":
        _require_whole_wav(data)
    if kind in ("opus", "vorbis"):
        _require_whole_ogg(data)
    import soundfile

    try:
        with soundfile.SoundFile(io.BytesIO(data)) as source:
            rate, promised = source.samplerate, source.frames
            if rate > _MOST_RATE or source.channels > 8:
                raise Broken(f"it has {source.channels} channels at {rate} Hz")
            most = int(LONGEST * rate)
            frames, peak = 0, 0.0
            # Not `blocks`, which trusts the length in the header and hands out what was never read.
            while frames < most and len(block := source.read(65536, dtype="float32")):
                frames += len(block)
                peak = max(peak, float(abs(block).max()))
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise Broken(f"it cannot be decoded: {str(error).rpartition(': ')[2]}") from error
    if frames >= most:
        raise Inconclusive(f"it is longer than {LONGEST:g} s")
    # What was written as a stream promises no length, or the largest that there is.
    if kind == "flac" and frames < promised < 1 << 40:
        raise Broken(f"{frames} of {promised} samples are there")
    return Sound(kind, frames / rate, peak)


def _mp3_seconds(data: bytes) -> float:
    """By the frames of an MP3, each of which says how long it is. They are walked, not decoded."""
    at, frames, counted, seconds = 0, 0, 0, 0.0
    if data[:3] == b"ID3" and len(data) >= 10:
        # The tag's length is 4 times 7 bits.
        at = 10 + sum((byte & 127) << 7 * (3 - place) for place, byte in enumerate(data[6:10]))
    while at < len(data) and data[at : at + 3] not in (b"TAG", b"APE"):
        head = int.from_bytes(data[at : at + 4].ljust(4, b"\0"))
        version, layer, rate_index, rate = head >> 19 & 3, head >> 17 & 3, head >> 12 & 15, head >> 10 & 3
        if head >> 21 != 0x7FF or version == 1 or layer != 1 or rate_index == 15 or rate == 3:
            raise Broken(f"there is no MP3 frame at byte {at}")
        if not rate_index:
            raise Inconclusive("an MP3 of free bit rate is not measured here")
        hertz = _MP3_RATES[rate] >> {3: 0, 2: 1, 0: 2}[version]
        samples, bits = (1152, _MP3_BITS[0]) if version == 3 else (576, _MP3_BITS[1])
        size = samples // 8 * bits[rate_index] * 1000 // hertz + (head >> 9 & 1)
        if at + size > len(data):
            raise Broken(f"the MP3 frame at byte {at} is cut")
        if not frames and (tag := re.search(rb"Xing|Info", data[at : at + 64])):
            # This frame tells of the others: whether their number is known, and what it is.
            flags, number = struct.unpack_from(">II", data, at + tag.end())
            counted = number if flags & 1 else 0
        else:
            frames += 1
            seconds += samples / hertz
        at += size
    if frames < counted:
        raise Broken(f"{frames} of {counted} MP3 frames are there")
    return seconds


def _require_whole_wav(data: bytes) -> None:
    at = 12
    while at + 8 <= len(data):
        name, size = data[at : at + 4], struct.unpack_from("<I", data, at + 4)[0]
        if name == b"data":
            # A stream's length is not known when its header is written.
            if size not in (0, 0xFFFFFFFF) and size < 0x7FFFFF00 and at + 8 + size > len(data):
                raise Broken(f"{len(data) - at - 8} of {size} bytes of samples are there")
            return
        at += 8 + size + size % 2
    raise Broken("it has no samples")


def _require_whole_ogg(data: bytes) -> None:
    at = 0
    while at < len(data):
        if data[at : at + 4] != b"OggS" or at + 27 > len(data):
            raise Broken(f"there is no page at byte {at}")
        lacing = data[at + 27 : at + 27 + data[at + 26]]
        at += 27 + data[at + 26] + sum(lacing)
        if at > len(data) or len(lacing) < 1:
            raise Broken("the last page is cut")


def _adts_seconds(data: bytes) -> float:
    at, seconds = 0, 0.0
    while at < len(data):
        head = data[at : at + 7]
        if len(head) < 7 or head[0] != 0xFF or head[1] & 0xF6 != 0xF0:
            raise Broken(f"there is no AAC frame at byte {at}")
        index, size = head[2] >> 2 & 15, (head[3] & 3) << 11 | head[4] << 3 | head[5] >> 5
        if size < 7 or index >= len(_ADTS_RATES) or at + size > len(data):
            raise Broken(f"the AAC frame at byte {at} is cut or garbled")
        seconds += 1024 * ((head[6] & 3) + 1) / _ADTS_RATES[index]
        at += size
    return seconds


@dataclass(frozen=True, slots=True)
class Cue:
    """One subtitle: seconds from and to, and its text."""

    start: float
    end: float
    text: str


_TIMES = {
    "srt": re.compile(r"(\d{2,}):([0-5]\d):([0-5]\d),(\d{3}) --> (\d{2,}):([0-5]\d):([0-5]\d),(\d{3})(?:\s.*)?"),
    "vtt": re.compile(
        r"(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})[ \t]+-->[ \t]+(?:(\d{2,}):)?([0-5]\d):([0-5]\d)\.(\d{3})(?:\s.*)?"
    ),
}


def cues(text: str, kind: str) -> list[Cue]:
    """The cues of SubRip (`srt`) or WebVTT (`vtt`). Raises Broken, saying what is wrong and where."""
    return list(_cues(text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n"), kind))


def _cues(text: str, kind: str) -> Iterator[Cue]:
    blocks = [block.split("\n") for block in re.split(r"\n{2,}", text.strip("\n")) if block.strip()]
    if kind == "vtt":
        if not blocks or not re.fullmatch(r"WEBVTT([ \t].*)?", blocks[0][0]):
            raise Broken("the first line is not WEBVTT")
        if any("-->" in line for line in blocks[0]):
            raise Broken("no blank line after WEBVTT")
        blocks = [block for block in blocks[1:] if not re.match(r"(NOTE|STYLE|REGION)\b", block[0])]
    for number, block in enumerate(blocks, 1):
        if kind == "srt" and not re.fullmatch(r"\d+", block[0].strip()):
            raise Broken(f"cue {number} has no number, but {block[0][:60]!r}")
        timed = block[0] if kind == "vtt" and "-->" in block[0] else block[1] if len(block) > 1 else ""
        hit = _TIMES[kind].fullmatch(timed.strip())
        if hit is None:
            raise Broken(f"cue {number} has no times, but {timed[:60]!r}")
        parts = [int(part or 0) for part in hit.groups()]
        start, end = (3600 * h + 60 * m + s + ms / 1000 for h, m, s, ms in (parts[:4], parts[4:]))
        if end < start:
            raise Broken(f"cue {number} ends before it begins: {timed[:60]!r}")
        yield Cue(start, end, "\n".join(block[block.index(timed) + 1 :]).strip())
