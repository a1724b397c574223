"""Reads server-sent events from bytes as they come, by the rules of the WHATWG standard (section 9.2.6)."""

from __future__ import annotations

from seatrial.model import Event

_BOM = b"\xef\xbb\xbf"
_MANY = 4096
"""Data lines of one event after which they are joined: a short line costs ten times its bytes."""


class Reader:
    """Feeds on bytes split anywhere; gives each event once, when its blank line has come.

    Lines end with LF, CR or CRLF; a leading byte order mark is dropped; an event without a data field is none; an
    event whose blank line never comes is none. Spans count from the first byte fed.
    """

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._offset = 0  # of the buffer's first byte in the body
        self._start = 0  # of the event being read
        self._data: list[str] = []
        self._blocks: list[str] = []  # of the event's data lines, joined
        self._event = ""
        self._last_id: str | None = None
        self._after_cr = False
        self._first_line = True
        self._scanned = 0

    @property
    def between(self) -> bool:
        """Whether all that was fed has been read: nothing is left of an event, a line or a CRLF."""
        return not (self._buffer or self._data or self._event or self._after_cr or self._first_line)

    def feed(self, data: bytes, at_ns: int) -> list[Event]:
        """The events that these bytes complete."""
        self._buffer += data
        events: list[Event] = []
        while True:
            if self._after_cr and self._buffer:
                self._after_cr = False
                if self._buffer[0] == 0x0A:
                    self._drop(1)
                    if events and events[-1].end == self._offset - 1:
                        # The LF of a CRLF that ended an event belongs to it.
                        last = events[-1]
                        events[-1] = Event(last.data, last.event, last.id, last.at_ns, last.start, self._offset)
                    if not self._data and self._start == self._offset - 1:
                        self._start = self._offset
            end = self._line_end()
            if end < 0:
                return events
            line = bytes(self._buffer[:end])
            self._after_cr = self._buffer[end] == 0x0D
            self._drop(end + 1)
            if self._first_line:
                self._first_line = False
                line = line.removeprefix(_BOM)
            if line:
                self._field(line.decode("utf-8", "replace"))
                continue
            if self._data:
                text = "\n".join([*self._blocks, *self._data])
                events.append(Event(text, self._event or "message", self._last_id, at_ns, self._start, self._offset))
            self._data, self._blocks, self._event, self._start = [], [], "", self._offset

    def _drop(self, count: int) -> None:
        del self._buffer[:count]
        self._offset += count
        self._scanned = 0

    def _line_end(self) -> int:
        lf = self._buffer.find(b"\n", self._scanned)
        cr = self._buffer.find(b"\r", self._scanned, lf if lf >= 0 else len(self._buffer))
        self._scanned = len(self._buffer) if lf < 0 and cr < 0 else 0
        return cr if cr >= 0 else lf

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if name == "data":
            if len(self._data) >= _MANY:
                self._blocks.append("\n".join(self._data))
                self._data.clear()
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self._last_id = value


def read(body: bytes, at_ns: int = 0) -> tuple[Event, ...]:
    """The events of a whole body."""
    return tuple(Reader().feed(body, at_ns))
