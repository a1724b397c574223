"""Vector stores."""

from __future__ import annotations

from typing import Any

from seatrial.model import Exchange
from tests.rows import FAIL, OPEN, OUT, PASS, Rows, exchange

ALL, ONE = "/vector_stores", "/vector_stores/{vector_store_id}"
FILE, BATCH = ONE + "/files/{file_id}", ONE + "/file_batches/{batch_id}"
COUNTS = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
LATE = {"in_progress": 1, "completed": 0, "failed": 0, "cancelled": 0, "total": 1}
DAY = {"anchor": "last_active_at", "days": 1}


def store(**more: Any) -> dict[str, Any]:
    return {"id": "vs_1", "object": "vector_store", "status": "completed", "file_counts": COUNTS, **more}


def file(**more: Any) -> dict[str, Any]:
    made = {"id": "file-1", "object": "vector_store.file", "status": "completed", "vector_store_id": "vs_1"}
    return {**made, "last_error": None, **more}


def shown(answer: Any, number: int = 1, status: int = 200) -> Exchange:
    return exchange("getVectorStore", f"GET {ONE}", "/vector_stores/vs_1", answer, status=status, number=number)


def made(number: int = 1) -> Exchange:
    return exchange("createVectorStore", f"POST {ALL}", ALL, store(), {}, number=number)


def deleted(number: int) -> Exchange:
    return exchange("deleteVectorStore", f"DELETE {ONE}", "/vector_stores/vs_1", {"id": "vs_1"}, number=number)


def stores(*rows: Any) -> Exchange:
    return exchange("listVectorStores", f"GET {ALL}", ALL + "?limit=3", {"object": "list", "data": list(rows)})


def got(number: int = 1, **more: Any) -> Exchange:
    url = "/vector_stores/vs_1/files/file-1"
    return exchange("getVectorStoreFile", f"GET {FILE}", url, file(**more), number=number)


def batch(number: int = 1, **more: Any) -> Exchange:
    answer = {"id": "vsfb_1", "status": "completed", "vector_store_id": "vs_1", "file_counts": COUNTS, **more}
    url = "/vector_stores/vs_1/file_batches/vsfb_1"
    return exchange("getVectorStoreFileBatch", f"GET {BATCH}", url, answer, number=number)


def attached(ask: Any, **more: Any) -> Exchange:
    return exchange("createVectorStoreFile", f"POST {ONE}/files", "/vector_stores/vs_1/files", file(**more), ask)


def listed(query: str, *states: str) -> Exchange:
    rows = [file(status=state) for state in states]
    url = "/vector_stores/vs_1/files" + query
    return exchange("listVectorStoreFiles", f"GET {ONE}/files", url, {"object": "list", "data": rows})


def search(*rows: Any, **ask: Any) -> Exchange:
    answer = {"object": "vector_store.search_results.page", "search_query": ["a"], "data": list(rows)}
    return exchange(
        "searchVectorStore", f"POST {ONE}/search", "/vector_stores/vs_1/search", answer, {"query": "a", **ask}
    )


def hit(score: Any = 0.5, **attributes: Any) -> dict[str, Any]:
    return {"file_id": "file-1", "score": score, "attributes": attributes}


def by(kind: str, key: str, value: Any) -> dict[str, Any]:
    return {"type": kind, "key": key, "value": value}


GOOSE, MANY = by("eq", "bird", "goose"), by("gt", "count", 7)
AGAIN = {"ranking_options": {"score_threshold": 0.5}}

