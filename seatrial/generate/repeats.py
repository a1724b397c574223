"""One request asked many times: what a server does only now and then, and how often."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from seatrial.generate.donor import SOURCE, asking, donors
from seatrial.generate.pools import POOLS
from seatrial.generate.shape import document, keywords
from seatrial.model import MUST, Scenario, Status, Verdict

PREFIX = "generated.repeats"
TIMES = 24
"""Repeats of each request. A fault of one answer in ten is seen with 92 %, plain and streamed together with 99 %."""
_Z = 1.96
"""Standard deviations that 95 % lie within."""


def scenarios(known: Iterable[Scenario]) -> Iterator[Scenario]:
    """For each operation whose requests are understood, its plainest request, as a row for each repeat."""
    for id, donor in donors(known).items():
        schema = str(donor.step.operation.request)
        if schema not in POOLS or donor.before:
            continue
        body: Mapping[str, Any] = donor.sent
        bodies = {"plain": body}
        if "stream" in keywords(document(schema)).get("properties", {}):
            bodies["stream"] = {**body, "stream": True}
        for name, sent in bodies.items():
            yield replace(
                donor.scenario,
                id=f"{PREFIX}/{id}/{name}",
                title=f"{id} is answered as the contract says each time of {TIMES} ({name})",
                source=SOURCE,
                tier="nightly",
                inputs={f"{number:02d}": {} for number in range(1, TIMES + 1)},
                steps=(replace(asking(donor, {MUST: {"status": 200}}, body=sent), probe=False),),
            )


def interval(failed: int, of: int) -> tuple[float, float]:
    """Between which shares the true one lies with 95 %, by Wilson's score."""
    share = failed / of
    middle = (share + _Z * _Z / (2 * of)) / (1 + _Z * _Z / of)
    spread = _Z / (1 + _Z * _Z / of) * math.sqrt(share * (1 - share) / of + _Z * _Z / (4 * of * of))
    return max(0.0, middle - spread), min(1.0, middle + spread)


def flaky(verdicts: Iterable[Verdict]) -> list[str]:
    """What failed at some repeats and not at others: how often, and how often in the long run."""
    tallies: dict[tuple[str, str], list[int]] = {}
    for verdict in verdicts:
        if verdict.scenario.startswith(f"{PREFIX}/") and verdict.status in (Status.PASS, Status.FAIL):
            tally = tallies.setdefault((verdict.scenario, verdict.check), [0, 0])
            tally[0] += verdict.status is Status.FAIL
            tally[1] += 1
    found = []
    for (scenario, check), (failed, of) in tallies.items():
        if 0 < failed < of:
            low, high = interval(failed, of)
            found.append(
                f"flaky: {scenario}: {check} failed {failed} of {of} times; "
                f"of all answers between {low:.0%} and {high:.0%} (95 %)"
            )
    return found
