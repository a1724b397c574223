"""Cross-event rules of a stream: one identity, one end per choice, a sentinel at the end."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MAY, MUST, SHOULD, Exchange, Finding

CHUNK = "openai#/components/schemas/CreateChatCompletionStreamResponse/properties/"
OPTIONS = "openai#/components/schemas/ChatCompletionStreamOptions"


@check("stream.done-sentinel", level=MUST, applies=view.is_stream, spec=OPTIONS)
def done_sentinel(exchange: Exchange) -> Iterator[Finding]:
    """The stream ends with `data: [DONE]`."""
    _require_end(exchange)
    _require_no_error(exchange)
    datas = [event.data.strip() for event in exchange.events]
    if view.DONE not in datas:
        yield Finding("data: [DONE]", datas[-1][:80] if datas else "no event", "the last event")


def _require_end(exchange: Exchange) -> None:
    if exchange.error is not None:
        raise Inconclusive(f"the answer is not whole ({exchange.error.kind})")


def _require_no_error(exchange: Exchange) -> None:
    if any(view.is_error_event(data) for _, data in view.data_events(exchange)):
        raise Inconclusive("the stream holds an error")


@check("stream.nothing-after-done", level=MUST, applies=view.is_stream, spec=OPTIONS)
def nothing_after_done(exchange: Exchange) -> Iterator[Finding]:
    """Nothing comes after `data: [DONE]`, where every client has stopped reading."""
    datas = [event.data.strip() for event in exchange.events]
    if view.DONE not in datas:
        raise Inconclusive("there is no sentinel")
    after = datas[datas.index(view.DONE) + 1 :]
    if after:
        yield Finding("no event", after[0][:80], "after [DONE]")


@check("stream.no-error-event", level=MUST, applies=view.is_stream, spec="openai-docs#chat-streaming/streaming")
def no_error_event(exchange: Exchange) -> Iterator[Finding]:
    """A stream that began with 200 does not carry an error: what is wrong with a request is said by its status."""
    for index, data in view.data_events(exchange):
        if view.is_error_event(data):
            yield Finding("a chunk", str(data)[:160], f"event {index}")
            return


def _same(exchange: Exchange, name: str) -> Iterator[Finding]:
    first = None
    for index, chunk in enumerate(view.chunks(exchange)):
        value = chunk.get(name)
        if value is None or (not view.choices_of(chunk) and not value):
            continue
        if first is None:
            first = value
        elif value != first:
            yield Finding(f"{name} {first!r} as before", repr(value), f"chunk {index}")
            return
    if first is None:
        raise Inconclusive(f"no chunk has {name}")


@check("stream.one-id", level=MUST, applies=view.is_stream, spec=CHUNK + "id")
def one_id(exchange: Exchange) -> Iterator[Finding]:
    """Each chunk of a stream has the same id."""
    yield from _same(exchange, "id")


@check("stream.one-created", level=MUST, applies=view.is_stream, spec=CHUNK + "created")
def one_created(exchange: Exchange) -> Iterator[Finding]:
    """Each chunk of a stream has the same `created`."""
    yield from _same(exchange, "created")


@check("stream.one-model", level=SHOULD, applies=view.is_stream, spec=CHUNK + "model")
def one_model(exchange: Exchange) -> Iterator[Finding]:
    """Each chunk of a stream names the same model."""
    yield from _same(exchange, "model")


@check("stream.choice-indices", level=MUST, applies=view.is_stream, spec=CHUNK + "choices")
def choice_indices(exchange: Exchange) -> Iterator[Finding]:
    """The choices of a stream have the indices 0 to n-1, all of them: `n` is honoured or refused."""
    n = exchange.request.get("n")
    prompt = exchange.request.get("prompt")
    wanted = n if isinstance(n, int) and not isinstance(n, bool) else 1
    if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int):
        wanted *= len(prompt)
    found = {view.index_of(choice) for chunk in view.whole_chunks(exchange) for choice in view.choices_of(chunk)}
    if not found:
        raise Inconclusive("the stream has no choice")
    if found != set(range(wanted)):
        yield Finding(f"the indices {list(range(wanted))}", str(sorted(found)), "choices of all chunks")


@check("stream.one-terminal", level=MUST, applies=view.is_stream, spec=CHUNK + "choices/items/properties/finish_reason")
def one_terminal(exchange: Exchange) -> Iterator[Finding]:
    """Each choice has exactly one chunk with a finish_reason."""
    found: dict[int, list[str]] = {}
    for chunk in view.whole_chunks(exchange):
        for choice in view.choices_of(chunk):
            reasons = found.setdefault(view.index_of(choice), [])
            if choice.get("finish_reason") is not None:
                reasons.append(str(choice["finish_reason"]))
    if not found:
        raise Inconclusive("the stream has no choice")
    for index, reasons in sorted(found.items()):
        if len(reasons) != 1:
            yield Finding("one finish_reason", ", then ".join(reasons) or "none", f"choice {index}")


@check(
    "stream.nothing-after-terminal",
    level=MUST,
    applies=view.is_stream,
    spec=CHUNK + "choices/items/properties/finish_reason",
)
def nothing_after_terminal(exchange: Exchange) -> Iterator[Finding]:
    """After a choice's finish_reason nothing is added to it: clients have finished it by then."""
    ended: set[int] = set()
    for number, chunk in enumerate(view.chunks(exchange)):
        for choice in view.choices_of(chunk):
            index = view.index_of(choice)
            delta = view.delta_of(choice)
            more = delta.get("content") or delta.get("tool_calls") or choice.get("text")
            if index in ended and more and choice.get("finish_reason") is None:
                yield Finding("nothing", str(more)[:80], f"chunk {number}, choice {index}")
                return
            if choice.get("finish_reason") is not None:
                ended.add(index)
    if not ended:
        raise Inconclusive("no choice was finished")


