"""Defects of plain answers: shapes, literals, ignored parameters, usage, embeddings, logprobs."""

from __future__ import annotations

import base64
import hashlib
import json
import struct
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
    ignoring,
    result,
    result_of,
)


def _drop(*names: str) -> Any:
    return lambda made: [made.pop(name, None) for name in names]


def _set(**values: Any) -> Any:
    return lambda made: made.update(values)


def _rows(change: Any) -> Any:
    return lambda made: [change(row) for row in made["data"]]


def _message(change: Any) -> Any:
    return choices(lambda choice: change(choice["message"]))


def _parts(message: Json) -> None:
    if isinstance(message["content"], str):
        message["content"] = [{"type": "text", "text": message["content"]}]


def _keeps_stop(body: Json, made: Json) -> None:
    stop = body.get("stop")
    word = stop if isinstance(stop, str) else (stop or [""])[0]
    for choice in made["choices"] if word else ():
        if choice["finish_reason"] == "stop":
            if "message" in choice:
                choice["message"]["content"] = (choice["message"]["content"] or "") + word
            else:
                choice["text"] += word


def _think(body: Json, made: Json) -> None:
    if body.get("reasoning_effort"):
        for choice in made["choices"]:
            if choice["message"]["content"]:
                choice["message"]["content"] = "so it is.\n</think>\n" + choice["message"]["content"]


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


def _best_of(body: Json, made: Json) -> None:
    best, n = body.get("best_of") or 1, body.get("n") or 1
    if best > n:
        usage = made["usage"]
        usage["completion_tokens"] = usage["completion_tokens"] * n // best
        usage["total_tokens"] = usage["prompt_tokens"] + usage["completion_tokens"]


def _as_floats(body: Json, made: Json) -> None:
    for row in made["data"]:
        if isinstance(row["embedding"], str):
            data = base64.b64decode(row["embedding"])
            row["embedding"] = list(struct.unpack(f"<{len(data) // 4}f", data))


def _recoded(form: str) -> Any:
    def change(made: Json) -> None:
        for row in made["data"]:
            if isinstance(row["embedding"], str):
                data = base64.b64decode(row["embedding"])
                values = struct.unpack(f"<{len(data) // 4}f", data)
                row["embedding"] = base64.b64encode(struct.pack(form.format(len(values)), *values)).decode()

    return result(change, EMBEDDINGS)


def _hashed(body: Json, made: Json) -> None:
    """The vector is made of how often each word occurs."""
    given = body["input"] if isinstance(body["input"], list) else [body["input"]]
    for text, row in zip(given, made["data"], strict=False):
        values = [0.0] * 64
        for word in str(text).split():
            values[hashlib.md5(word.encode(), usedforsecurity=False).digest()[0] % 64] += 1.0
        size = sum(v * v for v in values) ** 0.5 or 1.0
        if isinstance(row["embedding"], list) and len(row["embedding"]) == 64:
            row["embedding"] = [v / size for v in values]


def _reversed(body: Json, made: Json) -> None:
    if len(made["data"]) > 1:
        made["data"].reverse()


def _vectors_reversed(body: Json, made: Json) -> None:
    """The vectors come in another order, under the right indices."""
    vectors = [row["embedding"] for row in made["data"]]
    vectors = vectors[1:] + vectors[:1]
    for row, vector in zip(made["data"], vectors, strict=True):
        row["embedding"] = vector


def _totals(change: Any) -> Any:
    return result(lambda made: change(made["usage"]) if made.get("usage") else None)


def _prose(body: Json, made: Json) -> None:
    if (body.get("response_format") or {}).get("type", "text") != "text":
        for choice in made["choices"]:
            choice["message"]["content"] = "Sure! Here is what you asked for."


def _fenced(body: Json, made: Json) -> None:
    if (body.get("response_format") or {}).get("type") == "json_object":
        for choice in made["choices"]:
            choice["message"]["content"] = "```json\n" + choice["message"]["content"] + "\n```"


def _more_tokens(body: Json, made: Json) -> None:
    limit = body.get("max_tokens") or body.get("max_completion_tokens")
    if limit and made["choices"][0]["finish_reason"] == "length":
        made["usage"]["completion_tokens"] += 20 * (body.get("best_of") or body.get("n") or 1)
        made["usage"]["total_tokens"] += 20 * (body.get("best_of") or body.get("n") or 1)


def _blind(route: str, body: Json) -> Json:
    """Image parts are dropped, and nobody is told."""
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and isinstance(message.get("content"), list):
            message["content"] = [
                p for p in message["content"] if not isinstance(p, dict) or p.get("type") != "image_url"
            ] or ""
    return body


def _nones(route: str, body: Json) -> Json:
    """content null is written into the prompt as None."""
    messages = body.get("messages")
    for message in messages if isinstance(messages, list) else ():
        if isinstance(message, dict) and message.get("role") == "assistant" and message.get("content", 0) is None:
            message["content"] = "None"
    return body


