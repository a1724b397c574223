"""junit.xml: a test case per verdict, for CI systems; only what gates is red."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

from seatrial import summary
from seatrial.model import Level, Status, Verdict
from seatrial.run import Run

FILE = "junit.xml"


def _text(text: str, most: int = 4000) -> str:
    """The text without anything that XML 1.0 forbids: those characters are among the ones written out."""
    return summary.visible(text if len(text) <= most else f"{text[:most]}… ({len(text):,} characters)")


def _findings(verdict: Verdict) -> str:
    rows = [verdict.requirement, summary.url(verdict.spec) or verdict.spec]
    for finding in verdict.findings:
        rows += ["", f"expected: {finding.expected}", f"actual:   {finding.actual}", f"where:    {finding.where}"]
    if verdict.exchange is not None:
        rows += ["", f"exchange {verdict.exchange} of run.jsonl"]
    return _text("\n".join(rows))


def _outcome(verdict: Verdict) -> Iterator[ET.Element]:
    """Nothing for a pass; `failure` only for what makes the run fail."""
    first = verdict.findings[0] if verdict.findings else None
    said = summary.line(f"expected {first.expected}, got {first.actual} ({first.where})") if first else ""
    match verdict.status:
        case Status.FAIL if verdict.level is Level.MUST and not verdict.known:
            failure = ET.Element("failure", message=said or _text(verdict.requirement), type=verdict.check)
            failure.text = _findings(verdict)
            yield failure
        case Status.FAIL:
            reason = f"{verdict.level.value} failed: {said}"
            why = f"{summary.line(verdict.reason)}: " if verdict.known else ""
            yield ET.Element("skipped", message=why + reason)
        case Status.INCONCLUSIVE:
            yield ET.Element("skipped", message=f"inconclusive: {summary.line(verdict.reason)}")
        case Status.SKIPPED:
            yield ET.Element("skipped", message=summary.line(verdict.reason) or "skipped")
        case Status.ERROR:
            yield ET.Element("error", message=summary.line(verdict.reason), type=verdict.check)


def _case(verdict: Verdict, seconds: float) -> ET.Element:
    case = ET.Element("testcase", classname=_text(verdict.scenario), name=_text(verdict.id), time=f"{seconds:.3f}")
    outcome = list(_outcome(verdict))
    if outcome:
        facts = {
            "level": verdict.level.value,
            "status": verdict.status.word,
            "check": verdict.check,
            "spec": verdict.spec,
        }
        properties = ET.SubElement(case, "properties")
        for name, value in (facts | {"known": "true"} if verdict.known else facts).items():
            ET.SubElement(properties, "property", name=name, value=_text(value))
    case.extend(outcome)
    return case


def document(run: Run) -> ET.Element:
    """The test suites, one an area; a run that proves too little has one more, with an error that says why."""
    suites: dict[str, ET.Element] = {}
    timed: set[int] = set()
    stamp = summary.started(run, "%Y-%m-%dT%H:%M:%S")
    root = ET.Element("testsuites", name="seatrial")
    for verdict in sorted(run.verdicts, key=lambda v: v.area):
        if verdict.area not in suites:
            suites[verdict.area] = ET.SubElement(root, "testsuite", name=_text(verdict.area), timestamp=stamp)
        # An exchange's time is told once: many verdicts share it, and readers of this file add times up.
        number = verdict.exchange
        exchange = run.exchanges.get(number) if number is not None and number not in timed else None
        timed |= {number} if number is not None else set()
        suites[verdict.area].append(_case(verdict, exchange.end_ns / 1e9 if exchange else 0.0))
    why = summary.incomplete_reason(run)
    if why:
        suite = ET.SubElement(root, "testsuite", name="run", timestamp=stamp)
        case = ET.SubElement(suite, "testcase", classname="run", name="run/complete", time="0.000")
        ET.SubElement(case, "error", message=_text(why), type="incomplete")
    for element in (*root, root):
        element.set("tests", str(len(list(element.iter("testcase")))))
        for kind, name in (("failure", "failures"), ("error", "errors"), ("skipped", "skipped")):
            element.set(name, str(len(list(element.iter(kind)))))
        element.set("time", f"{sum(float(c.get('time', 0)) for c in element.iter('testcase')):.3f}")
    return root


def write(run: Run, out: Path) -> Path:
    """junit.xml is in `out` when this returns."""
    path = out / FILE
    root = document(run)
    ET.indent(root, " ")
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
    return path
