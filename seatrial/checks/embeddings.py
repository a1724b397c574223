"""Embeddings."""

from __future__ import annotations

import base64
import binascii
import math
import struct
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

REQUEST = "openai#/components/schemas/CreateEmbeddingRequest/properties/"


def _rows(exchange: Exchange) -> list[Mapping[str, Any]]:
    body = view.json_body(exchange)
    rows = body.get("data") if isinstance(body, dict) else None
    if not isinstance(rows, list) or not rows or not all(isinstance(row, dict) for row in rows):
        raise Inconclusive("there is no data")
    return rows


def _vector(row: Mapping[str, Any]) -> list[float]:
    """The vector of a row, from numbers or from base64 of little-endian float32."""
    value = row.get("embedding")
    if (
        isinstance(value, list)
        and value
        and all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in value)
    ):
        return [float(v) for v in value]
    if isinstance(value, str):
        try:
            data = base64.b64decode(value, validate=True)
        except binascii.Error as error:
            raise Inconclusive("the embedding is not base64") from error
        if data and len(data) % 4 == 0:
            return list(struct.unpack(f"<{len(data) // 4}f", data))
    raise Inconclusive("the embedding cannot be read")


def _cosine(one: Sequence[float], other: Sequence[float]) -> float:
    size = math.sqrt(math.fsum(v * v for v in one)) * math.sqrt(math.fsum(v * v for v in other))
    if len(one) != len(other) or not size or not math.isfinite(size):
        return 0.0
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / size


def _inputs(exchange: Exchange) -> int:
    given = exchange.request.get("input")
    return len(given) if isinstance(given, list) and given and not isinstance(given[0], int) else 1


@check("embeddings.encoding", level=MUST, applies=view.is_embedding, spec=REQUEST + "encoding_format")
def encoding(exchange: Exchange) -> Iterator[Finding]:
    """encoding_format is honoured: base64 is a string of little-endian float32, float (the default) a list of numbers."""
    wanted = exchange.request.get("encoding_format") or "float"
    for row in _rows(exchange):
        value = row.get("embedding")
        if wanted == "float" and not isinstance(value, list):
            yield Finding("a list of numbers", type(value).__name__, "/data/*/embedding")
            return
        if wanted == "base64":
            if not isinstance(value, str):
                yield Finding("a base64 string", "a list of numbers", "/data/*/embedding")
                return
            try:
                size = len(base64.b64decode(value, validate=True))
            except binascii.Error as error:
                yield Finding("base64", str(error), "/data/*/embedding")
                return
            if size % 4 or not size:
                yield Finding("a multiple of 4 bytes", f"{size} bytes", "/data/*/embedding")
                return


@check(
    "embeddings.count-and-order",
    level=MUST,
    applies=view.is_embedding,
    spec="openai#/components/schemas/CreateEmbeddingResponse/properties/data",
)
def count_and_order(exchange: Exchange) -> Iterator[Finding]:
    """There is one vector for each input, in the order of the inputs: clients do not sort by index."""
    indices = [row.get("index") for row in _rows(exchange)]
    if indices != list(range(_inputs(exchange))):
        yield Finding(f"the indices 0 to {_inputs(exchange) - 1} in order", str(indices[:20]), "/data/*/index")


@check(
    "embeddings.dimensions",
    level=MUST,
    applies=lambda x: view.is_embedding(x) and isinstance(x.request.get("dimensions"), int),
    spec=REQUEST + "dimensions",
)
def dimensions(exchange: Exchange) -> Iterator[Finding]:
    """`dimensions` is honoured (or refused): each vector has that length."""
    wanted = exchange.request.get("dimensions")
    for row in _rows(exchange):
        if len(_vector(row)) != wanted:
            yield Finding(f"{wanted} numbers", f"{len(_vector(row))}", "/data/*/embedding")
            return


