"""Defects and legal variants of vector stores."""

from __future__ import annotations

import re
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.answers import answer, error
from seatrial.server.plants.shape import accepting, defect, ignoring, result, result_of, variant, without

AREA = "vector stores"
ALL, ONE = "/vector_stores", "/vector_stores/{vector_store_id}"
FILES, FILE, SEARCH = ONE + "/files", ONE + "/files/{file_id}", ONE + "/search"
BATCHES, BATCH = ONE + "/file_batches", ONE + "/file_batches/{batch_id}"
SHOWN = (f"POST {ALL}", f"GET {ONE}", f"POST {ONE}")
MEMBERS = (f"POST {FILES}", f"GET {FILE}", f"POST {FILE}")
LISTS = (f"GET {ALL}", f"GET {FILES}", f"GET {BATCH}/files")
SHOULD: Json = {"level": "SHOULD"}
BODY, STATUS = "*/must/body", "*/must/status"
SCHEMA = "wire.body-schema"


def missed_once(pattern: str) -> Any:
    """The first request for each object is answered by a worker that has not heard of it."""
    seen: set[str] = set()

    def before(request: Request, body: bytes) -> Response | None:
        path = request.url.path
        if request.method != "GET" or not re.search(pattern, path) or path in seen:
            return None
        seen.add(path)
        return error(404, "Not found.")

    return before


def _kept(request: Request, body: bytes) -> Response | None:
    """A deletion that is only said to be one."""
    hit = re.search(r"/vector_stores/([^/]+)$", request.url.path)
    if request.method != "DELETE" or not hit:
        return None
    return answer(200, {"id": hit.group(1), "object": "vector_store.deleted", "deleted": True})


def _unfiltered(request: Request, body: bytes) -> None:
    if "/vector_stores/" in request.url.path:
        request.scope["query_string"] = re.sub(rb"filter=\w*&?", b"", request.scope["query_string"])


def _unlimited(request: Request, body: bytes) -> None:
    if request.url.path.endswith("/vector_stores"):
        request.scope["query_string"] = re.sub(rb"limit=\w*&?", b"", request.scope["query_string"])


def _done_at_once(made: Json) -> None:
    if made["status"] == "in_progress":
        made["status"] = "completed"


def _iso(made: Json) -> None:
    made["created_at"] = "2024-10-22T15:10:45.770750"


def _no_expiry(made: Json) -> None:
    if made["expires_after"] is None:
        del made["expires_after"], made["expires_at"]


def _unhit(made: Json) -> None:
    for row in made["data"]:
        row["attributes"] = row["attributes"] or None


def _other(body: Json, made: Json) -> None:
    if not body.get("chunking_strategy"):
        made["chunking_strategy"] = {"type": "other"}


