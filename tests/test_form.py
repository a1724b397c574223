"""Forms as scenarios write them: files that are made, files that lie beside, and what is read back of a request."""

from __future__ import annotations

import io
from pathlib import Path

import PIL.Image
import pytest
import soundfile

from seatrial import form, home, scenario
from seatrial.model import Exchange, Invalid, Operation, Request

ASSETS = home.folder("scenarios") / "assets"
POST = Operation("createTranscription", "POST", "/audio/transcriptions")


def request(**members: object) -> Request:
    return Request("POST", "http://x", (("Content-Type", form.MEDIA),), form.encode(members))


def test_a_form_is_read_back_as_it_was_written() -> None:
    sent = request(
        file={"file": "a.bin", "type": "audio/wav", "text": "\r\n--x\r\n"},
        model="m",
        stream=True,
        **{"kinds[]": ["word", "segment"]},
    )
    assert sent.form["file"][0].file == "a.bin"
    assert sent.form["file"][0].data == b"\r\n--x\r\n"
    assert sent.get("model") == "m"
    assert sent.get("file", "none") == "none"
    assert sent.texts("kinds[]") == ["word", "segment"]
    assert Exchange(1, POST, sent, None).asked_to_stream
    assert not Exchange(1, POST, request(stream=False), None).asked_to_stream


def test_a_json_body_is_no_form() -> None:
    sent = Request("POST", "http://x", (("content-type", "application/json"),), b'{"stream": "true", "n": 1}')
    assert sent.form == {}
    assert sent.get("n") == 1
    assert not Exchange(1, POST, sent, None).asked_to_stream


def test_pictures_are_pngs_with_a_hole_where_it_is_asked_for() -> None:
    whole, holed = (PIL.Image.open(io.BytesIO(form.picture(64, 32, hole))) for hole in (False, True))
    assert (whole.format, whole.size, whole.mode) == ("PNG", (64, 32), "RGBA")
    assert whole.getpixel((32, 16)) == (127, 127, 128, 255)
    assert holed.getpixel((32, 16)) == (127, 127, 128, 0)
    assert holed.getpixel((1, 1))[3] == 255


@pytest.mark.parametrize(("name", "seconds"), [("harbour-en.flac", 1.88375), ("harbour-de.flac", 2.32375)])
def test_the_samples_are_small_and_can_be_decoded(name: str, seconds: float) -> None:
    assert (ASSETS / name).stat().st_size <= 40_000
    info = soundfile.info(ASSETS / name)
    assert (info.samplerate, info.channels, info.frames / info.samplerate) == (16000, 1, seconds)


SCENARIO = """
title: Files
operations: {send: {call: POST /files}}
scenarios:
  files.send:
    title: A file
    spec: [{at: rfc9110}]
    inputs: {one: {file: {file: a.txt, asset: %s}}}
    steps: [{id: send, operation: send, form: {file: $inputs.file}, must: {status: 200}}]
"""


def test_an_asset_lies_in_the_folder_beside_the_scenario(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets" / "a.txt").write_bytes(b"hello")
    (tmp_path / "one.yaml").write_text(SCENARIO % "a.txt")
    made = scenario.load([tmp_path / "one.yaml"]).scenarios["files.send"]
    assert b"\r\n\r\nhello\r\n" in form.encode(made.inputs["one"])


@pytest.mark.parametrize("name", ["b.txt", "../one.yaml"])
def test_an_asset_that_is_not_there_is_said_before_anything_is_sent(tmp_path: Path, name: str) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "one.yaml").write_text(SCENARIO % name)
    with pytest.raises(Invalid, match=r"assets"):
        scenario.load([tmp_path / "one.yaml"])


def test_lines_are_json_lines() -> None:
    assert form.jsonl(['{"a": 1', {"b": "ü"}]) == '{"a": 1\n{"b":"ü"}\n'.encode()
    assert (
        form.jsonl({"each": {"id": "line-{n}"}, "times": 3}) == b'{"id":"line-1"}\n{"id":"line-2"}\n{"id":"line-3"}\n'
    )
