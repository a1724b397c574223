"""compatibility.md: the compatibility table for a repository's documentation, each cell with what it rests on."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from seatrial import summary
from seatrial.compatibility import Cell, Word

_MARKS = {
    Word.YES: "✅ yes",
    Word.PARTIAL: "🟡 partial",
    Word.NO: "❌ no",
    Word.NOT_OFFERED: "– not offered",
    Word.NOT_SEEN: "? not seen",
}
_MOST = 12


def _text(string: str, most: int = 200) -> str:
    """The string as one line in which nothing is markup; code marks stay."""
    return re.sub(r"[&<>|*_\[\]\\~!#@$^]", lambda hit: f"&#{ord(hit[0])};", summary.line(string, most))


def _code(string: str) -> str:
    return f"<code>{_text(string).replace('`', '&#96;')}</code>"


def anchor(*parts: str) -> str:
    """A name for a place of the page."""
    return "-".join(re.sub(r"[^a-z0-9]+", "-", part.lower()).strip("-") for part in parts)


def _evidence(name: str, cell: Cell) -> list[str]:
    rows = [
        "",
        f'<a id="{anchor(cell.row.title, name)}"></a>',
        f"**{_text(cell.row.title)}, {_text(name)}**: {cell.word}",
    ]
    if cell.word in (Word.NOT_OFFERED, Word.NOT_SEEN):
        return [*rows[:-1], f"{rows[-1]} ({_text(cell.reason)})"]
    aside = len(cell.verdicts) - cell.decided
    rows[-1] += f", {cell.passed:,} of {cell.decided:,} decided verdicts passed" + (
        f", {aside:,} not decided" if aside else ""
    )
    scenarios = list(dict.fromkeys(verdict.scenario for verdict in cell.verdicts))
    rows[-1] += ", in " + ", ".join(_code(scenario) for scenario in scenarios)
    found = summary.groups(cell.failed)
    rows += [""] if found else []
    for group in found[:_MOST]:
        first = group.verdicts[0].findings[0] if group.verdicts[0].findings else None
        known = ", known" if group.known else ""
        told = f": expected {_code(first.expected)}, got {_code(first.actual)}" if first else ""
        rows.append(
            f"- {_code(group.name)} failed {summary.count(len(group.verdicts), 'time')}{known}, as in {_code(group.verdicts[0].id)}{told}"
        )
    if len(found) > _MOST:
        rows.append(f"- … and {summary.count(len(found) - _MOST, 'more check')}")
    return rows


def render(columns: Mapping[str, Sequence[Cell]], facts: Mapping[str, str]) -> str:
    """The page; a column is a backend's cells by its name, `facts` says of each what was run and when."""
    names = list(columns)
    titles = [cell.row.title for cell in columns[names[0]]]
    rows = [
        "# Compatibility",
        "",
        "Made by `seatrial compatibility` from recorded runs. Each cell links to the verdicts it rests on;",
    ]
    rows += ["what the words mean is defined in `reports/compatibility.yaml`.", ""]
    rows += ["| | " + " | ".join(f"**{_text(name)}**" for name in names) + " |", "|---" * (len(names) + 1) + "|"]
    for index, title in enumerate(titles):
        said = [f"[{_MARKS[columns[name][index].word]}](#{anchor(title, name)})" for name in names]
        rows.append(f"| **{_text(title)}** | " + " | ".join(said) + " |")
    rows += ["", "## The runs", "", *(f"- **{_text(name)}**: {_text(facts[name], 400)}" for name in names)]
    rows += ["", "## What each cell rests on"]
    for index in range(len(titles)):
        for name in names:
            rows += _evidence(name, columns[name][index])
    return "\n".join(rows) + "\n"
