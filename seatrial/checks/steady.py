"""What an object is made as: shown as it was asked for, under an id and a time of its own, and so ever after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_ASKED: Mapping[str, tuple[str, ...]] = {
    "createUpload": ("filename", "purpose", "bytes"),
    "createBatch": ("endpoint", "input_file_id", "metadata"),
    "createFineTuningJob": ("validation_file",),
    "createVectorStore": ("name", "metadata"),
    "createConversation": ("metadata",),
}
"""By operation, members that a request gives and an answer repeats; of other operations, other checks tell."""
_MADE = frozenset({*_ASKED, "createFile", "addUploadPart", "createVectorStoreFileBatch", "createModeration"})
_STEADY: Mapping[str, tuple[str, ...]] = {
    "upload": ("created_at", "filename", "purpose", "bytes"),
    "batch": ("created_at", "endpoint", "input_file_id", "completion_window"),
    "fine_tuning.job": ("created_at", "training_file", "validation_file", "seed"),
    "vector_store": ("created_at",),
    "vector_store.files_batch": ("created_at", "vector_store_id"),
}
"""By object, members that nothing changes."""
_PAST = ("created", "created_at", "in_progress_at", "finalizing_at", "completed_at", "failed_at", "finished_at")
_CLOCK_S = 600
"""How far the clocks of a service may be apart."""


def _same(one: Any, other: Any) -> bool:
    """Whether two values say the same: of times, which may be cut or rounded, within a second."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.items() <= other.items()  # a server may add what it knows
    if isinstance(one, (int, float)) and isinstance(other, (int, float)):
        return one == other or (one > 1e9 and abs(one - other) <= 1)
    return bool(one == other)


def _asks(exchange: Exchange) -> bool:
    names = _ASKED.get(exchange.operation.id, ())
    return view.is_ok(exchange) and any(exchange.request.get(name) is not None for name in names)


@check("kept.as-asked", level=MUST, applies=_asks, spec="openai#/components/schemas/CreateUploadRequest")
def as_asked(exchange: Exchange) -> Iterator[Finding]:
    """What an upload, a batch, a job, a vector store or a conversation was asked to be is what the answer says it is."""
    body = view.whole_answer(exchange)
    for name in _ASKED[exchange.operation.id]:
        wanted, shown = exchange.request.get(name), body.get(name)
        if wanted is not None and name in body and not _same(wanted, shown):
            yield Finding(view.short(wanted), view.short(shown), f"body /{name}")


def _views(exchanges: Sequence[Exchange]) -> Iterator[tuple[Exchange, str, Mapping[str, Any]]]:
    """(exchange, where, object) of each object of these kinds that a success shows."""
    for exchange in exchanges:
        if not view.is_ok(exchange) or exchange.media != "application/json":
            continue
        try:
            rows = view.kept(exchange)
        except Inconclusive:
            continue
        for where, row in rows:
            kind, id = row.get("object"), row.get("id")
            if isinstance(kind, str) and kind in _STEADY and isinstance(id, str):
                yield exchange, where, row


def _shows_again(exchanges: Sequence[Exchange]) -> bool:
    ids = [(row["object"], row["id"]) for _, _, row in _views(exchanges)]
    return len(set(ids)) < len(ids)


@relation("kept.steady", level=MUST, applies=_shows_again, spec="openai#/components/schemas/Upload")
def steady(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """An object that is read, listed, changed or ended keeps its time of creation and what it was made of."""
    first: dict[tuple[str, str], Mapping[str, Any]] = {}
    for exchange, where, row in _views(exchanges):
        before = first.setdefault((row["object"], row["id"]), row)
        for name in _STEADY[row["object"]]:
            one, other = before.get(name), row.get(name)
            alike = type(one) is type(other) or {type(one), type(other)} <= {int, float}  # else the schema judges
            if one is not None and alike and not _same(one, other):
                yield Finding(view.short(one), view.short(other), f"exchange {exchange.number} {where.strip()} /{name}")
                return


def _makings(exchanges: Sequence[Exchange]) -> list[Exchange]:
    return [exchange for exchange in exchanges if exchange.operation.id in _MADE and view.is_ok(exchange)]


def _makes_two(exchanges: Sequence[Exchange]) -> bool:
    kinds = [exchange.operation.id for exchange in _makings(exchanges)]
    return len(set(kinds)) < len(kinds)


@relation("kept.ids-unique", level=MUST, applies=_makes_two, spec="openai#/components/schemas/UploadPart")
def ids_unique(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Two objects of one kind, made of different requests, have two ids; so have two moderations."""
    seen: dict[tuple[str, str], Exchange] = {}
    compared = 0
    for exchange in _makings(exchanges):
        id = view.whole_answer(exchange).get("id")
        if not isinstance(id, str) or not id:
            continue
        compared += 1
        other = seen.setdefault((exchange.operation.id, id), exchange)
        # What is the same may be kept once, and found by what is in it.
        if other is not exchange and other.request.body != exchange.request.body:
            wanted = f"an id other than that of exchange {other.number}"
            yield Finding(wanted, id[:80], f"exchange {exchange.number} /id")
    if compared < 2:
        raise Inconclusive("there were no two answers with ids to compare")


def _time(row: Mapping[str, Any], name: str) -> float:
    """The time of that name; 0 where there is none."""
    value = row.get(name)
    return value if isinstance(value, (int, float)) else 0


def _tells_times(exchange: Exchange) -> bool:
    told = any(f'"{name}"'.encode() in exchange.body for name in _PAST)
    own = view.is_models(exchange) or view.is_generation(exchange)  # Other checks tell of these.
    return told and not own and view.is_ok(exchange) and exchange.media == "application/json"


@check("created.not-ahead", level=SHOULD, applies=_tells_times, spec="openai#/components/schemas/OpenAIFile")
def not_ahead(exchange: Exchange) -> Iterator[Finding]:
    """What has come to pass, has so by the server's own Date; and what is just made is not of an earlier hour."""
    now = view.date(exchange)
    if now is None:
        raise Inconclusive("the answer has no Date")
    shown = view.kept(exchange)
    shown += [(f"{where.strip()} /file", row["file"]) for where, row in shown if isinstance(row.get("file"), dict)]
    for where, row in shown:
        for name in _PAST:
            value = _time(row, name)
            # Milliseconds are judged by created.seconds.
            if 10 * now > value > now + _CLOCK_S:
                yield Finding(f"at most {now}, the Date", f"{value:.0f}", f"{where.strip()} /{name}")
                return
    made = exchange.operation.id in _ASKED and exchange.request.method == "POST"
    value = _time(view.whole_answer(exchange), "created_at")
    if made and 1e9 < value < now - _CLOCK_S:
        yield Finding(f"about {now}, the Date", f"{value:.0f}", "body /created_at")
