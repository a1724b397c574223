"""Lists by cursor, of whatever operation: pages, their ends, their order, and what a walk through them shows."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding
from seatrial.view import cursor

_LIST = "openai#/components/schemas/ListFilesResponse/properties/"
_FILES = "openai#/paths/~1files/get"
_SHOWN = 4


def _asked_limit(exchange: Exchange) -> int | None:
    text = cursor.query(exchange).get("limit", "")
    return int(text) if text.isdecimal() and int(text) > 0 else None


def _has_limit(exchange: Exchange) -> bool:
    return cursor.is_cursor_list(exchange) and _asked_limit(exchange) is not None


@check("cursor.limit", level=MUST, applies=_has_limit, spec=_FILES)
def limit(exchange: Exchange) -> Iterator[Finding]:
    """A page has no more items than were asked for."""
    found, most = view.json_body(exchange)["data"], _asked_limit(exchange)
    if most is not None and len(found) > most:
        yield Finding(f"at most {most} items", f"{len(found)} items", "body /data")


def _ends(exchange: Exchange) -> dict[str, str]:
    body = view.json_body(exchange)
    return {name: body[name] for name in ("first_id", "last_id") if isinstance(body.get(name), str)}


def _names_ends(exchange: Exchange) -> bool:
    return cursor.is_cursor_list(exchange) and bool(_ends(exchange))


@check("cursor.first-and-last", level=MUST, applies=_names_ends, spec=_LIST + "last_id")
def first_and_last(exchange: Exchange) -> Iterator[Finding]:
    """Where a page names its first and its last item, they are its first and its last."""
    found = cursor.ids(exchange)
    for name, value in _ends(exchange).items():
        wanted = found[0 if name == "first_id" else -1] if found else ""
        if value != wanted and (value or found):
            yield Finding(wanted or "null: the page is empty", value, f"body /{name}")


def _is_empty(exchange: Exchange) -> bool:
    return cursor.is_cursor_list(exchange) and not view.json_body(exchange)["data"]


@check("cursor.empty-page-ends", level=MUST, applies=_is_empty, spec=_LIST + "has_more")
def empty_page_ends(exchange: Exchange) -> Iterator[Finding]:
    """A page without items is the last: there is nothing to go on from."""
    if cursor.has_more(exchange):
        yield Finding("has_more: false", "has_more: true, and no item", "body /has_more")


def _time(item: Mapping[str, Any]) -> float | None:
    value = item.get("created_at", item.get("created"))
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else None


def _has_order(exchange: Exchange) -> bool:
    if cursor.query(exchange).get("order") not in ("asc", "desc") or not cursor.is_cursor_list(exchange):
        return False
    rows = view.json_body(exchange)["data"]
    return len(rows) > 1 and any(isinstance(row, dict) and _time(row) is not None for row in rows)


@check("cursor.order", level=MUST, applies=_has_order, spec=_FILES)
def order(exchange: Exchange) -> Iterator[Finding]:
    """The items are in the order that was asked for, by the time when they were made."""
    rows = cursor.items(exchange)
    times = [time for time in map(_time, rows) if time is not None]
    if len(set(times)) < 2 or len(times) != len(rows):
        raise Inconclusive("the page has not two items of different times")
    falling = cursor.query(exchange)["order"] == "desc"
    for place, (one, other) in enumerate(itertools.pairwise(times)):
        if (one < other) if falling else (one > other):
            wanted = "no later" if falling else "no earlier"
            yield Finding(f"{wanted} than {one:.0f}", f"{other:.0f}", f"body /data/{place + 1}")
            return


def _walks(exchanges: Sequence[Exchange]) -> list[cursor.Walk]:
    return [walk for walk in cursor.walks(exchanges) if len(walk.pages) > 1]


def _has_walk(exchanges: Sequence[Exchange]) -> bool:
    return bool(_walks(exchanges))


@relation("cursor.no-item-twice", level=MUST, applies=_has_walk, spec=_FILES)
def no_item_twice(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A walk through the pages of a list meets each item once: a page begins after its cursor."""

    def judge(walk: cursor.Walk) -> Iterator[Finding]:
        seen: set[str] = set()
        for page in walk.pages:
            again = [id for id in cursor.ids(page) if id in seen]
            seen.update(cursor.ids(page))
            if again:
                yield Finding("items that came not before", ", ".join(again[:_SHOWN]), f"exchange {page.number}")
                return

    return view.each(_walks(exchanges), judge)


