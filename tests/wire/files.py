"""Files, batches, uploads and stored chat completions."""

from __future__ import annotations

from typing import Any

import pydantic
from openai import pagination
from openai.types import (
    Batch,
    FileDeleted,
    FileObject,
    Upload,
    batch_create_params,
    file_create_params,
    upload_complete_params,
    upload_create_params,
)
from openai.types.chat import (
    ChatCompletion,
    ChatCompletionDeleted,
    ChatCompletionStoreMessage,
    completion_update_params,
)
from openai.types.uploads import UploadPart, part_create_params

from tests.wire import DROP


class BatchOutputLine(pydantic.BaseModel):
    """The official client leaves a batch's files to its users."""


TYPES = {
    "file.json": FileObject,
    "file-list.json": pagination.SyncCursorPage[FileObject],
    "file-deleted.json": FileDeleted,
    "file-request.json": file_create_params.FileCreateParams,
    "batch.json": Batch,
    "batch-list.json": pagination.SyncCursorPage[Batch],
    "batch-request.json": batch_create_params.BatchCreateParams,
    "batch-output-line.json": BatchOutputLine,
    "upload.json": Upload,
    "upload-part.json": UploadPart,
    "upload-request.json": upload_create_params.UploadCreateParams,
    "upload-part-request.json": part_create_params.PartCreateParams,
    "upload-complete-request.json": upload_complete_params.UploadCompleteParams,
    "chat-completion-list.json": pagination.SyncCursorPage[ChatCompletion],
    "chat-completion-deleted.json": ChatCompletionDeleted,
    "chat-completion-update-request.json": completion_update_params.CompletionUpdateParams,
    "chat-message-list.json": pagination.SyncCursorPage[ChatCompletionStoreMessage],
}

PAGE = {"object": "list", "has_more": False}
EXPIRES = {"anchor": "created_at", "seconds": 3600}
FILE: dict[str, Any] = {
    "id": "file-1", "object": "file", "bytes": 3, "created_at": 1, "filename": "a.txt", "purpose": "batch",
    "status": "processed", "status_details": None, "expires_at": 3601,
}  # fmt: skip
BATCH: dict[str, Any] = {
    "id": "batch_1", "object": "batch", "endpoint": "/v1/chat/completions", "input_file_id": "file-1",
    "completion_window": "24h", "status": "completed", "created_at": 1, "completed_at": 2, "cancelled_at": None,
    "output_file_id": "file-2", "error_file_id": None, "errors": None, "metadata": {"a": "b"},
    "request_counts": {"total": 2, "completed": 2, "failed": 0},
    "usage": {
        "input_tokens": 1, "input_tokens_details": {"cached_tokens": 0}, "output_tokens": 1,
        "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 2,
    },
}  # fmt: skip
UPLOAD: dict[str, Any] = {
    "id": "upload_1", "object": "upload", "bytes": 3, "created_at": 1, "expires_at": 2, "filename": "a", "purpose": "batch",
    "status": "completed", "file": FILE,
}  # fmt: skip
ANSWER: dict[str, Any] = {
    "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m", "metadata": {"a": "b"},
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Hi"}, "finish_reason": "stop"}],
}  # fmt: skip
MESSAGE: dict[str, Any] = {
    "id": "chatcmpl-1-0", "role": "user", "content": None,
    "content_parts": [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {"url": "u", "detail": "low"}}],
}  # fmt: skip
LINE: dict[str, Any] = {
    "id": "batch_req_1", "custom_id": "a", "error": None,
    "response": {"status_code": 200, "request_id": "req_1", "body": {}},
}  # fmt: skip

GOOD: dict[str, dict[str, Any]] = {
    "file.json": {"plain": FILE, "bare": {k: v for k, v in FILE.items() if k not in ("status", "expires_at")}},
    "file-list.json": {"plain": {**PAGE, "data": [FILE], "first_id": "file-1", "last_id": "file-1"}},
    "file-deleted.json": {"plain": {"id": "file-1", "object": "file", "deleted": True}},
    "file-request.json": {"plain": {"file": "", "purpose": "batch", "expires_after": EXPIRES}},
    "batch.json": {
        "plain": BATCH,
        "failed": {
            **BATCH, "status": "failed", "request_counts": None,
            "errors": {"object": "list", "data": [{"code": "a", "message": "b", "param": None, "line": 1}]},
        },
    },
    "batch-list.json": {"plain": {**PAGE, "data": [BATCH], "first_id": None}},
    "batch-request.json": {
        "plain": {
            "input_file_id": "file-1", "endpoint": "/v1/embeddings", "completion_window": "24h", "metadata": {"a": "b"},
            "output_expires_after": EXPIRES,
        }
    },
    "batch-output-line.json": {
        "plain": LINE, "failed": {**LINE, "response": None, "error": {"code": "batch_expired", "message": "late"}},
    },
    "upload.json": {"plain": UPLOAD, "pending": {**UPLOAD, "status": "pending", "file": None}},
    "upload-part.json": {"plain": {"id": "part_1", "object": "upload.part", "created_at": 1, "upload_id": "upload_1"}},
    "upload-request.json": {
        "plain": {
            "filename": "a", "purpose": "batch", "bytes": 3, "mime_type": "text/jsonl", "expires_after": EXPIRES
        }
    },
    "upload-part-request.json": {"plain": {"data": ""}},
    "upload-complete-request.json": {"plain": {"part_ids": ["part_1"], "md5": "x"}},
    "chat-completion-list.json": {"plain": {**PAGE, "data": [ANSWER], "first_id": "chatcmpl-1", "last_id": "chatcmpl-1"}},
    "chat-completion-deleted.json": {
        "plain": {"id": "chatcmpl-1", "object": "chat.completion.deleted", "deleted": True}
    },
    "chat-completion-update-request.json": {"plain": {"metadata": {"a": "b"}}, "null": {"metadata": None}},
    "chat-message-list.json": {"plain": {**PAGE, "data": [MESSAGE]}},
}  # fmt: skip

