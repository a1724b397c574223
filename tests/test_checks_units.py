"""Each check on small exchanges made by hand: what fails it, what is legal and near by, and what it cannot judge."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

import pytest

from seatrial import citation
from seatrial.check import checks
from seatrial.judge import judge, relate
from seatrial.model import Operation, Status
from tests import rows as families
from tests.exchanges import BARE, CASE, CHAT, EMBED, MODELS, NAMED, STRICT, TEXT, ask, ex, tools
from tests.rows import FAIL, PASS, Rows

SHOWN_ELSEWHERE = {"audio", "speech", "images", "moderations", "metamorphic", "mixed", "kept"}
"""Modules whose checks judge sound, pictures, or what several requests say together: the planted defects show what they tell."""

ROWS: Rows = {}
for found in pkgutil.iter_modules(families.__path__):
    ROWS |= importlib.import_module(f"tests.rows.{found.name}").ROWS


def outcome(name: str, subject: Any) -> Any:
    """The verdict of one check, or None where it does not apply."""
    known = [checks()[name]]
    verdicts = relate(CASE, subject, known) if isinstance(subject, list) else judge(CASE, subject, known)
    return verdicts[0] if verdicts else None


@pytest.mark.parametrize(
    ("name", "expected", "subject"),
    [
        pytest.param(name, expected, subject, id=f"{name}-{number}")
        for name, rows in ROWS.items()
        for number, (expected, subject) in enumerate(rows)
    ],
)
def test_a_check_judges_rightly(name: str, expected: Status | None, subject: Any) -> None:
    verdict = outcome(name, subject)
    found = verdict.status if verdict else None
    assert found == expected, f"{name}: {found}, not {expected}: {verdict and (verdict.reason or verdict.findings)}"


@pytest.mark.parametrize("name", sorted(checks()))
def test_every_check_is_in_the_table_with_a_failure_and_a_pass(name: str) -> None:
    if checks()[name].function.__module__.rpartition(".")[2] not in SHOWN_ELSEWHERE:
        assert {FAIL, PASS} <= {expected for expected, _ in ROWS.get(name, [])}


@pytest.mark.parametrize("name", sorted(checks()))
def test_every_citation_resolves(name: str) -> None:
    assert citation.url(checks()[name].spec)


ODD: list[Any] = [
    b"", b"[]", b"null", b"5", b'"a"', b"{}", b"[" * 100_000, b"\xff\xfe", b'{"choices": null}', b'{"choices": [null]}',
    b'{"choices": [{"index": "0"}]}', b'{"choices": [{"index": 0, "message": null}]}', b'{"usage": 5, "choices": [{}]}',
    b'{"choices": [{"index": 0, "message": {"content": ["a"], "tool_calls": [1, {"function": 5}]}, "logprobs": 5}]}',
    b'{"data": [null, 5, {"embedding": null, "index": null}], "error": 5, "usage": {"prompt_tokens": 1e400}}',
    b'{"choices": [{"index": 0, "text": "\\ud83d", "message": {"content": "\\ud83d"}, "finish_reason": ["stop"]}]}',
]  # fmt: skip
ASKED = [
    None, 5, [], {}, ask(), ask(n="2", max_tokens="5", stop=[None, ""], tools=[None, {"function": {"name": 5}}]),
    ask(stream=True, logprobs=True, stream_options=5, tool_choice={"function": 5},
        response_format={"type": "json_schema"}),
    tools(NAMED, STRICT, logprobs=True, stop="a", max_tokens=1, seed=1, temperature=0),
    {"prompt": [None, 5], "echo": True, "best_of": 2, "logprobs": 1, "stream": True},
    {"input": [None], "dimensions": True},
]  # fmt: skip


@pytest.mark.parametrize("op", [CHAT, TEXT, EMBED, MODELS, BARE], ids=lambda op: op.id)
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_no_check_errs_on_odd_answers(op: Operation, asked: Any) -> None:
    """Whatever a server sends is its fault, never one of ours."""
    everything = list(checks().values())
    for status in (200, 204, 404, 500, None):
        for media in ("application/json", "text/event-stream", ""):
            odd = [ex(op, asked, b"data: " + a + b"\n\n" if "event" in media else a, status, media=media) for a in ODD]
            verdicts = [verdict for exchange in odd for verdict in judge(CASE, exchange, everything)]
            verdicts += relate(CASE, odd, everything)
            assert [(v.check, v.reason) for v in verdicts if v.status is Status.ERROR] == []
