"""report.html: the whole run in one file that needs no network, for people to read, print and send on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from seatrial import curl, summary
from seatrial import run as runs
from seatrial.model import Exchange, Level, Status, Verdict
from seatrial.run import Run
from seatrial.summary import Group

FILE = "report.html"
_HERE = Path(__file__).resolve().parent
_CUT = 20_000
"""Characters shown of one body; the whole of it is in run.jsonl."""
_FOLD_CHARACTERS, _FOLD_LINES = 1_600, 24
_EXCHANGES_ROOM, _TEXT_ROOM = 2_600_000, 900_000
"""Characters of HTML that all exchanges, and all findings, may take: thousands of failures make no huge file."""
_GROUPS, _IN_GROUP, _RELATED = 300, 12, 6


@dataclass(frozen=True, slots=True)
class Part:
    """A text to show: how large it is in full, and a note on what is not shown as it is."""

    text: str
    size: str
    note: str = ""

    @property
    def long(self) -> bool:
        return len(self.text) > _FOLD_CHARACTERS or self.text.count("\n") > _FOLD_LINES


@dataclass(frozen=True, slots=True)
class Shown:
    """One exchange as the page shows it; `gap` is how many events are left out after the first ones."""

    number: int
    title: str
    took: str
    status: str
    error: str
    request_line: str
    request_headers: Sequence[tuple[str, str]]
    request_body: Part | None
    headers: Sequence[tuple[str, str]]
    body: Part | None
    events: Sequence[tuple[int, str, str, str]]
    more_events: Sequence[tuple[int, str, str, str]]
    gap: int
    timing: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed verdict: its findings, the exchanges shown with it, and those shown elsewhere or not at all."""

    verdict: Verdict
    findings: Sequence[tuple[str, str, str]]
    more: int
    exchanges: Sequence[Shown]
    elsewhere: Sequence[int]
    left_out: Sequence[int]
    curl: str


@dataclass(frozen=True, slots=True)
class Block:
    """The failures of one requirement: the first ones in full, the others by name."""

    group: Group
    anchor: str
    failures: Sequence[Failure]
    others: Sequence[str]


def size(number: int) -> str:
    """Bytes as people write them."""
    if number < 1000:
        return f"{number} B"
    return f"{number / 1000:.1f} kB" if number < 1_000_000 else f"{number / 1e6:.1f} MB"


def milliseconds(ns: int) -> str:
    return f"{ns / 1e6:,.1f}" if ns < 100_000_000 else f"{ns / 1e6:,.0f}"


def part(data: bytes) -> Part | None:
    """The bytes as text: JSON laid out, wrong UTF-8 and what cannot be seen written out, long ones cut with a note."""
    if not data:
        return None
    notes = []
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        notes.append("not UTF-8: the wrong bytes are written as \\xNN")
        text = data[: 2 * _CUT].decode("utf-8", "backslashreplace")
    try:
        # A body of megabytes is cut all the same: laying it out would only take time.
        laid_out = json.dumps(json.loads(text), ensure_ascii=False, indent=2) if len(text) < 50 * _CUT else text
    except (ValueError, RecursionError):
        laid_out = text.replace("\r\n", "\n")
    if len(laid_out) > _CUT:
        notes.append(f"cut: the first {size(_CUT)} are shown, the whole body is in run.jsonl")
    return Part(summary.visible(laid_out[:_CUT]), size(len(data)), "; ".join(notes))


