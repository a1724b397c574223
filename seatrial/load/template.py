"""Tells events that differ in one string alone from all others, without parsing them."""

from __future__ import annotations

_PATIENCE = 8


class Template:
    """What lies before and after the string of one member in an event that was parsed.

    Where the bytes of a read are the same before and after, and between them lies neither a quotation mark nor a backslash
    nor the end of a line, it is one event, and the same JSON but for that string: the parser would be inside the string
    at its begin and at its end.
    """

    __slots__ = ("_after", "_before", "_least", "_member", "_misses")

    def __init__(self, member: bytes) -> None:
        self._member = member
        self._before = self._after = b""
        self._least = self._misses = 0

    def learn(self, data: bytes, text: str) -> None:
        """Remembers an event that was parsed, whose member holds that text. Gives up on streams that always differ."""
        self._misses += 1
        if self._misses > _PATIENCE or data.count(self._member) != 1:
            return
        begin = data.index(self._member) + len(self._member)
        while data[begin : begin + 1] in (b" ", b":"):
            begin += 1
        raw = text.encode("utf-8", "surrogatepass")
        if data[begin : begin + 1] != b'"' or b"\\" in raw or not data.startswith(raw + b'"', begin + 1):
            return
        end = begin + 1 + len(raw)
        if b'"' in raw:
            return
        self._before, self._after = b"data: " + data[: begin + 1], data[end:] + b"\n\n"
        self._least = len(self._before) + len(self._after)

    def middle(self, data: bytes) -> bytes:
        """The bytes of the string where a read is one event alike and the string is not empty; else nothing."""
        if self._least and len(data) > self._least and data.startswith(self._before) and data.endswith(self._after):
            found = data[len(self._before) : len(data) - len(self._after)]
            if b'"' not in found and b"\\" not in found and b"\n" not in found and b"\r" not in found:
                self._misses = 0
                return found
        return b""
