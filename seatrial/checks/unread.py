"""What a request says is read: all of it is part of the prompt."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MAY, SHOULD, Exchange, Finding

_PROMPT = ("messages", "input", "tools")
_ENOUGH = 4
"""Words more that no tokenizer spells in as few tokens."""

Pair = tuple[Exchange, Exchange]


def _words(value: Any) -> int:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return len(value.split()) if isinstance(value, str) else sum(map(_words, parts))


def _more(one: Any, other: Any) -> int | None:
    """How many words the second says beyond the first, in its texts, parts and tools; None where it says other things."""
    if isinstance(one, str) and isinstance(other, str) and one and one in other:
        return _words(other) - _words(one)
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() <= other.keys():
        found = [_more(one[name], other[name]) for name in one]
        found += [_words(other[name]) for name in other if name not in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) <= len(other):
        found = [_more(*pair) for pair in zip(one, other, strict=False)]
        added = other[len(one) :]
        # A message more may take the place of one that the server puts in itself.
        found += [None if isinstance(item, dict) and "role" in item else _words(item) for item in added]
    else:
        return 0 if one == other else None
    return None if None in found else sum(filter(None, found))


def _pairs(exchanges: Sequence[Exchange]) -> list[Pair]:
    """Requests that are the same but for texts, of which the second says more."""
    asked = [one for one in exchanges if view.is_chat(one) or view.is_response(one)]
    found = []
    for one in asked:
        for other in asked:
            tools = one.request.get("tools") != other.request.get("tools")
            if one is other or not view.same_but(one, other, *_PROMPT) or (tools and view.tool_choice(other) != "auto"):
                continue  # tools that may not be called need not be told to the model
            more = [_more(one.request.get(name), other.request.get(name)) for name in _PROMPT]
            if None not in more and sum(filter(None, more)) >= _ENOUGH:
                found.append((one, other))
    return found


def _suffixed(exchanges: Sequence[Exchange]) -> list[Exchange]:
    """One completion without a suffix, and those that differ in their suffix alone."""
    plain = [one for one in exchanges if view.is_completion(one) and view.is_plain(one)]
    bare = next((one for one in plain if view.member(one, "suffix") is None), None)
    return [one for one in plain if bare is not None and view.same_but(bare, one, "suffix")]


@relation(
    "completions.suffix-read",
    level=MAY,
    applies=lambda exchanges: len({str(view.member(one, "suffix")) for one in _suffixed(exchanges)}) > 2,
    spec="openai#/components/schemas/CreateCompletionRequest/properties/suffix",
)
def suffix_read(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A suffix is read: with another one, another text is inserted, or more tokens are read.

    Information: a model may insert the same, and a server may not count the suffix.
    """
    asked = _suffixed(exchanges)
    said = {view.text(view.choices(one)[0]) for one in asked}
    read = {_read(one) for one in asked}
    if len(min(said).split()) < _ENOUGH:
        raise Inconclusive("the text is so short that any suffix may follow it")
    if len(said) == len(read) == 1:
        actual = f"{len(asked)} times the same, {repr(min(said))[:60]}, and {min(read)} tokens read"
        yield Finding("a text, or a count, that differs", actual, f"exchange {asked[-1].number}")


def _read(exchange: Exchange) -> int:
    if view.is_response(exchange):
        return view.input_tokens(exchange)
    return view.count(view.usage(exchange), "prompt_tokens")


@relation(
    "usage.request-read",
    level=SHOULD,
    applies=lambda exchanges: bool(_pairs(exchanges)),
    spec="openai#/components/schemas/CompletionUsage/properties/prompt_tokens",
)
def request_read(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A request that says more counts more: each of its texts, parts and tools is read."""

    def judge(pair: Pair) -> Iterator[Finding]:
        less, more = map(_read, pair)
        if not less:
            raise Inconclusive("the prompt is said to have no tokens")
        if more <= less:
            wanted = f"more than the {less} tokens of exchange {pair[0].number}, which says less"
            yield Finding(wanted, f"{more}", f"exchange {pair[1].number} /usage")

    return view.each(_pairs(exchanges), judge)
