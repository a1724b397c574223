"""What a run comes to, in the words and groups that every report shares."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache

from seatrial import kept
from seatrial import run as runs
from seatrial.baseline import breaches
from seatrial.model import Invalid, Level, Status, Verdict
from seatrial.run import Run

SPENT = "the run's budget of requests was spent"
"""The reason of a verdict for which --max-requests left no request."""

# What would act on a terminal or a page, or not be seen there: controls, line separators, bidi marks, zero-width
# characters (but not the joiners, which emoji and scripts need), lone surrogates and noncharacters.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069\ufdd0-\ufdef\ufeff"
    "\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str) -> str:
    """The text with every character that would act or hide written out, as in ⟨U+001B⟩; tabs and newlines stay."""
    return _UNSEEN.sub(lambda hit: f"⟨U+{ord(hit[0]):04X}⟩", text)


def line(text: str, most: int = 300) -> str:
    """The text on one line, newlines as ↵, safe to print, and cut with a note of its length where it is longer."""
    flat = visible(text[: most + 1].replace("\r\n", "\n")).replace("\n", "↵").replace("\t", " ")
    return flat if len(text) <= most else f"{flat[:most].rstrip()}… ({len(text):,} characters)"


def count(number: int, noun: str, nouns: str = "") -> str:
    """The number with its noun in the right form."""
    return f"{number:,} {noun if number == 1 else nouns or noun + 's'}"


def duration(seconds: float) -> str:
    """The seconds as people write them."""
    seconds = max(0.0, seconds)  # clocks can be set back
    if seconds >= 90:
        return f"{int(seconds + 0.5) // 60} min {int(seconds + 0.5) % 60} s"
    return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"


def started(run: Run, style: str = "%Y-%m-%d %H:%M UTC") -> str:
    """When the run began, in UTC; empty where it is not recorded."""
    at = run.header.get("started")
    return time.strftime(style, time.gmtime(float(at))) if at else ""


def models(run: Run) -> str:
    """The models of the target: one id where all families share it, else family=id for each."""
    table: Mapping[str, str] = run.target.get("models") or {}
    if len(set(table.values())) == 1:
        return next(iter(table.values()))
    return ", ".join(f"{family}={model}" for family, model in sorted(table.items()))


def requests(run: Run) -> int:
    """How many requests were sent, as far as is known."""
    return int((run.footer or {}).get("requests", len(run.exchanges)))


def notes(run: Run) -> tuple[str, ...]:
    """The notes of the header, those made on the way, and what is left on the server that none of them names."""
    said = (*map(str, run.header.get("notes") or ()), *run.notes)
    left = kept.left([run.exchanges[number] for number in sorted(run.exchanges)], said)
    return (*said, *(f"left on the server: {text}" for text in left))


@cache
def url(spec: str) -> str:
    """The address of a citation; empty where it has none."""
    from seatrial import citation

    if spec.startswith(("https://", "http://")):
        return spec
    try:
        return citation.url(spec) if spec else ""
    except Invalid:
        return ""


def result(run: Run) -> str:
    """PASSED, FAILED or INCOMPLETE: the exit code in a word."""
    return {0: "PASSED", 1: "FAILED"}.get(exit_code(run), "INCOMPLETE")


def exit_code(run: Run) -> int:
    """0 every applicable MUST passed; 1 one failed, known failures aside, or the baseline is out of date (see breaches);
    4 incomplete, an error, or nothing seen."""
    if any(verdict.level is Level.MUST and not verdict.known for verdict in failed(run.verdicts)) or breaches(run):
        return 1
    return 4 if incomplete_reason(run) else 0


def incomplete_reason(run: Run) -> str:
    """Why the run does not prove what it set out to prove; empty where it does."""
    why = []
    if not run.complete:
        cut = "was cut off (it has no footer)" if run.footer is None else "was ended early"
        done = f"{len(run.judged):,} of {count(run.planned, 'case')} played"
        why.append(f"the run {cut}: {done if run.planned else 'no case was planned yet'}")
    errors = sum(verdict.status is Status.ERROR for verdict in run.verdicts)
    if errors:
        why.append(f"{count(errors, 'verdict')} could not be given, as seatrial itself erred")
    unasked = sum(verdict.reason == SPENT for verdict in run.verdicts)
    if unasked:
        why.append(f"{count(unasked, 'verdict')} could not be given, as the requests allowed were spent")
    must = [verdict.status for verdict in run.verdicts if verdict.level is Level.MUST]
    asked = [exchange for exchange in run.exchanges.values() if exchange.request.method not in ("GET", "HEAD")]
    if Status.PASS not in must:
        why.append("no MUST passed, so nothing was proven")
    elif (
        asked
        and {Status.SKIPPED, Status.INCONCLUSIVE} & set(must)
        and not any(exchange.status is not None and exchange.status < 300 for exchange in asked)
    ):
        why.append("nothing but GET was answered with success, so little was proven")
    return "; ".join(why)


def conclusion(run: Run) -> str:
    """One sentence that says why the result is what it is."""
    must = runs.counts(run.verdicts)["must"]
    failures = [v for v in failed(run.verdicts) if v.level is Level.MUST and not v.known]
    why = incomplete_reason(run)
    if failures:
        said = f"{count(len(failures), 'MUST requirement')} failed, in {count(len(groups(failures)), 'check')}"
        return f"{said}. Besides, the result is incomplete: {why}." if why else f"{said}."
    stale = breaches(run)
    if stale:
        more = f", and {count(len(stale) - 1, 'more reason')}" if len(stale) > 1 else ""
        return f"Every other MUST that could be decided passed, but {stale[0]}{more}." + (
            f" Besides, the result is incomplete: {why}." if why else ""
        )
    if why:
        return f"{why[0].upper()}{why[1:]}."
    aside = f", {count(must['known'], 'known failure')} aside" if must["known"] else ""
    if must["inconclusive"]:
        return f"Every MUST that could be decided passed{aside}; {must['inconclusive']:,} could not be decided."
    return f"Every applicable MUST passed{aside}."


def tally(row: Mapping[str, int]) -> list[str]:
    """The counts of one level in words: 781 of 812 applicable passed, 2 failed, 29 inconclusive, 40 skipped."""
    parts = [f"{row['passed']:,} of {row['applicable']:,} applicable passed"]
    if row["failed"]:
        parts.append(f"{row['failed']:,} failed" + (f" ({row['known']:,} known)" if row["known"] else ""))
    parts += [f"{row['inconclusive']:,} inconclusive", f"{row['skipped']:,} skipped"]
    if row["error"]:
        parts.append(count(row["error"], "error"))
    return parts


@dataclass(frozen=True, slots=True)
class Area:
    """The counts of one area by level, and over all levels."""

    name: str
    levels: Mapping[str, Mapping[str, int]]

    def total(self, what: str) -> int:
        """One count over all levels."""
        return sum(row[what] for row in self.levels.values())


def areas(run: Run) -> list[Area]:
    """Every area with its counts, by name."""
    table: dict[str, list[Verdict]] = {}
    for verdict in run.verdicts:
        table.setdefault(verdict.area, []).append(verdict)
    return [Area(name, runs.counts(tuple(table[name]))) for name in sorted(table, key=lambda n: (n.casefold(), n))]


@dataclass(frozen=True, slots=True)
class Group:
    """The verdicts of one requirement; `name` as by name_of."""

    name: str
    level: Level
    known: bool
    requirement: str
    spec: str
    verdicts: tuple[Verdict, ...]

    @property
    def cases(self) -> list[str]:
        """The cases, each once, in order."""
        return list(dict.fromkeys(verdict.case for verdict in self.verdicts))


def name_of(verdict: Verdict) -> str:
    """What groups the verdict with others: its check, or for a scenario's own expectation the scenario and the part."""
    return f"{verdict.scenario}/{verdict.check}" if "/" in verdict.check else verdict.check


