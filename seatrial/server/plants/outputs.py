"""Defects of structured outputs and log probabilities."""

from __future__ import annotations

from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    all_chunks,
    choices,
    defect,
    each_chunk,
    ignoring,
    result,
    result_of,
)


def _legacy_logprobs(choice: Json) -> None:
    found = choice.get("logprobs")
    if found:
        tokens = [row["token"] for row in found["content"]]
        choice["logprobs"] = {
            "tokens": tokens,
            "token_logprobs": [-0.1] * len(tokens),
            "text_offset": [0] * len(tokens),
            "content": None,
        }


def _vocabulary(choice: Json) -> None:
    for row in (choice.get("logprobs") or {}).get("content") or ():
        for entry in (row, *row["top_logprobs"]):
            if entry["token"].startswith(" "):
                entry["token"] = "\u0120" + entry["token"][1:]
                entry["bytes"] = [196, 160, *entry["bytes"][1:]]


def _marks(choice: Json) -> None:
    for row in (choice.get("logprobs") or {}).get("content") or ():
        if row["token"].startswith(" "):
            row["token"] = "\u0120" + row["token"][1:]


def _first_row_lost(choice: Json) -> None:
    found = choice.get("logprobs")
    if found and found.get("content"):
        found["content"] = found["content"][len(found["content"]) // 2 :]


def _logprob_rows(change: Any) -> Any:
    def hook(choice: Json) -> None:
        for row in (choice.get("logprobs") or {}).get("content") or ():
            change(row)

    return result(choices(hook), CHAT)


def _no_logprobs(place: int, chunk: Json) -> None:
    for choice in chunk["choices"]:
        choice["logprobs"] = None


def _shifted(body: Json, chunks: list[Json]) -> list[Json]:
    """The streamed log probabilities are those of other tokens."""
    for chunk in chunks:
        for choice in chunk["choices"]:
            for row in (choice.get("logprobs") or {}).get("content") or ():
                row["token"], row["bytes"] = row["token"].upper(), list(row["token"].upper().encode())
    return chunks


def _prose(body: Json, made: Json) -> None:
    if (body.get("response_format") or {}).get("type", "text") != "text":
        for choice in made["choices"]:
            choice["message"]["content"] = "Sure! Here is what you asked for."


def _fenced(body: Json, made: Json) -> None:
    if (body.get("response_format") or {}).get("type") == "json_object":
        for choice in made["choices"]:
            choice["message"]["content"] = "```json\n" + choice["message"]["content"] + "\n```"


PLANTS = (
    defect(
        "NC-SOUT-01",
        "structured outputs",
        "json_schema is answered with prose",
        "structured.schema-honoured",
        "structured.json-object",
        "stream.equals-plain",
        "*/must/body",
        "logprobs.concat",
        source="ggml-org/llama.cpp#11988",
        result=result_of(_prose, CHAT),
    ),
    defect(
        "NC-SOUT-03",
        "structured outputs",
        "response_format is accepted and dropped",
        "structured.schema-honoured",
        "structured.json-object",
        "*/must/body",
        "*/must/status",
        source="NVIDIA/TensorRT#4855",
        body=ignoring("response_format"),
    ),
    defect(
        "structured.json-object/fenced",
        "structured outputs",
        "JSON mode writes a fenced block",
        "structured.json-object",
        "stream.equals-plain",
        "*/must/body",
        result=result_of(_fenced, CHAT),
    ),
    defect(
        "NC-LOGP-01",
        "logprobs",
        "logprobs in the legacy shape",
        "logprobs.present",
        source="vllm-project/vllm#3179",
        result=result(choices(_legacy_logprobs), CHAT),
    ),
    defect(
        "NC-LOGP-05",
        "logprobs",
        "tokens and bytes are those of the vocabulary",
        "logprobs.concat",
        "logprobs.token-bytes",
        "logprobs.stream-equals-plain",
        source="InternLM/lmdeploy#2802",
        result=result(choices(_vocabulary), CHAT),
    ),
    defect(
        "logprobs.token-bytes/marks",
        "logprobs",
        "tokens carry marks of the vocabulary",
        "logprobs.token-bytes",
        "logprobs.stream-equals-plain",
        result=result(choices(_marks), CHAT),
    ),
    defect(
        "NC-LOGP-07",
        "logprobs",
        "a stream has no logprobs",
        "logprobs.present",
        "logprobs.twins*",
        "logprobs.stream-equals-plain",
        source="abetlen/llama-cpp-python#197",
        chunks=each_chunk(_no_logprobs, CHAT),
    ),
    defect(
        "ignores.logprobs",
        "logprobs",
        "logprobs is ignored",
        "logprobs.present",
        "*/must/*",
        body=ignoring("logprobs", "top_logprobs", route=CHAT),
    ),
    defect(
        "logprobs.concat/half",
        "logprobs",
        "the first half of the tokens is missing",
        "logprobs.concat",
        "logprobs.stream-equals-plain",
        result=result(choices(_first_row_lost), CHAT),
    ),
    defect(
        "logprobs.top-count/none",
        "logprobs",
        "top_logprobs is ignored",
        "logprobs.top-count",
        "*/must/body",
        result=_logprob_rows(lambda row: row.update(top_logprobs=[])),
    ),
    defect(
        "logprobs.non-positive/probability",
        "logprobs",
        "probabilities instead of their logarithms",
        "logprobs.non-positive",
        result=_logprob_rows(lambda row: row.update(logprob=0.93)),
    ),
    defect(
        "logprobs.stream-equals-plain/others",
        "logprobs",
        "a stream tells of other tokens",
        "logprobs.stream-equals-plain",
        "logprobs.concat",
        chunks=all_chunks(_shifted, CHAT),
    ),
)
