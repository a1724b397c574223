"""Drawn sequences: nothing is said of a good server; a faulty one is shown its shortest sequence, again the next time."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from seatrial import run, scenario, server
from seatrial.generate.explore import Walker
from seatrial.generate.machines import GONE, PREFIX, Sequence, machines
from seatrial.model import Level, Status
from tests import plants
from tests.conftest import answer, raw_server
from tests.test_generated import Lines, bodies, catalog, exploring, suite

PLANTS = sorted(id for id, plant in server.catalog().items() if plant.area == "sequences" and plant.kind == "defect")


def failed(recorded: run.Run) -> set[str]:
    return {v.check for v in recorded.verdicts if v.status is Status.FAIL and v.level is Level.MUST}


@pytest.mark.parametrize("id", machines())
def test_a_tour_passes_on_a_good_server(id: str) -> None:
    (case,) = (case for case in plants.nightly() if case.id == f"{PREFIX}/{id}")
    verdicts = plants.play((), [case], "reference")
    assert not [v for v in verdicts if v.status in (Status.FAIL, Status.ERROR, Status.SKIPPED)]
    assert {v.check for v in verdicts if v.status is Status.PASS} >= {"must/status", "wire.body-schema"}


def test_what_is_asked_of_must_have_been_made() -> None:
    files = machines()["files"]
    sequence = Sequence(catalog().operations)
    assert [rule.name for rule in files.rules if rule.subjects(sequence)] == ["upload", "list"]
    with pytest.raises(IndexError):
        files.rule("read").play(sequence)
    files.rule("upload").play(sequence)
    files.rule("delete").play(sequence)
    assert [rule.name for rule in files.rules if rule.subjects(sequence)] == ["upload", "list", "read-gone"]
    files.rule("read-gone").play(sequence)
    assert [step.id for step in sequence.steps] == ["upload-1", "delete-2", "read-gone-3"]
    assert sequence.steps[-1].expect == GONE
    assert [step.id for step in sequence.cleanup] == ["clean-upload-1"]
    for _ in range(3):
        files.rule("upload").play(sequence)
    assert "upload" not in [rule.name for rule in files.rules if rule.subjects(sequence)]


def test_the_same_sequences_come_again_by_their_seed(tmp_path: Path) -> None:
    with server.running(server.Settings(api_key="sk-plugin-tests")) as url:
        runs = [
            suite(tmp_path, url, f"run{n}", f"{PREFIX}/stored-chat", "--examples", "10", "--seed", seed)
            for n, seed in enumerate("112")
        ]
    for ran, recorded in runs:
        assert ran.returncode == 0, ran.stdout
        assert recorded.complete
        assert not failed(recorded)
    first, again, other = ([re.sub(rb"chatcmpl-\w+", b"", body) for body in bodies(recorded)] for _, recorded in runs)
    assert len(first) > 20
    assert first == again != other


def test_a_failing_sequence_is_made_short_kept_and_asked_first_the_next_time(tmp_path: Path) -> None:
    ids = (f"{PREFIX}/files", "--seed", "1")
    with server.running(server.Settings(api_key="sk-plugin-tests", plants=("kept.gone/brought-back",))) as url:
        ran, recorded = suite(tmp_path, url, "one", *ids, "--examples", "100")
        assert ran.returncode == 1, ran.stdout
        shown = [v for v in recorded.verdicts if v.check == "kept.gone" and v.status is Status.FAIL]
        (drawn,) = {v.case for v in shown if v.case != f"{PREFIX}/files"}
        (path,) = (tmp_path / "found").rglob("*.yaml")
        assert any(str(path) in note for note in recorded.notes)
        (kept,) = scenario.load([path], catalog().operations).scenarios.values()
        names = [step.operation.id for step in kept.steps]
        assert sorted(names[:-1]) == ["createFile"] * 2 + ["deleteFile"] * 2
        assert names[-1] in ("retrieveFile", "downloadFile")
        assert drawn.endswith(f"[{kept.id.rpartition('-')[2]}]")
        ran, recorded = suite(tmp_path, url, "two", *ids, "--examples", "0")
        assert ran.returncode == 1
        assert drawn in {v.case for v in recorded.verdicts if v.status is Status.FAIL}
        left = json.loads(plants_files(url))
    assert left == []
    with server.running(server.Settings(api_key="sk-plugin-tests")) as url:
        ran, _ = suite(tmp_path, url, "three", *ids, "--examples", "0")
    assert ran.returncode == 0
    assert not list((tmp_path / "found").rglob("*.yaml"))


def plants_files(url: str) -> str:
    """The ids of the files that a server has, as JSON."""
    import httpx

    listed = httpx.get(f"{url}/files", headers={"authorization": "Bearer sk-plugin-tests"}, timeout=10).json()
    return json.dumps([row["id"] for row in listed["data"]])


def test_budgets_hold(tmp_path: Path) -> None:
    with server.running(server.Settings(api_key="sk-plugin-tests")) as url:
        ran, recorded = suite(tmp_path, url, "run", f"{PREFIX}/responses", "--examples", "100", "--max-requests", "40")
    assert ran.returncode in (0, 4), ran.stdout
    asked = [exchange for exchange in recorded.exchanges.values() if exchange.request.method != "DELETE"]
    assert 20 < len(asked) <= 40  # what was made is removed all the same
    assert len(recorded.exchanges) < 50
    assert any("no more sequences were drawn" in note for note in recorded.notes)


def test_what_is_not_offered_is_said_and_drawn_no_more() -> None:
    lines = Lines()
    missing = answer(b'{"error": {"message": "Not here.", "type": "x", "param": null, "code": null}}', status="404 No")
    with (
        raw_server(lambda connection, request: connection.sendall(missing)) as url,
        exploring(url, lines, "openai-compatible") as explorer,
    ):
        player = explorer._player
        player.record = lines
        walker = Walker(player, machines()["vector-stores"])
        for names in (("create", "read"), ("list", "create")):
            sequence = Sequence(player.operations)
            for name in names:
                walker.machine.rule(name).play(sequence)
            assert walker.ask(sequence) == frozenset()
    assert walker.stopped.startswith("unsupported: vector-stores: POST /vector_stores is answered 404")
    assert "create" in walker.without
    assert sum(line["type"] == "exchange" for line in lines) == 1
    assert {v["status"] for v in lines.verdicts() if v["check"] == "must/status"} == {"skipped"}


def test_a_rule_that_needs_what_is_refused_is_left_out_alone() -> None:
    lines = Lines()
    plant = "legal.stores-without-metadata"
    with (
        server.running(server.Settings(api_key=plants.KEY, plants=(plant,))) as url,
        exploring(url, lines, "openai-compatible") as explorer,
    ):
        explorer._player.record = lines
        walker = Walker(explorer._player, machines()["vector-stores"])
        for name in ("describe", "modify", "describe"):
            sequence = Sequence(explorer._player.operations)
            walker.machine.rule("create").play(sequence)
            walker.machine.rule(name).play(sequence)
            assert walker.ask(sequence) == frozenset()
    assert walker.without == {"describe"}
    assert not walker.stopped
    asked = [line for line in lines if line["type"] == "exchange" and line["step"].startswith("describe")]
    assert len(asked) == 1