@check(
    "embeddings.finite",
    level=MUST,
    applies=view.is_embedding,
    spec="openai#/components/schemas/Embedding/properties/embedding",
)
def finite(exchange: Exchange) -> Iterator[Finding]:
    """A vector is made of finite numbers, and is not all zeros."""
    for index, row in enumerate(_rows(exchange)):
        vector = _vector(row)
        if not all(math.isfinite(v) for v in vector):
            yield Finding("finite numbers", "NaN or infinity", f"/data/{index}/embedding")
        elif not any(vector):
            yield Finding("a vector", "zeros only", f"/data/{index}/embedding")


def _formats(xs: Sequence[Exchange]) -> Iterator[tuple[Exchange, Exchange]]:
    for one in xs:
        for other in xs:
            if (
                view.is_embedding(one)
                and view.is_embedding(other)
                and view.same_but(one, other, "encoding_format")
                and other.request.get("encoding_format") == "base64"
                and one.request.get("encoding_format") != "base64"
            ):
                yield one, other


@relation(
    "embeddings.base64-equals-float",
    level=MUST,
    applies=lambda xs: any(True for _ in _formats(xs)),
    spec=REQUEST + "encoding_format",
)
def base64_equals_float(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The base64 of an embedding decodes to its floats."""
    for plain, encoded in _formats(exchanges):
        if isinstance(_rows(encoded)[0].get("embedding"), list):
            raise Inconclusive("base64 was not honoured")
        for row, other in zip(_rows(plain), _rows(encoded), strict=False):
            one, two = _vector(row), _vector(other)
            if len(one) != len(two):
                yield Finding(f"{len(one)} numbers", f"{len(two)}", f"exchange {encoded.number}")
                return
            if not all(math.isfinite(v) for v in two) or _cosine(one, two) < 0.999:
                yield Finding("the same vector", f"cosine {_cosine(one, two):.4f}", f"exchange {encoded.number}")
                return


def _batches(xs: Sequence[Exchange]) -> Iterator[tuple[Exchange, int, Exchange]]:
    """(batch, position, single) of inputs that were sent both in a batch and alone."""
    for batch in xs:
        given = batch.request.get("input")
        if not view.is_embedding(batch) or not isinstance(given, list) or _inputs(batch) < 2:
            continue
        for single in xs:
            alone = single.request.get("input")
            alone = alone[0] if isinstance(alone, list) and len(alone) == 1 else alone
            if view.is_embedding(single) and view.same_but(batch, single, "input") and alone in given:
                yield batch, given.index(alone), single


@relation(
    "embeddings.batch-equals-singles",
    level=SHOULD,
    applies=lambda xs: any(True for _ in _batches(xs)),
    spec=REQUEST + "input",
)
def batch_equals_singles(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A text has the same vector alone as in a batch, at its own place."""
    for batch, position, single in _batches(exchanges):
        rows = _rows(batch)
        if position >= len(rows):
            raise Inconclusive("the batch has fewer vectors than inputs")
        cosine = _cosine(_vector(rows[position]), _vector(_rows(single)[0]))
        if cosine < 0.99:
            yield Finding("the same vector", f"cosine {cosine:.4f}", f"/data/{position} of exchange {batch.number}")
            return


@relation(
    "embeddings.semantic",
    level=MAY,
    applies=lambda xs: any(view.is_embedding(x) and x.step == "semantic" and _inputs(x) == 3 for x in xs),
    spec="openai-guides#embeddings",
)
def semantic(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A text is nearer to its paraphrase than to an unrelated text."""
    for exchange in exchanges:
        if exchange.step == "semantic" and view.is_embedding(exchange) and _inputs(exchange) == 3:
            text, paraphrase, unrelated = (_vector(row) for row in _rows(exchange)[:3])
            near, far = _cosine(text, paraphrase), _cosine(text, unrelated)
            if near <= far:
                yield Finding(
                    "the paraphrase nearer",
                    f"cosine {near:.3f}, the unrelated text {far:.3f}",
                    f"exchange {exchange.number}",
                )
