"""Takes a content coding off a body piece by piece, so that a bomb is never larger in memory than what was asked for."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence

ACCEPTED = "gzip, deflate"
_PIECE = 1 << 18
_GZIP = b"\x1f\x8b"


class Undecodable(Exception):
    """The body is not of the coding that its headers name."""


class Decoder:
    """One body's coding. Raises Undecodable for codings that were not asked for, and for more than one."""

    def __init__(self, codings: Sequence[str]) -> None:
        named = [coding for coding in codings if coding != "identity"]
        if len(named) > 1:
            raise Undecodable(f"more than one content coding: {', '.join(named[:5])}")
        self._coding = named[0].removeprefix("x-") if named else ""
        if self._coding not in ("", "gzip", "deflate"):
            raise Undecodable(f"the content coding {self._coding[:40]!r} was not asked for")
        self._zlib = zlib.decompressobj(31 if self._coding == "gzip" else 15)
        self._begun = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes come to, in pieces of at most 256 KiB. Raises Undecodable."""
        if not self._coding:
            yield data
            return
        piece = data
        while data or len(piece) == _PIECE:  # a full piece may have more behind it
            if self._zlib.eof:
                if not data:
                    return
                data = self._next_member(data)
            try:
                piece = self._zlib.decompress(data, _PIECE)
            except zlib.error as error:
                if self._coding != "deflate" or self._begun:
                    raise Undecodable(f"not {self._coding}: {error}") from None
                # Servers have sent deflate without zlib's wrapping for so long that every client takes it.
                self._zlib = zlib.decompressobj(-15)
                self._begun = True
                continue
            self._begun = True
            if piece:
                yield piece
            data = self._zlib.unconsumed_tail or self._zlib.unused_data

    def _next_member(self, data: bytes) -> bytes:
        if self._coding != "gzip" or not data.startswith(_GZIP[: len(data)]):
            raise Undecodable(f"more bytes after the end of the {self._coding}")
        self._zlib = zlib.decompressobj(31)
        return data

    def end(self) -> None:
        """The body is whole. Raises Undecodable where its coding says otherwise."""
        if self._begun and not self._zlib.eof:
            raise Undecodable(f"the {self._coding} ends too soon")
