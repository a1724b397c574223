"""What shows only where parameters meet, or requests follow one another."""

from __future__ import annotations

import email.utils
import json
from typing import Any

from seatrial.model import Exchange
from tests.rows import FAIL, OPEN, OUT, PASS, Rows, exchange
from tests.rows.plausible import TODAY, said
from tests.rows.reported import FORCED, called, chosen, prompted


def after(text: str, tokens: int, reason: str = "stop", **between: Any) -> list[Exchange]:
    """One request before and after another; the answer to the last, its tokens, and why it ended."""
    first = said({}, ("stop", {"content": "One, two, three."}), tokens=6)
    last = said({}, (reason, {"content": text}), tokens=tokens, number=3)
    return [first, said(between, number=2), last]


def biased(forced: str, text: str) -> list[Exchange]:
    """The same, where the request between has a bias and is answered so."""
    first, _, last = after(text, 8)
    return [first, said({"logit_bias": {"65": 100}}, ("stop", {"content": forced}), number=2), last]


def read(tokens: int, number: int, text: str, **more: Any) -> Exchange:
    """A chat of one message that says this; and how many tokens it is said to have."""
    one = chosen(1, tokens, number)
    asked = {**json.loads(one.request.body), "messages": [{"role": "user", "content": text}], **more}
    return exchange(
        "createChatCompletion",
        "POST /chat/completions",
        "/chat/completions",
        json.loads(one.body),
        asked,
        number=number,
    )


SAID, MORE = "Say hello.", "Say hello. The tide turns and the pilot waits."
BARE: Any = [{"type": "function", "function": {"name": "f"}}]
TOLD: Any = [{"type": "function", "function": {"name": "f", "description": "Rings the bell of the pier."}}]

HISTORY: Any = [{"role": "assistant", "tool_calls": [{"id": "c", "type": "function", "function": {"name": "f"}}]}]


def inserted(suffix: str | None, text: str, tokens: int, number: int) -> Exchange:
    """A completion before this suffix, and how many tokens were read for it."""
    one = prompted("a ship", tokens, number)
    answer = json.loads(one.body)
    answer["choices"][0]["text"] = text
    asked = {**json.loads(one.request.body), "suffix": suffix}
    return exchange("createCompletion", "POST /completions", "/completions", answer, asked, number=number)


def thrice(*texts: str, tokens: int = 3) -> list[Exchange]:
    """Completions without a suffix and with two; each suffix has so many tokens."""
    suffixes = (None, " sails.", " sinks.")
    each = zip(suffixes, texts, strict=True)
    return [inserted(suffix, text, tokens if suffix else 3, at) for at, (suffix, text) in enumerate(each, 1)]


LONG = "left the harbour at dawn"


def numbered(*indices: int) -> Exchange:
    """A chat of several choices that are listed so."""
    one = said({"n": len(indices)}, *[("stop", {})] * len(indices))
    answer = json.loads(one.body)
    for choice, index in zip(answer["choices"], indices, strict=True):
        choice["index"] = index
    asked = json.loads(one.request.body)
    return exchange("createChatCompletion", "POST /chat/completions", "/chat/completions", answer, asked)


SENT = int(email.utils.parsedate_to_datetime(TODAY).timestamp())

ROWS: Rows = {
    "chat.choices-in-order": [
        (FAIL, numbered(1, 0)),
        (PASS, numbered(0, 1)),
        (OPEN, numbered(1, 2)),
        (OUT, numbered(0)),
    ],
    "created.answer-not-ahead": [
        (FAIL, said({}, created=SENT + 7200)),
        (PASS, said({}, created=SENT + 60)),
        (PASS, said({}, created=SENT - 7200)),
        (OPEN, said({}, created=SENT * 1000)),
        (OUT, chosen(1, 9, 1)),
    ],
    "completions.suffix-read": [
        (FAIL, thrice(LONG, LONG, LONG)),
        (PASS, thrice(LONG, LONG, LONG, tokens=5)),
        (PASS, thrice(LONG, LONG, "never left the harbour again")),
        (OPEN, thrice("left", "left", "left")),
        (OUT, thrice(LONG, LONG, LONG)[:2]),
    ],
    "tools.call-ids-new": [
        (FAIL, called("{}", {**FORCED, "messages": HISTORY})),
        (PASS, called("{}", {**FORCED, "messages": [{**HISTORY[0], "tool_calls": [{"id": "d"}]}]})),
        (OPEN, said({**FORCED, "messages": HISTORY}, ("stop", {"tool_calls": None}))),
        (OUT, called("{}", FORCED)),
    ],
    "usage.request-read": [
        (FAIL, [read(9, 1, SAID), read(9, 2, MORE)]),
        (FAIL, [read(9, 1, SAID, tools=BARE), read(9, 2, SAID, tools=TOLD)]),
        (PASS, [read(9, 1, SAID), read(14, 2, MORE)]),
        (OPEN, [read(0, 1, SAID), read(9, 2, MORE)]),
        (OUT, [read(9, 1, SAID), read(9, 2, SAID + " Now.")]),
        (OUT, [read(9, 1, SAID), read(9, 2, "Another text of many more words altogether.")]),
        (OUT, [read(9, 1, SAID, tools=BARE, tool_choice="none"), read(9, 2, SAID, tools=TOLD, tool_choice="none")]),
    ],
    "answers.not-inherited": [
        (FAIL, after("One, t", 3, stop=["wo"])),
        (FAIL, after("One, two", 3, "length", max_tokens=3)),
        (FAIL, biased("AAAAAAAA", "AAAAAAAA")),
        (PASS, biased("AAAAAAAA", "One, two, three.")),
        (PASS, biased("One.", "One.")),
        (PASS, after("One, two, three.", 6, stop=["wo"])),
        (PASS, after("One", 3, stop=[", two"])),
        (PASS, after("One, two", 3, max_tokens=3)),
        (PASS, after("One, two", 3, "length", max_tokens=6)),
        (OUT, after("One, t", 3, stop=["wo"])[1:]),
    ],
}
