"""A small reversible tokenizer: words with their leading space, single characters else, bytes for what is not ASCII."""

from __future__ import annotations

import hashlib
import re

_PIECES = re.compile(r" ?[A-Za-z]{1,8}| ?[0-9]{1,3}|\s|[\x21-\x7e]")
_BYTES = 256
_seen: dict[int, bytes] = {}


def _pieces(text: str) -> list[bytes]:
    data: list[bytes] = []
    at = 0
    while at < len(text):
        hit = _PIECES.match(text, at)
        if hit and hit.group().isascii():
            data.append(hit.group().encode())
            at = hit.end()
        else:
            raw = text[at].encode("utf-8", "surrogatepass")
            # A character of several bytes is two tokens, so that a stream has to hold back the first.
            data += [raw[:2], raw[2:]] if len(raw) > 2 else [raw]
            at += 1
    return data


def encode(text: str) -> list[int]:
    """The token ids of a text: a byte's own value, else a number derived from the piece."""
    return [_id(piece) for piece in _pieces(text)]


def split(text: str) -> list[bytes]:
    """The bytes of each token of a text."""
    return _pieces(text)


def count(text: str) -> int:
    """How many tokens a text has."""
    return len(_pieces(text))


def _id(piece: bytes) -> int:
    if len(piece) == 1:
        return piece[0]
    id = _BYTES + int.from_bytes(hashlib.blake2s(piece, digest_size=3).digest())
    _seen.setdefault(id, piece)
    return id


def decode(ids: list[int]) -> str:
    """The text of token ids; an id that was never given out is a word made of its number."""
    data = b"".join(bytes([id]) if id < _BYTES else _seen.get(id, f" w{id}".encode()) for id in ids)
    return data.decode("utf-8", "replace")
