"""The deterministic model: what it says is a function of what it was asked, and of the seed where there is chance."""

from __future__ import annotations

import hashlib
import math
import random
import re
from collections.abc import Callable, Mapping

from seatrial.server import tokens

WORDS = [
    "harbour",
    "tide",
    "anchor",
    "compass",
    "lantern",
    "signal",
    "deck",
    "cargo",
    "voyage",
    "current",
    "chart",
    "beacon",
    "sail",
    "rudder",
    "pilot",
    "crew",
    "storm",
    "island",
    "channel",
    "bridge",
    "engine",
    "cabin",
    "wave",
    "north",
    "south",
    "morning",
    "evening",
    "water",
    "light",
    "steady",
    "quiet",
    "narrow",
    "distant",
    "old",
    "bright",
    "heavy",
    "simple",
    "careful",
    "early",
    "open",
    "deep",
    "clear",
    "slow",
    "long",
    "warm",
    "small",
]
_NUMBERS = ["one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]

Speak = Callable[[str], str]


def dice(*parts: object) -> random.Random:
    """A generator of chance that depends on these parts alone."""
    return random.Random(  # noqa: S311 - repeatable chance is the point
        hashlib.blake2b("\0".join(map(str, parts)).encode("utf-8", "surrogatepass"), digest_size=8).digest()
    )


def answer(prompt: str, seed: object = "", length: int = 28) -> str:
    """What the model says to a prompt: it repeats what it is told to, counts, or tells of the sea."""
    prompt = prompt.encode("utf-8", "replace").decode()  # no lone surrogates: they have no UTF-8
    told = re.search(r"[Rr]epeat (?:exactly |this exactly: )?(.+?)(?: and nothing else)?[.]?\s*$", prompt, re.S)
    if told:
        return told.group(1).strip().strip('"')
    counted = re.search(r"[Cc]ount (?:from one )?to (\w+)", prompt)
    if counted and counted.group(1).lower() in _NUMBERS:
        return ", ".join(_NUMBERS[: _NUMBERS.index(counted.group(1).lower()) + 1]) + "."
    chance = dice("answer", prompt, seed)
    words = [chance.choice(WORDS) for _ in range(length + chance.randrange(8))]
    sentences = []
    while words:
        size = min(len(words), 5 + chance.randrange(4))
        sentences.append(" ".join(words[:size]).capitalize() + ".")
        words = words[size:]
    return " ".join(sentences)


def logprob(token: bytes, place: int, prompt: str) -> float:
    """The log probability of a token at its place: at most 0, the same each time."""
    return -round(dice("logprob", token, place, prompt).random() * 2.0, 6)


def alternatives(token: bytes, place: int, prompt: str, wanted: int) -> list[tuple[bytes, float]]:
    """The most likely tokens at a place, the chosen one first, falling."""
    first = logprob(token, place, prompt)
    chance = dice("alternatives", token, place, prompt)
    others = [
        b" " + word.encode() for word in chance.sample(WORDS, min(wanted, len(WORDS))) if b" " + word.encode() != token
    ]
    # What the chosen one leaves is shared out: together they are no more than certain.
    found, last = [(token, first)], min(math.exp(first), max(1 - math.exp(first), 1e-6))
    for other in others[: max(0, wanted - 1)]:
        last *= 0.2 + 0.3 * chance.random()
        found.append((other, round(math.log(last), 6)))
    return found[:wanted]


def cut_at_stop(text: str, stops: list[str]) -> tuple[str, bool]:
    """The text up to the first stop sequence, and whether there was one."""
    places = [at for stop in stops if (at := text.find(stop)) >= 0]
    return (text[: min(places)], True) if places else (text, False)


def limited(text: str, limit: int | None) -> tuple[list[bytes], bool]:
    """The tokens of a text up to the limit, whole characters only, and whether it was cut."""
    pieces = tokens.split(text)
    if limit is None or len(pieces) <= limit:
        return pieces, False
    kept = pieces[:limit]
    while kept:
        try:
            b"".join(kept).decode("utf-8")
            break
        except UnicodeDecodeError:
            kept.pop()
    return kept, True


def whole_texts(pieces: list[bytes]) -> list[str]:
    """The pieces as texts to be streamed: bytes of an unfinished character wait for the rest of it."""
    texts, held = [], b""
    for piece in pieces:
        held += piece
        try:
            texts.append(held.decode("utf-8"))
            held = b""
        except UnicodeDecodeError:
            continue
    if held:
        texts.append(held.decode("utf-8", "replace"))
    return texts


def biased(text: str, bias: Mapping[str, float] | None) -> str:
    """The text under a logit_bias: a token of +100 is all that is said, one of -100 is not said."""
    forced = [int(id) for id, value in (bias or {}).items() if value >= 100]
    if forced:
        return tokens.decode(forced[:1] * 8)
    banned = {int(id) for id, value in (bias or {}).items() if value <= -100}
    if not banned:
        return text
    pieces = zip(tokens.split(text), tokens.encode(text), strict=True)
    return b"".join(piece for piece, id in pieces if id not in banned).decode("utf-8", "replace")
