"""The routes, and what surrounds each: key, media type, JSON, errors, CORS, plants."""

from __future__ import annotations

import asyncio
import base64
import json
import logging
import secrets
import time
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from seatrial.server import chat, completions, embeddings
from seatrial.server.call import Call
from seatrial.server.families import handlers_by_path, stored_chat
from seatrial.server.plant import Json, Piece, Plants, Settings
from seatrial.server.refuse import Refused

CREATED = 1_760_000_000
LARGEST = 20 << 20
BASES = ("/v1", "/v2", "/queue")
"""What each route lies under. A queue's routes answer as their twins do: one body, after a wait."""
DRAINED = 200 << 20
"""How much of a body that is too large is read all the same: a client that is still writing does not read the 413."""
MODELS: dict[str, dict[str, Any]] = {
    "seatrial-chat": {"chat": True, "vision": True, "completions": True},
    "seatrial-text": {"chat": True, "completions": True},
    "seatrial-reasoning": {"chat": True, "effort": "medium"},
    "seatrial-embed": {"embeddings": True},
    "seatrial-listen": {"audio": True},
    "seatrial-speak": {"speech": True},
    "seatrial-paint": {"images": True},
    "seatrial-judge": {"moderations": True},
}
_KINDS = {
    "embeddings": ("EMBEDDING", ["text"], ["embedding"]),
    "audio": ("STT", ["audio"], ["text"]),
    "speech": ("TTS", ["text"], ["audio"]),
    "images": ("IMAGE", ["text", "image"], ["image"]),
    "moderations": ("MODERATION", ["text", "image"], ["text"]),
}
"""What a model of each ability is called, takes and gives."""
DOT = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
_EXPOSED = "x-request-id, retry-after"
_log = logging.getLogger(__name__)


def model_object(id: str, able: dict[str, Any]) -> Json:
    """A model as it is listed."""
    embeds = bool(able.get("embeddings"))
    kind, takes, gives = next((row for name, row in _KINDS.items() if able.get(name)), ("LLM", ["text"], ["text"]))
    meta = {
        "model_type": kind,
        "source_type": "OPEN SOURCE",
        "max_sequence_length": 8192,
        "hidden_size": embeddings.SIZE if embeds else 0,
        "max_output_length": 4096 if kind == "LLM" else 0,
        "deployment_region": "local",
        "location": "",
        "license": "Apache-2.0",
        "display_name": id,
        "deployment_country": "",
        "input_modalities": ["text", "image"] if able.get("vision") else takes,
        "output_modalities": gives,
        "is_externally_hosted": False,
        "model_lifecycle_stage": "Stable",
    }
    return {"id": id, "object": "model", "created": CREATED, "owned_by": "seatrial", "meta_data": meta}


