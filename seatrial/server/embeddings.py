"""POST /embeddings."""

from __future__ import annotations

import base64
import hashlib
import math
import re
import struct
from typing import Any

from seatrial.server import tokens
from seatrial.server import validate as v
from seatrial.server.plant import Json
from seatrial.server.refuse import bad

SIZE = 64
_LONGEST = 8192


def validate(body: Json, known: dict[str, Any]) -> None:
    """Raises Refused at the first fault of a request."""
    model = v.model(body, known)
    if not known[model].get("embeddings"):
        raise bad("model", f"This model does not serve embeddings: '{model}'.", "model_not_supported")
    rules = {
        "encoding_format": v.one_of("float", "base64"),
        "dimensions": v.number(1, SIZE, whole=True),
        "user": v.text(),
    }
    v.members(body, rules, {"model", "input"})
    v.required(body, "input")
    for one in inputs(body):
        if tokens.count(one) > _LONGEST:
            raise bad("input", f"Invalid 'input': at most {_LONGEST} tokens.", "context_length_exceeded")


def inputs(body: Json) -> list[str]:
    """The inputs of a request, as texts. Raises Refused where they are none."""
    given = body.get("input")
    items = given if isinstance(given, list) else [given]
    if isinstance(given, list) and given and all(isinstance(i, int) and not isinstance(i, bool) for i in given):
        items = [given]
    if not items or len(items) > 2048:
        raise bad("input", "Invalid 'input': expected 1 to 2048 inputs.", "invalid_value")
    found = []
    for item in items:
        if isinstance(item, str) and item:
            found.append(item)
        elif (
            isinstance(item, list)
            and item
            and all(isinstance(i, int) and not isinstance(i, bool) and i >= 0 for i in item)
        ):
            found.append(tokens.decode(item))
        else:
            raise bad(
                "input", "Invalid 'input': expected strings that are not empty, or arrays of tokens.", "invalid_type"
            )
    kinds = {type(item) for item in items}
    if len(kinds) > 1:
        raise bad("input", "Invalid 'input': strings and tokens are not mixed.", "invalid_type")
    return found


_CONCEPTS = {
    word: group[0]
    for group in (
        ("doctor", "physician", "medic"),
        ("sick", "ill", "unwell"),
        ("child", "kid", "boy", "girl"),
        ("examined", "looked", "inspected", "saw"),
        ("car", "automobile", "vehicle"),
        ("cat", "kitten"),
        ("dog", "puppy", "hound"),
        ("big", "large", "huge"),
        ("small", "little", "tiny"),
        ("ship", "boat", "vessel"),
        ("fast", "quick", "rapid"),
        ("buy", "purchase", "bought"),
        ("begin", "start", "started"),
    )
    for word in group
}
_EMPTY = frozenset(
    ["a", "an", "the", "of", "at", "in", "on", "to", "is", "are", "was", "were", "and", "or", "it", "its"]
)


def vector(text: str, size: int) -> list[float]:
    """A vector of length 1: texts that share words, parts of words, or concepts are near each other."""
    found = [0.0] * size
    words = [_CONCEPTS.get(word, word) for word in re.findall(r"\w+", text.lower()) if word not in _EMPTY]
    for word in words or [text]:
        padded = f"^{word}$"
        for gram in {padded[i : i + 3] for i in range(max(1, len(padded) - 2))} | {word}:
            digest = hashlib.blake2s(gram.encode("utf-8", "surrogatepass"), digest_size=6).digest()
            found[int.from_bytes(digest[:4]) % size] += 1.0 if digest[4] & 1 else -1.0
    norm = math.sqrt(sum(value * value for value in found))
    if not norm:
        found[0] = norm = 1.0
    return [struct.unpack("<f", struct.pack("<f", value / norm))[0] for value in found]


def answer(body: Json) -> Json:
    """The embeddings of a valid request."""
    size = body.get("dimensions") or SIZE
    texts = inputs(body)
    rows = []
    for index, text in enumerate(texts):
        made: Any = vector(text, size)
        if body.get("encoding_format") == "base64":
            made = base64.b64encode(struct.pack(f"<{size}f", *made)).decode("ascii")
        rows.append({"object": "embedding", "index": index, "embedding": made})
    read = sum(max(tokens.count(text), 1) for text in texts)
    usage = {"prompt_tokens": read, "total_tokens": read}
    return {"object": "list", "data": rows, "model": body["model"], "usage": usage}
