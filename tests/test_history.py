"""The history: what goes in comes out, what changed is named, and what is damaged or newer is left as it is."""

from __future__ import annotations

import contextlib
import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seatrial.cli.diff import command as diff_command
from seatrial.cli.history import command as history_command
from seatrial.history import History, Kind, compare, tables, take, wire
from seatrial.history.changes import grouped
from seatrial.loading import report_formats
from seatrial.model import Invalid, Level, Status
from seatrial.run import Recorder, Run, exchange_line, verdict_line
from tests.runs import HOSTILE, a_run, exchange, findings, verdict

WRONG = findings(("one id", "two ids", "/id"))
PASSES, FAILS = verdict("stream.one-id"), verdict("stream.one-id", Status.FAIL, findings=WRONG)


def results(told: Run, started: str = "2026-11-20T02:00:00Z") -> dict[str, Any]:
    data: dict[str, Any] = report_formats()["json"].results(told)
    data["run"]["started"] = started
    return data


def folder(path: Path, told: Run) -> Path:
    """The run as `seatrial check` leaves it."""
    path.mkdir(parents=True)
    recorder = Recorder(path / "run.jsonl")
    recorder.write(told.header)
    recorder.write({"type": "plan", "cases": told.planned})
    for number in told.exchanges:
        recorder.write(exchange_line(told.exchanges[number], "chat.plain"))
    for one in told.verdicts:
        recorder.write(verdict_line(one))
    recorder.write(dict(told.footer or {}))
    recorder.close()
    report_formats()["json"].write(told, path)
    return path


def invoke(command: Any, *words: Any) -> tuple[int, str]:
    done = CliRunner().invoke(command, [str(word) for word in words], standalone_mode=False)
    if done.exception:
        raise done.exception
    return int(done.return_value or 0), done.output


def test_a_run_comes_out_as_it_went_in(tmp_path: Path) -> None:
    hostile = verdict(
        "wire.body-schema", Status.FAIL, findings=findings(("a", HOSTILE, "/x")), known=True, reason=HOSTILE
    )
    told = a_run([PASSES, hostile, verdict("usage.sum", Status.SKIPPED, Level.SHOULD, reason="unsupported: x")])
    with History(tmp_path / "h.db", create=True) as history:
        night = history.begin("20261120", ["a"])
        id = history.add(results(told), "a", night=night)
        history.end(night)
        assert id is not None
        assert {v.id: v for v in history.verdicts(id)} == {v.id: v for v in told.verdicts}
        row = history.run(id)
        assert (row.target, row.model, row.exit_code, row.complete) == ("a", "tiny", 0, True)
        assert row.counts["must"]["known"] == 1
        assert history.add(results(told), "a", night=night) is None
        assert [n.name for n in history.nights() if n.ended] == ["20261120"]
        assert history.add(results(told), "", "the night's own folder") is None, "imported, it would be there twice"
        assert history.add(results(told, "2026-11-21T02:00:00Z"), "a") is not None
        next_night = history.begin("20261121", ["a", "b"])
        assert history.add(results(told), "b", night=next_night) is not None
        assert history.add(results(told), "") is None
    with History(tmp_path / "h.db") as history:
        assert len(history.runs()) == 3


@pytest.mark.parametrize(
    ("before", "after", "kind"),
    [
        (PASSES, FAILS, Kind.NEW),
        (FAILS, PASSES, Kind.FIXED),
        (FAILS, FAILS, Kind.SAME),
        (PASSES, verdict("stream.one-id", Status.SKIPPED), Kind.LOST),
        (FAILS, verdict("stream.one-id", Status.INCONCLUSIVE), Kind.GONE),
        (verdict("stream.one-id", Status.SKIPPED), PASSES, Kind.GAINED),
        (verdict("stream.one-id", Status.SKIPPED), FAILS, Kind.NEW),
    ],
)
def test_each_change_has_its_name(before: Any, after: Any, kind: Kind) -> None:
    (change,) = compare([before], [after])
    assert change.kind is kind


def test_what_the_other_run_did_not_play_is_no_change() -> None:
    other = verdict("sse.closes", Status.FAIL, case="sse.basic", findings=WRONG)
    assert compare([PASSES], [PASSES, other]) == []
    assert compare([PASSES, other], [PASSES]) == []


