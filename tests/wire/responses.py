"""Responses and conversations."""

from __future__ import annotations

from typing import Any

from openai.types import conversations, responses
from openai.types.conversations import conversation_create_params, conversation_update_params, item_create_params
from openai.types.responses import (
    input_token_count_params,
    response_compact_params,
    response_create_params,
    response_item,
    response_item_list,
)
from openai.types.responses.input_token_count_response import InputTokenCountResponse
from pydantic import BaseModel

from tests.wire import DROP


class Deleted(BaseModel):
    """The official client reads nothing of the answer to a deletion; the document's example has these."""

    id: str
    deleted: bool
    object: str | None = None


TYPES: dict[str, Any] = {
    "response.json": responses.Response,
    "response-usage.json": responses.ResponseUsage,
    "response-tool.json": responses.Tool,
    "response-output-item.json": responses.ResponseOutputItem,
    "response-item.json": response_item.ResponseItem | conversations.ConversationItem,
    "response-item-list.json": response_item_list.ResponseItemList,
    "response-stream-event.json": responses.ResponseStreamEvent,
    "response-input-tokens.json": InputTokenCountResponse,
    "response-compaction.json": responses.CompactedResponse,
    "response-deleted.json": Deleted,
    "conversation.json": conversations.Conversation,
    "conversation-deleted.json": conversations.ConversationDeletedResource,
    "response-request.json": response_create_params.ResponseCreateParams,
    "response-input-item.json": responses.ResponseInputItemParam,
    "response-input-tokens-request.json": input_token_count_params.InputTokenCountParams,
    "response-compact-request.json": response_compact_params.ResponseCompactParams,
    "conversation-request.json": conversation_create_params.ConversationCreateParams,
    "conversation-update-request.json": conversation_update_params.ConversationUpdateParams,
    "conversation-items-request.json": item_create_params.ItemCreateParams,
}

TEXT = {"type": "output_text", "text": "Hi", "annotations": [], "logprobs": []}
MESSAGE = {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [TEXT]}
CALL = {
    "type": "function_call",
    "id": "fc_1",
    "call_id": "call_1",
    "name": "add",
    "arguments": "{}",
    "status": "completed",
}
THOUGHT = {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "So"}]}
ASKED = {"type": "message", "id": "msg_0", "role": "user", "content": [{"type": "input_text", "text": "Hi"}]}
TOOL = {"type": "function", "name": "add", "parameters": {"type": "object"}, "strict": True}
USAGE = {
    "input_tokens": 3,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 2,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 5,
}
RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "model": "m",
    "status": "completed",
    "output": [MESSAGE],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [TOOL],
    "usage": USAGE,
    "incomplete_details": {"reason": "max_output_tokens"},
    "error": {"code": "server_error", "message": "no"},
    "text": {"format": {"type": "text"}},
}
FORMAT = {"type": "json_schema", "name": "n", "schema": {}, "strict": True}


def event(type: str, **more: Any) -> dict[str, Any]:
    return {"type": type, "sequence_number": 0, **more}


