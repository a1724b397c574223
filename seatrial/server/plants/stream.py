"""Defects of streams: identity, ends, roles, usage."""

from __future__ import annotations

import json
import secrets
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    COMPLETIONS,
    all_chunks,
    defect,
    each_chunk,
    every,
    framing,
    ignoring,
    text_piece,
)

AREA = "chat streaming"


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


def _terminal_content(body: Json, chunks: list[Json]) -> list[Json]:
    made: list[Json] = []
    last: dict[int, Json] = {}
    for chunk in chunks:
        for choice in chunk["choices"]:
            before = last.get(choice["index"])
            if choice["finish_reason"] and before is not None and text_piece(before) and "delta" in choice:
                choice["delta"] = before["choices"][0]["delta"]
                choice["logprobs"] = before["choices"][0].get("logprobs")
                made.remove(before)
            last[choice["index"]] = chunk
        made.append(chunk)
    return made


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


def _broken_characters(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        holder, name = (choice["delta"], "content") if "delta" in choice else (choice, "text")
        if isinstance(holder.get(name), str):
            holder[name] = "".join(c if c.isascii() else "\ufffd" * 2 for c in holder[name])


def _as_json(route: str, body: Json, pieces: Any) -> Any:
    from starlette.responses import Response

    datas = [json.loads(p[6:]) for p in pieces if isinstance(p, bytes) and b"[DONE]" not in p]
    first = datas[0]
    text = "".join(text_piece(chunk) for chunk in datas)
    chat = route == CHAT
    choice: Json = {"index": 0, "finish_reason": "stop", "logprobs": None}
    choice |= {"message": {"role": "assistant", "content": text, "refusal": None}} if chat else {"text": text}
    usage = {"prompt_tokens": 9, "completion_tokens": 9, "total_tokens": 18}
    whole = {**first, "object": "chat.completion" if chat else "text_completion", "choices": [choice], "usage": usage}
    return Response(json.dumps(whole), 200, {}, "application/json")


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


def _second_choice_dropped(body: Json, chunks: list[Json]) -> list[Json]:
    return [c for c in chunks if not any(choice["index"] > 0 for choice in c["choices"])]


def _wrong_text(body: Json, chunks: list[Json]) -> list[Json]:
    """Two pieces change places."""
    texts = [c for c in chunks if text_piece(c)]
    if len(texts) > 3:
        a, b = chunks.index(texts[1]), chunks.index(texts[2])
        chunks[a], chunks[b] = chunks[b], chunks[a]
    return chunks


def _other_prompt_count(body: Json, chunks: list[Json]) -> list[Json]:
    usage = chunks[-1].get("usage")
    if isinstance(usage, dict):
        usage["prompt_tokens"] += 7
        usage["total_tokens"] += 7
    return chunks


def _error_event(body: Json, chunks: list[Json]) -> list[Json]:
    return [*chunks[:2], {"error": {"message": "worker died", "type": "server_error", "param": None, "code": None}}]


PLANTS = (
    defect(
        "NC-CSTR-01",
        AREA,
        "role is repeated in every delta",
        "stream.role-once",
        level="SHOULD",
        source="mudler/LocalAI#340",
        chunks=each_chunk(_role_everywhere, CHAT),
    ),
    defect(
        "NC-CSTR-03",
        AREA,
        "the first delta has a role but no content",
        "stream.first-delta-content",
        level="SHOULD",
        source="xorbitsai/inference#1113",
        chunks=each_chunk(_no_first_content, CHAT),
    ),
    defect(
        "NC-CSTR-05",
        AREA,
        "finish_reason is absent from chunks that are not the last",
        "wire.event-schema",
        source="vllm-project/vllm#19662",
        chunks=each_chunk(_no_finish_key),
    ),
    defect(
        "NC-CSTR-07",
        AREA,
        "finish_reason is null to the end",
        "stream.one-terminal",
        "stream.equals-plain",
        "stream.nothing-after-terminal",
        source="vllm-project/vllm#27572",
        chunks=all_chunks(_finish_null, CHAT),
    ),
    defect(
        "NC-CSTR-09",
        AREA,
        "two terminal chunks",
        "stream.one-terminal",
        "stream.equals-plain",
        source="raullenchai/Rapid-MLX#433",
        chunks=all_chunks(_second_terminal, CHAT),
    ),
    defect(
        "NC-CSTR-11",
        AREA,
        "the choice has index 1 for n=1",
        "stream.choice-indices",
        source="BerriAI/litellm#376",
        chunks=each_chunk(_index_one, CHAT),
    ),
    defect(
        "NC-CSTR-13",
        AREA,
        "each chunk has an id of its own",
        "stream.one-id",
        source="microsoft/foundry-local#144",
        chunks=each_chunk(lambda at, c: c.update(id=f"chat.id.{secrets.token_hex(4)}"), CHAT),
    ),
    defect(
        "NC-CSTR-15",
        AREA,
        "the id differs between the choices of a stream",
        "stream.one-id",
        source="sgl-project/sglang#39864",
        chunks=each_chunk(_id_by_choice),
    ),
    defect(
        "NC-CSTR-17",
        AREA,
        "the id is empty",
        "ids.non-empty",
        source="huggingface/text-generation-inference#1782",
        chunks=each_chunk(_set("id", ""), CHAT),
    ),
    defect(
        "NC-CSTR-19",
        AREA,
        "the first chunk lacks object",
        "wire.event-schema",
        source="acon96/home-llm#350",
        chunks=each_chunk(_late_pop),
    ),
    defect(
        "NC-CSTR-21",
        AREA,
        "finish_reason comes with the last content",
        "stream.terminal-delta-empty",
        level="MAY",
        source="vllm-project/vllm-ascend#8327",
        chunks=all_chunks(_terminal_content, CHAT),
    ),
    defect(
        "NC-CSTR-23",
        AREA,
        "the stop sequence was already streamed",
        "stop.excluded",
        "stream.equals-plain",
        source="mzau/mlx-knife#68",
        chunks=all_chunks(_stop_leaks),
    ),
    defect(
        "NC-CSTR-25",
        AREA,
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
        "NC-CSTR-27",
        AREA,
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
        AREA,
        "a stream is answered with one JSON body",
        "sse.content-type",
        source="Amm1rr/WebAI-to-API#57",
        events=_as_json,
    ),
    defect(
        "NC-SSE-01",
        "SSE framing",
        "no [DONE]",
        "stream.done-sentinel",
        source="ikawrakow/ik_llama.cpp#467",
        events=framing(lambda pieces: pieces[:-1]),
    ),
    defect(
        "NC-COMP-07",
        "completions",
        "ids differ from chunk to chunk, and begin with chatcmpl-",
        "stream.one-id",
        source="BerriAI/litellm#14429",
        chunks=each_chunk(lambda at, c: c.update(id=f"chatcmpl-{secrets.token_hex(4)}"), COMPLETIONS),
    ),
    defect(
        "NC-COMP-15",
        "completions",
        "the usage of a stream is all zero",
        "usage.non-zero",
        source="BerriAI/litellm#8349",
        chunks=each_chunk(
            lambda at, c: (
                c.update(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
                if c.get("usage")
                else None
            ),
            COMPLETIONS,
        ),
    ),
    defect(
        "NC-USE-01",
        "usage",
        "the usage chunk has no choices",
        "wire.event-schema",
        source="ROCm/ATOM#1711",
        chunks=each_chunk(lambda at, c: c.pop("choices") if c.get("usage") else None),
    ),
    defect(
        "NC-USE-03",
        "usage",
        "the usage chunk has choices",
        "stream.usage-choices-empty",
        source="BerriAI/litellm#28738",
        chunks=each_chunk(
            lambda at, c: (
                c.update(choices=[{"index": 0, "delta": {}, "text": "", "logprobs": None, "finish_reason": None}])
                if c.get("usage")
                else None
            )
        ),
    ),
    defect(
        "NC-USE-05",
        "usage",
        "every chunk carries a usage of zeros",
        "stream.usage-only-last",
        level="SHOULD",
        source="mudler/LocalAI#1744",
        chunks=each_chunk(
            lambda at, c: (
                c.update(usage={"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0})
                if c["choices"] and "usage" in c
                else None
            )
        ),
    ),
    defect(
        "NC-USE-09",
        "usage",
        "the streamed usage lacks total_tokens",
        "wire.event-schema",
        source="PaddlePaddle/FastDeploy#3247",
        chunks=each_chunk(lambda at, c: c["usage"].pop("total_tokens") if c.get("usage") else None),
    ),
    defect(
        "stream.nothing-after-done/late-chunk",
        AREA,
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
        AREA,
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
        AREA,
        "each chunk has a `created` of its own",
        "stream.one-created",
        chunks=each_chunk(lambda at, c: c.update(created=c["created"] + at)),
    ),
    defect(
        "stream.one-model/later-chunks",
        AREA,
        "later chunks name another model",
        "stream.one-model",
        level="SHOULD",
        chunks=each_chunk(_from(1, "model", "other-model")),
    ),
    defect(
        "stream.role-first/absent",
        AREA,
        "no delta has a role",
        "stream.role-first",
        level="SHOULD",
        chunks=each_chunk(_no_role, CHAT),
    ),
    defect(
        "stream.choice-indices/second-missing",
        AREA,
        "n is ignored in streams",
        "stream.choice-indices",
        chunks=all_chunks(_second_choice_dropped),
    ),
    defect(
        "stream.equals-plain/pieces-swapped",
        AREA,
        "two pieces of a stream change places",
        "stream.equals-plain",
        "logprobs.stream-equals-plain",
        "logprobs.concat",
        "structured.*",
        "*/structured.*",
        "tools.*",
        chunks=all_chunks(_wrong_text, CHAT),
    ),
    defect(
        "stream.equals-plain/finish-reason",
        AREA,
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
        "stream.prompt-tokens-equal-plain/more",
        "usage",
        "a stream counts a longer prompt",
        "stream.prompt-tokens-equal-plain",
        level="SHOULD",
        chunks=all_chunks(_other_prompt_count),
    ),
    defect(
        "stream.usage-chunk/ignored",
        "usage",
        "include_usage is ignored",
        "stream.usage-chunk",
        body=ignoring("stream_options"),
    ),
    defect(
        "stream.usage-unasked/always",
        "usage",
        "a usage chunk comes unasked",
        "stream.usage-unasked",
        level="MAY",
        body=lambda route, body: (
            {**body, "stream_options": {"include_usage": True}}
            if body.get("stream") is True and not body.get("stream_options")
            else body
        ),
    ),
    defect(
        "stream.no-error-event/midway",
        AREA,
        "an error comes as an event of a 200",
        "stream.no-error-event",
        chunks=all_chunks(_error_event),
    ),
    defect(
        "stream.done-sentinel/named",
        "SSE framing",
        "the sentinel is an event of another name and data",
        "stream.done-sentinel",
        events=framing(lambda pieces: [*pieces[:-1], b": done\n\n"]),
    ),
    defect(
        "NC-SSE-03",
        "SSE framing",
        "the connection stays open after [DONE]",
        "sse.closes",
        source="diegosouzapw/OmniRoute#6777",
        events=framing(lambda pieces: [*pieces, 20.0]),
    ),
    defect(
        "sse.closes/after-terminal",
        "SSE framing",
        "no [DONE], and the connection stays open",
        "sse.closes",
        "stream.done-sentinel",
        events=framing(lambda pieces: [*pieces[:-1], 20.0]),
    ),
    defect(
        "NC-SSE-05",
        "SSE framing",
        "events are glued: one line end between them",
        "sse.data-is-json",
        source="ggml-org/llama.cpp#14268",
        events=framing(
            lambda pieces: [b"".join(p[:-1] if i % 2 else p for i, p in enumerate(pieces[:-1], 1)) + b"\n" + pieces[-1]]
        ),
    ),
    defect(
        "NC-SSE-07",
        "SSE framing",
        "chunks are named events",
        "sse.unnamed-events",
        level="SHOULD",
        source="mudler/LocalAI#340",
        events=every(lambda piece: b"event: completion\n" + piece),
    ),
    defect(
        "NC-SSE-09",
        "SSE framing",
        "the body is cut in the middle of a line",
        "sse.last-event-terminated",
        "stream.done-sentinel",
        "stream.one-terminal",
        "stream.usage-chunk",
        "stream.equals-plain",
        "*/stream/*",
        "*/tools.*",
        "sse.data-is-json",
        "http.answered",
        source="bestruirui/octopus#73",
        events=framing(lambda pieces: [b"".join(pieces)[: len(b"".join(pieces)) * 2 // 3]]),
    ),
    defect(
        "sse.no-lost-lines/bare-json",
        "SSE framing",
        "a chunk comes without data:",
        "sse.no-lost-lines",
        events=framing(lambda pieces: [pieces[0], pieces[1].removeprefix(b"data: "), *pieces[1:]]),
    ),
    defect(
        "sse.utf8/latin-1",
        "SSE framing",
        "a comment in Latin-1",
        "sse.utf8",
        events=framing(lambda pieces: [b": caf\xe9\n\n", *pieces]),
    ),
    defect(
        "sse.data-is-json/two-in-one",
        "SSE framing",
        "two chunks in one data line",
        "sse.data-is-json",
        events=framing(lambda pieces: [pieces[0][:-2] + pieces[0].removeprefix(b"data: "), *pieces[1:]]),
    ),
    defect(
        "sse.last-event-terminated/no-blank-line",
        "SSE framing",
        "the last event has no blank line",
        "sse.last-event-terminated",
        "stream.done-sentinel",
        events=framing(lambda pieces: [*pieces[:-1], pieces[-1][:-1]]),
    ),
)
