"""Defects of refusals: valid input refused, faults accepted or answered 5xx, broken envelopes, headers."""

from __future__ import annotations

import hashlib
import itertools
import json
import os
import threading
import time
from collections.abc import Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json, Piece
from seatrial.server.plants.shape import CHAT, COMPLETIONS, EMBEDDINGS, accepting, defect

STATUS = "*/must/status"


def _json(request: Request, body: bytes, path: str = "") -> Any:
    if request.method != "POST" or (path and not request.url.path.endswith(path)):
        return None
    try:
        found = json.loads(body)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None


def _answer(status: int, body: Any, media: str = "application/json") -> Response:
    return Response(json.dumps(body) if not isinstance(body, (bytes, str)) else body, status, {}, media)


def _error(status: int, message: str, param: str | None = None, code: str | None = None) -> Response:
    return _answer(
        status, {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}
    )


def _if(test: Any, answer: Any, path: str = "") -> Any:
    """Answers in place of the server where the parsed request passes the test."""

    def before(request: Request, body: bytes) -> Response | None:
        found = _json(request, body, path)
        return answer(found) if found is not None and test(found) else None

    return before


def _messages(found: Json) -> list[Json]:
    messages = found.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []


class _Alias:
    """Answers for an unknown model with a known one, under the asked name."""

    def __init__(self) -> None:
        self.asked = threading.local()

    def body(self, route: str, body: Json) -> Json:
        self.asked.name = body.get("model")
        known = {"seatrial-chat", "seatrial-text", "seatrial-embed"}
        if isinstance(self.asked.name, str) and self.asked.name not in known:
            return {**body, "model": "seatrial-embed" if route == EMBEDDINGS else "seatrial-chat"}
        return body

    def result(self, route: str, body: Json, made: Any) -> Any:
        return {**made, "model": self.asked.name} if isinstance(made, dict) and "model" in made else made


_ALIAS = _Alias()


def _not_routed(request: Request, body: bytes) -> Response | None:
    if request.method == "GET" and "/models/" in request.url.path:
        return _answer(404, {"error": {"message": "Not Found", "type": "not_found", "param": None, "code": None}})
    return None


def _dies(request: Request, body: bytes) -> Response | None:
    found = _json(request, body, "/completions")
    if found and found.get("echo") and found.get("max_tokens") == 0:
        threading.Timer(0.05, os._exit, (1,)).start()
    return None


def _wedges(state: dict[str, bool]) -> Any:
    """After one such request every other is answered 500: what a dead worker behind a living front looks like."""

    def before(request: Request, body: bytes) -> Response | None:
        found = _json(request, body)
        if state.get("dead") and found is not None:
            state["dead"] = False
            return _error(500, "worker is gone")
        if (found and found.get("stop") == []) or (found and found.get("messages") == []):
            state["dead"] = True
        return None

    return before


def _status(code: int, body: Any, *statuses: int, media: str = "application/json") -> Any:
    """Answers refusals of these statuses with another status and body."""

    def error(route: str, status: int, envelope: Json) -> tuple[int, Any]:
        return (code, body) if status in statuses else (status, envelope)

    return error


def _reshape(change: Any) -> Any:
    def error(route: str, status: int, envelope: Json) -> tuple[int, Any]:
        return status, change(status, envelope)

    return error


def _long_stream(request: Request, body: bytes) -> Response | None:
    found = _json(request, body, "/chat/completions")
    if found and found.get("stream") and len(body) > 200_000:
        data = b'data: {"error":{"message":"too long","type":"BadRequestError","param":null,"code":"400"}}\n\ndata: [DONE]\n\n'
        return Response(data, 200, {}, "text/event-stream")
    return None


def _late_grammar(request: Request, body: bytes) -> Response | None:
    found = _json(request, body, "/chat/completions")
    if found and found.get("tool_choice") == "required" and not found.get("tools"):
        if found.get("stream"):
            data = b'data: {"error":{"message":"grammar","type":"server_error","param":null,"code":null}}\n\ndata: [DONE]\n\n'
            return Response(data, 200, {}, "text/event-stream")
        return _error(500, "failed to build the grammar")
    return None


