"""What stays out of the answer: reasoning, and the marks of the template that a prompt is written in."""

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


_TEMPLATE = (
    "<|im_end|>", "<|im_start|>", "<|eot_id|>", "<|eom_id|>", "<|start_header_id|>", "<|end_of_text|>",
    "<|endoftext|>", "<|end|>", "<|return|>", "<end_of_turn>", "<start_of_turn>", "<｜end▁of▁sentence｜>",
    "<|channel|>", "<|message|>", "<|channel>",
)  # fmt: skip


def _asks_no_template(exchange: Exchange) -> bool:
    told = (b"<|", b"_turn>", "\uff5c".encode(), b"\\uff5c")
    return view.is_chat(exchange) and not any(sign in exchange.request.body for sign in told)


@check("chat.no-template-marks", level=SHOULD, applies=_asks_no_template, spec="issue#mzau/mlx-knife/20")
def no_template_marks(exchange: Exchange) -> Iterator[Finding]:
    """The content holds no mark of the template by which a model tells turns apart."""
    for choice in view.choices(exchange):
        text = view.text(choice)
        mark = next((mark for mark in _TEMPLATE if mark in text), None)
        if mark is None and text.endswith("</s>") and "<s>" not in text:
            mark = "</s>"  # elsewhere it may be markup that is struck through
        if mark:
            at = text.rindex(mark)
            shown = repr(text[max(0, at - 20) : at + 40])
            yield Finding(f"no {mark}", shown, f"choice {choice.get('index')} /message/content")
