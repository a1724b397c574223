"""Each check on small exchanges made by hand: what fails it, what is legal and near by, and what it cannot judge."""

from __future__ import annotations

import base64
import hashlib
import importlib
import json
import pkgutil
import struct
from collections.abc import Sequence
from typing import Any

import pytest

from seatrial import citation, sse
from seatrial.check import checks
from seatrial.judge import judge, relate
from seatrial.model import WRONG_KEY, Case, Exchange, Operation, Request, Scenario, Status, TransportError
from tests import rows as families

SHOWN_ELSEWHERE = {"audio", "speech", "images", "moderations", "metamorphic", "mixed", "kept"}
"""Modules whose checks judge sound, pictures, or what several requests say together: the planted defects show what they tell."""
FAIL, PASS, OPEN, OUT = Status.FAIL, Status.PASS, Status.INCONCLUSIVE, None
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

# check id -> rows of (what is to come out, the exchange, or the exchanges of a case for a relation)
ROWS: dict[str, list[tuple[Status | None, Any]]] = {
    "wire.body-schema": [
        (FAIL, chat(object="chat.completions")),
        (FAIL, chat(message(finish="error"))),
        (PASS, chat(message(tool_calls=None), extra=1, service_tier=None)),
        (OPEN, chat(media="application/json", choices=[], error={"message": "no"})),
        (OPEN, ex(CHAT, ask(), b"{broken")),
        (OUT, error()),
    ],
    "wire.event-schema": [
        (FAIL, stream([FIRST, {k: v for k, v in END.items() if k != "object"}])),
        (FAIL, stream([FIRST, chunk({"tool_calls": [{"id": "a"}]}), END])),
        (PASS, stream()),
        (PASS, stream([AZURE, *HELLO])),
        (PASS, stream([chunk(usage=None, obfuscation="x"), END])),
        (OPEN, stream([{"error": {"message": "no"}}])),
        (OPEN, stream(["{broken", *HELLO])),
    ],
    "http.answered": [
        (FAIL, ex(CHAT, ask(), b"", None, media="", error=CUT)),
        (FAIL, stream(raw=wire(HELLO[:2], ""), error=CUT)),
        (PASS, chat()),
        (PASS, stream(left_open=True)),
    ],
    "http.no-server-error": [
        (FAIL, error(500)),
        (FAIL, error(503)),
        (PASS, error(501)),
        (PASS, error(503, headers=(("Retry-After", "1"),))),
        (PASS, error(404)),
    ],
    "http.json-content-type": [
        (FAIL, ex(CHAT, ask(), b"<html>", media="text/html")),
        (FAIL, chat(media="text/plain")),
        (FAIL, error(400, media="text/plain")),
        (PASS, chat(media="Application/JSON; charset=utf-8")),
        (OPEN, ex(CHAT, ask(), b"no", 400, media="text/plain")),
        (OUT, ex(BARE, None, b"<html>", media="text/html")),
        (OUT, stream()),
    ],
    "http.json-body": [
        (FAIL, ex(CHAT, ask(), b'{"a": NaN}')),
        (FAIL, ex(CHAT, ask(), b'{"a": 1, "a": 2}')),
        (FAIL, ex(CHAT, ask(), b'{"a": "\xff"}')),
        (PASS, ex(CHAT, ask(), b'{"a": 1, "a": 1}')),
        (PASS, chat()),
        (OPEN, ex(CHAT, ask(), b"{", 500)),
        (OPEN, ex(CHAT, ask(), b"{", error=CUT)),
    ],
    "errors.envelope": [
        (FAIL, error(400, {"error": "no"})),
        (FAIL, error(404, {"detail": "The model does not exist"})),
        (FAIL, error(401, b"", media="")),
        (FAIL, error(400, {"error": {"message": "no", "type": None}})),
        (PASS, error(400, {"error": {"message": "no", "type": "x"}, "extra": 1})),
        (OPEN, error(404, {"detail": "Not Found"})),
        (OPEN, error(405, b"Method Not Allowed", media="text/plain")),
        (OPEN, error(502, b"<html>", media="text/html")),
        (OUT, ex(BARE, None, b"", 404)),
    ],
    "errors.members": [
        (FAIL, error(400, {"error": {"message": "no", "type": "x", "param": None}})),
        (FAIL, error(400, {"error": {"message": "no", "type": "x", "param": None, "code": 400}})),
        (PASS, error()),
        (OPEN, error(400, {"error": "no"})),
    ],
    "errors.not-in-200": [
        (FAIL, ex(CHAT, ask(), {"object": "error", "message": "no", "code": 404})),
        (FAIL, ex(EMBED, {"input": "a"}, {"error": {"message": "no"}})),
        (PASS, chat(error=None)),
        (PASS, models()),
        (OPEN, ex(CHAT, ask(), b"<html>")),
    ],
    "headers.retry-after": [
        (FAIL, error(429)),
        (FAIL, error(429, headers=(("retry-after", "soon"),))),
        (PASS, error(429, headers=(("Retry-After", "30"),))),
        (PASS, error(429, headers=(("Retry-After", "Wed, 21 Oct 2026 07:28:00 GMT"),))),
        (OUT, error(503)),
    ],
    "auth.no-credential-echo": [
        (FAIL, error(401, {"error": {"message": f"bad key {WRONG_KEY}"}}, auth="wrong")),
        (FAIL, error(401, {"error": {"message": DIGEST.upper()}}, auth="wrong")),
        (PASS, error(401, {"error": {"message": "bad key sk-se***cdef"}}, auth="wrong")),
        (OPEN, error(None, auth="wrong", error=CUT)),
        (OUT, error(401)),
    ],
    "models.ids-unique": [
        (FAIL, models({}, {})),
        (PASS, models({}, {"id": "a/b:c"})),
        (OPEN, models()),
    ],
    "models.meta-data": [
        (FAIL, models({"meta_data": {"hidden_size": 0}})),
        (FAIL, models({"meta_data": {**SIZES, "hidden_size": "0"}})),
        (FAIL, models({"meta_data": {**SIZES, "display_name": "M"}})),
        (FAIL, models({"meta_data": {**DESCRIBED, "input_modalities": "text"}})),
        (PASS, models({"meta_data": SIZES}, {})),
        (PASS, models({"meta_data": DESCRIBED})),
        (PASS, models({"meta_data": {**DESCRIBED, "x_more": 1, "output_modalities": None}})),
        (OPEN, models({"meta_data": None})),
        (OUT, models({})),
    ],
    "models.hidden-size": [
        (FAIL, [models({"id": "e", "meta_data": {**SIZES, "hidden_size": 3}}), embedding([1.0, 0.0], number=2)]),
        (PASS, [models({"id": "e", "meta_data": {**SIZES, "hidden_size": 2}}), embedding([1.0, 0.0], number=2)]),
        (OPEN, [models({"id": "e", "meta_data": SIZES}), embedding([1.0, 0.0], number=2)]),
        (
            OPEN,
            [models({"id": "e", "meta_data": {**SIZES, "hidden_size": 3}}), embedding([1.0], dimensions=1, number=2)],
        ),
        (OUT, [models({}), embedding([1.0, 0.0], number=2)]),
    ],
    "models.modalities": [
        (
            FAIL,
            [models({"id": "m", "meta_data": {**SIZES, "input_modalities": ["text"]}}), counted(image(), 90, number=2)],
        ),
        (
            FAIL,
            [
                models({"id": "m", "meta_data": {**SIZES, "input_modalities": ["text", "image"]}}),
                counted(image(), 90, status=400, number=2),
            ],
        ),
        (
            PASS,
            [
                models({"id": "m", "meta_data": {**SIZES, "input_modalities": ["text", "image"]}}),
                counted(image(), 90, number=2),
            ],
        ),
        (OPEN, [models({"id": "m", "meta_data": {**SIZES, "input_modalities": None}}), counted(image(), 90, number=2)]),
        (OUT, [models({"id": "m", "meta_data": SIZES}), counted(WORDS, 5, number=2)]),
    ],
    "embeddings.unit-norm": [
        (FAIL, embedding([3.0, 4.0])),
        (PASS, embedding([0.6, 0.8])),
    ],
    "embeddings.batch-permuted": [
        (
            FAIL,
            [
                embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]),
                embedding([1.0, 0.0], [0.0, 1.0], input=["b", "a"], number=2),
            ],
        ),
        (
            PASS,
            [
                embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]),
                embedding([0.0, 1.0], [1.0, 0.0], input=["b", "a"], number=2),
            ],
        ),
    ],
    "ids.non-empty": [
        (FAIL, chat(id="")),
        (FAIL, stream([chunk(id=""), END])),
        (FAIL, models({"id": " "})),
        (PASS, chat(id="x")),
        (PASS, stream([AZURE, *HELLO])),
        (OPEN, ex(CHAT, ask(), b"{")),
    ],
    "ids.unique": [
        (FAIL, [chat(), chat(ask_=ask(n=1), number=2)]),
        (FAIL, [chat(), chat(created=NOW + 1, number=2)]),
        (PASS, [chat(), chat(id="b", number=2)]),
        (OPEN, [chat(), chat(number=2)]),
        (OPEN, [chat(id=""), chat(id="", number=2)]),
    ],
    "created.seconds": [
        (FAIL, chat(created=NOW * 1000)),
        (FAIL, chat(created=0)),
        (FAIL, models({"created": NOW * 1000})),
        (PASS, chat()),
        (PASS, models({"created": 0})),
        (PASS, stream([AZURE, *HELLO])),
        (OPEN, chat(created="now")),
    ],
    "chat.choice-count": [
        (FAIL, chat(ask_=ask(n=2))),
        (FAIL, chat(message(), message(), ask_=ask(n=2))),
        (FAIL, stream(ask_=ask(n=2))),
        (FAIL, completion(ask_={"prompt": ["a", "b"]})),
        (PASS, chat(message(index=1), message(index=0), ask_=ask(n=2))),
        (PASS, chat(ask_=ask(n=None))),
        (PASS, completion(ask_={"prompt": [1, 2, 3]})),
        (OPEN, stream(raw=wire(HELLO[:2], ""), ask_=ask(n=2), error=CUT)),
    ],
    "chat.max-tokens": [
        (FAIL, chat(ask_=ask(max_tokens=1))),
        (FAIL, stream([*HELLO, {**END, "choices": [], "usage": USAGE}], ask_=ask(max_completion_tokens=1))),
        (PASS, chat(message(), message(index=1), ask_=ask(max_tokens=1, n=2))),
        (PASS, completion(ask_={"max_tokens": 1, "best_of": 3})),
        (PASS, chat(ask_=ask(max_tokens=2))),
        (OPEN, stream(ask_=ask(max_tokens=1))),
        (OUT, chat()),
    ],
    "chat.message-refusal": [
        (FAIL, chat({**message(), "message": {"role": "assistant", "content": "a"}})),
        (PASS, chat()),
        (OUT, stream()),
        (OPEN, chat(choices=[])),
    ],
    "stop.cut-clean": [
        (FAIL, [chat(message("one two three")), chat(message("one t"), ask_=ask(stop="two"), number=2)]),
        (PASS, [chat(message("one two three")), chat(message("one "), ask_=ask(stop="two"), number=2)]),
        (PASS, [chat(message("one two three")), chat(message("one"), ask_=ask(stop=["x", "two"]), number=2)]),
        (
            FAIL,
            [
                chat(message("one two three")),
                chat(message("one "), ask_=ask(stop=["two"]), number=2),
                chat(message("one two "), ask_=ask(stop="three"), number=3),
                chat(message("o"), ask_=ask(stop="two"), number=4),
            ],
        ),
        (OPEN, [chat(message("one two three")), chat(message("on"), ask_=ask(stop="two"), number=2)]),
        (OPEN, [chat(message("one two three")), chat(message("ono t"), ask_=ask(stop="two"), number=2)]),
        (OPEN, [chat(message("one two three")), chat(message("one t", "length"), ask_=ask(stop="two"), number=2)]),
        (OUT, [chat()]),
    ],
    "completions.logprobs-zero": [
        (FAIL, completion("one", ask_={"logprobs": 0})),
        (PASS, completion("one", ask_={"logprobs": 0}, logprobs={"tokens": ["one"], "token_logprobs": [-0.5]})),
        (OPEN, completion("", ask_={"logprobs": 0})),
        (OUT, completion("one", ask_={"logprobs": 1})),
    ],
    "stop.excluded": [
        (FAIL, [chat(message("one two three"), ask_=ask(stop="two"))]),
        (FAIL, [stream([FIRST, chunk({"content": "t"}), chunk({"content": "wo"}), END], ask_=ask(stop=["x", "two"]))]),
        (PASS, [chat(message("one two"), number=1), chat(message("one "), ask_=ask(stop="two"), number=2)]),
        (OPEN, [chat(message("one")), chat(message("one"), ask_=ask(stop="two"), number=2)]),
        (
            PASS,
            [
                completion("One two three four", ask_={"echo": True}),
                completion("One two ", ask_={"echo": True, "stop": "three"}, number=2),
            ],
        ),
        (OPEN, [completion("One two ", ask_={"echo": True, "stop": "One"})]),
        (OUT, [chat()]),
    ],
    "sse.content-type": [
        (FAIL, ex(CHAT, ask(stream=True), body())),
        (PASS, stream()),
        (OPEN, ex(CHAT, ask(stream=True), {"error": {"message": "no"}})),
        (OUT, error(400)),
    ],
    "sse.no-lost-lines": [
        (FAIL, stream(raw=b'{"id": 1}\n\n' + wire(HELLO))),
        (FAIL, stream(raw=wire(HELLO, "").replace(b"data:", b"Data:"))),
        (PASS, stream(raw=b"\xef\xbb\xbf: hi\nid: 1\nretry: 5\nevent: message\nx-trace: 7\n" + wire(HELLO))),
        (PASS, stream(raw=wire(HELLO).replace(b"\n", b"\r"))),
        (OPEN, stream(raw=b"{", error=CUT)),
    ],
    "sse.utf8": [
        (FAIL, stream(raw=b"data: \xff\n\n" + wire(HELLO))),
        (PASS, stream([chunk({"content": "👩‍🚀"}), END])),
        (OPEN, stream(raw=b"data: \xf0\x9f", error=CUT)),
    ],
    "sse.data-is-json": [
        (FAIL, stream(["{broken", END])),
        (FAIL, stream(raw=wire(HELLO).replace(b"}\n\n", b"}\n"))),
        (FAIL, stream(raw=b"data:\n\n" + wire(HELLO))),
        (PASS, stream(raw=b'data: {"a":\ndata: 1}\n\n' + wire(HELLO))),
        (PASS, stream(raw=wire(HELLO).replace(b"data: ", b"data:").replace(b"\n", b"\r\n"))),
        (OPEN, stream(raw=b"")),
    ],
    "sse.last-event-terminated": [
        (FAIL, stream(raw=wire(HELLO, "data: [DONE]\n"))),
        (FAIL, stream(raw=wire(HELLO, "data: [DONE]"))),
        (PASS, stream(raw=wire(HELLO) + b": bye\n")),
        (PASS, stream(raw=wire(HELLO).replace(b"\n", b"\r\n"))),
        (OPEN, stream(left_open=True)),
    ],
    "sse.unnamed-events": [
        (FAIL, stream(raw=b"event: chunk\n" + wire(HELLO))),
        (PASS, stream(raw=b"event: message\n" + wire(HELLO))),
        (PASS, stream([*HELLO[:2]], raw=wire(HELLO) + b'event: error\ndata: {"error": {}}\n\n')),
        (OPEN, stream(raw=b"")),
    ],
    "sse.closes": [
        (FAIL, stream(left_open=True)),
        (PASS, stream()),
        (OPEN, stream(error=CUT)),
    ],
    "stream.done-sentinel": [
        (FAIL, stream(raw=wire(HELLO, ""))),
        (FAIL, stream(raw=wire(HELLO, "data:  [DONE]\n\n"))),
        (PASS, stream(raw=wire(HELLO, "data:[DONE]\n\n: bye\n\n"))),
        (OPEN, stream(raw=wire(HELLO, ""), left_open=True)),
        (OPEN, stream(raw=wire(HELLO, "data: [DONE]\n"))),
        (OPEN, stream(raw=wire([FIRST, {"error": {"message": "no"}}], ""))),
    ],
    "stream.nothing-after-done": [
        (FAIL, stream(raw=wire(HELLO) + wire([END], ""))),
        (PASS, stream(raw=wire(HELLO) + b": bye\n\n")),
        (OPEN, stream(raw=wire(HELLO, ""))),
    ],
    "stream.no-error-event": [
        (FAIL, stream([FIRST, {"error": {"message": "no", "code": 400}}])),
        (FAIL, stream([{"object": "error", "message": "no"}])),
        (PASS, stream([{**chunk(), "error": None}, END])),
        (OPEN, stream(["{broken"])),
    ],
    "stream.one-id": [
        (FAIL, stream([FIRST, {**END, "id": "b"}])),
        (PASS, stream([AZURE, *HELLO])),
        (OPEN, stream([{k: v for k, v in END.items() if k != "id"}])),
    ],
    "stream.one-created": [
        (FAIL, stream([FIRST, {**END, "created": NOW + 1}])),
        (PASS, stream([AZURE, *HELLO])),
        (OPEN, stream([{**END, "created": "now"}])),
    ],
    "stream.one-model": [
        (FAIL, stream([FIRST, {**END, "model": "n"}])),
        (PASS, stream([AZURE, *HELLO])),
        (OPEN, stream([{"error": {"message": "no"}}])),
    ],
    "stream.choice-indices": [
        (FAIL, stream([chunk({"content": "a"}, index=1), chunk({}, "stop", index=1)])),
        (PASS, stream([chunk(index=1), chunk({}, "stop"), chunk({}, "stop", index=1)], ask_=ask(n=2))),
        (OPEN, stream([AZURE])),
    ],
    "stream.one-terminal": [
        (FAIL, stream([FIRST, chunk({"content": "a"})])),
        (FAIL, stream([FIRST, END, chunk({}, "tool_calls")])),
        (PASS, stream([FIRST, chunk({"content": "all"}, "stop")])),
        (OPEN, stream(raw=wire([FIRST], ""))),
        (OPEN, stream([FIRST, chunk({}, "")])),
    ],
    "stream.nothing-after-terminal": [
        (FAIL, stream([FIRST, END, chunk({"content": "more"})])),
        (PASS, stream([FIRST, END, {**END, "choices": [], "usage": USAGE}])),
        (OPEN, stream([FIRST, END, chunk({"content": "more"}), END])),
    ],
    "stream.terminal-delta-empty": [
        (FAIL, stream([FIRST, chunk({"content": "all"}, "stop")])),
        (PASS, stream([FIRST, chunk({"content": ""}, "stop")])),
        (OPEN, stream([FIRST])),
    ],
    "stream.role-first": [
        (FAIL, stream([chunk({"content": "a"}), END])),
        (PASS, stream([AZURE, *HELLO])),
        (OPEN, stream([AZURE])),
    ],
    "stream.role-once": [
        (FAIL, stream([chunk({"role": "assistant", "content": "a"})] * 4 + [END])),
        (PASS, stream([FIRST, chunk({"role": "assistant", "content": "a"}), *[chunk({"content": "b"})] * 2, END])),
        (OPEN, stream([FIRST, *[chunk({"role": "assistant", "content": "a"})] * 2, END])),
    ],
    "stream.first-delta-content": [
        (FAIL, stream([chunk({"role": "assistant"}), chunk({"content": "a"}), END])),
        (PASS, stream([chunk({"role": "assistant", "content": None}), chunk({"content": "a"}), END])),
        (OPEN, stream([chunk({"role": "assistant"}), BEGIN, *REST, TOOLS_END], ask_=tools())),
    ],
    "stream.usage-chunk": [
        (FAIL, stream(ask_=ask(stream_options={"include_usage": True}))),
        (
            FAIL,
            stream([*HELLO, {**END, "choices": [], "usage": None}], ask_=ask(stream_options={"include_usage": True})),
        ),
        (
            PASS,
            stream([*HELLO, {**END, "choices": [], "usage": USAGE}], ask_=ask(stream_options={"include_usage": True})),
        ),
        (OPEN, stream(raw=wire(HELLO, ""), ask_=ask(stream_options={"include_usage": True}))),
        (OUT, stream()),
    ],
    "stream.usage-choices-empty": [
        (FAIL, stream([FIRST, {**END, "usage": USAGE}], ask_=ask(stream_options={"include_usage": True}))),
        (
            PASS,
            stream([*HELLO, {**END, "choices": [], "usage": USAGE}], ask_=ask(stream_options={"include_usage": True})),
        ),
        (OPEN, stream([*HELLO, {"usage": USAGE}], ask_=ask(stream_options={"include_usage": True}))),
    ],
    "stream.usage-only-last": [
        (FAIL, stream([{**c, "usage": USAGE} for c in HELLO])),
        (PASS, stream([{**c, "usage": None} for c in HELLO] + [{**END, "choices": [], "usage": USAGE}])),
        (OUT, stream(ask_=ask(stream_options={"continuous_usage_stats": True}))),
        (OPEN, stream(raw=wire(HELLO, ""), error=CUT)),
    ],
    "stream.usage-unasked": [
        (FAIL, stream([FIRST, {**END, "usage": USAGE}])),
        (PASS, stream([{**c, "usage": None} for c in HELLO])),
        (OUT, stream(ask_=ask(stream_options={"include_usage": True}))),
    ],
    "stream.text-intact": [
        (FAIL, [chat(message("日本"), ask_=UTF), stream([FIRST, chunk({"content": "\ufffd\ufffd本"}), END], ask_=UTF)]),
        (PASS, [chat(message("日本"), ask_=UTF), stream([FIRST, chunk({"content": "日本"}), END], ask_=UTF)]),
        (
            PASS,
            [
                chat(message("日本"), ask_=UTF),
                stream([FIRST, chunk({"content": "日\ufffd"}), chunk({}, "length")], ask_=UTF),
            ],
        ),
        (OPEN, [chat(message("ab"), ask_=UTF), stream([FIRST, chunk({"content": "x\ufffdy"}), END], ask_=UTF)]),
        (OPEN, [chat(message("ab"), ask_=UTF), stream(ask_=UTF)]),
        (OUT, [chat(), stream()]),
    ],
    "stream.equals-plain": [
        (FAIL, twins([message("Hello!")], HELLO)),
        (FAIL, twins([message("Hello", "length")], HELLO)),
        (OPEN, twins([message("No")], HELLO)),
        (PASS, twins([message("Hello")], HELLO)),
        (PASS, twins([message("Hello")], [FIRST, chunk({"content": "Hello"}, "stop")], 1)),
        (PASS, twins([called()], [FIRST, BEGIN, *REST, TOOLS_END], tools=[TOOL])),
        (OPEN, twins([called()], [FIRST, BEGIN, piece(0, arguments='{"city": "Rome"}'), TOOLS_END], tools=[PORTS])),
        (OPEN, twins([called()], [FIRST, BEGIN, piece(0, arguments='{"city": "Rom"}'), TOOLS_END], tools=[PORTS])),
        (
            FAIL,
            twins(
                [called()], [FIRST, BEGIN, piece(0, arguments='{"city": "Rom is in Italy"}'), TOOLS_END], tools=[PORTS]
            ),
        ),
        (OPEN, twins([message("Hello!")], HELLO, 1)),
        (OPEN, [*twins([message("Hello!")], HELLO), chat(message("Ho"), ask_=ask(**SETTLED), number=9)]),
        (OPEN, twins([message(" Hello\n")], HELLO)),
        (OPEN, twins([message("Hello")], HELLO[:-1])),
        (OPEN, twins([called()], [FIRST, chunk({"content": MARKUP}), END], tools=[TOOL])),
        (OUT, [chat(), stream()]),
    ],
    "stream.prompt-tokens-equal-plain": [
        (FAIL, [chat(), stream([*HELLO, {**END, "choices": [], "usage": {**USAGE, "prompt_tokens": 4}}])]),
        (PASS, [chat(), stream([*HELLO, {**END, "choices": [], "usage": USAGE}])]),
        (OPEN, [chat(), stream([{**c, "usage": None} for c in HELLO])]),
    ],
    "tools.required-called": [
        (FAIL, chat(ask_=tools())),
        (FAIL, stream(ask_=tools())),
        (PASS, chat(called(), ask_=tools())),
        (OPEN, chat(message("Hello", "length"), ask_=tools())),
        (OPEN, chat(message(MARKUP), ask_=tools())),
        (OUT, chat(ask_=tools("auto"))),
    ],
    "tools.named-called": [
        (FAIL, chat(message("", tool_calls=[]), ask_=tools(NAMED))),
        (FAIL, chat(called(call("other")), ask_=tools(NAMED))),
        (PASS, chat(called(finish="stop"), ask_=tools(NAMED))),
        (OPEN, chat(message("", "length"), ask_=tools(NAMED))),
    ],
    "tools.none-not-called": [
        (FAIL, chat(called(), ask_=tools("none"))),
        (FAIL, stream([FIRST, BEGIN, *REST, TOOLS_END], ask_=tools("none"))),
        (PASS, chat(message(tool_calls=None), ask_=tools("none"))),
    ],
    "tools.single-when-not-parallel": [
        (FAIL, chat(called(call(), call(call_id="b")), ask_=tools(parallel_tool_calls=False))),
        (PASS, chat(called(), ask_=tools(parallel_tool_calls=False))),
        (OPEN, chat(ask_=tools("auto", parallel_tool_calls=False))),
        (OUT, chat(called(call(), call(call_id="b")), ask_=tools())),
    ],
    "tools.none-offered": [
        (FAIL, chat(called())),
        (FAIL, stream([FIRST, BEGIN, *REST, TOOLS_END])),
        (PASS, chat()),
        (OUT, chat(called(), ask_=tools())),
    ],
    "tools.calls-non-empty": [
        (FAIL, chat(message(tool_calls=[]), ask_=tools("auto"))),
        (PASS, chat(message(tool_calls=None), ask_=tools("auto"))),
        (OPEN, chat(message(tool_calls=[]), ask_=tools(NAMED))),
        (OUT, chat(message(tool_calls=[]))),
    ],
    "tools.known-name": [
        (FAIL, chat(called(call("nothing")), ask_=tools())),
        (FAIL, chat(called(call("")), ask_=tools("auto"))),
        (PASS, chat(called(), ask_=tools())),
        (OPEN, chat(called(call("nothing")), ask_=tools("auto"))),
        (OPEN, chat(called(call("nothing")), ask_=tools(NAMED))),
    ],
    "tools.call-ids": [
        (FAIL, chat(called(call(call_id="")), ask_=tools())),
        (FAIL, chat(called(call(), call()), ask_=tools())),
        (PASS, chat(called(call(), call(call_id="b")), ask_=tools())),
        (OPEN, chat(called(call(call_id=None)), ask_=tools())),
    ],
    "tools.arguments-json": [
        (FAIL, chat(called(call(arguments='{"city": "Os')), ask_=tools())),
        (FAIL, chat(called(call(arguments=json.dumps(OSLO))), ask_=tools())),
        (FAIL, chat(called(call(arguments="")), ask_=tools("auto"))),
        (FAIL, chat(called(call(arguments="{")), ask_=tools("auto", max_tokens=2))),
        (PASS, chat(called(call(arguments='{"city": "Os'), finish="length"), ask_=tools())),
        (PASS, toolstream(BEGIN, *REST)),
        (OPEN, chat(called(call(arguments="Oslo")), ask_=tools("auto"))),
        (OPEN, chat(called(call(arguments={"city": "Oslo"})), ask_=tools())),
    ],
    "tools.arguments-schema": [
        (FAIL, chat(called(call(arguments='{"city": "Rome"}')), ask_=tools(tool=STRICT))),
        (PASS, chat(called(), ask_=tools(tool=STRICT))),
        (OPEN, chat(called(call(arguments="{}")), ask_=tools("auto", STRICT))),
        (OPEN, chat(called(call(arguments="{"), finish="length"), ask_=tools(tool=STRICT))),
        (OUT, chat(called(), ask_=tools())),
    ],
    "tools.finish-reason": [
        (FAIL, chat(message("Hello", "tool_calls"), ask_=tools("auto"))),
        (PASS, chat(called(), ask_=tools("auto"))),
        (OPEN, chat(called(finish="stop"), ask_=tools(NAMED))),
    ],
    "tools.no-markup": [
        (FAIL, chat(message(MARKUP), ask_=tools("auto"))),
        (FAIL, chat(message("<function=get_weather>{}</function>"), ask_=tools("auto"))),
        (FAIL, chat(message('[TOOL_CALLS][{"name": "get_weather", "arguments": {}}]'), ask_=tools("auto"))),
        (FAIL, chat(message("<tool_call>get_weather\n<arg_key>city</arg_key></tool_call>"), ask_=tools("auto"))),
        (
            FAIL,
            chat(message('<invoke name="get_weather"><parameter name="city">Oslo</parameter></invoke>'), ask_=tools()),
        ),
        (FAIL, chat(message("<|tool_call>call:get_weather{city:Oslo}<tool_call|>"), ask_=tools("auto"))),
        (FAIL, chat(message(f"<|channel|>commentary to=functions.get_weather<|message|>{OSLO}"), ask_=tools("auto"))),
        (PASS, chat(message("<tool_call> is a tag"), ask_=tools("auto"))),
        (PASS, chat(message("<|channel|>commentary<|message|>The weather."), ask_=tools("auto"))),
        (PASS, chat(message("I would use get_weather."), ask_=tools("auto"))),
        (OPEN, chat(message('<tool_call>{"name": get_weather,,'), ask_=tools("auto"))),
        (OUT, chat(message(MARKUP))),
    ],
    "tools.no-message-index": [
        (FAIL, chat(called(call(index=0)), ask_=tools())),
        (PASS, chat(called(), ask_=tools())),
        (OPEN, chat(message(tool_calls=None), ask_=tools("auto"))),
    ],
    "tools.delta-indices": [
        (FAIL, toolstream(piece(1, id="a", type="function", name="get_weather", arguments=OSLO))),
        (FAIL, toolstream(BEGIN, *REST, piece(0, id="b", type="function", name="get_weather", arguments=OSLO))),
        (PASS, toolstream(BEGIN, piece(1, id="b", type="function", name="get_weather", arguments="{}"), *REST)),
        (OPEN, toolstream(piece(None, id="a", name="get_weather"))),
    ],
    "tools.delta-first-complete": [
        (FAIL, toolstream(piece(0, type="function", name="get_weather"), *REST)),
        (FAIL, toolstream(piece(0, id="", type="function", name="get_weather"), *REST)),
        (FAIL, toolstream(piece(0, id="a", type="function", arguments=OSLO))),
        (PASS, toolstream(BEGIN, *REST)),
        (OPEN, stream([chunk({"role": "assistant", "content": "a", "tool_calls": None}), END], ask_=tools("auto"))),
    ],
    "tools.delta-type-first": [
        (FAIL, toolstream(piece(0, id="a", name="get_weather"), *REST)),
        (PASS, toolstream(BEGIN, *REST)),
    ],
    "tools.delta-id-once": [
        (FAIL, toolstream(BEGIN, piece(0, id="", arguments=OSLO))),
        (FAIL, toolstream(BEGIN, piece(0, id="call_1", arguments=OSLO))),
        (PASS, toolstream(BEGIN, piece(0, id=None, arguments=OSLO))),
    ],
    "tools.delta-name-once": [
        (FAIL, toolstream(BEGIN, piece(0, name="", arguments=OSLO))),
        (PASS, toolstream(BEGIN, piece(0, name=None, arguments=OSLO))),
    ],
    "tools.arguments-incremental": [
        (FAIL, toolstream(BEGIN, piece(0, arguments=json.dumps({"city": "O" * 60})))),
        (PASS, toolstream(BEGIN, piece(0, arguments='{"city": "'), piece(0, arguments="O" * 60 + '"}'))),
        (OPEN, toolstream(BEGIN, piece(0, arguments=OSLO))),
    ],
    "structured.schema-honoured": [
        (FAIL, chat(message("Sure!"), ask_=ask(response_format=FORMAT))),
        (FAIL, chat(message('{"city": "Rome"}'), ask_=ask(response_format=FORMAT))),
        (FAIL, stream(ask_=ask(response_format=FORMAT))),
        (PASS, chat(message(f" {OSLO}\n"), ask_=ask(response_format=FORMAT))),
        (OPEN, chat(message('{"ci', "length"), ask_=ask(response_format=FORMAT))),
        (OPEN, chat(message("Sure!"), ask_=ask(response_format=LOOSE))),
        (OPEN, chat(message(None, refusal="No."), ask_=ask(response_format=FORMAT))),
    ],
    "structured.json-object": [
        (FAIL, chat(message("```json\n{}\n```"), ask_=ask(response_format={"type": "json_object"}))),
        (FAIL, chat(message("[]"), ask_=ask(response_format={"type": "json_object"}))),
        (PASS, chat(message("{}"), ask_=ask(response_format={"type": "json_object"}))),
        (OPEN, chat(message("{", "length"), ask_=ask(response_format={"type": "json_object"}))),
    ],
    "structured.json-object-offered": [
        (
            FAIL,
            [
                chat(ask_=ask(response_format=LOOSE)),
                chat(ask_=ask(response_format={"type": "json_object"}), status=400),
            ],
        ),
        (PASS, [chat(ask_=ask(response_format=LOOSE)), chat(ask_=ask(response_format={"type": "json_object"}))]),
        (
            OPEN,
            [
                chat(ask_=ask(response_format=LOOSE), status=400),
                chat(ask_=ask(response_format={"type": "json_object"}), status=400),
            ],
        ),
    ],
    "logprobs.present": [
        (FAIL, chat(ask_=ask(logprobs=True))),
        (FAIL, chat(message(logprobs={"content": None, **LEGACY}), ask_=ask(logprobs=True))),
        (FAIL, stream(ask_=ask(logprobs=True))),
        (PASS, scored("ab", token("a"), token("b"))),
        (OPEN, chat(message(""), ask_=ask(logprobs=True))),
        (OUT, chat(ask_=ask(logprobs=False))),
    ],
    "logprobs.token-bytes": [
        (FAIL, scored(" a", token("a", bytes=[32, 97]))),
        (FAIL, scored(" a", token("\u0120a"))),
        (FAIL, scored("a", token("a", top=[token("\u0120b"), token("\u0120c")]))),
        (FAIL, scored("a", token("a", bytes=[300]))),
        (PASS, scored("é", token("\\xc3", bytes=[0xC3]), token("\ufffd", bytes=[0xA9]))),
        (PASS, scored("a", token("a", bytes=None), token("<|im_end|>", bytes=[]))),
        (PASS, scored("\u0120orn", token("\u0120orn"))),
        (OPEN, chat(ask_=ask(logprobs=True))),
    ],
    "logprobs.concat": [
        (FAIL, scored("abc", token("a"), token("b"))),
        (FAIL, scored("ab", token("x"), token("y"))),
        (PASS, scored("é", token("\\xc3", bytes=[0xC3]), token("\ufffd", bytes=[0xA9]))),
        (PASS, scored("ab", token(" ab"), token("<|im_end|>"))),
        (PASS, scored("one ", token("one"), token(" two"), token(" three"), stop=[" two three"])),
        (PASS, scored("a\ufffd", token("a"), token("?", bytes=[0xF0]), finish="length")),
        (PASS, scored("ab", token("a", bytes=None), token("b", bytes=None))),
        (OPEN, scored("é", token("\ufffd", bytes=None), token("\ufffd", bytes=None))),
        (OPEN, scored(" a", token("\u0120a"))),
    ],
    "logprobs.top-count": [
        (FAIL, scored("a", token("a"), top_logprobs=2)),
        (FAIL, scored("a", token("a", top=[token("a"), token("b"), token("c")]), top_logprobs=2)),
        (FAIL, scored("a", token("a", top_logprobs=None))),
        (PASS, scored("ab", token("a", top=[token("a")]), token("b", top=[token("b"), token("c")]), top_logprobs=2)),
        (PASS, scored("a", token("a"), top_logprobs=2, response_format=FORMAT)),
        (OPEN, chat(ask_=ask(logprobs=True))),
    ],
    "logprobs.non-positive": [
        (FAIL, scored("a", token("a", 0.7))),
        (FAIL, scored("a", token("a", -0.1, top=[token("b", 2)]))),
        (PASS, scored("a", token("a", 1e-7), token("b", -9999))),
        (OPEN, chat(ask_=ask(logprobs=True))),
    ],
    "logprobs.stream-equals-plain": [
        (
            FAIL,
            twins(
                [message("a", logprobs={"content": [token("a", -3.0)]})],
                [chunk({"role": "assistant", "content": "a"}, logprobs={"content": [token("a", -0.1)]}), END],
                logprobs=True,
            ),
        ),
        (
            PASS,
            twins(
                [message("a", logprobs={"content": [token("a", -0.11)]})],
                [chunk({"role": "assistant", "content": "a"}, logprobs={"content": [token("a", -0.1)]}), END],
                logprobs=True,
            ),
        ),
        (
            OPEN,
            twins([message("a", logprobs={"content": [token("a")]})], [chunk({"content": "a"}), END], logprobs=True),
        ),
        (
            OPEN,
            twins([message("b", logprobs={"content": [token("b")]})], [chunk({"content": "a"}), END], logprobs=True),
        ),
    ],
    "reasoning.no-markers": [
        (FAIL, chat(message("Hm.</think>Sixteen."))),
        (FAIL, stream([FIRST, chunk({"content": "<th"}), chunk({"content": "ink>"}), END])),
        (PASS, chat(message("I think > 3.", reasoning_content="<think>"))),
        (OUT, chat(message("<think>"), ask_=ask(messages=[{"role": "user", "content": "Write <think>."}]))),
    ],
    "completions.echo": [
        (FAIL, completion(ask_={"echo": True})),
        (FAIL, completion("", ask_={"echo": True, "max_tokens": 0})),
        (PASS, completion(" One  two four", ask_={"echo": True})),
        (OPEN, completion("x", ask_={"echo": True, "prompt": [1, 2]})),
        (OPEN, completion("x", ask_={"echo": True, "prompt": "Ⅸ"})),
        (OUT, completion()),
    ],
    "completions.logprobs": [
        (FAIL, completion(ask_={"logprobs": 1})),
        (FAIL, completion(ask_={"logprobs": 1}, logprobs={"content": [token(" four")]})),
        (FAIL, completion(ask_={"logprobs": 1}, logprobs={**LEGACY, "text_offset": [0, 1]})),
        (PASS, completion(ask_={"logprobs": 1}, logprobs=LEGACY)),
        (OPEN, completion("", ask_={"logprobs": 1})),
        (OUT, completion(ask_={"logprobs": 0})),
    ],
    "completions.best-of-counted": [
        (FAIL, [completion(ask_={"best_of": 3, "max_tokens": 2}, finish="length")]),
        (FAIL, [completion(), completion(ask_={"best_of": 3}, number=2)]),
        (PASS, [completion(ask_={"best_of": 3, "max_tokens": 1}, finish="length")]),
        (OPEN, [completion("a"), completion("b", ask_={"best_of": 3}, number=2)]),
    ],
    "completions.id-prefix": [
        (FAIL, completion(id="chatcmpl-1")),
        (PASS, completion()),
        (OPEN, completion(id="")),
    ],
    "embeddings.encoding": [
        (FAIL, embedding([0.1, 0.2], encoding_format="base64")),
        (FAIL, embedding(packed([0.1, 0.2]))),
        (FAIL, embedding("AAA=", encoding_format="base64")),
        (PASS, embedding(packed([0.1, 0.2]), encoding_format="base64")),
        (PASS, embedding([0, 1], encoding_format=None)),
        (OPEN, embedding()),
    ],
    "embeddings.base64-equals-float": [
        (FAIL, [embedding([1.0, 2.0]), embedding(packed([1.0, 2.0], ">"), encoding_format="base64", number=2)]),
        (FAIL, [embedding([1.0, 2.0]), embedding(packed([1.0]), encoding_format="base64", number=2)]),
        (PASS, [embedding([0.1, 0.2]), embedding(packed([0.1, 0.2]), encoding_format="base64", number=2)]),
        (OPEN, [embedding([1.0, 0.0]), embedding(packed([1.0, 0.05]), encoding_format="base64", number=2)]),
        (OPEN, [embedding([1.0, 2.0]), embedding([1.0, 2.0], encoding_format="base64", number=2)]),
        (
            OPEN,
            [
                embedding([1.0, 0.0]),
                embedding([0.0, 1.0], number=2),
                embedding(packed([-1.0, 0.0]), encoding_format="base64", number=3),
            ],
        ),
    ],
    "embeddings.count-and-order": [
        (FAIL, embedding([1.0], input=["a", "b"])),
        (FAIL, embedding([1.0], [2.0], indices=[0, 0], input=["a", "b"])),
        (FAIL, embedding([1.0], [2.0], indices=[1, 0], input=["a", "b"])),
        (PASS, embedding([1.0], input=[1, 2, 3])),
        (PASS, embedding([1.0], [2.0], input=[[1], [2]])),
        (OPEN, embedding([1.0], input=[])),
    ],
    "embeddings.dimensions": [
        (FAIL, embedding([1.0, 2.0], dimensions=3)),
        (PASS, embedding(packed([1.0, 2.0]), dimensions=2, encoding_format="base64")),
        (OPEN, embedding("?", dimensions=2)),
        (OUT, embedding([1.0])),
    ],
    "embeddings.finite": [
        (FAIL, embedding(packed([1.0, float("nan")]), encoding_format="base64")),
        (PASS, embedding([0, -1.5])),
        (OPEN, embedding([])),
    ],
    "embeddings.batch-equals-singles": [
        (FAIL, [embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]), embedding([0.0, 1.0], number=2)]),
        (PASS, [embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]), embedding([1.0, 1e-3], input=["a"], number=2)]),
        (
            OPEN,
            [
                embedding([1.0, 0.0], [0.0, 1.0], input=["a", "b"]),
                embedding([1.0, 0.0], number=2),
                embedding([0.0, 1.0], number=3),
            ],
        ),
    ],
    "embeddings.semantic": [
        (FAIL, [embedding([1.0, 0.0], [0.0, 1.0], [1.0, 0.1], input=["a", "b", "c"], step="semantic")]),
        (PASS, [embedding([1.0, 0.0], [1.0, 0.1], [0.0, 1.0], input=["a", "b", "c"], step="semantic")]),
        (OPEN, [embedding([0.0], [0.0], [0.0], input=["a", "b", "c"], step="semantic")]),
        (OUT, [embedding([1.0, 0.0], [0.0, 1.0], [1.0, 0.1], input=["a", "b", "c"], step="batch")]),
    ],
    "vision.image-counted": [
        (FAIL, [counted(WORDS, 5), counted(image(), 5, number=2)]),
        (PASS, [counted(WORDS, 5), counted(image(), 90, number=2)]),
        (PASS, [counted(WORDS, 5), counted(image(), 5, status=400, number=2)]),
        (OPEN, [counted([{"role": "user", "content": "Other"}], 5), counted(image(), 5, number=2)]),
        (OPEN, [counted(WORDS, 0), counted(image(), 0, number=2)]),
    ],
    "usage.sum": [
        (FAIL, chat(usage={**USAGE, "total_tokens": 0})),
        (FAIL, stream([*HELLO, {**END, "choices": [], "usage": {**USAGE, "total_tokens": 9}}])),
        (PASS, chat()),
        (PASS, embedding([1.0])),
        (OPEN, chat(usage=None)),
        (OPEN, chat(usage={"prompt_tokens": 3, "completion_tokens": 2})),
    ],
    "usage.non-zero": [
        (FAIL, chat(usage=dict.fromkeys(USAGE, 0))),
        (FAIL, chat(usage={**USAGE, "completion_tokens": 0, "total_tokens": 3})),
        (PASS, chat(message(""), usage={**USAGE, "completion_tokens": 0, "total_tokens": 3})),
        (PASS, completion("One two", ask_={"echo": True, "max_tokens": 0}, usage={**USAGE, "completion_tokens": 0})),
        (PASS, completion(ask_={"prompt": ""}, usage={**USAGE, "prompt_tokens": 0})),
        (OPEN, stream([{**c, "usage": None} for c in HELLO])),
    ],
    "usage.details-within": [
        (FAIL, chat(usage={**USAGE, "completion_tokens_details": {"reasoning_tokens": 3}})),
        (FAIL, chat(usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 4}})),
        (PASS, chat(usage={**USAGE, "completion_tokens_details": {"reasoning_tokens": 2, "audio_tokens": None}})),
        (PASS, chat(usage={**USAGE, "prompt_tokens_details": {"cached_tokens": 3, "cache_creation_tokens": 4096}})),
        (OPEN, chat(usage={**USAGE, "completion_tokens_details": None})),
        (OUT, chat()),
    ],
}
for found in pkgutil.iter_modules(families.__path__):
    ROWS |= importlib.import_module(f"tests.rows.{found.name}").ROWS


