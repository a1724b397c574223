"""Legal variants: what a server may refuse, or put off."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.answers import counted, error, seventh, when
from seatrial.server.plants.shape import CHAT, COMPLETIONS, meta_data, only, variant


def absent_route(status: int, path: str) -> Any:
    def before(request: Request, body: bytes) -> Response | None:
        if request.url.path == "/v1" + path:
            made = error(status, f"{path} is not offered here.", None, "unsupported")
            if status == 405:
                made.headers["allow"] = "OPTIONS"
            return made
        return None

    return before


def _forgets(request: Request, body: bytes) -> Response | None:
    path = request.url.path.removeprefix("/v1")
    if path.startswith(CHAT) and (request.method, path) != ("POST", CHAT):
        return error(404, "File Not Found", None, "not_found_error")
    return None


def refuses(name: str, *inner: str, path: str = "") -> Any:
    """A 400 that names the parameter wherever it is sent with a value, to paths that end so."""

    def refused(found: Json) -> bool:
        value = found.get(name)
        if inner:
            value = next((value.get(key) for key in inner if isinstance(value, dict)), None)
        # What is said at its default is not asked for.
        return value not in (None, False, 1, {"type": "text"})

    return when(
        refused,
        lambda found: error(
            400, f"Unsupported parameter: '{name}' is not supported with this model.", name, "unsupported_parameter"
        ),
        path,
    )


def _refuses_images(request: Request, body: bytes) -> Response | None:
    if b'"image_url"' in body:
        return error(400, "This model does not support image input: image_url.", "messages", "invalid_content_type")
    return None


def _refuses_type(kind: str) -> Any:
    def refused(found: Json) -> bool:
        wanted = found.get("response_format")
        return isinstance(wanted, dict) and wanted.get("type") == kind

    return when(
        refused,
        lambda found: error(
            400, f"response_format type {kind} is not supported.", "response_format", "unsupported_parameter"
        ),
    )


def _busy() -> Any:
    def before(request: Request, body: bytes) -> Response | None:
        if request.method == "POST" and counted(request) % 40 == 0:
            made = error(503, "The engine is overloaded.", None, "overloaded")
            made.headers["retry-after"] = "0"
            return made
        return None

    return before


PLANTS = (
    variant("no-completions-404", "legacy completions are not offered: 404", before=absent_route(404, COMPLETIONS)),
    variant("no-completions-405", "legacy completions are not offered: 405", before=absent_route(405, COMPLETIONS)),
    variant("no-embeddings-501", "embeddings are not offered: 501", before=absent_route(501, "/embeddings")),
    variant("no-stored-completions", "store is taken, but there are no routes for what is stored", before=_forgets),
    *(
        variant(f"refuses-{name.replace('_', '-')}", f"{name} is refused by name", before=refuses(name))
        for name in (
            "logprobs",
            "n",
            "tools",
            "seed",
            "response_format",
            "reasoning_effort",
            "parallel_tool_calls",
            "logit_bias",
            "dimensions",
            "best_of",
            "echo",
            "suffix",
            "stream_options",
            "service_tier",
            "verbosity",
            "metadata",
            "store",
            "presence_penalty",
            "tool_choice",
        )
    ),
    *(
        variant(f"chat-refuses-{name.replace('_', '-')}", f"chat takes no {name}", before=refuses(name, path=CHAT))
        for name in ("max_tokens", "temperature")
    ),
    variant(
        "refuses-images",
        "images are refused by name, and no model claims to take them",
        before=_refuses_images,
        result=meta_data(lambda meta: only(meta, input_modalities=["text"])),
    ),
    variant("refuses-json-schema", "json_schema is refused by name", before=_refuses_type("json_schema")),
    variant("occasional-429", "every seventh request is told to come back", before=seventh(True)),
    variant("occasional-503", "now and then the engine is busy", before=_busy()),
)
