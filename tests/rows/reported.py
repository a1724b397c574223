"""What users of servers reported: counts, roles, names, and the order of members."""

from __future__ import annotations

import json
from typing import Any

from seatrial import sse
from seatrial.model import Exchange, Operation, Request
from tests.rows import FAIL, OPEN, OUT, PASS, Rows, exchange
from tests.rows.files import batch
from tests.rows.plausible import embedded, legacy, said, scored, token
from tests.rows.responses import USAGE, made

SETTLED: dict[str, Any] = {"messages": [], "temperature": 0, "seed": 7}
CALLABLE: list[Any] = [
    {"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}},
    {"type": "function", "function": {"name": "g"}},
]
WANTING = {"type": "function", "function": {"name": "f", "parameters": {"properties": {"city": {}}}}}
FORCED: dict[str, Any] = {"tools": CALLABLE, "tool_choice": "required"}
NARROW: dict[str, Any] = {"mode": "auto", "tools": [{"type": "function", "function": {"name": "g"}}]}
NARROWED: dict[str, Any] = {"tools": CALLABLE, "tool_choice": {"type": "allowed_tools", "allowed_tools": NARROW}}


def streamed(text: str, tokens: int, number: int, role: Any = "assistant", **asked: Any) -> Exchange:
    """A streamed chat completion that says so much, and counts so many tokens."""
    head = {"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "m"}
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": 1 + tokens}
    delta = {"role": role, "content": text}
    chunks = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": None}]},
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]},
        {**head, "choices": [], "usage": usage},
    ]
    body = b"".join(b"data: " + json.dumps(chunk).encode() + b"\n\n" for chunk in chunks) + b"data: [DONE]\n\n"
    wanted = {"model": "m", **SETTLED, **asked, "stream": True}
    request = Request("POST", "http://x/chat/completions", (), json.dumps(wanted).encode())
    operation = Operation("createChatCompletion", "POST", "/chat/completions")
    media = (("content-type", "text/event-stream"),)
    return Exchange(number, operation, request, 200, media, body, events=sse.read(body))


def twice(plain: int, stream: int, text: str = "Hi") -> list[Exchange]:
    """The same words twice plain and twice streamed, and how many tokens each kind counts."""
    one = [said(SETTLED, tokens=plain, number=number) for number in (1, 2)]
    return [*one, *(streamed(text, stream, number) for number in (3, 4))]


def prompted(prompt: Any, tokens: int, number: int) -> Exchange:
    usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}
    choices = [{"index": 0, "text": "a", "finish_reason": "length", "logprobs": None}]
    answer = {"id": "c", "object": "text_completion", "created": 1, "model": "m", "choices": choices, "usage": usage}
    asked = {"model": "m", "prompt": prompt}
    return exchange("createCompletion", "POST /completions", "/completions", answer, asked, number=number)


def chosen(n: int, tokens: int, number: int) -> Exchange:
    one = said({"n": n}, number=number)
    answer = json.loads(one.body)
    answer["usage"]["prompt_tokens"] = tokens
    asked = json.loads(one.request.body)
    return exchange("createChatCompletion", "POST /chat/completions", "/chat/completions", answer, asked, number=number)


def called(arguments: str, asked: dict[str, Any], name: str = "f", **more: Any) -> Exchange:
    calls = [{"id": "c", "type": "function", "function": {"name": name, "arguments": arguments}}]
    return said(asked, ("tool_calls", {"content": None, "tool_calls": calls, **more}))


def shaped(text: str, reason: str = "stop", strict: bool = True) -> Exchange:
    parts = {"type": "object", "properties": {"a": {}, "b": {"type": "object", "properties": {"c": {}, "d": {}}}}}
    wanted = {"type": "json_schema", "json_schema": {"name": "x", "strict": strict, "schema": parts}}
    return said({"response_format": wanted}, (reason, {"content": text}))


def upload(**more: Any) -> Exchange:
    answer = {"id": "upload_1", "object": "upload", "created_at": 100, "expires_at": 3700, **more}
    return exchange("createUpload", "POST /uploads", "/uploads", answer, {})


def cut(thought: Any, *output: Any) -> Exchange:
    details: Any = {"output_tokens_details": {"reasoning_tokens": thought}} if thought is not None else {}
    usage = {**USAGE, "output_tokens": 16, "output_tokens_details": None, **details}
    reason = {"reason": "max_output_tokens"}
    return made(status="incomplete", incomplete_details=reason, output=list(output), usage=usage)


def embedding(vector: list[float], number: int, **asked: Any) -> Exchange:
    one = embedded("a ship", vector, number=number)
    wanted = {**json.loads(one.request.body), **asked}
    return exchange("createEmbedding", "POST /embeddings", "/embeddings", json.loads(one.body), wanted, number=number)