def test_what_goes_back_and_forth_is_flaky() -> None:
    past = {PASSES.id: [Status.PASS, Status.FAIL, Status.PASS]}
    (change,) = compare([FAILS], [PASSES], past)
    assert change.kind is Kind.FLAKY
    past = {PASSES.id: [Status.PASS, Status.INCONCLUSIVE, Status.PASS, Status.FAIL]}
    (change,) = compare([PASSES], [FAILS], past)
    assert change.kind is Kind.NEW


def test_changes_are_grouped_by_requirement() -> None:
    rows = [
        verdict("stream.one-id", status, case=f"chat.stream[{n}]", findings=WRONG)
        for n in "ab"
        for status in (Status.PASS, Status.FAIL)
    ]
    found = grouped(compare(rows[::2], rows[1::2]))
    assert [(row.kind, row.name, len(row.changes)) for row in found] == [(Kind.NEW, "stream.one-id", 2)]


def test_the_past_is_read_in_order(tmp_path: Path) -> None:
    with History(tmp_path / "h.db", create=True) as history:
        ids = [
            history.add(results(a_run([one, verdict("sse.closes")]), f"2026-11-2{day}T02:00:00Z"), "a")
            for day, one in enumerate((PASSES, FAILS, PASSES))
        ]
        past = history.past([id for id in ids if id is not None])
        assert past == {PASSES.id: [Status.PASS, Status.FAIL, Status.PASS]}


def test_the_difference_on_the_wire_leaves_out_what_always_differs() -> None:
    headers = (("content-type", "application/json"), ("date", "Mon"))
    old = exchange(1, b'{"id":"a","n":1}', headers=headers)
    new = exchange(9, b'{"id":"a","n":2}', headers=(headers[0], ("date", "Tue")))
    found = wire.difference(old, new)
    assert found.request == ()
    assert [row for row in found.answer if row[:1] in "+-" and row[:3] not in ("---", "+++")] == [
        '- "n": 1',
        '+ "n": 2',
    ]


def test_diff_names_the_new_failure_and_its_bytes(tmp_path: Path) -> None:
    old = folder(tmp_path / "old", a_run([PASSES], [exchange(1, b'{"id":"a"}')]))
    new = folder(tmp_path / "new", a_run([FAILS], [exchange(1, b'{"id":"b"}')]))
    code, said = invoke(diff_command, old, new)
    assert code == 1
    assert "new failure: MUST stream.one-id" in said
    assert '- "id": "a"' in said
    assert '+ "id": "b"' in said
    code, said = invoke(diff_command, new / "results.json", old / "run.jsonl")
    assert code == 0
    assert "1 fixed" in said


def test_runs_are_imported_listed_and_compared_by_id(tmp_path: Path) -> None:
    folder(tmp_path / "runs" / "1", a_run([PASSES]))
    folder(tmp_path / "runs" / "2", a_run([FAILS]))
    (tmp_path / "runs" / "newer").mkdir()
    (tmp_path / "runs" / "newer" / "results.json").write_text('{"format": 2}')
    at = ("--history", tmp_path / "h.db")
    code, said = invoke(history_command, "--import", tmp_path / "runs", "--target", "a", *at)
    assert code == 2
    assert "newer" in said
    assert "2 taken in, 0 there already, 1 left out" in said
    assert "0 taken in, 2 there already" in invoke(history_command, "--import", tmp_path / "runs", *at)[1]
    code, said = invoke(history_command, *at)
    assert "failed  MUST 0 of 1, 1 failed" in said
    code, said = invoke(diff_command, "1", "2", *at)
    assert code == 1
    assert "1 new failure" in said


def test_the_last_two_nights_are_compared_target_by_target(tmp_path: Path) -> None:
    path = tmp_path / "h.db"
    with History(path, create=True) as history:
        for name, one in (("n1", PASSES), ("n2", FAILS)):
            night = history.begin(name, ["a", "b"])
            history.add(results(a_run([one])), "a", night=night)
            history.add(results(a_run([PASSES])), "b", night=night)
    code, said = invoke(diff_command, "--history", path)
    assert code == 1
    assert said.count("new failure: MUST stream.one-id") == 1
    assert said.index("new failure") < said.index("b, run")
    assert invoke(diff_command, "--history", path, "--target", "b")[0] == 0


