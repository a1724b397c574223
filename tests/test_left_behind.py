"""Nothing is left on a server by a run that ended, failed or was interrupted; what could not be removed is listed."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from seatrial import kept, run, server
from seatrial.model import Exchange, Operation, TransportError
from seatrial.model import Request as Sent

ENDED = {"completed", "succeeded", "failed", "expired", "cancelled", "cancelling"}
MODELS = ["--model", "seatrial-chat", "--model", "embeddings=seatrial-embed", "--profile", "reference"]


def _slow(request: Request, body: bytes) -> float | None:
    """Reading takes its time, so that an interrupt comes while something is there."""
    return (
        3.0
        if request.method == "GET" and re.search(r"/(files|batches|jobs|vector_stores)/", request.url.path)
        else None
    )


def _refusing(request: Request, body: bytes) -> Response | None:
    return JSONResponse({"error": {"message": "no", "type": "no"}}, 500) if request.method == "DELETE" else None


def _wrong(route: str, body: Any, made: Any) -> Any:
    """A file that is answered so that a case on it fails."""
    return {**made, "bytes": -1, "filename": 7} if route == "POST /files" and isinstance(made, dict) else made


PLANTS = (
    server.Plant("slow", "defect", "files", "slow reading", before=_slow),
    server.Plant("refusing", "defect", "files", "no deletion", before=_refusing),
    server.Plant("wrong", "defect", "files", "wrong members", result=_wrong),
)


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    for plant in PLANTS:
        monkeypatch.setitem(server.catalog(), plant.id, plant)


def got(url: str) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, headers={"authorization": "Bearer sk-left"})) as answer:
        return json.load(answer)


def held(url: str) -> dict[str, list[str]]:
    """What the server's own lists hold, of each kind; what works no more is not counted."""
    work, kinds = ("batches", "fine_tuning/jobs"), ("files", "vector_stores", "chat/completions")
    # What works first: a batch writes its files when it is looked at.
    rows = {kind: got(f"{url}/{kind}?limit=100")["data"] for kind in (*work, *kinds)}
    still = {k: [row["id"] for row in r if k in kinds or row["status"] not in ENDED] for k, r in rows.items()}
    return {kind: ids for kind, ids in still.items() if ids}


def start(url: str, out: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "seatrial", "check", url, *MODELS, "--out", str(out), *words]
    environment = {**os.environ, "OPENAI_API_KEY": "sk-left"}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment)


def made(out: Path, count: int) -> bool:
    """Whether the record holds so many answers that made something."""
    record = out / "run.jsonl"
    return record.exists() and len(re.findall(rb'"id":"create(?:File|VectorStore|Batch|FineT)|"id":"sdk","method":"POST"', record.read_bytes())) >= count  # fmt: skip


def interrupted(url: str, out: Path, ready: Callable[[], bool], *words: str) -> str:
    """What a run said that was interrupted once something was made and it was ready; it ended within its bound."""
    running = start(url, out, *words)
    end = time.monotonic() + 180
    while time.monotonic() < end and not (any(held(url).values()) and ready()):
        time.sleep(0.05)
    assert held(url), "nothing was made"
    begun = time.monotonic()
    running.send_signal(signal.SIGINT)
    said, _ = running.communicate(timeout=60)
    assert time.monotonic() - begun < 25, said
    assert running.returncode == 4, said
    assert "Traceback" not in said
    return said


@pytest.fixture
def url() -> Iterator[str]:
    with server.running(server.Settings(api_key="sk-left", plants=("slow",))) as base:
        yield base


@pytest.mark.parametrize(
    "only", ["files.pages", "vector-stores.file", "batches.chat", "fine-tuning.job", "sdk.files", "sdk.vector-stores"]
)
def test_an_interrupted_check_leaves_nothing(tmp_path: Path, url: str, only: str) -> None:
    out = tmp_path / "run"
    interrupted(url, out, lambda: only.startswith("sdk.") or made(out, 1), "--only", only)
    assert held(url) == {}
    assert run.read(out).notes == ()


