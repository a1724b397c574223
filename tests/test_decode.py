"""Content codings are taken off piece by piece, exactly, and never without bound."""

from __future__ import annotations

import gzip
import random
import zlib

import pytest

from seatrial.decode import Decoder, Undecodable

TEXT = bytes(random.Random(7).choices(b"abcdef\n", k=80_000)) + b" " * 1_000_000


def decoded(coding: list[str], body: bytes, step: int) -> bytes:
    decoder = Decoder(coding)
    pieces = [piece for at in range(0, len(body), step) for piece in decoder.feed(body[at : at + step])]
    decoder.end()
    assert all(pieces)
    assert max(map(len, pieces)) <= max(step, 1 << 18)
    return b"".join(pieces)


def raw_deflate(data: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(data) + packer.flush()


@pytest.mark.parametrize("step", [997, 1 << 22])
@pytest.mark.parametrize(
    ("coding", "pack"),
    [
        ([], bytes),
        (["identity"], bytes),
        (["gzip"], gzip.compress),
        (["x-gzip", "identity"], gzip.compress),
        (["deflate"], zlib.compress),
        (["deflate"], raw_deflate),
        (["gzip"], lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:])),
    ],
)
def test_what_was_packed_comes_back(coding: list[str], pack: object, step: int) -> None:
    assert decoded(coding, pack(TEXT), step) == TEXT  # type: ignore[operator]


@pytest.mark.parametrize(
    ("coding", "body", "words"),
    [
        (["gzip"], gzip.compress(b"hello", mtime=0)[:-9], "too soon"),
        (["gzip"], gzip.compress(b"hello", mtime=0) + b"more", "more bytes after the end"),
        (["deflate"], zlib.compress(b"hello") + b"x", "after the end"),
        (["gzip"], b"hello", "not gzip"),
        (["deflate"], b"\xff" * 50, "not deflate"),
        (["br"], b"", "not asked for"),
        (["gzip", "gzip"], b"", "more than one"),
    ],
)
def test_what_is_not_of_its_coding_is_refused(coding: list[str], body: bytes, words: str) -> None:
    with pytest.raises(Undecodable, match=words):
        decoded(coding, body, 3)


def test_each_event_of_a_flushed_stream_comes_as_it_is_fed() -> None:
    packer, decoder = zlib.compressobj(9, zlib.DEFLATED, 31), Decoder(["gzip"])
    for size in (1, 100, 1 << 18, 300_000, 1 << 19):
        part = b"a" * size
        assert b"".join(decoder.feed(packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH))) == part


def test_an_empty_body_is_whole() -> None:
    Decoder(["gzip"]).end()
