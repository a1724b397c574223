"""Vector stores."""

from __future__ import annotations

from typing import Any

from openai import pagination
from openai.types import (
    VectorStore,
    VectorStoreDeleted,
    VectorStoreSearchResponse,
    vector_store_create_params,
    vector_store_search_params,
    vector_store_update_params,
)
from openai.types.vector_stores import (
    FileContentResponse,
    VectorStoreFile,
    VectorStoreFileBatch,
    VectorStoreFileDeleted,
    file_batch_create_params,
    file_create_params,
    file_update_params,
)

from tests.wire import DROP

TYPES = {
    "vector-store.json": VectorStore,
    "vector-store-list.json": pagination.SyncCursorPage[VectorStore],
    "vector-store-deleted.json": VectorStoreDeleted,
    "vector-store-file.json": VectorStoreFile,
    "vector-store-file-list.json": pagination.SyncCursorPage[VectorStoreFile],
    "vector-store-file-deleted.json": VectorStoreFileDeleted,
    "vector-store-file-batch.json": VectorStoreFileBatch,
    "vector-store-file-content.json": pagination.SyncPage[FileContentResponse],
    "vector-store-search.json": pagination.SyncPage[VectorStoreSearchResponse],
    "vector-store-request.json": vector_store_create_params.VectorStoreCreateParams,
    "vector-store-update-request.json": vector_store_update_params.VectorStoreUpdateParams,
    "vector-store-file-request.json": file_create_params.FileCreateParams,
    "vector-store-file-update-request.json": file_update_params.FileUpdateParams,
    "vector-store-file-batch-request.json": file_batch_create_params.FileBatchCreateParams,
    "vector-store-search-request.json": vector_store_search_params.VectorStoreSearchParams,
}

COUNTS = {"in_progress": 0, "completed": 1, "failed": 0, "cancelled": 0, "total": 1}
EXPIRES = {"anchor": "last_active_at", "days": 7}
STATIC = {"type": "static", "static": {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}}
STORE: dict[str, Any] = {
    "id": "vs_1", "object": "vector_store", "created_at": 1, "name": "a", "status": "completed", "usage_bytes": 0,
    "file_counts": COUNTS, "last_active_at": 1, "metadata": {"a": "b"}, "expires_after": EXPIRES, "expires_at": 2,
}  # fmt: skip
FILE: dict[str, Any] = {
    "id": "file-1", "object": "vector_store.file", "created_at": 1, "status": "completed", "usage_bytes": 3,
    "vector_store_id": "vs_1", "last_error": None, "attributes": {"a": "b", "n": 1.5, "t": True},
    "chunking_strategy": STATIC,
}  # fmt: skip
BATCH: dict[str, Any] = {
    "id": "vsfb_1", "object": "vector_store.files_batch", "created_at": 1, "status": "in_progress",
    "vector_store_id": "vs_1", "file_counts": COUNTS,
}  # fmt: skip
PAGE = {"object": "list", "first_id": "vs_1", "last_id": "vs_1", "has_more": False}
RESULT = {
    "file_id": "file-1", "filename": "a.txt", "score": 0.5, "attributes": None,
    "content": [{"type": "text", "text": "a"}],
}  # fmt: skip
FILTER = {
    "type": "and",
    "filters": [{"type": "eq", "key": "a", "value": "b"}, {"type": "in", "key": "n", "value": [1]}],
}

