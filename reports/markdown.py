"""summary.md: the run on one page of a CI job or a pull request."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from seatrial import run as runs
from seatrial import summary
from seatrial.model import Level, Status
from seatrial.run import Run
from seatrial.summary import Group

FILE = "summary.md"
_MOST = 60
_MARKS = {"PASSED": "✅", "FAILED": "❌", "INCOMPLETE": "⚠️"}


def _entities(flat: str) -> str:
    """The line with all that Markdown, its extensions or HTML could take for markup written as entities."""
    escaped = re.sub(r"[&<>`|*_\[\]\\~!#@$^:]", lambda hit: f"&#{ord(hit[0])};", flat)
    return re.sub(r"(?i)\b(www)\.", r"\1&#46;", escaped)


def text(string: str, most: int = 300) -> str:
    """The string as one line of prose in which nothing is markup, HTML, a link, a mention or a reference."""
    # Mentions and references are looked for after entities are resolved; a zero-width space parts them.
    return re.sub(r"&#(64|35);", r"&#\1;&#8203;", _entities(summary.line(string, most)))


def code(string: str, most: int = 300) -> str:
    """The string in a code element, where no reader looks for mentions and references."""
    return f"<code>{_entities(summary.line(string, most)) or ' '}</code>"


def _cite(spec: str) -> str:
    url = summary.url(spec)
    return f"[{code(spec)}](<{url}>)" if url and not set(url) & set("<> \n") else code(spec) if spec else ""


def _requirements(run: Run) -> list[str]:
    rows = [
        "| | applicable | passed | failed | inconclusive | skipped | errors |",
        "|---|--:|--:|--:|--:|--:|--:|",
    ]
    for level, row in runs.counts(run.verdicts).items():
        failed = f"{row['failed']:,}" + (f" ({row['known']:,} known)" if row["known"] else "")
        numbers = [f"{row['applicable']:,}", f"{row['passed']:,}", failed]
        numbers += [f"{row[name]:,}" for name in ("inconclusive", "skipped", "error")]
        rows.append(f"| **{level.upper()}** | " + " | ".join(numbers) + " |")
    return rows


def _also(group: Group) -> str:
    cases = group.cases[1:]
    if not cases:
        return f"{len(group.verdicts):,} times" if len(group.verdicts) > 1 else ""
    shown = ", ".join(code(case, 80) for case in cases[:4])
    return f"also in {shown}" + (f" and {summary.count(len(cases) - 4, 'more case')}" if len(cases) > 4 else "")


def _failures(found: Sequence[Group]) -> list[str]:
    rows: list[str] = []
    for group in found[:_MOST]:
        first = group.verdicts[0]
        rows += ["", f"**{code(group.name)}** · {text(group.requirement)} {_cite(group.spec)}".rstrip(), ""]
        rows += ["| | |", "|---|---|", f"| in | {code(first.id)} |"]
        for finding in first.findings[:1]:
            rows += [f"| expected | {code(finding.expected)} |", f"| actual | {code(finding.actual)} |"]
            rows.append(f"| where | {code(finding.where)} |")
        more = len(first.findings) - 1
        here = f"{summary.count(more, 'more finding')} here" if more > 0 else ""
        also = "; ".join(filter(None, [_also(group), here]))
        rows += [f"| more | {also} |"] if also else []
        rows += [f"| known | {text(first.reason)} |"] if group.known else []
    if len(found) > _MOST:
        rows += ["", f"… and {summary.count(len(found) - _MOST, 'more check')}: see report.html."]
    return rows


def _folded(title: str, rows: Sequence[str]) -> list[str]:
    return ["", f"<details><summary>{title}</summary>", "", *rows, "", "</details>"] if rows else []


def _compact(found: Sequence[Group]) -> list[str]:
    rows = ["| check | times | expected | actual |", "|---|--:|---|---|"] if found else []
    for group in found[:_MOST]:
        first = group.verdicts[0].findings[0] if group.verdicts[0].findings else None
        expected, actual = (code(first.expected, 120), code(first.actual, 120)) if first else ("", "")
        rows.append(f"| {code(group.name)} | {len(group.verdicts):,} | {expected} | {actual} |")
    if len(found) > _MOST:
        rows.append(f"| … {summary.count(len(found) - _MOST, 'more check')} | | | |")
    return rows


def _reasons(run: Run, status: Status) -> list[str]:
    found = summary.reasons(run.verdicts, status, brief=True)
    rows = [f"- {len(verdicts):,} × {text(reason)}" for reason, verdicts in found[:_MOST]]
    return rows + ([f"- … {summary.count(len(found) - _MOST, 'more reason')}"] if len(found) > _MOST else [])


def render(run: Run) -> str:
    """The summary."""
    word = summary.result(run)
    target = [code(str(run.target.get("base_url", ""))), code(summary.models(run))]
    target.append(text(str(run.target.get("profile", ""))))
    spent = f"{summary.count(summary.requests(run), 'request')} in {summary.duration(run.seconds)}"
    rows = [f"## {_MARKS[word]} seatrial: {word}", "", text(summary.conclusion(run), 1000), ""]
    rows += [" · ".join(filter(None, [*target, spent, summary.started(run)])), "", *_requirements(run)]
    found = summary.groups(summary.failed(run.verdicts))
    must = [group for group in found if group.level is Level.MUST and not group.known]
    if must:
        rows += ["", "### MUST failed", *_failures(must)]
    errors = summary.reasons(run.verdicts, Status.ERROR)
    if errors:
        rows += ["", "### Errors of seatrial itself", ""]
        rows += [f"- {len(v):,} × {code(reason)}, first in {code(v[0].id)}" for reason, v in errors[:_MOST]]
    known = [group for group in found if group.known]
    rows += _folded(f"Known failures: {sum(len(g.verdicts) for g in known):,}", _failures(known)[1:])
    for level in (Level.SHOULD, Level.MAY):
        some = [group for group in found if group.level is level and not group.known]
        rows += _folded(f"{level.value} failed: {sum(len(g.verdicts) for g in some):,}", _compact(some))
    fixed = summary.fixed(run.verdicts)
    rows += _folded(f"Known failures that pass now: {len(fixed):,}", [f"- {code(v.id)}" for v in fixed[:_MOST]])
    for status in (Status.INCONCLUSIVE, Status.SKIPPED):
        total = sum(verdict.status is status for verdict in run.verdicts)
        rows += _folded(f"{status.word.capitalize()}: {total:,}", _reasons(run, status))
    rows += _folded("Notes", [f"- {text(note)}" for note in summary.notes(run)[:_MOST]])
    return "\n".join(rows) + "\n"


def write(run: Run, out: Path) -> Path:
    """summary.md is in `out` when this returns."""
    path = out / FILE
    path.write_text(render(run), encoding="utf-8")
    return path
