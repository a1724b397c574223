"""Vector stores: counts, states, what belongs to which, and what a search finds."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding

_SCHEMAS = "openai#/components/schemas/"
_SEARCH = _SCHEMAS + "VectorStoreSearchRequest/properties/"
_STORES = ("createVectorStore", "getVectorStore", "modifyVectorStore", "listVectorStores")
_LISTED = ("listVectorStoreFiles", "listFilesInVectorStoreBatch")
_FILES = ("createVectorStoreFile", "getVectorStoreFile", "updateVectorStoreFileAttributes", *_LISTED)
_BATCHES = ("createVectorStoreFileBatch", "getVectorStoreFileBatch", "cancelVectorStoreFileBatch")
_STATES = ("in_progress", "completed", "failed", "cancelled")
_SHOWN = 10
"""Results of a search that says nothing of their number."""


def _answers(*operations: str) -> Callable[[Exchange], bool]:
    return lambda exchange: exchange.operation.id in operations and view.is_ok(exchange)


def _counts(row: Mapping[str, Any]) -> Mapping[str, int]:
    counts = row.get("file_counts")
    if not isinstance(counts, dict) or not all(isinstance(counts.get(name), int) for name in (*_STATES, "total")):
        raise Inconclusive("there are no whole file_counts")
    return counts


def _each(exchange: Exchange, judge: Callable[[tuple[str, Mapping[str, Any]]], Iterator[Finding]]) -> Iterator[Finding]:
    """What is found in each object of an answer; nothing in a list that is empty."""
    shown = view.kept(exchange)
    yield from view.each(shown, judge) if shown else ()


@check(
    "stores.file-counts",
    level=MUST,
    applies=_answers(*_STORES, *_BATCHES),
    spec=_SCHEMAS + "VectorStoreObject/properties/file_counts",
)
def file_counts(exchange: Exchange) -> Iterator[Finding]:
    """The total of the file counts is the sum of the counts of each state."""

    def judge(place: tuple[str, Mapping[str, Any]]) -> Iterator[Finding]:
        where, row = place
        counts = _counts(row)
        added = sum(counts[name] for name in _STATES)
        if counts["total"] != added:
            yield Finding(f"total {added}", f"{counts['total']}", f"{where}/file_counts/total")

    yield from _each(exchange, judge)


@check("stores.ready", level=SHOULD, applies=_answers(*_STORES), spec=_SCHEMAS + "VectorStoreObject/properties/status")
def ready(exchange: Exchange) -> Iterator[Finding]:
    """A vector store is not completed while files of it are in progress."""

    def judge(place: tuple[str, Mapping[str, Any]]) -> Iterator[Finding]:
        where, row = place
        if row.get("status") == "completed" and _counts(row)["in_progress"]:
            yield Finding(
                "in_progress", f"completed, with {row['file_counts']['in_progress']} in progress", where + "/status"
            )

    yield from _each(exchange, judge)


def _expires(exchange: Exchange) -> bool:
    if exchange.operation.id not in _STORES or not view.is_ok(exchange):
        return False
    try:
        return any(isinstance(row.get("expires_after"), dict) for _, row in view.kept(exchange))
    except Inconclusive:
        return False


@check("stores.expires-at", level=SHOULD, applies=_expires, spec=_SCHEMAS + "VectorStoreExpirationAfter")
def expires_at(exchange: Exchange) -> Iterator[Finding]:
    """A vector store expires as many days after it was last active as were asked for, to the minute."""

    def judge(place: tuple[str, Mapping[str, Any]]) -> Iterator[Finding]:
        where, row = place
        after, active = row.get("expires_after"), row.get("last_active_at", row.get("created_at"))
        days = after.get("days") if isinstance(after, dict) else None
        if not isinstance(days, int) or not isinstance(active, int):
            raise Inconclusive("it does not say when it expires, or from when that is counted")
        end, wanted = row.get("expires_at"), active + days * 86_400
        if not isinstance(end, int) or abs(end - wanted) > 60:
            yield Finding(f"{wanted}", f"{end}", where + "/expires_at")

    yield from _each(exchange, judge)


@check(
    "stores.belongs",
    level=MUST,
    applies=_answers(*_FILES, *_BATCHES),
    spec=_SCHEMAS + "VectorStoreFileObject/properties/vector_store_id",
)
def belongs(exchange: Exchange) -> Iterator[Finding]:
    """A file or a batch names the vector store that was asked for, and is the one that was asked for."""
    store = view.in_path(exchange, "vector_store_id")
    ids = {"getVectorStoreFile": "file_id", "updateVectorStoreFileAttributes": "file_id"}
    ids |= dict.fromkeys(("getVectorStoreFileBatch", "cancelVectorStoreFileBatch"), "batch_id")
    asked = view.in_path(exchange, ids[exchange.operation.id]) if exchange.operation.id in ids else None
    if exchange.operation.id == "createVectorStoreFile":
        asked = exchange.request.get("file_id")
    for where, row in view.kept(exchange):
        if isinstance(row.get("vector_store_id"), str) and row["vector_store_id"] != store:
            yield Finding(store, row["vector_store_id"], where + "/vector_store_id")
        if asked is not None and isinstance(row.get("id"), str) and row["id"] != asked:
            yield Finding(asked, row["id"], where + "/id")


@check(
    "stores.last-error",
    level=MUST,
    applies=_answers(*_FILES),
    spec=_SCHEMAS + "VectorStoreFileObject/properties/last_error",
)
def last_error(exchange: Exchange) -> Iterator[Finding]:
    """A file that failed says why, and one that is completed has no error."""
    for where, row in view.kept(exchange):
        error = row.get("last_error")
        if row.get("status") == "failed" and not isinstance(error, dict):
            yield Finding("an error", repr(error), where + "/last_error")
        elif row.get("status") == "completed" and error is not None:
            yield Finding("null, of a file that is completed", repr(error)[:80], where + "/last_error")


def _filtered(exchange: Exchange) -> bool:
    return exchange.operation.id in _LISTED and view.is_ok(exchange) and view.in_query(exchange, "filter") in _STATES


@check(
    "stores.list-filter",
    level=MUST,
    applies=_filtered,
    spec="openai#/paths/~1vector_stores~1{vector_store_id}~1files/get",
)
def list_filter(exchange: Exchange) -> Iterator[Finding]:
    """A list that is filtered by a state holds files in that state only."""
    wanted = view.in_query(exchange, "filter")
    for where, row in view.kept(exchange):
        if row.get("status") != wanted:
            yield Finding(f"{wanted}", f"{row.get('status')}", where + "/status")


# --- searches


def _found(exchange: Exchange) -> list[dict[str, Any]]:
    body = view.json_body(exchange)
    data = body.get("data") if isinstance(body, dict) else None
    if not isinstance(data, list) or not all(isinstance(row, dict) for row in data):
        raise Inconclusive("data is not a list of objects")
    return data


def _scores(exchange: Exchange) -> list[float]:
    scores = [row.get("score") for row in _found(exchange)]
    if not all(isinstance(score, (int, float)) for score in scores):
        raise Inconclusive("a result has no score")
    return [float(score) for score in scores if score is not None]


_is_search = _answers("searchVectorStore")


@check("stores.search-limit", level=MUST, applies=_is_search, spec=_SEARCH + "max_num_results")
def search_limit(exchange: Exchange) -> Iterator[Finding]:
    """A search finds at most as many results as were asked for, or ten."""
    most = view.number(exchange, "max_num_results") or _SHOWN
    if len(_found(exchange)) > most:
        yield Finding(f"at most {most} results", f"{len(_found(exchange))}", "body /data")


@check(
    "stores.search-order",
    level=SHOULD,
    applies=_is_search,
    spec=_SCHEMAS + "VectorStoreSearchResultItem/properties/score",
)
def search_order(exchange: Exchange) -> Iterator[Finding]:
    """The results of a search come with the best score first."""
    scores = _scores(exchange)
    for at, (before, after) in enumerate(pairwise(scores), 1):
        if after > before:
            yield Finding(f"at most {before}", f"{after}", f"body /data/{at}/score")
            return


def _threshold(exchange: Exchange) -> float | None:
    options = exchange.request.get("ranking_options")
    least = options.get("score_threshold") if isinstance(options, dict) else None
    return float(least) if isinstance(least, (int, float)) and not isinstance(least, bool) else None


def _has_threshold(exchange: Exchange) -> bool:
    return _is_search(exchange) and _threshold(exchange) is not None


@check("stores.search-threshold", level=MUST, applies=_has_threshold, spec=_SEARCH + "ranking_options")
def search_threshold(exchange: Exchange) -> Iterator[Finding]:
    """No result of a search has a score below the threshold that was asked for."""
    least = _threshold(exchange) or 0.0
    for at, score in enumerate(_scores(exchange)):
        if score < least:
            yield Finding(f"at least {least}", f"{score}", f"body /data/{at}/score")
            return


def _fits(wanted: Any, attributes: Mapping[str, Any]) -> bool:
    if not isinstance(wanted, dict):
        raise Inconclusive("the filter is not an object")
    kind, key, value = wanted.get("type"), wanted.get("key"), wanted.get("value")
    if kind in ("and", "or"):
        inner = [_fits(one, attributes) for one in wanted.get("filters", ())]
        return all(inner) if kind == "and" else any(inner)
    found = attributes.get(str(key))
    match kind:
        case "eq":
            return bool(found == value)
        case "ne":
            return bool(found != value)
        case "in" if isinstance(value, list):
            return found in value
        case "nin" if isinstance(value, list):
            return found not in value
    if not isinstance(found, (int, float)) or not isinstance(value, (int, float)):
        raise Inconclusive("what is compared are not numbers")
    orders = {"gt": found > value, "gte": found >= value, "lt": found < value, "lte": found <= value}
    if kind not in orders:
        raise Inconclusive(f"the filter {kind!r} is not known here")
    return orders[kind]


def _has_filter(exchange: Exchange) -> bool:
    return _is_search(exchange) and isinstance(exchange.request.get("filters"), dict)


@check("stores.search-filter", level=MUST, applies=_has_filter, spec=_SEARCH + "filters")
def search_filter(exchange: Exchange) -> Iterator[Finding]:
    """Every result of a search has attributes that keep to its filter."""
    for at, row in enumerate(_found(exchange)):
        attributes = row.get("attributes")
        if not isinstance(attributes, dict):
            raise Inconclusive("a result does not show its attributes")
        if not _fits(exchange.request.get("filters"), attributes):
            wanted = view.short(exchange.request.get("filters"))
            yield Finding(f"attributes for {wanted}", view.short(attributes), f"body /data/{at}/attributes")


# --- over a case


def _put_in(exchanges: Sequence[Exchange]) -> dict[str, set[str]]:
    """By id of each store that the case made, the files that were put into it."""
    found: dict[str, set[str]] = {}
    for exchange in exchanges:
        if not view.is_ok(exchange):
            continue
        given = exchange.request.get("file_ids")
        rows = exchange.request.get("files")
        ids = {str(id) for id in given} if isinstance(given, list) else set()
        ids |= {str(row.get("file_id")) for row in rows if isinstance(row, dict)} if isinstance(rows, list) else set()
        if exchange.operation.id == "createVectorStore":
            found |= {str(row.get("id")): ids for _, row in view.kept(exchange)}
        elif exchange.operation.id in ("createVectorStoreFile", "createVectorStoreFileBatch"):
            into = found.get(view.in_path(exchange, "vector_store_id") or "")
            if into is not None:
                into |= ids | {str(exchange.request.get("file_id"))}
    return found


def _own_searches(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, set[str]]]:
    """(search, files) of each search of a store that the case made."""
    try:
        put = _put_in(exchanges)
    except Inconclusive:
        return []
    searches = [(one, view.in_path(one, "vector_store_id")) for one in exchanges if _is_search(one)]
    return [(one, put[store]) for one, store in searches if store in put]


@relation(
    "stores.search-own",
    level=MUST,
    applies=lambda e: bool(_own_searches(e)),
    spec=_SCHEMAS + "VectorStoreSearchResultItem",
)
def search_own(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A search finds files of its own vector store, and of no other."""

    def judge(pair: tuple[Exchange, set[str]]) -> Iterator[Finding]:
        search, files = pair
        for at, row in enumerate(_found(search)):
            if isinstance(row.get("file_id"), str) and row["file_id"] not in files:
                yield Finding("a file of the store", row["file_id"], f"exchange {search.number} /data/{at}/file_id")

    return view.each(_own_searches(exchanges), judge)


