"""One run from its options: what to play, on what, and where it is recorded. Used by the pytest plugin."""

from __future__ import annotations

import fnmatch
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any

from seatrial import __version__, baseline, connect, profile, run, scenario, sdk
from seatrial.capability import unknown
from seatrial.check import Check, checks, load_checks
from seatrial.client import Bounds, Client
from seatrial.generate import crowd, donor, invalid, machines, repeats, valid
from seatrial.judge import judge, mark, relate
from seatrial.model import Case, Invalid
from seatrial.play import Budget, Player
from seatrial.profile import Known, Profile, Target
from seatrial.scenario import Catalog

_CROWD = 1_000_000
"""Numbers of exchanges that are sent at once begin here: no run sends as many one after another."""


@dataclass(frozen=True, slots=True)
class Options:
    """What a user chooses; everything can be sent to another process as JSON."""

    base_url: str
    models: tuple[str, ...] = ()
    key_variable: str = "OPENAI_API_KEY"
    profile: str = "openai-compatible"
    tier: str = "gate"
    only: tuple[str, ...] = ()
    skip: tuple[str, ...] = ()
    max_requests: int | None = None
    scenarios: str | None = None
    baseline: str | None = None
    compare_to: str | None = None
    strict: bool = False
    examples: int = 30
    seed: int | None = None
    max_tokens: int | None = None
    bounds: Mapping[str, float] = field(default_factory=dict)
    schemas_hold: bool = False
    """Another process has just held the scenarios to their schemas."""

    @property
    def folder(self) -> Path | None:
        return Path(self.scenarios) if self.scenarios else None


def catalog(options: Options) -> Catalog:
    """The project's scenarios, the user's, at tier nightly those derived from both, and those of the official client;
    registers the user's checks.

    Raises Invalid.
    """
    paths = scenario.paths(options.folder)
    files = tuple((path, path.stat().st_mtime_ns if path.exists() else 0) for path in paths)
    if options.folder is not None and (options.folder / "checks").is_dir():
        load_checks(options.folder / "checks")
    return _loaded(files, _derived(options), options.schemas_hold)


_DERIVED = {
    valid.PREFIX: valid,
    donor.PREFIX: invalid,
    repeats.PREFIX: repeats,
    crowd.PREFIX: crowd,
    machines.PREFIX: machines,
}


def _derived(options: Options) -> tuple[str, ...]:
    """The kinds of scenarios to be derived: those that the options may name, for each takes its time."""
    patterns = (*options.only, *options.skip)
    if options.tier != "nightly" and not any(pattern.startswith("generated") for pattern in patterns):
        return ()
    named = tuple(kind for kind in _DERIVED if any(pattern.startswith(kind) for pattern in options.only))
    return named if named and all(pattern.startswith(named) for pattern in patterns) else tuple(_DERIVED)


@cache
def _loaded(files: tuple[tuple[Path, int], ...], derived: tuple[str, ...], schemas_hold: bool) -> Catalog:
    """Once for each state of the files: it takes seconds, and a run asks nine times."""
    if derived:
        found = _loaded(files, (), schemas_hold)
        known = [one for one in found.scenarios.values() if one.source != sdk.SOURCE]
        found = found.plus(s for kind in derived for s in _DERIVED[kind].scenarios(known))
    else:
        found = scenario.load([path for path, _ in files], schemas_hold=schemas_hold)
    return found.plus(sdk.scenarios())


def select(found: Catalog, options: Options) -> tuple[list[Case], list[Check]]:
    """The cases and checks that `tier`, `only` and `skip` leave.

    A pattern matches scenario ids, case ids, areas or check ids. Raises Invalid for one that matches nothing.
    """
    if options.tier not in scenario.TIERS:
        raise Invalid("--tier", "", unknown("tier", options.tier, scenario.TIERS))
    cases = list(found.cases("nightly" if options.only else options.tier))
    judged = list(checks().values())

    def hit(case: Case, pattern: str) -> bool:
        return any(fnmatch.fnmatchcase(name, pattern) for name in (case.id, case.scenario.id, case.scenario.area))

    for flag, patterns in (("--only", options.only), ("--skip", options.skip)):
        for pattern in patterns:
            names = [case.scenario.id for case in found.cases("nightly")]
            known = any(hit(case, pattern) for case in found.cases("nightly"))
            if not known and not any(fnmatch.fnmatchcase(check.id, pattern) for check in judged):
                raise Invalid(flag, "", unknown("scenario, area or check", pattern, [*names, *(c.id for c in judged)]))
    if options.only:
        by_case = [p for p in options.only if any(hit(case, p) for case in cases)]
        by_check = [p for p in options.only if p not in by_case]
        if by_case:
            cases = [case for case in cases if any(hit(case, pattern) for pattern in by_case)]
        else:
            cases = list(found.cases(options.tier))
        if by_check:
            judged = [c for c in judged if any(fnmatch.fnmatchcase(c.id, pattern) for pattern in by_check)]
    cases = [case for case in cases if not any(hit(case, pattern) for pattern in options.skip)]
    judged = [c for c in judged if not any(fnmatch.fnmatchcase(c.id, pattern) for pattern in options.skip)]
    return cases, judged


