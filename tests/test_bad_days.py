"""Bad days: signals, kills, full disks, folders that cannot be written. What was measured stays; a run can go on."""

from __future__ import annotations

import json
import os
import random
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest

from seatrial import run
from tests.conftest import Play
from tests.test_cli import chat, seatrial

SEATRIAL = [sys.executable, "-m", "seatrial"]
CASES = ["--only", "chat.plain", "--only", "chat.max-tokens*", "--only", "models.list", "--only", "embeddings.f*"]
LOAD = ["load", "steady", "--users", "2", "--warmup", "0", "--grace", "5"]


@pytest.fixture(scope="module")
def reference() -> Iterator[str]:
    """The reference server, the whole module long."""
    with subprocess.Popen([*SEATRIAL, "serve", "--port", "0"], stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        yield server.stdout.readline().split()[0]
        server.terminate()


@pytest.fixture(scope="module")
def whole(reference: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a run that nothing cut off."""
    folder = tmp_path_factory.mktemp("whole")
    ran = seatrial("check", reference, *CASES, "--out", "run", cwd=folder)
    assert ran.returncode == 0, ran.stderr
    return folder / "run"


def until(what: Callable[[], Any], seconds: float = 150) -> None:
    """Waits until it is so."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end
        time.sleep(0.05)


def cases(folder: Path) -> int:
    """How many cases the record has."""
    path = folder / "run.jsonl"
    return path.read_bytes().count(b'{"type":"case"') if path.exists() else 0


def requests(folder: Path) -> int:
    """How many requests of a load test are recorded."""
    path = folder / "requests.jsonl"
    return len(path.read_bytes().splitlines()) if path.exists() else 0


def start(*words: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [*SEATRIAL, *words],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


def results(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "results.json").read_text())
    return found


def test_a_check_killed_at_any_moment_is_readable_and_goes_on(tmp_path: Path, reference: str, whole: Path) -> None:
    folder = tmp_path / "run"
    running = start("check", reference, *CASES, "--out", "run", cwd=tmp_path)
    until(lambda: cases(folder) >= 1)
    time.sleep(random.random())
    running.kill()
    running.communicate(timeout=30)
    # What it had started ends by itself, and holds the folder until then.
    until(lambda: seatrial("check", "--resume", "run", cwd=tmp_path).returncode != 2 or run.read(folder).complete)
    before = json.loads((folder / "run.jsonl").read_text().splitlines()[0])
    assert run.read(folder).complete
    first, second = run.read(folder), run.read(whole)
    assert [v.id for v in sorted(first.verdicts, key=lambda v: v.id)] == sorted(v.id for v in second.verdicts)
    assert first.planned == second.planned
    assert len(first.exchanges) >= len(second.exchanges)
    assert before["target"] == first.header["target"]
    again = seatrial("check", "--resume", "run", cwd=tmp_path)
    assert again.returncode == 2
    assert "nothing to go on with" in again.stderr


def test_a_run_goes_on_from_its_last_verdict(tmp_path: Path, reference: str, whole: Path) -> None:
    lines = (whole / "run.jsonl").read_bytes().splitlines(keepends=True)
    ends = [number for number, line in enumerate(lines) if line.startswith(b'{"type":"case"')]
    for name, cut in (("early", ends[0] + 3), ("late", ends[-1] + 1)):
        folder = tmp_path / name
        folder.mkdir()
        (folder / "run.jsonl").write_bytes(b"".join(lines[:cut]) + lines[cut][:40])
        assert "INCOMPLETE" in seatrial("report", name, cwd=tmp_path).stdout
        ran = seatrial("check", "--resume", name, "--jobs", "2" if name == "early" else "1", cwd=tmp_path)
        assert ran.returncode == 0, ran.stdout + ran.stderr
        found = run.read(folder)
        assert {v.id: v.status for v in found.verdicts} == {v.id: v.status for v in run.read(whole).verdicts}
        assert len(found.verdicts) == len({v.id for v in found.verdicts})
        assert any("went on" in note for note in found.notes)
        assert found.complete
        assert seatrial("judge", name, cwd=tmp_path).returncode == 0


def test_what_cannot_go_on_is_said(tmp_path: Path, reference: str) -> None:
    (tmp_path / "run").mkdir()
    header = {"type": "header", "format": 1, "target": {"base_url": "http://127.0.0.1:9/v1", "profile": "reference"}}
    (tmp_path / "run" / "run.jsonl").write_text(json.dumps({**header, "only": [], "skip": [], "tier": "smoke"}) + "\n")
    for words, said in (
        (["--resume", "nowhere"], "cannot be read"),
        (["--resume", "run", reference], "is a run on http://127.0.0.1:9/v1"),
        (["--resume", "run", "--out", "other"], "takes --out"),
    ):
        ran = seatrial("check", *words, cwd=tmp_path)
        assert ran.returncode == 2, ran.stderr
        assert said in ran.stderr
        assert "Traceback" not in ran.stderr


def test_two_runs_never_write_in_one_folder(tmp_path: Path, reference: str) -> None:
    both = [start("check", reference, *CASES, "--out", "run", cwd=tmp_path) for _ in range(2)]
    ended = [(one.communicate(timeout=180)[0], one.returncode) for one in both]
    assert sorted(code for _, code in ended) == [0, 2], ended
    assert any("another run is being written there" in said or "holds a run already" in said for said, _ in ended)
    assert results(tmp_path / "run")["complete"]


def test_two_load_tests_never_write_in_one_folder(tmp_path: Path, reference: str) -> None:
    words = ["load", "smoke", reference, "--out", "run"]
    both = [start(*words, cwd=tmp_path) for _ in range(2)]
    ended = [(one.communicate(timeout=120)[0], one.returncode) for one in both]
    assert sorted(code for _, code in ended) == [0, 2], ended
    assert not any("Traceback" in said for said, _ in ended)
    assert json.loads((tmp_path / "run" / "load.json").read_text())["complete"]


@pytest.mark.parametrize("words", [["check", "--only", "chat.plain"], ["load", "smoke"]], ids=lambda words: words[0])
@pytest.mark.parametrize("place", ["/proc/nowhere/run", "/dev/null/run"])
def test_a_folder_that_cannot_be_written_is_one_line(
    tmp_path: Path, reference: str, words: list[str], place: str
) -> None:
    ran = seatrial(*words, reference, "--out", place, cwd=tmp_path)
    assert ran.returncode in (2, 4), ran.stdout
    assert place.removesuffix("/run") in ran.stderr
    assert "Traceback" not in ran.stderr


def test_a_second_interrupt_stops_a_check_at_once(
    tmp_path: Path, serving: Callable[[Play], AbstractContextManager[str]]
) -> None:
    with serving(chat(lambda connection: time.sleep(18))) as url:
        running = start("check", url, "--only", "chat.plain", "--out", "run", cwd=tmp_path)
        record = tmp_path / "run" / "run.jsonl"
        until(lambda: record.exists() and b'"type":"plan"' in record.read_bytes())
        time.sleep(1)
        running.send_signal(signal.SIGINT)
        time.sleep(0.5)
        began = time.monotonic()
        running.send_signal(signal.SIGINT)
        said, _ = running.communicate(timeout=60)
    assert running.returncode == 4, said
    assert "Traceback" not in said
    assert "INCOMPLETE" in said
    assert time.monotonic() - began < 15
    assert not results(tmp_path / "run")["complete"]


@pytest.mark.parametrize("signals", [[signal.SIGINT], [signal.SIGTERM], [signal.SIGINT, signal.SIGINT]], ids=str)
def test_an_interrupted_load_test_keeps_what_was_measured(tmp_path: Path, reference: str, signals: list[int]) -> None:
    running = start(*LOAD, reference, "--duration", "60", "--out", "run", cwd=tmp_path)
    until(lambda: requests(tmp_path / "run") > 5)
    for signum in signals:
        running.send_signal(signum)
        time.sleep(0.3)
    said, _ = running.communicate(timeout=60)
    assert running.returncode == 4, said
    assert "Traceback" not in said
    found = json.loads((tmp_path / "run" / "load.json").read_text())
    assert not found["complete"]
    assert found["incomplete"] == "interrupted"
    assert found["requests"]["ok"] > 5


def test_a_killed_load_test_leaves_whole_lines(tmp_path: Path, reference: str) -> None:
    running = start(*LOAD, reference, "--duration", "60", "--out", "run", cwd=tmp_path)
    until(lambda: requests(tmp_path / "run") > 5)
    running.kill()
    running.communicate(timeout=30)
    *whole, last = (tmp_path / "run" / "requests.jsonl").read_bytes().split(b"\n")
    assert [json.loads(line)["status"] for line in whole] == [200] * len(whole)
    assert last == b""
    assert not (tmp_path / "run" / "load.json").exists()


def test_a_full_disk_ends_a_load_test_with_a_word(tmp_path: Path, reference: str) -> None:
    ran = subprocess.run(
        [*SEATRIAL, *LOAD, reference, "--duration", "20", "--out", "run"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=90,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000)),
        check=False,
    )
    assert ran.returncode == 4, ran.stdout + ran.stderr
    assert "File too large" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert (tmp_path / "run" / "requests.jsonl").stat().st_size <= 20_000
    assert os.path.exists(tmp_path / "run")