def outcome(name: str, subject: Any) -> Any:
    """The verdict of one check, or None where it does not apply."""
    known = [checks()[name]]
    verdicts = relate(CASE, subject, known) if isinstance(subject, list) else judge(CASE, subject, known)
    return verdicts[0] if verdicts else None


@pytest.mark.parametrize(
    ("name", "expected", "subject"),
    [
        pytest.param(name, expected, subject, id=f"{name}-{number}")
        for name, rows in ROWS.items()
        for number, (expected, subject) in enumerate(rows)
    ],
)
def test_a_check_judges_rightly(name: str, expected: Status | None, subject: Any) -> None:
    verdict = outcome(name, subject)
    found = verdict.status if verdict else None
    assert found == expected, f"{name}: {found}, not {expected}: {verdict and (verdict.reason or verdict.findings)}"


@pytest.mark.parametrize("name", sorted(checks()))
def test_every_check_is_in_the_table_with_a_failure_and_a_pass(name: str) -> None:
    if checks()[name].function.__module__.rpartition(".")[2] not in SHOWN_ELSEWHERE:
        assert {FAIL, PASS} <= {expected for expected, _ in ROWS.get(name, [])}


@pytest.mark.parametrize("name", sorted(checks()))
def test_every_citation_resolves(name: str) -> None:
    assert citation.url(checks()[name].spec)


