"""Plays cases on the reference server with plants, inside this process."""

from __future__ import annotations

import contextlib
import fcntl
import fnmatch
import itertools
import os
import pickle
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

from seatrial import server, session
from seatrial.generate.donor import SOURCE
from seatrial.model import Case, Status, Verdict
from seatrial.play import Player
from seatrial.session import Options

KEY = "sk-plants"
os.environ["SEATRIAL_PLANTS_KEY"] = KEY
BOUNDS = {"connect": 5.0, "idle": 2.5, "total": 4.5, "linger": 0.3}
PATIENT = {**BOUNDS, "idle": 20.0, "total": 30.0, "linger": 3.0}
"""Where nothing is to run into a bound, on a machine with much to do."""

shared: list[Path] = []
"""The folder that the workers of a run share, where there are several."""

DEADLY = {"NC-COMP-13"}
"""Plants that end their process: they are served by one of their own."""


@contextlib.contextmanager
def spawned(plants: tuple[str, ...]) -> Iterator[str]:
    """A server with these plants in a process of its own; its base URL."""
    arguments = [sys.executable, "-m", "seatrial", "serve", "--port", "0", "--api-key-env", "SEATRIAL_PLANTS_KEY"]
    arguments += [word for id in plants for word in ("--defect", id)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip() if process.stdout else ""
        finally:
            process.terminate()


@cache
def gate() -> tuple[Case, ...]:
    """Every case of the gate tier."""
    options = Options("")
    return tuple(session.select(session.catalog(options), options)[0])


@contextlib.contextmanager
def playing(
    plants: tuple[str, ...], profile: str = "openai-compatible", bounds: Mapping[str, float] = BOUNDS
) -> Iterator[Player]:
    """A player on a server with these plants."""
    settings = server.Settings(api_key=KEY, plants=plants)
    models = ("seatrial-chat", "embeddings=seatrial-embed", "audio=seatrial-listen", "speech=seatrial-speak")
    models += ("images=seatrial-paint", "moderations=seatrial-judge")
    if "legal.ids-with-slashes-and-colons" in plants:
        models = ()
    with spawned(plants) if DEADLY & set(plants) else server.running(settings) as url:
        options = Options(url, models, "SEATRIAL_PLANTS_KEY", profile, bounds=bounds)
        target, _ = session.find_target(options)
        player = session.player(options, target, None)
        try:
            yield player
        finally:
            player.client.close()


def play(plants: tuple[str, ...], cases: Iterable[Case], profile: str = "openai-compatible") -> list[Verdict]:
    """The verdicts of these cases on a server with these plants."""
    with playing(plants, profile) as player:
        return [verdict for case in cases for verdict in player.play(case)]


@cache
def nightly() -> tuple[Case, ...]:
    """Every case that somebody wrote: what is generated has tests of its own, and takes minutes."""
    options = Options("", tier="nightly")
    cases = session.select(session.catalog(options), options)[0]
    return tuple(case for case in cases if case.scenario.source != SOURCE)


@cache
def clean() -> tuple[Verdict, ...]:
    """The verdicts of every case on the clean server; played once for all workers of a run."""
    if not shared:
        return tuple(play((), nightly(), "reference"))
    kept = shared[0] / "clean.pickle"
    with kept.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if kept.exists():
            found: tuple[Verdict, ...] = pickle.loads(kept.read_bytes())
            return found
        made = tuple(play((), nightly(), "reference"))
        kept.write_bytes(pickle.dumps(made))
        return made


@cache
def sources() -> dict[str, str]:
    """The file that each case comes from."""
    return {case.id: case.scenario.source for case in nightly()}


def matches(verdict: Verdict, trips: Iterable[str]) -> bool:
    """Whether the verdict is one that a plant is to trip: by check id, or by a pattern over verdict ids."""
    return any(verdict.check == trip or fnmatch.fnmatchcase(verdict.id, trip) for trip in trips)


@cache
def _passing() -> tuple[dict[str, str], dict[str, list[str]]]:
    """What passes on the clean server: the case of each verdict id, and the cases of each check."""
    cases: dict[str, str] = {}
    by_check: dict[str, list[str]] = {}
    for verdict in clean():
        if verdict.status is Status.PASS:
            cases[verdict.id] = verdict.case
            by_check.setdefault(verdict.check, []).append(verdict.case)
    return cases, by_check


def passed(trip: str) -> list[str]:
    """The cases in which what is tripped, a check or a pattern over verdict ids, passes on the clean server."""
    cases, by_check = _passing()
    return list(dict.fromkeys(by_check.get(trip) or [cases[id] for id in fnmatch.filter(cases, trip)]))


NOTES = Path(__file__).with_name("shown_by.txt")
"""Cases that show a defect early where the order of `showing` comes to one late, if at all.

`pytest tests/test_plants.py --note` adds them.
"""


@cache
def noted() -> dict[str, set[str]]:
    """The cases noted for each plant. One that is out of date costs time, not truth: every other case comes after it."""
    found: dict[str, set[str]] = {}
    for line in NOTES.read_text().splitlines():
        plant, _, case = line.partition(" ")
        found.setdefault(plant, set()).add(case)
    return found


def note(plant: str, case: str) -> None:
    """The note is in the file of notes."""
    with NOTES.open("a") as notes:
        notes.write(f"{plant} {case}\n")


def showing(plant: server.Plant) -> Iterator[Case]:
    """Every case once, those that tell most of the plant first.

    First what is noted; then where what it trips passes on the clean server, a case of each file in turn; then the rest
    of the gate, and of what there is.
    """
    cases = {case.id: case for case in nightly()}
    gated = {case.id: case for case in gate()}
    first = [case for case in cases if case in noted().get(plant.id, set())]
    by_file: dict[str, list[str]] = {}
    for case in itertools.chain.from_iterable(itertools.zip_longest(*(passed(trip) for trip in plant.trips))):
        if case is not None:
            by_file.setdefault(sources()[case], []).append(case)
    turns = itertools.chain.from_iterable(itertools.zip_longest(*by_file.values()))
    told = sorted((case for case in turns if case is not None), key=lambda case: case not in gated)
    for id in dict.fromkeys((*first, *told, *gated, *cases)):
        yield cases[id]
