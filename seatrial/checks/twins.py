"""A stream and the plain answer to the same request say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_STREAM = "openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/stream"
_LOST = "\ufffd"
_SHORT = 16
"""Characters. A model that is not the same each time has few answers as short as that."""

Pair = tuple[list[Exchange], list[Exchange]]
# Of each choice: text, why it ended, and the calls as (name, arguments).
Said = tuple[tuple[str, str | None, tuple[tuple[Any, Any], ...]], ...]


def _said(exchange: Exchange) -> Said:
    found = []
    for choice in sorted(view.choices(exchange), key=view.index):
        calls = tuple((view.function(call).get("name"), _value(call)) for call in view.calls(choice))
        found.append((view.text(choice), view.finish_reason(choice), calls))
    return tuple(found)


def _value(call: Any) -> Any:
    """The arguments of a call as a value, so that spaces between members do not count; else as they are."""
    arguments = view.function(call).get("arguments", view.function(call).get("input"))
    try:
        return view.strict_json(arguments) if isinstance(arguments, str) else arguments
    except ValueError:
        return arguments


def _leaves(value: Any) -> list[Any]:
    parts = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else None
    return [value] if parts is None else [leaf for part in parts for leaf in _leaves(part)]


def _require_no_choice(exchange: Exchange, first: Any, second: Any) -> None:
    """Raises Inconclusive where two single calls differ only in values that the tools offer: a model may take either."""
    one, other = _leaves(first), _leaves(second)
    offered = _leaves(exchange.request.get("tools"))
    free = isinstance(first, tuple) and len(first) == 1 and len(one) == len(other)
    if free and all(a == b or (a in offered and b in offered) for a, b in zip(one, other, strict=True)):
        raise Inconclusive("they differ in what the request leaves to the model")


def _stripped(said: Said) -> Said:
    return tuple((text.strip(), reason, calls) for text, reason, calls in said)


def _has_settled_twins(exchanges: Sequence[Exchange]) -> bool:
    return bool(view.settled_twins(exchanges))


@relation("stream.equals-plain", level=MUST, applies=_has_settled_twins, spec=_STREAM)
def equals_plain(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A stream adds up to the plain answer to the same request: text, finish_reason and tool calls."""

    def judge(pair: Pair) -> Iterator[Finding]:
        plain, streamed = ([_said(exchange) for exchange in kind] for kind in pair)
        if view.agree(plain, streamed, lambda one, other: one == other):
            return
        if view.agree([_stripped(said) for said in plain], [_stripped(said) for said in streamed], lambda a, b: a == b):
            raise Inconclusive("they differ in the white space around the text only")
        _require_fault_of_its_own(pair, plain[0], streamed[0])
        if all(_by_chance(one, other) for one, other in zip(plain[0], streamed[0], strict=True)):
            raise Inconclusive("answers as short as these may each come twice by chance")
        for number, (one, other) in enumerate(zip(plain[0], streamed[0], strict=True)):
            for name, first, second in zip(("text", "finish_reason", "tool calls"), one, other, strict=True):
                if first != second:
                    _require_no_choice(pair[1][0], first, second)
                    yield _difference(name, first, second, f"exchange {pair[1][0].number}, choice {number}")

    return view.each(view.settled_twins(exchanges), judge)


def _by_chance(one: Any, other: Any) -> bool:
    """Whether something short differs, and neither is what is left of the other: a model may say that without a fault."""
    (text, reason, calls), (second, ended, pieces) = one, other
    if (reason != ended and (calls or pieces)) or [name for name, _ in calls] != [name for name, _ in pieces]:
        return False
    pairs = [(text, second), *((_bare(a), _bare(b)) for (_, a), (_, b) in zip(calls, pieces, strict=True))]
    return any(
        a != b and max(len(a), len(b)) < _SHORT and not (reason == ended and (_within(a, b) or _within(b, a)))
        for a, b in pairs
    )


def _bare(value: Any) -> str:
    """The letters and digits of a call's arguments."""
    return "".join(filter(str.isalnum, json.dumps(value, ensure_ascii=False)))


def _within(part: str, whole: str) -> bool:
    """Whether the one is what is left of the other when characters are lost."""
    rest = iter(whole)
    return all(letter in rest for letter in part.strip())