BAD: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("file.json", "plain"): [
        ("/id", DROP), ("/object", "files"), ("/bytes", -1), ("/created_at", "2024-10-22T15:10:45.770750+02:00"),
        ("/filename", None), ("/purpose", DROP), ("/status", "ready"), ("/expires_at", "never"),
    ],
    ("file-list.json", "plain"): [("/has_more", DROP), ("/data", None), ("/object", "files"), ("/data/0/bytes", "3")],
    ("file-deleted.json", "plain"): [("/deleted", "true"), ("/object", "file.deleted"), ("/id", DROP)],
    ("file-request.json", "plain"): [
        ("/file", DROP), ("/purpose", DROP), ("/purpose", "typo"), ("/expires_after/anchor", "last_active_at"),
        ("/expires_after/seconds", 3599), ("/expires_after/seconds", 2592001), ("/unknown", 1, ""),
    ],
    ("batch.json", "plain"): [
        ("/status", "done"), ("/endpoint", DROP), ("/input_file_id", None), ("/created_at", 1.5),
        ("/request_counts/failed", DROP), ("/request_counts/total", -1), ("/completed_at", "2024"),
        ("/usage/total_tokens", DROP), ("/metadata/a", 1), ("/completion_window", DROP), ("/object", "batches"),
    ],
    ("batch.json", "failed"): [("/errors/data/0/line", "1"), ("/errors", [])],
    ("batch-list.json", "plain"): [("/has_more", "false"), ("/data/0/object", "list"), ("/first_id", 1)],
    ("batch-request.json", "plain"): [
        ("/completion_window", "48h"), ("/endpoint", "/v1/models"), ("/endpoint", DROP), ("/input_file_id", DROP),
        ("/metadata/a", "v" * 513), ("/output_expires_after/seconds", 1),
    ],
    ("batch-output-line.json", "plain"): [
        ("/custom_id", DROP), ("/custom_id", 1), ("/id", DROP),
        ("/response/status_code", "200"), ("/response/body", DROP), ("/response/body", "{}"),
    ],
    ("batch-output-line.json", "failed"): [("/error/message", DROP), ("/error", "late")],
    ("upload.json", "plain"): [
        ("/object", DROP), ("/status", "done"), ("/bytes", "3"), ("/expires_at", None), ("/purpose", DROP),
        ("/file", "file-1"),
    ],
    ("upload-part.json", "plain"): [("/upload_id", DROP), ("/object", "part"), ("/created_at", None)],
    ("upload-request.json", "plain"): [
        ("/bytes", "3"), ("/mime_type", DROP), ("/filename", DROP), ("/purpose", "typo"), ("/unknown", 1, ""),
    ],
    ("upload-part-request.json", "plain"): [("/data", DROP), ("/unknown", 1, "")],
    ("upload-complete-request.json", "plain"): [("/part_ids", DROP), ("/part_ids", "part_1"), ("/md5", 1), ("/unknown", 1, "")],
    ("chat-completion-list.json", "plain"): [("/has_more", DROP), ("/data/0/choices", DROP), ("/last_id", 1)],
    ("chat-completion-deleted.json", "plain"): [("/object", "chat.completion"), ("/deleted", DROP)],
    ("chat-completion-update-request.json", "plain"): [("/metadata", DROP), ("/metadata/a", 1)],
    ("chat-message-list.json", "plain"): [
        ("/data/0/id", DROP), ("/data/0/role", DROP), ("/data/0/content_parts/0/text", DROP),
        ("/data/0/content_parts/1/image_url", DROP), ("/data/0/content_parts/0/type", "file"),
    ],
}  # fmt: skip
