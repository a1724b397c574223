"""The nouns of seatrial: operations, scenarios, exchanges, findings, verdicts. Standard library only."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum
from functools import cached_property
from typing import Any


class Invalid(Exception):
    """A file, flag or URL given by the user cannot be used; raised before anything is sent (exit code 2)."""

    def __init__(self, where: str, pointer: str, message: str, line: int | None = None) -> None:
        self.where, self.pointer, self.message, self.line = where, pointer, message, line
        place = f"{where}:{line}" if line is not None else where
        super().__init__(f"{place}: {pointer}: {message}" if pointer else f"{place}: {message}")


class Unreachable(Exception):
    """The target does not answer at all, or refuses the key (exit code 3)."""


class Level(StrEnum):
    """How much a requirement binds: see "Levels" in the README. Only MUST gates."""

    MUST = "MUST"
    SHOULD = "SHOULD"
    MAY = "MAY"


MUST, SHOULD, MAY = Level.MUST, Level.SHOULD, Level.MAY

WRONG_KEY = "sk-seatrial-wrong-0123456789abcdef"
"""The key sent where a scenario asks for a wrong one. It opens nothing, so it may stand in records."""

REDACTED = "$OPENAI_API_KEY"
"""Stands in records wherever the real key was, sent or echoed."""


class Status(Enum):
    """What became of one requirement on one exchange; combining several takes the worst."""

    SKIPPED = 0
    PASS = 1
    INCONCLUSIVE = 2
    FAIL = 3
    ERROR = 4

    @property
    def word(self) -> str:
        """The lower-case word used in files."""
        return self.name.lower()

    @classmethod
    def worst(cls, statuses: list[Status]) -> Status:
        """The highest of the given ones; SKIPPED where there is none."""
        return max(statuses, key=lambda status: status.value, default=cls.SKIPPED)


@dataclass(frozen=True, slots=True)
class Finding:
    """One place where the wire differs from the requirement."""

    expected: str
    actual: str
    where: str


@dataclass(frozen=True, slots=True)
class Citation:
    """A resolved source of a requirement: `openai#/components/schemas/X`, its URL, and a short quote."""

    at: str
    url: str
    quote: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """One endpoint: its name, method, path template and the schema of each answer by status and media type."""

    id: str
    method: str
    path: str
    request: str | None = None
    responses: Mapping[str, Mapping[str, str]] = field(default_factory=dict)

    def schema_for(self, status: int, media: str) -> str | None:
        """The schema declared for this status (exact, else `4XX`, else `default`) and media type, if any."""
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self.responses:
                return self.responses[key].get(media)
        return None


@dataclass(frozen=True, slots=True)
class Event:
    """One server-sent event: its fields by the WHATWG rules, when it was complete, and its bytes' span in the body."""

    data: str
    event: str
    id: str | None
    at_ns: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TransportError:
    """Why an answer is not whole. `kind` is one of: connect, tls, timeout, reset, protocol, decoding, too-large, closed.

    `closed` is a kept connection that was closed before anything of the answer came.
    """

    kind: str
    detail: str


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a multipart form: `file` is the name of the file that it holds, or None where it is a text."""

    file: str | None
    data: bytes


@dataclass(frozen=True)
class Request:
    """What was sent. Headers hold no secret: the credential's value is replaced before this is made."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...]
    body: bytes = b""

    @cached_property
    def json(self) -> Any:
        """The body as JSON, or None where it is none."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            return None

    @cached_property
    def form(self) -> Mapping[str, tuple[Part, ...]]:
        """The parts of a multipart body by name, in their order; none where it is no form."""
        media = next((value for name, value in self.headers if name.lower() == "content-type"), "")
        boundary = re.search(r'\bboundary="?([^";]+)', media)
        if not media.lower().startswith("multipart/form-data") or boundary is None:
            return {}
        found: dict[str, tuple[Part, ...]] = {}
        for part in (b"\r\n" + self.body).split(b"\r\n--" + boundary[1].encode())[1:-1]:
            head, _, data = part.partition(b"\r\n\r\n")
            names = dict(re.findall(r'\b(name|filename)="([^"]*)"', head.decode("utf-8", "replace")))
            if "name" in names:
                found[names["name"]] = (*found.get(names["name"], ()), Part(names.get("filename"), data))
        return found

    def texts(self, name: str) -> list[str]:
        """Every text of a form under this name."""
        return [part.data.decode("utf-8", "replace") for part in self.form.get(name, ()) if part.file is None]

    def get(self, name: str, default: Any = None) -> Any:
        """A top-level member of a JSON object body; the first text of that name, where the body is a form."""
        body = self.json
        if isinstance(body, dict):
            return body.get(name, default)
        return next(iter(self.texts(name)), default)


@dataclass(frozen=True, eq=False)
class Exchange:
    """One request and all that came back, with monotonic clocks in ns since the request was sent.

    `started` is wall-clock seconds, for logs only. `arrivals` are (bytes, at_ns) of each read of the body, after
    content decoding. `status` is None where no answer came. `quiet_end` says the body was still open when the
    client gave up waiting after its last event.
    """

    number: int
    operation: Operation
    request: Request
    status: int | None
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    arrivals: tuple[tuple[int, int], ...] = ()
    events: tuple[Event, ...] = ()
    error: TransportError | None = None
    started: float = 0.0
    headers_ns: int = 0
    end_ns: int = 0
    http_version: str = ""
    late_ns: int = 0
    step: str = ""
    auth: str = "default"
    left_open: bool = False

    def header(self, name: str) -> str | None:
        """The values of a header joined by a comma and a space, or None."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        return ", ".join(values) if values else None

    @cached_property
    def media(self) -> str:
        """The media type of the answer, lower case, without parameters; empty where there is none."""
        return (self.header("content-type") or "").split(";")[0].strip().lower()

    @cached_property
    def text(self) -> str:
        """The body as UTF-8, wrong bytes as U+FFFD."""
        return self.body.decode("utf-8", "replace")

    @property
    def asked_to_stream(self) -> bool:
        """Whether the request asked for a stream: in its body, or in its query."""
        asked = self.request.get("stream")
        return (
            asked is True
            or (asked == "true" and bool(self.request.form))
            or self.request.get("stream_format") == "sse"
            or "stream=true" in self.request.url.partition("?")[2].split("&")
        )


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a scenario as written, and what is expected of its answer at each level."""

    id: str
    operation: Operation
    call: Mapping[str, Any]
    expect: Mapping[Level, Mapping[str, Any]]
    outputs: Mapping[str, Any]
    probe: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """A titled sequence of steps with its citations, the capabilities it needs, and rows of inputs."""

    id: str
    title: str
    area: str
    family: str
    source: str
    spec: tuple[Citation, ...]
    needs: tuple[str, ...]
    tier: str
    inputs: Mapping[str, Mapping[str, Any]]
    steps: tuple[Step, ...]
    cleanup: tuple[Step, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A scenario with one row of inputs; its id is the scenario's, with the row in brackets."""

    scenario: Scenario
    row: str | None = None

    @property
    def id(self) -> str:
        return f"{self.scenario.id}[{self.row}]" if self.row is not None else self.scenario.id

    @property
    def inputs(self) -> Mapping[str, Any]:
        return self.scenario.inputs[self.row] if self.row is not None else {}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One requirement judged on one exchange (or, for a relation, on the exchanges of one case)."""

    id: str
    check: str
    scenario: str
    case: str
    area: str
    level: Level
    status: Status
    requirement: str
    spec: str
    exchange: int | None = None
    reason: str = ""
    findings: tuple[Finding, ...] = ()
    known: bool = False
