"""Defects of deltas: roles, text, stop sequences."""

from __future__ import annotations

import json

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    all_chunks,
    content_in_terminal,
    defect,
    each_chunk,
    result_of,
    text_piece,
)


def _broken_characters(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        holder, name = (choice["delta"], "content") if "delta" in choice else (choice, "text")
        if isinstance(holder.get(name), str):
            holder[name] = "".join(c if c.isascii() else "\ufffd" * 2 for c in holder[name])


def _stop_leaks(body: Json, chunks: list[Json]) -> list[Json]:
    """The token that holds the stop sequence was sent already."""
    stop = body.get("stop")
    word = stop if isinstance(stop, str) else (stop or [""])[0]
    for chunk in chunks if word else []:
        for choice in chunk["choices"]:
            if choice["finish_reason"] == "stop":
                return [*chunks[: chunks.index(chunk)], _piece(chunk, word), *chunks[chunks.index(chunk) :]]
    return chunks


def _piece(like: Json, text: str) -> Json:
    made: Json = json.loads(json.dumps(like))
    for choice in made["choices"]:
        choice["finish_reason"] = None
        if "delta" in choice:
            choice["delta"] = {"content": text}
        else:
            choice["text"] = text
    return made


def _role_everywhere(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        choice["delta"]["role"] = "assistant"


def _no_role(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        choice["delta"].pop("role", None)


def _no_first_content(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        if "role" in choice["delta"]:
            choice["delta"].pop("content", None)


def _wrong_text(body: Json, chunks: list[Json]) -> list[Json]:
    """Two pieces change places."""
    texts = [c for c in chunks if text_piece(c)]
    if len(texts) > 3:
        a, b = chunks.index(texts[1]), chunks.index(texts[2])
        chunks[a], chunks[b] = chunks[b], chunks[a]
    return chunks


def _half_left(body: Json, made: Json) -> None:
    stops = body.get("stop")
    for choice in made["choices"]:
        if isinstance(stops, str) and choice["finish_reason"] == "stop":
            choice["message"]["content"] += stops[: len(stops) // 2]


def _held_back(body: Json, chunks: list[Json]) -> list[Json]:
    """What might have been the beginning of a stop sequence is not sent when the answer ends."""
    stops = body.get("stop")
    texts = [c for c in chunks if text_piece(c)]
    if isinstance(stops, str) and texts and body.get("n", 1) == 1:
        whole = "".join(text_piece(c) for c in texts)
        held = next((n for n in range(len(stops) - 1, 0, -1) if whole.endswith(stops[:n])), 0)
        return _without_end(chunks, held)
    return chunks


def _without_end(chunks: list[Json], held: int) -> list[Json]:
    for chunk in reversed(chunks):
        delta = chunk["choices"][0]["delta"] if chunk["choices"] else {}
        text = delta.get("content")
        if held and text:
            delta["content"] = text[: max(0, len(text) - held)]
            held -= len(text) - len(delta["content"])
    return chunks


def _as_letters(at: str, body: Json) -> Json:
    stop = body.get("stop")
    return {**body, "stop": list(dict.fromkeys(stop))[:4]} if isinstance(stop, str) and stop and at == CHAT else body


PLANTS = (
    defect(
        "stop.cut-clean/letters",
        "chat",
        "a stop sequence given as a string is taken for a list of letters",
        "stop.cut-clean",
        level="SHOULD",
        body=_as_letters,
    ),
    defect(
        "stop.cut-clean/half-left",
        "chat",
        "the first half of a stop sequence stays at the end of the text",
        "stop.cut-clean",
        "stream.equals-plain",
        level="SHOULD",
        result=result_of(_half_left, CHAT),
    ),
    defect(
        "stream.equals-plain/held-back",
        "chat streaming",
        "what was held back for a stop sequence that did not come is lost",
        "stream.equals-plain",
        chunks=all_chunks(_held_back, CHAT),
    ),
    defect(
        "NC-CSTR-01",
        "chat streaming",
        "role is repeated in every delta",
        "stream.role-once",
        level="SHOULD",
        source="mudler/LocalAI#340",
        chunks=each_chunk(_role_everywhere, CHAT),
    ),
    defect(
        "NC-CSTR-03",
        "chat streaming",
        "the first delta has a role but no content",
        "stream.first-delta-content",
        level="SHOULD",
        source="xorbitsai/inference#1113",
        chunks=each_chunk(_no_first_content, CHAT),
    ),
    defect(
        "NC-CSTR-21",
        "chat streaming",
        "finish_reason comes with the last content",
        "stream.terminal-delta-empty",
        level="MAY",
        source="vllm-project/vllm-ascend#8327",
        chunks=all_chunks(content_in_terminal, CHAT),
    ),
    defect(
        "NC-CSTR-23",
        "chat streaming",
        "the stop sequence was already streamed",
        "stop.excluded",
        "stream.equals-plain",
        source="mzau/mlx-knife#68",
        chunks=all_chunks(_stop_leaks),
    ),
    defect(
        "NC-CSTR-25",
        "chat streaming",
        "characters of several bytes become U+FFFD",
        "stream.text-intact",
        "stream.equals-plain",
        "*/structured.*",
        "*/stream/joined",
        "*/tools.*",
        "logprobs.concat",
        source="mattn/tensai#110",
        chunks=each_chunk(_broken_characters),
    ),
    defect(
        "stream.role-first/absent",
        "chat streaming",
        "no delta has a role",
        "stream.role-first",
        level="SHOULD",
        chunks=each_chunk(_no_role, CHAT),
    ),
    defect(
        "stream.equals-plain/pieces-swapped",
        "chat streaming",
        "two pieces of a stream change places",
        "stream.equals-plain",
        "logprobs.stream-equals-plain",
        "logprobs.concat",
        "structured.*",
        "*/structured.*",
        "tools.*",
        chunks=all_chunks(_wrong_text, CHAT),
    ),
)