def client(options: Options) -> Client:
    """A client for the target."""
    return Client(options.base_url, options.key_variable, Bounds(**options.bounds))


def find_target(options: Options) -> tuple[Target, list[str]]:
    """The target, reached once. Raises Invalid or Unreachable."""
    url = profile.base_url(options.base_url)
    known = profile.load(options.profile, options.folder)
    known = replace(known, known=(*known.known, *baseline.excused(options.baseline, options.compare_to)))
    session = client(options)
    try:
        return connect.connect(url, options.key_variable, connect.models_given(list(options.models)), known, session)
    finally:
        session.close()


def target_out(target: Target) -> str:
    """The target as JSON, for another process."""
    return json.dumps(asdict(target))


def target_in(text: str) -> Target:
    """The target of that JSON."""
    data = json.loads(text)
    known = data.pop("profile")
    known["known"] = tuple(Known(**row) for row in known["known"])
    return Target(profile=Profile(**known), **data)


def header(options: Options, target: Target, notes: list[str]) -> dict[str, Any]:
    """The first line of run.jsonl."""
    return {
        "type": "header",
        "format": run.FORMAT,
        "seatrial": __version__,
        "started": time.time(),
        "target": {"base_url": target.base_url, "profile": target.profile.name, "models": dict(target.models)},
        "capabilities": {**target.profile.capabilities, **target.discovered},
        "tier": options.tier,
        "scenarios": options.scenarios,
        "only": list(options.only),
        "skip": list(options.skip),
        "known": [asdict(row) for row in target.profile.known],
        "strict": options.strict,
        "passed_before": baseline.passed_before(options.compare_to),
        "notes": [*notes, *_plan(options)],
    }


def _plan(options: Options) -> list[str]:
    """What a run that draws requests is going to cost, and how it can be had again."""
    cases, _ = select(catalog(options), options)
    drawn = sum(case.id.startswith(f"{valid.PREFIX}/") for case in cases)
    walked = sum(case.id.startswith(f"{machines.PREFIX}/") for case in cases)
    if not drawn + walked:
        return []
    steps = [step for case in cases for step in (*case.scenario.steps, *case.scenario.cleanup)]
    planned = len(steps) + sum(step.probe for step in steps)
    sequences = machines.drawn_sequences(options.examples)
    whole = planned + drawn * options.examples * valid.MEAN_STEPS + walked * sequences * machines.MEAN_STEPS
    return [
        f"about {whole:.0f} requests are planned: {planned} of scenarios, {options.examples} drawn bodies for each of "
        f"{drawn} operations, and {sequences} drawn sequences for each of {walked} families, by --seed {options.seed}"
    ]


def player(
    options: Options, target: Target, record: run.Recorder | None, worker: int = 0, workers: int = 1, after: int = 0
) -> Player:
    """A player of this process; workers share a run's budget in equal parts and number their exchanges apart, those of
    a run that goes on `after` the last. A worker that stands in for one that died has numbers that nobody had."""
    found = catalog(options)
    _, judged = select(found, options)
    share = None if options.max_requests is None else max(1, options.max_requests // workers)
    return Player(
        target,
        client(options),
        found.operations,
        judged,
        record,
        Budget(share, 60.0 / workers),
        after + (worker + 1 if worker < workers else _CROWD * (worker + 1) + _CROWD // 2),
        workers,
        options.strict,
    )


def crowd_of(options: Options, target: Target, worker: int = 0, after: int = 0) -> list[Player]:
    """Players that play side by side: each has connections of its own, and numbers its exchanges apart."""
    found = catalog(options)
    _, judged = select(found, options)
    first = after + _CROWD * (worker + 1)
    return [
        Player(target, client(options), found.operations, judged, None, Budget(None, 5.0), first + n, crowd.AT_ONCE)
        for n in range(crowd.AT_ONCE)
    ]


def rejudge(path: Path) -> run.Run:
    """The run of that folder, judged again by the checks of today; expectations keep their recorded verdicts.

    Raises Invalid where there is no such run.
    """
    header = run.read(path, checked=True).header
    options = Options(
        "", tier=header["tier"], only=tuple(header["only"]), skip=tuple(header["skip"]), scenarios=header["scenarios"]
    )
    found = catalog(options)
    _, judged_by = select(found, options)
    recorded = run.read(path, found.operations)
    known = [Known(**row) for row in header["known"]]
    cases = {case.id: case for case in found.cases() if case.id in recorded.judged}
    # A case that was cut off, or is no more, keeps what was said of it.
    verdicts = [v for v in recorded.verdicts if v.case not in cases or v.check not in checks()]
    for case in cases.values():
        exchanges = {recorded.exchanges[number]: taken for number, taken in recorded.judged[case.id].items()}
        fresh = [
            verdict for exchange, taken in exchanges.items() for verdict in judge(case, exchange, judged_by, taken)
        ]
        polled = [recorded.exchanges[number] for number in recorded.polled[case.id]]
        seen = sorted([*exchanges, *polled], key=lambda exchange: exchange.number)
        verdicts += [mark(verdict, known) for verdict in [*fresh, *relate(case, seen, judged_by)]]
    return replace(recorded, verdicts=tuple(verdicts))
