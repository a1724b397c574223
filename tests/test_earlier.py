"""Results of earlier and of newer versions: read, or refused in one sentence and left as they are.

`tests/earlier` holds a check and a load test as an earlier state of seatrial wrote them, before runs noted what was
polled, what was left open and what a load test reconnected for.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from seatrial import run
from seatrial.cli import cli
from seatrial.load import compare
from seatrial.model import Invalid

EARLIER = Path(__file__).parent / "earlier"
NEWER = "format 2 is newer than seatrial"


@pytest.fixture
def earlier(tmp_path: Path) -> Path:
    """A copy of the earlier results."""
    return shutil.copytree(EARLIER, tmp_path / "earlier")


def said(*arguments: object, code: int = 0) -> str:
    """What the command prints; a refusal as its message."""
    ran = CliRunner().invoke(cli, [str(argument) for argument in arguments], standalone_mode=False)
    if isinstance(ran.exception, Invalid):
        assert code == 2, ran.exception
        return str(ran.exception)
    assert ran.exception is None, ran.exc_info
    assert ran.return_value == code, ran.output
    return ran.output


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_an_earlier_check_is_rendered_and_judged_again(earlier: Path, tmp_path: Path) -> None:
    recorded = run.read(earlier / "check", checked=True)
    assert len(recorded.judged) == 2
    for name in ("terminal", "html", "json", "junit", "markdown", "allure"):
        said("report", earlier / "check", "--as", name, "--out", tmp_path / "out")
    made = json.loads((tmp_path / "out" / "results.json").read_bytes())
    assert {v["id"]: v["status"] for v in made["verdicts"]} == {
        v["id"]: v["status"] for v in json.loads((earlier / "check" / "results.json").read_bytes())["verdicts"]
    }
    assert "PASSED" in said("judge", earlier / "check")
    assert contents(earlier) == contents(EARLIER)


def test_earlier_results_are_compared_and_taken_into_a_history(earlier: Path, tmp_path: Path) -> None:
    record, results = earlier / "check" / "run.jsonl", earlier / "check" / "results.json"
    assert "nothing changed" in said("diff", results, record)
    assert "ttft.p50" in said("diff", earlier / "load", earlier / "load")
    history = tmp_path / "h.db"
    assert "2 taken in, 0 there already, 0 left out" in said("history", "--import", earlier, "--history", history)
    listed = said("history", "--history", history)
    assert "passed  MUST" in listed
    assert "load1" in listed


def newer(path: Path) -> None:
    text = path.read_text("utf-8")
    for old in ('"format":1', '"format": 1'):
        text = text.replace(old, old.replace("1", "2"), 1)
    path.write_text(text.replace('"complete"', '"wholly"'), encoding="utf-8")


@pytest.mark.parametrize(
    ("files", "command"),
    [
        (["check/run.jsonl"], lambda at, out: ("report", at / "check", "--as", "html")),
        (["check/run.jsonl"], lambda at, out: ("judge", at / "check", "--out", out)),
        (["check/run.jsonl"], lambda at, out: ("check", "--resume", at / "check")),
        (["check/run.jsonl"], lambda at, out: ("diff", at / "check/run.jsonl", EARLIER / "check")),
        (["check/results.json"], lambda at, out: ("diff", EARLIER / "check", at / "check")),
        (["check/results.json"], lambda at, out: ("check", "--compare-to", at / "check", "--out", out)),
        (["load/load.json"], lambda at, out: ("diff", at / "load", EARLIER / "load")),
    ],
    ids=["report", "judge", "resume", "diff of a record", "diff of results", "compare", "diff of loads"],
)
def test_what_a_newer_seatrial_wrote_is_named_and_left_as_it_is(
    earlier: Path, tmp_path: Path, files: list[str], command: Callable[[Path, Path], tuple[object, ...]]
) -> None:
    for name in files:
        newer(earlier / name)
    before = contents(earlier)
    told = said(*command(earlier, tmp_path / "out"), code=2)
    assert told.count(NEWER) == 1
    assert Path(files[0]).name in told
    assert len(told.splitlines()) == 1
    assert contents(earlier) == before
    assert not (tmp_path / "out").exists()


def test_an_import_leaves_out_what_is_newer_and_takes_the_rest(earlier: Path, tmp_path: Path) -> None:
    newer(earlier / "check" / "results.json")
    told = said("history", "--import", earlier, "--history", tmp_path / "h.db", code=2)
    assert NEWER in told
    assert "1 taken in, 0 there already, 1 left out" in told


@pytest.mark.parametrize(
    ("given", "words"),
    [("0", "format 0 is older than what seatrial"), ('"1"', "has no format number"), ("true", "has no format number")],
)
def test_what_has_no_format_of_ours_is_refused(earlier: Path, given: str, words: str) -> None:
    for path in (earlier / "check" / "run.jsonl", earlier / "load" / "load.json"):
        text = path.read_text("utf-8")
        for old in ('"format":1', '"format": 1'):
            text = text.replace(old, f'"format": {given}', 1)
        path.write_text(text, encoding="utf-8")
    with pytest.raises(Invalid, match=words):
        run.read(earlier / "check")
    with pytest.raises(Invalid, match=words):
        compare.read(earlier / "load")