@pytest.mark.parametrize("ended", [False, True])
def test_what_a_batch_writes_after_the_interrupt_is_removed(tmp_path: Path, url: str, ended: bool) -> None:
    """One that is cancelled keeps what it has done; one that has ended unheard cannot be cancelled."""

    def ready() -> bool:
        rows = got(f"{url}/batches")["data"]
        return any(row["status"] == "completed" if ended else row["request_counts"]["completed"] for row in rows)

    interrupted(url, tmp_path / "run", ready, "--only", "batches.chat")
    time.sleep(0.3)
    assert held(url) == {}
    assert run.read(tmp_path / "run").notes == ()


def test_an_interrupted_check_of_several_processes_leaves_nothing(tmp_path: Path, url: str) -> None:
    names = ("files.lifecycle", "vector-stores.file", "batches.chat", "fine-tuning.job", "files.bytes")
    words = [word for name in names for word in ("--only", name)]
    out = tmp_path / "run"
    interrupted(url, out, lambda: made(out, 2), "--jobs", "2", *words)
    assert held(url) == {}
    assert run.read(out).notes == ()


def test_a_whole_run_leaves_nothing_also_where_steps_fail(tmp_path: Path) -> None:
    names = (
        "files.lifecycle",
        "batches.chat",
        "batches.cancel",
        "vector-stores.file",
        "fine-tuning.cancel",
        "uploads.lifecycle",
    )
    names += ("chat-stored.lifecycle", "responses.stored", "conversations.kept", "sdk.*")
    words = [word for name in names for word in ("--only", name)]
    with server.running(server.Settings(api_key="sk-left", plants=("wrong",))) as url:
        said, _ = start(url, tmp_path / "run", "--jobs", "2", *words).communicate(timeout=300)
        assert held(url) == {}
        found = run.read(tmp_path / "run")
        for exchange in found.exchanges.values():
            if exchange.operation.id == "createConversation" and exchange.status == 200:
                with pytest.raises(urllib.error.HTTPError):
                    got(f"{url}/conversations/{json.loads(exchange.body)['id']}")
    assert any(v.status.word == "fail" and v.scenario.startswith("files.") for v in found.verdicts), said
    assert not [note for note in found.notes if "left on the server" in note]


def test_what_a_server_does_not_remove_is_listed_in_each_report(tmp_path: Path) -> None:
    with server.running(server.Settings(api_key="sk-left", plants=("refusing",))) as url:
        words = ["--only", "files.lifecycle", "--only", "sdk.files", "--only", "vector-stores.search"]
        said, _ = start(url, tmp_path / "run", *words).communicate(timeout=120)
        left = [id for ids in held(url).values() for id in ids]
    assert len(left) == 5
    results = json.loads((tmp_path / "run" / "results.json").read_text())
    page = (tmp_path / "run" / "report.html").read_text()
    for id in left:
        assert sum(id in note for note in results["notes"]) == 1, results["notes"]
        assert id in page
    assert re.sub(r"\s", "", said).count("leftontheserver") >= 5, said


def test_a_budget_that_is_spent_does_not_keep_what_was_made(tmp_path: Path) -> None:
    with server.running(server.Settings(api_key="sk-left")) as url:
        start(url, tmp_path / "run", "--only", "files.pages", "--max-requests", "2").communicate(timeout=120)
        assert held(url) == {}


def exchange(number: int, method: str, path: str, body: Any, status: int | None = 200, sent: Any = None) -> Exchange:
    asked = Sent(method, "http://h/v1" + path, (), json.dumps(sent).encode())
    error = None if status else TransportError("timeout", "silence")
    return Exchange(number, Operation("x", method, path), asked, status, body=json.dumps(body).encode(), error=error)