ODD: list[Any] = [
    b"", b"[]", b"null", b"5", b'"a"', b"{}", b"[" * 100_000, b"\xff\xfe", b'{"choices": null}', b'{"choices": [null]}',
    b'{"choices": [{"index": "0"}]}', b'{"choices": [{"index": 0, "message": null}]}', b'{"usage": 5, "choices": [{}]}',
    b'{"choices": [{"index": 0, "message": {"content": ["a"], "tool_calls": [1, {"function": 5}]}, "logprobs": 5}]}',
    b'{"data": [null, 5, {"embedding": null, "index": null}], "error": 5, "usage": {"prompt_tokens": 1e400}}',
    b'{"choices": [{"index": 0, "text": "\\ud83d", "message": {"content": "\\ud83d"}, "finish_reason": ["stop"]}]}',
]  # fmt: skip
ASKED = [
    None, 5, [], {}, ask(), ask(n="2", max_tokens="5", stop=[None, ""], tools=[None, {"function": {"name": 5}}]),
    ask(stream=True, logprobs=True, stream_options=5, tool_choice={"function": 5},
        response_format={"type": "json_schema"}),
    tools(NAMED, STRICT, logprobs=True, stop="a", max_tokens=1, seed=1, temperature=0),
    {"prompt": [None, 5], "echo": True, "best_of": 2, "logprobs": 1, "stream": True},
    {"input": [None], "dimensions": True},
]  # fmt: skip


@pytest.mark.parametrize("op", [CHAT, TEXT, EMBED, MODELS, BARE], ids=lambda op: op.id)
@pytest.mark.parametrize("asked", ASKED, ids=str)
def test_no_check_errs_on_odd_answers(op: Operation, asked: Any) -> None:
    """Whatever a server sends is its fault, never one of ours."""
    everything = list(checks().values())
    for status in (200, 204, 404, 500, None):
        for media in ("application/json", "text/event-stream", ""):
            odd = [ex(op, asked, b"data: " + a + b"\n\n" if "event" in media else a, status, media=media) for a in ODD]
            verdicts = [verdict for exchange in odd for verdict in judge(CASE, exchange, everything)]
            verdicts += relate(CASE, odd, everything)
            assert [(v.check, v.reason) for v in verdicts if v.status is Status.ERROR] == []
