"""Where an expected and an actual text differ, for reports that mark it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

_WORDS = re.compile(r"\w+|\s+|.", re.DOTALL)
_MOST = 4_000
"""Characters of a text that is compared; comparing takes time that grows with the square of the length."""
_ALIKE = 0.3
"""Below this share of common words, marks would cover nearly all and say nothing."""
_AROUND = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; `differs` where the other text has something else."""

    text: str
    differs: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """A line of both texts, of the expected alone (`-`), of the actual alone (`+`), or how many are left out (`@`)."""

    sign: str
    text: str


def pieces(expected: str, actual: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts with the words that differ marked; nothing is marked in texts that are long, or have little in common."""
    whole = [Piece(expected)], [Piece(actual)]
    if max(len(expected), len(actual)) > _MOST or expected == actual:
        return whole
    left, right = _WORDS.findall(expected), _WORDS.findall(actual)
    matcher = SequenceMatcher(None, left, right, autojunk=False)
    common = sum(sum(map(len, left[block.a : block.a + block.size])) for block in matcher.get_matching_blocks())
    if 2 * common < _ALIKE * (len(expected) + len(actual)):
        return whole
    sides: tuple[list[Piece], list[Piece]] = ([], [])
    for kind, a, b, c, d in matcher.get_opcodes():
        for side, words in zip(sides, (left[a:b], right[c:d]), strict=True):
            if words:
                side.append(Piece("".join(words), kind != "equal"))
    return sides


def lines(expected: str, actual: str) -> list[Line]:
    """Two JSON objects or lists, laid out and compared line by line; empty where a text is none, or has one line."""
    laid_out = [_laid_out(text) for text in (expected, actual)]
    if laid_out[0] == laid_out[1] or not all(len(rows) > 1 for rows in laid_out):
        return []
    return list(_compared(*laid_out))


def _laid_out(text: str) -> list[str]:
    if len(text) > _MOST or not text.startswith(("{", "[")):
        return []
    try:
        return json.dumps(json.loads(text), ensure_ascii=False, indent=2, sort_keys=True).split("\n")
    except (ValueError, RecursionError):
        return []


def _compared(left: Sequence[str], right: Sequence[str]) -> Iterator[Line]:
    shown = 0
    for group in SequenceMatcher(None, left, right, autojunk=False).get_grouped_opcodes(_AROUND):
        if group[0][1] > shown:
            yield Line("@", str(group[0][1] - shown))
        shown = group[-1][2]
        for kind, a, b, c, d in group:
            if kind == "equal":
                yield from (Line(" ", row) for row in left[a:b])
            else:
                yield from (Line("-", row) for row in left[a:b])
                yield from (Line("+", row) for row in right[c:d])
    if len(left) > shown:
        yield Line("@", str(len(left) - shown))