@relation("cursor.ends", level=MUST, applies=_has_walk, spec=_LIST + "has_more")
def ends(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A walk through a list ends: it is no longer than the list is."""
    whole = [walk for walk in cursor.walks(exchanges) if walk.ended]

    def judge(walk: cursor.Walk) -> Iterator[Finding]:
        if walk.ended:
            return
        met = walk.ids
        if len(set(met)) != len(met):
            raise Inconclusive("items come again, which cursor.no-item-twice judges")
        sizes = [len(w.ids) for w in whole if (w.path, w.filters) == (walk.path, walk.filters)]
        last = walk.pages[-1]
        if not sizes or len(met) <= 2 * max(sizes) + 2:
            # Others may add to the list meanwhile, but hardly as many as there are.
            raise Inconclusive(f"the list was walked for {len(walk.pages)} pages, and goes on")
        yield Finding(f"an end after {max(sizes)} items", f"{len(met)} items and more", f"exchange {last.number}")

    return view.each(_walks(exchanges), judge)


@relation("cursor.has-more", level=SHOULD, applies=_has_walk, spec=_LIST + "has_more")
def has_more(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """Where a page says that there is more, the next one has items."""

    def judge(walk: cursor.Walk) -> Iterator[Finding]:
        for before, page in itertools.pairwise(walk.pages):
            if not cursor.ids(page) and not cursor.has_more(page):
                yield Finding("has_more: false", "has_more: true, and nothing after it", f"exchange {before.number}")

    return view.each(_walks(exchanges), judge)


def _made(exchanges: Sequence[Exchange], first: Exchange, last: Exchange) -> list[str]:
    """The ids of what the case had made before the first page, and did not delete before the last."""
    found: dict[str, None] = {}
    for exchange in exchanges:
        if not view.is_ok(exchange) or exchange.media != "application/json":
            continue
        try:
            body = view.json_body(exchange)
        except Inconclusive:
            continue
        id = body.get("id") if isinstance(body, dict) else None
        if isinstance(id, str) and exchange.request.method == "POST" and exchange.number < first.number:
            found[id] = None
        if isinstance(id, str) and exchange.request.method == "DELETE" and exchange.number < last.number:
            found.pop(id, None)
    return list(found)


def _expected(exchanges: Sequence[Exchange]) -> list[tuple[cursor.Walk, set[str]]]:
    """Each whole reading of a list, and what it must have: the case's own items that another reading shows."""
    walks = cursor.walks(exchanges)
    found = []
    for walk in walks:
        own = set(_made(exchanges, walk.pages[0], walk.pages[-1]))
        others = [w for w in walks if (w.path, w.filters) == (walk.path, walk.filters) and w is not walk]
        try:
            shown = {id for other in others for id in other.ids if id in own}
        except Inconclusive:
            continue
        if shown and walk.ended:
            found.append((walk, shown))
    return found


def _is_read_twice(exchanges: Sequence[Exchange]) -> bool:
    return bool(_expected(exchanges))


@relation("cursor.none-lost", level=MUST, applies=_is_read_twice, spec=_LIST + "has_more")
def none_lost(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """What one reading of a list shows of the case's own items, every whole reading of it shows."""

    def judge(pair: tuple[cursor.Walk, set[str]]) -> Iterator[Finding]:
        walk, shown = pair
        lost = sorted(shown - set(walk.ids))
        if lost:
            where = f"exchanges {walk.pages[0].number} to {walk.pages[-1].number}"
            yield Finding("every item of the list", "without " + ", ".join(lost[:_SHOWN]), where)

    return view.each(_expected(exchanges), judge)


def _both_orders(exchanges: Sequence[Exchange]) -> list[tuple[cursor.Walk, cursor.Walk]]:
    walks = [walk for walk in cursor.walks(exchanges) if walk.ended]
    return [
        (one, other)
        for one in walks
        for other in walks
        if (one.path, one.filters, one.order, other.order) == (other.path, other.filters, "asc", "desc")
    ]


def _has_both_orders(exchanges: Sequence[Exchange]) -> bool:
    return bool(_both_orders(exchanges))


@relation("cursor.order-reversed", level=SHOULD, applies=_has_both_orders, spec=_FILES)
def order_reversed(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A list in one order is the list in the other order, turned round."""

    def judge(pair: tuple[cursor.Walk, cursor.Walk]) -> Iterator[Finding]:
        rising, falling = pair
        both = set(rising.ids) & set(falling.ids)
        if len(both) < 2:
            raise Inconclusive("the two readings have not two items in common")
        up = [id for id in rising.ids if id in both]
        down = [id for id in reversed(falling.ids) if id in both]
        if up == list(reversed(down)):
            yield Finding("another order", "the same for asc and desc", f"exchange {falling.pages[0].number}")

    return view.each(_both_orders(exchanges), judge)
