"""What shows only where parameters meet, or requests follow one another."""

from __future__ import annotations

from typing import Any

from seatrial.model import Exchange
from tests.rows import FAIL, OUT, PASS, Rows
from tests.rows.plausible import said


def after(text: str, tokens: int, reason: str = "stop", **between: Any) -> list[Exchange]:
    """One request before and after another; the answer to the last, its tokens, and why it ended."""
    first = said({}, ("stop", {"content": "One, two, three."}), tokens=6)
    last = said({}, (reason, {"content": text}), tokens=tokens, number=3)
    return [first, said(between, number=2), last]


ROWS: Rows = {
    "answers.not-inherited": [
        (FAIL, after("One, t", 3, stop=["wo"])),
        (FAIL, after("One, two", 3, "length", max_tokens=3)),
        (PASS, after("One, two, three.", 6, stop=["wo"])),
        (PASS, after("One", 3, stop=[", two"])),
        (PASS, after("One, two", 3, max_tokens=3)),
        (PASS, after("One, two", 3, "length", max_tokens=6)),
        (OUT, after("One, t", 3, stop=["wo"])[1:]),
    ],
}
