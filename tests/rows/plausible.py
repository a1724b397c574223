"""Figures that are well formed and cannot be true."""

from __future__ import annotations

import json
from typing import Any

from seatrial.model import Exchange, Operation, Request
from tests.rows import FAIL, OPEN, OUT, PASS, Rows

OLD, TODAY = 1_677_652_288, "Sat, 21 Nov 2026 18:00:00 GMT"
TOOLS = [{"type": "function", "function": {"name": "f"}}]
CALL = {"id": "c", "type": "function", "function": {"name": "f", "arguments": "{}"}}


def _sent(name: str, path: str, asked: Any, answer: Any, number: int) -> Exchange:
    request = Request("POST", "http://x" + path, (), json.dumps({"model": "m", **asked}).encode())
    headers = (("content-type", "application/json"), ("date", TODAY))
    return Exchange(number, Operation(name, "POST", path), request, 200, headers, json.dumps(answer).encode())


def said(
    asked: dict[str, Any], *choices: Any, tokens: int = 1, number: int = 1, model: str = "m", created: int = OLD
) -> Exchange:
    """A chat completion; each choice is (finish_reason, members)."""
    listed: list[Any] = [
        {"index": at, "finish_reason": reason, "message": {"role": "assistant", "content": "Hi", **more}}
        for at, (reason, more) in enumerate(choices or [("stop", {})])
    ]
    usage = {"prompt_tokens": 1, "completion_tokens": tokens, "total_tokens": 1 + tokens}
    whole = {"id": f"c-{number}", "model": model, "created": created, "choices": listed, "usage": usage}
    return _sent("createChatCompletion", "/chat/completions", {"messages": [], **asked}, whole, number)


def scored(*records: Any, top: int = 2) -> Exchange:
    choice = {"index": 0, "finish_reason": "stop", "message": {"content": "a"}, "logprobs": {"content": list(records)}}
    asked = {"messages": [], "logprobs": True, "top_logprobs": top}
    return _sent("createChatCompletion", "/chat/completions", asked, {"id": "c", "choices": [choice]}, 1)


def token(text: str, logprob: Any = -0.5, *tops: Any) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": None, "top_logprobs": list(tops)}


def legacy(text: str = "a b c", finish: str = "length", asked: Any = None, **table: Any) -> Exchange:
    lists = {
        "tokens": ["a", " b", " c"],
        "token_logprobs": [-0.5, -0.5, 0],
        "top_logprobs": [{"a": -0.5}] * 3,
        "text_offset": [7, 8, 10],
    }
    choice = {"index": 0, "finish_reason": finish, "text": text, "logprobs": {**lists, **table}}
    wanted = {"prompt": "x", "logprobs": 1, **(asked or {})}
    return _sent("createCompletion", "/completions", wanted, {"id": "c", "choices": [choice]}, 1)


def embedded(texts: Any, *vectors: list[float], tokens: int = 3, number: int = 1) -> Exchange:
    data = [{"object": "embedding", "index": at, "embedding": vector} for at, vector in enumerate(vectors)]
    usage = {"prompt_tokens": tokens, "total_tokens": tokens}
    whole = {"object": "list", "model": "m", "data": data, "usage": usage}
    return _sent("createEmbedding", "/embeddings", {"input": texts}, whole, number)


ONE, OTHER = [0.5] * 8, [0.5] * 7 + [-0.5]
SHIP, TRAIN = "the ship sails", "a late train"
CUT: dict[str, Any] = {"max_tokens": 8}