@check(
    "stream.terminal-delta-empty", level=MAY, applies=view.is_chat_stream, spec="openai-docs#chat-streaming/streaming"
)
def terminal_delta_empty(exchange: Exchange) -> Iterator[Finding]:
    """The chunk with the finish_reason has an empty delta."""
    for number, chunk in enumerate(view.chunks(exchange)):
        for choice in view.choices_of(chunk):
            delta = view.delta_of(choice)
            if choice.get("finish_reason") is not None and (delta.get("content") or delta.get("tool_calls")):
                yield Finding("an empty delta", str(delta)[:100], f"chunk {number}")


def _deltas(exchange: Exchange) -> dict[int, list[dict[str, object]]]:
    found: dict[int, list[dict[str, object]]] = {}
    for chunk in view.chunks(exchange):
        for choice in view.choices_of(chunk):
            found.setdefault(view.index_of(choice), []).append(dict(view.delta_of(choice)))
    if not found:
        raise Inconclusive("the stream has no choice")
    return found


@check(
    "stream.role-first",
    level=SHOULD,
    applies=view.is_chat_stream,
    spec="openai#/components/schemas/ChatCompletionStreamResponseDelta/properties/role",
)
def role_first(exchange: Exchange) -> Iterator[Finding]:
    """The first delta of each choice says whose message it is."""
    for index, deltas in _deltas(exchange).items():
        if deltas[0].get("role") is None:
            yield Finding("role", str(deltas[0])[:80], f"the first delta of choice {index}")


@check("stream.role-once", level=SHOULD, applies=view.is_chat_stream, spec="issue#mudler/LocalAI/340")
def role_once(exchange: Exchange) -> Iterator[Finding]:
    """The role is said at the beginning, not again in every delta."""
    for index, deltas in _deltas(exchange).items():
        more = [delta for delta in deltas if any(delta.get(name) for name in ("content", "tool_calls", "refusal"))]
        if len(more) >= 3 and all(delta.get("role") for delta in more):
            yield Finding("role in the first delta only", f"role in all {len(more)} deltas", f"choice {index}")


@check("stream.first-delta-content", level=SHOULD, applies=view.is_chat_stream, spec="issue#xorbitsai/inference/1113")
def first_delta_content(exchange: Exchange) -> Iterator[Finding]:
    """The first delta, with the role, has the member `content` too (an empty string, or null before a tool call)."""
    for index, deltas in _deltas(exchange).items():
        if "content" not in deltas[0] and not deltas[0].get("tool_calls"):
            yield Finding("content", str(deltas[0])[:80], f"the first delta of choice {index}")
