"""Legacy completions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

REQUEST = "openai#/components/schemas/CreateCompletionRequest/properties/"


@check(
    "completions.echo",
    level=MUST,
    applies=lambda x: view.is_completion(x) and x.request.get("echo") is True,
    spec=REQUEST + "echo",
)
def echo(exchange: Exchange) -> Iterator[Finding]:
    """With `echo: true` each text begins with its prompt."""
    prompt = exchange.request.get("prompt")
    prompts = [prompt] if isinstance(prompt, str) else prompt
    if not isinstance(prompts, list) or not prompts or not all(isinstance(p, str) for p in prompts):
        raise Inconclusive("the prompt is not text")
    found = view.choices(exchange)
    for index, choice in enumerate(found):
        wanted = prompts[index * len(prompts) // len(found)]
        if not view.text_of(choice).startswith(wanted):
            yield Finding(f"{wanted[:80]!r} first", repr(view.text_of(choice)[:120]), f"text of choice {index}")


def _wants_logprobs(x: Exchange) -> bool:
    wanted = x.request.get("logprobs")
    return view.is_completion(x) and isinstance(wanted, int) and not isinstance(wanted, bool)


@check("completions.logprobs", level=MUST, applies=_wants_logprobs, spec=REQUEST + "logprobs")
def logprobs(exchange: Exchange) -> Iterator[Finding]:
    """With `logprobs` each choice that has text has tokens, token_logprobs and text_offset, of one length."""
    seen = False
    for choice in view.choices(exchange):
        if not view.text_of(choice):
            continue
        seen = True
        found: Any = choice.get("logprobs")
        where = f"choice {view.index_of(choice)}"
        if not isinstance(found, dict):
            yield Finding("logprobs", str(found), where)
            continue
        lengths = {
            name: len(found[name])
            for name in ("tokens", "token_logprobs", "text_offset")
            if isinstance(found.get(name), list)
        }
        if "tokens" not in lengths or "token_logprobs" not in lengths:
            yield Finding("tokens and token_logprobs", ", ".join(found) or "none", f"{where}, logprobs")
        elif len(set(lengths.values())) > 1 or not lengths["tokens"]:
            yield Finding("lists of one length, not 0", str(lengths), f"{where}, logprobs")
    if not seen:
        raise Inconclusive("the answer has no text")


@relation(
    "completions.best-of-counted",
    level=SHOULD,
    applies=lambda xs: any(view.is_completion(x) and (x.request.get("best_of") or 0) > 1 for x in xs) and len(xs) > 1,
    spec=REQUEST + "best_of",
)
def best_of_counted(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """best_of is honoured: the tokens of all candidates are generated, and counted."""
    for many in exchanges:
        if not view.is_completion(many) or (many.request.get("best_of") or 0) < 2:
            continue
        for one in exchanges:
            if (
                one is not many
                and view.is_completion(one)
                and view.same_but(one, many, "best_of")
                and (one.request.get("best_of") or 1) == 1
            ):
                few = view.count(view.usage(one), "completion_tokens")
                used = view.count(view.usage(many), "completion_tokens")
                limit = many.request.get("max_tokens")
                if limit is None or few < limit:
                    raise Inconclusive("the answers end by themselves: their lengths tell nothing")
                if used <= few:
                    yield Finding(f"more than {few} completion tokens", str(used), f"usage of exchange {many.number}")
                return
    raise Inconclusive("there is no request to compare with")


@check("completions.id-prefix", level=MAY, applies=view.is_completion, spec="issue#BerriAI/litellm/14429")
def id_prefix(exchange: Exchange) -> Iterator[Finding]:
    """The id of a legacy completion does not begin as that of a chat completion."""
    id = view.completion(exchange).get("id")
    if isinstance(id, str) and id.startswith("chatcmpl-"):
        yield Finding("not chatcmpl-", id[:40], "/id")
