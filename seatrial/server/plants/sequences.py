"""Defects of what a server keeps that no single request shows: only what came before it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from seatrial.server.plant import Json
from seatrial.server.plants.answers import answer, error, posted
from seatrial.server.plants.shape import defect, result, variant

AREA = "sequences"
FILE, STORE = "/files/{file_id}", "/vector_stores/{vector_store_id}"
CHAT, TALK = "/chat/completions/{completion_id}", "/conversations/{conversation_id}"
BATCH, JOB = "/batches/{batch_id}", "/fine_tuning/jobs/{fine_tuning_job_id}"
Hooks = dict[str, Any]


def _at(route: str, path: str) -> str:
    """The last parameter of a path that is this route's; empty where it is another's."""
    pattern = re.sub(r"\\\{\w+\\\}", r"([^/]+)", re.escape(route))
    hit = re.fullmatch(r"/[^/]+" + pattern, path)
    return str(hit.group(hit.lastindex)) if hit and hit.lastindex else ""


def _rows(keep: Callable[[Json], bool], made: Json, more: list[Json] | None = None) -> Json:
    """The list with those of its rows that are to be kept, and with more."""
    rows = [*(more or ()), *(row for row in made["data"] if keep(row))]
    ends = {"first_id": rows[0]["id"] if rows else None, "last_id": rows[-1]["id"] if rows else None}
    return {**made, "data": rows, **{name: ends[name] for name in ends if name in made}}


def brought_back() -> Hooks:
    """The deletion of a second file brings the first one back."""
    made: dict[str, Json] = {}
    deleted: list[str] = []

    def result(route: str, body: Json, shown: Any) -> Any:
        if route == "POST /files":
            made[shown["id"]] = shown
        elif route == f"DELETE {FILE}":
            deleted.append(shown["id"])
        return shown

    def before(request: Request, body: bytes) -> Response | None:
        id = _at(FILE, request.url.path)
        back = request.method == "GET" and id in deleted[:-1] and id in made
        return answer(200, made[id]) if back else None

    return {"result": result, "before": before}


def both_gone() -> Hooks:
    """With a file goes the one that was made before it."""
    made: list[str] = []
    lost: set[str] = set()

    def result(route: str, body: Json, shown: Any) -> Any:
        if route == "POST /files":
            made.append(shown["id"])
        elif route == f"DELETE {FILE}" and shown["id"] in made[1:]:
            lost.add(made[made.index(shown["id"]) - 1])
        return shown

    def before(request: Request, body: bytes) -> Response | None:
        id = _at(FILE, request.url.path)
        return error(404, f"No such File object: {id}", "id") if request.method == "GET" and id in lost else None

    return {"result": result, "before": before}


def listed_again(one: str, many: str) -> Hooks:
    """What was deleted stands in the lists that are read after something else was read."""
    shown: dict[str, Json] = {}
    ghosts: dict[str, Json] = {}
    woken: list[bool] = []

    def result(route: str, body: Json, made: Any) -> Any:
        if route == f"GET {one}":
            shown[made["id"]] = made
            woken.extend([True] * bool(ghosts))
        elif route == f"DELETE {one}" and made["id"] in shown:
            ghosts[made["id"]] = shown[made["id"]]
        elif route == f"GET {many}" and woken and made["data"]:
            return _rows(lambda row: row["id"] not in ghosts, made, list(ghosts.values())[-1:])
        return made

    return {"result": result}


def forgotten(change: str, many: str) -> Hooks:
    """A list forgets what was changed twice."""
    changed: list[str] = []

    def result(route: str, body: Json, made: Any) -> Any:
        if route == change:
            changed.append(made["id"])
        elif route == f"GET {many}":
            return _rows(lambda row: changed.count(row["id"]) < 2, made)
        return made

    return {"result": result}


def noting_deletions(one: str) -> tuple[set[str], Callable[[str, Json, Any], Any]]:
    """The ids that were deleted at that route so far, and the hook that notes them."""
    deleted: set[str] = set()

    def result(route: str, body: Json, made: Any) -> Any:
        if route == f"DELETE {one}":
            deleted.add(made["id"])
        return made

    return deleted, result


def still_searched() -> Hooks:
    """A store that was deleted is still searched, and finds nothing."""
    deleted, result = noting_deletions(STORE)

    def before(request: Request, body: bytes) -> Response | None:
        asked = posted(request, body, "/search")
        if asked is None or _at(f"{STORE}/search", request.url.path) not in deleted:
            return None
        page = {"search_query": [asked["query"]], "data": [], "has_more": False, "next_page": None}
        return answer(200, {"object": "vector_store.search_results.page", **page})

    return {"result": result, "before": before}


def still_found() -> Hooks:
    """A search finds a file once more after it was taken out of its store."""
    found: dict[str, Json] = {}
    taken: list[str] = []

    def result(route: str, body: Json, made: Any) -> Any:
        if route == f"DELETE {STORE}/files/{{file_id}}":
            taken.append(made["id"])
        elif route == f"POST {STORE}/search":
            found.update({row["file_id"]: row for row in made["data"]})
            ghosts = [found[id] for id in taken if id in found]
            return {**made, "data": [*made["data"], *ghosts]} if ghosts and len(made["data"]) < 9 else made
        return made

    return {"result": result}


def awake(one: str, many: str, state: str, again: Json) -> Hooks:
    """A list sets what was cancelled going again."""
    ended: set[str] = set()
    woken: set[str] = set()

    def result(route: str, body: Json, made: Any) -> Any:
        if route == f"POST {one}/cancel":
            ended.add(made["id"])
        elif route == f"GET {many}":
            woken.update(ended)
        elif route == f"GET {one}" and made["id"] in woken and made["status"].startswith(state):
            return {**made, **again}
        return made

    return {"result": result}


def goes_on(member: str, deletion: str) -> Hooks:
    """A request goes on from what was deleted, as if it named nothing."""
    deleted: set[str] = set()

    def result(route: str, body: Json, made: Any) -> Any:
        if route == deletion:
            deleted.add(made["id"])
        return made

    def body(route: str, asked: Json) -> Json:
        gone = route == "POST /responses" and asked.get(member) in deleted
        return {name: value for name, value in asked.items() if name != member or not gone}

    return {"result": result, "body": body}


def kept_messages() -> Hooks:
    """The messages of a completion outlive it."""
    read: dict[str, Json] = {}
    asked: list[str] = []
    deleted: set[str] = set()

    def result(route: str, body: Json, made: Any) -> Any:
        if route == f"GET {CHAT}/messages":
            read[asked[-1]] = made
        return made

    def before(request: Request, body: bytes) -> Response | None:
        id = _at(f"{CHAT}/messages", request.url.path)
        if id:
            asked.append(id)
        elif request.method == "DELETE":
            deleted.add(_at(CHAT, request.url.path))
        return answer(200, read[id]) if id in deleted and id in read else None

    return {"result": result, "before": before}


def first_change(change: str, *reads: str) -> Hooks:
    """The second change is answered, and the first one kept."""
    told: dict[str, list[Any]] = {}

    def result(route: str, body: Json, made: Any) -> Any:
        if route == change:
            told.setdefault(made["id"], []).append(body["metadata"])
        elif route in reads and len(told.get(made.get("id"), ())) > 1:
            return {**made, "metadata": {"lost": "update"}}
        return made

    return {"result": result}


def files_too() -> Hooks:
    """With a store go the files that were in it."""
    members: dict[str, set[str]] = {}
    lost: set[str] = set()

    def result(route: str, body: Json, made: Any) -> Any:
        if route == f"POST {STORE}/files":
            members.setdefault(made["vector_store_id"], set()).add(made["id"])
        elif route == f"DELETE {STORE}":
            lost.update(members.get(made["id"], ()))
        return made

    def before(request: Request, body: bytes) -> Response | None:
        id = _at(FILE, request.url.path)
        return error(404, f"No such File object: {id}", "id") if request.method == "GET" and id in lost else None

    return {"result": result, "before": before}


def deleted_twice() -> Hooks:
    """What is deleted already is deleted once more with success."""
    deleted: set[str] = set()

    def before(request: Request, body: bytes) -> Response | None:
        id = _at(FILE, request.url.path)
        if request.method != "DELETE" or not id:
            return None
        if id in deleted:
            return answer(200, {"id": id, "object": "file", "deleted": True})
        deleted.add(id)
        return None

    return {"before": before}


def leaves_stores() -> Hooks:
    """A file that is deleted leaves the stores that it was in."""
    deleted, result = noting_deletions(FILE)

    def before(request: Request, body: bytes) -> Response | None:
        id = _at(f"{STORE}/files/{{file_id}}", request.url.path)
        return error(404, f"No file '{id}' in the store.") if id in deleted and request.method == "GET" else None

    return {"result": result, "before": before}


def _stranger(made: Json) -> None:
    if isinstance(made.get("metadata"), dict):
        made["metadata"] = {**made["metadata"], "served-by": "node-1"}


def _no_metadata(request: Request, body: bytes) -> Response | None:
    asked = posted(request, body)
    if asked is None or "/vector_stores" not in request.url.path or "metadata" not in asked:
        return None
    return error(400, "Unsupported parameter: 'metadata'.", "metadata", "unsupported_parameter")


RUNNING: Json = {"status": "running", "finished_at": None, "error": None}
TOURS = "generated.stateful"

PLANTS = (
    defect("kept.gone/brought-back", AREA, "a second deletion brings the first file back", "kept.gone", f"{TOURS}/files/*", **brought_back()),
    defect("kept.gone/store-searched", AREA, "a store that was deleted is still searched", "kept.gone", f"{TOURS}/vector-stores/*", **still_searched()),
    defect("kept.gone/messages", AREA, "the messages of a stored completion outlive it", "kept.gone", f"{TOURS}/stored-chat/*", **kept_messages()),
    defect("kept.there/both-gone", AREA, "with a file goes the one before it", "kept.there", f"{TOURS}/files/*", **both_gone()),
    defect("kept.there/files-too", AREA, "with a store go its files", "kept.there", f"{TOURS}/vector-stores/*", **files_too()),
    defect("kept.unlisted/files", AREA, "a deleted file stands in lists again", "kept.unlisted", f"{TOURS}/files/*", **listed_again(FILE, "/files")),
    defect("kept.unlisted/stores", AREA, "a deleted store stands in lists again", "kept.unlisted", f"{TOURS}/vector-stores/*", **listed_again(STORE, "/vector_stores")),
    defect("kept.listed/stores", AREA, "the list of stores forgets what was changed twice", "kept.listed", f"{TOURS}/vector-stores/*", "vector-stores.lifecycle/list/must/body", **forgotten(f"POST {STORE}", "/vector_stores")),
    defect("kept.listed/completions", AREA, "the list of completions forgets what was changed twice", "kept.listed", f"{TOURS}/stored-chat/*", **forgotten(f"POST {CHAT}", "/chat/completions")),
    defect("kept.changed/conversation", AREA, "the second change of a conversation is lost", "kept.changed", f"{TOURS}/conversations/*", **first_change(f"POST {TALK}", f"GET {TALK}")),
    defect("kept.changed/completion", AREA, "the second change of a completion is lost", "kept.changed", f"{TOURS}/stored-chat/*", **first_change(f"POST {CHAT}", f"GET {CHAT}")),
    defect("kept.unused/previous", AREA, "a response goes on from one that was deleted", "kept.unused", f"{TOURS}/responses/*", **goes_on("previous_response_id", "DELETE /responses/{response_id}")),
    defect("kept.unused/conversation", AREA, "a response goes on in a conversation that was deleted", "kept.unused", f"{TOURS}/conversations/*", **goes_on("conversation", f"DELETE {TALK}")),
    defect("kept.unfound/once-more", AREA, "a file that was taken out of its store is still found", "kept.unfound", f"{TOURS}/vector-stores/*", level="SHOULD", **still_found()),
    defect("batches.status-forward/listed", AREA, "a cancelled batch goes on once the batches were listed", "batches.status-forward", f"{TOURS}/batches/*", **awake(BATCH, "/batches", "cancel", {"status": "in_progress", "cancelled_at": None, "cancelling_at": None})),
    defect("tuning.status-forward/listed", AREA, "a cancelled job runs on once the jobs were listed", "tuning.status-forward", f"{TOURS}/fine-tuning/*", **awake(JOB, "/fine_tuning/jobs", "cancel", RUNNING)),
    variant("stores-without-metadata", "stores that take no metadata", before=_no_metadata),
    variant("deleted-twice", "a second deletion is answered as the first", **deleted_twice()),
    variant("files-leave-stores", "a file that is deleted leaves its stores", **leaves_stores()),
    variant("metadata-of-the-server", "metadata of stores to which the server adds its own", result=result(_stranger, f"GET {STORE}", f"POST {STORE}")),
)  # fmt: skip
