"""The compatibility table: each word is told from verdicts, and each cell says which."""

from __future__ import annotations

from pathlib import Path

import pytest

from seatrial import compatibility, home, results, server
from seatrial.compatibility import Word
from seatrial.loading import module_at
from seatrial.model import Level, Status, Verdict
from seatrial.run import verdict_from
from tests.runs import HOSTILE, findings, verdict
from tests.test_cli import seatrial
from tests.test_play import play

WRONG = findings(("a", HOSTILE, "/x"))
WORKS = verdict("must/status", case="chat.plain")
DETAIL = verdict("usage.sum", case="chat.plain")


def seen(base: Verdict, status: Status, **how: object) -> Verdict:
    check, case = base.check, base.case
    return verdict(check, status, case=case, findings=WRONG if status is Status.FAIL else (), **how)


@pytest.mark.parametrize(
    ("verdicts", "word"),
    [
        ([WORKS, DETAIL], Word.YES),
        ([WORKS, seen(DETAIL, Status.INCONCLUSIVE)], Word.YES),
        ([WORKS, seen(DETAIL, Status.FAIL)], Word.PARTIAL),
        ([WORKS, seen(DETAIL, Status.FAIL, known=True)], Word.PARTIAL),
        ([WORKS, seen(DETAIL, Status.FAIL, level=Level.SHOULD)], Word.YES),
        ([seen(WORKS, Status.FAIL), DETAIL], Word.NO),
        ([seen(WORKS, Status.SKIPPED, reason="unsupported: chat"), DETAIL], Word.NOT_OFFERED),
        ([seen(WORKS, Status.INCONCLUSIVE), DETAIL], Word.NOT_SEEN),
        ([], Word.NOT_SEEN),
    ],
)
def test_a_cell_says_what_the_verdicts_say(verdicts: list[Verdict], word: Word) -> None:
    assert compatibility.cells(verdicts)[0].word is word


def test_the_reference_server_offers_what_is_tried(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAY_TEST_KEY", "sk-t")
    only = ("chat.plain", "chat.stream", "tools.required", "structured.const", "structured.json-object")
    only += ("embeddings.answer", "completions.answer", "logprobs.top", "chat.edge-seed")
    with server.running(server.Settings(api_key="sk-t")) as url:
        told = play(tmp_path, url, only=only)
    assert {cell.row.title: cell.word for cell in compatibility.cells(told.verdicts)} == {
        row.title: Word.YES for row in compatibility.rows()
    }
    path = tmp_path / "docs" / "compatibility.md"
    ran = seatrial("compatibility", f"reference={tmp_path}", "--out", str(path), cwd=tmp_path)
    assert ran.returncode == 0, ran.stderr
    assert path.read_text().count("[✅ yes](#") == len(compatibility.rows())
    data = [verdict_from(row) for row in results.read(tmp_path)["verdicts"]]
    assert len(data) == len(told.verdicts)


def test_each_cell_links_to_its_evidence_and_nothing_in_it_is_markup() -> None:
    columns = {"a|b <i>": compatibility.cells([WORKS, seen(DETAIL, Status.FAIL)])}
    table = module_at(home.folder("reports") / "site" / "table.py", "seatrial_site_table")
    text = table.render(columns, {"a|b <i>": HOSTILE})
    assert "[🟡 partial](#chat-a-b-i)" in text
    assert '<a id="chat-a-b-i"></a>' in text
    assert "usage.sum" in text
    assert "<i" not in text
    assert "<script" not in text
    assert "\x1b" not in text
    assert text.splitlines()[5].count("|") == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nowhere"], "cannot be read"),
        (["a=run", "a=run"], "two runs are named a"),
        (["run", "--definitions", "bad.yaml"], "bad.yaml:2: /rows/0: 'works' is a required property"),
    ],
)
def test_bad_input_is_one_clear_line(tmp_path: Path, words: list[str], said: str) -> None:
    (tmp_path / "bad.yaml").write_text("rows:\n- title: x\n")
    (tmp_path / "run").mkdir()
    data = '{"format":1,"seatrial":"0","complete":true,"incomplete_reason":"","run":{"result":"passed","exit_code":0,'
    data += '"started":"","tier":"gate","cases":{"planned":0,"finished":0},"capabilities":{}},"target":{"base_url":"",'
    counts = '{"applicable":0,"passed":0,"failed":0,"inconclusive":0,"skipped":0,"error":0,"known":0}'
    data += '"profile":"","models":{}},"requirements":{"must":' + counts + ',"should":' + counts + ',"may":' + counts
    data += '},"requests":0,"prompt_tokens":0,"completion_tokens":0,"seconds":0,"notes":[],"verdicts":[]}'
    (tmp_path / "run" / "results.json").write_text(data)
    ran = seatrial("compatibility", *words, cwd=tmp_path)
    assert ran.returncode == 2, ran.stdout
    assert said in ran.stderr
    assert "Traceback" not in ran.stderr
