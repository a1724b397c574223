"""Models, chat and legacy completions, embeddings, usage and errors."""

from __future__ import annotations

from typing import Any

import pydantic
from openai import pagination
from openai.types import (
    Completion,
    CompletionUsage,
    CreateEmbeddingResponse,
    Model,
    completion_create_params,
    embedding_create_params,
)
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.chat import completion_create_params as chat_create_params
from openai.types.shared import ErrorObject

from tests.wire import DROP


class ErrorEnvelope(pydantic.BaseModel):
    error: ErrorObject


TYPES = {
    "model.json": Model,
    "model-list.json": pagination.SyncPage[Model],
    "chat-completion.json": ChatCompletion,
    "chat-completion-chunk.json": ChatCompletionChunk,
    "completion.json": Completion,
    "completion-chunk.json": Completion,
    "embedding-list.json": CreateEmbeddingResponse,
    "usage.json": CompletionUsage,
    "error.json": ErrorEnvelope,
    "chat-request.json": chat_create_params.CompletionCreateParams,
    "completion-request.json": completion_create_params.CompletionCreateParams,
    "embedding-request.json": embedding_create_params.EmbeddingCreateParams,
}

USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
CALL = {"id": "call_1", "type": "function", "function": {"name": "add", "arguments": "{}"}}
LOGPROBS = {"content": [{"token": "a", "logprob": -0.1, "bytes": [97], "top_logprobs": []}], "refusal": None}
TOOL = {"type": "function", "function": {"name": "add", "parameters": {"type": "object"}, "strict": True}}
CUSTOM = {"type": "custom", "custom": {"name": "c", "format": {"type": "text"}}}
PARTS = [
    {"type": "text", "text": "a"},
    {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA==", "detail": "low"}},
    {"type": "input_audio", "input_audio": {"data": "AA==", "format": "wav"}},
    {"type": "file", "file": {"file_id": "f"}},
]


def answer(kind: str, *choices: Any, **more: Any) -> dict[str, Any]:
    return {"id": "x-1", "object": kind, "created": 1700000000, "model": "m", "choices": list(choices), **more}


def said(finish_reason: str, content: Any, **more: Any) -> dict[str, Any]:
    return {"index": 0, "message": {"role": "assistant", "content": content, **more}, "finish_reason": finish_reason}


def delta(finish_reason: str | None, **more: Any) -> dict[str, Any]:
    return {"index": 0, "delta": more, "finish_reason": finish_reason}


def text(finish_reason: str | None) -> dict[str, Any]:
    return {"text": "a", "index": 0, "logprobs": None, "finish_reason": finish_reason}


def vectors(embedding: Any) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": embedding}]
    return {"object": "list", "model": "m", "data": data, "usage": {"prompt_tokens": 1, "total_tokens": 1}}


REFUSED = {"message": "no", "type": "invalid_request_error"}
# fmt: off
GOOD: dict[str, dict[str, Any]] = {
    "model.json": {"plain": {"id": "org/m:1", "object": "model", "created": 1, "owned_by": "me", "meta_data": None}},
    "model-list.json": {"plain": {"object": "list", "data": []}},
    "usage.json": {
        "plain": {**USAGE, "prompt_tokens_details": {"cached_tokens": None}, "completion_tokens_details": None}
    },
    "error.json": {
        "plain": {"error": {**REFUSED, "param": None, "code": None}},
        "bare": {"error": {**REFUSED, "code": 400}},
    },
    "chat-completion.json": {
        "plain": answer("chat.completion", {**said("stop", "Hi"), "logprobs": LOGPROBS}, usage=USAGE, timings={}),
        "calls": answer("chat.completion", said("tool_calls", None, tool_calls=[CALL]), system_fingerprint=None),
        "nulls": answer("chat.completion", said("length", "", tool_calls=None, refusal=None, reasoning_content="")),
    },
    "chat-completion-chunk.json": {
        "plain": answer("chat.completion.chunk", delta(None, role="assistant", content=""), usage=None),
        "calls": answer(
            "chat.completion.chunk",
            delta("tool_calls", tool_calls=[{"index": 0, **CALL}, {"index": 1, "function": {"arguments": ""}}]),
        ),
        "usage": answer("chat.completion.chunk", usage=USAGE),
    },
    "completion.json": {"plain": answer("text_completion", text("stop"), usage=USAGE)},
    "completion-chunk.json": {"plain": answer("text_completion", text(None), usage=None)},
    "embedding-list.json": {"plain": vectors([0.5, 1]), "base64": vectors("AAAAPw==")},
    "embedding-request.json": {
        kind: {"model": "m", "input": value, "encoding_format": "base64", "dimensions": 8}
        for kind, value in {"plain": "a", "texts": ["a", "b"], "tokens": [1, 2], "batch": [[1], [2, 3]]}.items()
    },
    "completion-request.json": {
        kind: {"model": "m", "prompt": value, "logprobs": 5, "stop": ["a"], "stream_options": None, "top_k": 4}
        for kind, value in {"plain": "", "null": None, "texts": ["a", ""], "tokens": [1], "batch": [[1], [2]]}.items()
    },
    "chat-request.json": {
        "plain": {
            "model": "m",
            "messages": [{"role": "user", "content": "Hi"}],
            "temperature": 2, "top_p": 0, "n": 128, "top_logprobs": 20, "presence_penalty": -2, "seed": -(2**63),
            "logit_bias": {"50256": -100}, "stop": None, "stream": True, "stream_options": {"include_usage": True},
            "response_format": {"type": "json_schema", "json_schema": {"name": "n", "schema": {}, "strict": True}},
            "tools": [TOOL, CUSTOM],
            "tool_choice": {"type": "function", "function": {"name": "add"}},
            "unknown": 1,
        },
        "roles": {
            "model": "m",
            "tool_choice": "required",
            "messages": [
                {"role": "developer", "content": [{"type": "text", "text": "a"}]},
                {"role": "system", "content": "a", "name": "s"},
                {"role": "user", "content": PARTS},
                {"role": "assistant", "content": None, "tool_calls": [CALL]},
                {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "2"}]},
                {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]},
                {"role": "function", "name": "f", "content": None},
            ],
        },
    },
}

