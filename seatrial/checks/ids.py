"""Identity of answers: ids and the time of creation."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_ID = "openai#/components/schemas/CreateChatCompletionResponse/properties/id"
_CREATED = "openai#/components/schemas/CreateChatCompletionResponse/properties/created"
_FIRST_SECOND, _LAST_SECOND = 1_000_000_000, 20_000_000_000  # 2001 and 2603; milliseconds are a thousand times that


_KEPT = ("/responses", "/conversations", "/files", "/uploads", "/batches", "/vector_stores", "/fine_tuning", "/images")
_TIMES = ("created", "created_at", "completed_at", "finished_at", "last_active_at", "expires_at")


def _has_id(exchange: Exchange) -> bool:
    return view.is_generation(exchange) or view.is_models(exchange)


def _objects(exchange: Exchange) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Where and what: each object of an answer that has an id and a time of creation."""
    if view.is_generation(exchange) and exchange.asked_to_stream:
        for number, chunk in view.numbered(exchange):
            if not view.is_preamble(chunk):
                yield f"event {number}", chunk
        return
    body = view.whole_answer(exchange)
    data = body.get("data")
    if exchange.operation.id == "listModels" and isinstance(data, list):
        for number, item in enumerate(data):
            if isinstance(item, dict):
                yield f"body /data/{number}", item
        return
    yield "body", body


@check("ids.non-empty", level=MUST, applies=_has_id, spec=_ID)
def non_empty(exchange: Exchange) -> Iterator[Finding]:
    """The id of an answer, of a chunk, of a model is not empty."""
    for where, found in _objects(exchange):
        value = found.get("id")
        if isinstance(value, str) and not value.strip():
            yield Finding("an id", repr(value), f"{where} /id")
            return


def _is_kept(exchange: Exchange) -> bool:
    paths = exchange.operation.path.startswith(_KEPT)
    return paths and view.is_ok(exchange) and exchange.media == "application/json"


def _times(exchange: Exchange) -> Iterator[tuple[str, float]]:
    """Where and what: each time that objects which are kept, or made, say of themselves."""
    for where, found in [("body ", view.whole_answer(exchange)), *view.kept(exchange)]:
        for name in _TIMES:
            value = found.get(name)
            # What was made was made at some time: 0 is only of what has not come to pass.
            if isinstance(value, (int, float)) and not isinstance(value, bool) and (value or "created" in name):
                yield f"{where}/{name}", float(value)


@check("created.seconds", level=MUST, applies=lambda e: _has_id(e) or _is_kept(e), spec=_CREATED)
def created_seconds(exchange: Exchange) -> Iterator[Finding]:
    """The time of creation is in seconds since 1970, not in milliseconds."""
    if not _has_id(exchange):
        wrong = [(where, when) for where, when in _times(exchange) if not _FIRST_SECOND <= when < _LAST_SECOND]
        yield from (Finding("seconds since 1970", f"{when:.0f}", where) for where, when in wrong[:1])
        return
    # A model's time may be unknown to who serves it, and 0; an answer is made now.
    least = 0 if view.is_models(exchange) else _FIRST_SECOND
    judged = 0
    for where, found in _objects(exchange):
        value = found.get("created")
        if isinstance(value, bool) or not isinstance(value, int):
            continue
        judged += 1
        if not least <= value < _LAST_SECOND:
            yield Finding("seconds since 1970", str(value)[:40], f"{where} /created")
            return
    if not judged:
        raise Inconclusive("there is no integer created")


def _has_model(exchange: Exchange) -> bool:
    judged = exchange.operation.id == "createModeration" and view.is_ok(exchange)
    return judged or view.is_generation(exchange) or view.is_embedding(exchange)


@check(
    "ids.model-named",
    level=SHOULD,
    applies=_has_model,
    spec="openai#/components/schemas/CreateChatCompletionResponse/properties/model",
)
def model_named(exchange: Exchange) -> Iterator[Finding]:
    """An answer, and each of its chunks, names the model that made it."""
    for where, found in _objects(exchange):
        value = found.get("model")
        if isinstance(value, str) and not value.strip():
            yield Finding("the name of a model", repr(value), f"{where} /model")
            return


def _two_generations(exchanges: Sequence[Exchange]) -> bool:
    return sum(1 for exchange in exchanges if view.is_generation(exchange)) > 1


def _answers(exchanges: Sequence[Exchange]) -> Iterator[tuple[Exchange, Mapping[str, Any]]]:
    """The generations that can be read, each with what it came to."""
    for exchange in filter(view.is_generation, exchanges):
        try:
            whole = view.completion(exchange)
        except Inconclusive:
            continue
        yield exchange, whole


def _is_kept_answer(first: Exchange, again: Exchange) -> bool:
    """Whether a cache may have given it: the same answer, of the same time, to the same request, plain or streamed."""
    one, other = view.completion(first), view.completion(again)
    same = view.same_but(first, again, "stream", "stream_options") and one.get("created") == other.get("created")
    return same and [_told(choice) for choice in view.choices(first)] == [_told(c) for c in view.choices(again)]


def _told(choice: Mapping[str, Any]) -> tuple[str, str | None, list[Any]]:
    return view.text(choice), view.finish_reason(choice), view.called(choice)


@relation("ids.unique", level=MUST, applies=_two_generations, spec=_ID)
def unique(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Two answers have two ids."""
    seen: dict[str, Exchange] = {}
    compared = 0
    for exchange, whole in _answers(exchanges):
        value = whole.get("id")
        if not isinstance(value, str) or not value.strip():
            continue
        compared += 1
        first = seen.setdefault(value, exchange)
        if first is exchange:
            continue
        if _is_kept_answer(first, exchange):
            compared -= 1
            continue
        yield Finding(
            f"an id other than that of exchange {first.number}", value[:80], f"exchange {exchange.number} /id"
        )
    if compared < 2:
        raise Inconclusive("there were no two answers with ids to compare")


_DAY = 86400
_SKEW = 600
"""Seconds that the clocks behind one address may differ."""


@relation("created.each-its-own", level=SHOULD, applies=_two_generations, spec=_CREATED)
def each_its_own(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The time of creation is that of the answer: two answers were not both made in one second of another day."""
    seen: dict[int, str] = {}
    compared = 0
    for exchange, whole in _answers(exchanges):
        id, when = whole.get("id"), whole.get("created")
        date = view.date(exchange)
        if not isinstance(id, str) or not id or not isinstance(when, int) or date is None:
            continue
        compared += 1
        # An answer that was kept has its old time, a day or more before the server's own clock, and its id.
        if when < date - _DAY and seen.setdefault(when, id) != id:
            yield Finding("the time of the answer", f"{when}, as of {seen[when]}"[:80], f"exchange {exchange.number}")
            return
    if compared < 2:
        raise Inconclusive("there were no two answers to compare")


def _is_dated(exchange: Exchange) -> bool:
    return view.is_generation(exchange) and exchange.header("date") is not None


@check("created.answer-not-ahead", level=SHOULD, applies=_is_dated, spec=_CREATED)
def answer_not_ahead(exchange: Exchange) -> Iterator[Finding]:
    """An answer was not made after it was sent: its time is not ahead of the server's own clock."""
    when = view.completion(exchange).get("created")
    date = view.date(exchange)
    if isinstance(when, bool) or not isinstance(when, (int, float)) or date is None or when > _LAST_SECOND:
        raise Inconclusive("there is no time of creation in seconds to hold against the header Date")
    ahead = when - date
    if ahead > _SKEW:
        yield Finding(f"a time until {exchange.header('date')}", f"{when}, {ahead:.0f} seconds later", "body /created")
