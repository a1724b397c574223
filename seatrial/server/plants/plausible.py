"""Defects of figures that are well formed and cannot be true; and legal variants that look like them."""

from __future__ import annotations

import copy
import math
from collections.abc import Callable
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    COMPLETIONS,
    EMBEDDINGS,
    all_chunks,
    choices,
    defect,
    each_chunk,
    result,
    result_of,
    rows,
    variant,
)

BUILT = 1_677_652_288
"""A second of the year 2023."""


def _everywhere(change: Callable[[Json], Any], *routes: str) -> dict[str, Any]:
    return {"result": result(change, *routes), "chunks": each_chunk(lambda at, chunk: change(chunk), *routes)}


def _of_records(change: Callable[[Json], Any]) -> dict[str, Any]:
    """Changes each token's record of chat, plain and streamed."""

    def hook(choice: Json) -> None:
        for record in (choice.get("logprobs") or {}).get("content") or ():
            change(record)

    return _everywhere(choices(hook), CHAT)


def _of_lists(change: Callable[[Json], Any]) -> dict[str, Any]:
    """Changes the lists of each legacy choice that has log probabilities, plain and streamed."""

    def hook(choice: Json) -> None:
        if choice.get("logprobs"):
            change(choice["logprobs"])

    return _everywhere(choices(hook), COMPLETIONS)


def _stops(body: Json, made: Json) -> Json:
    for choice in made["choices"] if body.get("tool_choice", "auto") == "auto" else ():
        if choice["finish_reason"] == "tool_calls":
            choice["finish_reason"] = "stop"
    return made


def _required_stops(body: Json, made: Json) -> Json:
    for choice in made["choices"] if body.get("tool_choice") == "required" else ():
        if choice["finish_reason"] == "tool_calls":
            choice["finish_reason"] = "stop"
    return made


def _one_choice_counted(body: Json, made: Json) -> Json:
    usage, n = made.get("usage"), body.get("n") or 1
    if usage and n > 1:
        usage.update(completion_tokens=usage["completion_tokens"] // n, completion_tokens_details=None)
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]
    return made


def _both_ways(change: Callable[[Json, Json], Json], *routes: str) -> dict[str, Any]:
    return {
        "result": result_of(change, *routes),
        "chunks": all_chunks(lambda body, chunks: [change(body, chunk) for chunk in chunks], *routes),
    }


