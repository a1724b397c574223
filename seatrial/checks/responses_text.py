"""What the events of a streamed response add up to: the pieces, what is done, the item, the response."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_SCHEMAS = "openai#/components/schemas/Response"
_WHOLE = {
    "response.output_text": "text",
    "response.refusal": "refusal",
    "response.reasoning_text": "text",
    "response.reasoning_summary_text": "text",
    "response.function_call_arguments": "arguments",
    "response.custom_tool_call_input": "input",
    "response.mcp_call_arguments": "arguments",
    "response.code_interpreter_call_code": "code",
}
"""What comes in pieces, and the member of its `done` event that holds it whole."""
_DONE = "response.output_item.done"

Data = Mapping[str, Any]
Place = tuple[str, int, int]


def _place(stem: str, data: Data) -> Place:
    inner = next((name for name in ("content_index", "summary_index") if name in data), None)
    return stem, view.integer(data, "output_index"), view.integer(data, inner) if inner else 0


def _wholes(exchange: Exchange) -> dict[Place, tuple[int, str]]:
    """(index of the event, text) of what each `done` event holds."""
    found = {}
    for number, kind, data in view.typed_events(exchange):
        stem, _, step = kind.rpartition(".")
        whole = data.get(_WHOLE.get(stem, ""))
        if step == "done" and isinstance(whole, str):
            found[_place(stem, data)] = number, whole
    return found


@check("responses.deltas-equal-done", level=MUST, applies=view.is_response_stream, spec=_SCHEMAS + "TextDoneEvent")
def deltas_equal_done(exchange: Exchange) -> Iterator[Finding]:
    """The pieces of a text, a refusal or a call's arguments add up to what is said to be done."""
    pieces: dict[Place, str] = {}
    for _, kind, data in view.typed_events(exchange):
        stem, _, step = kind.rpartition(".")
        if step == "delta" and stem in _WHOLE and isinstance(data.get("delta"), str):
            at = _place(stem, data)
            pieces[at] = pieces.get(at, "") + data["delta"]
    judged = False
    for at, (number, whole) in _wholes(exchange).items():
        if at not in pieces:
            continue  # a server may give a text all at once
        judged = True
        if pieces[at] != whole:
            yield _differs(pieces[at], whole, f"event {number}")
    if not judged:
        raise Inconclusive("nothing came in pieces")


def _streams_logprobs(exchange: Exchange) -> bool:
    include = exchange.request.get("include")
    return view.is_response_stream(exchange) and isinstance(include, list) and "message.output_text.logprobs" in include


@check(
    "responses.delta-logprobs",
    level=SHOULD,
    applies=_streams_logprobs,
    spec=_SCHEMAS + "TextDeltaEvent",
)
def delta_logprobs(exchange: Exchange) -> Iterator[Finding]:
    """Where a text has log probabilities, the pieces that it comes in have them."""
    deltas = [data for _, kind, data in view.typed_events(exchange) if kind == "response.output_text.delta"]
    parts = [part for _, item in view.items_of(exchange) for part in view.content(item)]
    if not deltas or not any(part.get("logprobs") for part in parts):
        raise Inconclusive("there is no text in pieces that has log probabilities")
    if not any(data.get("logprobs") for data in deltas):
        yield Finding(
            "the log probabilities of its tokens", "none in any delta", "response.output_text.delta /logprobs"
        )


def _differs(wanted: str, actual: str, where: str) -> Finding:
    """A finding that shows two texts from where they part."""
    at = next(
        (n for n, (a, b) in enumerate(zip(wanted, actual, strict=False)) if a != b), min(len(wanted), len(actual))
    )
    start = max(0, at - 20)
    lengths = f" ({len(wanted)} and {len(actual)} characters)"
    return Finding(f"{wanted[start : start + 60]!r}", f"{actual[start : start + 60]!r}{lengths}", where)


def _inside(item: Data, stem: str, inner: int) -> Any:
    """What an item has in the place of something that came in pieces."""
    name = _WHOLE[stem]
    listed = {"response.reasoning_summary_text": "summary"}.get(stem, "content")
    if stem in (
        "response.output_text",
        "response.refusal",
        "response.reasoning_text",
        "response.reasoning_summary_text",
    ):
        parts = item.get(listed)
        part = parts[inner] if isinstance(parts, list) and 0 <= inner < len(parts) else None
        return part.get(name) if isinstance(part, dict) else None
    return item.get(name)


@check("responses.done-equals-item", level=MUST, applies=view.is_response_stream, spec=_SCHEMAS + "OutputItemDoneEvent")
def done_equals_item(exchange: Exchange) -> Iterator[Finding]:
    """What is said to be done stands in the item and in its part, once these are done."""
    wholes = _wholes(exchange)
    judged = False
    for number, kind, data in view.typed_events(exchange):
        item, part = data.get("item"), data.get("part")
        for (stem, index, inner), (_, whole) in wholes.items():
            if data.get("output_index") != index:
                continue
            if kind == _DONE and isinstance(item, dict):
                actual, where = _inside(item, stem, inner), f"event {number} /item"
            elif kind == "response.content_part.done" and isinstance(part, dict) and data.get("content_index") == inner:
                if stem not in ("response.output_text", "response.refusal"):
                    continue
                actual, where = part.get(_WHOLE[stem]), f"event {number} /part/{_WHOLE[stem]}"
            else:
                continue
            judged = True
            if actual != whole:
                yield _differs(whole, actual if isinstance(actual, str) else f"{actual}", where)
    if not judged:
        raise Inconclusive("no item was done after its text")


@check("responses.final-output", level=MUST, applies=view.is_response_stream, spec=_SCHEMAS + "CompletedEvent")
def final_output(exchange: Exchange) -> Iterator[Finding]:
    """The output of the response that ends a stream is the items that were done, each at its output_index."""
    found = view.response(exchange)
    if view.status(found) == "failed":
        raise Inconclusive("the response failed")
    output = found.get("output")
    if not isinstance(output, list):
        raise Inconclusive("the last response has no output")
    done = {
        view.integer(data, "output_index"): data["item"]
        for _, kind, data in view.typed_events(exchange)
        if kind == _DONE and isinstance(data.get("item"), dict)
    }
    if not done and not output:
        raise Inconclusive("the stream has no item")
    # Items that were never done are judged by responses.all-done.
    if done and len(output) > len(done) and max(done) + 1 == len(done):
        yield Finding(f"{len(done)} items", f"{len(output)}", "the last event /response/output")
        return
    for index, item in sorted(done.items()):
        last = output[index] if 0 <= index < len(output) else None
        if not isinstance(last, dict):
            yield Finding(f"the item {item.get('id')}"[:80], "nothing", f"the last event /response/output/{index}")
            return
        for name in ("id", "type", "content", "summary", "arguments", "name", "call_id"):
            if view.bare(item.get(name)) != view.bare(last.get(name)):
                where = f"the last event /response/output/{index}/{name}"
                yield Finding(f"{item.get(name)!r}"[:160], f"{last.get(name)!r}"[:160], where)
                return
