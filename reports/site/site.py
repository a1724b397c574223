"""The static site of the nights: plain files that need no network and no script, from disk as from any web server."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from seatrial import __version__, compatibility, curl, summary
from seatrial.compatibility import Word
from seatrial.history import Kind, RunRow, wire
from seatrial.model import Level, Status, Verdict
from seatrial.nightly import feed, view
from seatrial.nightly.targets import slug
from seatrial.nightly.view import Board, Site

_HERE = Path(__file__).resolve().parent
_TREND = 90
"""Nights that a trend line of the front page shows."""
_WIRE_LINES, _WIRE_WIDTH = 60, 400
_SHOWN, _OF_A_CHECK = 2, 40
_WORDS = {
    "passed": "passed",
    "failed": "failed",
    "known": "known",
    "inconclusive": "inconclusive",
    "unsupported": "not offered",
    "error": "errors",
}


@dataclass(frozen=True, slots=True)
class Failing:
    """One failed verdict as a check's page shows it; `sent` and `received` are empty where the record is gone."""

    verdict: Verdict
    sent: str
    received: str
    curl: str


@dataclass(frozen=True, slots=True)
class Column:
    """What a check found on one target."""

    board: Board
    counts: Mapping[str, int]
    failing: Sequence[Failing]
    more: Sequence[str]


def _prose(text: str) -> Markup:
    return Markup(re.sub(r"`([^`\n]+)`", r"<code>\1</code>", str(escape(summary.visible(text)))))  # noqa: S704 - escaped


