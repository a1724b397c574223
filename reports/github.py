"""Annotations of a GitHub workflow: what failed, as commands that the runner reads from the standard output."""

from __future__ import annotations

from pathlib import Path

from seatrial import summary
from seatrial.model import Level, Status
from seatrial.run import Run
from seatrial.summary import Group

FILE = ""
_MOST = 10
"""GitHub shows ten annotations of each kind a step, and drops the others without a word."""


def _command(kind: str, title: str, message: str) -> str:
    """One workflow command; nothing in title or message can end it, add a property or begin another."""
    title = summary.line(title, 200)
    for sign, written in (("%", "%25"), ("\r", "%0D"), ("\n", "%0A")):
        title, message = title.replace(sign, written), message.replace(sign, written)
    return f"::{kind} title={title.replace(':', '%3A').replace(',', '%2C')}::{message}"


def _failure(group: Group) -> str:
    first = group.verdicts[0]
    rows = [summary.line(group.requirement)]
    for finding in first.findings[:1]:
        pairs = (("expected", finding.expected), ("actual", finding.actual), ("where", finding.where))
        rows += [f"{name}: {summary.line(text)}" for name, text in pairs]
    rows.append(f"first in {summary.line(first.id)}")
    if len(group.verdicts) > 1:
        rows[-1] += f", {summary.count(len(group.verdicts), 'time')} in {summary.count(len(group.cases), 'case')}"
    rows += [summary.line(link) for link in [summary.url(group.spec) or group.spec] if link]
    kind = "error" if group.level is Level.MUST else "warning"
    return _command(kind, f"{group.level.value} {group.name}", "\n".join(rows))


def _shown(kind: str, rows: list[str]) -> list[str]:
    """The rows, or the first ones and one that says how many there are."""
    if len(rows) <= _MOST:
        return rows
    left = len(rows) - _MOST + 1
    return [*rows[: _MOST - 1], _command(kind, "seatrial", f"{left:,} more checks failed: see the job's summary")]


def render(run: Run, **_: object) -> str:
    """Errors for what gates, warnings for SHOULD, and a notice with the conclusion. Known failures are in the notice."""
    found = [group for group in summary.groups(summary.failed(run.verdicts)) if not group.known]
    errors = [_failure(group) for group in found if group.level is Level.MUST]
    for reason, verdicts in summary.reasons(run.verdicts, Status.ERROR):
        errors.append(_command("error", "seatrial erred", f"{reason}\nin {summary.count(len(verdicts), 'verdict')}"))
    why = summary.incomplete_reason(run)
    if why and not errors:
        errors.append(_command("error", "seatrial: INCOMPLETE", summary.line(why)))
    warnings = [_failure(group) for group in found if group.level is Level.SHOULD]
    notice = _command("notice", f"seatrial: {summary.result(run)}", summary.line(summary.conclusion(run), 1000))
    return "\n".join([notice, *_shown("error", errors), *_shown("warning", warnings)])


def write(run: Run, out: Path) -> Path:
    """Nothing is written: the command line prints what `render` gives."""
    del run
    return out