def _shows(*operations: str) -> Callable[[Sequence[Exchange]], bool]:
    def applies(exchanges: Sequence[Exchange]) -> bool:
        return any(len(states) > 1 for states in view.history(exchanges, operations).values())

    return applies


_KEPT = (*_FILES, *_BATCHES)


@relation(
    "stores.status-forward",
    level=MUST,
    applies=_shows(*_KEPT),
    spec=_SCHEMAS + "VectorStoreFileObject/properties/status",
)
def status_forward(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A file or a batch that is completed, failed or cancelled stays so."""
    for states in view.history(exchanges, _KEPT).values():
        yield from view.went_back(states, lambda before, after: before == "in_progress" or before == after)


_MADE = (
    ("createVectorStore", "getVectorStore", "vector_store_id"),
    ("createVectorStoreFile", "getVectorStoreFile", "file_id"),
    ("createVectorStoreFileBatch", "getVectorStoreFileBatch", "batch_id"),
)


def _asks_again(exchanges: Sequence[Exchange]) -> bool:
    try:
        return any(True for made in _MADE for _ in view.lost(exchanges, *made))
    except Inconclusive:
        return False


@relation("stores.read-after-create", level=MUST, applies=_asks_again, spec="issue#ogx-ai/ogx/5008")
def read_after_create(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """What was made is there at once: a vector store, a file of it, a batch."""
    for names in _MADE:
        for made, missing in view.lost(exchanges, *names):
            if missing is not None:
                yield Finding(f"what exchange {made.number} made", "status 404", f"exchange {missing.number}")