def _moment(text: str) -> str:
    """2026-11-21T02:00:00Z as people write it."""
    return re.sub(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\dZ$", r"\1 \2 UTC", text)


def trend(past: Sequence[RunRow], wide: int = 140, high: int = 28, most: int = _TREND) -> Markup:
    """A line of the share of MUST requirements that passed, night by night; a gap where there was no run."""
    rows = past[-most:]
    shares = [_share(row) for row in rows]
    seen = [share for share in shares if share is not None]
    if len(seen) < 2:
        return Markup("")
    low = min(min(seen), 0.98)
    step = (wide - 6) / max(1, len(rows) - 1)
    lines: list[list[str]] = [[]]
    for index, share in enumerate(shares):
        if share is None:
            lines.append([])
        else:
            lines[-1].append(f"{3 + index * step:.0f},{3 + (high - 6) * (1 - (share - low) / (1 - low or 1)):.0f}")
    drawn = "".join(f'<polyline points="{" ".join(line)}"/>' for line in lines if len(line) > 1)
    dots = "".join(
        f'<circle cx="{x}" cy="{y}" r="1.5"/>' for line in lines if len(line) == 1 for x, y in [line[0].split(",")]
    )
    last = [line for line in lines if line]
    x, y = last[-1][-1].split(",")
    title = f"{len(seen)} nights, from {min(seen):.1%} to {max(seen):.1%} of MUST requirements passed"
    return Markup(  # noqa: S704 - numbers of ours
        f'<svg class="trend" viewBox="0 0 {wide} {high}" width="{wide}" height="{high}" role="img"><title>{title}</title>'
        f'{drawn}{dots}<circle class="now" cx="{x}" cy="{y}" r="2.5"/></svg>'
    )


def _share(row: RunRow) -> float | None:
    must = row.counts["must"]
    return must["passed"] / must["applicable"] if must.get("applicable") else None


class Pages:
    """Writes the pages of one site under a folder."""

    def __init__(self, site: Site, out: Path) -> None:
        self.site, self.out = site, out
        self.checks: dict[str, dict[str, list[Verdict]]] = {}
        for board in site.boards:
            for verdict in board.verdicts:
                self.checks.setdefault(summary.name_of(verdict), {}).setdefault(board.slug, []).append(verdict)
        self.files = _files(self.checks)
        self.exchanges = {board.slug: self._exchanges(board) for board in site.boards}
        self._environment = Environment(
            loader=FileSystemLoader(_HERE),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {"prose": _prose, "visible": summary.visible, "line": summary.line}
        self._environment.filters |= {
            "count": summary.count,
            "duration": summary.duration,
            "slug": slug,
            "moment": _moment,
        }
        self._environment.globals |= {
            "site": site,
            "version": __version__,
            "cite": summary.url,
            "name_of": summary.name_of,
            "trend": trend,
            "state": view.state,
            "of_counts": view.of_counts,
            "measures": view.MEASURES,
            "words": _WORDS,
            "check_file": self.files.get,
            "kinds": Kind,
            "marks": {word.value: word.name.lower() for word in Word},
            "night_names": {night.id: night.name for night in site.nights},
        }

    def write(self, again: bool = False) -> Path:
        """The front page, when every page is there. Pages of runs are written once, or `again`."""
        for name in ("targets", "checks", "runs", "badges", "junit", "reports"):
            (self.out / name).mkdir(parents=True, exist_ok=True)
        shutil.copyfile(_HERE / "site.css", self.out / "site.css")
        for night in self.site.nights:
            for row in self.site.runs[night.id]:
                path = self.out / "runs" / night.name / f"{slug(row.target)}.html"
                if again or not path.is_file() or night.id == self.site.night.id:
                    self._run(path, row)
        names = [board.name for board in self.site.boards]
        rows = [
            (row.title, [board.cells[index] for board in self.site.boards])
            for index, row in enumerate(compatibility.rows())
        ]
        areas = sorted({area for board in self.site.boards for area in board.areas}, key=str.casefold)
        for board in self.site.boards:
            self._target(board)
        stale = {path.name for path in (self.out / "checks").glob("*.html")} - set(self.files.values())
        for name in stale:
            (self.out / "checks" / name).unlink()
        for name in self.checks:
            self._check(name)
        self._page("checks.html", "checks", groups=[self._line(name) for name in sorted(self.checks, key=str.casefold)])
        self._page("compatibility.html", "compatibility", features=rows)
        self._page("nights.html", "nights", targets=list(dict.fromkeys([*names, *self._former()])))
        (self.out / "feed.xml").write_bytes(feed.feed(self.site))
        self._put("changes.json", feed.changes(self.site))
        return self._page("index.html", "index", features=rows, areas=areas)

    def _former(self) -> list[str]:
        return [row.target for night in reversed(self.site.nights) for row in self.site.runs[night.id]]

    def _page(self, to: str, template: str, root: str = "", **context: Any) -> Path:
        return self._put(to, self._environment.get_template(f"{template}.html.j2").render(root=root, **context))

    def _put(self, name: str, text: str) -> Path:
        path = self.out / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode("utf-8", "replace"))
        return path

    def _run(self, path: Path, row: RunRow) -> None:
        board = next((board for board in self.site.boards if board.row.id == row.id), None)
        verdicts = board.verdicts if board else self.site.verdicts(row.id)
        since, told = self.site.told(row.id)
        found = summary.groups(summary.failed(verdicts))
        must = [group for group in found if group.level is Level.MUST]
        areas: dict[str, list[Verdict]] = {}
        for verdict in verdicts:
            areas.setdefault(verdict.area, []).append(verdict)
        name = str(path.relative_to(self.out))
        counted = [(area, view.tally(areas[area])) for area in sorted(areas, key=str.casefold)]
        self._page(
            name, "run", "../../", row=row, told=told, since=since, must=must[:60], more=len(must[60:]), areas=counted
        )

    def _target(self, board: Board) -> None:
        folder = Path(board.row.folder) if board.row.folder else None
        measured = Path(board.load.folder) if board.load else None
        kept = []
        for source, name, to, said in (
            (folder, "report.html", f"reports/{board.slug}.html", "report.html"),
            (folder, "junit.xml", f"junit/{board.slug}.xml", "junit.xml"),
            (measured, "report.html", f"reports/{board.slug}.load.html", "load test"),
        ):
            (self.out / to).unlink(missing_ok=True)
            if source is not None and (source / name).is_file():
                shutil.copyfile(source / name, self.out / to)
                kept.append((said, f"../{to}"))
        (self.out / "badges" / f"{board.slug}.svg").write_bytes(feed.badge(board))
        self._put(f"badges/{board.slug}.json", feed.endpoint(board))
        found = summary.groups(summary.failed(board.verdicts))
        ranks = [
            (f"{level.value}{', known' if known else ''}", [g for g in found if g.level is level and g.known is known])
            for level in Level
            for known in (False, True)
        ]
        undecided = [
            (status.word, summary.reasons(board.verdicts, status, brief=True))
            for status in (Status.INCONCLUSIVE, Status.SKIPPED, Status.ERROR)
        ]
        self._page(
            f"targets/{board.slug}.html", "target", "../", board=board, ranks=ranks, undecided=undecided, kept=kept
        )

    def _exchanges(self, board: Board) -> dict[int, Any]:
        if not board.row.folder:
            return {}
        wanted: dict[str, list[int | None]] = {}
        for verdict in summary.failed(board.verdicts):
            numbers = wanted.setdefault(summary.name_of(verdict), [])
            if len(numbers) < _SHOWN:
                numbers.append(verdict.exchange)
        return view.exchanges(Path(board.row.folder), [number for numbers in wanted.values() for number in numbers])

    def _line(self, name: str) -> dict[str, Any]:
        seen = self.checks[name]
        first = next(iter(seen.values()))[0]
        cells = [(board, view.tally(seen.get(board.slug, ()))) for board in self.site.boards]
        return {"name": name, "level": first.level.value, "requirement": first.requirement, "cells": cells}

    def _check(self, name: str) -> None:
        seen = self.checks[name]
        first = next(iter(seen.values()))[0]
        columns = [self._column(board, seen[board.slug]) for board in self.site.boards if board.slug in seen]
        self._page(f"checks/{self.files[name]}", "check", "../", name=name, first=first, columns=columns)

    def _column(self, board: Board, verdicts: Sequence[Verdict]) -> Column:
        failed = summary.failed(verdicts)
        shown = [self._failing(board, verdict) for verdict in failed[:_SHOWN]]
        return Column(board, view.tally(verdicts), shown, [verdict.id for verdict in failed[_SHOWN:_OF_A_CHECK]])

    def _failing(self, board: Board, verdict: Verdict) -> Failing:
        exchange = self.exchanges[board.slug].get(verdict.exchange or 0)
        if exchange is None:
            return Failing(verdict, "", "", "")
        said = [_cut(rows) for rows in (wire.sent(exchange), wire.received(exchange))]
        command = curl.line(exchange, breaks=True)
        return Failing(verdict, said[0], said[1], command if len(command) < 2000 else "")


def _cut(rows: Sequence[str]) -> str:
    """The lines, the middle ones left out where there are many: how an answer ends matters as much as how it begins."""
    shown = [row if len(row) <= _WIRE_WIDTH else f"{row[:_WIRE_WIDTH]}…" for row in rows]
    if len(shown) > _WIRE_LINES:
        half = _WIRE_LINES // 2
        shown = [*shown[:half], f"… {len(rows) - 2 * half:,} lines left out", *shown[-half:]]
    return "\n".join(shown)


def _files(names: Mapping[str, Any]) -> dict[str, str]:
    """A file name for each check: its own, as far as files can have it."""
    found: dict[str, str] = {}
    for name in names:
        plain = re.sub(r"[^A-Za-z0-9._-]+", "-", name)[:100]
        if plain in found.values() or plain != name:
            plain += "-" + hashlib.sha256(name.encode("utf-8", "replace")).hexdigest()[:6]
        found[name] = f"{plain}.html"
    return found


def allure(site: Site, out: Path) -> None:
    """Gathers the Allure results of the last night's runs in one folder, each under its target's name."""
    if out.exists():
        shutil.rmtree(out)
    out.mkdir(parents=True)
    for board in site.boards:
        folder = Path(board.row.folder) / "allure-results" if board.row.folder else None
        for path in sorted(folder.iterdir()) if folder is not None and folder.is_dir() else []:
            if not path.name.endswith("-result.json"):
                shutil.copyfile(path, out / path.name)
                continue
            data = json.loads(path.read_bytes())
            labels = [label for label in data.get("labels", []) if label["name"] != "parentSuite"]
            data["labels"] = [*labels, {"name": "parentSuite", "value": board.name}]
            for name in ("historyId", "testCaseId"):
                if name in data:  # else one target's history would be another's
                    data[name] = hashlib.md5(f"{board.slug}/{data[name]}".encode(), usedforsecurity=False).hexdigest()
            (out / path.name).write_text(json.dumps(data), encoding="utf-8")


def write(site: Site, out: Path, again: bool = False) -> Path:
    """The front page of the site under `out`, when every page is there."""
    return Pages(site, out).write(again)