class Server:
    """The handlers, bound to one server's settings and plants."""

    def __init__(self, settings: Settings, plants: Plants, models: dict[str, dict[str, Any]]) -> None:
        self.settings, self.plants, self.models = settings, plants, dict(models)
        self.stores: dict[str, Any] = {}

    def store(self, name: str, make: Callable[[], Any]) -> Any:
        """What a family of routes keeps between requests, made the first time it is asked for."""
        if name not in self.stores:
            self.stores[name] = make()
        return self.stores[name]

    def app(self) -> Starlette:
        """The application."""
        own: dict[str, tuple[str, Callable[[Request, bytes], Any]]] = {
            "/chat/completions": ("POST", self.chat),
            "/completions": ("POST", self.completions),
            "/embeddings": ("POST", self.embeddings),
            "/models": ("GET", self.list_models),
            "/models/{model}": ("GET", self.one_model),
        }
        methods = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
        routes = []
        for base in BASES:
            for path, (method, handler) in own.items():
                more = handlers_by_path().get(path, {})
                guarded = {method: self._guard(method, path, handler, (method, *more))}
                place = base + path.replace("{model}", "{model:path}")
                routes.append(Route(place, self._choose(path, more, guarded), methods=methods))
            for path, handlers in handlers_by_path().items():
                if path not in own:
                    routes.append(Route(base + path, self._choose(path, handlers, {}), methods=methods))
        routes += [
            Route("/assets/{name}", self.asset, methods=["GET", "HEAD"]),
            Route("/{path:path}", self._guard("", "", self.nowhere), methods=methods),
        ]
        return Starlette(routes=routes)

    def _choose(
        self, path: str, handlers: dict[str, Callable[[Call], Response]], own: dict[str, Callable[[Request], Any]]
    ) -> Callable[[Request], Any]:
        """The handlers of one path by method, each behind what is common; those of `own` are so already."""

        def bound(method: str) -> Callable[[Request], Any]:
            route = f"{method} {path}"
            return self._guard(
                method,
                route,
                lambda request, body: handlers[method](Call(self, request, body, route)),
                (*own, *handlers),
            )

        guarded = own | {method: bound(method) for method in handlers}

        async def choose(request: Request) -> Response:
            method = "GET" if request.method == "HEAD" else request.method
            answer: Response = await guarded.get(method, next(iter(guarded.values())))(request)
            return answer

        return choose

    def _guard(
        self, method: str, route: str, handler: Callable[[Request, bytes], Any], methods: tuple[str, ...] = ()
    ) -> Callable[[Request], Any]:
        """The handler behind all that is common: preflight, key, method, errors, headers."""
        allowed = ", ".join(methods or (method,))

        async def guarded(request: Request) -> Response:
            body = b""
            try:
                body = await _body(request)
                for before in self.plants.each("before"):
                    planted = before(request, body)
                    if isinstance(planted, Response):
                        # What is planted on a preflight is all there is of it: CORS headers would make it a good one.
                        return planted if request.method == "OPTIONS" else self._finish(request, planted)
                    if planted:
                        await _left_waiting(request, planted)
                if len(body) > LARGEST:
                    raise Refused(413, "The request is too large.", None, "request_too_large")
                if request.method == "OPTIONS":
                    return self._finish(request, Response(status_code=204))
                if method and request.method != method and not (method == "GET" and request.method == "HEAD"):
                    raise Refused(
                        405, f"Not allowed to {request.method} on {request.url.path}.", None, "method_not_allowed"
                    )
                self._key(request)
                made = handler(request, body)
            except Refused as refused:
                made = self._refusal(route, refused, allowed)
            except Exception:
                _log.exception("%s %s", request.method, request.url.path)
                fault = Refused(500, "The server had an error.", None, "internal_error", "server_error")
                made = self._refusal(route, fault, allowed)
            return self._finish(request, made)

        return guarded

    def _key(self, request: Request) -> None:
        if self.settings.api_key is None:
            return
        scheme, _, key = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or not secrets.compare_digest(
            key.strip().encode(), self.settings.api_key.encode()
        ):
            why = "Incorrect API key provided." if key else "You didn't provide an API key."
            raise Refused(401, why, None, "invalid_api_key")

    def _refusal(self, route: str, refused: Refused, allowed: str) -> Response:
        status, body = refused.status, refused.envelope
        for error in self.plants.each("error"):
            status, body = error(route, status, body)
        data = body if isinstance(body, bytes) else chat.dumps(body)
        headers = {405: {"allow": f"{allowed}, OPTIONS"}, 401: {"www-authenticate": "Bearer"}}.get(status, {})
        return Response(data, status, headers, "application/json")

    def _finish(self, request: Request, response: Response) -> Response:
        headers = {
            "x-request-id": "req_" + secrets.token_hex(12),
            "access-control-allow-origin": "*",
            "access-control-expose-headers": _EXPOSED,
        }
        if request.method == "OPTIONS":
            headers |= {
                "access-control-allow-methods": "GET, POST, OPTIONS",
                "access-control-allow-headers": request.headers.get("access-control-request-headers", "*"),
                "access-control-max-age": "600",
            }
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        for change in self.plants.each("headers"):
            table = dict(response.headers)
            change(response.status_code, table)
            response.raw_headers[:] = [
                (name.encode("latin-1"), value.encode("latin-1")) for name, value in table.items()
            ]
        return response

    def json(self, request: Request, body: bytes, route: str) -> Json:
        media = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if media != "application/json":
            raise Refused(
                415,
                f"Unsupported content type: {media or 'none'!r}. Use application/json.",
                None,
                "unsupported_media_type",
            )
        try:
            parsed: Any = json.loads(body, parse_constant=_refuse, parse_float=_number)
        except (ValueError, RecursionError) as error:
            raise Refused(
                400, f"We could not parse the JSON body of your request: {error}.", None, "invalid_json"
            ) from error
        if not isinstance(parsed, dict):
            raise Refused(400, "The JSON body of your request is not an object.", None, "invalid_json")
        found: Json = parsed
        for change in self.plants.each("body"):
            found = change(route, found)
        return found

    def valid(self, validate: Callable[[], None], route: str, body: Json) -> None:
        """Validates, again and again, until nothing is refused or a refusal stands."""
        for _ in range(8):
            try:
                validate()
                return
            except Refused as refused:
                name = refused.param.split(".")[0].split("[")[0]
                if not any(accept(route, refused.param, body) for accept in self.plants.each("accepts")):
                    raise
                body.pop(name, None)

    def asset(self, request: Request) -> Response:
        """A picture that was given out by its address; no key is asked for."""
        kept: dict[str, tuple[bytes, str]] = self.stores.get("assets", {})
        data, media = {"dot.png": (DOT, "image/png"), **kept}.get(request.path_params["name"], (b"", "text/plain"))
        return self._finish(request, self.plain("GET /assets", {}, data, 200 if data else 404, media))

    def list_models(self, request: Request, body: bytes) -> Response:
        return self.plain(
            "/models", {}, {"object": "list", "data": [model_object(id, able) for id, able in self.models.items()]}
        )

    def one_model(self, request: Request, body: bytes) -> Response:
        id = request.path_params["model"]
        if id not in self.models:
            raise Refused(404, f"The model '{id}' does not exist.", "model", "model_not_found")
        return self.plain("/models/{model}", {}, model_object(id, self.models[id]))

    def nowhere(self, request: Request, body: bytes) -> Response:
        raise Refused(404, f"Invalid URL ({request.method} {request.url.path}).", None, "unknown_url")

    def chat(self, request: Request, body: bytes) -> Response:
        route = "/chat/completions"
        parsed = self.json(request, body, route)
        origin = f"{request.url.scheme}://{request.url.netloc}"
        self.valid(lambda: chat.validate(parsed, self.models, origin), route, parsed)
        effort = self.models[parsed["model"]].get("effort")
        made = chat.answer(parsed, self.plants, int(time.time()), effort)
        whole = chat.plain(made)
        if parsed.get("stream"):
            answer: Response = self.stream(route, parsed, chat.chunks(made))
        else:
            answer = self.plain(route, parsed, whole)
        if parsed.get("store") is True:
            stored_chat.keep(self.store(stored_chat.STORE, dict), parsed, answer, whole)
        return answer

    def completions(self, request: Request, body: bytes) -> Response:
        route = "/completions"
        parsed = self.json(request, body, route)
        self.valid(lambda: completions.validate(parsed, self.models), route, parsed)
        whole, rows = completions.answer(parsed, self.plants, int(time.time()))
        if parsed.get("stream"):
            return self.stream(route, parsed, completions.chunks(parsed, whole, rows))
        return self.plain(route, parsed, completions.plain(parsed, whole, rows))

    def embeddings(self, request: Request, body: bytes) -> Response:
        route = "/embeddings"
        parsed = self.json(request, body, route)
        self.valid(lambda: embeddings.validate(parsed, self.models), route, parsed)
        return self.plain(route, parsed, embeddings.answer(parsed))

    def plain(
        self, route: str, body: Json, result: Any, status: int = 200, media: str = "application/json"
    ) -> Response:
        for change in self.plants.each("result"):
            result = change(route, body, result)
            if isinstance(result, Response):
                return result
        data = result if isinstance(result, bytes) else chat.dumps(result)
        pieces: Iterable[Piece] = [data]
        planted = False
        for wire in self.plants.each("wire") if media == "application/json" else ():
            pieces, planted = wire(route, data), True
        if not planted:
            return Response(data, status, {}, media)
        answer = StreamingResponse(_slowly(pieces), status, {}, media)
        answer.body = data  # What is said, however it is written.
        return answer

    def stream(self, route: str, body: Json, chunks: Iterator[Json], named: bool = False) -> Response:
        """A stream of chunks that ends with `[DONE]`; or, `named`, of events that bear their type's name, without it."""
        rows: Iterable[Json] = chunks
        for change in self.plants.each("chunks"):
            rows = change(route, body, iter(rows))
        pieces: Iterable[Piece] = _named(rows) if named else _events(rows)
        for change in self.plants.each("events"):
            pieces = change(route, body, iter(pieces))
            if isinstance(pieces, Response):
                return pieces
        headers = {"cache-control": "no-cache"}
        return StreamingResponse(_slowly(pieces), 200, headers, "text/event-stream")


