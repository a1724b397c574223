"""The table of what is tried of each operation has no hole without a reason, and no reason for nothing."""

from __future__ import annotations

import pytest

from seatrial import coverage, sdk, session
from seatrial.coverage import Row
from seatrial.session import Options


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return list(coverage.rows(session.catalog(Options("")), coverage.play(), sdk.operations()))


def test_no_cell_is_empty_without_a_reason(rows: list[Row]) -> None:
    assert {row.operation: row.empty for row in rows if row.empty} == {}


def test_no_reason_is_given_for_what_is_there(rows: list[Row]) -> None:
    given = {row.operation: set(row.own) for row in rows}
    filled = {row.operation: {name for name in coverage.COLUMNS if row.counts[name]} for row in rows}
    assert {id: given[id] & filled[id] for id in given if given[id] & filled[id]} == {}


def test_the_operations_of_the_first_users_documentation_are_there(rows: list[Row]) -> None:
    calls = {row.call for row in rows}
    assert calls >= {
        "GET /models", "GET /models/{model}", "POST /chat/completions", "POST /completions", "POST /embeddings",
        "POST /audio/transcriptions", "POST /audio/translations", "GET /audio/models", "POST /audio/speech",
        "POST /images/generations", "POST /images/edits", "POST /responses", "POST /fine_tuning/jobs",
        "GET /fine_tuning/jobs", "POST /files", "GET /files", "DELETE /files/{file_id}", "POST /batches",
        "POST /vector_stores",
    }  # fmt: skip
    assert all(row.counts["scenarios"] for row in rows)


def test_a_hole_is_seen() -> None:
    counts = dict.fromkeys(coverage.COLUMNS, 1)
    assert Row("a", "GET /a", {**counts, "negatives": 0}).empty == ["negatives"]
    assert Row("a", "GET /a", {**counts, "negatives": 0}, {"negatives": "why"}).empty == []
    assert "n/a" in coverage.table([Row("a", "GET /a", {**counts, "sdk": 0}, {"sdk": "why"})])[2]
