"""Signs of tool calls that a server left in the text instead of reading them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable

_MARKS = (
    "<tool_call>",
    "<tool_calls>",
    "<invoke name=",
    "<|tool_call>call:",
    "<|channel|>commentary",
    "<|action_start|>",
    "[TOOL_CALLS]",
    "<|python_tag|>",
    "<function=",
    "<|tool_call|>",
    "<|tool_calls_section_begin|>",
    "<|tool_call_begin|>",
    "<｜tool▁calls▁begin｜>",
    "<|tool_call_start|>",
    "functools[",
)
_FAR = 200
_NAMED = ("<function=", "<|python_tag|>", "<tool_call>", "<invoke name=", "<|tool_call>call:")
"""What the name of the tool comes after, and then its arguments in other words than JSON."""
_CALL = re.compile(
    r"\s*(?:=\s*)?\"?[\w.-]+\"?\s*"
    r"(?:\(.*\)|>.*</(?:function|tool_call|invoke)>|(?:<arg_key>.*)?</tool_call>|\{.*\}<tool_call\|>)",
    re.DOTALL,
)
"""A name and, to their end, arguments in other words than JSON."""


def unread_call(text: str, names: Iterable[str]) -> tuple[str, bool] | None:
    """What stands in the text like a call of one of these tools, and whether it is whole; None where nothing does."""
    doubtful: tuple[str, bool] | None = None
    for mark in _MARKS:
        at = text.find(mark)
        while at >= 0:
            after = text[at + len(mark) :]
            near = after[:_FAR]
            if any(re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", near) for name in names if name):
                shown = text[at : at + len(mark) + 80]
                if _is_whole(mark, after):
                    return shown, True
                doubtful = doubtful or (shown, False)
            at = text.find(mark, at + 1)
    return doubtful


def _is_whole(mark: str, after: str) -> bool:
    # A weak model writes broken calls, which no server can read: only one that could be read was left unread.
    start = min((at for at in (after.find("{"), after.find("[")) if at >= 0), default=-1)
    if mark == "functools[":
        after, start = "[" + after, 0
    if 0 <= start <= _FAR:
        try:
            json.JSONDecoder().raw_decode(after[start:])
        except (ValueError, RecursionError):
            pass
        else:
            return True
    return mark in _NAMED and bool(_CALL.match(after))
