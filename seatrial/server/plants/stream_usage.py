"""Defects of usage in streams, and of streamed legacy completions."""

from __future__ import annotations

import secrets

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    COMPLETIONS,
    all_chunks,
    defect,
    each_chunk,
    ignoring,
)


def _other_prompt_count(body: Json, chunks: list[Json]) -> list[Json]:
    usage = chunks[-1].get("usage")
    if isinstance(usage, dict):
        usage["prompt_tokens"] += 7
        usage["total_tokens"] += 7
    return chunks


PLANTS = (
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
)
