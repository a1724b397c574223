"""What requests made on a server and nothing has removed since: told by the exchanges alone."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote

from seatrial.model import Exchange, Operation, Step

_AT_REST = frozenset(("completed", "succeeded", "failed", "expired", "cancelled", "canceled"))
_ENDED = _AT_REST | {"cancelling"}
_NOT_SENT = frozenset(("connect", "tls", "closed"))
_KINDS: Mapping[str, tuple[str, str]] = {
    "files": ("deleteFile", "file_id"),
    "uploads": ("cancelUpload", "upload_id"),
    "vector_stores": ("deleteVectorStore", "vector_store_id"),
    "conversations": ("deleteConversation", "conversation_id"),
    "responses": ("deleteResponse", "response_id"),
    "chat/completions": ("deleteChatCompletion", "completion_id"),
    "batches": ("cancelBatch", "batch_id"),
    "fine_tuning/jobs": ("cancelFineTuningJob", "fine_tuning_job_id"),
}
"""By the end of the path that makes one: the operation that removes or ends it, and its parameter."""
UNDOING = frozenset(operation for operation, _ in _KINDS.values())
_WORK = ("uploads", "batches", "fine_tuning/jobs")
"""What cannot be removed, only ended, and may end by itself."""
_PATH = re.compile(rf"(?P<base>.*?)/(?P<kind>{'|'.join(_KINDS)})(?:/(?P<id>[^/]+))?(?:/(?P<verb>cancel|complete))?")

_INNER = re.compile(r"/vector_stores/[^/]+$")
"""What stands under such a base is gone with the store."""
_UNHEARD = (401, 403, 408, 429)


@dataclass(frozen=True, slots=True)
class Kept:
    """One object: the URL that its kind's path stands under, its kind, its id; what of it is not known, and why."""

    base: str
    kind: str
    id: str
    unknown: str = ""

    def __str__(self) -> str:
        if self.id:
            return f"/{self.kind}/{self.id}" + (f": {self.unknown}" if self.unknown else "")
        return f"POST /{self.kind}: {self.unknown}: what it made is not known"


def makes(operation: Operation, body: Any = None) -> bool:
    """Whether a request for this may make something that stays."""
    hit = _PATH.fullmatch(operation.path)
    if hit is None or hit["id"] or operation.method != "POST":
        return False
    stays = {"chat/completions": False, "responses": True}
    default = stays.get(hit["kind"])
    return default is None or (body.get("store", default) if isinstance(body, dict) else default) is True


def kept(exchanges: Iterable[Exchange]) -> list[Kept]:
    """What these exchanges, in their order, made and did not remove or see ended, the oldest first."""
    found: dict[tuple[str, str], Kept] = {}
    removed: set[tuple[str, str]] = set()
    batches: set[str] = set()
    for exchange in exchanges:
        hit = _PATH.fullmatch(exchange.request.url.partition("?")[0])
        if hit is None or _INNER.search(hit["base"]):
            continue
        base, kind, id, verb = hit["base"], hit["kind"], unquote(hit["id"] or ""), hit["verb"]
        method = exchange.request.method
        body = _body(exchange)
        if method == "POST" and not id:
            one = _made(exchange, base, kind, body)
            if one is not None:
                found[kind, one.id or str(exchange.number)] = one
        ended = kind in _WORK and (_status(body) in _ENDED or (verb == "cancel" and is_gone(exchange)))
        if ended or (method == "DELETE" and is_gone(exchange)):
            removed.add((kind, id))
        # What a batch wrote, and what an upload became, are files of their own; another's batch keeps its files.
        file, name = body.get("file"), id or body.get("id")
        if kind == "batches" and method == "POST" and not id and isinstance(name, str):
            batches.add(name)
        own = kind == "batches" and isinstance(name, str) and name in batches
        written = [body.get("output_file_id"), body.get("error_file_id")] if own else []
        written += [file.get("id")] if kind == "uploads" and isinstance(file, dict) else []
        found |= {("files", one): Kept(base, "files", one) for one in written if isinstance(one, str) and one}
    return [one for key, one in found.items() if key not in removed]


