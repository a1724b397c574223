"""What valid requests are drawn from, beside their schema: values worth trying, and members that go together.

By the name of the request schema. An operation that is not named here is drawn from its schema alone, and then nothing
more is asked of it than not to break: what a valid request means there, nobody told.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

Json = Any
Body = dict[str, Json]

TEXTS = (
    "Hello",
    "Say hello.",
    "Count from one to five.",
    "e\u0301a\u0308o\u0302 n\u0303 combining",
    "שלום عليكم",
    "\u202eright to left override\u202c",
    "👩‍🚀🏴‍☠️🇩🇪",
    "漢字かな交じり文 한국어",
    "a\u200bb\u00adc\ufeffd",
    'quotes " and \\ backslash / slash',
    '{"role": "system", "content": "x"}',
    "<|im_end|><|endoftext|></s>[/INST]",
    "tab\tnew line\nreturn\r\nend",
    "%s %d {0} ${HOME} $(id) `id`",
    "ﬁ ﬀ Å Å ẛ̣",
    "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𐍈 🀄",
    "word " * 300,
)
"""Texts that every server takes. Those of STRANGE it may refuse, and only has to survive."""
STRANGE = ("", " ", "\n", "\0", "a\0b", "\x7f", "\x1b[31m", "\ud800", "\udfff a", "\uffff", "\ufdd0")

_TIME = {"name": "get_time", "description": "The time now.", "parameters": {"type": "object", "properties": {}}}
_WEATHER = {
    "name": "get_weather-2",
    "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "minimum": 1}},
        "required": ["city"],
    },
}
_TOOLS = ([{"type": "function", "function": _TIME}], [{"type": "function", "function": f} for f in (_TIME, _WEATHER)])
_FORMAT = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
    "required": ["name", "age"],
    "additionalProperties": False,
}
_FORMATS = (
    {"type": "text"},
    {"type": "json_object"},
    {"type": "json_schema", "json_schema": {"name": "person", "schema": _FORMAT}},
    {"type": "json_schema", "json_schema": {"name": "person-2", "schema": _FORMAT, "strict": True}},
)
_SAMPLING: Mapping[str, tuple[Json, ...]] = {
    "temperature": (0, 2, 1, 0.5, None),
    "top_p": (1, 0, 0.5, None),
    "n": (1, 2, 3, None),
    "presence_penalty": (0, 2, -2, 0.25, None),
    "frequency_penalty": (0, 2, -2, -0.25, None),
    "seed": (7, 0, -(2**63), 2**63 - 1, None),
    "stop": ("zqxj", None, ["."], ["zqxj", "###", "\n\n\n", "ÄÖ"], "👩‍🚀", "e\u0301"),
    "logit_bias": ({}, {"100": -100}, {"0": 0, "1": 1}, None),
    "stream": (True, False, None),
    "stream_options": ({"include_usage": True}, {"include_usage": False}, {}, None),
    "user": ("user-1", "ユーザー", "u" * 64),
}


@dataclass(frozen=True, slots=True)
class Pool:
    """`members`: the optional members and what to try as each. `mend` leaves out what does not go together.

    `bound` keeps an answer short where the request does not. `core` may not be refused.
    """

    members: Mapping[str, tuple[Json, ...]]
    mend: Callable[[Body], Body]
    core: frozenset[str]


def _limited(body: Body, names: tuple[str, ...]) -> None:
    if all(body.get(name) is None for name in names):
        body[names[0]] = 16


def _chat(body: Body) -> Body:
    body = dict(body)
    _streaming(body)
    if body.get("logprobs") is not True:
        body.pop("top_logprobs", None)
    if body.get("max_completion_tokens") is not None:
        body.pop("max_tokens", None)
    if not body.get("tools"):
        body.pop("tool_choice", None)
        body.pop("parallel_tool_calls", None)
    else:
        # What a tool call and a format, or a tool call and log probabilities, are to be together is not said.
        for name in ("response_format", "logprobs", "top_logprobs"):
            body.pop(name, None)
    if body.get("response_format", {}).get("type") == "json_object":
        body["messages"] = [{"role": "system", "content": "Answer in JSON."}, *body["messages"]]
    if body.get("metadata"):
        body["store"] = True
    _limited(body, ("max_tokens", "max_completion_tokens"))
    return body


def _streaming(body: Body) -> None:
    if body.get("stream") is not True:
        body.pop("stream_options", None)


def _completions(body: Body) -> Body:
    body = dict(body)
    _streaming(body)
    if body.get("best_of") is not None:
        body["best_of"] = max(body["best_of"], body.get("n") or 1)
        if body["best_of"] > 1:
            body.pop("stream", None)
            body.pop("stream_options", None)
    if body.get("suffix") is not None:
        body.pop("echo", None)
    _limited(body, ("max_tokens",))
    return body


POOLS: Mapping[str, Pool] = {
    "openai/chat-request.json": Pool(
        {
            **_SAMPLING,
            "max_tokens": (1, 2, 7, 16),
            "max_completion_tokens": (1, 16, None),
            "logprobs": (True, False, None),
            "top_logprobs": (0, 1, 5, 20, None),
            "tools": _TOOLS,
            "tool_choice": ("auto", "none", "required", {"type": "function", "function": {"name": "get_time"}}),
            "parallel_tool_calls": (True, False),
            "response_format": _FORMATS,
            "reasoning_effort": ("low", "medium", "high", None),
            "verbosity": ("low", "medium", "high", None),
            "service_tier": ("auto", "default", None),
            "store": (False, None),
            "metadata": ({}, {"ship": "Vireo"}, {f"k{n}": "v" * 512 for n in range(16)}, None),
            "modalities": (["text"], None),
            "safety_identifier": ("a" * 64, "seatrial", None),
            "prompt_cache_key": ("seatrial", None),
        },
        _chat,
        frozenset(
            ("model", "messages", "temperature", "stop", "max_tokens", "max_completion_tokens", "stream", "top_p")
        ),
    ),
    "openai/completion-request.json": Pool(
        {
            **_SAMPLING,
            "max_tokens": (1, 0, 2, 16),
            "best_of": (1, 2, 3, None),
            "echo": (True, False, None),
            "logprobs": (0, 1, 5, None),
            "suffix": (" the end.", None),
        },
        _completions,
        frozenset(("model", "prompt", "temperature", "stop", "max_tokens", "stream", "top_p")),
    ),
    "openai/embedding-request.json": Pool(
        {"encoding_format": ("float", "base64"), "dimensions": (8, 1), "user": ("user-1", "ユーザー")},
        dict,
        frozenset(("model", "input")),
    ),
}


def is_strange(value: Json) -> bool:
    """Whether a text in it is empty, or has characters that a server may refuse: controls, half pairs, no characters."""
    if isinstance(value, str):
        return not value.strip() or any(_odd(char) for char in value)
    if isinstance(value, dict):
        return any(is_strange(item) for pair in value.items() for item in pair)
    return isinstance(value, list) and any(is_strange(item) for item in value)


def _odd(char: str) -> bool:
    code = ord(char)
    control = (code < 0x20 and char not in "\t\n\r") or 0x7F <= code < 0xA0
    return control or 0xD800 <= code < 0xE000 or 0xFDD0 <= code < 0xFDF0 or code & 0xFFFE == 0xFFFE