def _events(exchange: Exchange) -> tuple[list[tuple[int, str, str, str]], list[tuple[int, str, str, str]], int]:
    """The first events, the last ones where some are left out between, and how many are left out."""
    rows = [
        (
            number,
            milliseconds(event.at_ns),
            "" if event.event == "message" else summary.line(event.event, 60),
            event.data,
        )
        for number, event in enumerate(exchange.events, 1)
    ]
    first: list[tuple[int, str, str, str]] = []
    room = _CUT * 3 // 4
    for index, row in enumerate(rows):
        if room <= 0:
            last = rows[max(index, len(rows) - 6) :]
            return first, [_event(row, _CUT // 24) for row in last], len(rows) - len(first) - len(last)
        shown = _event(row, min(4000, room))
        first.append(shown)
        room -= len(shown[3]) + 24
    return first, [], 0


def _event(row: tuple[int, str, str, str], most: int) -> tuple[int, str, str, str]:
    data = row[3]
    cut = f"… ({len(data):,} characters)" if len(data) > most else ""
    return (*row[:3], summary.visible(data[:most]) + cut)


def _headers(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(summary.line(name, 200), summary.line(value, 2000)) for name, value in pairs]


def shown(exchange: Exchange) -> Shown:
    """The exchange as the page shows it."""
    request = exchange.request
    first, last, gap = _events(exchange)
    try:
        phrase = HTTPStatus(exchange.status or 0).phrase
    except ValueError:
        phrase = ""
    timing = [f"headers after {milliseconds(exchange.headers_ns)} ms"] if exchange.status is not None else []
    timing.append(f"ended after {milliseconds(exchange.end_ns)} ms")
    timing += ["the connection was left open"] if exchange.left_open else []
    path = "/" + request.url.partition("://")[2].partition("/")[2]
    return Shown(
        number=exchange.number,
        title=f"{request.method} {summary.line(path, 160)}",
        took=f"{milliseconds(exchange.end_ns)} ms",
        status=f"{exchange.status} {phrase}".strip() if exchange.status is not None else "no answer",
        error=summary.line(f"{exchange.error.kind}: {exchange.error.detail}") if exchange.error else "",
        request_line=f"{request.method} {summary.line(request.url, 2000)}",
        request_headers=_headers(request.headers),
        request_body=part(request.body),
        headers=_headers(exchange.headers),
        body=part(exchange.body),
        events=first,
        more_events=last,
        gap=gap,
        timing=", ".join(timing),
    )


def _curl(exchange: Exchange) -> str:
    # Not written out like other texts: it must do what it says when pasted, and curl.line lets nothing in that acts.
    return re.sub("[\ud800-\udfff]", "\ufffd", curl.line(exchange, breaks=True))


class _Page:
    """What of the run has found its place on the page, and how much room is left."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._placed: set[int] = set()
        self._room, self._text_room = _EXCHANGES_ROOM, _TEXT_ROOM
        self._by_case: dict[str, list[int]] = {}
        for verdict in run.verdicts:
            if verdict.exchange is not None and verdict.exchange in run.exchanges:
                numbers = self._by_case.setdefault(verdict.case, [])
                if verdict.exchange not in numbers:
                    numbers.append(verdict.exchange)

    def blocks(self, groups: Sequence[Group]) -> list[Block]:
        """The first failures of each group in full; every group's first one comes before any second one takes room."""
        firsts = [self._failure(group.verdicts[0], full=True) for group in groups]
        blocks = []
        for number, (group, first) in enumerate(zip(groups, firsts, strict=True), 1):
            more = group.verdicts[1:_IN_GROUP]
            failures = [first, *(self._failure(verdict, full=index < 3) for index, verdict in enumerate(more))]
            blocks.append(Block(group, f"f{number}", failures, [v.id for v in group.verdicts[_IN_GROUP:]]))
        return blocks

    def _failure(self, verdict: Verdict, full: bool) -> Failure:
        most = 2000 if self._text_room > 0 else 120
        rows = [(f.expected, f.actual, f.where) for f in verdict.findings[: 5 if self._text_room > 0 else 1]]
        findings = [(_text(expected, most), _text(actual, most), _text(where, 400)) for expected, actual, where in rows]
        self._text_room -= sum(len(escape(text)) for row in findings for text in row) + 300
        placed, elsewhere, left_out, command = [], [], [], ""
        for number in self._cited(verdict):
            if number in self._placed:
                elsewhere.append(number)
                continue
            view = shown(self._run.exchanges[number]) if full and self._room > 0 else None
            cost = _cost(view) if view else 0
            if view is None or cost > self._room:
                left_out.append(number)
                continue
            self._room -= cost
            self._placed.add(number)
            placed.append(view)
        own = self._run.exchanges.get(verdict.exchange) if verdict.exchange is not None else None
        if own is not None and full and self._room > 0:
            command = _curl(own)
            self._room -= len(escape(command))
        return Failure(verdict, findings, len(verdict.findings) - len(findings), placed, elsewhere, left_out, command)

    def _cited(self, verdict: Verdict) -> list[int]:
        """The verdict's exchange, or for a relation, whose id names no step, those of its case."""
        if verdict.exchange is None or verdict.exchange not in self._run.exchanges:
            return []
        if verdict.id == f"{verdict.case}/{verdict.check}":
            return self._by_case[verdict.case][-_RELATED:]
        return [verdict.exchange]


def _text(text: str, most: int) -> str:
    return summary.visible(text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)")


def _cost(view: Shown) -> int:
    """About how many characters of HTML the exchange takes."""
    texts = [view.request_line, *(p.text for p in (view.request_body, view.body) if p)]
    texts += [name + value for name, value in (*view.request_headers, *view.headers)]
    texts += [row[3] for row in (*view.events, *view.more_events)]
    return sum(len(escape(text)) for text in texts) + 1500 + 60 * (len(view.events) + len(view.headers))


def _prose(text: str) -> Markup:
    """The text with `quoted` words as code."""
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(summary.visible(text)))))  # noqa: S704 - escaped


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"prose": _prose, "visible": summary.visible, "line": summary.line, "count": summary.count}
    environment.globals |= {"url": summary.url, "name_of": summary.name_of}
    return environment.get_template("report.html.j2")


