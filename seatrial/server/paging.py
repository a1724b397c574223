"""Pages of a list, by cursor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad


def limit(query: Mapping[str, str], default: int, most: int) -> int:
    """How many items a page has. Raises Refused."""
    given = query.get("limit", str(default))
    if not given.isascii() or not given.isdigit() or not 1 <= int(given[:9]) <= most:
        raise bad("limit", f"Invalid 'limit': expected an integer from 1 to {most}.", "invalid_value")
    return int(given)


def page(query: Mapping[str, str], rows: Sequence[Json], default: int = 20, most: int = 100, order: str = "") -> Json:
    """One page of rows given oldest first; `order` is fixed, or, where empty, the query's (newest first by default).

    Raises Refused for a limit, an order or a cursor that is none.
    """
    size = limit(query, default, most)
    wanted = order or query.get("order", "desc")
    if wanted not in ("asc", "desc"):
        raise bad("order", "Invalid value for 'order': expected one of asc, desc.", "invalid_value")
    listed = list(rows) if wanted == "asc" else list(reversed(rows))
    ids = [row["id"] for row in listed]
    for name in ("after", "before"):
        if query.get(name) and query[name] not in ids:
            raise Refused(404, f"No such item: '{query[name]}'.", name, "not_found")
    first = ids.index(query["after"]) + 1 if query.get("after") else 0
    last = ids.index(query["before"]) if query.get("before") else len(ids)
    if query.get("before") and not query.get("after"):
        # The page that ends before the cursor, not the first of all.
        first = max(0, last - size)
    shown = listed[first:last][:size]
    more = first > 0 if query.get("before") and not query.get("after") else first + len(shown) < last
    ends = {"first_id": shown[0]["id"] if shown else None, "last_id": shown[-1]["id"] if shown else None}
    return {"object": "list", "data": shown, **ends, "has_more": more}
