"""Usage: the arithmetic."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, Exchange, Finding

USAGE = "openai#/components/schemas/CompletionUsage"


def _counted(x: Exchange) -> bool:
    # A stream has usage only where it was asked for, or came all the same.
    if view.is_generation(x) and x.asked_to_stream:
        return b'"usage":{' in x.body.replace(b'"usage": {', b'"usage":{')
    return view.is_generation(x) or view.is_embedding(x)


@check("usage.sum", level=MUST, applies=_counted, spec=USAGE + "/properties/total_tokens")
def sums(exchange: Exchange) -> Iterator[Finding]:
    """total_tokens is prompt_tokens plus completion_tokens."""
    usage = view.usage(exchange)
    prompt, total = view.count(usage, "prompt_tokens"), view.count(usage, "total_tokens")
    completion = 0 if view.is_embedding(exchange) else view.count(usage, "completion_tokens")
    if total != prompt + completion:
        yield Finding(f"{prompt} + {completion} = {prompt + completion}", str(total), "/usage/total_tokens")


@check("usage.non-zero", level=MUST, applies=_counted, spec=USAGE)
def non_zero(exchange: Exchange) -> Iterator[Finding]:
    """What was read and what was written is counted: neither is 0 where there was something."""
    usage = view.usage(exchange)
    if view.count(usage, "prompt_tokens") == 0 and exchange.request.get("prompt") != "":
        yield Finding("at least 1", "0", "/usage/prompt_tokens")
    if view.is_embedding(exchange):
        return
    wrote = any(view.text_of(choice) or view.calls_of(choice) for choice in view.choices(exchange))
    if exchange.request.get("echo") is True:
        wrote = False
    if wrote and view.count(usage, "completion_tokens") == 0:
        yield Finding("at least 1", "0", "/usage/completion_tokens")


@check("usage.details-within", level=MUST, applies=lambda x: view.is_generation(x) and _counted(x), spec=USAGE)
def details_within(exchange: Exchange) -> Iterator[Finding]:
    """Each count of the details is a part of its total."""
    usage = view.usage(exchange)
    seen = False
    for details, total in (
        ("prompt_tokens_details", "prompt_tokens"),
        ("completion_tokens_details", "completion_tokens"),
    ):
        table: Mapping[str, Any] = usage.get(details) or {}
        for name in ("cached_tokens", "audio_tokens", "reasoning_tokens"):
            if isinstance(table, dict) and isinstance(table.get(name), int):
                seen = True
                if table[name] > view.count(usage, total):
                    yield Finding(f"at most {usage[total]}", str(table[name]), f"/usage/{details}/{name}")
    if not seen:
        raise Inconclusive("the usage has no details")
