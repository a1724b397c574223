"""The official client's suite: green on the clean server and on legal ones, and each case has a defect that breaks it."""

from __future__ import annotations

import importlib
import time
from pathlib import Path
from typing import Any

import pytest

from seatrial import home, sdk, server, session
from seatrial.coverage import Seen
from seatrial.model import Status, Verdict
from seatrial.session import Options

KEY = "sk-plants"
BREAKING = {
    "sdk.models": "NC-MOD-03",
    "sdk.chat": "NC-USE-07",
    "sdk.chat-stream": "NC-CSTR-09",
    "sdk.chat-async": "NC-CSTR-09",
    "sdk.tools": "NC-TOOL-07",
    "sdk.tools-stream": "tools.arguments-json/stream",
    "sdk.parse": "NC-SOUT-01",
    "sdk.errors": "errors.envelope/no-type",
    "sdk.wrong-key": "auth.accepts/wrong-key",
    "sdk.completions": "NC-COMP-11",
    "sdk.embeddings": "embeddings.base64-equals-float/big-endian",
    "sdk.stream-usage": "stream.usage-chunk/ignored",
    "sdk.tool-results": "chat.roles/tool-refused",
    "sdk.not-found": "NC-ERR-03",
    "sdk.responses": "responses-null",
    "sdk.transcription": "errors.not-in-200/audio",
    "sdk.files": "files-endless",
    "sdk.vector-stores": "vector-stores.search-empty",
    "sdk.fine-tuning": "fine-tuning.list-bare",
    "sdk.speech": "speech.whole/empty",
    "sdk.images": "images.payload/empty",
    "sdk.moderations": "moderations.schema/words",
    "sdk.stored": "stored.same/other-text",
    "sdk.responses-kept": "responses.stored/gone",
    "sdk.conversations": "conversations.update-lost",
    "sdk.uploads": "uploads.status/pending",
    "sdk.batches": "batches.each-once/lost",
    "sdk.langchain-chat": "NC-USE-07",
    "sdk.langchain-stream": "NC-CSTR-09",
    "sdk.langchain-tools": "NC-TOOL-07",
    "sdk.langchain-embeddings": "embeddings.count-and-order/reversed",
    "sdk.llamaindex-chat": "NC-USE-07",
    "sdk.llamaindex-stream": "NC-CSTR-09",
    "sdk.llamaindex-tools": "NC-TOOL-07",
    "sdk.llamaindex-embeddings": "embeddings.count-and-order/reversed",
}
"""A planted defect for each case, that it fails on: of the catalog, or of those below."""


def _null(route: str, body: Any, made: Any) -> Any:
    return {**made, "output": None} if route == "POST /responses" and isinstance(made, dict) else made


def _endless(route: str, body: Any, made: Any) -> Any:
    return {**made, "has_more": True} if route == "GET /files" and isinstance(made, dict) else made


def _first_again(request: Any, body: bytes) -> None:
    if request.url.path.endswith("/files") and request.method == "GET":
        request.scope["query_string"] = b""


OWN = (
    server.Plant("responses-null", "defect", "responses", "a response without output", result=_null),
    server.Plant("files-endless", "defect", "files", "a list that begins again", result=_endless, before=_first_again),
)


@pytest.fixture(autouse=True)
def _own(monkeypatch: pytest.MonkeyPatch) -> None:
    for plant in OWN:
        monkeypatch.setitem(server.catalog(), plant.id, plant)


