"""Legal variants: what a server may do, and no check may accuse."""

from __future__ import annotations

import itertools
import json
import random
import secrets
from collections.abc import Iterable, Iterator
from contextvars import ContextVar
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.app import compressed
from seatrial.server.language import _WORDS
from seatrial.server.plant import Json, Piece
from seatrial.server.plants.refusals import _error, _if, _seventh
from seatrial.server.plants.shape import (
    CHAT,
    COMPLETIONS,
    all_chunks,
    choices,
    each_chunk,
    every,
    framing,
    result,
    result_of,
    text_piece,
    variant,
)


def _extra(value: Any) -> Any:
    """Every object of an answer gets a member that nobody asked for."""
    if isinstance(value, dict):
        return {**{name: _extra(item) for name, item in value.items()}, "x_extra": {"note": [1, None, "more"]}}
    return [_extra(item) for item in value] if isinstance(value, list) else value


def _shuffled(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _shuffled(value[name]) for name in sorted(value, key=lambda n: n[::-1])}
    return [_shuffled(item) for item in value] if isinstance(value, list) else value


def _remade(change: Any) -> dict[str, Any]:
    """Applies a change to plain bodies and to chunks."""

    def chunks(route: str, body: Json, rows: Iterator[Json]) -> Iterator[Json]:
        for row in rows:
            yield change(row)

    return {"result": lambda route, body, made: change(made), "chunks": chunks}


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


def _terminal_content(body: Json, chunks: list[Json]) -> list[Json]:
    from seatrial.server.plants.stream import _terminal_content as moved

    return moved(body, chunks)


def _role_twice(body: Json, chunks: list[Json]) -> list[Json]:
    again = 0
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["delta"].get("content") and again < 2:
                choice["delta"]["role"] = "assistant"
                again += 1
    return chunks


def _multi_line(piece: bytes) -> bytes:
    data = piece[6:-2]
    if data == b"[DONE]":
        return piece
    lines = json.dumps(json.loads(data), indent=1, ensure_ascii=False).splitlines()
    return b"".join(b"data: " + line.encode() + b"\n" for line in lines) + b"\n"


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
        and headers.get("content-type", "").startswith(("application/json", "text/event-stream"))
    ):
        headers["content-encoding"] = "gzip"


def _one_word(asked: str, text: str) -> str:
    return "Yes" if text[:1] != " " else " Yes"


def _own_mind(asked: str, text: str) -> str:
    return " I would rather speak of the sea, where nobody counts and nothing is repeated twice."


def _never_the_same(asked: str, text: str) -> str:
    return " " + " ".join(random.SystemRandom().choice(_WORDS) for _ in range(40)) + "."


def _alias(made: Json) -> None:
    if "model" in made:
        made["model"] = made["model"] + "-2026-01-01"


def _other_ids(made: Json) -> None:
    if str(made.get("id", "")).startswith(("chatcmpl-", "cmpl-")):
        made["id"] = made["id"].partition("-")[2]


def _nulls(made: Json) -> None:
    for choice in made.get("choices", ()):
        if "message" in choice:
            choice["message"] |= {
                "tool_calls": choice["message"].get("tool_calls"),
                "function_call": None,
                "audio": None,
                "annotations": None,
            }
            choice["message"] |= {"reasoning_content": None, "reasoning": None}
        choice["stop_reason"] = None
    made |= {"system_fingerprint": None, "prompt_logprobs": None, "kv_transfer_params": None}


def _null_details(made: Json) -> None:
    if made.get("usage"):
        made["usage"] |= {"prompt_tokens_details": None, "completion_tokens_details": None}


def _no_details(made: Json) -> None:
    made.pop("system_fingerprint", None)
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        (made.get("usage") or {}).pop(name, None)


def _empty_content(made: Json) -> None:
    for choice in made.get("choices", ()):
        if choice.get("message", {}).get("content", 0) is None:
            choice["message"]["content"] = ""


def _reasoning(choice: Json) -> Any:
    holder = choice.get("message", choice.get("delta"))
    if isinstance(holder, dict):
        holder["reasoning_content"] = "The user wants something."


