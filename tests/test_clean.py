"""What a case made is removed when it has ended, newest first, however it ended; what could not be is listed."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seatrial import play, run, server, session
from seatrial.session import Options
from tests import measured
from tests.test_play import play as play_run

SCENARIOS = """
title: Cleaning
family: files
scenarios:
  clean.two:
    title: Two files are made, and then something else
    spec: [{at: openai#/components/schemas/OpenAIFile}]
    steps:
      - {id: one, operation: createFile, form: {purpose: batch, file: {file: a, lines: [{a: 1}]}}, outputs: {id: $response.body#/id}}
      - {id: two, operation: createFile, form: {purpose: batch, file: {file: b, lines: [{b: 1}]}}, outputs: {id: $response.body#/id}}
      - {id: last, operation: retrieveFile, parameters: {file_id: $steps.two.outputs.id}, must: {status: 418}}
      - {id: never, operation: createFile, form: {purpose: batch, file: {file: c, text: c}}, outputs: {id: $response.body#/id}}
    finally:
      - {id: drop-one, operation: deleteFile, parameters: {file_id: $steps.one.outputs.id}}
      - {id: drop-two, operation: deleteFile, parameters: {file_id: $steps.two.outputs.id}}
      - {id: drop-never, operation: deleteFile, parameters: {file_id: $steps.never.outputs.id}}
"""


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLAY_TEST_KEY", "sk-clean")


@pytest.fixture
def own(tmp_path: Path) -> str:
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / "clean.yaml").write_text(textwrap.dedent(SCENARIOS))
    return str(tmp_path / "own")


def deleted(found: run.Run) -> list[str]:
    """The names of the steps that made what was deleted, in the order of the deletions."""
    made = {e.request.form["file"][0].file: e for e in found.exchanges.values() if e.operation.id == "createFile"}
    names = {str(exchange.text.split('"')[3]): name for name, exchange in made.items()}
    gone = [e for e in found.exchanges.values() if e.request.method == "DELETE"]
    return [names[e.request.url.rpartition("/")[2]] or "" for e in sorted(gone, key=lambda e: e.number)]


def test_what_was_made_last_is_removed_first_also_after_a_failure(tmp_path: Path, own: str) -> None:
    with server.running(server.Settings(api_key="sk-clean")) as url:
        played = play_run(tmp_path / "run", url, only=("clean.*",), scenarios=own)
    assert [v.id for v in played.verdicts if v.status.word == "fail"] == ["clean.two/last/must/status"]
    assert deleted(played) == ["b", "a"]
    assert played.notes == ()


def test_what_could_not_be_removed_is_listed(tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(request: Request, body: bytes) -> Response | None:
        return JSONResponse({"error": "no"}, 500) if request.method == "DELETE" else None

    plant = server.Plant("stuck", "defect", "files", "nothing can be deleted", before=stuck)
    monkeypatch.setitem(server.catalog(), "stuck", plant)
    with server.running(server.Settings(api_key="sk-clean", plants=("stuck",))) as url:
        played = play_run(tmp_path / "run", url, only=("clean.*",), scenarios=own)
    assert len(played.notes) == 2
    assert all(note.startswith("left on the server by clean.two: DELETE http") for note in played.notes)
    assert all(note.endswith(": status 500") for note in played.notes)


def test_an_interrupted_case_removes_what_it_made(tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    send = play.Client.send

    def interrupted(self: Any, operation: Any, *given: Any, **how: Any) -> Any:
        asked.append(how.get("step", ""))
        if how.get("step") == "last":
            raise KeyboardInterrupt
        return send(self, operation, *given, **how)

    monkeypatch.setattr(play.Client, "send", interrupted)
    with server.running(server.Settings(api_key="sk-clean")) as url:
        options = Options(url, key_variable="PLAY_TEST_KEY", profile="reference", scenarios=own, only=("clean.*",))
        target, _ = session.find_target(options)
        player = session.player(options, target, None)
        with pytest.raises(KeyboardInterrupt):
            player.play(session.select(session.catalog(options), options)[0][0])
        player.client.close()
    assert asked[-3:] == ["last", "drop-two", "drop-one"]


@measured
def test_time_for_it_is_bounded(tmp_path: Path, own: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(request: Request, body: bytes) -> float | None:
        return 30.0 if request.method == "DELETE" else None

    monkeypatch.setattr("seatrial.clean.WITHIN_S", 0.5)
    monkeypatch.setitem(server.catalog(), "silent", server.Plant("silent", "defect", "f", "silence", before=silent))
    with server.running(server.Settings(api_key="sk-clean", plants=("silent",))) as url:
        played = play_run(tmp_path / "run", url, only=("clean.*",), scenarios=own)
    assert played.seconds < 5
    assert len(played.notes) == 2
    assert played.notes[1].endswith("not asked, the time was up")
