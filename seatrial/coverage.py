"""What is tried of each operation, counted: schemas, scenarios, wrong requests, stream rules, the SDK, planted defects."""

from __future__ import annotations

import fnmatch
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from seatrial import files, server, session
from seatrial.check import checks
from seatrial.model import Case, Operation, Verdict
from seatrial.scenario import Catalog
from seatrial.session import Options
from seatrial.step import wanted_status

COLUMNS = ("request", "response", "scenarios", "negatives", "stream", "sdk", "defects")
_REASONS = Path(__file__).with_name("coverage.yaml")


@dataclass(frozen=True, slots=True)
class Row:
    """One operation: how many of each column there are, and why where there are none."""

    operation: str
    call: str
    counts: Mapping[str, int]
    reasons: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    """The reasons that are given for this operation by its name."""

    @property
    def empty(self) -> list[str]:
        """The columns that are empty without a reason."""
        return [name for name in COLUMNS if not self.counts[name] and name not in self.reasons]

    def cell(self, column: str) -> str:
        """The column as text: a number, the reason in short, or nothing."""
        return str(self.counts[column] or ("n/a" if column in self.reasons else ""))


@dataclass(slots=True)
class Seen:
    """What a run on the reference server showed: which operation each exchange called, and the verdicts."""

    operations: dict[int, str] = field(default_factory=dict)
    verdicts: list[Verdict] = field(default_factory=list)

    def write(self, line: Mapping[str, Any]) -> None:
        """Takes a line of the record."""
        if line["type"] == "exchange":
            self.operations[line["number"]] = line["operation"]["id"]

    def of(self, verdict: Verdict) -> str | None:
        """The operation that a verdict is on."""
        return None if verdict.exchange is None else self.operations.get(verdict.exchange)


def play(cases: Iterable[Case] | None = None) -> Seen:
    """Plays the cases of the gate on the clean reference server, in this process. Takes some seconds."""
    seen = Seen()
    options = Options("", tier="gate")
    with server.running(server.Settings()) as url:
        options = Options(url, key_variable="SEATRIAL_COVERAGE_KEY", profile="reference", tier="gate")
        target, _ = session.find_target(options)
        player = session.player(options, target, None)
        player.record = seen
        try:
            for case in cases if cases is not None else session.select(session.catalog(options), options)[0]:
                seen.verdicts += player.play(case)
        finally:
            player.client.close()
    return seen


def rows(found: Catalog, seen: Seen, sdk: Mapping[str, int] | None = None) -> Iterator[Row]:
    """A row for each operation that a scenario calls and that is an endpoint of its own. Raises Invalid for a reason
    that is given for nothing."""
    steps: defaultdict[str, dict[bool, set[str]]] = defaultdict(lambda: {True: set(), False: set()})
    for case in found.cases():
        for step in (*case.scenario.steps, *case.scenario.cleanup):
            wanted = wanted_status(step)
            statuses = wanted if isinstance(wanted, list) else [wanted]
            steps[step.operation.id][any(str(status)[0] in "2$" for status in statuses)].add(case.id)
    streams, defects = _streams(seen), _defects(seen)
    reasons = _reasons(found)
    for operation in found.operations.values():
        if operation.id not in steps or any(fnmatch.fnmatchcase(operation.id, alike) for alike in _ALIKE):
            continue
        counts = {
            "request": int(operation.request is not None),
            "response": int(any(status.startswith("2") for status in operation.responses)),
            "scenarios": len(steps[operation.id][True]),
            "negatives": len(steps[operation.id][False]),
            "stream": streams[operation.id],
            "sdk": (sdk or {}).get(operation.id, 0),
            "defects": len(defects[operation.id]),
        }
        why = {**_default_reasons(operation), **reasons.get("*", {}), **reasons.get(operation.id, {})}
        yield Row(operation.id, f"{operation.method} {operation.path}", counts, why, reasons.get(operation.id, {}))


_ALIKE = ("retrieveModelRaw", "http*")
"""Operations that are another's, called in another way, or no endpoint at all."""


def _default_reasons(operation: Operation) -> dict[str, str]:
    found = {}
    if operation.method in ("GET", "DELETE", "HEAD"):
        found["request"] = "has no body"
    if not any("text/event-stream" in media for media in operation.responses.values()):
        found["stream"] = "does not stream"
    return found


def _reasons(found: Catalog) -> dict[str, dict[str, str]]:
    source = files.read(_REASONS)
    for id, columns in source.data.items():
        if id != "*" and id not in found.operations:
            raise source.invalid(f"/{id}", "there is no such operation")
        for column in columns:
            if column not in COLUMNS:
                raise source.invalid(f"/{id}/{column}", f"expected one of {', '.join(COLUMNS)}")
    data: dict[str, dict[str, str]] = source.data
    return data


def _streams(seen: Seen) -> defaultdict[str, int]:
    """How many checks of streams gave a verdict on each operation."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    for verdict in seen.verdicts:
        if verdict.check.split(".")[0] in ("sse", "stream") or verdict.check.endswith(("event-schema", "-stream")):
            found[seen.of(verdict) or ""].add(verdict.check)
    return defaultdict(int, {id: len(names) for id, names in found.items()})


def _defects(seen: Seen) -> defaultdict[str, set[str]]:
    """The planted defects of each operation: by the verdict they trip, or by a check that judges one family alone."""
    by_check: defaultdict[str, set[str]] = defaultdict(set)
    by_verdict: dict[str, str] = {}
    for verdict in seen.verdicts:
        operation = seen.of(verdict)
        if operation is not None:
            by_verdict[verdict.id] = operation
            if verdict.check in checks():
                by_check[verdict.check].add(operation)
    found: defaultdict[str, set[str]] = defaultdict(set)
    for id, plant in server.catalog().items():
        for trip in plant.trips:
            if trip in by_check:
                for operation in by_check[trip] if len(by_check[trip]) <= _FEW else ():
                    found[operation].add(id)
            else:
                for verdict_id in fnmatch.filter(by_verdict, trip) if not trip.startswith("*") else ():
                    found[by_verdict[verdict_id]].add(id)
    return found


_FEW = 6
"""A check that judges more operations than that says nothing of any one of them."""


def table(given: Iterable[Row]) -> list[str]:
    """The rows as a Markdown table, with the reasons below it."""
    made = list(given)
    lines = ["| operation | call | " + " | ".join(COLUMNS) + " |", "|---|---|" + "--:|" * len(COLUMNS)]
    lines += [f"| {r.operation} | `{r.call}` | " + " | ".join(r.cell(c) for c in COLUMNS) + " |" for r in made]
    why = [f"- {row.operation}, {column}: {row.reasons[column]}" for row in made for column in COLUMNS
           if column in row.reasons and not row.counts[column] and row.reasons[column] not in _OBVIOUS]  # fmt: skip
    return [*lines, "", "n/a: has no body, or does not stream; or:" if why else "", *why]


_OBVIOUS = ("has no body", "does not stream")
