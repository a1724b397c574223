"""Embeddings: encoding, order, size and sense of the vectors."""

from __future__ import annotations

import base64
import binascii
import math
from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

_REQUEST = "openai#/components/schemas/CreateEmbeddingRequest/properties/"
_EMBEDDING = "openai#/components/schemas/Embedding/properties/"

Vector = tuple[float, ...]


def _cosine(one: Vector, other: Vector) -> float:
    """The cosine of the angle between two vectors; NaN where it has none."""
    lengths = math.hypot(*one) * math.hypot(*other)
    if not lengths or not math.isfinite(lengths) or len(one) != len(other):
        return math.nan
    return math.fsum(a * b for a, b in zip(one, other, strict=True)) / lengths


def _items(exchange: Exchange) -> list[dict[str, Any]]:
    data = view.whole_answer(exchange).get("data")
    if not isinstance(data, list) or not all(isinstance(item, dict) for item in data):
        raise Inconclusive("data is not a list of objects")
    return data


@check("embeddings.encoding", level=MUST, applies=view.is_embedding, spec=_REQUEST + "encoding_format")
def encoding(exchange: Exchange) -> Iterator[Finding]:
    """A vector is a list of numbers, or, where base64 is asked for, a string of little-endian 32-bit floats."""
    wanted = view.member(exchange, "encoding_format", "float")
    if wanted not in ("float", "base64"):
        raise Inconclusive("the request asks for another encoding")
    items = _items(exchange)
    if not items:
        raise Inconclusive("there is no embedding")
    for number, item in enumerate(items):
        value, where = item.get("embedding"), f"body /data/{number}/embedding"
        if wanted == "float":
            if isinstance(value, str):
                yield Finding("a list of numbers", repr(value[:60]), where)
                return
        elif isinstance(value, list):
            yield Finding("a base64 string", f"a list of {len(value)} numbers", where)
            return
        elif isinstance(value, str) and not _is_floats(value):
            yield Finding("base64 of 4 bytes for each number", repr(value[:60]), where)
            return


def _is_floats(value: str) -> bool:
    try:
        raw = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        return False
    return bool(raw) and len(raw) % 4 == 0


@check("embeddings.count-and-order", level=MUST, applies=view.is_embedding, spec=_EMBEDDING + "index")
def count_and_order(exchange: Exchange) -> Iterator[Finding]:
    """There is one vector for each input, numbered from 0, in the order of the inputs."""
    wanted = len(view.inputs(exchange))
    items = _items(exchange)
    if len(items) != wanted:
        yield Finding(f"{wanted} embeddings", f"{len(items)}", "body /data")
        return
    found = [view.index(item) for item in items]
    if found != list(range(wanted)):
        yield Finding(f"the indices 0 to {wanted - 1} in order", f"{found}"[:120], "body /data/*/index")


def _asks_dimensions(exchange: Exchange) -> bool:
    return view.is_embedding(exchange) and view.number(exchange, "dimensions") is not None


@check("embeddings.dimensions", level=MUST, applies=_asks_dimensions, spec=_REQUEST + "dimensions")
def dimensions(exchange: Exchange) -> Iterator[Finding]:
    """A vector has as many numbers as dimensions asks for."""
    wanted = view.number(exchange, "dimensions")
    for number, vector in enumerate(view.vectors(exchange)):
        if len(vector) != wanted:
            yield Finding(f"{wanted} numbers", f"{len(vector)}", f"body /data/{number}/embedding")
            return


@check("embeddings.finite", level=MUST, applies=view.is_embedding, spec=_EMBEDDING + "embedding")
def finite(exchange: Exchange) -> Iterator[Finding]:
    """Every number of a vector is finite."""
    for number, vector in enumerate(view.vectors(exchange)):
        wrong = [value for value in vector if not math.isfinite(value)]
        if wrong:
            yield Finding(
                "finite numbers", f"{len(wrong)} of {len(vector)}: {wrong[0]}", f"body /data/{number}/embedding"
            )