GOOD: dict[str, dict[str, Any]] = {
    "vector-store.json": {"plain": STORE, "bare": {**STORE, "name": None, "metadata": None, "expires_after": None}},
    "vector-store-list.json": {"plain": {**PAGE, "data": [STORE]}, "empty": {**PAGE, "data": [], "first_id": None}},
    "vector-store-deleted.json": {"plain": {"id": "vs_1", "object": "vector_store.deleted", "deleted": True}},
    "vector-store-file.json": {
        "plain": FILE,
        "failed": {
            **FILE, "status": "failed", "last_error": {"code": "invalid_file", "message": "no"},
            "chunking_strategy": {"type": "other"},
        },
    },
    "vector-store-file-list.json": {"plain": {**PAGE, "data": [FILE]}},
    "vector-store-file-deleted.json": {
        "plain": {"id": "file-1", "object": "vector_store.file.deleted", "deleted": True}
    },
    "vector-store-file-batch.json": {"plain": BATCH},
    "vector-store-file-content.json": {
        "plain": {
            "object": "vector_store.file_content.page", "data": [{"type": "text", "text": "a"}], "has_more": False,
            "next_page": None,
        }
    },
    "vector-store-search.json": {
        kind: {
            "object": "vector_store.search_results.page", "search_query": query, "data": [RESULT], "has_more": False,
            "next_page": None,
        }
        for kind, query in {"plain": ["a"], "string": "a"}.items()
    },
    "vector-store-request.json": {
        "plain": {
            "name": "a", "description": "b", "file_ids": ["file-1"], "expires_after": EXPIRES, "metadata": {"a": "b"},
            "chunking_strategy": STATIC,
        },
        "empty": {},
    },
    "vector-store-update-request.json": {"plain": {"name": None, "expires_after": EXPIRES, "metadata": None}},
    "vector-store-file-request.json": {
        "plain": {"file_id": "file-1", "chunking_strategy": {"type": "auto"}, "attributes": {"a": True}}
    },
    "vector-store-file-update-request.json": {"plain": {"attributes": {"a": 1}}},
    "vector-store-file-batch-request.json": {
        "plain": {"file_ids": ["file-1"], "attributes": {"a": "b"}}, "files": {"files": [{"file_id": "file-1"}]}
    },
    "vector-store-search-request.json": {
        "plain": {
            "query": "a", "filters": FILTER, "max_num_results": 50, "rewrite_query": False,
            "ranking_options": {"ranker": "auto", "score_threshold": 0.5},
        },
        "texts": {"query": ["a", "b"]},
    },
}  # fmt: skip

BAD: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("vector-store.json", "plain"): [
        ("/id", DROP), ("/object", "vector_stores"), ("/status", "ready"), ("/created_at", "2024-10-22T15:10:45"),
        ("/file_counts/total", DROP), ("/file_counts/failed", -1), ("/usage_bytes", None), ("/expires_at", "never"),
        ("/expires_after/anchor", "created_at"), ("/metadata/a", 1),
    ],
    ("vector-store-list.json", "plain"): [
        ("/has_more", DROP), ("/data", None), ("/object", 5), ("/data/0/status", "done"),
    ],
    ("vector-store-deleted.json", "plain"): [("/deleted", "true"), ("/object", "vector_store"), ("/id", DROP)],
    ("vector-store-file.json", "plain"): [
        ("/status", "expired"), ("/vector_store_id", DROP), ("/usage_bytes", DROP), ("/attributes/a", []),
        ("/chunking_strategy/static", DROP), ("/chunking_strategy/static/max_chunk_size_tokens", 99),
        ("/last_error", "no"),
    ],
    ("vector-store-file.json", "failed"): [("/last_error/code", "oops"), ("/last_error/message", DROP)],
    ("vector-store-file-list.json", "plain"): [("/has_more", "false"), ("/data/0/object", "file")],
    ("vector-store-file-deleted.json", "plain"): [("/object", "vector_store.deleted"), ("/deleted", DROP)],
    ("vector-store-file-batch.json", "plain"): [
        ("/object", "vector_store.file_batch"), ("/status", "queued"), ("/file_counts", DROP),
    ],
    ("vector-store-file-content.json", "plain"): [("/data", "a"), ("/data/0/text", 1), ("/object", "list")],
    ("vector-store-search.json", "plain"): [
        ("/data/0/score", 13.9), ("/data/0/file_id", DROP), ("/data/0/content/0/type", "base64"),
        ("/search_query", None), ("/object", "list"),
    ],
    ("vector-store-request.json", "plain"): [
        ("/expires_after/days", 366), ("/expires_after/days", DROP), ("/chunking_strategy/type", "other"),
        ("/chunking_strategy/static/max_chunk_size_tokens", 4097), ("/metadata/a", "v" * 513), ("/file_ids", "file-1"),
        ("/unknown", 1, ""),
    ],
    ("vector-store-update-request.json", "plain"): [("/name", 5), ("/expires_after/days", 0)],
    ("vector-store-file-request.json", "plain"): [("/file_id", DROP), ("/attributes/a", None)],
    ("vector-store-file-update-request.json", "plain"): [("/attributes", DROP), ("/attributes/a", [])],
    ("vector-store-file-batch-request.json", "plain"): [("/file_ids", []), ("/file_ids", DROP), ("/files", [{"file_id": "f"}], "")],
    ("vector-store-search-request.json", "plain"): [
        ("/query", DROP), ("/max_num_results", 51), ("/ranking_options/score_threshold", 1.5),
        ("/ranking_options/ranker", "best"), ("/filters/filters/0/type", "xor"),
        ("/filters/filters/0/value", DROP), ("/filters/filters", DROP),
    ],
}  # fmt: skip
