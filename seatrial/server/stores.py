"""What vector stores are made of: files cut into chunks, and what a search finds in them.

Reading a file takes its time, without a thread: its status is a function of its age.
"""

from __future__ import annotations

import math
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from seatrial.server import embeddings, tokens
from seatrial.server.plant import Json

READ_S = 0.3
"""How long the reading of a file takes."""
AUTO = {"max_chunk_size_tokens": 800, "chunk_overlap_tokens": 400}


def chunks(text: str, size: int, overlap: int) -> list[str]:
    """The text in pieces of so many tokens, each beginning with the last of the one before."""
    pieces = tokens.split(text)
    step = max(1, size - overlap)
    starts = range(0, max(1, len(pieces) - overlap), step)
    return [b"".join(pieces[at : at + size]).decode("utf-8", "replace") for at in starts]


@dataclass(slots=True)
class Member:
    """A file of a store."""

    id: str
    name: str
    created: float
    attributes: Json | None
    chunking: Json
    pieces: list[str]
    vectors: list[list[float]]
    failure: Json | None = None
    cancelled: bool = False

    def status(self, now: float) -> str:
        """What has become of the file."""
        if self.cancelled:
            return "cancelled"
        if now - self.created < READ_S:
            return "in_progress"
        return "failed" if self.failure else "completed"

    def used(self, now: float) -> int:
        """Bytes of its texts and vectors, once it was read."""
        if self.status(now) != "completed":
            return 0
        return sum(len(piece.encode()) for piece in self.pieces) + 4 * embeddings.SIZE * len(self.vectors)

    def shown(self, store: str, now: float) -> Json:
        """The object on the wire."""
        return {
            "id": self.id,
            "object": "vector_store.file",
            "created_at": int(self.created),
            "vector_store_id": store,
            "status": self.status(now),
            "usage_bytes": self.used(now),
            "last_error": self.failure if self.status(now) == "failed" else None,
            "attributes": self.attributes or {},
            "chunking_strategy": self.chunking,
        }


def member(id: str, name: str, data: bytes, created: float, attributes: Json | None, strategy: Json | None) -> Member:
    """The file as it is read: its pieces and their vectors, or why it cannot be."""
    static = (strategy or {}).get("static", AUTO)
    made = Member(id, name, created, attributes, {"type": "static", "static": static}, [], [])
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        made.failure = {"code": "unsupported_file", "message": "The file is not text in UTF-8."}
        return made
    if not text.strip():
        made.failure = {"code": "invalid_file", "message": "The file could not be parsed: it holds no text."}
        return made
    made.pieces = chunks(text, static["max_chunk_size_tokens"], static["chunk_overlap_tokens"])
    made.vectors = [embeddings.vector(piece, embeddings.SIZE) for piece in made.pieces]
    return made


def counts(members: list[Member], now: float) -> Json:
    """How many files are in which state."""
    found = [one.status(now) for one in members]
    kinds = ("in_progress", "completed", "failed", "cancelled")
    return {kind: found.count(kind) for kind in kinds} | {"total": len(found)}


@dataclass(slots=True)
class Batch:
    """Files that were attached by one request."""

    id: str
    created: float
    members: list[Member]
    cancelled: bool = False

    def shown(self, store: str, now: float) -> Json:
        """The object on the wire."""
        numbers = counts(self.members, now)
        status = "in_progress" if numbers["in_progress"] else "completed"
        if numbers["total"] and numbers["failed"] == numbers["total"]:
            status = "failed"
        return {
            "id": self.id,
            "object": "vector_store.files_batch",
            "created_at": int(self.created),
            "vector_store_id": store,
            "status": "cancelled" if self.cancelled else status,
            "file_counts": numbers,
        }

    def cancel(self, now: float) -> None:
        """What is not read yet will not be; a batch that is done stays as it is."""
        for one in self.members:
            if one.status(now) == "in_progress":
                one.cancelled = self.cancelled = True


@dataclass(slots=True)
class Store:
    """A vector store."""

    created: float
    name: str | None = None
    metadata: Json | None = None
    expires: Json | None = None
    id: str = field(default_factory=lambda: "vs_" + secrets.token_hex(12))
    active: float = 0.0
    members: dict[str, Member] = field(default_factory=dict)
    batches: dict[str, Batch] = field(default_factory=dict)

    def expires_at(self) -> int | None:
        """When it ends, in seconds since the epoch; None where it does not."""
        return int(self.active) + 86_400 * int(self.expires["days"]) if self.expires else None

    def shown(self, now: float) -> Json:
        """The object on the wire."""
        numbers = counts(list(self.members.values()), now)
        end = self.expires_at()
        status = "in_progress" if numbers["in_progress"] else "completed"
        return {
            "id": self.id,
            "object": "vector_store",
            "created_at": int(self.created),
            "name": self.name,
            "usage_bytes": sum(one.used(now) for one in self.members.values()),
            "file_counts": numbers,
            "status": "expired" if end is not None and now >= end else status,
            "expires_after": self.expires,
            "expires_at": end,
            "last_active_at": int(self.active),
            "metadata": self.metadata or {},
        }

    def search(self, queries: list[str], wanted: Mapping[str, Any] | None, most: int, least: float, now: float) -> Any:
        """The chunks that are nearest to any of the queries, the nearest first."""
        asked = [embeddings.vector(query, embeddings.SIZE) for query in queries]
        found = []
        for one in self.members.values():
            if one.status(now) != "completed" or not fits(wanted, one.attributes or {}):
                continue
            for piece, vector in zip(one.pieces, one.vectors, strict=True):
                near = max(math.fsum(a * b for a, b in zip(vector, query, strict=True)) for query in asked)
                score = min(1.0, max(0.0, near))
                if score >= least:
                    found.append((score, one, piece))
        found.sort(key=lambda row: -row[0])
        return [
            {
                "file_id": one.id,
                "filename": one.name,
                "score": score,
                "attributes": one.attributes or {},
                "content": [{"type": "text", "text": piece}],
            }
            for score, one, piece in found[:most]
        ]


def fits(wanted: Mapping[str, Any] | None, attributes: Mapping[str, Any]) -> bool:
    """Whether attributes keep to a filter. A key that is not there is unequal to everything."""
    if wanted is None:
        return True
    kind = wanted["type"]
    if kind in ("and", "or"):
        return (all if kind == "and" else any)(fits(inner, attributes) for inner in wanted["filters"])
    value, found = wanted["value"], attributes.get(wanted["key"])
    match kind:
        case "eq":
            return bool(found == value)
        case "ne":
            return bool(found != value)
        case "in":
            return found in value
        case "nin":
            return found not in value
    if isinstance(found, bool) or isinstance(found, str) != isinstance(value, str) or found is None:
        return False
    return bool({"gt": found > value, "gte": found >= value, "lt": found < value, "lte": found <= value}[kind])