ROWS: Rows = {
    "stores.file-counts": [
        (FAIL, shown(store(file_counts={**COUNTS, "total": 0}))),
        (FAIL, stores(store(), store(file_counts={**COUNTS, "failed": 1}))),
        (FAIL, batch(file_counts={**COUNTS, "total": 2})),
        (PASS, shown(store(file_counts={**COUNTS, "failed": 2, "total": 3}))),
        (PASS, stores()),
        (OPEN, shown(store(file_counts={"total": 1}))),
        (OUT, got()),
        (OUT, shown(store(file_counts={}), status=404)),
    ],
    "stores.ready": [
        (FAIL, shown(store(file_counts=LATE))),
        (PASS, shown(store(file_counts=LATE, status="in_progress"))),
        (PASS, shown(store())),
        (OPEN, shown(store(file_counts=None))),
    ],
    "stores.expires-at": [
        (FAIL, shown(store(expires_after=DAY, last_active_at=1000, expires_at=None))),
        (FAIL, shown(store(expires_after=DAY, last_active_at=1000, expires_at=87_400_000))),
        (PASS, shown(store(expires_after=DAY, last_active_at=1000, expires_at=87_430))),
        (PASS, shown(store(expires_after=DAY, created_at=1000, expires_at=87_400))),
        (OPEN, shown(store(expires_after=DAY))),
        (OUT, shown(store(expires_after=None))),
    ],
    "stores.belongs": [
        (FAIL, got(vector_store_id="vs_2")),
        (FAIL, got(id="file-2")),
        (FAIL, attached({"file_id": "file-2"})),
        (FAIL, batch(id="vsfb_2")),
        (PASS, got()),
        (PASS, attached({"file_id": "file-1"})),
        (PASS, listed("", "completed")),
        (OUT, shown(store())),
    ],
    "stores.last-error": [
        (FAIL, got(status="failed")),
        (FAIL, got(last_error={"code": "server_error", "message": "no"})),
        (PASS, got(status="failed", last_error={"code": "invalid_file", "message": "no"})),
        (PASS, got(status="in_progress")),
        (PASS, got()),
    ],
    "stores.list-filter": [
        (FAIL, listed("?filter=failed&limit=2", "failed", "completed")),
        (PASS, listed("?limit=2&filter=completed", "completed")),
        (PASS, listed("?filter=failed")),
        (OUT, listed("?limit=2", "completed", "failed")),
    ],
    "stores.search-limit": [
        (FAIL, search(hit(), hit(), max_num_results=1)),
        (FAIL, search(*[hit()] * 11)),
        (PASS, search(hit(), hit(), max_num_results=2)),
        (PASS, search(*[hit()] * 10)),
        (PASS, search()),
        (OPEN, search(5)),
    ],
    "stores.search-order": [
        (FAIL, search(hit(0.1), hit(0.2))),
        (PASS, search(hit(0.2), hit(0.2), hit(0.1))),
        (OPEN, search(hit(None))),
    ],
    "stores.search-threshold": [
        (FAIL, search(hit(0.9), hit(0.4), **AGAIN)),
        (PASS, search(hit(0.5), **AGAIN)),
        (PASS, search(**AGAIN)),
        (OUT, search(hit(0.1))),
    ],
    "stores.search-own": [
        (FAIL, [made(), search(hit())]), (FAIL, [made(), attached({"file_id": "file-2"}), search(hit())]),
        (PASS, [made(), attached({"file_id": "file-1"}), search(hit())]), (PASS, [made(), search()]),
        (OUT, [attached({"file_id": "file-1"}), search(hit())]),
    ],
    "stores.search-filter": [
        (FAIL, search(hit(bird="swan"), filters=GOOSE)),
        (FAIL, search(hit(), filters=GOOSE)),
        (FAIL, search(hit(bird="goose", count=7), filters={"type": "and", "filters": [GOOSE, MANY]})),
        (FAIL, search(hit(bird="goose"), filters=by("nin", "bird", ["goose"]))),
        (PASS, search(hit(bird="goose", count=7), filters={"type": "or", "filters": [GOOSE, MANY]})),
        (PASS, search(hit(count=8), filters=MANY)),
        (PASS, search(hit(), filters=by("ne", "bird", "goose"))),
        (PASS, search(filters=GOOSE)),
        (OPEN, search(hit(count="8"), filters=MANY)),
        (OPEN, search({**hit(), "attributes": None}, filters=GOOSE)),
        (OUT, search(hit())),
    ],
    "stores.status-forward": [
        (FAIL, [got(1), got(2, status="in_progress")]),
        (FAIL, [batch(1, status="cancelled"), batch(2)]),
        (PASS, [got(1, status="in_progress"), got(2), got(3)]),
        (PASS, [batch(1, status="in_progress"), batch(2, status="cancelled")]),
        (OUT, [got()]),
    ],
    "stores.read-after-create": [
        (FAIL, [made(1), shown({"error": {}}, 2, 404), shown(store(), 3)]),
        (PASS, [made(1), shown(store(), 2)]),
        (PASS, [made(1), shown(store(), 2), deleted(3), shown({"error": {}}, 4, 404)]),
        (OUT, [made(1), deleted(2), shown({"error": {}}, 3, 404)]),
        (OUT, [made(1)]),
    ],
}  # fmt: skip
