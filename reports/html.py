"""report.html: the whole run in one file that needs no network, for people to read, print and send on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from seatrial import contrast, curl, scenario, summary
from seatrial import run as runs
from seatrial.model import Exchange, Finding, Level, Status, Verdict
from seatrial.run import Run
from seatrial.shown import Part, Shown, shown
from seatrial.summary import Group

FILE = "report.html"
_SCRIPTS = ("theme.js", "report.js")
_HERE = Path(__file__).resolve().parent
_EXCHANGES_ROOM, _TEXT_ROOM = 2_600_000, 900_000
"""Characters of HTML that all exchanges, and all findings, may take: thousands of failures make no huge file."""
_GROUPS, _IN_GROUP, _RELATED = 300, 12, 6
_YAML = 12_000


@dataclass(frozen=True, slots=True)
class Difference:
    """One finding with what differs marked: in `lines` where both sides are JSON of several lines, else in the words."""

    expected: Sequence[contrast.Piece]
    actual: Sequence[contrast.Piece]
    lines: Sequence[contrast.Line]
    where: str


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed verdict: its findings, the exchanges shown with it, and those shown elsewhere or not at all."""

    verdict: Verdict
    findings: Sequence[Difference]
    more: int
    exchanges: Sequence[Shown]
    elsewhere: Sequence[int]
    left_out: Sequence[int]
    curl: str
    written_at: str
    written: Part | None


@dataclass(frozen=True, slots=True)
class Block:
    """The failures of one requirement: the first ones in full, the others by name."""

    group: Group
    anchor: str
    failures: Sequence[Failure]
    others: Sequence[Verdict]


def _curl(exchange: Exchange) -> str:
    # Not written out like other texts: it must do what it says when pasted, and curl.line lets nothing in that acts.
    return re.sub("[\ud800-\udfff]", "\ufffd", curl.line(exchange, breaks=True))


class _Page:
    """What of the run has found its place on the page, and how much room is left."""

    def __init__(self, run: Run) -> None:
        self._run = run
        self._placed: set[int] = set()
        self._room, self._text_room = _EXCHANGES_ROOM, _TEXT_ROOM
        own = run.header.get("scenarios")
        self._folder = Path(own) if own else None
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
            # One of each area comes before others, so that a reader who filters by area finds a whole one.
            of_areas = {id(v) for v in {v.area: v for v in reversed(group.verdicts)}.values()}
            rest = sorted(group.verdicts[1:], key=lambda v: id(v) not in of_areas)
            more = [self._failure(v, full=at < 3 or id(v) in of_areas) for at, v in enumerate(rest[: _IN_GROUP - 1])]
            blocks.append(Block(group, f"f{number}", [first, *more], rest[_IN_GROUP - 1 :]))
        return blocks

    def _failure(self, verdict: Verdict, full: bool) -> Failure:
        roomy = self._text_room > 0
        findings = [_difference(f, 2000 if roomy else 120) for f in verdict.findings[: 5 if roomy else 1]]
        self._text_room -= sum(map(_length, findings)) + 300
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
        place, written = "", None
        if own is not None and full and self._room > 0:
            command = _curl(own)
            place, text = scenario.written(self._folder, verdict.case, "" if _relation(verdict) else own.step)
            written = Part(summary.visible(text[:_YAML]), "") if text else None
            self._room -= len(escape(command)) + (len(escape(written.text)) if written else 0)
        more = len(verdict.findings) - len(findings)
        return Failure(verdict, findings, more, placed, elsewhere, left_out, command, place, written)

    def _cited(self, verdict: Verdict) -> list[int]:
        """The verdict's exchange, or for a relation, whose id names no step, those of its case."""
        if verdict.exchange is None or verdict.exchange not in self._run.exchanges:
            return []
        if _relation(verdict):
            return self._by_case[verdict.case][-_RELATED:]
        return [verdict.exchange]


def _relation(verdict: Verdict) -> bool:
    return verdict.id == f"{verdict.case}/{verdict.check}"


def _difference(finding: Finding, most: int) -> Difference:
    expected, actual = _text(finding.expected, most), _text(finding.actual, most)
    lines = [contrast.Line(line.sign, summary.visible(line.text)) for line in contrast.lines(expected, actual)]
    return Difference(*contrast.pieces(expected, actual), lines, _text(finding.where, 400))


def _length(found: Difference) -> int:
    """About how many characters of HTML the finding takes."""
    texts = [piece.text for piece in (*found.expected, *found.actual)] if not found.lines else []
    texts += [line.text for line in found.lines]
    return sum(len(escape(text)) + 11 for text in (*texts, found.where))


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


def _state(verdict: Verdict) -> str:
    """What the verdict is filtered by: its status, known failures apart."""
    return "known" if verdict.known and verdict.status is Status.FAIL else verdict.status.word


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"prose": _prose, "visible": summary.visible, "line": summary.line, "count": summary.count}
    environment.filters["address"] = lambda wanted: urlencode({name: value for name, value in wanted.items() if value})
    environment.globals |= {"url": summary.url, "key": id, "state": _state}
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
        "blocks": blocks,
        "levels": [
            (level, known, [block for block in blocks if block.group.level is level and block.group.known is known])
            for level in Level
            for known in (False, True)
        ],
        "groups_left_out": max(0, len(found) - _GROUPS),
        "errors": summary.reasons(run.verdicts, Status.ERROR),
        "verdicts": run.verdicts,
        "number": {id(verdict): number for number, verdict in enumerate(run.verdicts)},
        "block_of": {id(v): block.anchor for block in blocks for v in block.group.verdicts},
        "style": Markup((_HERE / "report.css").read_text(encoding="utf-8")),  # noqa: S704 - ours
        "script": Markup("".join((_HERE / name).read_text("utf-8") for name in _SCRIPTS)),  # noqa: S704 - ours
    }
    return _template().render(context)


def write(run: Run, out: Path) -> Path:
    """report.html is in `out` when this returns."""
    path = out / FILE
    path.write_bytes(render(run).encode("utf-8", "replace"))
    return path