# fmt: off
GOOD: dict[str, dict[str, Any]] = {
    "response.json": {
        "plain": RESPONSE,
        "bare": {k: v for k, v in RESPONSE.items() if k not in ("usage", "error", "text", "incomplete_details")},
    },
    "response-usage.json": {"plain": USAGE},
    "response-tool.json": {"plain": TOOL, "other": {"type": "web_search"}, "own": {"type": "vendor:tool"}},
    "response-output-item.json": {
        "plain": MESSAGE, "call": CALL, "thought": THOUGHT, "own": {"type": "vendor:item"},
        "refusal": {**MESSAGE, "content": [{"type": "refusal", "refusal": "No."}]},
    },
    "response-item.json": {"plain": ASKED, "answer": MESSAGE, "call": CALL},
    "response-item-list.json": {"plain": {"object": "list", "data": [ASKED, CALL], "has_more": False, "first_id": "a"}},
    "response-stream-event.json": {
        "plain": event("response.created", response=RESPONSE),
        "item": event("response.output_item.added", output_index=0, item=MESSAGE),
        "part": event("response.content_part.added", output_index=0, content_index=0, item_id="a", part=TEXT),
        "delta": event("response.output_text.delta", output_index=0, content_index=0, item_id="a", delta="b"),
        "arguments": event("response.function_call_arguments.done", output_index=0, item_id="a", arguments="{}"),
        "error": event("error", message="no"),
        "own": event("vendor.event"),
    },
    "response-input-tokens.json": {"plain": {"object": "response.input_tokens", "input_tokens": 3}},
    "response-compaction.json": {
        "plain": {"id": "resp_1", "object": "response.compaction", "created_at": 1, "usage": USAGE,
                  "output": [ASKED, {"type": "compaction", "id": "cmp_1", "encrypted_content": "x"}]},
    },
    "response-deleted.json": {"plain": {"id": "resp_1", "object": "response", "deleted": True}},
    "conversation.json": {"plain": {"id": "c", "object": "conversation", "created_at": 1, "metadata": {"a": "b"}}},
    "conversation-deleted.json": {"plain": {"id": "c", "object": "conversation.deleted", "deleted": True}},
    "response-input-item.json": {
        "plain": {"role": "user", "content": "Hi"}, "call": CALL,
        "output": {"type": "function_call_output", "call_id": "call_1", "output": "2"},
        "search": {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}},
        "parts": {"type": "message", "role": "user", "content": [
            {"type": "input_text", "text": "a"}, {"type": "input_image", "image_url": "data:,", "detail": "low"}]},
    },
    "response-request.json": {
        "plain": {
            "model": "m", "input": "Hi", "max_output_tokens": 16, "temperature": 2, "top_p": 0, "top_logprobs": 20,
            "text": {"format": FORMAT}, "tools": [TOOL], "tool_choice": {"type": "function", "name": "add"},
            "include": ["message.output_text.logprobs"], "truncation": "auto", "unknown": 1,
        },
        "items": {"model": "m", "input": [{"role": "user", "content": "Hi"}, CALL, THOUGHT], "tool_choice": "required"},
        "bare": {},
        "chosen": {
            "tools": [{"type": "mcp", "server_label": "a", "server_url": "https://a.example"}],
            "tool_choice": {"type": "mcp", "server_label": "a"}, "prompt_cache_options": {"mode": "explicit"},
            "context_management": [{"type": "compaction", "compact_threshold": 1000}],
        },
        "allowed": {"tools": [TOOL], "tool_choice": {"type": "allowed_tools", "mode": "auto", "tools": [TOOL]}},
    },
    "response-input-tokens-request.json": {"plain": {"model": "m", "input": "Hi", "tools": [TOOL]}},
    "response-compact-request.json": {
        "plain": {"model": "m", "input": "Hi", "service_tier": "auto", "prompt_cache_options": {"mode": "implicit", "ttl": "30m"}},
    },
    "conversation-request.json": {"plain": {"items": [{"role": "user", "content": "Hi"}], "metadata": {"a": "b"}}},
    "conversation-update-request.json": {"plain": {"metadata": {"a": "b"}}},
    "conversation-items-request.json": {"plain": {"items": [{"role": "user", "content": "Hi"}]}},
}
BAD: dict[tuple[str, str], list[tuple[Any, ...]]] = {
    ("response-request.json", "chosen"): [
        ("/tools/0/server_label", DROP), ("/tool_choice/server_label", DROP), ("/tool_choice/type", DROP),
        ("/prompt_cache_options/mode", "none"), ("/context_management/0/type", DROP),
        ("/context_management/0/compact_threshold", 999),
    ],
    ("response-request.json", "allowed"): [("/tool_choice/mode", "none"), ("/tool_choice/tools", DROP)],
    ("response-input-item.json", "search"): [("/status", "done"), ("/id", DROP), ("/action", "search")],
    ("response.json", "plain"): [
        ("/id", DROP), ("/object", "chat.completion"), ("/output", None), ("/tools", None), ("/tools/0/name", DROP),
        ("/usage/total_tokens", DROP), ("/incomplete_details/reason", "length"), ("/status", "done"),
        ("/output/0/id", None), ("/output/0/content/0/text", None), ("/error/code", "oops"),
        ("/text/format/type", 1), ("/created_at", "2024-10-22T15:10:45"), ("/parallel_tool_calls", None),
    ],
    ("response-usage.json", "plain"): [
        ("/output_tokens_details", DROP), ("/input_tokens_details/cached_tokens", DROP), ("/total_tokens", -1),
    ],
    ("response-tool.json", "plain"): [("/type", DROP), ("/name", None), ("/parameters", "{}")],
    ("response-output-item.json", "plain"): [
        ("/id", DROP), ("/status", None), ("/status", DROP), ("/role", "user"), ("/content", "Hi"), ("/type", DROP),
        ("/content/0/annotations", DROP), ("/content/0/text", None),
    ],
    ("response-output-item.json", "call"): [("/name", DROP), ("/arguments", {}), ("/call_id", None)],
    ("response-output-item.json", "thought"): [("/summary", DROP), ("/summary/0/text", None), ("/id", DROP)],
    ("response-item.json", "plain"): [("/id", DROP), ("/role", "robot"), ("/content", "Hi")],
    ("response-item-list.json", "plain"): [("/has_more", DROP), ("/object", "page"), ("/data/1/name", DROP)],
    ("response-stream-event.json", "plain"): [
        ("/sequence_number", DROP), ("/response", DROP), ("/response/created_at", DROP), ("/type", DROP),
    ],
    ("response-stream-event.json", "item"): [("/output_index", DROP), ("/item/status", DROP), ("/item", None)],
    ("response-stream-event.json", "part"): [("/content_index", DROP), ("/part/text", DROP), ("/item_id", None)],
    ("response-stream-event.json", "delta"): [("/delta", None), ("/output_index", DROP), ("/item_id", DROP)],
    ("response-stream-event.json", "arguments"): [("/arguments", {}), ("/item_id", DROP)],
    ("response-stream-event.json", "error"): [("/message", DROP), ("/sequence_number", "0")],
    ("response-input-tokens.json", "plain"): [("/input_tokens", DROP), ("/object", "list")],
    ("response-compaction.json", "plain"): [
        ("/output", None), ("/object", "response"), ("/usage/total_tokens", DROP), ("/output/1/encrypted_content", DROP),
    ],
    ("response-compact-request.json", "plain"): [("/model", DROP), ("/input", 5), ("/prompt_cache_options/mode", "none")],
    ("response-deleted.json", "plain"): [("/deleted", False), ("/id", DROP)],
    ("conversation.json", "plain"): [("/metadata", DROP), ("/created_at", "now"), ("/object", "thread")],
    ("conversation-deleted.json", "plain"): [("/deleted", False), ("/object", "conversation")],
    ("response-input-item.json", "plain"): [("/role", "robot"), ("/content", DROP), ("/content", 5)],
    ("response-input-item.json", "output"): [("/call_id", DROP), ("/output", 5)],
    ("response-input-item.json", "parts"): [("/content/0/text", DROP), ("/content/1/detail", "huge")],
    ("response-request.json", "plain"): [
        ("/model", 5), ("/input", 5), ("/max_output_tokens", 15), ("/temperature", 2.1), ("/top_p", -1),
        ("/top_logprobs", 21), ("/text/format/type", "yaml"), ("/text/format/schema", DROP), ("/tools/0/name", DROP),
        ("/tool_choice", "any"), ("/tool_choice/name", DROP), ("/include/0", "all"), ("/truncation", "middle"),
        ("/metadata", {"k": "v" * 513}, "/metadata/k"), ("/stream", "yes"), ("/reasoning", {"effort": "lots"}, "/reasoning/effort"),
    ],
    ("response-request.json", "items"): [("/input/0/role", "robot"), ("/input/1/call_id", DROP), ("/tool_choice", None)],
    ("response-input-tokens-request.json", "plain"): [("/input", 5), ("/tools/0/name", DROP)],
    ("conversation-request.json", "plain"): [("/items/0/role", 5), ("/metadata/a", 5)],
    ("conversation-update-request.json", "plain"): [("/metadata", DROP), ("/metadata/a", 5)],
    ("conversation-items-request.json", "plain"): [("/items", DROP), ("/items", None)],
}
# fmt: on
