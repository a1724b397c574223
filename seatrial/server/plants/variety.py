"""More legal variants: of writing, of chunking, of what is offered."""

from __future__ import annotations

import json
from collections.abc import Iterable

from seatrial.server.plant import Json, Piece, Plant
from seatrial.server.plants.calls import recalled
from seatrial.server.plants.legal_refusals import absent_route, refuses
from seatrial.server.plants.shape import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    all_chunks,
    choices,
    data_of,
    each_chunk,
    every,
    result,
    text_piece,
    variant,
)


def _escaped(piece: bytes) -> bytes:
    head, data = data_of(piece)
    return head + b"data: " + json.dumps(json.loads(data)).encode() + b"\n\n" if data else piece


def _pretty(route: str, data: bytes) -> Iterable[Piece]:
    if route.startswith("GET /files/") and route.endswith("/content"):
        return [data]  # the bytes of a file are its owner's
    return [json.dumps(json.loads(data), indent=4).encode() + b"\n"]


def _title_case(status: int, headers: dict[str, str]) -> None:
    for name in list(headers):
        headers[name.title()] = headers.pop(name)


def _together(body: Json, chunks: list[Json]) -> list[Json]:
    """Chunks of different choices that follow each other come as one."""
    made: list[Json] = []
    for chunk in chunks:
        before = made[-1] if made else None
        here = {choice["index"] for choice in chunk["choices"]}
        if before and here and before["choices"] and max(c["index"] for c in before["choices"]) < min(here):
            before["choices"] += chunk["choices"]
        else:
            made.append(chunk)
    return made


def _role_with_text(body: Json, chunks: list[Json]) -> list[Json]:
    """The role comes with the first text."""
    if any(choice["index"] for chunk in chunks for choice in chunk["choices"]):
        return chunks
    first = next((chunk for chunk in chunks if text_piece(chunk)), None)
    if first is None or first is not chunks[1]:
        return chunks
    delta = first["choices"][0]["delta"]
    first["choices"][0]["delta"] = {"role": "assistant", **delta}
    return chunks[1:]


def _idle(body: Json, chunks: list[Json]) -> list[Json]:
    """Chunks with an empty delta come in between, to keep the connection busy."""
    made: list[Json] = []
    for chunk in chunks:
        made.append(chunk)
        for choice in chunk["choices"]:
            if choice["delta"].get("content") and not choice["finish_reason"]:
                empty = {"index": choice["index"], "delta": {}, "logprobs": None, "finish_reason": None}
                made.append({**chunk, "choices": [empty]})
    return made


def _no_logprobs_key(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        if choice.get("logprobs", 0) is None:
            del choice["logprobs"]


def _no_bytes(choice: Json) -> None:
    for row in (choice.get("logprobs") or {}).get("content") or ():
        for entry in (row, *row["top_logprobs"]):
            entry["bytes"] = None


def _nulls_in_deltas(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        delta = choice["delta"]
        for name in ("tool_calls", "function_call", "refusal", "reasoning_content"):
            delta.setdefault(name, None)
    chunk |= {"system_fingerprint": None, "service_tier": None}


def _stop_reason(choice: Json) -> None:
    choice["stop_reason"] = None if choice["finish_reason"] != "stop" else 128009


def _first_has_index(body: Json, calls: list[Json]) -> list[Json]:
    return [{**call, "id": f"functions.{call['function']['name']}:{place}"} for place, call in enumerate(calls)]


PLANTS: tuple[Plant, ...] = (
    variant("escaped", "characters are escaped, and spaces put in", events=every(_escaped), wire=_pretty),
    variant("header-case", "header names are written with capitals", headers=_title_case, stage=4),
    variant("choices-together", "chunks carry several choices", chunks=all_chunks(_together)),
    variant("role-with-text", "the role comes with the first text", chunks=all_chunks(_role_with_text, CHAT)),
    variant("empty-deltas", "empty deltas come in between", chunks=all_chunks(_idle, CHAT)),
    variant(
        "no-logprobs-key", "chunks leave logprobs out where there are none", chunks=each_chunk(_no_logprobs_key, CHAT)
    ),
    variant(
        "logprobs-bytes-null",
        "log probabilities tell no bytes",
        result=result(choices(_no_bytes), CHAT),
        chunks=each_chunk(lambda at, chunk: choices(_no_bytes)(chunk), CHAT),
    ),
    variant("nulls-in-deltas", "optional members of deltas are null", chunks=each_chunk(_nulls_in_deltas, CHAT)),
    variant(
        "stop-reason",
        "choices have a stop_reason",
        result=result(choices(_stop_reason), CHAT, COMPLETIONS),
        chunks=each_chunk(lambda at, chunk: choices(_stop_reason)(chunk)),
    ),
    variant("call-ids-in-streams", "ids of streamed calls tell the function", chunks=recalled(_first_has_index)),
    variant("no-embeddings-405", "embeddings are not offered: 405", before=absent_route(405, EMBEDDINGS)),
    variant("no-completions-501", "legacy completions are not offered: 501", before=absent_route(501, COMPLETIONS)),
    *(
        variant(f"refuses-{name.replace('_', '-')}", f"{name} is refused by name", before=refuses(name))
        for name in ("top_logprobs", "frequency_penalty", "user", "safety_identifier", "modalities")
    ),
)
