"""Counts of tokens that two requests have in common."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import SHOULD, Exchange, Finding

_USAGE = "openai#/components/schemas/CompletionUsage/properties/"

Pair = tuple[Exchange, Exchange]


def _pairs(exchanges: Sequence[Exchange], right: Callable[[Exchange, Exchange], bool]) -> list[Pair]:
    counted = [exchange for exchange in exchanges if view.is_generation(exchange) and b'"usage"' in exchange.body]
    return [(one, other) for one in counted for other in counted if one is not other and right(one, other)]


def _counted_twins(exchanges: Sequence[Exchange]) -> list[tuple[list[Exchange], list[Exchange]]]:
    return [pair for pair in view.settled_twins(exchanges) if any(b'"usage"' in exchange.body for exchange in pair[1])]


def _said(exchange: Exchange) -> tuple[list[tuple[str, str | None]], int]:
    """What an answer says and why each choice ended; and how many tokens that was by the server's own count."""
    found = [(view.text(choice).strip(), view.finish_reason(choice)) for choice in view.choices(exchange)]
    return found, view.count(view.usage(exchange), "completion_tokens")


@relation(
    "stream.completion-tokens-equal-plain",
    level=SHOULD,
    applies=lambda exchanges: bool(_counted_twins(exchanges)),
    spec=_USAGE + "completion_tokens",
)
def completion_tokens_equal_plain(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A stream counts as many tokens in the answer as the plain answer of the same words."""

    def judge(pair: tuple[list[Exchange], list[Exchange]]) -> Iterator[Finding]:
        plain, streamed = ([_said(exchange) for exchange in kind] for kind in pair)
        if any(said[0] != plain[0][0] for said in (*plain, *streamed)):
            raise Inconclusive("the answers differ, so the counts may")
        if not all(said[1] for said in (*plain, *streamed)):
            raise Inconclusive("a count is 0, which another check judges")
        if not view.agree(plain, streamed, lambda one, other: one[1] == other[1]):
            where = f"exchange {pair[1][0].number} /usage/completion_tokens"
            yield Finding(f"{plain[0][1]}, as plain", f"{streamed[0][1]}", where)

    return view.each(_counted_twins(exchanges), judge)


def _more_choices(one: Exchange, other: Exchange) -> bool:
    n = view.number(other, "n") or 1
    return view.member(one, "n", 1) == 1 and n > 1 and view.same_but(one, other, "n")


@relation(
    "usage.prompt-once",
    level=SHOULD,
    applies=lambda exchanges: bool(_pairs(exchanges, _more_choices)),
    spec="issue#openai/openai-python/155",
)
def prompt_once(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A prompt counts once, however many choices are made of it."""

    def judge(pair: Pair) -> Iterator[Finding]:
        one, several = (view.count(view.usage(exchange), "prompt_tokens") for exchange in pair)
        # A template may tell the date; a prompt that is counted again is twice as long.
        if one > 1 and several >= 2 * one:
            yield Finding(f"{one}, as of one choice", f"{several}", f"exchange {pair[1].number} /usage/prompt_tokens")

    return view.each(_pairs(exchanges, _more_choices), judge)


def _in_batch(one: Exchange, other: Exchange) -> bool:
    prompt, batch = one.request.get("prompt"), other.request.get("prompt")
    listed = isinstance(batch, list) and all(isinstance(text, str) and " " in text.strip() for text in batch)
    return listed and len(batch) > 1 and prompt in batch and view.same_but(one, other, "prompt")


@relation(
    "completions.batch-counted",
    level=SHOULD,
    applies=lambda exchanges: bool(_pairs(exchanges, _in_batch)),
    spec=_USAGE + "prompt_tokens",
)
def batch_counted(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A batch of prompts counts the tokens of all of them: more than one of them alone."""

    def judge(pair: Pair) -> Iterator[Finding]:
        alone, together = (view.count(view.usage(exchange), "prompt_tokens") for exchange in pair)
        if alone and together <= alone:
            where = f"exchange {pair[1].number} /usage/prompt_tokens"
            yield Finding(f"more than the {alone} of exchange {pair[0].number}", f"{together}", where)

    return view.each(_pairs(exchanges, _in_batch), judge)
