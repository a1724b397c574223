"""The inside of the log probabilities of legacy completions, whose lists completions.logprobs looks for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_TABLE = "openai#/components/schemas/CreateCompletionResponse/properties/choices/items/properties/logprobs"
_REQUEST = "openai#/components/schemas/CreateCompletionRequest/properties/"
_SPECIAL = ("<s>", "</s>", "<eos>", "<bos>", "<|", "<｜", "<end_of_turn>")

Choice = Mapping[str, Any]


def _asks(exchange: Exchange) -> bool:
    return view.is_completion(exchange) and (view.number(exchange, "logprobs") or 0) > 0


def _asks_chosen(exchange: Exchange) -> bool:
    return view.is_completion(exchange) and view.number(exchange, "logprobs") == 0


def _list(choice: Choice, name: str) -> list[Any]:
    table = choice.get("logprobs")
    found = table.get(name) if isinstance(table, dict) else None
    if not isinstance(found, list) or not found:
        raise Inconclusive(f"the choice has no list of {name}")
    return found


def _at(choice: Choice, name: str) -> str:
    return f"choice {choice.get('index')} /logprobs/{name}"


@check("completions.logprobs-values", level=MUST, applies=_asks, spec=_TABLE)
def values(exchange: Exchange) -> Iterator[Finding]:
    """The log probability of each token that was generated is a number, not above 0."""
    # The first token of a prompt has none; some servers give none for all of a prompt.
    echoed = view.echo(exchange)

    def judge(choice: Choice) -> Iterator[Finding]:
        for number, value in enumerate(_list(choice, "token_logprobs")):
            if value is None and (echoed or not number):
                continue
            if isinstance(value, bool) or not isinstance(value, (int, float)) or not value <= 1e-3:
                yield Finding("a number, at most 0", repr(value)[:60], f"{_at(choice, 'token_logprobs')}/{number}")
                return

    return view.each(view.choices(exchange), judge)


def _squeezed(text: str) -> str:
    return "".join(text.split())


@check("completions.logprobs-text", level=SHOULD, applies=_asks, spec=_TABLE)
def tokens_are_text(exchange: Exchange) -> Iterator[Finding]:
    """The tokens of a choice, put together, are its text, with the prompt where it is echoed."""

    def judge(choice: Choice) -> Iterator[Finding]:
        found, text = _list(choice, "tokens"), view.text(choice)
        if not all(isinstance(token, str) for token in found):
            yield Finding("tokens that are strings", repr(found[:4])[:80], _at(choice, "tokens"))
            return
        if not text.isascii() or not text.strip():
            raise Inconclusive("tokens of this text may be parts of characters")
        plain = [token for token in found if not token.startswith(_SPECIAL)]
        for kept in (found, plain):
            whole = _squeezed("".join(kept))
            # The tokens of a stop sequence, or the one that ends an answer, may be among them.
            if whole == _squeezed(text) or (view.stops(exchange) and whole.startswith(_squeezed(text))):
                return
            if _squeezed("".join(kept[:-1])) == _squeezed(text) and view.finish_reason(choice) == "stop":
                return
        yield Finding(f"the text {text[:60]!r}", repr("".join(found)[:60]), _at(choice, "tokens"))

    return view.each(view.choices(exchange), judge)


@check("completions.logprobs-top", level=SHOULD, applies=_asks, spec=_REQUEST + "logprobs")
def tops(exchange: Exchange) -> Iterator[Finding]:
    """Tokens have alternatives: as many as were asked for, and at most one more, the token itself."""
    wanted = view.number(exchange, "logprobs") or 0

    def judge(choice: Choice) -> Iterator[Finding]:
        _list(choice, "tokens")
        rows = choice["logprobs"].get("top_logprobs")
        counts = [len(row) for row in rows if isinstance(row, (dict, list))] if isinstance(rows, list) else []
        # Two of one spelling are one member; but not at every token.
        few = max(counts, default=0) < wanted and (not any(counts) or len(counts) > 2)
        if few or max(counts) > wanted + 1:
            shown = f"at most {max(counts)} for a token" if counts else repr(rows)[:60]
            yield Finding(f"{wanted} alternatives", shown, _at(choice, "top_logprobs"))

    return view.each(view.choices(exchange), judge)


@check("completions.logprobs-chosen", level=SHOULD, applies=_asks_chosen, spec=_REQUEST + "logprobs")
def chosen(exchange: Exchange) -> Iterator[Finding]:
    """With logprobs 0 there are the log probabilities of the tokens that were chosen, and no alternatives."""

    def judge(choice: Choice) -> Iterator[Finding]:
        if not view.text(choice):
            raise Inconclusive("the choice has no text")
        table = choice.get("logprobs")
        if not isinstance(table, dict) or not table.get("token_logprobs"):
            yield Finding("token_logprobs of the chosen tokens", repr(table)[:80], _at(choice, "token_logprobs"))

    return view.each(view.choices(exchange), judge)


@check("completions.logprobs-offsets", level=SHOULD, applies=_asks, spec=_TABLE)
def offsets(exchange: Exchange) -> Iterator[Finding]:
    """Each token begins after the one before it: text_offset grows."""

    def judge(choice: Choice) -> Iterator[Finding]:
        found, said = _list(choice, "text_offset"), _list(choice, "tokens")
        if not all(isinstance(place, int) for place in found):
            raise Inconclusive("the offsets are not integers")
        if len([token for token in said if token]) < 3 or len(found) != len(said):
            raise Inconclusive("there are not three tokens with offsets")
        one = found[0] == found[-1] and len(view.text(choice)) > 1  # tokens may be the bytes of one character
        if found != sorted(found) or one:
            yield Finding("offsets that grow", f"{found[:8]}", _at(choice, "text_offset"))

    return view.each(view.choices(exchange), judge)
