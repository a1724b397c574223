"""Small exchanges made by hand: requests, answers, chunks and streams of the text endpoints."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
from collections.abc import Sequence
from typing import Any

from seatrial import sse
from seatrial.model import WRONG_KEY, Case, Exchange, Operation, Request, Scenario, TransportError

CASE = Case(Scenario("unit", "unit", "unit", "chat", "unit", (), (), "gate", {}, ()))
NOW = 1_780_000_000
_ERROR = {"application/json": "openai/error.json"}


def _operation(name: str, call: str, plain: str, stream: str | None = None) -> Operation:
    ok = {"application/json": f"openai/{plain}.json"} | (
        {"text/event-stream": f"openai/{stream}.json"} if stream else {}
    )
    method, path = call.split()
    return Operation(name, method, path, None, {"200": ok, "4XX": _ERROR, "5XX": _ERROR})


CHAT = _operation("createChatCompletion", "POST /chat/completions", "chat-completion", "chat-completion-chunk")
TEXT = _operation("createCompletion", "POST /completions", "completion", "completion-chunk")
EMBED = _operation("createEmbedding", "POST /embeddings", "embedding-list")
MODELS = _operation("listModels", "GET /models", "model-list")
BARE = Operation("httpGetUnknown", "GET", "/unknown")


def ex(op: Operation, ask: Any = None, answer: Any = None, status: int | None = 200, **more: Any) -> Exchange:
    """An exchange; `answer` is a document, or the body's bytes."""
    media = more.pop("media", "application/json")
    headers = (("content-type", media),) if media else ()
    headers += tuple(more.pop("headers", ()))
    body = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
    request = Request(op.method, "http://x" + op.path, (), b"" if ask is None else json.dumps(ask).encode())
    events = sse.read(body) if media.startswith("text/event-stream") else ()
    return Exchange(
        more.pop("number", 1), op, request, status, headers, body, events=more.pop("events", events), **more
    )


def ask(**more: Any) -> dict[str, Any]:
    return {"model": "m", "messages": [{"role": "user", "content": "Hi"}], **more}


def message(content: Any = "Hello", finish: Any = "stop", index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "finish_reason": finish, "logprobs": more.pop("logprobs", None)}
    return {**choice, "message": {"role": "assistant", "content": content, "refusal": None, **more}}


def body(*choices: dict[str, Any], **more: Any) -> dict[str, Any]:
    usage = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}
    whole = {"id": "chatcmpl-1", "object": "chat.completion", "created": NOW, "model": "m", "usage": usage}
    return {**whole, "choices": list(choices) or [message()], **more}


def chat(*choices: dict[str, Any], ask_: dict[str, Any] | None = None, **more: Any) -> Exchange:
    known = {name: more.pop(name) for name in ("number", "headers", "status", "step", "media") if name in more}
    return ex(CHAT, ask_ or ask(), body(*choices, **more), **known)


def chunk(delta: Any = None, finish: Any = None, index: int = 0, **more: Any) -> dict[str, Any]:
    choice = {"index": index, "delta": {} if delta is None else delta, "finish_reason": finish}
    choice |= {"logprobs": more.pop("logprobs")} if "logprobs" in more else {}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": NOW,
        "model": "m",
        "choices": [choice],
        **more,
    }


FIRST = chunk({"role": "assistant", "content": ""})
END = chunk({}, "stop")
HELLO = [FIRST, chunk({"content": "Hel"}), chunk({"content": "lo"}), END]
USAGE = {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def wire(chunks: Sequence[Any], done: str = "data: [DONE]\n\n") -> bytes:
    text = "".join(f"data: {c if isinstance(c, str) else json.dumps(c, ensure_ascii=False)}\n\n" for c in chunks)
    return (text + done).encode("utf-8", "surrogatepass")


def stream(chunks: Sequence[Any] = HELLO, raw: bytes | None = None, op: Operation = CHAT, **more: Any) -> Exchange:
    asked = {**(more.pop("ask_", None) or ask()), "stream": True}
    media = more.pop("media", "text/event-stream; charset=utf-8")
    return ex(op, asked, wire(chunks) if raw is None else raw, media=media, **more)


TOOL = {"type": "function", "function": {"name": "get_weather", "parameters": {"type": "object"}}}
PORTS = {
    "type": "function",
    "function": {"name": "get_weather", "parameters": {"properties": {"city": {"enum": ["Oslo", "Rome"]}}}},
}
STRICT = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"enum": ["Oslo"]}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}
NAMED = {"type": "function", "function": {"name": "get_weather"}}
OSLO = '{"city": "Oslo"}'


def tools(choice: Any = "required", tool: Any = TOOL, **more: Any) -> dict[str, Any]:
    return ask(tools=[tool], tool_choice=choice, **more)


def call(name: str = "get_weather", arguments: Any = OSLO, call_id: Any = "call_1", **more: Any) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}, **more}


def called(*calls: Any, content: Any = None, finish: str = "tool_calls") -> dict[str, Any]:
    return message(content, finish, tool_calls=list(calls) or [call()])


