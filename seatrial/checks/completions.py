"""Legacy completions: what chat completions do not have."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

_REQUEST = "openai#/components/schemas/CreateCompletionRequest/properties/"
_ARRAYS = ("tokens", "token_logprobs", "top_logprobs", "text_offset")


def _echoes(exchange: Exchange) -> bool:
    return view.is_completion(exchange) and view.echo(exchange)


def _squeezed(text: str) -> str:
    return "".join(text.split())


def _spoilt(prompt: str) -> list[str]:
    """What becomes of a prompt on the way by a wrong encoding: no tokenizer spells it so."""
    raw = prompt.encode("utf-8", "replace")
    marks = ["".join(letter if letter.isascii() else mark for letter in prompt) for mark in ("?", "\ufffd")]
    return [raw.decode("latin-1"), raw.decode("ascii", "replace"), *marks]


@check("completions.echo", level=MUST, applies=_echoes, spec=_REQUEST + "echo")
def echo(exchange: Exchange) -> Iterator[Finding]:
    """With echo, the text begins with the prompt."""
    prompts = view.prompts(exchange)

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        at = view.index(choice) * len(prompts) // view.wanted_choices(exchange)
        prompt = prompts[at] if 0 <= at < len(prompts) else None
        if not isinstance(prompt, str) or not prompt:
            raise Inconclusive("the prompt is no text")
        text = view.text(choice)
        # A tokenizer may not give back each space as it was.
        if _squeezed(text).startswith(_squeezed(prompt)):
            return
        spoilt = any(_squeezed(text).startswith(_squeezed(form)) for form in _spoilt(prompt))
        if not prompt.isascii() and text and not spoilt:
            raise Inconclusive("a tokenizer may spell this prompt in another way")
        yield Finding(
            f"a text that begins with {prompt[:60]!r}", repr(text[:80]), f"choice {choice.get('index')} /text"
        )

    return view.each(view.choices(exchange), judge)


def _asks_logprobs(exchange: Exchange) -> bool:
    return view.is_completion(exchange) and (view.number(exchange, "logprobs") or 0) > 0


@check("completions.logprobs", level=MUST, applies=_asks_logprobs, spec=_REQUEST + "logprobs")
def logprobs(exchange: Exchange) -> Iterator[Finding]:
    """With logprobs, each choice has the lists tokens and token_logprobs, and all its lists are of one length."""

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        where = f"choice {choice.get('index')} /logprobs"
        if not view.text(choice):
            raise Inconclusive("the choice has no text")
        table = choice.get("logprobs")
        if not isinstance(table, dict):
            yield Finding("an object with tokens and token_logprobs", repr(table)[:80], where)
            return
        for name in _ARRAYS[:2]:
            if not isinstance(table.get(name), list) or not table[name]:
                shown = repr(table[name])[:80] if name in table else f"absent; there are {sorted(table)}"[:120]
                yield Finding("a list, one item for each token", shown, f"{where}/{name}")
                return
        sizes = {name: len(table[name]) for name in _ARRAYS if isinstance(table.get(name), list)}
        if len(set(sizes.values())) > 1:
            yield Finding("lists of one length", f"{sizes}", where)

    return view.each(view.choices(exchange), judge)


def _asks_chosen(exchange: Exchange) -> bool:
    return view.is_completion(exchange) and view.number(exchange, "logprobs") == 0


@check("completions.logprobs-zero", level=SHOULD, applies=_asks_chosen, spec=_REQUEST + "logprobs")
def logprobs_zero(exchange: Exchange) -> Iterator[Finding]:
    """With logprobs 0, each token that was chosen still has its log probability."""

    def judge(choice: Mapping[str, Any]) -> Iterator[Finding]:
        if not view.text(choice):
            raise Inconclusive("the choice has no text")
        table = choice.get("logprobs")
        found = table.get("token_logprobs") if isinstance(table, dict) else None
        if not isinstance(found, list) or not found:
            where = f"choice {choice.get('index')} /logprobs"
            yield Finding("a list of token_logprobs", "null" if table is None else repr(table)[:80], where)

    return view.each(view.choices(exchange), judge)


def _asks_best(exchange: Exchange) -> bool:
    best_of = view.number(exchange, "best_of") or 1
    return view.is_completion(exchange) and best_of > (view.number(exchange, "n") or 1)


def _asks_best_once(exchanges: Sequence[Exchange]) -> bool:
    return any(_asks_best(exchange) for exchange in exchanges)


@relation("completions.best-of-counted", level=SHOULD, applies=_asks_best_once, spec=_REQUEST + "best_of")
def best_of_counted(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """With best_of, the tokens of every candidate are counted, not only those of the choices returned."""
    judged = False
    for exchange in exchanges:
        if not _asks_best(exchange):
            continue
        try:
            used = view.count(view.usage(exchange), "completion_tokens")
            found = view.choices(exchange)
        except Inconclusive:
            continue
        most = _most_of_returned(exchange, exchanges, found)
        if not most:  # nor is anything seen where the model says nothing
            continue
        judged = True
        if used <= most:
            wanted = f"more than the {most} of the choices returned"
            yield Finding(wanted, f"{used}", f"exchange {exchange.number} /usage/completion_tokens")
    if not judged:
        raise Inconclusive("how many tokens the choices returned have is not known")


def _most_of_returned(exchange: Exchange, exchanges: Sequence[Exchange], found: list[Mapping[str, Any]]) -> int | None:
    """How many tokens the returned choices have: all cut at the limit, or the same text as without best_of."""
    limit = view.limit(exchange)
    texts = [view.text(choice) for choice in found]
    # Where a limit falls within a character nothing is said, and it may be counted as nothing.
    if limit and all(texts) and all(view.finish_reason(choice) == "length" for choice in found):
        return limit * len(found)
    for control in exchanges:
        if not view.is_completion(control) or _asks_best(control) or not view.same_but(control, exchange, "best_of"):
            continue
        try:
            if [view.text(choice) for choice in view.choices(control)] == texts:
                return view.count(view.usage(control), "completion_tokens")
        except Inconclusive:
            continue
    return None


@check("completions.id-prefix", level=MAY, applies=view.is_completion, spec="issue#BerriAI/litellm/14429")
def id_prefix(exchange: Exchange) -> Iterator[Finding]:
    """The id of a legacy completion begins with cmpl-."""
    value = view.completion(exchange).get("id")
    if not isinstance(value, str) or not value:
        raise Inconclusive("the answer has no id")
    if not value.startswith("cmpl-"):
        yield Finding("cmpl-...", value[:60], "/id")
