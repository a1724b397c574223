"""Reasoning: that it stays out of the answer."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import check
from seatrial.model import SHOULD, Exchange, Finding

_MARKS = ("<think>", "</think>")


def _asks_no_marks(exchange: Exchange) -> bool:
    # Who is asked to write such a mark may do so.
    return view.is_chat(exchange) and b"think>" not in exchange.request.body


@check("reasoning.no-markers", level=SHOULD, applies=_asks_no_marks, spec="issue#vllm-project/vllm/14170")
def no_markers(exchange: Exchange) -> Iterator[Finding]:
    """The content holds no mark of a model's reasoning: it is the answer."""
    for choice in view.choices(exchange):
        text = view.text(choice)
        mark = next((mark for mark in _MARKS if mark in text), None)
        if mark:
            at = text.index(mark)
            shown = repr(text[max(0, at - 20) : at + 40])
            yield Finding(f"no {mark}", shown, f"choice {choice.get('index')} /message/content")
