"""Defects of models and plain chat answers: shapes, literals, ignored parameters."""

from __future__ import annotations

from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    COMPLETIONS,
    choices,
    defect,
    ignoring,
    result,
    result_of,
    rows,
    without,
)


def _set(**values: Any) -> Any:
    return lambda made: made.update(values)


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


PLANTS = (
    defect(
        "NC-MOD-01",
        "models",
        "models have no created",
        "wire.body-schema",
        source="lmstudio-ai/lmstudio-bug-tracker#1988",
        result=result(rows(without("created")), "/models"),
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
        result=result(rows(lambda r: r.update(created=r["created"] * 1000)), "/models"),
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
        "stream.equals-plain",
        "tools.arguments-json",
        "structured.schema-honoured",
        "structured.json-object",
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
        result=result(_message(without("refusal")), CHAT),
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
)
