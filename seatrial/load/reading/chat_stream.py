"""Chat completions, streamed."""

from __future__ import annotations

from typing import Any

from seatrial.load.reading import ANSWER, REASONING, ROLE, TOOL, Reading
from seatrial.load.template import Template


class Dialect(Reading):
    """`chat.completion.chunk` events."""

    __slots__ = ("_alike",)
    sentinel = True

    def __init__(self, keep_text: bool = False) -> None:
        super().__init__(keep_text)
        self._alike = Template(b'"content"')

    def take(self, data: bytes) -> None:
        """Takes a piece of the body; without parsing it where it is one event that differs from one that was parsed in
        its content alone."""
        text = self._alike.middle(data)
        if text and self._framing is None and not self.done:
            self.events += 1
            self.tokens(self.now, ANSWER, text)
        else:
            super().take(data)

    def chunk(self, at_ns: int, chunk: dict[str, Any]) -> None:
        """Marks the role, reasoning, answer and tool-call tokens, the terminal chunk and the usage."""
        id = chunk.get("id")
        if id != self.id:
            self.belongs(id)
        usage = chunk.get("usage")
        if usage:
            self.usage = usage
        marked = False
        choices = chunk.get("choices") or ()
        for choice in choices:
            delta = choice.get("delta") or {}
            content = delta.get("content")
            if content:
                kind = ANSWER
            elif delta.get("reasoning_content") or delta.get("reasoning"):
                kind = REASONING
            elif delta.get("tool_calls"):
                kind = TOOL
            elif delta.get("refusal"):
                kind, content = ANSWER, delta["refusal"]
            else:
                kind = ""
                if "role" in delta and ROLE not in self.first:
                    self.first[ROLE] = at_ns
            finish = choice.get("finish_reason")
            if kind:
                if not marked:
                    marked = True
                    self.tokens(at_ns, kind, content)
                    if usage and not self.first_event_tokens and len(self.at) == 1:
                        self.first_event_tokens = usage.get("completion_tokens") or 0
                elif kind not in self.first:
                    self.first[kind] = at_ns
                if (
                    not usage
                    and not finish
                    and len(choices) == 1
                    and kind == ANSWER
                    and content == delta.get("content")
                ):
                    self._alike.learn(self.data, str(content))
            if finish:
                self.terminals += 1
                if self.terminals > 1 and choice.get("index", 0) == 0:
                    self.odd = "two terminal chunks"
