"""allure-results/: the run for Allure 2 and 3: a test for each case and level, a step for each verdict.

Only what gates is plainly red: known failures and SHOULD are muted. The ids of tests are those of cases, so that their
history goes on from run to run: `npx allure generate` in the run's folder keeps it in the file that allurerc.json names.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from seatrial import curl, summary
from seatrial.model import Finding, Level, Status, Verdict
from seatrial.run import Run
from seatrial.shown import text

FILE = "allure-results"
_SEVERITY = {Level.MUST: "critical", Level.SHOULD: "minor", Level.MAY: "trivial"}
_MOST = 2_000
_KINDS = {
    "MUST failed": ("failed", "It gates."),
    "SHOULD failed": ("failed", "It does not gate."),
    "MAY failed": ("failed", "For information."),
    "Known failure": ("failed", "Declared in the profile or the baseline, with its reason. It does not gate."),
    "seatrial erred": ("broken", "A fault of seatrial, never the server's."),
    "Inconclusive": ("skipped", "It could not be seen: neither pass nor fail."),
    "Skipped": ("skipped", "Not offered, or disabled."),
}
"""What a message begins with, the status that Allure knows it by, and what it means."""


def _kind(verdict: Verdict) -> str:
    """The kind of the verdict; empty for a pass."""
    match verdict.status:
        case Status.FAIL:
            return "Known failure" if verdict.known else f"{verdict.level.value} failed"
        case Status.ERROR:
            return "seatrial erred"
        case Status.INCONCLUSIVE:
            return "Inconclusive"
        case Status.SKIPPED:
            return "Skipped"
        case _:
            return ""


def _cut(said: str) -> str:
    return summary.visible(said if len(said) <= _MOST else f"{said[:_MOST]}… ({len(said):,} characters)")


def _finding(finding: Finding) -> str:
    return _cut(f"expected: {finding.expected}\nactual:   {finding.actual}\nwhere:    {finding.where}")


def _details(kind: str, verdict: Verdict) -> dict[str, Any]:
    """Allure's statusDetails; both sides of the first finding, which it shows as a diff."""
    first = verdict.findings[0] if verdict.findings else None
    said = summary.line(verdict.reason or verdict.requirement)
    found = {"message": f"{kind}: {summary.line(verdict.check)}: {said}", "known": verdict.known}
    found["muted"] = kind in ("Known failure", "SHOULD failed", "MAY failed")
    if first:
        found |= {"expected": _cut(first.expected), "actual": _cut(first.actual)}
    rows = [_cut(verdict.requirement), summary.url(verdict.spec) or summary.line(verdict.spec)]
    return found | {"trace": "\n\n".join([*rows, *map(_finding, verdict.findings[:5])])}


def _id(*parts: str) -> str:
    return hashlib.md5("\0".join(parts).encode("utf-8", "replace"), usedforsecurity=False).hexdigest()