def _no_refusal_delta(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        choice.get("delta", {}).pop("refusal", None)


def _null_delta_content(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        if "role" in choice.get("delta", {}):
            choice["delta"]["content"] = None


def _tool_finish(made: Json) -> None:
    for choice in made.get("choices", ()):
        if choice.get("message", {}).get("tool_calls") and choice["finish_reason"] == "stop":
            choice["finish_reason"] = "tool_calls"


def _tool_finish_stream(body: Json, chunks: list[Json]) -> list[Json]:
    called = {x["index"] for c in chunks for x in c["choices"] if x.get("delta", {}).get("tool_calls")}
    for chunk in chunks:
        for choice in chunk["choices"]:
            if choice["finish_reason"] == "stop" and choice["index"] in called:
                choice["finish_reason"] = "tool_calls"
    return chunks


def _absent_route(status: int, path: str) -> Any:
    def before(request: Request, body: bytes) -> Response | None:
        if request.url.path == "/v1" + path:
            return _error(status, f"{path} is not offered here.", None, "unsupported")
        return None

    return before


def _refuses(name: str, *inner: str) -> Any:
    """A 400 that names the parameter wherever it is sent with a value."""

    def refused(found: Json) -> bool:
        value = found.get(name)
        if inner:
            value = next((value.get(key) for key in inner if isinstance(value, dict)), None)
        # What is said at its default is not asked for.
        return value not in (None, False, 1, {"type": "text"})

    return _if(
        refused,
        lambda found: _error(
            400, f"Unsupported parameter: '{name}' is not supported with this model.", name, "unsupported_parameter"
        ),
    )


def _refuses_images(request: Request, body: bytes) -> Response | None:
    if b'"image_url"' in body:
        return _error(400, "This model does not support image input: image_url.", "messages", "invalid_content_type")
    return None


def _refuses_type(kind: str) -> Any:
    def refused(found: Json) -> bool:
        wanted = found.get("response_format")
        return isinstance(wanted, dict) and wanted.get("type") == kind

    return _if(
        refused,
        lambda found: _error(
            400, f"response_format type {kind} is not supported.", "response_format", "unsupported_parameter"
        ),
    )


def _unprocessable(route: str, status: int, envelope: Json) -> tuple[int, Any]:
    return (422, envelope) if status == 400 else (status, envelope)


def _plain_error(route: str, status: int, envelope: Json) -> tuple[int, Any]:
    error = envelope["error"]
    named = (
        error["code"] if error["code"] in ("invalid_api_key", "model_not_found", "context_length_exceeded") else None
    )
    return status, {"error": {**error, "code": named, "param": error["param"] if status == 400 else None}}


def _keepalive(route: str, data: bytes) -> Iterable[Piece]:
    return [b"\n", 0.01, b" \r\n", 0.01, data] if route in (CHAT, COMPLETIONS) else [data]


def _chunked(route: str, data: bytes) -> Iterable[Piece]:
    return [data[at : at + 11] for at in range(0, len(data), 11)]


def _close(status: int, headers: dict[str, str]) -> None:
    headers["connection"] = "close"


def _charset(status: int, headers: dict[str, str]) -> None:
    for media in ("application/json", "text/event-stream"):
        if headers.get("content-type") == media:
            headers["content-type"] = media + "; charset=utf-8"


def _busy() -> Any:
    counter = itertools.count(1)

    def before(request: Request, body: bytes) -> Response | None:
        if request.method == "POST" and next(counter) % 40 == 0:
            made = _error(503, "The engine is overloaded.", None, "overloaded")
            made.headers["retry-after"] = "0"
            return made
        return None

    return before


def _ids_everywhere(pieces: list[bytes]) -> Iterable[Piece]:
    return [b"id: " + str(at).encode() + b"\n" + piece for at, piece in enumerate(pieces)]


PLANTS = (
    variant("crlf", "lines of a stream end with CR LF", events=every(lambda p: p.replace(b"\n", b"\r\n"))),
    variant("bare-cr", "lines of a stream end with CR", events=every(lambda p: p.replace(b"\n", b"\r"))),
    variant("no-space", "no space after data:", events=every(lambda p: p.replace(b"data: ", b"data:", 1))),
    variant(
        "comments",
        "comments before, between and after events",
        events=framing(lambda ps: [b": hello\n\n", *(p for q in ps for p in (q, b": ping\n\n")), b":\n\n"]),
    ),
    variant("id-field", "events have ids", events=framing(_ids_everywhere)),
    variant("event-message", "events are named message, the default", events=every(lambda p: b"event: message\n" + p)),
    variant("retry-field", "the stream begins with retry:", events=framing(lambda ps: [b"retry: 3000\n\n", *ps])),
    variant("multi-line-data", "data runs over several lines", events=every(_multi_line)),
    variant("split-bytes", "events are split at any byte, also inside a character", events=framing(_split)),
    variant("one-write", "all events come in one write", events=framing(lambda ps: [b"".join(ps)])),
    variant("gzip", "answers are compressed", before=_note_gzip, events=_gzip, wire=_gzip_plain, headers=_gzip_header),
    variant("extra-members", "every object has members that are not documented", **_remade(_extra)),
    variant("shuffled-members", "members come in another order", **_remade(_shuffled)),
    variant("filter-chunk", "the first chunk has no choices", chunks=all_chunks(_filter_chunk)),
    variant(
        "usage-absent",
        "chunks before the last have no usage",
        chunks=each_chunk(lambda at, c: c.pop("usage") if c.get("usage", 0) is None else None),
    ),
    variant("usage-null", "chunks have usage null", chunks=each_chunk(lambda at, c: c.setdefault("usage", None))),
    variant("role-repeated", "the role is said again in the first deltas", chunks=all_chunks(_role_twice, CHAT)),
    variant("terminal-content", "the terminal chunk carries content", chunks=all_chunks(_terminal_content)),
    variant("several-tokens", "several tokens come in one chunk", chunks=all_chunks(_several)),
    variant("content-empty", "content is empty, not null, beside tool calls", result=result(_empty_content, CHAT)),
    variant("delta-content-null", "the first delta has content null", chunks=each_chunk(_null_delta_content, CHAT)),
    variant("nulls", "optional members are null", result=result(_nulls, CHAT, COMPLETIONS)),
    variant(
        "null-details",
        "the details of usage are null",
        result=result(_null_details),
        chunks=each_chunk(lambda at, c: _null_details(c)),
    ),
    variant(
        "bare",
        "optional members are absent",
        result=result(_no_details, CHAT),
        chunks=each_chunk(lambda at, c: _no_details(c)),
    ),
    variant("no-refusal-delta", "deltas have no refusal", chunks=each_chunk(_no_refusal_delta, CHAT)),
    variant(
        "reasoning-content",
        "messages and deltas have reasoning_content",
        result=result(choices(_reasoning), CHAT),
        chunks=each_chunk(lambda at, c: [_reasoning(x) for x in c["choices"]], CHAT),
    ),
    variant("error-code-null", "error.code is null", error=_plain_error),
    variant("status-422", "validation errors are 422 (a SHOULD only)", error=lambda route, status, e: (status, e)),
    variant("no-completions-404", "legacy completions are not offered: 404", before=_absent_route(404, COMPLETIONS)),
    variant("no-completions-405", "legacy completions are not offered: 405", before=_absent_route(405, COMPLETIONS)),
    variant("no-embeddings-501", "embeddings are not offered: 501", before=_absent_route(501, "/embeddings")),
    *(
        variant(f"refuses-{name.replace('_', '-')}", f"{name} is refused by name", before=_refuses(name))
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
    variant("refuses-images", "images are refused by name", before=_refuses_images),
    variant("refuses-json-schema", "json_schema is refused by name", before=_refuses_type("json_schema")),
    variant(
        "model-alias",
        "answers name the version of the model",
        result=result(_alias),
        chunks=each_chunk(lambda at, c: _alias(c)),
    ),
    variant("ids-with-slashes-and-colons", "model ids have slashes and colons"),
    variant(
        "other-id-prefixes",
        "ids have no prefix",
        result=result(_other_ids),
        chunks=each_chunk(lambda at, c: _other_ids(c)),
    ),
    variant("occasional-429", "every seventh request is told to come back", before=_seventh(True)),
    variant("occasional-503", "now and then the engine is busy", before=_busy()),
    variant("one-word", "the model answers in one word", text=_one_word),
    variant("own-mind", "the model follows no instruction", text=_own_mind),
    variant("nondeterministic", "the model answers differently each time, also at temperature 0", text=_never_the_same),
    variant("keepalive-space", "white space is sent while the answer is made", wire=_keepalive),
    variant("chunked", "plain bodies come in many pieces", wire=_chunked),
    variant("closes-connections", "every answer closes its connection", headers=_close),
    variant("charset", "media types name their charset", headers=_charset),
    variant(
        "named-finish-tool-calls",
        "finish_reason of a named call is tool_calls",
        result=result(_tool_finish, CHAT),
        chunks=all_chunks(_tool_finish_stream, CHAT),
    ),
    variant("trailing-comment", "a comment comes after [DONE]", events=framing(lambda ps: [*ps, b": bye\n\n"])),
    variant(
        "call-ids",
        "ids of calls have another form",
        result=result_of(
            lambda body, made: [
                call.update(id=secrets.token_hex(4))
                for c in made["choices"]
                for call in c["message"].get("tool_calls") or ()
            ],
            CHAT,
        ),
    ),
)
