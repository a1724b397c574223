"""Defects of errors: their envelope, their status, what they tell."""

from __future__ import annotations

import hashlib
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.answers import ERR, STATUS, answer, answered_with, error, posted, seventh
from seatrial.server.plants.shape import CHAT, COMPLETIONS, EMBEDDINGS, defect


def _reshape(change: Any) -> Any:
    def error(route: str, status: int, envelope: Json) -> tuple[int, Any]:
        return status, change(status, envelope)

    return error


def _long_stream(request: Request, body: bytes) -> Response | None:
    found = posted(request, body, "/chat/completions")
    if found and found.get("stream") and len(body) > 200_000:
        data = b'data: {"error":{"message":"too long","type":"BadRequestError","param":null,"code":"400"}}\n\ndata: [DONE]\n\n'
        return Response(data, 200, {}, "text/event-stream")
    return None


def _echo_hash(request: Request, body: bytes) -> Response | None:
    key = request.headers.get("authorization", "").partition(" ")[2]
    if "wrong" in key:
        digest = hashlib.sha256(key.encode()).hexdigest()
        message = f"Authentication Error: invalid token, hash={digest}, table=LiteLLM_VerificationTokenTable"
        return error(401, message, None, "invalid_api_key")
    return None


ENV = "errors.envelope"


PLANTS = (
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
        "*/must/headers/*",
        "*/should/headers/*",
        "*/must/status",
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
        error=answered_with(401, {"detail": "Authentication Error"}, 401),
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
            else answer(200, {"object": "list", "data": []})
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
        before=seventh(False),
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
)
