"""The baseline: what is known does not gate until it expires, and what is stale is said; bad files are named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from seatrial import baseline, judge, run, server, summary
from seatrial.baseline import Entry
from seatrial.loading import report_formats
from seatrial.model import Invalid, Level, Status
from seatrial.profile import Known
from tests.runs import a_run, findings, verdict
from tests.test_cli import seatrial

WRONG = findings(("one id", "two ids", "/id"))
FAILS = "chat.stream[ascii]/ask/stream.one-id"


def judged(known: list[Known], *verdicts: Any, **header: Any) -> run.Run:
    told = a_run([judge.mark(v, known) for v in verdicts])
    rows = [
        {"match": k.match, "reason": k.reason, "link": k.link, "actual": k.actual, "expired": k.expired} for k in known
    ]
    return replace(told, header={**told.header, "known": rows, **header})


def failing() -> Any:
    return verdict("stream.one-id", Status.FAIL, case="chat.stream[ascii]", findings=WRONG)


def test_a_known_failure_is_shown_and_does_not_gate() -> None:
    known = [Known(FAILS, "we know", "https://example.org/1")]
    told = judged(known, failing(), verdict("sse.closes"))
    assert summary.exit_code(told) == 0
    (shown,) = summary.failed(told.verdicts)
    assert shown.known
    assert shown.reason == "known: we know (https://example.org/1)"
    assert "stream.one-id (MUST): we know" in report_formats()["terminal"].render(told)


def test_an_id_with_brackets_names_itself_and_no_other() -> None:
    assert Known(FAILS, "r").covers(FAILS, "stream.one-id")
    assert not Known(FAILS, "r").covers(FAILS.replace("[ascii]", "[emoji]"), "stream.one-id")
    assert Known("chat.*", "r").covers(FAILS, "stream.one-id")


def test_an_expired_entry_excuses_nothing() -> None:
    entry = Entry(FAILS, "we know", expires="2026-03-31")
    assert entry.known("2026-03-31").expired == ""
    told = judged([entry.known("2026-04-01")], failing(), verdict("sse.closes"))
    assert summary.exit_code(told) == 1
    assert "known until 2026-03-31, when that expired: we know" in told.verdicts[0].reason
    assert [row.match for row in baseline.expired(told)] == [FAILS]


def test_an_expired_entry_that_passes_now_is_still_to_be_removed() -> None:
    known = [Entry("sse.closes", "we know", expires="2026-03-31").known("2026-04-01")]
    told = judged(known, verdict("sse.closes"))
    assert summary.exit_code(told) == 1
    assert "sse.closes expired on 2026-03-31, and passes now" in summary.conclusion(told)


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_an_entry_that_passes_now_fails_a_strict_gate(strict: bool, code: int) -> None:
    told = judged([Known("sse.closes", "we know")], verdict("sse.closes"), strict=strict)
    assert summary.exit_code(told) == code
    assert ("passes now" in summary.conclusion(told)) is strict


def test_an_entry_of_which_some_still_fails_has_not_passed() -> None:
    known = [Known("stream.one-id", "we know")]
    told = judged(known, failing(), verdict("stream.one-id"), strict=True)
    assert baseline.mended(told) == []
    assert summary.exit_code(told) == 0


@pytest.mark.parametrize(("strict", "code"), [(False, 0), (True, 1)])
def test_a_pass_that_was_lost_fails_a_strict_comparison(strict: bool, code: int) -> None:
    lost = verdict("usage.sum", Status.SKIPPED, reason="unsupported: chat.usage")
    told = judged([], lost, verdict("sse.closes"), strict=strict, passed_before=[lost.id])
    assert summary.exit_code(told) == code


def test_an_update_keeps_what_people_wrote_in_a_stable_order(tmp_path: Path) -> None:
    path = tmp_path / "known.yaml"
    entries = [
        Entry("stream.one-id", "upstream stamps: each chunk", "https://example.org/1", expires="2099-01-01"),
        Entry("sse.closes", "passes now"),
        Entry("embeddings.*", "not played here"),
    ]
    baseline.write(path, entries)
    known = [entry.known("2026-01-01") for entry in baseline.load(path)]
    told = judged(
        known,
        failing(),
        verdict("sse.closes"),
        verdict("wire.body-schema", Status.FAIL, findings=WRONG),
        verdict("errors.members", Status.FAIL, Level.SHOULD, findings=WRONG),
    )
    assert baseline.update(path, told) == "3 known, 1 new, 1 removed as they pass now"
    written = path.read_text()
    after = baseline.load(path)
    assert [entry.match for entry in after] == ["chat.plain/ask/wire.body-schema", "embeddings.*", "stream.one-id"]
    assert after[2] == entries[0]
    baseline.write(path, reversed(after))
    assert path.read_text() == written


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("known: []\n", 1, "'format' is a required property"),
        ("format: 2\nknown: []\n", 1, "1 was expected"),
        ("format: 1\nknown:\n- {match: a}\n", 3, "'reason' is a required property"),
        ("format: 1\nknown:\n- match: a\n  reason: b\n  why: c\n", 5, "unknown member 'why'"),
        ("format: 1\nknown:\n- match: a\n  reason: b\n  expires: soon\n", 5, "does not match"),
        ("format: 1\nknown:\n- match: a\n  reason: b\n  expires: 2026-02-30\n", 5, "no day of the calendar"),
        ("format: 1\nknown:\n- {match: a, reason: b}\n- {match: a, reason: c}\n", 4, "given twice"),
    ],
)
def test_a_bad_baseline_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    path = tmp_path / "known.yaml"
    path.write_text(text)
    with pytest.raises(Invalid) as caught:
        baseline.load(path)
    assert words in str(caught.value)
    assert f"known.yaml:{line}:" in str(caught.value)


def test_the_gate_from_the_command_line(tmp_path: Path) -> None:
    """A failing server; its baseline; nothing new; the server is mended; it fails again."""
    only = ["--only", "chat.stream", "--skip", "sse.*"]
    known = tmp_path / "known.yaml"

    def check(url: str, out: str, *more: str) -> int:
        ran = seatrial("check", url, *only, "--out", out, *more, cwd=tmp_path, OPENAI_API_KEY="sk-t")
        assert "Traceback" not in ran.stdout + ran.stderr
        return ran.returncode

    with server.running(server.Settings(api_key="sk-t", plants=("stream.one-id",))) as url:
        assert check(url, "first", "--baseline", str(known), "--update-baseline") == 0
        assert "stream.one-id" in known.read_text()
        assert check(url, "second", "--baseline", str(known), "--strict", "--jobs", "2") == 0
        assert any(v.known for v in run.read(tmp_path / "second", checked=True).verdicts)
    with server.running(server.Settings(api_key="sk-t")) as url:
        assert check(url, "third", "--baseline", str(known), "--strict") == 1
    with server.running(server.Settings(api_key="sk-t", plants=("stream.one-id",))) as url:
        assert check(url, "fourth", "--compare-to", "third/results.json") == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--update-baseline"], "needs --baseline FILE"),
        (["--baseline", "none.yaml"], "none.yaml: cannot be read"),
        (["--compare-to", "."], "it holds no results.json"),
        (["--compare-to", "newer.json"], "newer.json: /format: format 2 is newer"),
        (["--compare-to", "bad.json"], "bad.json:2: is not JSON"),
    ],
)
def test_a_bad_file_is_one_line_before_anything_is_sent(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "newer.json").write_text('{"format": 2}')
    (tmp_path / "bad.json").write_text('{"format":\n')
    ran = seatrial("check", *arguments, cwd=tmp_path)
    assert ran.returncode == 2, ran.stderr
    assert words in ran.stderr
    assert "Traceback" not in ran.stderr
