"""Takes the API key out of what is kept and shown: as it is, escaped as in JSON and URLs, and in base64."""

from __future__ import annotations

import base64
import re

from seatrial.model import REDACTED

_SHORTEST = 8


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