async def _body(request: Request) -> bytes:
    """The body, all of it where it is not too large."""
    parts: list[bytes] = []
    size = 0
    async for part in request.stream():
        size += len(part)
        if size <= LARGEST + 1 or not parts:
            parts.append(part)
        if size > DRAINED:
            break
    body = b"".join(parts)
    return body if size <= LARGEST else body.ljust(LARGEST + 1)


async def _left_waiting(request: Request, seconds: float) -> None:
    """So many seconds have passed, or the client has gone."""
    until = time.monotonic() + seconds
    while time.monotonic() < until and not await request.is_disconnected():
        await asyncio.sleep(0.05)


def _number(text: str) -> float:
    """A number as JSON Schema sees it: 2.0 is an integer. Raises ValueError for one that no float can hold."""
    value = float(text)
    if value in (float("inf"), float("-inf")):
        raise ValueError(f"{text} is too large a number")
    return int(value) if value.is_integer() else value


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _events(chunks: Iterable[Json]) -> Iterator[Piece]:
    for chunk in chunks:
        yield b"data: " + chat.dumps(chunk) + b"\n\n"
    yield b"data: [DONE]\n\n"


def _named(events: Iterable[Json]) -> Iterator[Piece]:
    for event in events:
        yield b"event: " + event["type"].encode() + b"\ndata: " + chat.dumps(event) + b"\n\n"


async def _slowly(pieces: Iterable[Piece]) -> AsyncIterator[bytes]:
    for piece in pieces:
        if isinstance(piece, (int, float)):
            await asyncio.sleep(piece)
        else:
            yield piece


def compressed(pieces: Iterable[Piece]) -> Iterator[Piece]:
    """The pieces of a body as gzip, each written at once."""
    press = zlib.compressobj(wbits=31)
    for piece in pieces:
        yield press.compress(piece) + press.flush(zlib.Z_SYNC_FLUSH) if isinstance(piece, bytes) else piece
    yield press.flush()


__all__ = ["MODELS", "Server", "compressed", "model_object"]