def groups(verdicts: Iterable[Verdict]) -> list[Group]:
    """The verdicts by level, known or not, and requirement; the most binding first, then the most frequent."""
    table: dict[tuple[Level, bool, str], list[Verdict]] = {}
    for verdict in verdicts:
        table.setdefault((verdict.level, verdict.known, name_of(verdict)), []).append(verdict)
    order = list(Level)
    found = [
        Group(name, level, known, rows[0].requirement, rows[0].spec, tuple(rows))
        for (level, known, name), rows in table.items()
    ]
    return sorted(found, key=lambda g: (order.index(g.level), g.known, -len(g.verdicts), g.name))


def failed(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """The failed ones, known or not."""
    return [verdict for verdict in verdicts if verdict.status is Status.FAIL]


def fixed(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Known failures that pass now."""
    return [v for v in verdicts if v.status is Status.PASS and v.reason.startswith("fixed")]


def short(reason: str) -> str:
    """The reason without the details of one answer: `unsupported: chat.logprobs`."""
    return line(": ".join(reason.split(": ")[:2]) or "no reason was recorded", 160)


def reasons(verdicts: Iterable[Verdict], status: Status, brief: bool = False) -> list[tuple[str, list[Verdict]]]:
    """The verdicts of that status by reason, the most frequent first; brief reasons leave out single answers."""
    table: dict[str, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.status is status:
            table.setdefault(short(verdict.reason) if brief else line(verdict.reason, 400), []).append(verdict)
    return sorted(table.items(), key=lambda item: (-len(item[1]), item[0]))