PLANTS = (
    defect("NC-VS-01", AREA, "a store that was just made is not found", "stores.read-after-create", STATUS, source="ogx-ai/ogx#5008", before=missed_once(r"/vector_stores/[^/]+$")),
    defect("stores.read-after-create/file", AREA, "a file that was just attached is not found", "stores.read-after-create", STATUS, before=missed_once(r"/vector_stores/[^/]+/files/[^/]+$")),
    defect("stores.file-counts/total-zero", AREA, "the total stays 0", "stores.file-counts", BODY, result=result(lambda m: m["file_counts"].update(total=0), *SHOWN)),
    defect("stores.file-counts/batch", AREA, "a batch counts its failures twice", "stores.file-counts", result=result(lambda m: m["file_counts"].update(failed=1), f"POST {BATCHES}", f"GET {BATCH}")),
    defect("stores.ready/at-once", AREA, "a store is completed before its files are", "stores.ready", result=result(_done_at_once, *SHOWN), **SHOULD),
    defect("stores.expires-at/milliseconds", AREA, "expires_at counts milliseconds", "stores.expires-at", "created.seconds", result=result(lambda m: m["expires_at"] and m.update(expires_at=1000 * m["expires_at"]), *SHOWN), **SHOULD),
    defect("stores.belongs/own-id", AREA, "a file of a store has another id than the file", "stores.belongs", BODY, result=result(lambda m: m.update(id="vsf_" + m["id"]), *MEMBERS)),
    defect("stores.belongs/other-store", AREA, "a batch names another store", "stores.belongs", BODY, result=result(lambda m: m.update(vector_store_id="vs_other"), f"POST {BATCHES}", f"GET {BATCH}")),
    defect("stores.last-error/silent", AREA, "a file fails without a word", "stores.last-error", result=result(lambda m: m.update(last_error=None), *MEMBERS)),
    defect("stores.last-error/of-good", AREA, "a file that was read has an error", "stores.last-error", result=result(lambda m: m["status"] == "completed" and m.update(last_error={"code": "server_error", "message": ""}), *MEMBERS)),
    defect("stores.list-filter/ignored", AREA, "the filter of a list is ignored", "stores.list-filter", BODY, before=_unfiltered),
    defect("stores.search-limit/ignored", AREA, "max_num_results is ignored", "stores.search-limit", BODY, STATUS, body=ignoring("max_num_results", route=f"POST {SEARCH}")),
    defect("stores.search-threshold/ignored", AREA, "score_threshold is ignored", "stores.search-threshold", STATUS, body=ignoring("ranking_options", route=f"POST {SEARCH}")),
    defect("stores.search-filter/ignored", AREA, "the filters of a search are ignored", "stores.search-filter", STATUS, body=ignoring("filters", route=f"POST {SEARCH}")),
    defect("stores.search-order/reversed", AREA, "the best result comes last", "stores.search-order", BODY, result=result(lambda m: m["data"].reverse(), f"POST {SEARCH}"), **SHOULD),
    defect("stores.status-forward/back", AREA, "new attributes set a file back", "stores.status-forward", result=result(lambda m: m.update(status="in_progress"), f"POST {FILE}")),
    defect("vector-stores.search-empty", AREA, "a search finds nothing of what was read", BODY, result=result(lambda m: m.update(data=[]), f"POST {SEARCH}")),
    defect("vector-stores.delete-keeps", AREA, "what is deleted is still there", STATUS, "kept.gone", before=_kept),
    defect("vector-stores.modify-ignored", AREA, "a new name is ignored", BODY, body=ignoring("name", route=f"POST {ONE}")),
    defect("vector-stores.attributes-ignored", AREA, "new attributes are ignored", BODY, result=result(lambda m: m.update(attributes={}), f"POST {FILE}")),
    defect("vector-stores.chunking-ignored", AREA, "the chunking strategy is ignored", BODY, STATUS, body=ignoring("chunking_strategy", route=f"POST {FILES}")),
    defect("vector-stores.limit-ignored", AREA, "the limit of a list is ignored", BODY, "cursor.limit", before=_unlimited),
    defect("vector-stores.created-iso", AREA, "created_at is a date as text", SCHEMA, result=result(_iso, *SHOWN)),
    defect("vector-stores.more-unsaid", AREA, "a list does not say whether there is more", SCHEMA, BODY, result=result(without("has_more"), *LISTS)),
    defect("vector-stores.score-raw", AREA, "scores are of another scale", SCHEMA, result=result(lambda m: [row.update(score=13.9) for row in m["data"]], f"POST {SEARCH}")),
    defect("vector-stores.expiry-any", AREA, "any expiry is taken", STATUS, accepts=accepting("expires_after")),
    variant("store-more-members", "stores with members of their own", result=result(lambda m: m.update(description="", owner={"id": 1}), *SHOWN)),
    variant("store-no-expiry-members", "stores that do not expire do not speak of it", result=result(_no_expiry, *SHOWN)),
    variant("search-query-string", "search_query is one string", result=result(lambda m: m.update(search_query=" ".join(m["search_query"])), f"POST {SEARCH}")),
    variant("search-attributes-null", "results of files without attributes say null", result=result(_unhit, f"POST {SEARCH}")),
    variant("chunking-other", "files cut in a way that is not told", result=result_of(_other, f"POST {FILES}")),
    variant("last-error-absent", "files that are well have no last_error", result=result(lambda m: m["last_error"] or m.pop("last_error"), *MEMBERS)),
)  # fmt: skip
