"""Defects of valid requests that are refused, and of unknown models."""

from __future__ import annotations

import os
import threading
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.app import MODELS
from seatrial.server.plant import Json
from seatrial.server.plants.answers import STATUS, answer, answered_with, error, posted, when
from seatrial.server.plants.shape import EMBEDDINGS, defect


def _messages(found: Json) -> list[Json]:
    messages = found.get("messages")
    return [m for m in messages if isinstance(m, dict)] if isinstance(messages, list) else []


class _Alias:
    """Answers for an unknown model with a known one, under the asked name."""

    def __init__(self) -> None:
        self.asked = threading.local()

    def body(self, route: str, body: Json) -> Json:
        self.asked.name = body.get("model")
        if isinstance(self.asked.name, str) and self.asked.name not in MODELS:
            return {**body, "model": "seatrial-embed" if route == EMBEDDINGS else "seatrial-chat"}
        return body

    def result(self, route: str, body: Json, made: Any) -> Any:
        named = self.asked.name is not None and isinstance(made, dict) and "model" in made
        return {**made, "model": self.asked.name} if named else made


_ALIAS = _Alias()


def _not_routed(request: Request, body: bytes) -> Response | None:
    if request.method == "GET" and "/models/" in request.url.path:
        return answer(404, {"error": {"message": "Not Found", "type": "not_found", "param": None, "code": None}})
    return None


def _dies(request: Request, body: bytes) -> Response | None:
    found = posted(request, body, "/completions")
    if found and found.get("echo") and found.get("max_tokens") == 0:
        threading.Timer(0.05, os._exit, (1,)).start()
    return None


def _wedges(request: Request, body: bytes) -> Response | None:
    """After one bad request the next is answered 500: what a dead worker behind a living front looks like."""
    found = posted(request, body)
    state = request.app.state
    if getattr(state, "dead", False) and found is not None:
        state.dead = False
        return error(500, "worker is gone")
    if found and (found.get("stop") == [] or found.get("messages") == []):
        state.dead = True
    return None


def _late_grammar(request: Request, body: bytes) -> Response | None:
    found = posted(request, body, "/chat/completions")
    if found and found.get("tool_choice") == "required" and not found.get("tools"):
        if found.get("stream"):
            data = b'data: {"error":{"message":"grammar","type":"server_error","param":null,"code":null}}\n\ndata: [DONE]\n\n'
            return Response(data, 200, {}, "text/event-stream")
        return error(500, "failed to build the grammar")
    return None


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
        error=answered_with(
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
        before=when(
            lambda f: "max_completion_tokens" in f,
            lambda f: error(400, "extra_forbidden: Extra inputs are not permitted", "max_completion_tokens"),
        ),
    ),
    defect(
        "NC-CHAT-17",
        "chat",
        "content parts are refused",
        STATUS,
        source="qualcomm/GenieX#772",
        before=when(
            lambda f: any(isinstance(m.get("content"), list) for m in _messages(f)),
            lambda f: error(400, "unknown content type"),
        ),
    ),
    defect(
        "NC-CHAT-19",
        "chat",
        "content parts of tool messages are refused",
        STATUS,
        source="Neroued/ninfer#56",
        before=when(
            lambda f: any(isinstance(m.get("content"), list) and m.get("role") == "tool" for m in _messages(f)),
            lambda f: error(400, "tool messages must contain string content"),
        ),
    ),
    defect(
        "chat.roles/tool-refused",
        "chat",
        "the role tool is refused",
        STATUS,
        source="NVIDIA/NeMo-Agent-Toolkit#2077",
        before=when(lambda f: any(m.get("role") == "tool" for m in _messages(f)), lambda f: error(400, "unknown role")),
    ),
    defect(
        "NC-CHAT-23",
        "chat",
        "the role developer is refused",
        STATUS,
        source="ayunis-core/ayunis-core#719",
        before=when(
            lambda f: any(m.get("role") == "developer" for m in _messages(f)),
            lambda f: error(400, "Unexpected message role."),
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
        before=when(
            lambda f: any(
                isinstance(c, dict) and c.get("id", 0) is None for m in _messages(f) for c in m.get("tool_calls") or ()
            ),
            lambda f: error(500, "NoneType"),
        ),
    ),
    defect(
        "NC-SOUT-05",
        "structured outputs",
        "json_object is refused",
        "structured.json-object-offered",
        level="SHOULD",
        source="GD4AI/obsidian-llm-wiki#306",
        before=when(
            lambda f: (
                (f.get("response_format") or {}).get("type") == "json_object"
                if isinstance(f.get("response_format"), dict)
                else False
            ),
            lambda f: error(400, "'response_format.type' must be 'json_schema' or 'text'", "response_format.type"),
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
        before=when(lambda f: f.get("logprobs") is True, lambda f: error(500, "list index out of range")),
    ),
    defect(
        "NC-COMP-09",
        "completions",
        "a prompt as array is a 500",
        "http.no-server-error",
        STATUS,
        source="mudler/LocalAI#159",
        before=when(lambda f: isinstance(f.get("prompt"), list), lambda f: error(500, "cannot unmarshal array")),
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
        before=_wedges,
    ),
    defect(
        "NC-EMB-03",
        "embeddings",
        "encoding_format is refused",
        STATUS,
        source="michaelfeil/infinity#349",
        before=when(lambda f: "encoding_format" in f, lambda f: error(422, "Extra inputs are not permitted")),
    ),
    defect(
        "NC-EMB-05",
        "embeddings",
        "arrays of token arrays are refused",
        STATUS,
        source="envoyproxy/ai-gateway#1404",
        before=when(
            lambda f: isinstance(f.get("input"), list) and any(isinstance(i, list) for i in f["input"]),
            lambda f: error(400, "json: cannot unmarshal array into Go value of type string"),
        ),
    ),
)
