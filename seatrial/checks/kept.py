"""What a server keeps, over any sequence of requests: made, listed, changed and deleted, it stays what was said of it.

An object is known by its place: the parts of its path that the operation names, such as `("files", "file-1")`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from seatrial import view
from seatrial.check import Inconclusive, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding
from seatrial.view import cursor

Place = tuple[str, ...]
_STORED = ("createChatCompletion", "createResponse")
"""Operations whose answers are kept only where `store` is asked for, which many servers leave unread."""
_TOLD = ("name", "metadata", "attributes", "expires_after", "chunking_strategy")
"""Members that a client sets and a server only keeps."""
_REFERRED = {"previous_response_id": "responses", "conversation": "conversations"}
"""Members of a request that name what has to be there, and where that is kept."""


def _place(exchange: Exchange) -> Place:
    template = exchange.operation.path.strip("/").split("/")
    parts = tuple(map(unquote, urlsplit(exchange.request.url).path.split("/")[-len(template) :]))
    alike = all(name in (part, f"{{{name[1:-1]}}}") for name, part in zip(template, parts, strict=False))
    return parts if alike and len(parts) == len(template) else ()


def _names_one(exchange: Exchange) -> bool:
    return exchange.operation.path.endswith("}")


def _shown(exchange: Exchange) -> list[Mapping[str, Any]]:
    """The objects with an id that a success shows; none where it is no JSON."""
    if not view.is_ok(exchange) or exchange.media != "application/json":
        return []
    try:
        return [row for _, row in view.kept(exchange) if isinstance(row.get("id"), str)]
    except Inconclusive:
        return []


def _made(exchange: Exchange) -> list[Place]:
    if exchange.request.method != "POST" or _names_one(exchange):
        return []
    if exchange.operation.id in _STORED and exchange.request.get("store") is not True:
        return []
    # A file that is put into a store keeps its id: `stores.belongs` judges one that does not.
    named = exchange.request.get("file_id")
    return [(*_place(exchange), str(row["id"])) for row in _shown(exchange) if named in (None, row["id"])]


def _deleted(exchange: Exchange) -> Place:
    if exchange.request.method != "DELETE" or not view.is_ok(exchange) or not _names_one(exchange):
        return ()
    said = next(iter(_shown(exchange)), {})
    return () if said.get("deleted") is False else _place(exchange)


@dataclass(slots=True)
class _Kept:
    """What there is after some of the exchanges of a case."""

    made: dict[Place, Exchange] = field(default_factory=dict)
    gone: dict[Place, Exchange] = field(default_factory=dict)
    told: dict[Place, dict[str, Any]] = field(default_factory=dict)

    def end(self, place: Place) -> Exchange | None:
        """The deletion after which nothing is at that place: its own, or that of what it belonged to."""
        return next((self.gone[place[:n]] for n in range(1, len(place) + 1) if place[:n] in self.gone), None)

    def stands(self, place: Place) -> bool:
        """Whether what was made there is to be there: a file that is deleted may leave a store with it."""
        parts = [gone[-1] for gone in self.gone if len(gone) < len(place)]
        return place in self.made and self.end(place) is None and place[-1] not in parts

    def take(self, exchange: Exchange) -> None:
        """What there is after this exchange too."""
        if deleted := _deleted(exchange):
            self.gone[deleted] = exchange
            return
        if exchange.request.method != "POST" or not view.is_ok(exchange):
            return
        for place in [place for place in self.gone if len(place) > 2 and place[-1].encode() in exchange.request.body]:
            del self.gone[place]  # what was taken out may be put in again, by itself or in a batch
        for place in _made(exchange):
            self.made[place] = exchange
        for row in _shown(exchange):
            place = _place(exchange) if _names_one(exchange) else (*_place(exchange), row["id"])
            if place[-1] == row["id"]:
                sent = {name: exchange.request.get(name) for name in _TOLD}
                agreed = {name: value for name, value in sent.items() if value and _agrees(value, row.get(name))}
                # Whether a change of one member leaves the others is written nowhere: what the answer shows, holds.
                before = self.told.get(place, {})
                left = {n: v for n, v in before.items() if sent[n] is None and _agrees(v, row.get(n))}
                self.told[place] = left | agreed


def _agrees(sent: Any, shown: Any) -> bool:
    if isinstance(sent, dict):
        return isinstance(shown, dict) and all(shown.get(name) == value for name, value in sent.items())
    return bool(sent == shown)


def _steps(exchanges: Sequence[Exchange]) -> Iterator[tuple[_Kept, Exchange]]:
    """Each exchange with what there was before it."""
    kept = _Kept()
    for exchange in exchanges:
        yield kept, exchange
        kept.take(exchange)


def _is_told(exchange: Exchange) -> bool:
    return exchange.error is None and exchange.status is not None and 200 <= exchange.status < 500


# --- by itself


def _uses(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(use, deletion) of each request for what was deleted before, another deletion aside."""
    found = []
    for kept, exchange in _steps(exchanges):
        end = kept.end(_place(exchange)) if exchange.request.method != "DELETE" else None
        if end is not None and _is_told(exchange):
            found.append((exchange, end))
    return found