def render(run: Run) -> str:
    """The page."""
    found = summary.groups(summary.failed(run.verdicts))
    page = _Page(run)
    blocks = page.blocks(found[:_GROUPS])
    prompt, completion = run.tokens()
    context: dict[str, Any] = {
        "version": str(run.header.get("seatrial", "")),
        "result": summary.result(run),
        "conclusion": summary.conclusion(run),
        "facts": [
            ("Target", str(run.target.get("base_url", ""))),
            ("Model", summary.models(run)),
            ("Profile", str(run.target.get("profile", ""))),
            ("Tier", str(run.header.get("tier", ""))),
            ("When", summary.started(run)),
            ("Took", f"{summary.duration(run.seconds)}, {summary.count(summary.requests(run), 'request')}"),
            ("Tokens", f"{prompt:,} in, {completion:,} out" if prompt or completion else ""),
        ],
        "counts": runs.counts(run.verdicts),
        "undecided": [
            (status.word, summary.reasons(run.verdicts, status, brief=True))
            for status in (Status.INCONCLUSIVE, Status.SKIPPED)
        ],
        "notes": summary.notes(run),
        "fixed": summary.fixed(run.verdicts),
        "areas": summary.areas(run),
        "levels": [
            (level, known, [block for block in blocks if block.group.level is level and block.group.known is known])
            for level in Level
            for known in (False, True)
        ],
        "groups_left_out": max(0, len(found) - _GROUPS),
        "errors": summary.reasons(run.verdicts, Status.ERROR),
        "verdicts": run.verdicts,
        "style": Markup((_HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
        "script": Markup((_HERE / "report.js").read_text(encoding="utf-8")),  # noqa: S704 - ours
    }
    return _template().render(context)


def write(run: Run, out: Path) -> Path:
    """report.html is in `out` when this returns."""
    path = out / FILE
    path.write_bytes(render(run).encode("utf-8", "replace"))
    return path
