"""Responses, streamed."""

from __future__ import annotations

from typing import Any

from seatrial.load.address import Failure
from seatrial.load.reading import ANSWER, REASONING, ROLE, TOOL, Reading

_KINDS = {
    "response.output_text.delta": ANSWER,
    "response.refusal.delta": ANSWER,
    "response.reasoning_text.delta": REASONING,
    "response.reasoning_summary_text.delta": REASONING,
    "response.function_call_arguments.delta": TOOL,
    "response.custom_tool_call_input.delta": TOOL,
}
_TERMINAL = ("response.completed", "response.incomplete", "response.failed")


class Dialect(Reading):
    """The typed events of the Responses API: a delta is tokens, `response.created` stands for the role."""

    __slots__ = ("_sequence",)

    def __init__(self, keep_text: bool = False) -> None:
        super().__init__(keep_text)
        self._sequence = -1

    def event(self, at_ns: int, name: str, data: bytes) -> None:
        """Takes one event; `error` events by name too."""
        super().event(at_ns, name, data)
        if name == "error":
            self.error = self.error or Failure("stream.error_event", data[:200].decode("utf-8", "replace"))

    def chunk(self, at_ns: int, chunk: dict[str, Any]) -> None:
        """Marks deltas by kind, the terminal event and the usage; `sequence_number` must go up by one."""
        type = chunk["type"]
        number = chunk.get("sequence_number")
        if isinstance(number, int):
            if self._sequence >= 0 and number != self._sequence + 1:
                self.odd = "sequence_number does not go up by one"
            self._sequence = number
        kind = _KINDS.get(type)
        if kind is not None:
            if chunk.get("delta"):
                self.tokens(at_ns, kind, chunk["delta"])
        elif type == "response.created":
            self.first.setdefault(ROLE, at_ns)
            self.belongs(chunk["response"]["id"])
        elif type in _TERMINAL:
            self.terminals += 1
            if self.terminals > 1:
                self.odd = "two terminal events"
            response = chunk["response"]
            self.belongs(response.get("id"))
            self.usage = response.get("usage") or self.usage
            if type == "response.failed":
                error = response.get("error") or {}
                self.error = self.error or Failure("stream.failed", str(error.get("message", ""))[:200])
        elif type == "error":
            self.error = self.error or Failure("stream.error_event", str(chunk.get("message", ""))[:200])
