"""Defects of streams: identity and ends."""

from __future__ import annotations

import json
import secrets
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    GENERATIONS,
    all_chunks,
    defect,
    each_chunk,
    framing,
    text_piece,
)


def _set(name: str, value: Any) -> Any:
    return lambda place, chunk: chunk.update({name: value})


def _from(place: int, name: str, value: Any) -> Any:
    return lambda at, chunk: chunk.update({name: value}) if at >= place else None


def _late_pop(place: int, chunk: Json) -> None:
    if place == 0:
        chunk.pop("object", None)


def _no_finish_key(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        if choice["finish_reason"] is None:
            del choice["finish_reason"]


def _finish_null(body: Json, chunks: list[Json]) -> list[Json]:
    for chunk in chunks:
        for choice in chunk["choices"]:
            choice["finish_reason"] = None
    return chunks


def _second_terminal(body: Json, chunks: list[Json]) -> list[Json]:
    made = []
    for chunk in chunks:
        made.append(chunk)
        if any(choice["finish_reason"] for choice in chunk["choices"]):
            twin = json.loads(json.dumps(chunk))
            for choice in twin["choices"]:
                choice["finish_reason"] = "stop"
            made.append(twin)
    return made


def _index_one(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        choice["index"] += 1


def _id_by_choice(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        if choice["index"] > 0:
            chunk["id"] = chunk["id"] + "-1"


def _repeat_after_terminal(body: Json, chunks: list[Json]) -> list[Json]:
    made: list[Json] = []
    for chunk in chunks:
        made.append(chunk)
        for choice in chunk["choices"]:
            if choice["finish_reason"] and not any(
                c["choices"] and "tool_calls" in c["choices"][0].get("delta", {}) for c in chunks
            ):
                late = {
                    **chunk,
                    "choices": [
                        {
                            **choice,
                            "finish_reason": None,
                            **({"delta": {"content": " "}} if "delta" in choice else {"text": " "}),
                        }
                    ],
                }
                made.append(late)
    return made


def _as_json(route: str, body: Json, pieces: Any) -> Any:
    from starlette.responses import Response

    if route not in GENERATIONS:
        return pieces
    datas = [json.loads(p[6:]) for p in pieces if isinstance(p, bytes) and b"[DONE]" not in p]
    first = datas[0]
    text = "".join(text_piece(chunk) for chunk in datas)
    chat = route == CHAT
    choice: Json = {"index": 0, "finish_reason": "stop", "logprobs": None}
    choice |= {"message": {"role": "assistant", "content": text, "refusal": None}} if chat else {"text": text}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    whole = {**first, "object": "chat.completion" if chat else "text_completion", "choices": [choice], "usage": usage}
    return Response(json.dumps(whole), 200, {}, "application/json")


def _second_choice_dropped(body: Json, chunks: list[Json]) -> list[Json]:
    return [c for c in chunks if not any(choice["index"] > 0 for choice in c["choices"])]


def _error_event(body: Json, chunks: list[Json]) -> list[Json]:
    return [*chunks[:2], {"error": {"message": "worker died", "type": "server_error", "param": None, "code": None}}]


PLANTS = (
    defect(
        "NC-CSTR-05",
        "chat streaming",
        "finish_reason is absent from chunks that are not the last",
        "wire.event-schema",
        source="vllm-project/vllm#19662",
        chunks=each_chunk(_no_finish_key),
    ),
    defect(
        "NC-CSTR-07",
        "chat streaming",
        "finish_reason is null to the end",
        "stream.one-terminal",
        "stream.equals-plain",
        "stream.nothing-after-terminal",
        source="vllm-project/vllm#27572",
        chunks=all_chunks(_finish_null, CHAT),
    ),
    defect(
        "NC-CSTR-09",
        "chat streaming",
        "two terminal chunks",
        "stream.one-terminal",
        "stream.equals-plain",
        "*/structured.schema-honoured",
        "structured.json-object",
        "tools.arguments-json",
        source="raullenchai/Rapid-MLX#433",
        chunks=all_chunks(_second_terminal, CHAT),
    ),
    defect(
        "NC-CSTR-11",
        "chat streaming",
        "the choice has index 1 for n=1",
        "stream.choice-indices",
        source="BerriAI/litellm#376",
        chunks=each_chunk(_index_one, CHAT),
    ),
    defect(
        "NC-CSTR-13",
        "chat streaming",
        "each chunk has an id of its own",
        "stream.one-id",
        source="microsoft/foundry-local#144",
        chunks=each_chunk(lambda at, c: c.update(id=f"chat.id.{secrets.token_hex(4)}"), CHAT),
    ),
    defect(
        "NC-CSTR-15",
        "chat streaming",
        "the id differs between the choices of a stream",
        "stream.one-id",
        source="sgl-project/sglang#39864",
        chunks=each_chunk(_id_by_choice),
    ),
    defect(
        "NC-CSTR-17",
        "chat streaming",
        "the id is empty",
        "ids.non-empty",
        source="huggingface/text-generation-inference#1782",
        chunks=each_chunk(_set("id", ""), CHAT),
    ),
    defect(
        "NC-CSTR-19",
        "chat streaming",
        "the first chunk lacks object",
        "wire.event-schema",
        source="acon96/home-llm#350",
        chunks=each_chunk(_late_pop),
    ),
    defect(
        "NC-CSTR-27",
        "chat streaming",
        "an upstream chunk without choices ends the stream",
        "stream.done-sentinel",
        "stream.one-terminal",
        "stream.usage-chunk",
        "stream.equals-plain",
        "*/stream/*",
        "*/tools.*",
        source="Portkey-AI/gateway#1629",
        chunks=all_chunks(lambda body, chunks: [c for c in chunks if c["choices"]][:2], CHAT),
        events=framing(lambda pieces: pieces[:-1]),
    ),
    defect(
        "NC-CSTR-29",
        "chat streaming",
        "a stream is answered with one JSON body",
        "sse.content-type",
        source="Amm1rr/WebAI-to-API#57",
        events=_as_json,
    ),
    defect(
        "stream.nothing-after-done/late-chunk",
        "chat streaming",
        "a chunk comes after [DONE]",
        "stream.nothing-after-done",
        "stream.nothing-after-terminal",
        "stream.equals-plain",
        "stream.usage-chunk",
        "stream.usage-only-last",
        "stream.role-once",
        events=framing(lambda pieces: [*pieces, pieces[0]]),
    ),
    defect(
        "stream.nothing-after-terminal/late-text",
        "chat streaming",
        "text comes after finish_reason",
        "stream.nothing-after-terminal",
        "stream.equals-plain",
        "structured.*",
        "*/structured.schema-honoured",
        "*/structured.json-object",
        "logprobs.concat",
        chunks=all_chunks(_repeat_after_terminal),
    ),
    defect(
        "stream.one-created/each-chunk",
        "chat streaming",
        "each chunk has a `created` of its own",
        "stream.one-created",
        chunks=each_chunk(lambda at, c: c.update(created=c["created"] + at)),
    ),
    defect(
        "stream.one-model/later-chunks",
        "chat streaming",
        "later chunks name another model",
        "stream.one-model",
        level="SHOULD",
        chunks=each_chunk(_from(1, "model", "other-model")),
    ),
    defect(
        "stream.choice-indices/second-missing",
        "chat streaming",
        "n is ignored in streams",
        "chat.choice-count",
        "stream.choice-indices",
        chunks=all_chunks(_second_choice_dropped),
    ),
    defect(
        "stream.equals-plain/finish-reason",
        "chat streaming",
        "a stream that was cut says stop",
        "stream.equals-plain",
        "tools.arguments-json",
        "structured.schema-honoured",
        "structured.json-object",
        chunks=each_chunk(
            lambda at, c: [x.update(finish_reason="stop") for x in c["choices"] if x["finish_reason"] == "length"]
        ),
    ),
    defect(
        "stream.no-error-event/midway",
        "chat streaming",
        "an error comes as an event of a 200",
        "stream.no-error-event",
        chunks=all_chunks(_error_event),
    ),
)
