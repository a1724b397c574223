"""A short selection of the hostile suite; `make hostile` runs all of it. And that its own eyes are open."""

from __future__ import annotations

import base64
import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from seatrial.hostile import Outcome, behaviours, leaks
from seatrial.hostile.table import possible, try_one

SELECTION = [
    ("connection.two-answers", "check"),
    ("echo.pieces", "check"),
    ("encoding.br-bomb", "check"),
    ("json.odd-error", "check"),
    ("body.gigabyte", "load"),
    ("echo.garbage", "load"),
    ("framing.coding-unknown", "load"),
    ("headers.endless", "load"),
    ("json.lone-surrogate-stream", "load"),
    ("redirect.other-port", "load"),
    ("sse.line-without-end", "load"),
    ("tls.expired", "load"),
]


@pytest.mark.parametrize(("id", "command"), SELECTION)
def test_the_instrument_stays_whole(tmp_path: Path, id: str, command: str) -> None:
    behaviour = behaviours()[id]
    assert possible(behaviour)
    row = try_one(behaviour, command, tmp_path / "run")
    assert row.wrong == [], str(row)


def test_every_behaviour_says_what_it_does_and_what_must_come_of_it() -> None:
    table = behaviours()
    assert len(table) >= 80
    for id, one in table.items():
        assert re.fullmatch(r"[a-z]+\.[a-z0-9.-]+", id), id
        assert one.summary.endswith("."), id
        assert one.check, id
        assert one.load or one.when == "plain", id
        for outcome in filter(None, (one.check, one.load)):
            assert outcome.code in (0, 1, 2, 3, 4)
            re.compile(outcome.words)


def test_a_run_that_is_not_as_expected_is_wrong(tmp_path: Path) -> None:
    refused = replace(behaviours()["connection.refused"], load=Outcome(0, "3 ok"))
    assert "ended with 3 and not 0" in "".join(try_one(refused, "load", tmp_path / "run").wrong)


def test_a_leak_is_found_in_whatever_form(tmp_path: Path) -> None:
    key = leaks.CANARY
    event = '{"choices":[{"index":0,"delta":{"content":"%s"}}]}'
    events = [[event % letter, "message", None, 0, 0, 0] for letter in key]
    raw = "".join(f"data: {event % letter}\n\n" for letter in key).encode()
    files = {
        "plain.txt": key,
        "base64.log": base64.b64encode(f"user:{key}".encode()).decode(),
        "quoted.html": "sk-canary%2F7e%2B1d%3D9b4f2a",
        "pieces.jsonl": json.dumps({"type": "exchange", "events": events}),
        "kept.jsonl": json.dumps(
            {"raw": [[1, base64.b64encode(raw[:50]).decode()], [2, base64.b64encode(raw[50:]).decode()]]}
        ),
        "clean.jsonl": json.dumps({"events": 3, "id": "sk-canary"}),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert {found.split(",")[0] for found in leaks.leaks(tmp_path)} == {*files} - {"clean.jsonl"}
