"""Takes the API key out of what is kept and shown: as it is, escaped as in JSON and URLs, in base64, and in pieces."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Iterable, Iterator
from typing import Any

from seatrial.model import REDACTED

_SHORTEST = 8


def without(*variables: str) -> dict[str, str]:
    """The environment for a child that needs none of these variables."""
    return {name: value for name, value in os.environ.items() if name not in variables}


class Secret:
    """Hides one key. A word such as `none` or `EMPTY` stands for "no key", is part of other words, and is let be."""

    def __init__(self, key: str | None) -> None:
        self._pattern = re.compile(_pattern(key)) if key and len(key) >= _SHORTEST else None
        self._bytes = re.compile(self._pattern.pattern.encode("ascii")) if self._pattern else None

    def hide(self, text: str) -> str:
        """The text without the key."""
        return self._pattern.sub(lambda _: REDACTED, text) if self._pattern else text

    def hide_bytes(self, data: bytes) -> bytes:
        """The bytes without the key."""
        return self._bytes.sub(lambda _: REDACTED.encode("ascii"), data) if self._bytes else data

    def blot(self, data: bytes) -> bytes:
        """The bytes with the key blotted out, of the same length: within a framing that counts bytes."""
        return self._bytes.sub(lambda hit: b"*" * len(hit[0]), data) if self._bytes else data

    def blot_pieces(self, texts: Iterable[str]) -> dict[int, str]:
        """The events of a stream that carry a piece of the key, by their place, with those pieces blotted out.

        Whoever joins the texts at one place of an answer's events, as every client does, would have the key again.
        """
        if self._pattern is None:
            return {}
        rows: dict[int, Any] = {}
        places: dict[str, list[tuple[Any, Any, int]]] = {}
        for number, text in enumerate(texts):
            try:
                rows[number] = json.loads(text)
            except (ValueError, RecursionError):
                continue
            for place, holder, name in _strings(rows[number]):
                places.setdefault(place, []).append((holder, name, number))
        found: set[int] = set()
        for pieces in places.values():
            found |= self._blot(pieces)
        return {number: json.dumps(rows[number], separators=(",", ":")) for number in found}

    def _blot(self, pieces: list[tuple[Any, Any, int]]) -> set[int]:
        assert self._pattern is not None
        hits = [hit.span() for hit in self._pattern.finditer("".join(holder[name] for holder, name, _ in pieces))]
        at, touched = 0, set()
        for holder, name, number in pieces:
            begin, at = at, at + len(holder[name])
            if any(start < at and begin < end for start, end in hits):
                holder[name] = "*" * len(holder[name])
                touched.add(number)
        return touched


def _strings(root: Any) -> Iterator[tuple[str, Any, Any]]:
    """Every text in a document: its place, with the choice that it belongs to, and what holds it under which name."""
    left = [("", root)]
    while left:
        place, value = left.pop()
        if isinstance(value, dict):
            rows: list[tuple[Any, Any]] = list(value.items())
        elif isinstance(value, list):
            rows = list(enumerate(value))
        else:
            continue
        for name, item in rows:
            step = name
            if isinstance(value, list):
                step = item["index"] if isinstance(item, dict) and isinstance(item.get("index"), int) else ""
            if isinstance(item, str):
                yield f"{place}/{step}", value, name
            elif isinstance(item, (dict, list)):
                left.append((f"{place}/{step}", item))


def _pattern(key: str) -> str:
    escaped = "".join(rf"(?:\\?{re.escape(char)}|(?i:(?:\\u00|\\x|%){ord(char):02x}))" for char in key)
    return "|".join((escaped, *_base64(key.encode("ascii"))))


def _base64(key: bytes) -> list[str]:
    """The part of its base64 that is the same whatever stands around the key, for each of the three alignments."""
    words = []
    for before, lost in ((0, 0), (1, 2), (2, 3)):
        whole = (before + len(key)) * 8 // 6
        coded = base64.b64encode(b"\0" * before + key).decode("ascii")[lost:whole]
        words += [re.escape(coded), re.escape(coded.replace("+", "-").replace("/", "_"))]
    return list(dict.fromkeys(words))
