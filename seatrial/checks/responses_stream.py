"""The events of a streamed response: their order, and what belongs to what."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check
from seatrial.model import MUST, SHOULD, Exchange, Finding

_CLIENT = "openai-python#src/openai/lib/streaming/responses/_responses.py"
_SCHEMAS = "openai#/components/schemas/Response"
_ADDED, _DONE = "response.output_item.added", "response.output_item.done"
_PART_ADDED, _PART_DONE = "response.content_part.added", "response.content_part.done"
_IN_PART = {"response.output_text": "output_text", "response.refusal": "refusal"}

Data = Mapping[str, Any]


@check("responses.event-names", level=SHOULD, applies=view.is_response_stream, spec=_SCHEMAS + "StreamEvent")
def event_names(exchange: Exchange) -> Iterator[Finding]:
    """The name of each event is its type."""
    for number, kind, _ in view.typed_events(exchange):
        name = exchange.events[number].event
        if name != kind:
            yield Finding(f"event: {kind}"[:80], f"event: {name}"[:80], f"event {number}")
            return


@check("responses.sequence", level=SHOULD, applies=view.is_response_stream, spec=_SCHEMAS + "CreatedEvent")
def sequence(exchange: Exchange) -> Iterator[Finding]:
    """The sequence numbers go up by one from event to event."""
    last: int | None = None
    for number, _, data in view.typed_events(exchange):
        now = view.integer(data, "sequence_number")
        if last is not None and now != last + 1:
            yield Finding(f"{last + 1}", f"{now}", f"event {number} /sequence_number")
            return
        last = now


@check("responses.created-first", level=MUST, applies=view.is_response_stream, spec=_CLIENT)
def created_first(exchange: Exchange) -> Iterator[Finding]:
    """The first event is response.created, and no other is."""
    kinds = [(number, kind) for number, kind, _ in view.typed_events(exchange)]
    if kinds[0][1] == "error":
        raise Inconclusive("the stream begins with an error")
    if kinds[0][1] != "response.created":
        yield Finding("response.created", kinds[0][1][:80], f"event {kinds[0][0]}")
    again = [number for number, kind in kinds[1:] if kind == "response.created"]
    if again and kinds[0][1] == "response.created":
        yield Finding("response.created once", f"again ({len(again)} times)", f"event {again[0]}")


@check("responses.life-order", level=SHOULD, applies=view.is_response_stream, spec=_SCHEMAS + "InProgressEvent")
def life_order(exchange: Exchange) -> Iterator[Finding]:
    """Between response.created and the first item, the response is in progress, once; queued, where it is, before that."""
    events = view.typed_events(exchange)
    rows = [(number, kind) for number, kind, _ in events]
    for number, kind, data in events:
        found = data.get("response")
        if kind not in ("response.created", "response.in_progress") or not isinstance(found, dict):
            continue
        if view.status(found) in view.ENDINGS.values():
            yield Finding("in_progress, or queued", view.status(found), f"event {number} /response/status")
            return
    order = ("response.created", "response.queued", "response.in_progress", _ADDED)
    first = [next((number for number, kind in rows if kind == wanted), None) for wanted in order]
    if first[3] is None:
        raise Inconclusive("the stream has no item")
    if first[2] is None:
        yield Finding("response.in_progress", "no such event", "the events before the first item")
        return
    known = [number for number in first if number is not None]
    if known != sorted(known):
        seen = [kind for _, kind in rows if kind in order]
        yield Finding(" -> ".join(order), " -> ".join(dict.fromkeys(seen))[:160], f"event {first[2]}")
    elif sum(kind == "response.in_progress" for _, kind in rows) > 1:
        yield Finding("response.in_progress once", "again", f"event {first[2]}")


def _ends(exchange: Exchange) -> list[int]:
    """The places of the events that end a response. Inconclusive where an error stands in for them."""
    rows = view.typed_events(exchange)
    found = [number for number, kind, _ in rows if kind in view.ENDINGS]
    if not found and any(kind == "error" for _, kind, _ in rows):
        raise Inconclusive("the stream ended with an error")
    return found


@check("responses.one-terminal", level=MUST, applies=view.is_response_stream, spec=_CLIENT)
def one_terminal(exchange: Exchange) -> Iterator[Finding]:
    """A stream has one event that ends its response: response.completed, response.incomplete or response.failed."""
    ends = _ends(exchange)
    if not ends and exchange.left_open:
        raise Inconclusive("the stream was left open, so its end is not known")
    if not ends and view.unterminated(exchange) is not None:
        raise Inconclusive("the last event is not terminated")
    if len(ends) != 1:
        last = view.typed_events(exchange)[-1][1]
        yield Finding("one event that ends the response", f"{len(ends)}; the last event is {last[:60]}", "the events")


@check(
    "responses.nothing-after-terminal", level=MUST, applies=view.is_response_stream, spec=_SCHEMAS + "CompletedEvent"
)
def nothing_after_terminal(exchange: Exchange) -> Iterator[Finding]:
    """Nothing comes after the event that ends the response, but [DONE]."""
    ends = _ends(exchange)
    if not ends:
        raise Inconclusive("no event ends the response")
    late = [(n, kind) for n, kind, _ in view.typed_events(exchange) if n > ends[0] and kind not in view.ENDINGS]
    if late:
        yield Finding("nothing more", f"{late[0][1][:60]} ({len(late)} events)", f"event {late[0][0]}")


@check(
    "responses.final-status", level=MUST, applies=view.is_response_stream, spec=_SCHEMAS + "/allOf/2/properties/status"
)
def final_status(exchange: Exchange) -> Iterator[Finding]:
    """The response that an event ends has the status which that event speaks of."""
    judged = False
    for number, kind, data in view.typed_events(exchange):
        found = data.get("response")
        if kind in view.ENDINGS and isinstance(found, dict) and view.status(found):
            judged = True
            if view.status(found) != view.ENDINGS[kind]:
                yield Finding(view.ENDINGS[kind], view.status(found)[:40], f"event {number} /response/status")
    if not judged:
        raise Inconclusive("no event ends a response with a status")


@check("responses.one-id", level=MUST, applies=view.is_response_stream, spec=_CLIENT)
def one_id(exchange: Exchange) -> Iterator[Finding]:
    """Every event that carries the response carries the same one."""
    first: Any = None
    for number, kind, data in view.typed_events(exchange):
        found = data.get("response")
        if kind not in view.LIFE or not isinstance(found, dict) or not isinstance(found.get("id"), str):
            continue
        first = first or found["id"]
        if found["id"] != first:
            yield Finding(repr(first)[:80], repr(found["id"])[:80], f"event {number} /response/id")
            return
    if not first:
        raise Inconclusive("no event carries a response with an id")


@check("responses.life-same", level=MUST, applies=view.is_response_stream, spec=_CLIENT)
def life_same(exchange: Exchange) -> Iterator[Finding]:
    """The response of a stream has the same model and the same time of creation in every event that carries it."""
    first: dict[str, Any] = {}
    for number, kind, data in view.typed_events(exchange):
        found = data.get("response")
        if kind not in view.LIFE or not isinstance(found, dict):
            continue
        for name in ("model", "created_at"):
            if found.get(name) is not None and first.setdefault(name, found[name]) != found[name]:
                yield Finding(repr(first[name])[:80], repr(found[name])[:80], f"event {number} /response/{name}")
                return
    if not first:
        raise Inconclusive("no event carries a response with a model")


def _placed(exchange: Exchange) -> Iterator[tuple[int, str, int, Data]]:
    """(index of the event, type, output_index, data) of each event that belongs to an item."""
    for number, kind, data in view.typed_events(exchange):
        if "output_index" in data:
            yield number, kind, view.integer(data, "output_index"), data


@check("responses.items-open", level=MUST, applies=view.is_response_stream, spec=_CLIENT)
def items_open(exchange: Exchange) -> Iterator[Finding]:
    """An item is added once, before any event of its own, and nothing of it comes after it is done."""
    added: set[int] = set()
    done: set[int] = set()
    for number, kind, index, _ in _placed(exchange):
        if kind == _ADDED and index in added:
            yield Finding("an output_index of its own", f"{index} again", f"event {number} /output_index")
            return
        if kind == _ADDED:
            added.add(index)
        elif index not in added:
            yield Finding(f"{_ADDED} of output_index {index} before", kind[:80], f"event {number}")
            return
        elif index in done:
            yield Finding(f"nothing more of output_index {index}", kind[:80], f"event {number}")
            return
        if kind == _DONE:
            done.add(index)
    if not added:
        raise Inconclusive("the stream has no item")


def _item(data: Data) -> Data:
    found = data.get("item")
    return found if isinstance(found, dict) else {}


@check("responses.event-item-ids", level=MUST, applies=view.is_response_stream, spec=_CLIENT)
def event_item_ids(exchange: Exchange) -> Iterator[Finding]:
    """Each event names the item that its output_index stands for, and the item is of one type, id and name to its end."""
    known: dict[int, Data] = {}
    judged = False
    for number, kind, index, data in _placed(exchange):
        if kind == _ADDED:
            known.setdefault(index, _item(data))
            continue
        item = known.get(index)
        if item is None or not isinstance(item.get("id"), str):
            continue
        judged = True
        pairs = [("item_id", item["id"], data.get("item_id", item["id"]))]
        if kind == _DONE:
            names = ("id", "type", "call_id", "name")
            pairs = [(f"item/{name}", item.get(name), _item(data).get(name)) for name in names]
        for name, wanted, actual in pairs:
            if actual != wanted and isinstance(actual, str) and isinstance(wanted, str):
                yield Finding(f"{wanted!r}"[:80], f"{actual!r}"[:80], f"event {number} /{name}")
                return
    if not judged:
        raise Inconclusive("no item has an id")


@check("responses.parts-open", level=MUST, applies=view.is_response_stream, spec=_CLIENT)
def parts_open(exchange: Exchange) -> Iterator[Finding]:
    """Text and refusals come in a part of their kind that was added before and is not done; parts count up from 0."""
    open_: dict[tuple[int, int], Any] = {}
    done: set[tuple[int, int]] = set()
    for number, kind, index, data in _placed(exchange):
        if "content_index" not in data:
            continue
        at = index, view.integer(data, "content_index")
        wanted = _IN_PART.get(kind.rpartition(".")[0])
        part = data.get("part")
        if kind == _PART_ADDED:
            before = sum(place[0] == index for place in open_)
            if at[1] != before:
                yield Finding(f"content_index {before}", f"{at[1]}", f"event {number} /content_index")
                return
            open_[at] = part.get("type") if isinstance(part, dict) else None
        elif kind == _PART_DONE or wanted:
            if at not in open_ or at in done:
                state = "done" if at in done else "not added"
                yield Finding(f"an open part {at[1]} of item {index}", f"{kind}: it is {state}"[:80], f"event {number}")
                return
            if wanted and open_[at] != wanted:
                yield Finding(f"a part of type {wanted}", f"{open_[at]}"[:60], f"event {number}")
                return
            if kind == _PART_DONE:
                done.add(at)
    if not open_:
        raise Inconclusive("the stream has no part")


@check("responses.added-empty", level=MUST, applies=view.is_response_stream, spec=_CLIENT)
def added_empty(exchange: Exchange) -> Iterator[Finding]:
    """What is still to come in pieces is empty when it is added: clients add the pieces to it."""
    pieces = {(index, kind.rpartition(".")[0]) for _, kind, index, _ in _placed(exchange) if kind.endswith(".delta")}
    judged = False
    for number, kind, index, data in _placed(exchange):
        part = data.get("part") if kind == _PART_ADDED else None
        found: list[tuple[str, Any]] = []
        if isinstance(part, dict) and any((index, stem) in pieces for stem in _IN_PART):
            found = [(f"part/{name}", part.get(name)) for name in ("text", "refusal")]
        elif kind == _ADDED and (index, "response.function_call_arguments") in pieces:
            found = [("item/arguments", _item(data).get("arguments"))]
        elif kind == _ADDED and any((index, stem) in pieces for stem in _IN_PART):
            found = [("item/content", _item(data).get("content"))]
        for name, value in found:
            judged = True
            if value:
                yield Finding("nothing yet", f"{value!r}"[:80], f"event {number} /{name}")
    if not judged:
        raise Inconclusive("nothing came in pieces")


@check(
    "responses.item-states",
    level=SHOULD,
    applies=view.is_response_stream,
    spec="openai#/components/schemas/OutputMessage",
)
def item_states(exchange: Exchange) -> Iterator[Finding]:
    """An item is in progress when it is added, and not any more when it is done."""
    judged = False
    for number, kind, _, data in _placed(exchange):
        status = _item(data).get("status")
        if kind not in (_ADDED, _DONE) or not isinstance(status, str):
            continue
        judged = True
        if (kind == _ADDED) != (status == "in_progress"):
            wanted = "in_progress" if kind == _ADDED else "completed or incomplete"
            yield Finding(wanted, status[:40], f"event {number} /item/status")
    if not judged:
        raise Inconclusive("no item has a status")


@check("responses.all-done", level=SHOULD, applies=view.is_response_stream, spec=_SCHEMAS + "OutputItemDoneEvent")
def all_done(exchange: Exchange) -> Iterator[Finding]:
    """Whatever is begun is done before the response is: items, parts, texts, arguments."""
    begun: dict[tuple[str, tuple[Any, ...]], int] = {}
    for number, kind, index, data in _placed(exchange):
        stem, _, step = kind.rpartition(".")
        at = index, data.get("content_index"), data.get("summary_index")
        if step in ("added", "delta") and "annotation" not in stem:
            begun.setdefault((stem, at), number)
        elif step == "done":
            begun.pop((stem, at), None)
    if not _ends(exchange):
        raise Inconclusive("no event ends the response")
    for (stem, _), number in begun.items():
        yield Finding(f"{stem}.done"[:80], "no such event", f"what event {number} began")
