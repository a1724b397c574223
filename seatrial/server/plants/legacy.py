"""Defects of legacy completions."""

from __future__ import annotations

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    COMPLETIONS,
    choices,
    defect,
    ignoring,
    result,
    result_of,
    without,
)


def _best_of(body: Json, made: Json) -> None:
    best, n = body.get("best_of") or 1, body.get("n") or 1
    if best > n:
        usage = made["usage"]
        usage["completion_tokens"] = usage["completion_tokens"] * n // best
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]


def _zero_is_none(at: str, body: Json) -> Json:
    return {k: v for k, v in body.items() if k != "logprobs" or v or at != COMPLETIONS}


def _echoed_once(body: Json, made: Json) -> None:
    prompt = body.get("prompt")
    for choice in made["choices"][1:] if body.get("echo") and isinstance(prompt, str) else ():
        choice["text"] = choice["text"].removeprefix(prompt)


PLANTS = (
    defect(
        "completions.logprobs-zero/none",
        "completions",
        "logprobs 0 is read as none",
        "completions.logprobs-zero",
        level="SHOULD",
        body=_zero_is_none,
    ),
    defect(
        "completions.echo/first-choice",
        "completions",
        "the first choice alone begins with the prompt",
        "completions.echo",
        result=result_of(_echoed_once, COMPLETIONS),
    ),
    defect(
        "ignores.n",
        "completions",
        "n is ignored",
        "chat.choice-count",
        "stream.choice-indices",
        "*/must/*",
        "completions.*/must/body",
        body=ignoring("n", route=COMPLETIONS),
    ),
    defect(
        "NC-COMP-01",
        "completions",
        "logprobs is left null",
        "completions.logprobs",
        source="ggml-org/llama.cpp#11346",
        body=ignoring("logprobs", route=COMPLETIONS),
    ),
    defect(
        "completions.logprobs/offsets",
        "completions",
        "text_offset is too short",
        "completions.logprobs",
        result=result(
            choices(
                lambda c: (
                    c["logprobs"]["text_offset"].pop() if c.get("logprobs") and c["logprobs"]["text_offset"] else None
                )
            ),
            COMPLETIONS,
        ),
    ),
    defect(
        "NC-COMP-03",
        "completions",
        "echo is ignored",
        "completions.echo",
        "*/must/*",
        source="raullenchai/Rapid-MLX#461",
        body=ignoring("echo", route=COMPLETIONS),
    ),
    defect(
        "NC-COMP-05",
        "completions",
        "best_of is accepted and ignored",
        "completions.best-of-counted",
        level="SHOULD",
        source="raullenchai/Rapid-MLX#733",
        result=result_of(_best_of, COMPLETIONS),
    ),
    defect(
        "completions.id-prefix/chat",
        "completions",
        "ids begin with chatcmpl-",
        "completions.id-prefix",
        level="MAY",
        result=result(lambda m: m.update(id="chat" + m["id"]), COMPLETIONS),
    ),
    defect(
        "NC-COMP-11",
        "completions",
        "finish_reason and logprobs are absent",
        "wire.body-schema",
        "stream.equals-plain",
        "completions.logprobs",
        source="huggingface/text-generation-inference#2211",
        result=result(choices(without("finish_reason", "logprobs")), COMPLETIONS),
    ),
)