def piece(index: Any = 0, **more: Any) -> dict[str, Any]:
    function = {name: more.pop(name) for name in ("name", "arguments") if name in more}
    return chunk({"tool_calls": [{"index": index, **more, **({"function": function} if function else {})}]})


BEGIN = piece(0, id="call_1", type="function", name="get_weather", arguments="")
REST = [piece(0, arguments='{"city": '), piece(0, arguments='"Oslo"}')]
TOOLS_END = chunk({}, "tool_calls")


def toolstream(*chunks: Any, choice: Any = "auto", **more: Any) -> Exchange:
    return stream([FIRST, *chunks, TOOLS_END], ask_=tools(choice, **more))


def token(text: str, logprob: Any = -0.5, top: Any = (), **more: Any) -> dict[str, Any]:
    return {"token": text, "logprob": logprob, "bytes": list(text.encode()), "top_logprobs": list(top), **more}


def scored(text: str, *records: Any, finish: str = "stop", **more: Any) -> Exchange:
    asked = ask(logprobs=True, **more)
    return chat(message(text, finish, logprobs={"content": list(records), "refusal": None}), ask_=asked)


def completion(
    text: str = " four", ask_: Any = None, finish: str = "stop", logprobs: Any = None, **more: Any
) -> Exchange:
    choice = {"text": text, "index": 0, "logprobs": logprobs, "finish_reason": finish}
    asked = {"model": "m", "prompt": "One two", **(ask_ or {})}
    number = more.pop("number", 1)
    return ex(TEXT, asked, {**body(choice), "id": "cmpl-1", "object": "text_completion", **more}, number=number)


def packed(vector: Sequence[float], order: str = "<") -> str:
    return base64.b64encode(struct.pack(f"{order}{len(vector)}f", *vector)).decode()


def embedding(*vectors: Any, number: int = 1, step: str = "", indices: Any = None, **asked: Any) -> Exchange:
    places = indices or range(len(vectors))
    data = [{"object": "embedding", "index": at, "embedding": v} for at, v in zip(places, vectors, strict=True)]
    usage = {"prompt_tokens": 2, "total_tokens": 2}
    answer = {"object": "list", "model": "e", "data": data, "usage": usage}
    return ex(EMBED, {"model": "e", "input": "a", **asked}, answer, number=number, step=step)


SIZES = {"max_sequence_length": 8192, "hidden_size": 0, "max_output_length": 0}
DESCRIBED = SIZES | {"model_type": "LLM", "source_type": "", "deployment_region": "", "location": "", "license": ""}
DESCRIBED |= {"display_name": "M", "deployment_country": "", "input_modalities": [], "output_modalities": ["text"]}
DESCRIBED |= {"is_externally_hosted": False, "model_lifecycle_stage": "Stable"}


def models(*rows: dict[str, Any]) -> Exchange:
    data = [{"id": "m", "object": "model", "created": NOW, "owned_by": "us", **row} for row in rows]
    return ex(MODELS, None, {"object": "list", "data": data})


def error(status: int = 400, answer: Any = None, **more: Any) -> Exchange:
    whole = {"error": {"message": "no", "type": "invalid_request_error", "param": None, "code": None}}
    return ex(CHAT, ask(), whole if answer is None else answer, status, **more)


SETTLED = {"temperature": 0, "seed": 7}


def twins(plain: Any, streamed: Any, times: int = 2, **asked: Any) -> list[Exchange]:
    """Plain and streamed answers to one request, each given as often; choices on one side, chunks on the other."""
    one = [chat(*plain, ask_=ask(**SETTLED, **asked), number=n) for n in range(1, times + 1)]
    two = [stream(streamed, ask_=ask(**SETTLED, **asked), number=times + n) for n in range(1, times + 1)]
    return [*one, *two]


def image(url: str = "data:image/png;base64,AAAA") -> list[dict[str, Any]]:
    parts = [{"type": "text", "text": "Colours?"}, {"type": "image_url", "image_url": {"url": url}}]
    return [{"role": "user", "content": parts}]


def counted(messages: Any, tokens: int, status: int = 200, number: int = 1) -> Exchange:
    usage = {"prompt_tokens": tokens, "completion_tokens": 1, "total_tokens": tokens + 1}
    return chat(ask_=ask(messages=messages), usage=usage, number=number, status=status)


WORDS = [{"role": "user", "content": "Colours?"}]
CUT = TransportError("reset", "the connection was reset")
LEGACY = {"tokens": ["a"], "token_logprobs": [-0.1], "top_logprobs": None, "text_offset": [0]}
FORMAT = {
    "type": "json_schema",
    "json_schema": {"name": "a", "strict": True, "schema": STRICT["function"]["parameters"]},
}
LOOSE = {"type": "json_schema", "json_schema": {"name": "a", "schema": STRICT["function"]["parameters"]}}
UTF = ask(messages=[{"role": "user", "content": "日本"}])
MARKUP = '<tool_call>{"name": "get_weather", "arguments": {"city": "Oslo"}}</tool_call>'
DIGEST = hashlib.sha256(WRONG_KEY.encode()).hexdigest()
AZURE = {"choices": [], "created": 0, "id": "", "model": "", "object": "", "prompt_filter_results": []}
