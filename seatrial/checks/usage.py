"""Usage: the arithmetic of token counts."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_USAGE = "openai#/components/schemas/CompletionUsage"
_DETAILS = {
    "prompt_tokens_details": ("prompt_tokens", "audio cache_write cached image text"),
    "completion_tokens_details": (
        "completion_tokens",
        "accepted_prediction audio reasoning rejected_prediction text",
    ),
}
"""Of which count each detail is a part; a server's own details may count what is no part of it."""


def _counts(exchange: Exchange) -> bool:
    return (view.is_generation(exchange) or view.is_embedding(exchange)) and b'"usage"' in exchange.body


@check("usage.sum", level=MUST, applies=_counts, spec=_USAGE + "/properties/total_tokens")
def total(exchange: Exchange) -> Iterator[Finding]:
    """The total is the tokens of the prompt and of the completion together."""
    usage = view.usage(exchange)
    prompt, whole = view.count(usage, "prompt_tokens"), view.count(usage, "total_tokens")
    # Embeddings have no completion; a server that names it says 0.
    said = view.count(usage, "completion_tokens") if view.is_generation(exchange) else usage.get("completion_tokens")
    completion = said if isinstance(said, int) else 0
    if whole != prompt + completion:
        yield Finding(f"{prompt} + {completion} = {prompt + completion}", f"{whole}", "/usage/total_tokens")


def _empty_prompt(exchange: Exchange) -> bool:
    if view.is_completion(exchange):
        return not all(view.prompts(exchange))
    said = exchange.request.get("messages")  # a model may have no template, and add nothing to what it is told
    return isinstance(said, list) and not any(one.get("content") for one in said if isinstance(one, dict))


def _said_something(exchange: Exchange) -> bool:
    if view.echo(exchange):
        return False  # the text may be the prompt alone
    return any(view.text(choice) or view.calls(choice) for choice in view.choices(exchange))


@check("usage.non-zero", level=MUST, applies=_counts, spec=_USAGE)
def non_zero(exchange: Exchange) -> Iterator[Finding]:
    """A prompt has at least one token, and so has a completion that says anything."""
    usage = view.usage(exchange)
    if view.count(usage, "prompt_tokens") < 1 and not _empty_prompt(exchange):
        yield Finding("at least 1", f"{usage['prompt_tokens']}", "/usage/prompt_tokens")
    if view.is_generation(exchange) and view.count(usage, "completion_tokens") < 1 and _said_something(exchange):
        yield Finding("at least 1", f"{usage['completion_tokens']}", "/usage/completion_tokens")


def _has_details(exchange: Exchange) -> bool:
    return view.is_generation(exchange) and b"_tokens_details" in exchange.body


@check("usage.details-within", level=MUST, applies=_has_details, spec=_USAGE + "/properties/completion_tokens_details")
def details_within(exchange: Exchange) -> Iterator[Finding]:
    """No detail of a count is larger than the count."""
    usage = view.usage(exchange)
    judged = False
    for name, (of, parts) in _DETAILS.items():
        details: Any = usage.get(name)
        if not isinstance(details, dict):
            continue
        most = view.count(usage, of)
        for detail, value in details.items():
            known = detail.removesuffix("_tokens") in parts.split() and detail.endswith("_tokens")
            if isinstance(value, bool) or not isinstance(value, int) or not known:
                continue
            judged = True
            if value > most:
                yield Finding(f"at most {most} ({of})", f"{value}", f"/usage/{name}/{detail}")
    if not judged:
        raise Inconclusive("the usage has no details")


_MOST_LIMIT = 256
"""A larger limit may be cut by the server's own, or by what its context has room for."""


def _counts_to_limit(exchange: Exchange) -> bool:
    free = view.member(exchange, "response_format") is None and not view.functions(exchange)
    return (
        free
        and _counts(exchange)
        and not view.is_embedding(exchange)
        and 1 < (view.limit(exchange) or 0) <= _MOST_LIMIT
    )


@check("usage.cut-counted", level=SHOULD, applies=_counts_to_limit, spec="issue#ggml-org/llama.cpp/27318")
def cut_counted(exchange: Exchange) -> Iterator[Finding]:
    """An answer that was cut at the limit of tokens has as many completion tokens, in each of its choices."""
    found = view.choices(exchange)
    if any(view.finish_reason(choice) != "length" for choice in found):
        raise Inconclusive("not every choice was cut")
    used = view.count(view.usage(exchange), "completion_tokens")
    limit = view.limit(exchange) or 0
    # One token of each may be counted in another way: the last one, or a part of a character.
    if used < (limit - 1) * len(found):
        yield Finding(f"{limit} of each of {len(found)} choices", f"{used}", "/usage/completion_tokens")
