"""Defects below the message: connections that break, lengths that lie, bodies that are none, media types."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.connection import break_off
from seatrial.server.plant import Json, Piece, Plant
from seatrial.server.plants.answers import STATUS, answer, counted, when
from seatrial.server.plants.shape import CHAT, COMPLETIONS, all_chunks, defect, framing, text_piece

HTTP, SSE = "HTTP semantics", "SSE framing"


def _breaks_off(request: Request, body: bytes) -> float | None:
    """Two choices are never answered: the connection is reset while the request is being served."""
    if when(lambda found: found.get("n") == 2, lambda found: True, CHAT)(request, body):
        break_off(request)
        return 1.0
    return None


def _unfinished(pieces: list[bytes]) -> Iterator[Piece]:
    yield from pieces[: max(1, len(pieces) // 2)]
    yield 0.02
    raise ConnectionResetError("planted")


def _unfinished_long(route: str, body: Json, pieces: Iterator[Piece]) -> Iterable[Piece]:
    return _unfinished([piece for piece in pieces if isinstance(piece, bytes)])


def _body(change: Callable[[bytes], bytes], *routes: str) -> Any:
    """Changes the bytes of plain generations."""

    def hook(route: str, body: Json, made: Any) -> Any:
        if route in (routes or (CHAT, COMPLETIONS)):
            return change(json.dumps(made, ensure_ascii=False).encode())
        return made

    return hook


def _longer(status: int, headers: dict[str, str]) -> None:
    if status == 200 and "content-length" in headers:
        headers["content-length"] = str(int(headers["content-length"]) + 10)


def _gateway(request: Request, body: bytes) -> Response | None:
    if request.method == "POST" and counted(request) % 5 == 0:
        return answer(502, "<html><head><title>502 Bad Gateway</title></head></html>", "text/html")
    return None


def _streamed_as(media: str) -> Any:
    def headers(status: int, table: dict[str, str]) -> None:
        if status == 200 and table.get("content-type", "").startswith("text/event-stream"):
            table["content-type"] = media

    return headers


def _page(route: str, body: Json, made: Any) -> Any:
    return answer(200, made, "text/html") if route in (CHAT, COMPLETIONS) else made


def _repr(pieces: list[bytes]) -> list[bytes]:
    """The second chunk is written by Python's repr."""
    return [pieces[0], b"data: " + repr(json.loads(pieces[1][6:])).encode() + b"\n\n", *pieces[2:]]


def _ended_early(body: Json, chunks: list[Json]) -> list[Json]:
    texts = [chunk for chunk in chunks if text_piece(chunk)]
    return chunks[: chunks.index(texts[len(texts) // 2]) + 1] if texts else chunks[:2]


def _no_request_id(status: int, headers: dict[str, str]) -> None:
    headers.pop("x-request-id", None)


def _latin(data: bytes) -> bytes:
    return data[:-1] + b', "x_note": "caf\xe9"}'


def _stream_latin(pieces: list[bytes]) -> list[bytes]:
    return [pieces[0][:-3] + b',"x_note":"caf\xe9"}\n\n', *pieces[1:]]


def _unprocessable(route: str, status: int, envelope: Json) -> tuple[int, Any]:
    return (422, envelope) if status == 400 else (status, envelope)


PLANTS: tuple[Plant, ...] = (
    defect(
        "http.answered/reset-before-answer",
        HTTP,
        "the connection is reset before the answer",
        "http.answered",
        before=_breaks_off,
    ),
    defect(
        "http.answered/stream-reset",
        HTTP,
        "the connection is cut in the middle of a stream",
        "http.answered",
        events=_unfinished_long,
    ),
    defect(
        "http.answered/length-too-long",
        HTTP,
        "Content-Length is more than the body has",
        "http.answered",
        "*.probe/must/status",
        headers=_longer,
    ),
    defect("http.json-body/empty", HTTP, "200 with an empty body", "http.json-body", result=_body(lambda data: b"")),
    defect(
        "http.json-body/truncated", HTTP, "the JSON ends too early", "http.json-body", result=_body(lambda d: d[:-2])
    ),
    defect(
        "http.json-body/two-documents",
        HTTP,
        "the body is two JSON documents",
        "http.json-body",
        result=_body(lambda data: data + b"\n" + data),
    ),
    defect("http.json-body/latin-1", HTTP, "the body is not UTF-8", "http.json-body", result=_body(_latin)),
    defect(
        "http.json-body/html",
        HTTP,
        "a page is sent in place of the answer, as JSON",
        "http.json-body",
        result=_body(lambda data: b"<html><body>It works!</body></html>"),
    ),
    defect(
        "http.json-content-type/html",
        HTTP,
        "JSON is sent as text/html",
        "http.json-content-type",
        "*/must/headers/*",
        result=_page,
    ),
    defect(
        "http.no-server-error/html-502",
        HTTP,
        "now and then a gateway's 502 page",
        "http.no-server-error",
        STATUS,
        before=_gateway,
    ),
    defect(
        "sse.content-type/json",
        SSE,
        "a stream of events is sent as application/json",
        "sse.content-type",
        "http.json-body",
        headers=_streamed_as("application/json"),
    ),
    defect(
        "sse.content-type/octets",
        SSE,
        "a stream of events is sent as application/octet-stream",
        "sse.content-type",
        headers=_streamed_as("application/octet-stream"),
    ),
    defect("sse.utf8/data", SSE, "Latin-1 in the data of a stream", "sse.utf8", events=framing(_stream_latin)),
    defect("sse.data-is-json/repr", SSE, "a chunk is not JSON but Python", "sse.data-is-json", events=framing(_repr)),
    defect(
        "sse.data-is-json/lower-case-sentinel",
        SSE,
        "the sentinel is written [done]",
        "sse.data-is-json",
        events=framing(lambda pieces: [*pieces[:-1], b"data: [done]\n\n"]),
    ),
    defect(
        "stream.nothing-after-done/twice",
        SSE,
        "[DONE] comes twice",
        "stream.nothing-after-done",
        events=framing(lambda pieces: [*pieces, pieces[-1]]),
    ),
    defect(
        "stream.done-sentinel/ends-early",
        "chat streaming",
        "a stream ends in the middle, without a terminal chunk or [DONE]",
        "stream.done-sentinel",
        "stream.one-terminal",
        chunks=all_chunks(_ended_early),
        events=framing(lambda pieces: pieces[:-1]),
    ),
    defect(
        "headers.request-id/absent",
        "headers",
        "answers have no x-request-id",
        "*/should/headers/x-request-id",
        level="SHOULD",
        headers=_no_request_id,
    ),
    defect(
        "errors.status/422",
        "errors",
        "validation errors are 422",
        "*/should/status",
        level="SHOULD",
        error=_unprocessable,
    ),
)
