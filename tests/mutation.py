"""Tests the instrument: each planted defect one at a time, each legal variant, and every two of them together.

`python -m tests.mutation` prints what was caught by which check, at which level, after how many requests; what was
missed; and every accusation of a legal server. It fails below 100 % of the MUST defects, above 0 false alarms, and
where its time ran out. What was played is kept beside the table and not played again while the sources are the same.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import json
import logging
import multiprocessing
import random
import sys
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

from seatrial import server, session
from seatrial.generate import crowd as crowds
from seatrial.model import Case, Level, Status, Verdict
from seatrial.play import Player
from seatrial.session import Options
from tests import plants
from tests.test_plants import ALONE, DEFECTS, IN_A_CROWD, VARIANTS, accusations

ROOT = Path(__file__).resolve().parent.parent
_BLOCK = 9
"""Variants that are planted together, so that each two of them are: 36 pairs at the cost of one."""


@dataclass(frozen=True, slots=True)
class Job:
    """Plants to be planted together. `kind` is defect, variant or pairs."""

    kind: str
    ids: tuple[str, ...]

    @property
    def key(self) -> str:
        return f"{self.kind} {' '.join(self.ids)}"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of a job: of a defect the checks that caught it; of variants every accusation."""

    key: str
    requests: int
    caught: dict[str, str]
    accused: list[str]
    seconds: float


@cache
def telling() -> tuple[Case, ...]:
    """The fewest cases, smoke cases first, in which every check that ever passes on the clean server does so."""
    passes: dict[str, set[str]] = {}
    for verdict in plants.play((), plants.nightly(), "reference"):
        if verdict.status is Status.PASS:
            passes.setdefault(verdict.case, set()).add(verdict.check)
    smoke = {case.id for case in plants.gate() if case.scenario.tier == "smoke"}
    chosen = {id for id in passes if id in smoke}
    seen = {check for id in chosen for check in passes[id]}
    while left := set().union(*passes.values()) - seen:
        best = max(sorted(passes), key=lambda id: len(passes[id] & left))
        chosen.add(best)
        seen |= passes[best]
    return tuple(case for case in plants.nightly() if case.id in chosen)


def defect(id: str) -> tuple[int, dict[str, str]]:
    """After how many requests a check caught the defect at its level, and every check that had by then."""
    plant = server.catalog()[id]
    caught: dict[str, str] = {}
    with plants.playing((id,), "reference") as player:
        if IN_A_CROWD.intersection(plant.trips):
            return crowds.AT_ONCE, {v.check: v.level.value for v in crowd(player) if v.status is Status.FAIL}
        for case in plants.showing(plant):
            for verdict in player.play(case):
                if verdict.status is Status.FAIL:
                    caught[verdict.check if "/" not in verdict.check else verdict.id] = verdict.level.value
            if plant.level in caught.values() or (caught and plant.level == Level.MAY.value):
                break
        return player.client.sent, caught


def crowd(player: Player) -> list[Verdict]:
    """The verdicts of requests that are in flight at once."""
    url = player.target.base_url
    options = Options(url, (), "SEATRIAL_PLANTS_KEY", "reference", "nightly", bounds=plants.PATIENT)
    players = session.crowd_of(options, player.target)
    try:
        return crowds.play(session.catalog(options).scenarios["generated.crowd/createChatCompletion"], players, None)
    finally:
        for one in players:
            one.client.close()


def pairs_of(ids: Sequence[str]) -> set[frozenset[str]]:
    return {frozenset(pair) for pair in itertools.combinations(ids, 2)}


def blocks(ids: Sequence[str]) -> list[tuple[str, ...]]:
    """Groups in which every two of these ids meet at least once. The same ones for the same ids."""
    left = pairs_of(ids)
    chance = random.Random(7)
    found = []
    while left:
        start = min(left, key=sorted)
        block = sorted(start)
        while len(block) < _BLOCK:
            others = [id for id in ids if id not in block]
            chance.shuffle(others)
            best = max(others, key=lambda id: sum(frozenset((id, one)) in left for one in block), default=None)
            if best is None or not any(frozenset((best, one)) in left for one in block):
                break
            block.append(best)
        left -= pairs_of(block)
        found.append(tuple(id for id in VARIANTS if id in block))
    return found


def jobs(which: Sequence[str]) -> list[Job]:
    """Every job of these kinds; the first ones tell most."""
    found = []
    if "defects" in which:
        found += [Job("defect", (id,)) for id in DEFECTS]
    if "variants" in which:
        found += [Job("variant", (id,)) for id in VARIANTS]
    if "pairs" in which:
        others = [id for id in VARIANTS if id not in ALONE]
        found += [Job("pairs", block) for block in blocks(others)]
        # One that hides much of what others do goes with a few of them, never with another of its kind.
        found += [Job("pairs", (id, *others[at : at + _BLOCK])) for id in ALONE for at in range(0, len(others), _BLOCK)]
        found += [Job("pairs", pair) for pair in itertools.combinations(ALONE, 2)]
    return found


