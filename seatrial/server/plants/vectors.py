"""Defects of embeddings."""

from __future__ import annotations

import base64
import hashlib
import struct
from typing import Any

from seatrial.server.plant import Json
from seatrial.server.plants.shape import (
    EMBEDDINGS,
    defect,
    ignoring,
    result,
    result_of,
    rows,
)


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


def _spoilt(row: Json) -> None:
    if isinstance(row["embedding"], str):
        data = base64.b64decode(row["embedding"])
        row["embedding"] = base64.b64encode(struct.pack("<f", float("nan")) + data[4:]).decode()


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


PLANTS = (
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
        "embeddings.batch-permuted",
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
        "embeddings.finite/nan",
        "embeddings",
        "the base64 of a vector holds NaN",
        "embeddings.finite",
        "embeddings.base64-equals-float",
        result=result(rows(_spoilt), EMBEDDINGS),
    ),
)
