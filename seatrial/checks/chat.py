"""Chat and legacy completions: that n and the limit of tokens are honoured."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_REQUEST = "openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/"


@check("chat.choice-count", level=MUST, applies=view.is_generation, spec=_REQUEST + "n")
def choice_count(exchange: Exchange) -> Iterator[Finding]:
    """There are as many choices as the request asks for (n for each prompt; 1 unasked), numbered from 0."""
    wanted = view.wanted_choices(exchange)
    if exchange.asked_to_stream:
        view.require_end(exchange)
        streamed = len(view.joined(exchange)["choices"])
        # Indices out of range are judged by stream.choice-indices.
        if streamed < wanted:
            yield Finding(f"{wanted} choices", f"{streamed}", "choices of the stream")
        return
    listed = view.whole_answer(exchange).get("choices")
    if not isinstance(listed, list) or not all(isinstance(choice, dict) for choice in listed):
        raise Inconclusive("choices is not a list of objects")
    if len(listed) != wanted:
        yield Finding(f"{wanted} choices", f"{len(listed)}", "body /choices")
        return
    found = [view.index(choice) for choice in listed]
    if sorted(found) != list(range(wanted)):
        yield Finding(f"the indices 0 to {wanted - 1}, each once", f"{found}"[:120], "body /choices/*/index")


def _has_several(exchange: Exchange) -> bool:
    return view.is_plain(exchange) and view.is_chat(exchange) and (view.number(exchange, "n") or 1) > 1


@check(
    "chat.choices-in-order",
    level=SHOULD,
    applies=_has_several,
    spec="openai#/components/schemas/CreateChatCompletionResponse/properties/choices/items/properties/index",
)
def choices_in_order(exchange: Exchange) -> Iterator[Finding]:
    """The index of a choice is its place in the list of choices."""
    found = [view.index(choice) for choice in view.choices(exchange)]
    if sorted(found) != list(range(len(found))):
        raise Inconclusive("the choices are not numbered from 0")
    if found != sorted(found):
        yield Finding(f"{sorted(found)}", f"{found}", "body /choices/*/index")


def _is_limited(exchange: Exchange) -> bool:
    return view.is_generation(exchange) and view.limit(exchange) is not None


@check("chat.max-tokens", level=MUST, applies=_is_limited, spec=_REQUEST + "max_completion_tokens")
def max_tokens(exchange: Exchange) -> Iterator[Finding]:
    """No more tokens are generated, for each choice, than the limit that the request states."""
    stated = view.limit(exchange) or 0
    best_of = view.number(exchange, "best_of") or 1
    wanted = view.wanted_choices(exchange)
    per_prompt = wanted // max(view.number(exchange, "n") or 1, 1)
    most = stated * max(wanted, best_of * per_prompt)
    usage: Any = view.completion(exchange).get("usage")
    if isinstance(usage, dict):
        used = view.count(usage, "completion_tokens")
        if used > most:
            yield Finding(f"at most {most} completion tokens", f"{used}", "/usage/completion_tokens")
        return
    if view.is_completion(exchange):
        raise Inconclusive("the answer has no usage")
    for choice in view.choices(exchange):
        used = len(view.logprobs(choice))
        # The token that ends an answer may be among the records.
        if used > stated + 1:
            yield Finding(
                f"at most {stated} tokens", f"{used} token records", f"choice {choice.get('index')} /logprobs"
            )


def _is_plain_chat(exchange: Exchange) -> bool:
    return view.is_chat(exchange) and view.is_plain(exchange)


@check(
    "chat.message-refusal",
    level=SHOULD,
    applies=_is_plain_chat,
    spec="openai#/components/schemas/ChatCompletionResponseMessage/properties/refusal",
)
def message_refusal(exchange: Exchange) -> Iterator[Finding]:
    """A message has the member `refusal`, null where the model did not refuse."""
    for number, choice in enumerate(view.choices(exchange)):
        if isinstance(choice.get("message"), dict) and "refusal" not in choice["message"]:
            yield Finding("a string or null", "absent", f"body /choices/{number}/message/refusal")
            return
