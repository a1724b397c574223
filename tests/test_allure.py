"""allure-results/ says of a run what Allure understands: suites, severity, steps, attachments, known failures, history."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from seatrial import run, summary
from seatrial.model import REDACTED, Level, Status
from tests import runs as made

ALLURE = made.FORMATS["allure"]


def results(told: run.Run, folder: Path) -> dict[str, dict[str, Any]]:
    """The tests by name."""
    folder.mkdir(exist_ok=True)
    rows = [json.loads(path.read_text()) for path in ALLURE.write(told, folder).glob("*-result.json")]
    found = {row["name"]: row for row in rows}
    assert len(found) == len(rows)
    return found


def labels(row: dict[str, Any]) -> dict[str, str]:
    return {label["name"]: label["value"] for label in row["labels"]}


def test_a_test_for_each_case_and_level_and_a_step_for_each_verdict(tmp_path: Path) -> None:
    told = made.everything()
    found = results(told, tmp_path)
    assert set(found) == {summary.line(f"{v.case} {v.level.value}") for v in told.verdicts}
    assert sum(len(row["steps"]) for row in found.values()) == len(told.verdicts)
    row = found["chat.stream[ascii] MUST"]
    assert row["status"] == "failed"
    assert labels(row)["suite"] == labels(row)["feature"] == "chat streaming"
    assert labels(row)["story"] == labels(row)["subSuite"] == "chat.stream"
    assert row["start"] < row["stop"]
    severities = {name.rpartition(" ")[2]: labels(row)["severity"] for name, row in found.items()}
    assert severities == {"MUST": "critical", "SHOULD": "minor", "MAY": "trivial"}
    assert all(re.fullmatch(r"https://\S+", link["url"]) for row in found.values() for link in row["links"])


def test_only_what_gates_is_red_and_not_muted(tmp_path: Path) -> None:
    told = made.everything()
    found = results(told, tmp_path)
    red = {n for n, row in found.items() if row["status"] == "failed" and not row["statusDetails"]["muted"]}
    gating = [v for v in told.verdicts if v.status is Status.FAIL and v.level is Level.MUST and not v.known]
    assert red == {f"{v.case} MUST" for v in gating}
    bad = made.findings(("a", "b", "c"))
    some = [
        made.verdict("a.known", Status.FAIL, case="x", known=True, reason="known: rounds", findings=bad),
        made.verdict("a.fine", case="x"),
        made.verdict("a.should", Status.FAIL, Level.SHOULD, case="x", findings=bad),
        made.verdict("a.error", Status.ERROR, case="y", reason="KeyError: 'x'"),
        made.verdict("a.unseen", Status.INCONCLUSIVE, case="z", reason="no choice"),
        made.verdict("a.unseen", Status.INCONCLUSIVE, case="w", reason="no choice"),
        made.verdict("a.fine", case="w"),
    ]
    found = results(made.a_run(some, [made.exchange(1)]), tmp_path / "two")
    said = {name: (row["status"], row.get("statusDetails", {})) for name, row in found.items()}
    assert said["x MUST"][0] == said["x SHOULD"][0] == "failed"
    assert said["x MUST"][1]["known"] is said["x MUST"][1]["muted"] is said["x SHOULD"][1]["muted"] is True
    assert said["x SHOULD"][1]["known"] is False
    assert (said["x MUST"][1]["expected"], said["x MUST"][1]["actual"]) == ("a", "b")
    assert said["y MUST"][0] == "broken"
    assert said["z MUST"][0] == "skipped"
    assert said["w MUST"] == ("passed", {})


def test_every_message_that_is_no_pass_is_in_one_category(tmp_path: Path) -> None:
    found = results(made.everything(), tmp_path)
    categories = json.loads((tmp_path / "allure-results" / "categories.json").read_text())
    assert json.loads((tmp_path / "allurerc.json").read_text())["categories"] == categories
    for row in found.values():
        for said in (row, *row["steps"]):
            message = said.get("statusDetails", {}).get("message")
            hit = [c["name"] for c in categories if message and re.match(c["messageRegex"], message)]
            assert len(hit) == (said["status"] != "passed"), message
            assert not hit or said["status"] in next(c for c in categories if c["name"] == hit[0])["matchedStatuses"]


def test_failures_carry_their_exchange_without_the_key_and_without_what_acts(tmp_path: Path) -> None:
    found = results(made.everything(), tmp_path)
    step = next(s for s in found["chat.hostile MUST"]["steps"] if s["status"] == "failed")
    names = {one["name"]: tmp_path / "allure-results" / one["source"] for one in step["attachments"]}
    assert set(names) == {"exchange 3", "curl 3"}
    text = names["exchange 3"].read_text("utf-8")
    assert f"authorization: Bearer {REDACTED}" in text
    assert "500 Internal Server Error" in text
    assert "</script><script>alert(1)</script>" in text
    for path in (tmp_path / "allure-results").iterdir():
        assert not set(path.read_text("utf-8")) & set("\x1b\u202e\u2066"), path
    (path,) = (tmp_path / "allure-results").glob("*-2-exchange-attachment.txt")
    stream = path.read_text("utf-8")
    assert '    1       20.0 ms  {"id": "chatcmpl-9"' in stream
    assert "events left out: all are in run.jsonl" in stream


def test_a_case_has_the_same_history_in_every_run(tmp_path: Path) -> None:
    first = results(made.everything(), tmp_path / "a")
    told = made.everything()
    again = replace(told, header={**told.header, "started": 1_760_086_400.0})
    second = results(again, tmp_path / "b")
    assert {n: row["historyId"] for n, row in first.items()} == {n: row["historyId"] for n, row in second.items()}
    assert not {row["uuid"] for row in first.values()} & {row["uuid"] for row in second.values()}
    files = [{path.name for path in tmp_path.glob(f"{name}/allure-results/*-*")} for name in "ab"]
    assert not files[0] & files[1], "results of several runs can lie in one folder"
    assert len({row["historyId"] for row in first.values()}) == len(first)
    config = json.loads((tmp_path / "a" / "allurerc.json").read_text())
    assert (tmp_path / "a" / config["historyPath"]).parent.resolve() == tmp_path.resolve()


def test_writing_again_leaves_nothing_of_before(tmp_path: Path) -> None:
    results(made.everything(), tmp_path)
    assert set(results(made.clean(), tmp_path)) == {"chat.plain MUST", "chat.plain SHOULD"}
    assert not list((tmp_path / "allure-results").glob("*attachment*"))


def test_the_environment_is_one_line_a_fact(tmp_path: Path) -> None:
    told = made.clean()
    evil = replace(told, header={**told.header, "target": {**told.target, "base_url": "http://h\\x\nProfile=other"}})
    results(evil, tmp_path)
    lines = (tmp_path / "allure-results" / "environment.properties").read_text("utf-8").splitlines()
    assert lines[0] == "Target=http://h\\\\x↵Profile=other"
    assert lines[1:] == ["Model=tiny", "Profile=reference", "Tier=gate", "seatrial=0.1.0", "Result=PASSED"]
