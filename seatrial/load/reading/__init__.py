"""What is read from an answer while it arrives: the first moment of each kind, and every event with tokens.

One module a wire dialect; each has a class `Dialect`. They parse with orjson and keep numbers, never objects.
"""

from __future__ import annotations

import importlib
import json
import pkgutil
from collections.abc import Mapping
from functools import cache
from typing import Any, ClassVar

import orjson

from seatrial import sse, weight
from seatrial.load.address import Failure
from seatrial.model import Event

ROLE, REASONING, ANSWER, TOOL = "role", "reasoning", "answer", "tool"

HEAVY = Failure("body.too_large", f"its JSON would take over {weight.MOST >> 20} MiB of memory")


class Reading:
    """The marks of one answer. Times are nanoseconds of the clock that the connection read."""

    __slots__ = (
        "_buffer",
        "_events",
        "_framing",
        "at",
        "data",
        "done",
        "error",
        "events",
        "first",
        "first_event_tokens",
        "id",
        "media",
        "now",
        "odd",
        "status",
        "terminals",
        "text",
        "usage",
    )
    streams: ClassVar[bool] = True
    """Whether a good answer in this dialect is a stream of events."""
    sentinel: ClassVar[bool] = False
    """Whether a good stream ends with `data: [DONE]`."""
    counts: ClassVar[bool] = True
    """Whether events stand for tokens where the server sends no usage."""

    def __init__(self, keep_text: bool = False) -> None:
        self.at: list[int] = []  # of every event with tokens
        self.first: dict[str, int] = {}
        self.now = 0  # when what is taken came
        self.events = 0
        self.data = b""  # of the event that is read
        self.usage: Mapping[str, Any] | None = None
        self.first_event_tokens = 0  # as far as usage within the stream tells
        self.id = ""
        self.terminals = 0
        self.done = False
        self.odd = ""  # a breach of the contract that does not change the figures
        self.error: Failure | None = None
        self.text: list[str] | None = [] if keep_text else None
        self.status, self.media = 0, ""
        self._buffer: list[bytes] = []
        self._framing: sse.Reader | None = None
        self._events = False  # whether the body is a stream of events that is to be read

    @property
    def streamed(self) -> bool:
        """Whether events are what is waited for: so until headers say otherwise."""
        return self.streams and (not self.status or self.media == "text/event-stream")

    def begin(self, status: int, headers: Mapping[str, str]) -> None:
        """Takes the status and the headers."""
        self.status = status
        self.media = headers.get("content-type", "").partition(";")[0].strip().lower()
        self._events = self.media == "text/event-stream" and status < 300
        coding = headers.get("content-encoding", "identity")
        if coding.strip().lower() not in ("", "identity"):
            self._events = False  # what it holds is not to be read
            self.error = Failure("body.encoded", f"Content-Encoding: {coding[:40]!r}, and none was asked for")

    def feed(self, at_ns: int, data: bytes) -> None:
        """Takes a piece of the body that came at that time."""
        self.now = at_ns
        self.take(data)

    def take(self, data: bytes) -> None:
        """Takes a piece of the body that came `now`."""
        if not self._events:
            self._buffer.append(data)
        elif self._framing is None and data.endswith(b"\n\n") and b"\r" not in data:
            for block in data[:-2].split(b"\n\n"):  # whole events, as nearly always
                if block.startswith(b"data: ") and b"\n" not in block:
                    self.event(self.now, "", block[6:])
                else:
                    self._block(self.now, block)
        else:
            if self._framing is None:
                self._framing = sse.Reader()
            self._take(self._framing.feed(data, self.now))
            if self._framing.between:
                self._framing = None

    def _block(self, at_ns: int, block: bytes) -> None:
        name, _, rest = block.partition(b"\n")
        if name.startswith(b"event: ") and rest.startswith(b"data: ") and b"\n" not in rest:
            self.event(at_ns, name[7:].decode("utf-8", "replace"), rest[6:])
        else:
            self._take(sse.Reader().feed(block + b"\n\n", at_ns))

    def _take(self, events: list[Event]) -> None:
        for event in events:
            self.event(event.at_ns, event.event, event.data.encode("utf-8", "surrogatepass"))

    def event(self, at_ns: int, name: str, data: bytes) -> None:
        """Takes one event of the stream."""
        self.events += 1
        if data == b"[DONE]":
            if self.done:
                self.odd = "two [DONE]"
            self.done = True
            return
        if weight.too_heavy(data):
            self.error = self.error or HEAVY
            return
        try:
            chunk = _parsed(data)
        except ValueError:
            self.error = self.error or Failure("stream.garbage", "an event that is not JSON: " + _shown(data))
            return
        if not isinstance(chunk, dict):
            self.error = self.error or Failure("stream.garbage", "an event that is no object: " + _shown(data))
            return
        if self.done:
            self.odd = "an event after [DONE]"
        if chunk.get("error"):
            self.error = self.error or Failure("stream.error_event", _message(chunk["error"]))
            return
        try:
            self.data = data
            self.chunk(at_ns, chunk)
        except (AttributeError, KeyError, TypeError, IndexError):
            self.error = self.error or Failure("stream.garbage", "an event of an unknown shape: " + _shown(data))

    def chunk(self, at_ns: int, chunk: dict[str, Any]) -> None:
        """Takes the object of one event. Raises TypeError where none was asked for: a stream in the place of a body."""
        raise TypeError

    def tokens(self, at_ns: int, kind: str, text: Any = None) -> None:
        """Marks an event with tokens of that kind."""
        if kind not in self.first:
            self.first[kind] = at_ns
        self.at.append(at_ns)
        if self.text is not None and kind == ANSWER and text:
            raw = text if isinstance(text, bytes) else str(text).encode("utf-8", "replace")
            self.text.append(raw.decode("utf-8", "replace"))

    def belongs(self, id: Any) -> None:
        """Marks a chunk of another answer's id."""
        if id != self.id:
            if self.id:
                self.odd = "chunks of two ids"
            elif isinstance(id, str):
                self.id = id

    @property
    def heavy(self) -> bool:
        """Whether what was read of a body is not to be parsed, for the memory that would take."""
        return not self._events and weight.too_heavy(self.body)

    @property
    def body(self) -> bytes:
        """What was read of a body that is no stream of events."""
        return b"".join(self._buffer)

    def verdict(self) -> Failure | None:
        """Why a complete exchange is no success; None where it is one."""
        body = self.body
        if self.status >= 300:
            return Failure(f"http.{self.status}", _told(body))
        if self.error is not None:
            return self.error
        if self.media != "text/event-stream":
            return self.whole(body)
        return self.ended()

    def ended(self) -> Failure | None:
        """Judges a stream that has ended."""
        if not self.at:
            return Failure("stream.empty", "no event with tokens")
        if not self.terminals:
            return Failure("stream.unterminated", "no terminal event")
        if self.sentinel and not self.done:
            self.odd = self.odd or "no [DONE]"
        return None

    def whole(self, body: bytes) -> Failure | None:
        """Judges an answer that is one body."""
        if self.streams:
            return Failure("stream.not_streamed", f"the answer is {self.media or 'of no media type'}")
        try:
            answer = _parsed(body)
        except ValueError:
            return Failure("body.garbage", "not JSON: " + _shown(body))
        if not isinstance(answer, dict):
            return Failure("body.garbage", "no object: " + _shown(body))
        if answer.get("error"):
            return Failure("body.error", _message(answer["error"]))
        self.id = answer["id"] if isinstance(answer.get("id"), str) else ""
        self.usage = answer["usage"] if isinstance(answer.get("usage"), dict) else None
        try:
            return self.answer(answer)
        except (AttributeError, KeyError, TypeError, IndexError):
            return Failure("body.garbage", "an answer of an unknown shape: " + _shown(body))

    def answer(self, answer: dict[str, Any]) -> Failure | None:
        """Judges the object of an answer that is one body."""
        return None


def _parsed(data: bytes) -> Any:
    """The JSON. Raises ValueError."""
    try:
        return orjson.loads(data)
    except orjson.JSONDecodeError:
        # Half an emoji, and numbers beyond a float, are JSON, and orjson takes neither.
        try:
            return json.loads(data.decode("utf-8"), parse_constant=_refused)
        except RecursionError:
            raise ValueError("nested too deep") from None


def _refused(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _shown(data: bytes) -> str:
    return repr(data[:80])[2:-1]


def _message(error: Any) -> str:
    return str(error.get("message", error) if isinstance(error, dict) else error)[:200]


def _told(body: bytes) -> str:
    """What an error's body says, in one line."""
    try:
        return _message(_parsed(body)["error"])
    except (ValueError, KeyError, TypeError):
        return _shown(body)


@cache
def dialects() -> dict[str, type[Reading]]:
    """Every dialect by name: one module here each."""
    return {
        module.name: importlib.import_module(f"{__name__}.{module.name}").Dialect
        for module in pkgutil.iter_modules(__path__)
    }
