"""Generations, chat and legacy: how many choices, how long, and what a message has."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

REQUEST = "openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/"


def _n(exchange: Exchange) -> int:
    n = exchange.request.get("n")
    return n if isinstance(n, int) and not isinstance(n, bool) else 1


def _prompts(exchange: Exchange) -> int:
    prompt = exchange.request.get("prompt")
    if view.is_completion(exchange) and isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        return len(prompt)
    return 1


@check("chat.choice-count", level=MUST, applies=view.is_plain, spec=REQUEST + "n")
def choice_count(exchange: Exchange) -> Iterator[Finding]:
    """There are `n` choices (for each prompt), with the indices 0 to n-1: `n` is honoured or refused."""
    wanted = _n(exchange) * _prompts(exchange)
    body = view.completion(exchange)
    found = body.get("choices")
    if not isinstance(found, list):
        raise Inconclusive("there are no choices")
    if len(found) != wanted:
        yield Finding(f"{wanted} choices", f"{len(found)}", "/choices")
        return
    indices = [view.index_of(choice) for choice in view.choices_of(body)]
    if sorted(indices) != list(range(wanted)):
        yield Finding(f"the indices 0 to {wanted - 1}", str(indices), "/choices/*/index")


def _limit(exchange: Exchange) -> Any:
    found = [exchange.request.get(name) for name in ("max_completion_tokens", "max_tokens")]
    return next((n for n in found if isinstance(n, int) and not isinstance(n, bool)), None)


@check(
    "chat.max-tokens",
    level=MUST,
    applies=lambda x: (
        view.is_generation(x) and _limit(x) is not None and (not x.asked_to_stream or b'"usage"' in x.body)
    ),
    spec=REQUEST + "max_completion_tokens",
)
def max_tokens(exchange: Exchange) -> Iterator[Finding]:
    """No more tokens are generated than the limit allows, and an answer that was cut by it says `length`."""
    best = exchange.request.get("best_of")
    rows = max(_n(exchange), best if isinstance(best, int) else 1) * _prompts(exchange)
    used = view.count(view.usage(exchange), "completion_tokens")
    allowed = _limit(exchange) * rows
    if used > allowed:
        yield Finding(f"at most {allowed} completion tokens", str(used), "/usage/completion_tokens")


@check(
    "chat.message-refusal",
    level=SHOULD,
    applies=lambda x: view.is_chat(x) and view.is_plain(x),
    spec="openai#/components/schemas/ChatCompletionResponseMessage/properties/refusal",
)
def message_refusal(exchange: Exchange) -> Iterator[Finding]:
    """A message has the member `refusal`, null where nothing was refused."""
    for index, choice in enumerate(view.choices(exchange)):
        message = choice.get("message")
        if isinstance(message, dict) and "refusal" not in message:
            yield Finding("a string or null", "absent", f"/choices/{index}/message/refusal")
