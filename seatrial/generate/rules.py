"""What the request schemas do not say: which members go together, and which few servers know.

By the name of the request schema; an operation that is not named here is derived from its schema alone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_TOOLS = [{"type": "function", "function": {"name": "get_time", "description": "The time now."}}]

COMPANIONS: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "openai/chat-request.json": {
        "stream_options": {"stream": True},
        "top_logprobs": {"logprobs": True},
        "tool_choice": {"tools": _TOOLS},
        "parallel_tool_calls": {"tools": _TOOLS},
        "function_call": {"functions": [{"name": "get_time"}]},
        "metadata": {"store": True},
    },
    "openai/completion-request.json": {"stream_options": {"stream": True}},
    "openai/response-request.json": {
        "stream_options": {"stream": True},
        "tool_choice": {"tools": [{"type": "function", "name": "get_time", "parameters": {}, "strict": False}]},
        "parallel_tool_calls": {"tools": [{"type": "function", "name": "get_time", "parameters": {}, "strict": False}]},
    },
}
"""Members that are sent along with a member, so that it is not refused for their lack."""

CLOSED = frozenset((
    *("moderation", "prediction", "web_search_options", "prompt_cache_options", "audio", "custom"),
    *("context_management", "access_programs"),
))  # fmt: skip
"""Members below which nothing is broken: few servers read them, and their schemas are large."""

SELDOM = CLOSED | {
    *("prompt_cache_key", "prompt_cache_retention", "prompt_cache_breakpoint", "input_audio", "file", "allowed_tools"),
    *("refusal", "detail", "description", "name", "tool_calls", "function_call", "functions", "modalities"),
    *("include_obfuscation", "context_compression", "output_compression"),
    # Of one model each: those who separate speakers, and those who draw in SVG.
    *("languages", "keywords", "known_speaker_names", "known_speaker_references"),
    *("svg", "complexity", "frame_count", "frame_duration_ms"),
}
"""Members that many servers leave unread: that they take a wrong value of one is no more than a SHOULD."""

UNWRITTEN: Mapping[str, frozenset[tuple[str, ...]]] = {
    "openai/image-request.json": frozenset({("safety_identifier",)}),
    "openai/image-edit-request.json": frozenset({("safety_identifier",)}),
    "openai/response-compact-request.json": frozenset({("image",), ("input", "id"), ("input", "status")}),
    "openai/response-input-tokens-request.json": frozenset({("input", "id"), ("input", "status")}),
    "openai/response-request.json": frozenset({("input", "id"), ("input", "status")}),
}
"""Places that only the official client knows, or that the document knows in one of several forms which all fit."""
