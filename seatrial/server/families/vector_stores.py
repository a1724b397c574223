"""Vector stores: /vector_stores and what lies below."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from seatrial.server import validate as v
from seatrial.server.call import Call
from seatrial.server.families import files
from seatrial.server.paging import page
from seatrial.server.plant import Json
from seatrial.server.refuse import Refused, bad
from seatrial.server.stores import Batch, Member, Store, member

_ONE = "/vector_stores/{vector_store_id}"
_FILES, _FILE = _ONE + "/files", _ONE + "/files/{file_id}"
_BATCH = _ONE + "/file_batches/{batch_id}"
_STATES = ("in_progress", "completed", "failed", "cancelled")
_COMPARED = ("eq", "ne", "gt", "gte", "lt", "lte", "in", "nin")


def _needed(name: str, value: Any, *inner: str) -> None:
    """Raises Refused, with the whole name of the member, where one is missing."""
    for key in inner:
        if value.get(key) is None:
            at = f"{name}.{key}"
            raise bad(at, f"Missing required parameter: '{at}'.", "missing_required_parameter")


def _only(name: str, value: Any, *known: str) -> None:
    """Raises Refused where there is another member."""
    for key in value:
        if key not in known:
            raise bad(f"{name}.{key}", f"Unknown parameter: '{name}.{key}'.", "unknown_parameter")


def _expires(name: str, value: Any) -> None:
    v.object_or_null(name, value)
    if value is None:
        return
    _only(name, value, "anchor", "days")
    _needed(name, value, "anchor", "days")
    v.one_of("last_active_at")(f"{name}.anchor", value["anchor"])
    v.number(1, 365, whole=True)(f"{name}.days", value["days"])


def _chunking(name: str, value: Any) -> None:
    v.object_or_null(name, value)
    if value is None:
        return
    _only(name, value, "type", "static")
    _needed(name, value, "type")
    v.one_of("auto", "static")(f"{name}.type", value["type"])
    if value["type"] == "static":
        _needed(name, value, "static")
    static = value.get("static")
    if static is None:
        return
    v.object_or_null(f"{name}.static", static)
    _only(f"{name}.static", static, "max_chunk_size_tokens", "chunk_overlap_tokens")
    _needed(f"{name}.static", static, "max_chunk_size_tokens", "chunk_overlap_tokens")
    v.number(100, 4096, whole=True)(f"{name}.static.max_chunk_size_tokens", static["max_chunk_size_tokens"])
    half = static["max_chunk_size_tokens"] // 2
    v.number(0, half, whole=True)(f"{name}.static.chunk_overlap_tokens", static["chunk_overlap_tokens"])


def _attributes(name: str, value: Any) -> None:
    v.object_or_null(name, value)
    for key, item in (value or {}).items():
        if not isinstance(item, (str, int, float, bool)):
            raise bad(f"{name}.{key}", f"Invalid type for '{name}.{key}'.", "invalid_type")
        if len(key) > 64 or (isinstance(item, str) and len(item) > 512):
            raise bad(f"{name}.{key}", f"Invalid '{name}': keys of 64 and values of 512 characters.", "invalid_value")
    if len(value or {}) > 16:
        raise bad(name, f"Invalid '{name}': at most 16 pairs.", "invalid_value")


def _ids(least: int, most: int) -> v.Rule:
    def rule(name: str, value: Any) -> None:
        if value is not None and not (isinstance(value, list) and all(isinstance(item, str) for item in value)):
            raise bad(name, f"Invalid type for '{name}': expected an array of file ids.", "invalid_type")
        if value is not None and not least <= len(value) <= most:
            raise bad(name, f"Invalid '{name}': expected {least} to {most} files.", "invalid_value")

    return rule


def _filter(name: str, value: Any) -> None:
    v.object_or_null(name, value)
    if value is None:
        return
    _needed(name, value, "type")
    v.one_of(*_COMPARED, "and", "or")(f"{name}.type", value["type"])
    if value["type"] in ("and", "or"):
        _only(name, value, "type", "filters")
        inner = value.get("filters")
        if not isinstance(inner, list) or not all(isinstance(item, dict) for item in inner):
            raise bad(f"{name}.filters", f"Invalid '{name}.filters': expected an array of filters.", "invalid_type")
        for index, item in enumerate(inner):
            _filter(f"{name}.filters[{index}]", item)
        return
    v.members(value, {"key": v.text()}, {"type", "value"})
    _needed(name, value, "key", "value")
    listed = value["type"] in ("in", "nin")
    if isinstance(value["value"], dict) or isinstance(value["value"], list) is not listed:
        raise bad(f"{name}.value", f"Invalid type for '{name}.value' of '{value['type']}'.", "invalid_type")


def _ranking(name: str, value: Any) -> None:
    v.object_or_null(name, value)
    rules = {"ranker": v.one_of("none", "auto", "default-2024-11-15"), "score_threshold": v.number(0, 1)}
    v.members(value or {}, rules, set())


def _query(name: str, value: Any) -> None:
    items = value if isinstance(value, list) else [value]
    if not items or not all(isinstance(item, str) and item for item in items):
        raise bad(name, f"Invalid type for '{name}': expected a string or an array of strings.", "invalid_type")


_SHARED = {"name": v.text(256), "expires_after": _expires, "metadata": v.metadata}
_CREATE = {**_SHARED, "description": v.text(512), "file_ids": _ids(0, 500), "chunking_strategy": _chunking}
_ATTACH = {"file_id": v.text(), "chunking_strategy": _chunking, "attributes": _attributes}
_SEARCH = {
    "query": _query,
    "rewrite_query": v.boolean,
    "max_num_results": v.number(1, 50, whole=True),
    "filters": _filter,
    "ranking_options": _ranking,
}


def _held(rules: dict[str, v.Rule], *needed: str) -> Callable[[Json], None]:
    def validate(body: Json) -> None:
        v.members(body, rules, set())
        v.required(body, *needed)

    return validate


def _stores(call: Call) -> dict[str, Store]:
    found: dict[str, Store] = call.store("vector_stores", dict)
    return found


def _store(call: Call) -> Store:
    id = call.path["vector_store_id"]
    if id not in _stores(call):
        raise Refused(404, f"No vector store found with id '{id}'.", "vector_store_id", "not_found")
    return _stores(call)[id]


def _member(call: Call) -> tuple[Store, Member]:
    store, id = _store(call), call.path["file_id"]
    if id not in store.members:
        raise Refused(404, f"No file found with id '{id}' in vector store '{store.id}'.", "file_id", "not_found")
    return store, store.members[id]


def _batch(call: Call) -> tuple[Store, Batch]:
    store, id = _store(call), call.path["batch_id"]
    if id not in store.batches:
        raise Refused(404, f"No file batch found with id '{id}'.", "batch_id", "not_found")
    return store, store.batches[id]


def _read(call: Call, wanted: list[Json], now: float) -> list[Member]:
    """The files as they are attached. Raises Refused where one was never uploaded."""
    made = []
    for row in wanted:
        name, data = files.content(call, row["file_id"])
        made.append(member(row["file_id"], name, data, now, row.get("attributes"), row.get("chunking_strategy")))
    return made


def create(call: Call) -> Response:
    body, now = call.json(_held(_CREATE)), time.time()
    store = Store(now, body.get("name"), body.get("metadata"), body.get("expires_after"), active=now)
    chunking = body.get("chunking_strategy")
    rows = [{"file_id": id, "chunking_strategy": chunking} for id in body.get("file_ids") or ()]
    store.members = {one.id: one for one in _read(call, rows, now)}
    _stores(call)[store.id] = store
    return call.answer(store.shown(now), body)


def listed(call: Call) -> Response:
    now = time.time()
    return call.answer(page(call.query, [store.shown(now) for store in _stores(call).values()]))


def retrieve(call: Call) -> Response:
    return call.answer(_store(call).shown(time.time()))


def modify(call: Call) -> Response:
    store, body = _store(call), call.json(_held(_SHARED))
    store.name = body.get("name", store.name)
    store.metadata = body.get("metadata", store.metadata)
    store.expires = body.get("expires_after", store.expires)
    store.active = time.time()
    return call.answer(store.shown(store.active), body)


def delete(call: Call) -> Response:
    store = _store(call)
    del _stores(call)[store.id]
    return call.answer({"id": store.id, "object": "vector_store.deleted", "deleted": True})


def attach(call: Call) -> Response:
    store, now = _store(call), time.time()
    body = call.json(_held(_ATTACH, "file_id"))
    one = _read(call, [body], now)[0]
    store.members.pop(one.id, None)
    store.members[one.id], store.active = one, now
    return call.answer(one.shown(store.id, now), body)


def _files_page(call: Call, store: Store, members: list[Member]) -> Response:
    now, wanted = time.time(), call.query.get("filter")
    v.one_of(*_STATES)("filter", wanted)
    rows = [one.shown(store.id, now) for one in members if wanted in (None, one.status(now))]
    return call.answer(page(call.query, rows))


def list_files(call: Call) -> Response:
    store = _store(call)
    return _files_page(call, store, list(store.members.values()))


def retrieve_file(call: Call) -> Response:
    store, one = _member(call)
    return call.answer(one.shown(store.id, time.time()))


def update_file(call: Call) -> Response:
    store, one = _member(call)
    body = call.json(_held({"attributes": _attributes}))
    if "attributes" not in body:
        v.required(body, "attributes")
    one.attributes = body["attributes"]
    return call.answer(one.shown(store.id, time.time()), body)


def detach(call: Call) -> Response:
    store, one = _member(call)
    del store.members[one.id]
    return call.answer({"id": one.id, "object": "vector_store.file.deleted", "deleted": True})


def content(call: Call) -> Response:
    _, one = _member(call)
    texts = [{"type": "text", "text": piece} for piece in one.pieces]
    done = one.status(time.time()) == "completed"
    kind = "vector_store.file_content.page"
    return call.answer({"object": kind, "data": texts if done else [], "has_more": False, "next_page": None})


def create_batch(call: Call) -> Response:
    store, now = _store(call), time.time()

    def validate(body: Json) -> None:
        rules = {"file_ids": _ids(1, 2000), "chunking_strategy": _chunking, "attributes": _attributes}
        v.members(body, rules, {"files"})
        rows = body.get("files")
        if (rows is None) is (body.get("file_ids") is None):
            raise bad("file_ids" if rows is None else "files", "Give either 'file_ids' or 'files'.", "invalid_value")
        if rows is None:
            return
        if not isinstance(rows, list) or not 1 <= len(rows) <= 2000 or not all(isinstance(r, dict) for r in rows):
            raise bad("files", "Invalid 'files': expected 1 to 2000 objects.", "invalid_type")
        for row in rows:
            _held(_ATTACH, "file_id")(row)

    body = call.json(validate)
    shared = {name: body.get(name) for name in ("chunking_strategy", "attributes")}
    rows = body.get("files") or [{"file_id": id, **shared} for id in body["file_ids"]]
    batch = Batch("vsfb_" + secrets.token_hex(12), now, _read(call, rows, now))
    store.members |= {one.id: one for one in batch.members}
    store.batches[batch.id], store.active = batch, now
    return call.answer(batch.shown(store.id, now), body)


def retrieve_batch(call: Call) -> Response:
    store, batch = _batch(call)
    return call.answer(batch.shown(store.id, time.time()))


def cancel_batch(call: Call) -> Response:
    store, batch = _batch(call)
    batch.cancel(time.time())
    return call.answer(batch.shown(store.id, time.time()))


def batch_files(call: Call) -> Response:
    store, batch = _batch(call)
    return _files_page(call, store, batch.members)


def search(call: Call) -> Response:
    store, now = _store(call), time.time()
    body = call.json(_held(_SEARCH, "query"))
    queries = body["query"] if isinstance(body["query"], list) else [body["query"]]
    least = (body.get("ranking_options") or {}).get("score_threshold") or 0
    found = store.search(queries, body.get("filters"), body.get("max_num_results") or 10, least, now)
    store.active = now
    kind = "vector_store.search_results.page"
    page_ = {"object": kind, "search_query": queries, "data": found, "has_more": False, "next_page": None}
    return call.answer(page_, body)


ROUTES: dict[str, dict[str, Callable[[Call], Response]]] = {
    "/vector_stores": {"GET": listed, "POST": create},
    _ONE: {"GET": retrieve, "POST": modify, "DELETE": delete},
    _FILES: {"GET": list_files, "POST": attach},
    _FILE: {"GET": retrieve_file, "POST": update_file, "DELETE": detach},
    _FILE + "/content": {"GET": content},
    _ONE + "/file_batches": {"POST": create_batch},
    _BATCH: {"GET": retrieve_batch},
    _BATCH + "/cancel": {"POST": cancel_batch},
    _BATCH + "/files": {"GET": batch_files},
    _ONE + "/search": {"POST": search},
}
