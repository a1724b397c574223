"""What two requests that differ in one thing must have in common: each is the other's oracle.

A model may answer differently each time. So an answer is compared only where the same request, asked twice, was
answered the same twice; counts of a prompt need no such care.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

_CHAT = "openai#/components/schemas/CreateChatCompletionRequest/allOf/1/properties/"
_LEGACY = "openai#/components/schemas/CreateCompletionRequest/properties/"
_PROMPT_TOKENS = "openai#/components/schemas/CompletionUsage/properties/prompt_tokens"
_LOST = "\ufffd"

Group = list[Exchange]
Pairs = Callable[[Sequence[Exchange]], list[tuple[Group, Group]]]


def _groups(exchanges: Sequence[Exchange]) -> list[Group]:
    """Plain generations whose text is settled by the request, those of one request together."""
    found: list[Group] = []
    for exchange in exchanges:
        if not view.is_plain(exchange) or not view.is_settled(exchange) or view.functions(exchange):
            continue
        if exchange.request.get("response_format") is not None:
            continue  # what a grammar makes of a limit or a stop is not said
        group = next((known for known in found if view.same_but(known[0], exchange)), None)
        if group is None:
            found.append([exchange])
        else:
            group.append(exchange)
    return found


def _pairs(exchanges: Sequence[Exchange], right: Callable[[Exchange, Exchange], bool]) -> list[tuple[Group, Group]]:
    groups = _groups(exchanges)
    return [(one, other) for one in groups for other in groups if one is not other and right(one[0], other[0])]


def _texts(exchange: Exchange) -> list[str]:
    return [view.text(choice).rstrip(_LOST) for choice in sorted(view.choices(exchange), key=view.index)]


def _told(group: Group) -> list[str]:
    """The texts of a request that was answered the same each time."""
    said = [_texts(exchange) for exchange in group]
    if any(texts != said[0] for texts in said[1:]):
        raise Inconclusive("the answers to one and the same request differ from run to run")
    return said[0]


def _certain(*groups: Group) -> None:
    if any(len(group) < 2 for group in groups):
        raise Inconclusive("they differ, but were asked only once each, and a model may answer differently each time")


def _compared(
    pair: tuple[Group, Group], same: Callable[[str, str], bool], expected: Callable[[str], str]
) -> Iterator[Finding]:
    """A finding for each choice of the second whose text does not go with that of the first."""
    first, second = _told(pair[0]), _told(pair[1])
    if len(first) != len(second):
        raise Inconclusive("the number of choices is not the same")
    for number, (one, other) in enumerate(zip(first, second, strict=True)):
        if not same(one.strip(), other.strip()):
            _certain(*pair)
            where = f"exchange {pair[1][0].number}, choice {number}"
            yield Finding(expected(one), repr(other[:80]), where)


def _shorter(one: Exchange, other: Exchange) -> bool:
    least, most = view.limit(one), view.limit(other)
    names = ("max_tokens", "max_completion_tokens")
    return least is not None and most is not None and least < most and view.same_but(one, other, *names)


@relation(
    "limits.prefix-of-longer",
    level=SHOULD,
    applies=lambda exchanges: bool(_pairs(exchanges, _shorter)),
    spec=_CHAT + "max_completion_tokens",
)
def prefix_of_longer(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """With a lower limit an answer ends earlier, and is the beginning of what it is with a higher one."""

    def judge(pair: tuple[Group, Group]) -> Iterator[Finding]:
        return _compared(pair, lambda short, long: long.startswith(short), lambda short: f"{short[:60]!r} and more")

    return view.each(_pairs(exchanges, _shorter), judge)


@relation(
    "limits.cut-says-length",
    level=MUST,
    applies=lambda exchanges: bool(_pairs(exchanges, _shorter)),
    spec="openai#/components/schemas/CreateChatCompletionResponse/properties/choices/items/properties/finish_reason",
)
def cut_says_length(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """An answer that ends where the limit cut it, and goes on with a higher one, ended by length and not by stop."""

    def judge(pair: tuple[Group, Group]) -> Iterator[Finding]:
        short, long = _told(pair[0]), _told(pair[1])
        choices = sorted(view.choices(pair[0][0]), key=view.index)
        if len(short) != len(long) or any(view.calls(choice) or view.refusal(choice) for choice in choices):
            raise Inconclusive("the answers are not two texts")
        for number, (one, other) in enumerate(zip(short, long, strict=True)):
            goes_on = bool(one.strip()) and other.startswith(one) and len(other.strip()) > len(one.strip())
            if goes_on and view.finish_reason(choices[number]) == "stop":
                _certain(*pair)
                actual = f"stop, though it goes on: {other[len(one) :][:40]!r}"
                yield Finding("finish_reason length", actual, f"exchange {pair[0][0].number}, choice {number}")

    return view.each(_pairs(exchanges, _shorter), judge)


def _cut(one: Exchange, other: Exchange) -> bool:
    return not view.stops(one) and bool(view.stops(other)) and view.same_but(one, other, "stop") and not view.echo(one)


@relation(
    "stop.prefix-of-uncut",
    level=SHOULD,
    applies=lambda exchanges: bool(_pairs(exchanges, _cut)),
    spec="openai#/components/schemas/StopConfiguration",
)
def prefix_of_uncut(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A stop sequence cuts an answer where it begins, and changes nothing before it."""

    def judge(pair: tuple[Group, Group]) -> Iterator[Finding]:
        stops = view.stops(pair[1][0])

        def upto(text: str) -> str:
            return text[: min((at for stop in stops if (at := text.find(stop)) >= 0), default=len(text))]

        return _compared(pair, lambda whole, cut: upto(whole).strip() == cut, lambda whole: repr(upto(whole)[:80]))

    return view.each(_pairs(exchanges, _cut), judge)