ROWS: Rows = {
    "tools.finish-reason-called": [
        (FAIL, said({"tools": TOOLS}, ("stop", {"tool_calls": [CALL]}))),
        (PASS, said({"tools": TOOLS}, ("tool_calls", {"tool_calls": [CALL]}))),
        (PASS, said({"tools": TOOLS}, ("length", {"tool_calls": [CALL]}))),
        (OPEN, said({"tools": TOOLS})),
        (OUT, said({"tools": TOOLS, "tool_choice": "required"}, ("stop", {"tool_calls": [CALL]}))),
    ],
    "chat.no-template-marks": [
        (FAIL, said({}, ("stop", {"content": "Hi<|im_end|>"}))),
        (FAIL, said({}, ("stop", {"content": "Hi</s>"}))),
        (PASS, said({}, ("stop", {"content": "a <s>b</s>"}))),
        (PASS, said({}, ("stop", {"content": "a |> b <| c"}))),
        (OUT, said({"messages": [{"role": "user", "content": "Write <|im_end|>"}]})),
    ],
    "usage.cut-counted": [
        (FAIL, said(CUT, ("length", {}), ("length", {}), tokens=8)),
        (FAIL, said(CUT, ("length", {}), tokens=1)),
        (PASS, said(CUT, ("length", {}), tokens=7)),
        (PASS, said(CUT, ("length", {}), ("length", {}), tokens=16)),
        (OPEN, said(CUT, ("length", {}), ("stop", {}), tokens=9)),
        (OUT, said({"max_tokens": 4096}, ("length", {}), tokens=900)),
        (OUT, said({**CUT, "tools": TOOLS}, ("length", {}))),
    ],
    "ids.model-named": [
        (FAIL, said({}, model=" ")),
        (PASS, said({})),
        (PASS, embedded(SHIP, ONE)),
    ],
    "created.each-its-own": [
        (FAIL, [said({}), said({}, number=2)]),
        (PASS, [said({}), said({}, number=2, created=OLD + 9)]),
        (PASS, [said({}, created=1_795_284_000), said({}, number=2, created=1_795_284_000)]),
        (OUT, [said({})]),
    ],
    "embeddings.non-zero": [
        (FAIL, embedded(SHIP, [0.0, 0.0])),
        (FAIL, embedded([SHIP, TRAIN], ONE, [0, 0])),
        (PASS, embedded(SHIP, [0.0, 0.1])),
        (OPEN, embedded(" ", [0.0, 0.0])),
    ],
    "embeddings.distinct": [
        (FAIL, [embedded([SHIP, TRAIN], ONE, ONE)]),
        (FAIL, [embedded(SHIP, ONE), embedded(TRAIN, ONE, number=2)]),
        (PASS, [embedded([SHIP, TRAIN], ONE, OTHER)]),
        (PASS, [embedded([SHIP, TRAIN, "The ship sails"], ONE, OTHER, ONE)]),
        (OPEN, [embedded([SHIP, TRAIN], [1.0], [1.0])]),
        (OPEN, [embedded([SHIP, "日本 語 船"], ONE, ONE)]),
    ],
    "embeddings.batch-counted": [
        (FAIL, [embedded([SHIP, TRAIN], ONE, OTHER), embedded(SHIP, ONE, number=2)]),
        (PASS, [embedded([SHIP, TRAIN], ONE, OTHER, tokens=6), embedded(SHIP, ONE, number=2)]),
        (OUT, [embedded([SHIP, ""], ONE, OTHER), embedded(SHIP, ONE, number=2)]),
    ],
    "logprobs.top-members": [
        (FAIL, scored(token("a", -0.5, {"token": "a"}))),
        (FAIL, scored(token("a", -0.5, {"token": 5, "logprob": -1}))),
        (PASS, scored(token("a", -0.5, token("a")))),
        (OPEN, scored(token("a"))),
    ],
    "logprobs.top-sum": [
        (FAIL, scored(token("a", -0.1, token("a", -0.1), token("b", -0.2)))),
        (PASS, scored(token("a", 0, token("a", 0), token("b", -9999)))),
        (PASS, scored(token("a", -0.1, token("a", -0.1), token("a", -0.1)))),
        (OPEN, scored(token("a"))),
    ],
    "logprobs.top-distinct": [
        (FAIL, scored(token("a", -0.5, token("a"), token("a")))),
        (PASS, scored(token("a", -0.5, token("a"), token("a", -1.5)))),
        (PASS, scored(token("a", -0.5, token("b", -9999), token("b", -9999)))),
        (OPEN, scored(token("a"))),
    ],
    "logprobs.top-agrees": [
        (FAIL, scored(token("a", -3, token("a")), token("b", -3, token("b")))),
        (PASS, scored(token("a", -3, token("a")), token("b", -0.5, token("b")))),
        (OPEN, scored(token("a", -3, token("a")))),
        (OPEN, scored(token("a", -3, token("b")))),
    ],
    "logprobs.bytes-member": [
        (FAIL, scored({"token": "a", "logprob": -1, "top_logprobs": []})),
        (PASS, scored(token("a"))),
        (OPEN, scored()),
    ],
    "completions.logprobs-values": [
        (FAIL, legacy(token_logprobs=[0.9, 0.9, 0.9])),
        (FAIL, legacy(token_logprobs=[None, None, -1])),
        (FAIL, legacy(token_logprobs=["-1", -1, -1])),
        (PASS, legacy(token_logprobs=[None, -1, 0])),
        (PASS, legacy(asked={"echo": True}, token_logprobs=[None, None, -1])),
        (OPEN, legacy(token_logprobs=None)),
        (OUT, legacy(asked={"logprobs": 0})),
    ],
    "completions.logprobs-text": [
        (FAIL, legacy(tokens=["a", "\u0120b", "\u0120c"])),
        (FAIL, legacy(tokens=[1, 2, 3])),
        (FAIL, legacy("x a b c", asked={"echo": True})),
        (PASS, legacy()),
        (PASS, legacy(tokens=["<s>", "a", " b", " c"])),
        (PASS, legacy("a b", "stop")),
        (PASS, legacy("a", "stop", asked={"stop": [" b c"]})),
        (OPEN, legacy("ä b c")),
    ],
    "completions.logprobs-top": [
        (FAIL, legacy(top_logprobs=None)),
        (FAIL, legacy(top_logprobs=[{}, {}, {}])),
        (FAIL, legacy(asked={"logprobs": 2}, top_logprobs=[{"a": -1}] * 3)),
        (PASS, legacy(asked={"logprobs": 2}, top_logprobs=[{"a": -1}, {"a": -1}, {"a": -1, "b": -2}])),
        (FAIL, legacy(top_logprobs=[{"a": -1, "b": -2, "c": -3}] * 3)),
        (PASS, legacy(top_logprobs=[None, {"a": -1}, {"a": -1, "b": -2}])),
        (OPEN, legacy(tokens=None)),
    ],
    "completions.logprobs-offsets": [
        (FAIL, legacy(text_offset=[0, 0, 0])),
        (FAIL, legacy(text_offset=[4, 2, 0])),
        (PASS, legacy()),
        (OPEN, legacy(text_offset=None)),
        (OPEN, legacy(tokens=["a", " b", ""])),
    ],
}
