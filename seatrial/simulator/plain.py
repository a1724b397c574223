"""Plain answers: the bodies of all operations."""

from __future__ import annotations

import base64
import struct
import time
from typing import Any

import orjson

from seatrial.simulator.ask import MODEL, Ask

Json = dict[str, Any]
WORDS = (
    *("the", "of", "and", "to", "in", "is", "that", "it", "was", "for", "on", "are", "with", "as", "they", "be"),
    *(
        "at",
        "one",
        "have",
        "this",
        "from",
        "by",
        "hot",
        "word",
        "but",
        "what",
        "some",
        "we",
        "can",
        "out",
        "other",
        "were",
    ),
)
BORN = 1_700_000_000


def created() -> int:
    return int(time.time())


def words(first: int, count: int, nonce: str | None = None) -> str:
    """The text of so many tokens of an answer; each is a word and a space, the nonce takes the first one's place."""
    found = [WORDS[number % len(WORDS)] + " " for number in range(first, first + count)]
    if nonce is not None and found:
        found[0] = f"nonce:{nonce} "
    return "".join(found)


def usage(ask: Ask, more: int = 0) -> Json:
    """The usage of chat and text completions; `more` tokens than there were."""
    count = ask.tokens + more
    return {
        "prompt_tokens": ask.prompt_tokens,
        "completion_tokens": count,
        "total_tokens": ask.prompt_tokens + count,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": ask.reasoning},
    }


def chat(ask: Ask, id: str, more: int = 0) -> Json:
    message: Json = {"role": "assistant", "content": words(0, ask.answer, ask.nonce), "refusal": None}
    if ask.reasoning:
        message["reasoning_content"] = words(0, ask.reasoning)
    return {
        "id": id,
        "object": "chat.completion",
        "created": created(),
        "model": ask.model,
        "choices": [{"index": 0, "message": message, "logprobs": None, "finish_reason": ask.finish}],
        "usage": usage(ask, more),
    }


def completions(ask: Ask, id: str, more: int = 0) -> Json:
    text = words(0, ask.tokens, ask.nonce)
    return {
        "id": id,
        "object": "text_completion",
        "created": created(),
        "model": ask.model,
        "choices": [{"index": 0, "text": text, "logprobs": None, "finish_reason": ask.finish}],
        "usage": usage(ask, more),
    }


def embeddings(ask: Ask, id: str, more: int = 0) -> Json:
    body = ask.body or {}
    given = body.get("input")
    rows = given if isinstance(given, list) and not isinstance(given[0], int) else [given]
    wanted = body.get("dimensions")
    size = wanted if isinstance(wanted, int) and 0 < wanted <= 4096 else 8
    data = []
    for index, _ in enumerate(rows):
        vector = [(index + 1) / (place + 2) for place in range(size)]
        length = sum(x * x for x in vector) ** 0.5
        vector = [x / length for x in vector]
        coded: Any = vector
        if body.get("encoding_format") == "base64":
            coded = base64.b64encode(struct.pack(f"<{size}f", *vector)).decode()
        data.append({"object": "embedding", "index": index, "embedding": coded})
    counts = {"prompt_tokens": ask.prompt_tokens + more, "total_tokens": ask.prompt_tokens + more}
    return {"object": "list", "data": data, "model": ask.model, "usage": counts}


def transcription(ask: Ask, id: str, more: int = 0) -> Json:
    return {"text": words(0, 8, ask.nonce).strip()}


def models() -> bytes:
    row = {"id": MODEL, "object": "model", "created": BORN, "owned_by": "seatrial"}
    return orjson.dumps({"object": "list", "data": [row]})