def _first_counted(body: Json, made: Json) -> None:
    texts = body["input"]
    if isinstance(texts, list) and isinstance(texts[0], str):
        count = max(1, made["usage"]["prompt_tokens"] // len(texts))
        made["usage"].update(prompt_tokens=count, total_tokens=count)


def _vectors(change: Callable[[list[float]], list[float]]) -> Any:
    """Changes the vectors that are lists of numbers."""
    floats = rows(lambda row: row.update(embedding=change(row["embedding"])))
    return result(lambda made: floats(made) if isinstance(made["data"][0]["embedding"], list) else None, EMBEDDINGS)


def _base_ten(record: Json) -> None:
    for entry in (record, *record["top_logprobs"]):
        entry["logprob"] /= math.log(10)


def _copied(record: Json) -> None:
    record["top_logprobs"] = [copy.deepcopy(record["top_logprobs"][0]) for _ in record["top_logprobs"]]


def _clamped(record: Json) -> None:
    for entry in record["top_logprobs"][1:]:
        entry["logprob"] = -9999.0


def _sampled_otherwise(record: Json) -> None:
    for entry in record["top_logprobs"]:
        entry.update(token=entry["token"] + "x", bytes=None)


def _ended(mark: str) -> Callable[[str, str], str]:
    return lambda asked, text: text + mark


VECTOR = "embeddings.base64-equals-float"

PLANTS = (
    defect(
        "chat.no-template-marks/end-of-turn",
        "chat",
        "the mark that ends a turn is part of the answer",
        "chat.no-template-marks",
        level="SHOULD",
        source="mzau/mlx-knife#20",
        text=_ended("<|im_end|>"),
    ),
    variant("markup-in-text", "the model writes markup", text=_ended(" <s>old</s> <b>new</b> <|> </s>.")),
    defect(
        "tools.finish-reason-called/stop",
        "tools",
        "calls that a model was free to make end by stop",
        "tools.finish-reason-called",
        level="SHOULD",
        source="openvinotoolkit/model_server#3927",
        **_both_ways(_stops, CHAT),
    ),
    variant("required-stops", "a required call ends by stop, as a named one does", **_both_ways(_required_stops, CHAT)),
    defect(
        "usage.cut-counted/one-of-n",
        "usage",
        "of several choices the tokens of one are counted",
        "usage.cut-counted",
        level="SHOULD",
        source="ggml-org/llama.cpp#27318",
        **_both_ways(_one_choice_counted, CHAT, COMPLETIONS),
    ),
    defect(
        "ids.model-named/empty",
        "chat",
        "answers name no model",
        "ids.model-named",
        level="SHOULD",
        **_everywhere(lambda made: made.update(model=""), CHAT, COMPLETIONS, EMBEDDINGS),
    ),
    defect(
        "created.each-its-own/built",
        "chat",
        "each answer was created when the server was built",
        "created.each-its-own",
        level="SHOULD",
        **_everywhere(lambda made: made.update(created=BUILT), CHAT, COMPLETIONS),
    ),
    defect(
        "embeddings.batch-counted/first",
        "embeddings",
        "of a batch the first text is counted",
        "embeddings.batch-counted",
        level="SHOULD",
        result=result_of(_first_counted, EMBEDDINGS),
    ),
    defect(
        "embeddings.non-zero/zeros",
        "embeddings",
        "vectors are zeros",
        "embeddings.non-zero",
        level="SHOULD",
        source="ollama/ollama#12611",
        result=_vectors(lambda vector: [0.0] * len(vector)),
    ),
    defect(
        "embeddings.distinct/constant",
        "embeddings",
        "each text has the same vector",
        "embeddings.distinct",
        VECTOR,
        level="SHOULD",
        source="mudler/LocalAI#6257",
        result=_vectors(lambda vector: [1 / math.sqrt(len(vector))] * len(vector)),
    ),
    defect(
        "logprobs.top-members/no-logprob",
        "logprobs",
        "alternatives have no logprob",
        "logprobs.top-members",
        **_of_records(lambda record: [entry.pop("logprob") for entry in record["top_logprobs"]]),
    ),
    defect(
        "logprobs.top-sum/base-ten",
        "logprobs",
        "logarithms are to base ten",
        "logprobs.top-sum",
        level="SHOULD",
        **_of_records(_base_ten),
    ),
    defect(
        "logprobs.top-distinct/copies",
        "logprobs",
        "the alternatives are one token several times",
        "logprobs.top-distinct",
        level="SHOULD",
        **_of_records(_copied),
    ),
    defect(
        "logprobs.top-agrees/apart",
        "logprobs",
        "a token is less likely by itself than among its alternatives",
        "logprobs.top-agrees",
        level="SHOULD",
        **_of_records(lambda record: record.update(logprob=record["logprob"] - 2.5)),
    ),
    defect(
        "logprobs.bytes-member/absent",
        "logprobs",
        "tokens have no bytes",
        "logprobs.bytes-member",
        level="SHOULD",
        **_of_records(lambda record: [entry.pop("bytes") for entry in (record, *record["top_logprobs"])]),
    ),
    variant("logprobs-clamped", "what is unlikely has the log probability -9999", **_of_records(_clamped)),
    variant(
        "logprobs-sampled", "the token that was sampled is none of its alternatives", **_of_records(_sampled_otherwise)
    ),
    defect(
        "completions.logprobs-values/probabilities",
        "completions",
        "legacy probabilities instead of their logarithms",
        "completions.logprobs-values",
        **_of_lists(lambda table: table.update(token_logprobs=[0.9] * len(table["tokens"]))),
    ),
    defect(
        "completions.logprobs-text/marks",
        "completions",
        "legacy tokens are spelt as in the vocabulary",
        "completions.logprobs-text",
        level="SHOULD",
        **_of_lists(lambda table: table.update(tokens=[t.replace(" ", "\u0120") for t in table["tokens"]])),
    ),
    defect(
        "completions.logprobs-top/none",
        "completions",
        "legacy tokens have no alternatives",
        "completions.logprobs-top",
        level="SHOULD",
        **_of_lists(lambda table: table.update(top_logprobs=None)),
    ),
    defect(
        "completions.logprobs-offsets/zero",
        "completions",
        "each legacy token begins at 0",
        "completions.logprobs-offsets",
        level="SHOULD",
        **_of_lists(lambda table: table.update(text_offset=[0] * len(table["tokens"]))),
    ),
    variant(
        "legacy-alternatives-more",
        "the token itself is one more of its alternatives; offsets begin anywhere",
        **_of_lists(
            lambda table: (
                [row.update({"\u00a7": -9.0}) for row in table["top_logprobs"] or () if row],
                table.update(text_offset=[place + 17 for place in table["text_offset"]]),
            )
        ),
    ),
)
