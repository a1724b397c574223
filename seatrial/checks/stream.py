"""Streams of chat and legacy completions: the rules that hold across events."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

_CHUNK = "openai#/components/schemas/CreateChatCompletionStreamResponse"
_CHOICE = _CHUNK + "/properties/choices/items/properties/"
_OPTIONS = "openai#/components/schemas/ChatCompletionStreamOptions/anyOf/0/properties/include_usage"


@check("stream.done-sentinel", level=MUST, applies=view.is_stream, spec=_OPTIONS)
def done_sentinel(exchange: Exchange) -> Iterator[Finding]:
    """The stream ends with `data: [DONE]`."""
    view.require_end(exchange)
    for number, event in enumerate(exchange.events):
        if event.data.strip() == view.DONE:
            # Clients look for it at the very beginning of the data.
            if event.data.rstrip() != view.DONE:
                yield Finding("data: [DONE]", f"data: {event.data!r}", f"event {number}")
            return
    if any(view.is_error_event(exchange.events[number], data) for number, data in view.data_events(exchange)):
        raise Inconclusive("the stream ended with an error")
    last = exchange.events[-1].data[:80] if exchange.events else "no event"
    yield Finding("data: [DONE]", last, "the last event")


@check("stream.nothing-after-done", level=MUST, applies=view.is_stream, spec=_OPTIONS)
def nothing_after_done(exchange: Exchange) -> Iterator[Finding]:
    """No event follows `[DONE]`."""
    view.require_whole(exchange)
    done = [number for number, event in enumerate(exchange.events) if event.data.strip() == view.DONE]
    if not done:
        raise Inconclusive("there is no [DONE]")
    if done[0] + 1 < len(exchange.events):
        yield Finding("no event", exchange.events[done[0] + 1].data[:80], f"event {done[0] + 1}")


@check("stream.no-error-event", level=MUST, applies=view.is_stream, spec="issue#sgl-project/sglang/12081")
def no_error_event(exchange: Exchange) -> Iterator[Finding]:
    """A stream carries chunks and no error: what is wrong with a request is told by the status, before it begins."""
    view.require_whole(exchange)
    for number, data in view.data_events(exchange):
        if view.is_error_event(exchange.events[number], data):
            yield Finding("a chunk", exchange.events[number].data[:160], f"event {number}")


def _distinct(exchange: Exchange, name: str, kind: type) -> Iterator[Finding]:
    first: tuple[int, Any] | None = None
    for number, chunk in view.numbered(exchange):
        value = chunk.get(name)
        if view.is_preamble(chunk) or not isinstance(value, kind):
            continue
        if first is None:
            first = (number, value)
        elif value != first[1]:
            yield Finding(f"{first[1]!r}, as in event {first[0]}"[:120], f"{value!r}"[:80], f"event {number} /{name}")
            return
    if first is None:
        raise Inconclusive(f"no chunk has a {name}")


@check("stream.one-id", level=MUST, applies=view.is_stream, spec=_CHUNK + "/properties/id")
def one_id(exchange: Exchange) -> Iterator[Finding]:
    """Each chunk of a stream has the same id."""
    return _distinct(exchange, "id", str)


@check("stream.one-created", level=MUST, applies=view.is_stream, spec=_CHUNK + "/properties/created")
def one_created(exchange: Exchange) -> Iterator[Finding]:
    """Each chunk of a stream has the same time of creation."""
    return _distinct(exchange, "created", int)


@check("stream.one-model", level=SHOULD, applies=view.is_stream, spec=_CHUNK + "/properties/model")
def one_model(exchange: Exchange) -> Iterator[Finding]:
    """Each chunk of a stream names the same model."""
    return _distinct(exchange, "model", str)


@check("stream.choice-indices", level=MUST, applies=view.is_stream, spec=_CHOICE + "index")
def choice_indices(exchange: Exchange) -> Iterator[Finding]:
    """The choices of a stream are numbered from 0 to one less than were asked for."""
    wanted = view.wanted_choices(exchange)
    for index, table in view.deltas(exchange).items():
        if not 0 <= index < wanted:
            yield Finding(f"an index from 0 to {wanted - 1}", f"{index}", f"event {table[0][0]} /choices/*/index")


def _terminals(table: list[tuple[int, Mapping[str, Any]]]) -> list[tuple[int, str]]:
    found = []
    for number, choice in table:
        reason = choice.get("finish_reason")
        if reason is None:
            continue
        if not isinstance(reason, str) or not reason:
            raise Inconclusive("a finish_reason is no word")
        found.append((number, reason))
    return found


@check("stream.one-terminal", level=MUST, applies=view.is_stream, spec=_CHOICE + "finish_reason")
def one_terminal(exchange: Exchange) -> Iterator[Finding]:
    """Exactly one chunk of each choice has a finish_reason."""
    view.require_end(exchange)
    table = view.deltas(exchange)
    if not view.has_done(exchange) and not any(_terminals(choices) for choices in table.values()):
        raise Inconclusive("the stream broke off, without [DONE]")
    for index, choices in table.items():
        found = _terminals(choices)
        if len(found) != 1:
            shown = ", ".join(f"{reason} (event {number})" for number, reason in found[:5]) or "none"
            yield Finding("one finish_reason", shown, f"choice {index}")


def _payload(choice: Mapping[str, Any]) -> str:
    """What a streamed choice says: the name of a member that is not empty; empty where it says nothing."""
    if choice.get("text"):
        return "text"
    delta = view.delta(choice)
    return next((name for name in ("content", "refusal", "tool_calls", "function_call") if delta.get(name)), "")


@check("stream.nothing-after-terminal", level=MUST, applies=view.is_stream, spec=_CHOICE + "finish_reason")
def nothing_after_terminal(exchange: Exchange) -> Iterator[Finding]:
    """After the chunk with its finish_reason, a choice says no more."""
    judged = False
    for index, choices in view.deltas(exchange).items():
        found = _terminals(choices)
        if len(found) != 1:
            continue
        judged = True
        for number, choice in choices:
            name = _payload(choice)
            if number > found[0][0] and name:
                yield Finding("nothing", f"{name} after finish_reason {found[0][1]}", f"event {number}, choice {index}")
                break
    if not judged:
        raise Inconclusive("no choice has one terminal chunk")


@check(
    "stream.terminal-delta-empty", level=MAY, applies=view.is_chat_stream, spec="issue#vllm-project/vllm-ascend/8327"
)
def terminal_delta_empty(exchange: Exchange) -> Iterator[Finding]:
    """The chunk with the finish_reason has an empty delta."""
    judged = False
    for index, choices in view.deltas(exchange).items():
        for number, choice in choices:
            if choice.get("finish_reason") is not None:
                judged = True
                name = _payload(choice)
                if name:
                    yield Finding("an empty delta", f"a delta with {name}", f"event {number}, choice {index}")
    if not judged:
        raise Inconclusive("there is no terminal chunk")


@check("stream.role-first", level=SHOULD, applies=view.is_chat_stream, spec="openai-docs#chat-streaming/streaming")
def role_first(exchange: Exchange) -> Iterator[Finding]:
    """The first delta of a choice has the role."""
    for index, choices in view.deltas(exchange).items():
        number, choice = choices[0]
        if not view.delta(choice).get("role"):
            yield Finding("role: assistant", f"{dict(view.delta(choice))}"[:120], f"event {number}, choice {index}")


@check("stream.role-assistant", level=SHOULD, applies=view.is_chat_stream, spec="openai-docs#chat-streaming/streaming")
def role_assistant(exchange: Exchange) -> Iterator[Finding]:
    """The role of a streamed message is that of the assistant."""
    for index, choices in view.deltas(exchange).items():
        for number, choice in choices:
            role = view.delta(choice).get("role")
            if isinstance(role, str) and role and role != "assistant":
                yield Finding("assistant", repr(role)[:40], f"event {number}, choice {index}")
                return


@check("stream.role-once", level=SHOULD, applies=view.is_chat_stream, spec="issue#mudler/LocalAI/340")
def role_once(exchange: Exchange) -> Iterator[Finding]:
    """The role is not in every delta: it is said once, at the beginning."""
    judged = False
    for index, choices in view.deltas(exchange).items():
        open_ = [choice for _, choice in choices if choice.get("finish_reason") is None]
        # A server may say it again with the first words; a short answer has no others.
        if len(open_) < 4:
            continue
        judged = True
        if all(view.delta(choice).get("role") for choice in open_):
            yield Finding("the role once", f"the role in each of {len(open_)} deltas", f"choice {index}")
    if not judged:
        raise Inconclusive("no choice has four deltas")


@check("stream.first-delta-content", level=SHOULD, applies=view.is_chat_stream, spec="issue#xorbitsai/inference/1113")
def first_delta_content(exchange: Exchange) -> Iterator[Finding]:
    """The first delta of a message has content, empty where nothing is said yet."""
    texts = {choice["index"]: choice for choice in view.choices(exchange)}
    judged = False
    for index, choices in view.deltas(exchange).items():
        number, choice = choices[0]
        delta = view.delta(choice)
        whole = texts.get(index, {})
        # A message that is all tool call, thought or refusal has no content to begin with.
        if not view.text(whole) or view.calls(whole) or not delta.get("role"):
            continue
        judged = True
        # A thought or a refusal may come first; what is there but null says nothing.
        if "content" not in delta and not any(value for name, value in delta.items() if name != "role"):
            yield Finding('content: ""', f"{dict(delta)}"[:120], f"event {number}, choice {index}")
    if not judged:
        raise Inconclusive("no choice begins a text")


def _asks_usage(exchange: Exchange) -> bool:
    return view.is_stream(exchange) and view.include_usage(exchange)


@check("stream.usage-chunk", level=MUST, applies=_asks_usage, spec=_OPTIONS)
def usage_chunk(exchange: Exchange) -> Iterator[Finding]:
    """Where the usage of a stream is asked for, the last chunk before `[DONE]` has it."""
    view.require_end(exchange)
    number, last = view.numbered(exchange)[-1]
    value = last.get("usage")
    if isinstance(value, dict):
        return
    if value is not None:
        raise Inconclusive("the usage is not an object")
    earlier = [at for at, chunk in view.numbered(exchange) if isinstance(chunk.get("usage"), dict)]
    if not earlier and not view.has_done(exchange):
        raise Inconclusive("the stream broke off, without [DONE]")
    actual = f"usage in event {earlier[-1]}" if earlier else ("null" if "usage" in last else "absent")
    yield Finding("usage in the last chunk", actual, f"event {number} /usage")


@check("stream.usage-choices-empty", level=MUST, applies=_asks_usage, spec=_OPTIONS)
def usage_choices_empty(exchange: Exchange) -> Iterator[Finding]:
    """The chunk with the usage of the whole stream has no choices: an empty list."""
    with_usage = [(at, chunk) for at, chunk in view.numbered(exchange) if isinstance(chunk.get("usage"), dict)]
    if not with_usage:
        raise Inconclusive("no chunk has usage")
    number, chunk = with_usage[-1]
    listed = chunk.get("choices")
    if not isinstance(listed, list):
        raise Inconclusive("choices is not a list")
    if listed:
        yield Finding("choices: []", f"{len(listed)} choices", f"event {number} /choices")


def _asks_no_running_usage(exchange: Exchange) -> bool:
    options = exchange.request.get("stream_options")
    return view.is_stream(exchange) and not (isinstance(options, dict) and options.get("continuous_usage_stats"))


@check("stream.usage-only-last", level=SHOULD, applies=_asks_no_running_usage, spec=_CHUNK + "/properties/usage")
def usage_only_last(exchange: Exchange) -> Iterator[Finding]:
    """Only the last chunk has usage; in the others it is null or absent."""
    view.require_end(exchange)
    early = [(at, chunk) for at, chunk in view.numbered(exchange)[:-1] if isinstance(chunk.get("usage"), dict)]
    if early and (not view.include_usage(exchange) or isinstance(view.chunks(exchange)[-1].get("usage"), dict)):
        number, chunk = early[0]
        yield Finding("null", f"{chunk['usage']} ({len(early)} chunks)"[:160], f"event {number} /usage")


def _asks_no_usage(exchange: Exchange) -> bool:
    return _asks_no_running_usage(exchange) and not view.include_usage(exchange)


@check("stream.usage-unasked", level=MAY, applies=_asks_no_usage, spec=_OPTIONS)
def usage_unasked(exchange: Exchange) -> Iterator[Finding]:
    """Usage comes in a stream only where it is asked for."""
    for number, chunk in view.numbered(exchange):
        if isinstance(chunk.get("usage"), dict):
            yield Finding("no usage", f"{chunk['usage']}"[:120], f"event {number} /usage")
            return
