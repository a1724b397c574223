"""Reasoning models."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import check
from seatrial.model import SHOULD, Exchange, Finding


@check(
    "reasoning.no-markers",
    level=SHOULD,
    applies=lambda x: view.is_chat(x) and x.request.get("reasoning_effort") is not None,
    spec="issue#vllm-project/vllm/14170",
)
def no_markers(exchange: Exchange) -> Iterator[Finding]:
    """No marker of hidden reasoning is left in the content."""
    for choice in view.choices(exchange):
        text = view.text_of(choice)
        for mark in ("</think>", "<think>"):
            if mark in text:
                at = max(0, text.find(mark) - 40)
                yield Finding(f"no {mark}", text[at : at + 120], f"content of choice {view.index_of(choice)}")
                break