def undo(left: Iterable[Kept], operations: Mapping[str, Operation]) -> list[Step]:
    """A step that removes or ends each object whose id is known, the newest first."""
    steps: list[Step] = []
    for one in left:
        id, parameter = _KINDS[one.kind]
        if one.id and id in operations:
            call = {"base": one.base, "parameters": {parameter: one.id}}
            steps.append(Step(f"clean-{len(steps) + 1}", operations[id], call, {}, {}))
    return steps[::-1]


def unsettled(exchanges: Iterable[Exchange]) -> list[Kept]:
    """The batches that were made by these exchanges and not heard to be at rest, the oldest first."""
    found: dict[str, Kept] = {}
    for exchange in exchanges:
        hit = _PATH.fullmatch(exchange.request.url.partition("?")[0])
        if hit is None or hit["kind"] != "batches" or exchange.status is None:
            continue
        body = _body(exchange) if exchange.status < 300 else {}
        id, status = unquote(hit["id"] or "") or body.get("id"), _status(body)
        if not isinstance(id, str) or not id or (hit["id"] and id not in found):
            continue
        if exchange.status in (404, 410) or status in _AT_REST:
            found.pop(id, None)
        elif status:
            found[id] = Kept(hit["base"], "batches", id, f"it is still {status}, and what it writes is not known")
    return list(found.values())


def left(exchanges: Sequence[Exchange], told: Sequence[str]) -> list[str]:
    """What these exchanges left on the server, each once, that none of these texts names."""
    found = {one.id or str(one): str(one) for one in (*kept(exchanges), *unsettled(exchanges))}
    return [text for name, text in found.items() if not any(name in one for one in told)]


def looks(batches: Iterable[Kept], operations: Mapping[str, Operation]) -> list[Step]:
    """A step for each of these that asks how it is: one that is at rest names its files."""
    operation = operations.get("retrieveBatch")
    return [
        Step(f"look-{number}", operation, {"base": one.base, "parameters": {"batch_id": one.id}}, {}, {})
        for number, one in enumerate(batches, 1)
        if operation is not None
    ]


def is_gone(exchange: Exchange) -> bool:
    """Whether nothing is left of what the answered request was to remove or end: it is done, or there is no such thing."""
    if exchange.status is None or exchange.error is not None:
        return False
    if exchange.request.method == "DELETE":
        return exchange.status < 300 or exchange.status in (404, 410)
    return exchange.status < 500 and exchange.status not in _UNHEARD


def _made(exchange: Exchange, base: str, kind: str, body: Mapping[str, Any]) -> Kept | None:
    """What a POST made, if it made something that stays."""
    asked = exchange.request.get("store")
    if kind == "chat/completions" and asked is not True:
        return None
    if kind == "responses" and (asked is False or body.get("store") is False):
        return None
    if exchange.status is None:
        unsent = exchange.error is not None and exchange.error.kind in _NOT_SENT
        return None if unsent else Kept(base, kind, "", "it was not answered")
    if exchange.status >= 300 or (_status(body) in _ENDED and kind in _WORK):
        return None
    id = body.get("id")
    return Kept(base, kind, id) if isinstance(id, str) and id else Kept(base, kind, "", "the answer has no id")


def _status(body: Mapping[str, Any]) -> str:
    """The status that is told, in small letters; empty where there is none."""
    status = body.get("status")
    return status.lower() if isinstance(status, str) else ""


def _body(exchange: Exchange) -> Mapping[str, Any]:
    """The object that was answered; of a stream, that of its first event."""
    try:
        body = json.loads(exchange.events[0].data if exchange.events else exchange.body)
    except (ValueError, RecursionError):
        return {}
    if isinstance(body, dict) and isinstance(body.get("response"), dict) and exchange.events:
        body = body["response"]
    return body if isinstance(body, dict) else {}