def _crash_on(param: str) -> Any:
    """A fault of this parameter is answered 500."""

    def error(route: str, status: int, envelope: Json) -> tuple[int, Any]:
        named = str((envelope.get("error") or {}).get("param") or "")
        if named.split(".")[0].split("[")[0] == param and status == 400:
            return 500, {"error": {"message": "internal error", "type": "server_error", "param": None, "code": None}}
        return status, envelope

    return error


def _preflight(status: int, body: Any) -> Any:
    return lambda request, data: _answer(status, body) if request.method == "OPTIONS" else None


def _cut(route: str, data: bytes) -> Iterator[Piece]:
    yield data[: len(data) // 2]
    raise ConnectionResetError("planted")


def _never(request: Request, body: bytes) -> Response | None:
    found = _json(request, body, "/chat/completions")
    if found and found.get("tool_choice"):
        time.sleep(5)
    return None


def _seventh(retry: bool) -> Any:
    counter = itertools.count(1)

    def before(request: Request, body: bytes) -> Response | None:
        if request.method == "POST" and next(counter) % 7 == 0:
            made = _error(429, "Rate limit reached.", None, "rate_limit_exceeded")
            if retry:
                made.headers["retry-after"] = "0"
            return made
        return None

    return before


def _echo_hash(request: Request, body: bytes) -> Response | None:
    key = request.headers.get("authorization", "").partition(" ")[2]
    if "wrong" in key:
        digest = hashlib.sha256(key.encode()).hexdigest()
        message = f"Authentication Error: invalid token, hash={digest}, table=LiteLLM_VerificationTokenTable"
        return _error(401, message, None, "invalid_api_key")
    return None


def _nan_large(request: Request, body: bytes) -> Response | None:
    if len(body) > 5 << 20:
        time.sleep(5)
    return None


ERR, HTTP = "errors", "HTTP semantics"
ENV = "errors.envelope"
_FIELDS = {
    "temperature": CHAT, "top_p": CHAT, "n": CHAT, "max_tokens": CHAT, "presence_penalty": CHAT, "frequency_penalty": CHAT, "stop": CHAT,
    "logit_bias": CHAT, "top_logprobs": CHAT, "logprobs": CHAT, "tool_choice": CHAT, "stream_options": CHAT, "response_format": CHAT,
    "stream": CHAT, "reasoning_effort": CHAT, "best_of": COMPLETIONS, "encoding_format": EMBEDDINGS, "dimensions": EMBEDDINGS,
}  # fmt: skip
_CRASHES = ("temperature", "messages", "n", "stop", "tools", "logit_bias", "prompt", "input", "model")

PLANTS = (
    defect(
        "NC-MOD-03",
        "models",
        "listed models cannot be retrieved",
        STATUS,
        source="pollinations/pollinations#13839",
        before=_not_routed,
    ),
    defect(
        "NC-MOD-07",
        "models",
        "an unknown model is answered by another one",
        STATUS,
        source="ddalcu/mlx-serve#258",
        body=_ALIAS.body,
        result=_ALIAS.result,
    ),
    defect(
        "NC-MOD-09",
        "models",
        "an unknown model is a 500",
        "http.no-server-error",
        STATUS,
        source="mudler/LocalAI#9133",
        error=_status(
            500,
            {"error": {"message": "backend not implemented", "type": "server_error", "param": None, "code": None}},
            404,
        ),
    ),
    defect(
        "NC-CHAT-11",
        "chat",
        "max_completion_tokens is refused",
        STATUS,
        source="voideditor/void#128",
        before=_if(
            lambda f: "max_completion_tokens" in f,
            lambda f: _error(400, "extra_forbidden: Extra inputs are not permitted", "max_completion_tokens"),
        ),
    ),
    defect(
        "NC-CHAT-17",
        "chat",
        "content parts are refused",
        STATUS,
        source="qualcomm/GenieX#772",
        before=_if(
            lambda f: any(isinstance(m.get("content"), list) for m in _messages(f)),
            lambda f: _error(400, "unknown content type"),
        ),
    ),
    defect(
        "NC-CHAT-19",
        "chat",
        "content parts of tool messages are refused",
        STATUS,
        source="Neroued/ninfer#56",
        before=_if(
            lambda f: any(isinstance(m.get("content"), list) and m.get("role") == "tool" for m in _messages(f)),
            lambda f: _error(400, "tool messages must contain string content"),
        ),
    ),
    defect(
        "chat.roles/tool-refused",
        "chat",
        "the role tool is refused",
        STATUS,
        source="NVIDIA/NeMo-Agent-Toolkit#2077",
        before=_if(lambda f: any(m.get("role") == "tool" for m in _messages(f)), lambda f: _error(400, "unknown role")),
    ),
    defect(
        "NC-CHAT-23",
        "chat",
        "the role developer is refused",
        STATUS,
        source="ayunis-core/ayunis-core#719",
        before=_if(
            lambda f: any(m.get("role") == "developer" for m in _messages(f)),
            lambda f: _error(400, "Unexpected message role."),
        ),
    ),
    defect(
        "NC-TOOL-09",
        "tools",
        "required without tools fails late, in a 200 where streamed",
        STATUS,
        "http.no-server-error",
        "stream.no-error-event",
        source="vllm-project/vllm#21052",
        before=_late_grammar,
    ),
    defect(
        "NC-TOOL-13",
        "tools",
        "a history with a null call id is a 500",
        "http.no-server-error",
        STATUS,
        source="sigoden/aichat#1296",
        before=_if(
            lambda f: any(
                isinstance(c, dict) and c.get("id", 0) is None for m in _messages(f) for c in m.get("tool_calls") or ()
            ),
            lambda f: _error(500, "NoneType"),
        ),
    ),
    defect(
        "NC-SOUT-05",
        "structured outputs",
        "json_object is refused",
        "structured.json-object-offered",
        level="SHOULD",
        source="GD4AI/obsidian-llm-wiki#306",
        before=_if(
            lambda f: (
                (f.get("response_format") or {}).get("type") == "json_object"
                if isinstance(f.get("response_format"), dict)
                else False
            ),
            lambda f: _error(400, "'response_format.type' must be 'json_schema' or 'text'", "response_format.type"),
        ),
    ),
    defect(
        "NC-SOUT-07",
        "structured outputs",
        "a misplaced strict is dropped",
        "*/may/*",
        level="MAY",
        source="raullenchai/Rapid-MLX#837",
        body=lambda route, body: (
            {**body, "response_format": {k: v for k, v in body["response_format"].items() if k != "strict"}}
            if isinstance(body.get("response_format"), dict)
            else body
        ),
    ),
    defect(
        "NC-LOGP-03",
        "logprobs",
        "logprobs makes the request fail",
        STATUS,
        "http.no-server-error",
        source="sgl-project/sglang#4440",
        before=_if(lambda f: f.get("logprobs") is True, lambda f: _error(500, "list index out of range")),
    ),
    defect(
        "NC-COMP-09",
        "completions",
        "a prompt as array is a 500",
        "http.no-server-error",
        STATUS,
        source="mudler/LocalAI#159",
        before=_if(lambda f: isinstance(f.get("prompt"), list), lambda f: _error(500, "cannot unmarshal array")),
    ),
    defect(
        "NC-COMP-13",
        "completions",
        "echo with max_tokens 0 kills the server",
        "http.answered",
        STATUS,
        source="vllm-project/vllm#6521",
        before=_dies,
    ),
    defect(
        "probe/worker-dies",
        "errors",
        "after one bad request the next is a 500",
        STATUS,
        "http.no-server-error",
        before=_wedges({}),
    ),
    defect(
        "NC-EMB-03",
        "embeddings",
        "encoding_format is refused",
        STATUS,
        source="michaelfeil/infinity#349",
        before=_if(lambda f: "encoding_format" in f, lambda f: _error(422, "Extra inputs are not permitted")),
    ),
    defect(
        "NC-EMB-05",
        "embeddings",
        "arrays of token arrays are refused",
        STATUS,
        source="envoyproxy/ai-gateway#1404",
        before=_if(
            lambda f: isinstance(f.get("input"), list) and any(isinstance(i, list) for i in f["input"]),
            lambda f: _error(400, "json: cannot unmarshal array into Go value of type string"),
        ),
    ),
    defect(
        "NC-ERR-01",
        ERR,
        "error is a string",
        ENV,
        source="paiml/aprender#2375",
        error=_reshape(lambda s, e: {"error": "Model registry error: " + e["error"]["message"]}),
    ),
    defect(
        "NC-ERR-03",
        ERR,
        "an unknown model is a detail",
        ENV,
        "*/must/body",
        source="ray-project/ray#64833",
        error=_reshape(lambda s, e: {"detail": e["error"]["message"]} if s == 404 else e),
    ),
    defect(
        "errors.envelope/top-level",
        ERR,
        "message at the top level",
        ENV,
        "*/must/body",
        error=_reshape(lambda s, e: {"message": e["error"]["message"], "code": s}),
    ),
    defect(
        "errors.envelope/no-type",
        ERR,
        "the error has no type",
        ENV,
        error=_reshape(lambda s, e: {"error": {k: v for k, v in e["error"].items() if k != "type"}}),
    ),
    defect(
        "errors.envelope/html",
        ERR,
        "refusals are HTML",
        ENV,
        "*/must/body",
        error=lambda route, status, e: (status, b"<html><body><h1>Bad Request</h1></body></html>"),
        headers=lambda status, h: h.update({"content-type": "text/html"}) if status >= 400 else None,
    ),
    defect(
        "errors.members/absent",
        ERR,
        "param and code are absent",
        "errors.members",
        level="SHOULD",
        error=_reshape(lambda s, e: {"error": {k: e["error"][k] for k in ("message", "type")}}),
    ),
    defect(
        "errors.members/code-number",
        ERR,
        "code is a number",
        "errors.members",
        level="SHOULD",
        error=_reshape(lambda s, e: {"error": {**e["error"], "code": s}}),
    ),
    defect(
        "NC-ERR-05",
        ERR,
        "param is always null",
        "*/should/body",
        level="SHOULD",
        source="vllm-project/vllm#30134",
        error=_reshape(lambda s, e: {"error": {**e["error"], "param": None}}),
    ),
    defect(
        "NC-ERR-07",
        ERR,
        "errors come with status 200",
        "errors.not-in-200",
        STATUS,
        source="runpod-workers/worker-vllm#57",
        error=lambda route, status, e: (
            (200, {"object": "error", "message": e["error"]["message"], "code": status})
            if status in (400, 404) and route in (CHAT, COMPLETIONS, EMBEDDINGS)
            else (status, e)
        ),
    ),
    defect(
        "NC-ERR-09",
        ERR,
        "a prompt that is too long is an error in a stream",
        STATUS,
        "stream.no-error-event",
        source="sgl-project/sglang#12081",
        before=_long_stream,
    ),
    defect(
        "NC-ERR-11",
        ERR,
        "malformed JSON is a 500",
        "http.no-server-error",
        STATUS,
        source="miruamel/xuan#153",
        error=lambda route, status, e: (
            (500, {"error": {"message": "internal", "type": "server_error", "param": None, "code": None}})
            if "could not parse" in e["error"]["message"]
            else (status, e)
        ),
    ),
    defect(
        "NC-ERR-13",
        ERR,
        "JSON that is no object is a 500",
        "http.no-server-error",
        STATUS,
        source="vllm-project/vllm#42961",
        error=lambda route, status, e: (
            (500, {"error": {"message": "internal", "type": "server_error", "param": None, "code": None}})
            if "not an object" in e["error"]["message"]
            else (status, e)
        ),
    ),
    defect(
        "NC-ERR-15",
        ERR,
        "an unknown route is an empty 404",
        "*/should/*",
        level="SHOULD",
        source="UOR-Foundation/uor-r4#764",
        error=lambda route, status, e: (404, b"") if route == "" else (status, e),
        headers=lambda status, h: (
            h.pop("content-type", None) if status == 404 and h.get("content-length") == "0" else None
        ),
    ),
    defect(
        "NC-AUTH-01",
        "auth",
        "401 without the envelope",
        ENV,
        source="BerriAI/litellm#1554",
        error=_status(401, {"detail": "Authentication Error"}, 401),
    ),
    defect(
        "auth.accepts/wrong-key",
        "auth",
        "a wrong key is accepted",
        STATUS,
        error=lambda route, status, e: (status, e),
        before=lambda request, body: (
            None
            if "wrong" not in request.headers.get("authorization", "")
            else _answer(200, {"object": "list", "data": []})
        ),
    ),
    defect(
        "NC-AUTH-03",
        "auth",
        "401 echoes the key's hash and internals",
        "auth.no-credential-echo",
        level="SHOULD",
        source="BerriAI/litellm#39757",
        before=_echo_hash,
    ),
    defect(
        "headers.retry-after/absent",
        "headers",
        "a 429 has no Retry-After",
        "headers.retry-after",
        level="SHOULD",
        source="api7/aisix#144",
        before=_seventh(False),
    ),
    defect(
        "NC-HDR-03",
        "headers",
        "Retry-After is not exposed to browsers",
        "*/may/*",
        level="MAY",
        source="Azure/azure-rest-api-specs#24904",
        headers=lambda status, h: h.pop("access-control-expose-headers", None),
    ),
    defect(
        "NC-HTTP-01",
        HTTP,
        "the preflight asks for a key",
        "*/should/*",
        level="SHOULD",
        source="dphnAI/sonar#434",
        before=_preflight(
            401,
            {"error": {"message": "no key", "type": "invalid_request_error", "param": None, "code": "invalid_api_key"}},
        ),
    ),
    defect(
        "NC-HTTP-03",
        HTTP,
        "OPTIONS is handled as POST",
        "*/may/*",
        "*/should/*",
        level="MAY",
        source="lmstudio-ai/lmstudio-bug-tracker#443",
        before=_preflight(200, {"error": "'messages' field is required"}),
    ),
    defect(
        "NC-HTTP-05",
        HTTP,
        "a large body hangs the server",
        "*/should/*",
        level="SHOULD",
        source="raullenchai/Rapid-MLX#710",
        before=_nan_large,
    ),
    defect(
        "http.answered/cut-body",
        HTTP,
        "the connection is cut in the middle of the body",
        "http.answered",
        "*.probe/must/status",
        wire=_cut,
    ),
    defect("http.answered/silent", HTTP, "some requests are never answered", "http.answered", before=_never),
    defect(
        "http.no-server-error/unicode",
        HTTP,
        "an emoji is a 500",
        "http.no-server-error",
        STATUS,
        before=lambda request, body: _error(500, "codec can't encode") if "😀".encode()[:2] in body else None,
    ),
    defect(
        "http.json-content-type/plain",
        HTTP,
        "JSON is sent as text/plain",
        "http.json-content-type",
        "*/must/headers/*",
        "*/should/headers/*",
        headers=lambda status, h: (
            h.update({"content-type": "text/plain; charset=utf-8"})
            if h.get("content-type") == "application/json"
            else None
        ),
    ),
    *(
        defect(
            f"accepts.{name}",
            route.strip("/"),
            f"a wrong {name} is accepted and ignored",
            STATUS,
            "*/should/status",
            accepts=accepting(name),
        )
        for name, route in _FIELDS.items()
    ),
    *(
        defect(
            f"crashes.{name}",
            "errors",
            f"a wrong {name} is a 500",
            "http.no-server-error",
            STATUS,
            error=_crash_on(name),
        )
        for name in _CRASHES
    ),
)