class _Results:
    """Writes the files of one run."""

    def __init__(self, run: Run, out: Path) -> None:
        self._run, self._out = run, out
        # Results of several runs may be gathered in one folder: no name of one is another's.
        self._key = _id(str(run.header.get("started")), str(run.target.get("base_url", "")))
        self._attached: dict[int, list[dict[str, str]]] = {}

    def test(self, case: str, level: Level, verdicts: Sequence[Verdict]) -> dict[str, Any]:
        """One result; its status is that of its worst verdict, inconclusive and skipped ones aside where any passed."""
        kinds = {kind: v for v in reversed(verdicts) if (kind := _kind(v))}
        worst = next((kind for kind in _KINDS if kind in kinds and _KINDS[kind][0] != "skipped"), "")
        if not worst and not any(v.status is Status.PASS for v in verdicts):
            worst = next(kind for kind in _KINDS if kind in kinds)
        start, stop = self._span(verdicts)
        first = verdicts[0]
        links = {v.spec: summary.url(v.spec) for v in verdicts if v.status is Status.FAIL or v is first}
        labels = [("parentSuite", "seatrial"), ("suite", first.area), ("subSuite", first.scenario)]
        labels += [("epic", "OpenAI API"), ("feature", first.area), ("story", first.scenario)]
        labels += [("severity", _SEVERITY[level]), ("tag", level.value), ("package", first.scenario)]
        name = f"{summary.line(case)} {level.value}"
        return {
            "uuid": _id(self._key, case, level.value),
            "historyId": _id(case, level.value),
            "testCaseId": _id(case, level.value),
            "fullName": name,
            "name": name,
            "description": f"Every {level.value} of the case `{summary.line(case)}`. `seatrial explain ID` tells more.",
            "status": _KINDS[worst][0] if worst else "passed",
            **({"statusDetails": _details(worst, kinds[worst])} if worst else {}),
            "stage": "finished",
            "start": start,
            "stop": stop,
            "labels": [{"name": key, "value": summary.line(value)} for key, value in labels],
            "links": [{"type": "link", "name": summary.line(at), "url": url} for at, url in links.items() if url],
            "steps": [self._step(verdict, start, stop) for verdict in verdicts],
        }

    def _step(self, verdict: Verdict, start: int, stop: int) -> dict[str, Any]:
        kind = _kind(verdict)
        shown = verdict.status in (Status.FAIL, Status.ERROR)
        return {
            "name": summary.line(verdict.id.removeprefix(verdict.case + "/")),
            "status": _KINDS[kind][0] if kind else "passed",
            **({"statusDetails": _details(kind, verdict)} if kind else {}),
            "stage": "finished",
            "start": start,
            "stop": stop,
            "attachments": self._exchange(verdict.exchange) if shown and verdict.exchange is not None else [],
        }

    def _exchange(self, number: int) -> list[dict[str, str]]:
        """The exchange and its curl line as attachments; the files are written once."""
        if number not in self._attached and number in self._run.exchanges:
            exchange = self._run.exchanges[number]
            self._attached[number] = []
            for name, said in (("exchange", text(exchange)), ("curl", curl.line(exchange, breaks=True))):
                file = f"{self._key[:12]}-{number}-{name}-attachment.txt"
                (self._out / file).write_bytes(said.encode("utf-8", "replace"))
                self._attached[number].append({"name": f"{name} {number}", "source": file, "type": "text/plain"})
        return self._attached.get(number, [])

    def _span(self, verdicts: Sequence[Verdict]) -> tuple[int, int]:
        """Milliseconds since 1970 at which the first exchange began and the last one ended."""
        numbers = {v.exchange for v in verdicts if v.exchange is not None}
        sent = [self._run.exchanges[number] for number in numbers if number in self._run.exchanges]
        began = min((x.started for x in sent), default=float(self._run.header.get("started") or 0))
        ended = max((x.started + x.end_ns / 1e9 for x in sent), default=began)
        return int(began * 1000), int(ended * 1000)


def _properties(rows: dict[str, str]) -> str:
    """A Java properties file."""
    lines = []
    for name, value in rows.items():
        written = summary.line(value).replace("\\", "\\\\")
        lines.append(f"{name}={written}")
    return "\n".join(lines) + "\n"


def write(run: Run, out: Path) -> Path:
    """allure-results/ holds this run, and nothing of another, when this returns; allurerc.json stands beside it."""
    path = out / FILE
    path.mkdir(exist_ok=True)
    for old in path.iterdir():
        if old.name.endswith(("-result.json", "-container.json")) or "-attachment" in old.name:
            old.unlink()
    results = _Results(run, path)
    table: dict[tuple[str, Level], list[Verdict]] = {}
    for verdict in run.verdicts:
        table.setdefault((verdict.case, verdict.level), []).append(verdict)
    for (case, level), verdicts in table.items():
        found = results.test(case, level, verdicts)
        _json(path / f"{found['uuid']}-result.json", found)
    categories = [
        {"name": kind, "description": said, "matchedStatuses": [status], "messageRegex": rf"^{kind}: [\s\S]*"}
        for kind, (status, said) in _KINDS.items()
    ]
    _json(path / "categories.json", categories)
    facts = {"Target": str(run.target.get("base_url", "")), "Model": summary.models(run)}
    facts |= {"Profile": str(run.target.get("profile", "")), "Tier": str(run.header.get("tier", ""))}
    facts |= {"seatrial": str(run.header.get("seatrial", "")), "Result": summary.result(run)}
    (path / "environment.properties").write_text(_properties(facts), "utf-8")
    title = f"seatrial: {summary.line(facts['Target'])}"
    # Beside the runs' folders, so that the next run finds it.
    _json(out / "allurerc.json", {"name": title, "historyPath": "../allure-history.jsonl", "categories": categories})
    return path


def _json(path: Path, data: Any) -> None:
    path.write_text(json.dumps(data, ensure_ascii=True, separators=(",", ":")), "utf-8")
