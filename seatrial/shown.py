"""One exchange as pages and reports show it: laid out, cut, and nothing in it that acts or hides."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from http import HTTPStatus

from seatrial import summary
from seatrial.model import Exchange

_CUT = 20_000
"""Characters shown of one body; the whole of it is in run.jsonl."""
_FOLD_CHARACTERS, _FOLD_LINES = 1_600, 24


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


def text(exchange: Exchange) -> str:
    """The exchange as plain text: what was sent, what came back, and of a stream each event with its time."""
    view = shown(exchange)
    rows = [view.request_line, *(f"{name}: {value}" for name, value in view.request_headers), ""]
    rows += _body(view.request_body)
    rows += [f"{view.status} ({view.timing})", *([view.error] if view.error else [])]
    rows += [*(f"{name}: {value}" for name, value in view.headers), ""]
    if not view.events:
        return "\n".join(rows + _body(view.body))
    rows += [_row(*row) for row in view.events]
    rows += [f"… {summary.count(view.gap, 'event')} left out: all are in run.jsonl"] if view.gap else []
    return "\n".join([*rows, *(_row(*row) for row in view.more_events), ""])


def _body(part: Part | None) -> list[str]:
    if part is None:
        return []
    return [part.text, *([f"({part.size}; {part.note})"] if part.note else []), ""]


def _row(number: int, at: str, name: str, data: str) -> str:
    return f"{number:5}  {at:>9} ms  {name + ': ' if name else ''}{data}"