def _half_json(route: str, body: Json, made: Any) -> Any:
    return json.dumps(made).replace('"model"', 'model"', 1).encode() if route == CHAT else made


def _nan(route: str, body: Json, made: Any) -> Any:
    return (
        json.dumps(made).replace('"index": 0', '"index": 0, "score": NaN', 1).encode()
        if route in (CHAT, COMPLETIONS)
        else made
    )


USE = "usage"
PLANTS = (
    defect(
        "NC-MOD-01",
        "models",
        "models have no created",
        "wire.body-schema",
        source="lmstudio-ai/lmstudio-bug-tracker#1988",
        result=result(_rows(_drop("created")), "/models"),
    ),
    defect(
        "NC-MOD-05",
        "models",
        "owned_by is another's",
        "*/may/body",
        level="MAY",
        source="QuantumNous/new-api#4398",
        result=lambda route, body, made: (
            {**made, "owned_by": "openai"}
            if route == "/models/{model}"
            else {**made, "data": [{**r, "owned_by": "openai"} for r in made["data"]]}
            if route == "/models"
            else made
        ),
    ),
    defect(
        "models.ids-unique/twice",
        "models",
        "a model is listed twice",
        "models.ids-unique",
        level="SHOULD",
        result=result(lambda made: made["data"].append(made["data"][0]), "/models"),
    ),
    defect(
        "created.seconds/models-ms",
        "models",
        "created is in milliseconds",
        "created.seconds",
        result=result(_rows(lambda r: r.update(created=r["created"] * 1000)), "/models"),
    ),
    defect(
        "NC-CHAT-01",
        "chat",
        "object is chat.completions",
        "wire.body-schema",
        source="ml-explore/mlx-examples#1119",
        result=result(_set(object="chat.completions"), CHAT),
    ),
    defect(
        "NC-CHAT-03",
        "chat",
        "finish_reason is error",
        "wire.body-schema",
        source="raullenchai/Rapid-MLX#433",
        result=result(
            choices(lambda c: c.update(finish_reason="error") if c["finish_reason"] == "length" else None), CHAT
        ),
    ),
    defect(
        "NC-CHAT-05",
        "chat",
        "n is ignored",
        "chat.choice-count",
        "stream.choice-indices",
        "*/must/body",
        source="abetlen/llama-cpp-python#1906",
        body=ignoring("n", route=CHAT),
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
        "chat.choice-count/indices",
        "chat",
        "all choices have index 0",
        "chat.choice-count",
        "*/must/body",
        "stream.equals-plain",
        result=result(choices(lambda c: c.update(index=0)), CHAT),
    ),
    defect(
        "NC-CHAT-07",
        "chat",
        "the stop sequence is left in the text",
        "stop.excluded",
        "stream.equals-plain",
        source="huggingface/text-generation-inference#1724",
        result=result_of(_keeps_stop, CHAT, COMPLETIONS),
    ),
    defect("ignores.stop", "chat", "stop is ignored", "stop.excluded", body=ignoring("stop")),
    defect(
        "NC-CHAT-09",
        "chat",
        "a marker of reasoning leaks into the content",
        "reasoning.no-markers",
        level="SHOULD",
        source="vllm-project/vllm#14170",
        result=result_of(_think, CHAT),
    ),
    defect(
        "NC-CHAT-13",
        "chat",
        "message.refusal is missing",
        "chat.message-refusal",
        level="SHOULD",
        source="JamePeng/llama-cpp-python#113",
        result=result(_message(_drop("refusal")), CHAT),
    ),
    defect(
        "NC-CHAT-15",
        "chat",
        "content is a list of parts",
        "wire.body-schema",
        source="vercel/ai#17779",
        result=result(_message(_parts), CHAT),
    ),
    defect(
        "NC-CHAT-21",
        "chat",
        "content null becomes the text None",
        "*/must/*",
        source="NVIDIA/NeMo-Agent-Toolkit#2077",
        body=_nones,
    ),
    defect(
        "NC-CHAT-25",
        "chat",
        "an image part is dropped without a word",
        "vision.image-counted",
        source="raullenchai/Rapid-MLX#416",
        body=_blind,
    ),
    defect(
        "ids.unique/constant",
        "chat",
        "every answer has the same id",
        "ids.unique",
        result=result(_set(id="chatcmpl-1"), CHAT),
    ),
    defect(
        "created.seconds/chat-ms",
        "chat",
        "created is in milliseconds",
        "created.seconds",
        result=result(lambda m: m.update(created=m["created"] * 1000), CHAT, COMPLETIONS),
    ),
    defect(
        "created.seconds/stream-ms",
        "chat streaming",
        "created of chunks is in milliseconds",
        "created.seconds",
        chunks=each_chunk(lambda at, c: c.update(created=c["created"] * 1000)),
    ),
    defect(
        "chat.max-tokens/ignored",
        "chat",
        "max_tokens is ignored",
        "chat.max-tokens",
        "*/must/*",
        "stream.equals-plain",
        body=ignoring("max_tokens", "max_completion_tokens"),
    ),
    defect(
        "chat.max-tokens/more-counted",
        "chat",
        "more tokens than the limit are generated",
        "chat.max-tokens",
        "*/must/body",
        result=result_of(_more_tokens, CHAT, COMPLETIONS),
    ),
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
        source="huggingface/text-generation-inference#2211",
        result=result(choices(_drop("finish_reason", "logprobs")), COMPLETIONS),
    ),
    defect(
        "NC-EMB-01",
        "embeddings",
        "base64 is ignored",
        "embeddings.encoding",
        source="sgl-project/sglang#28803",
        result=result_of(_as_floats, EMBEDDINGS),
    ),
    defect(
        "NC-EMB-07",
        "embeddings",
        "the vector is a hash of word counts",
        "embeddings.semantic",
        level="MAY",
        source="paiml/aprender#2087",
        result=result_of(_hashed, EMBEDDINGS),
    ),
    defect(
        "embeddings.base64-equals-float/double",
        "embeddings",
        "base64 of float64",
        "embeddings.base64-equals-float",
        "embeddings.dimensions",
        result=_recoded("<{}d"),
    ),
    defect(
        "embeddings.base64-equals-float/big-endian",
        "embeddings",
        "base64 of big-endian float32",
        "embeddings.base64-equals-float",
        "embeddings.finite",
        "embeddings.batch-equals-singles",
        result=_recoded(">{}f"),
    ),
    defect(
        "embeddings.count-and-order/one-for-all",
        "embeddings",
        "one vector for a whole batch",
        "embeddings.count-and-order",
        "*/must/body",
        result=result(lambda m: m.update(data=m["data"][:1]), EMBEDDINGS),
    ),
    defect(
        "embeddings.count-and-order/reversed",
        "embeddings",
        "the rows come in another order",
        "embeddings.count-and-order",
        "embeddings.batch-equals-singles",
        "*/must/body",
        result=result_of(_reversed, EMBEDDINGS),
    ),
    defect(
        "embeddings.batch-equals-singles/mixed-up",
        "embeddings",
        "vectors of a batch are mixed up",
        "embeddings.batch-equals-singles",
        "*/must/body",
        "*/should/body",
        level="SHOULD",
        result=result_of(_vectors_reversed, EMBEDDINGS),
    ),
    defect(
        "embeddings.dimensions/ignored",
        "embeddings",
        "dimensions is ignored",
        "embeddings.dimensions",
        "*/must/*",
        body=ignoring("dimensions", route=EMBEDDINGS),
    ),
    defect(
        "embeddings.finite/zeros",
        "embeddings",
        "the vector is all zeros",
        "embeddings.finite",
        "embeddings.base64-equals-float",
        "embeddings.batch-equals-singles",
        "*/must/body",
        result=result(
            _rows(
                lambda r: r.update(embedding=[0.0] * len(r["embedding"])) if isinstance(r["embedding"], list) else None
            ),
            EMBEDDINGS,
        ),
    ),
    defect(
        "NC-USE-07",
        USE,
        "total_tokens is 0",
        "usage.sum",
        source="decolua/9router#3789",
        result=_totals(lambda u: u.update(total_tokens=0)),
    ),
    defect(
        "usage.sum/stream",
        USE,
        "total_tokens of a stream leaves out the prompt",
        "usage.sum",
        chunks=each_chunk(
            lambda at, c: c["usage"].update(total_tokens=c["usage"]["completion_tokens"]) if c.get("usage") else None
        ),
    ),
    defect(
        "usage.non-zero/prompt",
        USE,
        "prompt_tokens is 0",
        "usage.non-zero",
        "*/must/body",
        "*/should/body",
        "vision.image-counted",
        result=result(
            lambda m: (
                m["usage"].update(prompt_tokens=0, total_tokens=m["usage"].get("completion_tokens", 0))
                if m.get("usage")
                else None
            )
        ),
    ),
    defect(
        "usage.details-within/reasoning",
        USE,
        "more reasoning tokens than completion tokens",
        "usage.details-within",
        "*/must/body",
        result=result(lambda m: m["usage"]["completion_tokens_details"].update(reasoning_tokens=9999), CHAT),
    ),
    defect(
        "http.json-body/unquoted",
        "HTTP semantics",
        "a member is printed without its opening quote",
        "http.json-body",
        result=_half_json,
    ),
    defect("http.json-body/nan", "HTTP semantics", "NaN in the body", "http.json-body", result=_nan),
)