def _encoding_twins(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(float, base64) answers to the same input."""
    answered = [exchange for exchange in exchanges if view.is_embedding(exchange)]
    return [
        (plain, packed)
        for plain in answered
        for packed in answered
        if view.member(plain, "encoding_format", "float") == "float"
        and packed.request.get("encoding_format") == "base64"
        and view.same_but(plain, packed, "encoding_format")
    ]


def _has_encoding_twins(exchanges: Sequence[Exchange]) -> bool:
    return bool(_encoding_twins(exchanges))


@relation("embeddings.base64-equals-float", level=MUST, applies=_has_encoding_twins, spec=_REQUEST + "encoding_format")
def base64_equals_float(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The vector in base64 is the vector in numbers."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        plain, packed = pair
        if any(isinstance(item.get("embedding"), str) for item in _items(plain)):
            raise Inconclusive("numbers were not given where they were asked for")
        if not all(isinstance(item.get("embedding"), str) for item in _items(packed)):
            raise Inconclusive("base64 was not given where it was asked for")
        ones, others = view.vectors(plain), view.vectors(packed)
        if len(ones) != len(others):
            raise Inconclusive("the two answers have not as many vectors")
        for number, (one, other) in enumerate(zip(ones, others, strict=True)):
            where = f"exchange {packed.number} /data/{number}/embedding"
            if len(one) != len(other):
                yield Finding(f"{len(one)} numbers", f"{len(other)}", where)
            elif _differs(one, other, exchanges, plain, packed, number):
                yield Finding(f"{one[:3]}..."[:80], f"{other[:3]}... (cosine {_cosine(one, other):.4f})"[:120], where)

    return view.each(_encoding_twins(exchanges), judge)


def _differs(
    one: Vector, other: Vector, exchanges: Sequence[Exchange], plain: Exchange, packed: Exchange, number: int
) -> bool:
    """Whether two vectors of one text differ for certain; Inconclusive where a server may differ from run to run."""
    if not all(map(math.isfinite, one)) or not any(one):
        raise Inconclusive("the vector is not one to compare")
    scale = math.hypot(*other) / math.hypot(*one)
    close = _cosine(one, other)
    if close >= 0.9999 and 0.99 <= scale <= 1.01:
        return False
    for again in exchanges:
        for known in (plain, packed):
            if again is known or not view.is_embedding(again) or not view.same_but(again, known):
                continue
            repeated, first = view.vectors(again), view.vectors(known)
            if number < len(repeated) and not _cosine(repeated[number], first[number]) >= 0.9999:
                raise Inconclusive("the vector of one text differs from run to run")
    if close >= 0.99 and 0.9 <= scale <= 1.1:
        raise Inconclusive(f"the vectors are close (cosine {close:.5f}), and may differ from run to run")
    return True


def _texts(exchange: Exchange) -> list[Any]:
    try:
        return view.inputs(exchange)
    except Inconclusive:
        return []


def _has_batch_and_single(exchanges: Sequence[Exchange]) -> bool:
    answered = [exchange for exchange in exchanges if view.is_embedding(exchange)]
    return any(
        len(_texts(batch)) > 1
        and len(_texts(single)) == 1
        and _texts(single)[0] in _texts(batch)
        and view.same_but(batch, single, "input", "encoding_format")
        for batch in answered
        for single in answered
    )


@relation("embeddings.batch-equals-singles", level=SHOULD, applies=_has_batch_and_single, spec=_REQUEST + "input")
def batch_equals_singles(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A text has the same vector in a batch as by itself."""
    answered = [exchange for exchange in exchanges if view.is_embedding(exchange)]
    singles = [exchange for exchange in answered if len(_texts(exchange)) == 1]

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        batch, single = pair
        text = _texts(single)[0]
        alone, together = view.vectors(single)[0], view.vectors(batch)
        if len(together) != len(_texts(batch)):
            raise Inconclusive("the batch has not one vector for each text")
        for other in singles:
            same = other is not single and view.same_but(other, single)
            if same and not _cosine(view.vectors(other)[0], alone) >= 0.999:
                raise Inconclusive("the vector of one text differs from run to run")
        for number, item in enumerate(_texts(batch)):
            close = _cosine(alone, together[number]) if item == text else 1.0
            if math.isnan(close):
                raise Inconclusive("the vectors are not ones to compare")
            if close < 0.999:
                where = f"exchange {batch.number} /data/{number}/embedding"
                yield Finding(f"the vector of exchange {single.number}", f"cosine {close:.4f}", where)

    pairs = [
        (batch, single)
        for batch in answered
        for single in singles
        if len(_texts(batch)) > 1
        and _texts(single)[0] in _texts(batch)
        and view.same_but(batch, single, "input", "encoding_format")
    ]
    return view.each(pairs, judge)


def _permuted(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    answered = [exchange for exchange in exchanges if view.is_embedding(exchange) and len(_texts(exchange)) > 1]
    return [
        (one, other)
        for number, one in enumerate(answered)
        for other in answered[number + 1 :]
        if _texts(one) != _texts(other)
        and sorted(map(repr, _texts(one))) == sorted(map(repr, _texts(other)))
        and view.same_but(one, other, "input", "encoding_format")
    ]


def _has_permuted(exchanges: Sequence[Exchange]) -> bool:
    return bool(_permuted(exchanges))


@relation("embeddings.batch-permuted", level=MUST, applies=_has_permuted, spec=_EMBEDDING + "index")
def batch_permuted(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Texts in another order have their vectors in that order: none has the vector of another text."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        texts, others = _texts(pair[0]), _texts(pair[1])
        vectors, found = view.vectors(pair[0]), view.vectors(pair[1])
        if len(vectors) != len(texts) or len(found) != len(others):
            raise Inconclusive("the batch has not one vector for each text")
        for number, text in enumerate(others):
            own, wrong = _cosine(vectors[texts.index(text)], found[number]), 0.0
            for place, other in enumerate(texts):
                if other != text:
                    wrong = max(wrong, _cosine(vectors[place], found[number]))
            if math.isnan(own):
                raise Inconclusive("the vectors are not ones to compare")
            # Near texts have near vectors: only what is another's for certain is a mix-up.
            if wrong >= 0.9999 and own < 0.99:
                where = f"exchange {pair[1].number} /data/{number}/embedding"
                yield Finding(f"the vector of {text!r:.60}", "that of another text", where)

    return view.each(_permuted(exchanges), judge)


def _asks_nothing_special(exchange: Exchange) -> bool:
    return view.is_embedding(exchange) and exchange.request.get("dimensions") is None


@check("embeddings.unit-norm", level=MAY, applies=_asks_nothing_special, spec="openai-guides#embeddings")
def unit_norm(exchange: Exchange) -> Iterator[Finding]:
    """A vector has length 1, so that a dot product is a cosine."""
    for number, vector in enumerate(view.vectors(exchange)):
        length = math.hypot(*vector)
        if math.isfinite(length) and length and abs(length - 1) > 0.01:
            yield Finding("length 1", f"{length:.4f}", f"body /data/{number}/embedding")
            return


def _semantic(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [
        exchange
        for exchange in exchanges
        if view.is_embedding(exchange) and exchange.step == "semantic" and len(_texts(exchange)) == 3
    ]


def _has_semantic(exchanges: Sequence[Exchange]) -> bool:
    return bool(_semantic(exchanges))


@relation("embeddings.semantic", level=MAY, applies=_has_semantic, spec="issue#paiml/aprender/2087")
def semantic(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A text lies closer to its paraphrase than to a text of another meaning."""

    def judge(exchange: Exchange) -> Iterator[Finding]:
        vectors = view.vectors(exchange)
        if len(vectors) != 3:
            raise Inconclusive("the answer has not three vectors")
        near, far = _cosine(vectors[0], vectors[1]), _cosine(vectors[0], vectors[2])
        if math.isnan(near) or math.isnan(far):
            raise Inconclusive("the vectors are not ones to compare")
        if near <= far:
            yield Finding(f"a cosine above {far:.4f}", f"{near:.4f}", f"exchange {exchange.number}")

    return view.each(_semantic(exchanges), judge)


def _words(text: Any) -> list[str]:
    """The words of a text that any vocabulary can tell apart; none where there are fewer than three."""
    found = text.casefold().split() if isinstance(text, str) and text.isascii() else []
    return found if len(found) > 2 and any(word.isalpha() for word in found) else []


@check("embeddings.non-zero", level=SHOULD, applies=view.is_embedding, spec="issue#ollama/ollama/12611")
def non_zero(exchange: Exchange) -> Iterator[Finding]:
    """The vector of a text is not zero."""
    judged = False
    for number, (text, vector) in enumerate(zip(_texts(exchange), view.vectors(exchange), strict=False)):
        judged = judged or bool(_words(text))
        if _words(text) and not any(vector):
            yield Finding("a vector", f"{len(vector)} zeros", f"body /data/{number}/embedding")
            return
    if not judged:
        raise Inconclusive("there is no text of three words")


def _told_apart(exchanges: Sequence[Exchange]) -> list[Exchange]:
    # A paraphrase may have the very vector of what it paraphrases.
    answered = [exchange for exchange in exchanges if view.is_embedding(exchange) and exchange.step != "semantic"]
    return [exchange for exchange in answered if any(map(_words, _texts(exchange)))]


@relation(
    "embeddings.distinct",
    level=SHOULD,
    applies=lambda exchanges: bool(_told_apart(exchanges)),
    spec="issue#mudler/LocalAI/6257",
)
def distinct(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Texts of other words have other vectors."""
    seen: dict[Vector, list[str]] = {}
    texts: set[str] = set()
    for exchange in _told_apart(exchanges):
        try:
            vectors = view.vectors(exchange)
        except Inconclusive:
            continue
        for number, (text, vector) in enumerate(zip(_texts(exchange), vectors, strict=False)):
            words = _words(text)
            # Few numbers can be alike by accident, as one that is scaled to length 1.
            if not words or len(vector) < 8 or not any(vector):
                continue
            texts.add(" ".join(words))
            if sorted(set(seen.setdefault(vector, words))) != sorted(set(words)):
                where = f"exchange {exchange.number} /data/{number}/embedding"
                yield Finding(f"another vector than that of {' '.join(seen[vector])!r:.60}", "the same", where)
                return
    if len(texts) < 2:
        raise Inconclusive("there were no two texts to compare")


def _batches(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(batch, one of its texts alone)"""
    answered = [exchange for exchange in exchanges if view.is_embedding(exchange)]
    return [
        (batch, single)
        for batch in answered
        for single in answered
        if len(_texts(batch)) > 1
        and len(_texts(single)) == 1
        and _texts(single)[0] in _texts(batch)
        and all(map(_words, _texts(batch)))
        and view.same_but(batch, single, "input", "encoding_format")
    ]


@relation(
    "embeddings.batch-counted",
    level=SHOULD,
    applies=lambda exchanges: bool(_batches(exchanges)),
    spec="openai#/components/schemas/CreateEmbeddingResponse/properties/usage/properties/prompt_tokens",
)
def batch_counted(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A batch counts the tokens of all its texts: more than one of them alone."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        whole, one = (view.count(view.usage(exchange), "prompt_tokens") for exchange in pair)
        if one and whole <= one:
            where = f"exchange {pair[0].number} /usage/prompt_tokens"
            yield Finding(f"more than the {one} of exchange {pair[1].number}", f"{whole}", where)

    return view.each(_batches(exchanges), judge)