def perform(job: Job) -> Result:
    """Plays one job."""
    logging.disable(logging.CRITICAL)  # a planted crash is no news
    began = time.monotonic()
    if job.kind == "defect":
        requests, caught = defect(job.ids[0])
        return Result(job.key, requests, caught, [], time.monotonic() - began)
    cases = plants.nightly() if job.kind == "variant" else telling()
    with plants.playing(job.ids, bounds=plants.PATIENT) as player:
        verdicts = [verdict for case in cases for verdict in player.play(case)]
        accused = accusations(verdicts)
        if accused and len(job.ids) > 2:
            accused = list(named(job.ids, verdicts)) or accused
        return Result(job.key, player.client.sent, {}, accused[:5], time.monotonic() - began)


def named(ids: tuple[str, ...], verdicts: Sequence[Verdict]) -> Iterator[str]:
    """The accusations again, of the pairs that they hold for."""
    wrong = {v.case for v in verdicts if v.status in (Status.FAIL, Status.ERROR) and v.level is not Level.MAY}
    cases = [case for case in telling() if case.id in wrong]
    for pair in itertools.combinations(ids, 2):
        for found in accusations(plants.play(pair, cases)):
            yield f"{' + '.join(pair)}: {found}"


def fingerprint() -> str:
    """Of everything that a verdict can depend on."""
    digest = hashlib.blake2s()
    for folder in ("seatrial", "scenarios", "schemas", "tests/plants.py", "tests/test_plants.py", "tests/mutation.py"):
        path = ROOT / folder
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.suffix in (".py", ".yaml", ".json"):
                digest.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def table(done: dict[str, Result], planned: Sequence[Job]) -> tuple[str, bool]:
    """The table as text, and whether the instrument holds."""
    catalog = server.catalog()
    rows = ["defect | level | caught by | at | requests", "--- | --- | --- | --- | ---"]
    missed: dict[str, list[str]] = {level.value: [] for level in Level}
    held: dict[str, int] = {level.value: 0 for level in Level}
    for job in planned:
        if job.kind != "defect" or job.key not in done:
            continue
        result, plant = done[job.key], catalog[job.ids[0]]
        right = {check: level for check, level in result.caught.items() if level == plant.level}
        by, at = next(iter(right.items()), next(iter(result.caught.items()), ("nothing", "")))
        held[plant.level] += bool(right)
        if not right:
            missed[plant.level].append(plant.id)
        more = f" and {len(right) - 1} more" if len(right) > 1 else ""
        rows.append(f"{plant.id} | {plant.level} | {by}{more} | {at} | {result.requests}")
    told = [
        f"{level}: {held[level]} of {held[level] + len(ids)} defects caught"
        + (f"; missed: {', '.join(ids)}" if ids else "")
        for level, ids in missed.items()
    ]
    accused = [line for job in planned if job.key in done for line in done[job.key].accused]
    single = sum(job.kind == "variant" and job.key in done for job in planned)
    two = set().union(*(pairs_of(job.ids) for job in planned if job.kind == "pairs" and job.key in done))
    told.append(f"legal variants: {single} on the {len(plants.nightly())} cases of every tier")
    told.append(f"two at a time: {len(two)} pairs on {len(telling())} cases that show every check")
    told.append(f"false alarms: {len(accused)}")
    lacking = sum(job.key not in done for job in planned)
    if lacking:
        told.append(
            f"not played: {lacking} of {len(planned)} jobs, for want of time; the same command goes on from here"
        )
    return "\n".join([*rows, "", *told, *accused]), not (missed["MUST"] or accused or lacking)


def main(arguments: Sequence[str] | None = None) -> int:
    """Plays what is not played yet, within the time given, and prints the table."""
    parser = argparse.ArgumentParser(prog="make mutation", description=__doc__)
    parser.add_argument("--processes", type=int, default=6, help="a job waits more than it works")
    parser.add_argument("--seconds", type=float, default=3600.0, help="start no job after so long")
    parser.add_argument("--only", action="append", choices=("defects", "variants", "pairs"))
    parser.add_argument("--match", default="", help="only plants whose id has this in it")
    parser.add_argument("--out", type=Path, default=ROOT / "results" / "mutation")
    options = parser.parse_args(arguments)
    options.out.mkdir(parents=True, exist_ok=True)
    record = options.out / f"{fingerprint()}.jsonl"
    done = {}
    if record.exists():
        done = {row["key"]: Result(**row) for row in map(json.loads, record.read_text().splitlines())}
    planned = [
        j for j in jobs(options.only or ("defects", "variants", "pairs")) if any(options.match in id for id in j.ids)
    ]
    left = [job for job in planned if job.key not in done]
    until = time.monotonic() + options.seconds

    waiting, running = iter(left), set[Future[Result]]()
    context = multiprocessing.get_context("spawn")
    with record.open("a") as sink, ProcessPoolExecutor(options.processes, context) as pool:
        while True:
            while len(running) < options.processes and time.monotonic() < until and (job := next(waiting, None)):
                running.add(pool.submit(perform, job))
            if not running:
                break
            finished, running = wait(running, return_when=FIRST_COMPLETED)
            for one in finished:
                result = one.result()
                done[result.key] = result
                sink.write(json.dumps(asdict(result)) + "\n")
                sink.flush()
            if sys.stderr.isatty() or len(done) % 25 == 0:
                print(f"{len(done)} of {len(planned)}", file=sys.stderr, flush=True)
    text, holds = table(done, planned)
    (options.out / "table.md").write_text(text + "\n")
    print(text)
    return 0 if holds else 1


if __name__ == "__main__":
    sys.exit(main())