def _echoed(one: Exchange, other: Exchange) -> bool:
    prompt = other.request.get("prompt")
    return isinstance(prompt, str) and not view.echo(one) and view.echo(other) and view.same_but(one, other, "echo")


@relation(
    "completions.echo-adds-prompt",
    level=SHOULD,
    applies=lambda exchanges: bool(_pairs(exchanges, _echoed)),
    spec=_LEGACY + "echo",
)
def echo_adds_prompt(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """With echo a completion is the prompt and then what it is without."""

    def judge(pair: tuple[Group, Group]) -> Iterator[Finding]:
        prompt = str(pair[1][0].request.get("prompt")).strip()
        if not all(text.strip().startswith(prompt) for text in _told(pair[1])):
            raise Inconclusive("the completion does not begin with its prompt")
        return _compared(
            pair,
            lambda without, echoed: echoed.removeprefix(prompt).strip() == without,
            lambda without: repr(f"{prompt[:40]} ... {without[:40]}"),
        )

    return view.each(_pairs(exchanges, _echoed), judge)


def _in_batch(one: Exchange, other: Exchange) -> bool:
    prompt, batch = one.request.get("prompt"), other.request.get("prompt")
    listed = isinstance(batch, list) and len(batch) > 1 and isinstance(prompt, str) and prompt in batch
    return listed and view.member(one, "n", 1) == 1 and view.same_but(one, other, "prompt")


@relation(
    "completions.batch-equals-singles",
    level=SHOULD,
    applies=lambda exchanges: bool(_pairs(exchanges, _in_batch)),
    spec=_LEGACY + "prompt",
)
def batch_equals_singles(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A prompt is answered the same in a batch as by itself, in its place."""

    def judge(pair: tuple[Group, Group]) -> Iterator[Finding]:
        alone, together = _told(pair[0]), _told(pair[1])
        prompts = pair[1][0].request.get("prompt")
        if len(alone) != 1 or len(together) != len(prompts):
            raise Inconclusive("the number of choices is not the same")
        for number, prompt in enumerate(prompts):
            if prompt == pair[0][0].request.get("prompt") and together[number].strip() != alone[0].strip():
                _certain(*pair)
                where = f"exchange {pair[1][0].number}, choice {number}"
                yield Finding(f"as alone: {alone[0][:60]!r}", repr(together[number][:60]), where)

    return view.each(_pairs(exchanges, _in_batch), judge)


def _repeated(exchanges: Sequence[Exchange]) -> list[Group]:
    return [group for group in _groups(exchanges) if len(group) > 1]


@relation("answers.repeatable", level=MAY, applies=lambda exchanges: bool(_repeated(exchanges)), spec=_CHAT + "seed")
def repeatable(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """At temperature 0 and with a seed, one request is answered the same twice."""

    def judge(group: Group) -> Iterator[Finding]:
        first = _texts(group[0])
        for other in group[1:]:
            if _texts(other) != first:
                yield Finding(repr(first)[:100], repr(_texts(other))[:100], f"exchange {other.number}")
                return

    return view.each(_repeated(exchanges), judge)


def _messages(exchange: Exchange) -> list[Any]:
    found = exchange.request.get("messages")
    return found if isinstance(found, list) else []


def _counted(
    exchanges: Sequence[Exchange], right: Callable[[Exchange, Exchange], bool]
) -> list[tuple[Exchange, Exchange]]:
    """Chat requests that differ in their messages only, both counted by the server."""
    chats = [exchange for exchange in exchanges if view.is_chat(exchange) and b'"usage"' in exchange.body]
    return [
        (one, other)
        for one in chats
        for other in chats
        if one is not other and view.same_but(one, other, "messages") and right(one, other)
    ]


def _longer(one: Exchange, other: Exchange) -> bool:
    """Whether the second has every message of the first, in order, and between them others that say something."""
    fewer, added = list(_messages(one)), []
    for message in _messages(other):
        if fewer and message == fewer[0]:
            fewer.pop(0)
        else:
            added.append(message)
    return bool(_messages(one)) and not fewer and any(_words(message) for message in added)


def _words(message: Any) -> bool:
    content = message.get("content") if isinstance(message, dict) else None
    return isinstance(content, str) and len(content.split()) > 3


@relation(
    "usage.prompt-grows",
    level=SHOULD,
    applies=lambda exchanges: bool(_counted(exchanges, _longer)),
    spec=_PROMPT_TOKENS,
)
def prompt_grows(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A message more is tokens more in the prompt: nothing that was said is left out."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        fewer, more = (view.count(view.usage(exchange), "prompt_tokens") for exchange in pair)
        if fewer and more <= fewer:
            yield Finding(f"more than {fewer}", f"{more}", f"exchange {pair[1].number} /usage/prompt_tokens")

    return view.each(_counted(exchanges, _longer), judge)


def _joined(messages: list[Any]) -> list[Any]:
    """The messages with each content of one text part as that text."""
    found = []
    for message in messages:
        content = message.get("content") if isinstance(message, dict) else None
        part = content[0] if isinstance(content, list) and len(content) == 1 else None
        text = part.get("text") if isinstance(part, dict) and part.get("type") == "text" else None
        found.append({**message, "content": text} if text is not None else message)
    return found


def _parted(one: Exchange, other: Exchange) -> bool:
    plain, parts = _messages(one), _messages(other)
    return plain != parts and _joined(parts) == plain


@relation(
    "usage.parts-equal-text",
    level=SHOULD,
    applies=lambda exchanges: bool(_counted(exchanges, _parted)),
    spec="issue#qualcomm/GenieX/772",
)
def parts_equal_text(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A content of one text part is read as that text: it counts the same tokens."""

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        text, parts = (view.count(view.usage(exchange), "prompt_tokens") for exchange in pair)
        if text != parts:
            yield Finding(f"{text}, as of the text", f"{parts}", f"exchange {pair[1].number} /usage/prompt_tokens")

    return view.each(_counted(exchanges, _parted), judge)
