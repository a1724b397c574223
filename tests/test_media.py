"""What the views see in bytes of audio and subtitles: whole files are whole, and cut ones are not."""

from __future__ import annotations

import dataclasses
import io
import struct
import zlib
from typing import Any

import PIL.Image
import pytest

from seatrial import form, server, session, view
from seatrial.check import Inconclusive
from seatrial.server.families import speech

SPOKEN = speech.spoken("The ship left the harbour.", 200.0, 1.0)


@pytest.mark.parametrize("kind", ["mp3", "opus", "flac", "wav"])
def test_whole_audio_is_identified_and_measured(kind: str) -> None:
    data = speech.encoded(SPOKEN, kind)
    assert view.audio_kind(data) == kind
    heard = view.sound(data)
    assert heard.seconds == pytest.approx(1.56, abs=0.1)
    assert kind == "mp3" or 0.2 < (heard.peak or 0) < 0.4


@pytest.mark.parametrize("kind", ["mp3", "opus", "flac", "wav"])
@pytest.mark.parametrize("part", [0.2, 0.5, 0.9])
def test_cut_audio_is_broken(kind: str, part: float) -> None:
    data = speech.encoded(SPOKEN, kind)
    with pytest.raises(view.Broken):
        view.sound(data[: int(len(data) * part)])


def test_raw_samples_are_of_no_kind() -> None:
    assert view.audio_kind(speech.encoded(SPOKEN, "pcm")) is None
    assert view.audio_kind(b"") is None


def adts(frames: int) -> bytes:
    """AAC frames of 24 kHz that hold nothing."""
    return bytes([0xFF, 0xF1, 0x58, 0x80, 0x01, 0x9F, 0xFC, 0, 0, 0, 0, 0]) * frames


def test_aac_is_measured_by_its_frames() -> None:
    assert view.audio_kind(adts(1)) == "aac"
    assert view.sound(adts(24)).seconds == pytest.approx(1.024)
    with pytest.raises(view.Broken):
        view.sound(adts(24)[:-3])


def test_a_tagged_mp3_is_decoded() -> None:
    tag = b"ID3\x04\x00\x00\x00\x00\x01\x00" + bytes(128)
    assert view.sound(tag + speech.encoded(SPOKEN, "mp3")).kind == "mp3"


def test_a_tone_is_as_long_as_was_asked() -> None:
    assert view.sound(form.tone(2.5)).seconds == 2.5


SRT = "1\n00:00:00,000 --> 00:00:01,500\nThe ship\nleft.\n\n2\n00:00:01,500 --> 00:01:02,000\nAt dawn.\n"


def test_subrip_is_read() -> None:
    assert view.cues(SRT, "srt") == [view.Cue(0, 1.5, "The ship\nleft."), view.Cue(1.5, 62, "At dawn.")]
    assert view.cues("\ufeff" + SRT.replace("\n", "\r\n"), "srt") == view.cues(SRT, "srt")
    assert view.cues("", "srt") == []


def test_webvtt_is_read() -> None:
    text = "WEBVTT - made here\nKind: captions\n\nNOTE x\n\nSTYLE\n::cue {}\n\nintro\n00:01.000 --> 00:02.500 line:0\nAhoy.\n"
    assert view.cues(text, "vtt") == [view.Cue(1, 2.5, "Ahoy.")]


@pytest.mark.parametrize(
    ("kind", "text", "what"),
    [
        ("srt", SRT.replace("1\n", "", 1), "no number"),
        ("srt", SRT.replace(",", "."), "no times"),
        ("srt", "1\n00:00:02,000 --> 00:00:01,000\nAhoy.\n", "ends before"),
        ("srt", "The ship left.", "no number"),
        ("vtt", "00:01.000 --> 00:02.500\nAhoy.\n", "not WEBVTT"),
        ("vtt", "WEBVTT\n00:01.000 --> 00:02.500\nAhoy.\n", "no blank line"),
        ("vtt", "WEBVTT\n\n00:01,000 --> 00:02,500\nAhoy.\n", "no times"),
        ("vtt", "", "not WEBVTT"),
    ],
)
def test_what_is_wrong_with_subtitles_is_said(kind: str, text: str, what: str) -> None:
    with pytest.raises(view.Broken, match=what):
        view.cues(text, kind)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_whole_pictures_are_decoded_and_cut_ones_are_not(kind: str) -> None:
    out = io.BytesIO()
    PIL.Image.effect_noise((96, 64), 50).convert("RGB").save(out, kind)
    data = out.getvalue()
    assert view.picture(data) == view.Picture(kind.lower(), 96, 64, 255)
    with pytest.raises(view.Broken):
        view.picture(data[: len(data) // 2])


def test_transparent_pixels_are_seen() -> None:
    assert view.picture(form.picture(64, 32, True)).least_alpha == 0
    assert view.picture(form.picture(64, 32)).least_alpha == 255


def test_what_is_no_picture_or_too_large_a_one_is_not_decoded() -> None:
    with pytest.raises(view.Broken, match="no picture"):
        view.picture(b"<html>Sign in</html>")
    head = form.picture(1, 1)
    size = struct.pack(">IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    bomb = head[:16] + size + struct.pack(">I", zlib.crc32(b"IHDR" + size)) + head[33:]
    with pytest.raises(Inconclusive):
        view.picture(bomb)


@dataclasses.dataclass
class Kept:
    """A record in memory."""

    lines: list[Any]

    def write(self, line: Any) -> None:
        self.lines.append(line)


def test_an_address_that_a_server_gave_out_gets_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEATRIAL_MEDIA_KEY", "sk-media")
    with server.running(server.Settings(api_key="sk-media")) as url:
        options = session.Options(url, (), "SEATRIAL_MEDIA_KEY", "reference", only=("images.url",))
        cases = session.select(session.catalog(options), options)[0]
        target, _ = session.find_target(options)
        kept = Kept([])
        player = session.player(options, target, None)
        player.record = kept
        verdicts = [verdict for case in cases for verdict in player.play(case)]
        player.client.close()
    assert {v.status.word for v in verdicts if v.check == "images.fetched"} == {"pass"}
    fetched = next(line for line in kept.lines if line["type"] == "exchange" and line["step"] == "fetch")
    assert fetched["request"]["url"].startswith(url.rpartition("/")[0] + "/assets/")
    assert "authorization" not in [name.lower() for name, _ in fetched["request"]["headers"]]
