"""Legal variants of answers, headers and of what a model says."""

from __future__ import annotations

import random
import secrets
from collections.abc import Iterable, Iterator
from typing import Any

from seatrial.server.language import WORDS
from seatrial.server.plant import Json, Piece
from seatrial.server.plants.shape import (
    CHAT,
    COMPLETIONS,
    all_chunks,
    choices,
    each_chunk,
    result,
    result_of,
    variant,
)


def _extra(value: Any) -> Any:
    """Every object of an answer gets a member that nobody asked for."""
    if isinstance(value, dict):
        # Metadata and attributes are the user's own: what is added to them is no member, but another pair.
        own = ("metadata", "attributes")
        inner = {name: item if name in own else _extra(item) for name, item in value.items()}
        if value and all(isinstance(item, float) and item <= 0 for item in value.values()):
            return value  # A table of tokens and their log probabilities.
        return {**inner, "x_extra": {"note": [1, None, "more"]}}
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


def _one_word(asked: str, text: str) -> str:
    return "Yes" if text[:1] != " " else " Yes"


def _own_mind(asked: str, text: str) -> str:
    return " I would rather speak of the sea, where nobody counts and nothing is repeated twice."


def _never_the_same(asked: str, text: str) -> str:
    return " " + " ".join(random.SystemRandom().choice(WORDS) for _ in range(40)) + "."


_DATED = "-2026-01-01"


def _alias(made: Json) -> None:
    if isinstance(made.get("model"), str):
        # A completion that was stored has it already.
        made["model"] = made["model"].removesuffix(_DATED) + _DATED


def _other_ids(made: Json) -> None:
    for one in (made, *(row for row in made.get("data", ()) if isinstance(row, dict))):
        for name in ("id", "first_id", "last_id"):
            if str(one.get(name, "")).startswith(("chatcmpl-", "cmpl-")):
                one[name] = one[name].partition("-")[2]


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


PLANTS = (
    variant(
        "model-alias",
        "answers name the version of the model",
        result=result(_alias),
        chunks=each_chunk(lambda at, c: _alias(c)),
    ),
    variant("extra-members", "every object has members that are not documented", **_remade(_extra)),
    variant("shuffled-members", "members come in another order", **_remade(_shuffled)),
    variant("content-empty", "content is empty, not null, beside tool calls", result=result(_empty_content, CHAT)),
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
    variant(
        "reasoning-content",
        "messages and deltas have reasoning_content",
        result=result(choices(_reasoning), CHAT),
        chunks=each_chunk(lambda at, c: [_reasoning(x) for x in c["choices"]], CHAT),
    ),
    variant("error-code-null", "error.code is null", error=_plain_error),
    variant(
        "ids-with-slashes-and-colons",
        "model ids have slashes and colons",
        models=lambda models: {f"org/{name}:latest": row for name, row in models.items()},
    ),
    variant(
        "other-id-prefixes",
        "ids have no prefix",
        result=result(_other_ids),
        chunks=each_chunk(lambda at, c: _other_ids(c)),
    ),
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