def test_load_tests_keep_their_percentiles_with_intervals(tmp_path: Path) -> None:
    for name, shift in (("old", 0), ("new", 300)):
        run = tmp_path / name
        run.mkdir()
        rows = [{"counted": True, "error": None, "ttft": 100 + n + shift, "e2e": 900 + n} for n in range(100)]
        (run / "requests.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
        load = {
            "format": 1,
            "seatrial": "0.1.0",
            "complete": True,
            "profile": "steady",
            "started": f"2026-11-2{shift // 300}",
        }
        load |= {"target": {"base_url": "http://h/v1", "model": "m"}, "requests": {"ok": 100, "failed": 0}, "slo": []}
        load |= {"latency_ms": {}, "throughput": {"output_tokens_per_s": 1}, "client": {"saturated": False}}
        (run / "load.json").write_text(json.dumps(load))
    with History(tmp_path / "h.db", create=True) as history:
        for name in ("old", "new"):
            take.take(history, tmp_path / name, "a")
            (tmp_path / name / "requests.jsonl").unlink()
        value, low, high = history.loads("a")[0].figures["ttft.p50"]
        summary = json.loads((tmp_path / "old" / "load.json").read_text()) | {"started": "2026-11-25"}
        assert history.add_load(summary, {}, "a", night=history.begin("20261125", ["a"])) is not None
        assert history.add_load(summary, {}, "") is None
        assert low < value == 149 < high
    _, said = invoke(diff_command, "load1", "load2", "--history", tmp_path / "h.db")
    assert "worse" in next(line for line in said.splitlines() if line.startswith("ttft.p50"))
    assert "undecided" in next(line for line in said.splitlines() if line.startswith("e2e.p50"))
    assert "ttft.p50 149 (" in invoke(history_command, "--history", tmp_path / "h.db")[1]


def damage(path: Path) -> None:
    with History(path, create=True) as history:
        for n in range(300):
            history.add(results(a_run([PASSES]), f"run {n}"), HOSTILE.encode("utf-8", "replace").decode())
    data = bytearray(path.read_bytes())
    data[8192:20000] = b"\xa5" * (20000 - 8192)
    path.write_bytes(data)


def newer(path: Path) -> None:
    History(path, create=True).__exit__(None, None, None)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA user_version = 99")


def foreign(path: Path) -> None:
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE other (x)")


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (damage, "cannot be read, and is left as it is"),
        (newer, "has version 99; seatrial"),
        (foreign, "another program"),
        (lambda path: path.write_text("hello"), "not an SQLite file"),
    ],
    ids=["damaged", "newer", "foreign", "text"],
)
def test_what_cannot_be_used_is_named_and_left_untouched(tmp_path: Path, spoil: Any, words: str) -> None:
    path = tmp_path / "h.db"
    spoil(path)
    before = path.read_bytes()
    with pytest.raises(Invalid, match=words):
        History(path, create=True)
    assert path.read_bytes() == before


def test_an_older_history_is_brought_up_to_date(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "h.db"
    with monkeypatch.context() as older:
        older.setattr(tables, "MIGRATIONS", tables.MIGRATIONS[:1])
        with History(path, create=True) as history:
            history.add(results(a_run([PASSES])), "a")
    monkeypatch.setattr(tables, "MIGRATIONS", (*tables.MIGRATIONS, "CREATE TABLE more (x);"))
    with History(path) as history:
        assert [row.target for row in history.runs()] == ["a"]
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (len(tables.MIGRATIONS),)
        connection.execute("SELECT x FROM more")
    monkeypatch.setattr(tables, "MIGRATIONS", (*tables.MIGRATIONS, "CREATE TABLE broken (;"))
    with pytest.raises(Invalid, match="cannot be brought to version 4"):
        History(path)
    with contextlib.closing(sqlite3.connect(path)) as connection, connection:
        assert connection.execute("PRAGMA user_version").fetchone() == (3,)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("1", "2"), "there is no history yet"),
        (("nowhere", "."), "is no file, no folder, and no run"),
        (("1",), "needs OLD and NEW"),
        ((), "there is no history yet"),
    ],
)
def test_what_is_not_there_is_one_clear_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(Invalid, match=said):
        invoke(diff_command, *words)


def test_a_write_that_fails_leaves_nothing_behind(tmp_path: Path) -> None:
    with History(tmp_path / "h.db", create=True) as history:
        broken = results(a_run([PASSES]))
        del broken["verdicts"][0]["area"]
        with pytest.raises(KeyError):
            history.add(broken, "a")
        assert history.runs() == []