def test_what_is_kept_is_told_by_the_exchanges() -> None:
    heard = [
        exchange(1, "POST", "/files", {"id": "f1"}),
        exchange(2, "POST", "/vector_stores", {"id": "v1"}),
        exchange(3, "POST", "/vector_stores/v1/files", {"id": "f1"}),
        exchange(4, "DELETE", "/vector_stores/v1/files/f1", {"deleted": True}),
        exchange(5, "POST", "/batches", {"id": "b1", "status": "validating"}),
        exchange(6, "GET", "/batches/b1", {"id": "b1", "status": "completed", "output_file_id": "f2"}),
        exchange(7, "POST", "/responses", {"id": "r1"}, sent={"store": False}),
        exchange(8, "POST", "/responses", {"id": "r2"}, sent={"store": True}),
        exchange(9, "POST", "/chat/completions", {"id": "c1"}),
        exchange(10, "POST", "/uploads", {"id": "u1", "status": "pending"}),
        exchange(11, "POST", "/uploads/u1/complete", {"id": "u1", "status": "completed", "file": {"id": "f3"}}),
        exchange(12, "POST", "/files", None, None),
        exchange(13, "POST", "/files", {"error": {}}, 400),
        exchange(14, "DELETE", "/vector_stores/v1", {}, 500),
        exchange(15, "DELETE", "/files/f3", {}, 404),
    ]
    assert [str(one) for one in kept.kept(heard)] == [
        "/files/f1",
        "/vector_stores/v1",
        "/files/f2",
        "/responses/r2",
        "POST /files: it was not answered: what it made is not known",
    ]


STILL = "/batches/b1: it is still {}, and what it writes is not known"


@pytest.mark.parametrize(
    ("heard", "left"),
    [
        ([("POST", "", "validating"), ("GET", "/b1", "in_progress")], [STILL.format("in_progress")]),
        ([("POST", "", "validating"), ("POST", "/b1/cancel", "cancelling")], [STILL.format("cancelling")]),
        ([("POST", "", "validating"), ("GET", "/b1", "CANCELED")], []),
        ([("POST", "", "validating"), ("GET", "/b1", "validating", 404)], []),
        (
            [("POST", "", "validating"), ("GET", "/b1", []), ("GET", "/b1", "completed", 500)],
            [STILL.format("validating")],
        ),
        ([("POST", "", "validating", 400)], []),
        ([("GET", "/b1", "in_progress")], []),
    ],
    ids=["running", "cancelling", "at rest", "gone", "odd", "refused", "another's"],
)
def test_a_batch_is_waited_for_until_it_is_at_rest(heard: list[tuple[Any, ...]], left: list[str]) -> None:
    told = [
        exchange(number, method, f"/batches{path}", {"id": "b1", "status": status}, *code)
        for number, (method, path, status, *code) in enumerate(heard)
    ]
    assert [str(one) for one in kept.unsettled(told)] == left
    looks = kept.looks(
        kept.unsettled(told), {"retrieveBatch": Operation("retrieveBatch", "GET", "/batches/{batch_id}")}
    )
    assert [step.call["parameters"] for step in looks] == [{"batch_id": "b1"}] * len(left)
    assert kept.looks(kept.unsettled(told), {}) == []


def test_a_status_that_is_no_text_is_none() -> None:
    assert [str(one) for one in kept.kept([exchange(1, "POST", "/batches", {"id": "b1", "status": []})])] == [
        "/batches/b1"
    ]


def test_what_another_s_batch_wrote_is_not_removed() -> None:
    body = {"id": "b1", "status": "completed", "output_file_id": "f1"}
    assert kept.kept([exchange(1, "GET", "/batches/b1", body)]) == []
    assert [one.id for one in kept.kept([exchange(1, "POST", "/batches", body)])] == ["f1"]


def test_a_batch_that_never_rests_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def working(route: str, body: Any, made: Any) -> Any:
        return {**made, "status": "cancelling"} if isinstance(made, dict) and made.get("object") == "batch" else made

    plant = server.Plant("working", "defect", "batches", "it never rests", result=working)
    monkeypatch.setitem(server.catalog(), "working", plant)
    out = tmp_path / "run"
    with server.running(server.Settings(api_key="sk-left", plants=("working", "slow"))) as url:
        interrupted(url, out, lambda: made(out, 2), "--only", "batches.chat")
    (note,) = json.loads((out / "results.json").read_text())["notes"]
    assert re.search(r"/batches/batch_\w+: it is still cancelling, and what it writes is not known$", note)
    looks = [exchange for exchange in run.read(out).exchanges.values() if exchange.step.startswith("look-")]
    assert 0 < len(looks) <= 4
