"""The terminal says the result last, keeps its width, and is not flooded."""

from __future__ import annotations

import re

import pytest

from seatrial import run
from seatrial.model import (
    Status,
)
from tests.runs import (
    FORMATS,
    a_run,
    clean,
    everything,
    exchange,
    findings,
    verdict,
)


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_of_the_terminal_is_wider_than_it_but_curl(any_run: run.Run, width: int) -> None:
    text = FORMATS["terminal"].render(any_run, width=width, color=False, verbose=True)
    in_curl = False
    for line in text.splitlines():
        in_curl = line.startswith("  curl ") or (in_curl and line.startswith("    "))
        assert in_curl or len(line) <= width or any(ord(char) > 0x2FFF for char in line), line
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_terminal_ends_with_requirements_and_result() -> None:
    text = FORMATS["terminal"].render(everything(), width=120, color=False)
    must = "MUST    50 of 71 applicable passed · 18 failed (1 known) · 2 inconclusive · 6 skipped · 1 error"
    assert text.index("MUST failed: 17") < text.index("SHOULD failed: 2") < text.index(must) < text.rindex("FAILED")
    assert "✗ stream.done-sentinel · 14 times" in text
    assert "also in   chat.stream[emoji], chat.stream[cjk]" in text
    assert "and 7 more cases" in text
    assert "MAY failed: 1 in 1 check (shown with --verbose)" in text
    assert "stream.terminal-delta-empty" not in text
    assert "stream.terminal-delta-empty" in FORMATS["terminal"].render(
        everything(), width=80, color=False, verbose=True
    )
    assert "ZeroDivisionError" in text


def test_colour_is_as_asked() -> None:
    coloured = FORMATS["terminal"].render(everything(), width=80, color=True)
    plain = FORMATS["terminal"].render(everything(), width=80, color=False)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == plain.split()
    assert "\x1b[" in coloured


def test_a_clean_run_is_short() -> None:
    text = FORMATS["terminal"].render(clean(), width=80, color=False)
    assert len(text.splitlines()) < 16
    assert "PASSED  Every applicable MUST passed." in text


def test_a_server_that_fails_everywhere_does_not_flood_the_terminal() -> None:
    bad = findings(("a", "b", "c"))
    told = a_run([verdict(f"theme.check-{n}", Status.FAIL, findings=bad) for n in range(50)], [exchange(1)])
    assert "30 more checks, in full with --verbose" in (text := FORMATS["terminal"].render(told, width=80, color=False))
    assert text.count("✗ theme.check-") == 20
    assert all(f"theme.check-{n}" in text for n in range(50))
    assert FORMATS["terminal"].render(told, width=80, color=False, verbose=True).count("✗ theme.check-") == 50
