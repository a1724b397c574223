"""What other programs read of a site: the Atom feed of changes, badges, and the changes as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as ET

from seatrial import summary
from seatrial.history import Kind, RunRow
from seatrial.nightly.targets import slug
from seatrial.nightly.view import Board, Site, judged, of_counts, state

_ATOM = "http://www.w3.org/2005/Atom"
_MOST_NIGHTS, _MOST_ENTRIES, _MOST_LINES = 30, 60, 40
_COLOURS = {"passed": "#2f8f5b", "failed": "#c2402f", "incomplete": "#b7862c", "down": "#6d7479", "no run": "#6d7479"}
_SHIELDS = {
    "passed": "brightgreen",
    "failed": "red",
    "incomplete": "yellow",
    "down": "lightgrey",
    "no run": "lightgrey",
}
NEWS = (Kind.NEW, Kind.FLAKY, Kind.LOST, Kind.FIXED)


def feed(site: Site) -> bytes:
    """The Atom feed: an entry for each run in which a verdict changed, or that was not there, the newest first."""
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed")
    base = site.url or "."
    _add(root, "title", summary.line(site.title))
    _add(root, "id", f"{site.url}/feed.xml" if site.url else f"tag:seatrial,2026:{slug(site.title)}")
    _add(root, "updated", site.night.ended or site.night.started)
    ET.SubElement(_add(root, "author", ""), f"{{{_ATOM}}}name").text = "seatrial"
    ET.SubElement(root, f"{{{_ATOM}}}link", href=f"{base}/index.html")
    ET.SubElement(root, f"{{{_ATOM}}}link", rel="self", href=f"{base}/feed.xml")
    entries = 0
    for night in list(reversed(site.nights))[:_MOST_NIGHTS]:
        for row in site.runs[night.id]:
            news = [one for one in site.told(row.id)[1] if one["kind"] in NEWS]
            if (news or not judged(row)) and entries < _MOST_ENTRIES:
                _entry(root, base, night.name, row, news)
                entries += 1
    ET.indent(root, " ")
    return _bytes(root)


def _entry(root: ET.Element, base: str, night: str, row: RunRow, news: Sequence[dict[str, Any] | Any]) -> None:
    totals = [(kind, sum(one["count"] for one in news if one["kind"] == kind)) for kind in NEWS]
    said = ", ".join(
        summary.count(number, str(kind)) if kind is Kind.NEW else f"{number:,} {kind}"
        for kind, number in totals
        if number
    )
    entry = ET.SubElement(root, f"{{{_ATOM}}}entry")
    name = summary.line(row.target)
    _add(entry, "title", f"{name}: {said or state(row)}")
    _add(entry, "id", f"tag:seatrial,2026:{slug(row.target)}/{night}")
    _add(entry, "updated", row.started or "1970-01-01T00:00:00Z")
    page = f"{base}/runs/{night}/{slug(row.target)}.html"
    ET.SubElement(entry, f"{{{_ATOM}}}link", href=page)
    lines = [f"{one['kind']}: {one['level']} {one['name']} ({one['count']:,})" for one in news[:_MOST_LINES]]
    _add(entry, "summary", summary.visible("\n".join(lines)) or summary.line(row.reason))


def _add(parent: ET.Element, name: str, text: str) -> ET.Element:
    made = ET.SubElement(parent, f"{{{_ATOM}}}{name}")
    made.text = text or None
    return made


def _bytes(root: ET.Element) -> bytes:
    made: bytes = ET.tostring(root, encoding="utf-8", xml_declaration=True)
    return made + b"\n"


def message(board: Board) -> str:
    """What a badge says."""
    must = of_counts(board.row.counts["must"])
    if not judged(board.row):
        return board.state
    return f"{must['passed']:,} of {must['applicable']:,} MUST" + ("" if board.row.complete else ", incomplete")


def endpoint(board: Board) -> str:
    """The JSON that shields-style badges read."""
    data = {"schemaVersion": 1, "label": board.name, "message": message(board), "color": _SHIELDS[board.state]}
    return json.dumps({**data, "isError": board.state == "failed"}) + "\n"


def badge(board: Board) -> bytes:
    """The badge as SVG."""
    label, said = summary.line(board.name, 60), message(board)
    left, right = (round(len(text) * 6.6 + 14) for text in (label, said))
    ET.register_namespace("", "http://www.w3.org/2000/svg")
    wide = str(left + right)
    svg = ET.Element("svg", xmlns="http://www.w3.org/2000/svg", width=wide, height="20", role="img")
    svg.set("viewBox", f"0 0 {wide} 20")
    ET.SubElement(svg, "title").text = f"{label}: {said}"
    clip = ET.SubElement(ET.SubElement(svg, "defs"), "clipPath", id="r")
    ET.SubElement(clip, "rect", width=wide, height="20", rx="4")
    box = ET.SubElement(svg, "g", {"clip-path": "url(#r)"})
    ET.SubElement(box, "rect", width=str(left), height="20", fill="#3b4348")
    ET.SubElement(box, "rect", x=str(left), width=str(right), height="20", fill=_COLOURS[board.state])
    font = {"fill": "#fff", "font-family": "Verdana,DejaVu Sans,sans-serif", "font-size": "11", "text-anchor": "middle"}
    for text, centre, room in ((label, left / 2, left - 12), (said, left + right / 2, right - 12)):
        ET.SubElement(svg, "text", {**font, "x": f"{centre:g}", "y": "14", "textLength": str(room)}).text = text
    return _bytes(svg)


def changes(site: Site) -> str:
    """What changed on the last night, for programs."""
    rows = [
        {
            "name": board.name,
            "state": board.state,
            "since": board.since.started if board.since else None,
            "changes": [{name: value for name, value in one.items() if name != "diff"} for one in board.told],
        }
        for board in site.boards
    ]
    return (
        json.dumps(
            {"format": 1, "night": site.night.name, "complete": bool(site.night.ended), "targets": rows}, indent=1
        )
        + "\n"
    )