def shortened(*vector: float) -> list[Exchange]:
    return [embedding([0.6, 0.8, 0.0], 1), embedding(list(vector), 2, dimensions=2)]


def done(*completed: int) -> list[Exchange]:
    """A batch of two as it was seen, and how many were completed."""
    counts = [{"total": 2, "completed": one, "failed": 0} for one in completed]
    return [batch(number=at, status="in_progress", request_counts=one) for at, one in enumerate(counts, 1)]


ROWS: Rows = {
    "stream.completion-tokens-equal-plain": [
        (FAIL, twice(5, 4)),
        (PASS, twice(5, 5)),
        (OPEN, twice(5, 4, "Ho")),
        (OPEN, twice(5, 4)[1:]),
        (OUT, twice(5, 5)[:2]),
    ],
    "usage.prompt-once": [
        (FAIL, [chosen(1, 9, 1), chosen(3, 27, 2)]),
        (PASS, [chosen(1, 9, 1), chosen(3, 10, 2)]),
        (OUT, [chosen(1, 9, 1), chosen(1, 9, 2)]),
    ],
    "completions.batch-counted": [
        (FAIL, [prompted("a ship", 3, 1), prompted(["a ship", "a late train"], 3, 2)]),
        (PASS, [prompted("a ship", 3, 1), prompted(["a ship", "a late train"], 7, 2)]),
        (OUT, [prompted("a ship", 3, 1), prompted("a train", 3, 2)]),
    ],
    "completions.logprobs-chosen": [
        (FAIL, legacy(asked={"logprobs": 0}, token_logprobs=None)),
        (PASS, legacy(asked={"logprobs": 0}, top_logprobs=None)),
        (OPEN, legacy("", asked={"logprobs": 0})),
        (OUT, legacy()),
    ],
    "embeddings.short-norm": [
        (FAIL, shortened(0.6, 0.3)),
        (PASS, shortened(0.6, 0.8)),
        (PASS, shortened(0.0, 0.0)),
        (OUT, shortened(0.6, 0.3)[:1]),
    ],
    "logprobs.top-own": [
        (FAIL, scored(token("a", -0.5, token("a"), token("b", -2)), token("c", -0.5, token("a"), token("b", -2)))),
        (PASS, scored(token("a", -0.5, token("a"), token("b", -2)), token("c", -0.5, token("c"), token("b", -2)))),
        (PASS, scored(token("a", -0.5, token("a"), token("b", -2)), token("a", -0.5, token("a"), token("b", -2)))),
        (OUT, said({})),
    ],
    "stream.role-assistant": [
        (FAIL, streamed("Hi", 1, 1, "user")),
        (PASS, streamed("Hi", 1, 1)),
        (PASS, streamed("Hi", 1, 1, None)),
        (OUT, said({})),
    ],
    "structured.key-order": [
        (FAIL, shaped('{"b": {"c": 1, "d": 2}, "a": 1}')),
        (FAIL, shaped('{"a": 1, "b": {"d": 2, "c": 1}}')),
        (PASS, shaped('{"a": 1, "b": {"c": 1, "d": 2}}')),
        (PASS, shaped('{"b": {"d": 2}}')),
        (OPEN, shaped('{"b": 1', "length")),
        (OUT, shaped('{"b": 1, "a": 1}', strict=False)),
    ],
    "tools.arguments-object": [
        (FAIL, called("null", FORCED)),
        (PASS, called("{}", FORCED)),
        (OPEN, called("null", {**FORCED, "tools": [WANTING]})),
        (OPEN, said(FORCED, ("stop", {"tool_calls": None}))),
        (OUT, called("null", {"tools": CALLABLE})),
    ],
    "tools.content-own": [
        (FAIL, called('{"city": "Oslo"}', FORCED, content='{"city": "Oslo"}')),
        (PASS, called('{"city": "Oslo"}', FORCED, content="I look it up.")),
        (PASS, called("{}", FORCED, content="{}")),
        (OUT, said(FORCED)),
    ],
    "tools.allowed-called": [
        (FAIL, called("{}", NARROWED)),
        (PASS, called("{}", NARROWED, "g")),
        (PASS, called("{}", NARROWED, "h")),
        (OPEN, said(NARROWED, ("stop", {"tool_calls": None}))),
        (OUT, called("{}", FORCED)),
    ],
    "batches.counts-forward": [
        (FAIL, done(2, 1)),
        (PASS, done(0, 1, 2)),
        (OUT, done(1)),
    ],
    "files.upload-expires": [
        (FAIL, upload(expires_at=100)),
        (PASS, upload()),
        (OPEN, upload(expires_at=None)),
    ],
    "responses.cut-shown": [
        (FAIL, cut(0)),
        (PASS, cut(16)),
        (PASS, cut(0, {"type": "message", "content": []})),
        (OPEN, cut(None)),
        (OPEN, made()),
    ],
}  # fmt: skip