# By schema and good document: the one member that is changed, its value, and the place to be named where it is not that
# member itself (or, of a dropped one, the object that lacks it).
BAD: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("model.json", "plain"): [
        ("/created", DROP), ("/created", "2024-10-22T15:10:45"), ("/object", "models"), ("/owned_by", None),
    ],
    ("model-list.json", "plain"): [
        ("/object", DROP), ("/data", None), ("/data", [{"id": "m", "object": "model", "created": 1}], "/data/0"),
    ],
    ("usage.json", "plain"): [
        ("/total_tokens", DROP), ("/completion_tokens", -1), ("/prompt_tokens", None),
        ("/prompt_tokens_details/cached_tokens", "0"),
    ],
    ("error.json", "plain"): [("/error", "no"), ("/error", DROP), ("/error/type", None), ("/error/message", DROP)],
    ("chat-completion.json", "plain"): [
        ("/object", "chat.completions"), ("/choices", DROP), ("/created", 1.5), ("/service_tier", 5),
        ("/usage", None), ("/usage/total_tokens", DROP), ("/choices/0/finish_reason", "error"),
        ("/choices/0/finish_reason", None), ("/choices/0/index", "0"), ("/choices/0/logprobs", []),
        ("/choices/0/message", DROP), ("/choices/0/message/role", "user"), ("/choices/0/message/content", DROP),
        ("/choices/0/message/content", [{"type": "text", "text": "Hi"}]),
    ],
    ("chat-completion.json", "calls"): [
        ("/choices/0/message/tool_calls/0/id", None), ("/choices/0/message/tool_calls/0/type", DROP),
        ("/choices/0/message/tool_calls/0/type", "custom", "/choices/0/message/tool_calls/0"),
        ("/choices/0/message/tool_calls/0/function/arguments", {}),
    ],
    ("chat-completion-chunk.json", "plain"): [
        ("/object", DROP), ("/object", "chat.completion"), ("/choices/0/finish_reason", DROP),
        ("/choices/0/delta", None), ("/choices/0/delta/role", "bot"),
    ],
    ("chat-completion-chunk.json", "calls"): [
        ("/choices/0/delta/tool_calls/1/index", DROP), ("/choices/0/delta/tool_calls/1/index", -1),
        ("/choices/0/delta/tool_calls/1/function/arguments", None),
    ],
    ("chat-completion-chunk.json", "usage"): [
        ("/choices", DROP), ("/choices", None), ("/usage/total_tokens", DROP), ("/usage", "n/a"),
    ],
    ("completion.json", "plain"): [
        ("/choices/0/logprobs", DROP), ("/choices/0/finish_reason", None), ("/choices/0/text", None),
    ],
    ("completion-chunk.json", "plain"): [
        ("/choices/0/finish_reason", DROP), ("/choices/0/finish_reason", "tool_calls"),
        ("/usage", {"prompt_tokens": 1, "completion_tokens": 1}),
    ],
    ("embedding-list.json", "plain"): [
        ("/usage", DROP), ("/data/0/embedding", None), ("/data/0/embedding/1", None), ("/data/0/index", DROP),
    ],
    ("embedding-request.json", "plain"): [
        ("/input", ""), ("/input", []), ("/input", None), ("/input", ["a"] * 2049), ("/input", ["a", 1], "/input/1"),
        ("/input", [[1], []], "/input/1"), ("/input", [["a"]], "/input/0/0"), ("/dimensions", 0),
        ("/encoding_format", "int8"), ("/unknown", 1, ""),
    ],
    ("completion-request.json", "plain"): [
        ("/prompt", DROP), ("/prompt", {}), ("/logprobs", 6), ("/best_of", 21), ("/max_tokens", -1),
        ("/stop", ["a"] * 5), ("/stream_options", {}, ""),
    ],
    ("chat-request.json", "plain"): [
        ("/model", None), ("/messages", []), ("/temperature", 2.1), ("/n", 129), ("/top_logprobs", 21),
        ("/logit_bias/1", 101), ("/seed", 2**63), ("/stream", False), ("/stop", []), ("/reasoning_effort", "lots"),
        ("/metadata", {"k": "v" * 513}, "/metadata/k"), ("/tool_choice", "any"), ("/tool_choice/type", "tool"),
        ("/tool_choice/function/name", DROP), ("/tools/0/function/name", "a b"), ("/tools/0/type", "web_search"),
        ("/response_format/json_schema", DROP), ("/response_format/type", "yaml"),
    ],
    ("chat-request.json", "roles"): [
        ("/messages/0/content/0/type", "image_url"), ("/messages/1/role", "robot"), ("/messages/1/content", DROP),
        ("/messages/1/content", None), ("/messages/2/content/0/text", None),
        ("/messages/2/content/1/image_url", "http://x"), ("/messages/2/content/2/input_audio/format", "ogg"),
        ("/messages/3/tool_calls/0/id", None), ("/messages/4/tool_call_id", DROP), ("/messages/5/content", DROP),
    ],
}
# fmt: on