def _response_said(exchange: Exchange) -> Said:
    choice = view.response_choice(exchange)
    calls = tuple((view.function(call).get("name"), _value(call)) for call in view.calls(choice))
    return ((view.text(choice).strip(), choice["finish_reason"], calls),)


@relation(
    "responses.stream-equals-plain",
    level=MUST,
    applies=lambda exchanges: bool(view.response_twins(exchanges)),
    spec="openai#/components/schemas/CreateResponse/allOf/2/properties/stream",
)
def response_equals_plain(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A streamed response comes to what the plain one to the same request is: text, ending and calls."""

    def judge(pair: Pair) -> Iterator[Finding]:
        plain, streamed = ([_response_said(exchange) for exchange in kind] for kind in pair)
        if not view.agree(plain, streamed, lambda one, other: one == other):
            for name, first, second in zip(("text", "ending", "calls"), plain[0][0], streamed[0][0], strict=True):
                if first != second:
                    _require_no_choice(pair[1][0], first, second)
                    yield _difference(name, first, second, f"exchange {pair[1][0].number}")

    return view.each(view.response_twins(exchanges), judge)


@relation(
    "responses.stream-reads-as-plain",
    level=SHOULD,
    applies=lambda exchanges: bool(view.response_twins(exchanges)),
    spec="openai#/components/schemas/ResponseUsage",
)
def response_reads_as_plain(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A streamed response counts as many tokens in its input as the plain one to the same request."""

    def judge(pair: Pair) -> Iterator[Finding]:
        plain, streamed = ({view.input_tokens(exchange) for exchange in kind} for kind in pair)
        if len(plain) > 1 or len(streamed) > 1:
            raise Inconclusive("the counts differ from run to run")
        if plain != streamed:
            where = f"exchange {pair[1][0].number} /usage/input_tokens"
            yield Finding(f"{min(plain)}, as plain", f"{min(streamed)}", where)

    return view.each(view.response_twins(exchanges), judge)


def _difference(name: str, first: Any, second: Any, where: str) -> Finding:
    if name == "text":
        same = next((at for at, (a, b) in enumerate(zip(first, second, strict=False)) if a != b), None)
        at = max(0, (min(len(first), len(second)) if same is None else same) - 20)
        return Finding(f"text as plain: {first[at : at + 60]!r}", repr(second[at : at + 60]), f"{where}, at {at}")
    return Finding(f"{name} as plain: {first!r}"[:160], repr(second)[:160], where)


def _require_fault_of_its_own(pair: Pair, plain: Said, streamed: Said) -> None:
    """Nothing where the difference is not the trace of a fault that another check judges."""
    exchange = pair[1][0]
    if len(plain) != len(streamed):
        raise Inconclusive("the number of choices is not the same")
    names = view.functions(exchange)
    for (text, _, calls), (other, reason, pieces) in zip(plain, streamed, strict=True):
        if reason is None:
            raise Inconclusive("the stream has no finish_reason")
        if _LOST in other and _LOST not in text:
            raise Inconclusive("the stream lost characters")
        if any(stop in other for stop in view.stops(exchange)):
            raise Inconclusive("the stream went on beyond a stop sequence")
        if names and (view.unread_call(other, names) or view.unread_call(text, names)):
            raise Inconclusive("a call was left in the text")
        if view.forced(exchange) and not (calls and pieces):
            raise Inconclusive("a call is missing")
        if reason != "length" and any(isinstance(arguments, str) for _, arguments in pieces):
            raise Inconclusive("the arguments in the stream are not JSON")
    if any(piece.first and piece.index != piece.call for piece in _pieces(exchange)):
        raise Inconclusive("the calls of the stream cannot be told apart")


def _pieces(exchange: Exchange) -> tuple[view.CallDelta, ...]:
    return view.call_deltas(exchange) if view.is_chat(exchange) else ()


def _beyond_ascii(exchange: Exchange) -> bool:
    return b"\\u" in exchange.request.body or not exchange.request.body.isascii()


def _has_wide_twins(exchanges: Sequence[Exchange]) -> bool:
    return any(_beyond_ascii(plain[0]) for plain, _ in view.twins(exchanges))


def _texts(exchange: Exchange) -> list[str]:
    """What a reader gets: the text of each choice, and the arguments of each call."""
    found = []
    for choice in sorted(view.choices(exchange), key=view.index):
        arguments = [view.function(call).get("arguments") for call in view.calls(choice)]
        cut = view.finish_reason(choice) == "length"
        for text in (view.text(choice), *(each for each in arguments if isinstance(each, str))):
            # A limit may fall within a character; then its end is lost on every way.
            found.append(text.rstrip(_LOST) if cut else text)
    return found


@relation("stream.text-intact", level=MUST, applies=_has_wide_twins, spec="issue#mattn/tensai/110")
def text_intact(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A stream loses no character of several bytes: where the plain answer has one, it has neither U+FFFD nor nothing,
    nor the single bytes as characters."""

    def judge(pair: Pair) -> Iterator[Finding]:
        plain, streamed = pair
        wholes = [text for exchange in plain for text in _texts(exchange)]
        seen = doubtful = False
        for exchange in streamed:
            if b"\xef\xbf\xbd" not in exchange.body and _LOST in "".join(event.data for event in exchange.events):
                raise Inconclusive("the stream is not UTF-8")
            for text in _texts(exchange):
                if any(_is_spoilt(text, whole) for whole in wholes):
                    yield Finding("the characters of the plain answer", repr(text[:60]), f"exchange {exchange.number}")
                elif _LOST not in text:
                    seen = seen or not text.isascii()
                elif any(_LOST not in whole and _stands_for(text, whole) for whole in wholes):
                    at = text.index(_LOST)
                    shown = repr(text[max(0, at - 20) : at + 20])
                    yield Finding("the characters of the plain answer", shown, f"exchange {exchange.number}")
                else:
                    doubtful = True
        if doubtful:
            raise Inconclusive("there is U+FFFD, but no plain answer shows what should stand there")
        if not seen:
            raise Inconclusive("no character of several bytes was to be seen")

    return view.each(view.twins(exchanges), judge)


def _is_spoilt(text: str, whole: str) -> bool:
    """Whether a text is another one without its characters of several bytes, or with each byte as a character."""
    kept = "".join(character for character in whole if character.isascii())
    # A model may leave out what adorns its text, as emoji do, but no letters of its words.
    letters = sum(character.isalpha() for character in whole) - sum(character.isalpha() for character in kept)
    bare = letters > 3 and len(kept.split()) > 1 and text.split() == kept.split()
    return bare or (not whole.isascii() and text == whole.encode("utf-8", "replace").decode("latin-1"))


def _stands_for(text: str, whole: str) -> bool:
    """Whether a text is another one, with characters of it replaced by U+FFFD; one of them may end earlier."""
    pattern = "".join(
        ".+?" if part[0] == _LOST else re.escape(part) for part in re.findall(r"\ufffd+|[^\ufffd]+", text)
    )
    return re.match(pattern, whole, re.DOTALL) is not None


def _has_counted_twins(exchanges: Sequence[Exchange]) -> bool:
    return any(b'"usage"' in exchange.body for _, streamed in view.twins(exchanges) for exchange in streamed)


@relation(
    "stream.prompt-tokens-equal-plain",
    level=SHOULD,
    applies=_has_counted_twins,
    spec="openai#/components/schemas/CompletionUsage/properties/prompt_tokens",
)
def prompt_tokens_equal_plain(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A stream counts as many tokens in the prompt as the plain answer to the same request."""

    def counts(kind: list[Exchange]) -> list[int]:
        found = []
        for exchange in kind:
            try:
                found.append(view.count(view.usage(exchange), "prompt_tokens"))
            except Inconclusive:
                continue
        return found

    def judge(pair: Pair) -> Iterator[Finding]:
        plain, streamed = counts(pair[0]), counts(pair[1])
        if not plain or not streamed:
            raise Inconclusive("one of the two has no usage")
        if len(set(plain)) > 1 or len(set(streamed)) > 1 or not plain[0] or not streamed[0]:
            raise Inconclusive("the counts differ from run to run, or are zero")
        if plain[0] != streamed[0]:
            yield Finding(f"{plain[0]}, as plain", f"{streamed[0]}", f"exchange {pair[1][0].number}")

    return view.each(view.twins(exchanges), judge)
