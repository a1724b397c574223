"""Content codings: bombs, cut ones, wrong ones."""

from __future__ import annotations

import base64
import gzip
import zlib
from collections.abc import Iterator

from seatrial.hostile import behaviour
from seatrial.hostile.peer import Peer, chunk, dumped, good_events

_REFUSED = (1, "http.answered")
_BROTLI = "eNo7//9/PYOKw6ONDkXv///8/5+/gcVBRqzh3V/7////M05g6DjMdGHv/+f//9szCDEURjDs+v7/z///7A5MCnzcDt//zQeqYvBgOJLI+OLe/8///8szcDZY6DDc/V3/7/9/ZgVGgXbWBdX/z4MtYXi0gaFk1JJRS4aiJfYAujavHg=="
"""1 GiB of spaces in brotli, itself compressed."""


def _gzip_bomb(start: bytes = b"") -> Iterator[bytes]:
    """Spaces without end, a thousandfold smaller."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    yield packer.compress(start)
    while True:
        yield packer.compress(b" " * (1 << 20)) + packer.flush(zlib.Z_SYNC_FLUSH)


@behaviour("encoding.gzip-bomb", "plain", _REFUSED, (1, r"body\.|timeout"))
def gzip_bomb(peer: Peer) -> None:
    """gzip that grows a thousandfold, without end."""
    peer.head("Transfer-Encoding: chunked", "Content-Encoding: gzip")
    peer.forever(chunk(part) for part in _gzip_bomb() if part)


@behaviour("encoding.gzip-bomb-stream", "stream", _REFUSED, (1, r"stream\.|body\.|timeout"))
def gzip_bomb_stream(peer: Peer) -> None:
    """A stream of events whose first line is a bomb."""
    peer.open_stream("Content-Encoding: gzip")
    peer.forever(part for part in _gzip_bomb(b"data: ") if part)


@behaviour("encoding.gzip-bomb-events", "stream", _REFUSED, (1, r"stream\.|body\.|timeout"))
def gzip_bomb_events(peer: Peer) -> None:
    """Millions of small events in a few compressed bytes."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    peer.open_stream("Content-Encoding: gzip")
    many = b"data: {}\n\n" * 100_000
    while True:
        peer.send(packer.compress(many) + packer.flush(zlib.Z_SYNC_FLUSH))


@behaviour("encoding.deflate-bomb", "plain", _REFUSED, (1, r"body\.|timeout"))
def deflate_bomb(peer: Peer) -> None:
    """1 GiB of spaces in deflate, sent at once."""
    packer = zlib.compressobj(9)
    body = b"".join([*(packer.compress(b" " * (1 << 20)) for _ in range(1024)), packer.flush()])
    peer.answer(body, "Content-Encoding: deflate")


@behaviour("encoding.br-bomb", "plain", _REFUSED, (1, r"body\.|timeout"))
def br_bomb(peer: Peer) -> None:
    """1 GiB of spaces in 809 bytes of brotli, for which nobody asked."""
    peer.answer(zlib.decompress(base64.b64decode(_BROTLI)), "Content-Encoding: br")


@behaviour("encoding.zstd-bomb", "plain", _REFUSED, (1, r"body\.|timeout"))
def zstd_bomb(peer: Peer) -> None:
    """1 GiB of spaces in 32 KiB of zstd, for which nobody asked."""
    size = 1 << 17  # of a block that says: this byte, so often
    blocks = b"".join(
        (size << 3 | 1 << 1 | last).to_bytes(3, "little") + b" " for last in (*([0] * ((1 << 30) // size - 1)), 1)
    )
    peer.answer(b"\x28\xb5\x2f\xfd\x00\x38" + blocks, "Content-Encoding: zstd")


@behaviour("encoding.truncated", "plain", _REFUSED, (1, r"body\."))
def truncated(peer: Peer) -> None:
    """gzip that ends too soon, in an answer of the right length."""
    packed = gzip.compress(dumped(peer.document()))
    peer.answer(packed[: len(packed) // 2], "Content-Encoding: gzip")


@behaviour("encoding.truncated-stream", "stream", _REFUSED, (1, r"stream\."))
def truncated_stream(peer: Peer) -> None:
    """A compressed stream that ends too soon."""
    packed = gzip.compress(b"".join(good_events()))
    peer.open_stream("Content-Encoding: gzip")
    peer.send(packed[: len(packed) // 2])
    peer.close()


@behaviour("encoding.gzip", "plain", (0, "PASSED"), (1, r"body\."))
def honest(peer: Peer) -> None:
    """A good answer in gzip: good for who accepts it, and not for who asked for it plain."""
    peer.answer(gzip.compress(dumped(peer.document())), "Content-Encoding: gzip")


@behaviour("encoding.gzip-twice", "plain", _REFUSED, (1, r"body\."))
def twice(peer: Peer) -> None:
    """gzip within gzip."""
    peer.answer(gzip.compress(gzip.compress(dumped(peer.document()))), "Content-Encoding: gzip, gzip")


@behaviour("encoding.many-members", "plain", _REFUSED, (1, r"body\."))
def many_members(peer: Peer) -> None:
    """Forty codings one upon the other."""
    peer.answer(dumped(peer.document()), "Content-Encoding: " + ", ".join(["gzip"] * 40))


@behaviour("encoding.not-gzip", check=_REFUSED, load=(1, r"stream\.|body\."))
def not_gzip(peer: Peer) -> None:
    """Says gzip and is none."""
    if peer.streams:
        peer.open_stream("Content-Encoding: gzip")
        peer.send(*good_events())
        peer.close()
    peer.answer(dumped(peer.document()), "Content-Encoding: gzip")


@behaviour("encoding.gzip-and-more", "plain", _REFUSED, (1, r"body\."))
def and_more(peer: Peer) -> None:
    """A whole gzip, and something after its end."""
    peer.answer(gzip.compress(dumped(peer.document())) + b"and more", "Content-Encoding: gzip")


@behaviour("encoding.unknown", "plain", _REFUSED, (1, r"body\."))
def unknown(peer: Peer) -> None:
    """A coding that there is not."""
    peer.answer(b"\xff\xfe\xfd" + dumped(peer.document()), "Content-Encoding: rot13")


@behaviour("encoding.gzip-event-at-a-time", "stream", (0, "PASSED"), (1, r"stream\."))
def gzip_events(peer: Peer) -> None:
    """A good stream in gzip, flushed after each event."""
    packer = zlib.compressobj(6, zlib.DEFLATED, 31)
    peer.open_stream("Content-Encoding: gzip")
    for one in good_events():
        peer.send(packer.compress(one) + packer.flush(zlib.Z_SYNC_FLUSH))
    peer.send(packer.flush())
    peer.close()
