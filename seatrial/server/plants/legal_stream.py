"""Legal variants of streams: framing, chunks, deltas."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextvars import ContextVar

from starlette.requests import Request

from seatrial.server.app import compressed
from seatrial.server.plant import Json, Piece
from seatrial.server.plants.shape import (
    CHAT,
    all_chunks,
    content_in_terminal,
    data_of,
    each_chunk,
    every,
    framing,
    text_piece,
    variant,
)


def _filter_chunk(body: Json, chunks: list[Json]) -> list[Json]:
    first = {**chunks[0], "choices": [], "prompt_filter_results": [{"prompt_index": 0}]}
    return [first, *chunks]


def _several(body: Json, chunks: list[Json]) -> list[Json]:
    """Two pieces of a text come in one chunk."""
    if any(len(c["choices"]) != 1 or c["choices"][0]["index"] for c in chunks if c["choices"]):
        return chunks
    made: list[Json] = []
    for chunk in chunks:
        before = made[-1] if made else None
        if before and text_piece(before) and text_piece(chunk) and not before.get("_full"):
            one, two = before["choices"][0], chunk["choices"][0]
            if "delta" in one:
                one["delta"]["content"] += two["delta"]["content"]
            else:
                one["text"] += two["text"]
            if one.get("logprobs") and two.get("logprobs"):
                one["logprobs"] = {
                    name: rows + two["logprobs"][name] if isinstance(rows, list) else rows
                    for name, rows in one["logprobs"].items()
                }
            before["_full"] = True
        else:
            made.append(chunk)
    for chunk in made:
        chunk.pop("_full", None)
    return made


def _role_twice(body: Json, chunks: list[Json]) -> list[Json]:
    again = 0
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["delta"].get("content") and again < 2:
                choice["delta"]["role"] = "assistant"
                again += 1
    return chunks


def _multi_line(piece: bytes) -> bytes:
    head, data = data_of(piece)
    if not data:
        return piece
    lines = json.dumps(json.loads(data), indent=1, ensure_ascii=False).split("\n")
    return head + b"".join(b"data: " + line.encode() + b"\n" for line in lines) + b"\n"


def _split(pieces: list[bytes]) -> Iterable[Piece]:
    whole = b"".join(pieces)
    if len(whole) > 4000:
        # Far apart in long streams, but always once inside each piece.
        yield from (whole[at : at + 37] for at in range(0, len(whole), 37))
    else:
        yield from (whole[at : at + 1] for at in range(len(whole)))


_TAKES_GZIP: ContextVar[bool] = ContextVar("takes_gzip", default=False)


def _note_gzip(request: Request, body: bytes) -> None:
    _TAKES_GZIP.set("gzip" in request.headers.get("accept-encoding", ""))


def _gzip(route: str, body: Json, pieces: Iterator[Piece]) -> Iterable[Piece]:
    return compressed(pieces) if _TAKES_GZIP.get() else pieces


def _gzip_plain(route: str, data: bytes) -> Iterable[Piece]:
    return compressed([data]) if _TAKES_GZIP.get() else [data]


def _gzip_header(status: int, headers: dict[str, str]) -> None:
    if (
        _TAKES_GZIP.get()
        and status == 200
        and headers.get("content-type", "").lower().startswith(("application/json", "text/event-stream"))
    ):
        headers["content-encoding"] = "gzip"


def _no_refusal_delta(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        delta = choice.get("delta", {})
        if not delta.get("refusal"):
            delta.pop("refusal", None)


def _null_delta_content(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        if "role" in choice.get("delta", {}):
            choice["delta"]["content"] = None


def _ids_everywhere(pieces: list[bytes]) -> Iterable[Piece]:
    return [b"id: " + str(at).encode() + b"\n" + piece for at, piece in enumerate(pieces)]


PLANTS = (
    variant("crlf", "lines of a stream end with CR LF", events=every(lambda p: p.replace(b"\n", b"\r\n")), stage=1),
    variant("bare-cr", "lines of a stream end with CR", events=every(lambda p: p.replace(b"\n", b"\r")), stage=1),
    variant("no-space", "no space after data:", events=every(lambda p: p.replace(b"data: ", b"data:", 1))),
    variant(
        "comments",
        "comments before, between and after events",
        events=framing(
            lambda ps: [b": hello\n\n", *(p for q in ps for p in (q, b": ping\n\n")), b":\n\n"], everywhere=True
        ),
    ),
    variant("id-field", "events have ids", events=framing(_ids_everywhere, everywhere=True)),
    variant("event-message", "events are named message, the default", events=every(lambda p: b"event: message\n" + p)),
    variant(
        "retry-field",
        "the stream begins with retry:",
        events=framing(lambda ps: [b"retry: 3000\n\n", *ps], everywhere=True),
    ),
    variant("multi-line-data", "data runs over several lines", events=every(_multi_line)),
    variant(
        "split-bytes",
        "events are split at any byte, also inside a character",
        events=framing(_split, everywhere=True),
        stage=2,
    ),
    variant(
        "one-write", "all events come in one write", events=framing(lambda ps: [b"".join(ps)], everywhere=True), stage=2
    ),
    variant(
        "gzip",
        "answers are compressed",
        before=_note_gzip,
        events=_gzip,
        wire=_gzip_plain,
        headers=_gzip_header,
        stage=3,
    ),
    variant("filter-chunk", "the first chunk has no choices", chunks=all_chunks(_filter_chunk)),
    variant(
        "usage-absent",
        "chunks before the last have no usage",
        chunks=each_chunk(lambda at, c: c.pop("usage") if c.get("usage", 0) is None else None),
    ),
    variant("usage-null", "chunks have usage null", chunks=each_chunk(lambda at, c: c.setdefault("usage", None))),
    variant("role-repeated", "the role is said again in the first deltas", chunks=all_chunks(_role_twice, CHAT)),
    variant("terminal-content", "the terminal chunk carries content", chunks=all_chunks(content_in_terminal)),
    variant("several-tokens", "several tokens come in one chunk", chunks=all_chunks(_several)),
    variant("delta-content-null", "the first delta has content null", chunks=each_chunk(_null_delta_content, CHAT)),
    variant("no-refusal-delta", "deltas have no refusal", chunks=each_chunk(_no_refusal_delta, CHAT)),
    variant(
        "trailing-comment",
        "a comment comes after [DONE]",
        events=framing(lambda ps: [*ps, b": bye\n\n"], everywhere=True),
    ),
)
