"""Files and uploads: what is answered is what was sent, and what is read back are its bytes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

from seatrial import view
from seatrial.check import Inconclusive, check, relation
from seatrial.model import MUST, SHOULD, Exchange, Finding, Part

_FILE = "openai#/components/schemas/OpenAIFile/properties/"


def _sent(exchange: Exchange) -> Part:
    parts = [part for part in exchange.request.form.get("file", ()) if part.file is not None]
    if not parts:
        raise Inconclusive("the request has no file")
    return parts[0]


def _is_create(exchange: Exchange) -> bool:
    return exchange.operation.id == "createFile" and view.is_ok(exchange)


@check("files.as-sent", level=MUST, applies=_is_create, spec=_FILE + "bytes")
def as_sent(exchange: Exchange) -> Iterator[Finding]:
    """The file that is answered has the size, the name and the purpose that were sent."""
    body, sent = view.whole_answer(exchange), _sent(exchange)
    wanted = {"bytes": len(sent.data), "filename": sent.file, "purpose": exchange.request.get("purpose")}
    for name, value in wanted.items():
        if name in body and body[name] != value:
            yield Finding(repr(value), repr(body[name])[:120], f"body /{name}")


def _file(exchange: Exchange) -> Any:
    """The file of an answer: of an upload that is complete, the one that was made of it."""
    body = view.whole_answer(exchange)
    return body.get("file") if exchange.operation.id == "completeUpload" else body


def _shows_expiry(exchange: Exchange) -> bool:
    return _is_create(exchange) and exchange.request.get("expires_after[seconds]") is not None


@check("files.expires-at", level=MUST, applies=_shows_expiry, spec="openai#/components/schemas/FileExpirationAfter")
def expires_at(exchange: Exchange) -> Iterator[Finding]:
    """A file expires as many seconds after it was made as were asked for."""
    body, seconds = view.whole_answer(exchange), str(exchange.request.get("expires_after[seconds]"))
    created, given = body.get("created_at"), body.get("expires_at")
    if not seconds.isdecimal() or not isinstance(created, int):
        raise Inconclusive("the request's seconds, or the file's created_at, is no integer")
    if given is None:
        yield Finding(f"{created + int(seconds)}", "absent", "body /expires_at")
    elif isinstance(given, int) and abs(given - created - int(seconds)) > 1:
        yield Finding(f"{created + int(seconds)}", f"{given}", "body /expires_at")


def _is_upload(exchange: Exchange) -> bool:
    return exchange.operation.id == "createUpload" and view.is_ok(exchange)


_LONGEST_S = 30 * 86_400
"""The document has an upload expire after an hour, and nothing else live longer than thirty days."""


@check("files.upload-expires-soon", level=SHOULD, applies=_is_upload, spec="openai#/paths/~1uploads/post")
def upload_expires_soon(exchange: Exchange) -> Iterator[Finding]:
    """An upload, which is to expire after an hour, does not live for more than thirty days."""
    body = view.whole_answer(exchange)
    created, given = body.get("created_at"), body.get("expires_at")
    if not isinstance(created, int) or not isinstance(given, int):
        raise Inconclusive("created_at or expires_at is no integer")
    if created + _LONGEST_S < given < 10 * created:  # milliseconds are another check's
        yield Finding(f"about {created + 3600}", f"{given}", "body /expires_at")


@check("files.upload-expires", level=MUST, applies=_is_upload, spec="openai#/components/schemas/Upload")
def upload_expires(exchange: Exchange) -> Iterator[Finding]:
    """An upload that was just made expires later than it was made."""
    body = view.whole_answer(exchange)
    created, given = body.get("created_at"), body.get("expires_at")
    if not isinstance(created, int) or not isinstance(given, int):
        raise Inconclusive("created_at or expires_at is no integer")
    if given <= created:
        yield Finding(f"more than {created}", f"{given}", "body /expires_at")


def _id_in_path(exchange: Exchange) -> str:
    hit = re.search(r"/files/([^/?]+)", exchange.request.url)
    return hit[1] if hit else ""


def _contents(exchanges: Sequence[Exchange]) -> dict[str, bytes]:
    """What was sent into each file of a case, by the id that it was given."""
    found: dict[str, bytes] = {}
    parts: dict[str, bytes] = {}
    for exchange in exchanges:
        if not view.is_ok(exchange):
            continue
        try:
            if exchange.operation.id == "createFile":
                found[str(view.whole_answer(exchange).get("id"))] = _sent(exchange).data
            elif exchange.operation.id == "addUploadPart":
                data = exchange.request.form["data"][0].data
                parts[str(view.whole_answer(exchange).get("id"))] = data
            elif exchange.operation.id == "completeUpload":
                ids = exchange.request.get("part_ids", [])
                made = _file(exchange)
                if isinstance(made, dict) and all(id in parts for id in ids):
                    found[str(made.get("id"))] = b"".join(parts[id] for id in ids)
        except (Inconclusive, KeyError):
            continue
    return found


def _downloads(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, bytes]]:
    sent = _contents(exchanges)
    return [
        (exchange, sent[_id_in_path(exchange)])
        for exchange in exchanges
        if exchange.operation.id == "downloadFile" and view.is_ok(exchange) and _id_in_path(exchange) in sent
    ]


def _has_download(exchanges: Sequence[Exchange]) -> bool:
    return bool(_downloads(exchanges))


@relation("files.content", level=MUST, applies=_has_download, spec="openai#/paths/~1files~1{file_id}~1content/get")
def content(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """The content of a file is what was uploaded, byte for byte; of an upload, its parts in the order that was given."""

    def judge(pair: tuple[Exchange, bytes]) -> Iterator[Finding]:
        exchange, wanted = pair
        view.require_whole(exchange)
        if exchange.body != wanted:
            same = next((n for n, (a, b) in enumerate(zip(exchange.body, wanted, strict=False)) if a != b), None)
            at = f"byte {same}" if same is not None else "the length"
            shown = f"{len(exchange.body)} bytes, {exchange.body[:60]!r}"
            yield Finding(f"{len(wanted)} bytes, {wanted[:60]!r}", shown, f"exchange {exchange.number}, {at}")

    return view.each(_downloads(exchanges), judge)


def _is_download(exchange: Exchange) -> bool:
    return exchange.operation.id == "downloadFile" and view.is_ok(exchange)


@check("files.content-type", level=SHOULD, applies=_is_download, spec="rfc9110#section-8.3")
def content_type(exchange: Exchange) -> Iterator[Finding]:
    """The content of a file is not called a page, a form or a stream of events: nobody is to act on it."""
    if exchange.media in ("text/html", "application/xhtml+xml", "multipart/form-data", "text/event-stream"):
        yield Finding("application/octet-stream, or what the file is", exchange.media, "header content-type")


def _kept(exchange: Exchange) -> dict[str, Any]:
    body = _file(exchange)
    names = ("id", "bytes", "created_at", "filename", "purpose", "expires_at")
    return {name: body.get(name) for name in names} if isinstance(body, dict) else {}


def _same_file(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange]]:
    """(made, read again) for each file of a case that was looked at again."""
    found = []
    for place, made in enumerate(exchanges):
        if made.operation.id in ("createFile", "completeUpload") and view.is_ok(made):
            for later in exchanges[place + 1 :]:
                try:
                    read = later.operation.id == "retrieveFile" and view.is_ok(later)
                    if read and _kept(made).get("id") == _id_in_path(later):
                        found.append((made, later))
                except Inconclusive:
                    continue
    return found


def _listed(exchanges: Sequence[Exchange]) -> list[tuple[Exchange, Exchange, dict[str, Any]]]:
    """(made, list, row) for each file of a case that a later list shows."""
    found = []
    for place, made in enumerate(exchanges):
        if made.operation.id in ("createFile", "completeUpload") and view.is_ok(made):
            for later in exchanges[place + 1 :]:
                try:
                    rows = view.kept(later) if later.operation.id == "listFiles" and view.is_ok(later) else ()
                    found += [(made, later, dict(row)) for _, row in rows if row.get("id") == _kept(made).get("id")]
                except Inconclusive:
                    continue
    return found


def _is_read_again(exchanges: Sequence[Exchange]) -> bool:
    return bool(_same_file(exchanges) or _listed(exchanges))


@relation("files.stays", level=MUST, applies=_is_read_again, spec="openai#/paths/~1files~1{file_id}/get")
def stays(exchanges: Sequence[Exchange]) -> Iterator[Finding]:
    """A file is, when it is looked at again or listed, what it was when it was made."""
    for made, later, row in _listed(exchanges):
        for name in ("bytes", "filename", "purpose"):
            value = _kept(made).get(name)
            if name in row and value is not None and row[name] != value:
                yield Finding(repr(value)[:120], repr(row[name])[:120], f"exchange {later.number}, {row['id']} /{name}")

    def judge(pair: tuple[Exchange, Exchange]) -> Iterator[Finding]:
        made, again = map(_kept, pair)
        for name, value in made.items():
            if again.get(name) != value:
                where = f"exchange {pair[1].number} body /{name}"
                yield Finding(repr(value)[:120], repr(again.get(name))[:120], where)

    pairs = _same_file(exchanges)
    yield from view.each(pairs, judge) if pairs else ()