def _uses_deleted(exchanges: Sequence[Exchange]) -> bool:
    return bool(_uses(exchanges))


def _is_error(exchange: Exchange) -> bool:
    """Whether a success tells of an error: `errors.not-in-200` judges that."""
    try:
        return exchange.media == "application/json" and view.error_in_200(view.json_body(exchange))
    except Inconclusive:
        return False


@relation("kept.gone", level=MUST, applies=_uses_deleted, spec="rfc9110#section-9.3.5")
def gone(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """What was deleted, and all that belonged to it, is gone for good: every later request for it is refused."""
    for exchange, end in _uses(exchanges):
        if view.is_ok(exchange) and not _is_error(exchange):
            where = f"exchange {exchange.number}, {exchange.request.method} after exchange {end.number}"
            yield Finding("4XX: it was deleted", f"status {exchange.status}", where)


def _reads(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(read, made) of each request for what is to be there, of operations that the server is seen to offer."""
    offered = {exchange.operation.id for exchange in exchanges if view.is_ok(exchange)}
    shown: set[Place] = set()
    found = []
    for kept, exchange in _steps(exchanges):
        place = _place(exchange)
        if exchange.request.method != "GET" or not _names_one(exchange) or exchange.operation.id not in offered:
            continue
        if kept.stands(place) and (place in shown or kept.made[place].operation.id not in _STORED):
            found.append((exchange, kept.made[place]))
        if view.is_ok(exchange):
            shown.add(place)
    return [(exchange, made) for exchange, made in found if _is_told(exchange)]


def _reads_made(exchanges: Sequence[Exchange]) -> bool:
    return bool(_reads(exchanges))


@relation("kept.there", level=MUST, applies=_reads_made, spec="openai#/paths/~1files~1{file_id}/get")
def there(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """What was made and not deleted is there, whatever became of others."""
    for exchange, made in _reads(exchanges):
        if exchange.status in (404, 410):
            where = f"exchange {exchange.number}"
            yield Finding(f"what exchange {made.number} made", f"status {exchange.status}", where)


# --- in lists


def _lists(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, dict[Place, Exchange]]]:
    """(page, deletions) of each page of a list of which something was deleted before."""
    found = []
    for kept, exchange in _steps(exchanges):
        ended = {place: end for place, end in kept.gone.items() if place[:-1] == _place(exchange)}
        if exchange.request.method == "GET" and ended and cursor.is_cursor_list(exchange):
            found.append((exchange, ended))
    return found


def _lists_after_deletion(exchanges: Sequence[Exchange]) -> bool:
    return bool(_lists(exchanges))


@relation(
    "kept.unlisted", level=MUST, applies=_lists_after_deletion, spec="openai#/components/schemas/DeleteFileResponse"
)
def unlisted(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A list has nothing in it that was deleted before."""
    for exchange, ended in _lists(exchanges):
        for row in _shown(exchange):
            end = ended.get((*_place(exchange), str(row["id"])))
            if end is not None:
                yield Finding(f"nothing that exchange {end.number} deleted", row["id"], f"exchange {exchange.number}")


def _fits(made: Exchange, filters: Sequence[tuple[str, str]]) -> bool:
    return all(made.request.get(name) == value for name, value in filters)


def _expected(exchanges: Sequence[Exchange]) -> list[tuple[cursor.Walk, list[Place]]]:
    """Each whole reading of a list, with what was made before it and stood when it ended."""
    read = {_place(x) for x in exchanges if x.request.method == "GET" and view.is_ok(x)}
    found = []
    for walk in cursor.walks(exchanges):
        first, last = walk.pages[0], walk.pages[-1]
        if not walk.ended:
            continue
        kept = _Kept()
        for exchange in exchanges:
            if exchange.number < last.number:
                kept.take(exchange)
        wanted = [
            place
            for place, made in kept.made.items()
            if place[:-1] == _place(first) and made.number < first.number and kept.stands(place)
            if _fits(made, walk.filters) and (made.operation.id not in _STORED or place in read)
        ]
        if wanted:
            found.append((walk, wanted))
    return found


def _lists_made(exchanges: Sequence[Exchange]) -> bool:
    return bool(_expected(exchanges))


@relation("kept.listed", level=MUST, applies=_lists_made, spec="openai#/components/schemas/ListFilesResponse")
def listed(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A list that is read to its end has everything that was made before and not deleted."""

    def judge(pair: tuple[cursor.Walk, list[Place]]) -> Iterator[Finding]:
        walk, wanted = pair
        ids = set(walk.ids)
        lost = [place[-1] for place in wanted if place[-1] not in ids]
        if lost:
            where = f"exchanges {walk.pages[0].number} to {walk.pages[-1].number}"
            yield Finding("everything that was made", "without " + ", ".join(lost[:4]), where)

    return view.each(_expected(exchanges), judge)


# --- as it was told


def _readings(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Mapping[str, Any], Mapping[str, Any]]]:
    """(exchange, shown, told) of each object that is shown after a client had described it."""
    found: list[tuple[Exchange, Mapping[str, Any], Mapping[str, Any]]] = []
    for kept, exchange in _steps(exchanges):
        if exchange.request.method != "GET":
            continue
        place = _place(exchange)
        for row in _shown(exchange):
            told = kept.told.get(place if _names_one(exchange) else (*place, row["id"]), {})
            if not _names_one(exchange):
                # A list may leave out what a server tells of each by itself.
                told = {name: value for name, value in told.items() if row.get(name)}
            if told and (place[-1] == row["id"] or not _names_one(exchange)):
                found.append((exchange, row, told))
    return found


def _reads_told(exchanges: Sequence[Exchange]) -> bool:
    return bool(_readings(exchanges))


@relation("kept.changed", level=MUST, applies=_reads_told, spec="openai#/paths/~1vector_stores~1{vector_store_id}/post")
def changed(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """What a client sets, such as a name or metadata, is shown from then on as it was answered when set or changed."""
    for exchange, row, told in _readings(exchanges):
        for name, value in told.items():
            if not _agrees(value, row.get(name)):
                where = f"exchange {exchange.number}, {row['id']} /{name}"
                yield Finding(view.short(value), view.short(row.get(name)), where)


# --- by others


def _references(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, str, Exchange]]:
    """(request, member, deletion) of each request that builds on what was deleted before."""
    found = []
    for kept, exchange in _steps(exchanges):
        if exchange.operation.id != "createResponse" or not _is_told(exchange):
            continue
        for name, collection in _REFERRED.items():
            given = exchange.request.get(name)
            id = given.get("id") if isinstance(given, dict) else given
            end = kept.gone.get((collection, str(id)))
            if end is not None:
                found.append((exchange, name, end))
    return found


def _refers(exchanges: Sequence[Exchange]) -> bool:
    return bool(_references(exchanges))


@relation(
    "kept.unused",
    level=MUST,
    applies=_refers,
    spec="openai#/components/schemas/ResponseProperties/properties/previous_response_id",
)
def unused(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A request that goes on from a response or a conversation that was deleted is refused."""
    for exchange, name, end in _references(exchanges):
        if view.is_ok(exchange):
            where = f"exchange {exchange.number} /{name}"
            yield Finding(f"4XX: exchange {end.number} deleted it", f"status {exchange.status}", where)


def _searches(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, set[str]]]:
    """(search, files) of each search of a store that files were taken out of before."""
    found = []
    for kept, exchange in _steps(exchanges):
        if exchange.operation.id == "searchVectorStore" and view.is_ok(exchange):
            files = (*_place(exchange)[:-1], "files")
            if taken := {place[-1] for place in kept.gone if place[:-1] == files}:
                found.append((exchange, taken))
    return found


def _searches_after(exchanges: Sequence[Exchange]) -> bool:
    return bool(_searches(exchanges))


@relation(
    "kept.unfound",
    level=SHOULD,
    applies=_searches_after,
    spec="openai#/paths/~1vector_stores~1{vector_store_id}~1files~1{file_id}/delete",
)
def unfound(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A search finds nothing of a file that was taken out of the vector store."""
    for exchange, taken in _searches(exchanges):
        body = view.json_body(exchange)
        rows = body.get("data") if isinstance(body, dict) else None
        for at, row in enumerate(rows if isinstance(rows, list) else ()):
            if isinstance(row, dict) and row.get("file_id") in taken:
                yield Finding("other files", str(row["file_id"]), f"exchange {exchange.number} /data/{at}")