@pytest.fixture
def suite(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SEATRIAL_SDK_KEY", KEY)
    monkeypatch.syspath_prepend(str(home.folder("suites")))
    return importlib.import_module("test_sdk")


def drive(
    suite: Any, *plants: str, case: str = "", profile: str = "reference", **how: Any
) -> tuple[dict[str, Verdict], Seen]:
    """The verdict of the case, or of each, on a server with these plants, and what was recorded."""
    seen = Seen()
    with server.running(server.Settings(api_key=KEY, plants=plants)) as url:
        options = Options(url, ("seatrial-chat", "embeddings=seatrial-embed"), "SEATRIAL_SDK_KEY", profile, **how)
        target, _ = session.find_target(options)
        player = session.player(options, target, None)
        player.record = seen
        cases = [one for one in session.catalog(options).cases() if one.id in ({case} if case else sdk.ROWS)]
        found = {one.id: verdict for one in cases for verdict in suite.drive(player, one)}
        player.client.close()
    return found, seen


def test_every_case_has_its_function_and_its_defect(suite: Any) -> None:
    assert set(suite.functions()) == set(sdk.ROWS) == set(BREAKING)


def test_the_clean_server_works_for_the_client(suite: Any) -> None:
    found, seen = drive(suite)
    for id, verdict in found.items():
        status, reason = (Status.SKIPPED, missing) if (missing := suite.missing(id)) else (Status.PASS, "")
        assert (verdict.status, verdict.reason, verdict.findings) == (status, reason, ()), id
    driven = [verdict for verdict in found.values() if verdict.status is Status.PASS]
    assert len(seen.operations) > len(driven)
    assert all(verdict.exchange in seen.operations for verdict in driven)


@pytest.mark.parametrize("id", sorted(BREAKING))
def test_a_defect_is_seen_by_the_client(suite: Any, id: str) -> None:
    if suite.missing(id):
        pytest.skip(suite.missing(id))
    found, _ = drive(suite, BREAKING[id], case=id)
    assert found[id].status is Status.FAIL, (found[id].status, found[id].reason)
    assert KEY not in str(found)


@pytest.mark.parametrize(
    "plants",
    [
        ("legal.crlf", "legal.extra-members", "legal.shuffled-members", "legal.other-id-prefixes", "legal.charset"),
        ("legal.multi-line-data", "legal.comments", "legal.usage-null", "legal.role-repeated", "legal.call-ids"),
        ("legal.no-completions-404", "legal.refuses-tools", "legal.refuses-response-format", "legal.refuses-stream-options"),
        ("legal.model-alias", "legal.nulls", "legal.several-tokens", "legal.terminal-content", "legal.nondeterministic"),
        ("legal.one-word",),
        ("legal.own-mind",),
        ("legal.filter-chunk", "legal.bare", "legal.no-stored-completions"),
    ],
)  # fmt: skip
def test_a_legal_server_is_not_accused_by_the_client(suite: Any, plants: tuple[str, ...]) -> None:
    found, _ = drive(suite, *plants, profile="openai-compatible")
    assert {id: v.findings for id, v in found.items() if v.status in (Status.FAIL, Status.ERROR)} == {}


def test_the_budget_holds_for_the_client_too(suite: Any) -> None:
    found, seen = drive(suite, max_requests=6)
    assert len(seen.operations) <= 6
    assert {v.status for id, v in found.items() if not suite.missing(id)} == {Status.PASS, Status.INCONCLUSIVE}


def test_a_server_that_is_gone_is_no_fault_of_ours(suite: Any, tmp_path: Path) -> None:
    seen = Seen()
    with server.running(server.Settings()) as url:
        options = Options(
            url, ("seatrial-chat",), "SEATRIAL_SDK_KEY", "reference", bounds={"connect": 1.0, "idle": 1.0}
        )
        target, _ = session.find_target(options)
    player = session.player(options, target, None)
    player.record = seen
    case = next(case for case in session.catalog(options).cases() if case.id == "sdk.chat")
    (verdict,) = suite.drive(player, case)
    player.client.close()
    assert verdict.status in (Status.FAIL, Status.INCONCLUSIVE), verdict


def test_without_the_client_each_case_says_so(suite: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(suite, "openai", None)
    found, seen = drive(suite)
    assert {(v.status, v.reason) for v in found.values()} == {(Status.SKIPPED, suite.MISSING)}
    assert set(found) == set(sdk.ROWS)
    assert not seen.operations


@pytest.mark.parametrize("extra", sdk.EXTRAS)
def test_without_a_framework_its_cases_say_how_to_install_it(
    suite: Any, monkeypatch: pytest.MonkeyPatch, extra: str
) -> None:
    monkeypatch.setitem(sdk.EXTRAS, extra, ("no_such_module",))
    monkeypatch.setattr(sdk, "ROWS", {id: row for id, row in sdk.ROWS.items() if extra in id})
    found, seen = drive(suite)
    assert len(found) == 4
    assert all(v.status is Status.SKIPPED and v.reason.endswith(f"seatrial[{extra}]'") for v in found.values())
    assert not seen.operations


def _dripping(route: str, body: Any, pieces: Any) -> Any:
    for _ in range(200):
        yield b": still here\n\n"
        yield 0.2


def test_a_stream_that_drips_for_ever_is_left(suite: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    plant = server.Plant("drips", "defect", "chat", "comments without end", events=_dripping)
    monkeypatch.setitem(server.catalog(), plant.id, plant)
    monkeypatch.setattr(sdk, "ROWS", {"sdk.chat-stream": sdk.ROWS["sdk.chat-stream"]})
    begun = time.monotonic()
    found, _ = drive(suite, plant.id, bounds={"connect": 1.0, "idle": 2.0, "total": 2.0})
    assert found["sdk.chat-stream"].status is not Status.PASS
    assert time.monotonic() - begun < 15
