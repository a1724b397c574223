"""Defects of usage, times and JSON itself."""

from __future__ import annotations

import json
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    CHAT,
    COMPLETIONS,
    defect,
    each_chunk,
    result,
)


def _totals(change: Any) -> Any:
    return result(lambda made: change(made["usage"]) if made.get("usage") else None)


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
        "created.seconds/stream-ms",
        "chat streaming",
        "created of chunks is in milliseconds",
        "created.seconds",
        chunks=each_chunk(lambda at, c: c.update(created=c["created"] * 1000)),
    ),
    defect(
        "NC-USE-07",
        USE,
        "total_tokens is 0",
        "usage.sum",
        "responses.usage-sum",
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
        "responses.usage-sum",
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
