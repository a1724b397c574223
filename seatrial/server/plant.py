"""What may be planted in the server: defects that shipped in real ones, and legal variants of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

Json = dict[str, Any]
Piece = bytes | float
"""A part of a body: bytes to be written at once, or seconds to wait."""


@dataclass(frozen=True, slots=True)
class Plant:
    """One deviation from the clean server. Each hook is a place where it may step in; most have one or two.

    `before` sees the raw request, and answers in its place, or gives the seconds that it is left waiting; `body` the parsed one, before validation; `accepts` says of a refusal that it is not
    to be made; `text` may change what the model says; `result` a plain answer; `chunks` those of a stream; `events`
    a stream's bytes; `wire` the bytes of a plain body of JSON; `error` a refusal; `headers` all headers; `models` what is served.
    """

    id: str
    kind: str
    area: str
    summary: str
    trips: tuple[str, ...] = ()
    level: str = "MUST"
    source: str = ""
    before: Callable[[Request, bytes], Response | float | None] | None = None
    body: Callable[[str, Json], Json] | None = None
    accepts: Callable[[str, str, Json], bool] | None = None
    text: Callable[[str, str], str] | None = None
    result: Callable[[str, Json, Any], Any] | None = None
    chunks: Callable[[str, Json, Iterator[Json]], Iterable[Json]] | None = None
    events: Callable[[str, Json, Iterator[Piece]], Iterable[Piece]] | None = None
    wire: Callable[[str, bytes], Iterable[Piece]] | None = None
    error: Callable[[str, int, Json], tuple[int, Any]] | None = None
    headers: Callable[[int, dict[str, str]], None] | None = None
    models: Callable[[dict[str, Json]], dict[str, Json]] | None = None
    stage: int = 0
    """When it has its turn: -1 waits, 0 what is written, 1 its line ends, 2 where the writes are cut, 3 compression, 4 the names of headers."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How a server behaves: the key it asks for, what is planted, and whose ways it has."""

    api_key: str | None = None
    plants: tuple[str, ...] = ()
    profile: str = ""


@dataclass(slots=True)
class Plants:
    """The plants of one server, applied by their stage, and of one stage in the order they were given."""

    planted: tuple[Plant, ...] = field(default_factory=tuple)

    def __post_init__(self) -> None:
        self.planted = tuple(sorted(self.planted, key=lambda plant: plant.stage))

    def each(self, hook: str) -> Iterator[Any]:
        """The functions of one hook."""
        for plant in self.planted:
            function = getattr(plant, hook)
            if function is not None:
                yield function
