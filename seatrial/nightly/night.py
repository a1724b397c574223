"""Runs the targets of one night side by side within a budget, and takes each into the history as it ends."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial import secret, summary
from seatrial.history import History
from seatrial.history.take import is_run, take
from seatrial.model import Invalid
from seatrial.nightly.targets import Targets, Tested

_GRACE_S = 40.0
"""A check that is told to end finishes its reports within this, else it is killed."""
CUT = "the night was interrupted before this target was done"


@dataclass
class _Running:
    tested: Tested
    process: subprocess.Popen[bytes]
    folder: Path
    load: bool
    ended_for: str = ""


class Place:
    """The folder of a nightly: `history.db`, `runs/NIGHT/TARGET/`, `site/`."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.history = out / "history.db"
        self.runs = out / "runs"
        self.site = out / "site"

    @contextlib.contextmanager
    def alone(self) -> Iterator[None]:
        """Holds the folder for this process. Raises Invalid where another has it."""
        self.out.mkdir(parents=True, exist_ok=True)
        with (self.out / ".lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise Invalid(str(self.out), "", "another nightly is at work there") from None
            yield


def run(
    targets: Targets, place: Place, jobs: int, budget: float, say: Callable[[str], None] = lambda text: None
) -> tuple[int, bool]:
    """One night over all targets; its id in the history, and whether it came to its end.

    What an earlier night that was interrupted had finished is taken in first. At `budget` seconds, and at an
    interrupt, what runs is told to end, and what was not begun is kept as such.
    """
    with History(place.history, create=True) as history:
        recover(history, place)
        names = {night.name for night in history.nights()}
        name = base = time.strftime("%Y%m%d-%H%M%S", time.gmtime())
        while name in names:
            name = f"{base}-{len(names)}"
        night = history.begin(name, [one.name for one in targets.tested])
        whole = _Night(history, place.runs / name, night, say).play(targets, jobs, budget)
        if whole:
            history.end(night)
    return night, whole


def recover(history: History, place: Place) -> None:
    """Takes in what nights that were cut off left on the disk; what of them was not run is kept as such."""
    for night in history.nights():
        if night.ended:
            continue
        there = {row.target for row in history.runs(night=night.id)}
        for name in night.planned:
            if name in there:
                continue
            tested = Tested(name, "")
            folder = place.runs / night.name / tested.slug
            try:
                took = take(history, folder, name, night.id) if is_run(folder) else None
            except Invalid:
                took = None  # cut off before its first line was whole
            if took is None:
                history.add_absent({"name": name}, 4, CUT, night.id, str(folder))


def prune(history: History, place: Place, keep: int) -> None:
    """Removes the records of all but the newest `keep` nights; their verdicts stay in the history."""
    known = {night.name for night in history.nights()[-keep:]}
    for folder in sorted(place.runs.iterdir()) if place.runs.is_dir() else []:
        if folder.is_dir() and folder.name not in known:
            shutil.rmtree(folder)


class _Night:
    def __init__(self, history: History, folder: Path, night: int, say: Callable[[str], None]) -> None:
        self._history, self._folder, self._night, self._say = history, folder, night, say
        self._keys = set[str]()  # the variables of all targets: each is given its own alone

    def play(self, targets: Targets, jobs: int, budget: float) -> bool:
        """Checks side by side, then load tests one by one, which would disturb each other; whether all was run."""
        end = time.monotonic() + budget
        self._keys = {one.key for one in targets.tested}
        waiting = list(targets.tested)
        try:
            spent = self._side_by_side(waiting, jobs, end, load=False)
            measured = [one for one in targets.tested if one.load is not None]
            spent = self._side_by_side(measured, 1, end, load=True) or spent
        except KeyboardInterrupt:
            for one in waiting:
                self._absent(one, 4, CUT)
            return False
        for one in waiting:
            self._absent(one, 4, "the night's budget was spent before this target was begun")
        return not spent

    def _side_by_side(self, waiting: list[Tested], jobs: int, end: float, load: bool) -> bool:
        """Empties `waiting`; whether the budget was spent. On an interrupt what runs is ended and taken in first."""
        running: list[_Running] = []
        try:
            while running or (waiting and time.monotonic() < end):
                while waiting and len(running) < jobs and time.monotonic() < end:
                    running.append(self._start(waiting[0], load))
                    waiting.pop(0)
                if time.monotonic() >= end:
                    self._end(running, "the night's budget was spent")
                for one in [one for one in running if one.process.poll() is not None]:
                    running.remove(one)
                    self._done(one)
                time.sleep(0.1)
        except BaseException:
            self._end(running, CUT)
            for one in running:
                self._done(one)
            raise
        return bool(waiting) or time.monotonic() >= end

    def _start(self, one: Tested, load: bool) -> _Running:
        folder = self._folder / (f"{one.slug}.load" if load else one.slug)
        folder.parent.mkdir(parents=True, exist_ok=True)
        words = one.load_test(folder) if load else one.check(folder)
        with folder.with_name(folder.name + ".log").open("wb") as log:
            # In a session of its own: an interrupt of ours reaches it once, from here.
            process = subprocess.Popen(
                [sys.executable, "-m", "seatrial", *words],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env=secret.without("OPENAI_BASE_URL", *self._keys - {one.key}),
            )
        return _Running(one, process, folder, load)

    @staticmethod
    def _end(running: list[_Running], why: str) -> None:
        for one in running:
            one.ended_for = why
            if one.process.poll() is None:
                one.process.send_signal(signal.SIGINT)
        limit = time.monotonic() + _GRACE_S
        for one in running:
            try:
                one.process.wait(max(0.1, limit - time.monotonic()))
            except (subprocess.TimeoutExpired, KeyboardInterrupt):
                os.killpg(one.process.pid, signal.SIGKILL)
                one.process.wait()

    def _done(self, one: _Running) -> None:
        """Takes in what it left: a run, or why there is none."""
        code = one.process.returncode
        what = f"{one.tested.name}, load test" if one.load else one.tested.name
        try:
            there = is_run(one.folder)
            taken = take(self._history, one.folder, one.tested.name, self._night, code) if there else None
        except Invalid as error:
            taken = None
            self._say(f"{what}: {error}")
        if taken is None and not one.load:
            reason = ": ".join(filter(None, [one.ended_for, _last_words(one.folder)])) or f"it ended with code {code}"
            self._absent(one.tested, code if code in (2, 3) else 4, reason, one.folder)
            return
        word = {0: "passed", 1: "failed"}.get(code, "incomplete")
        self._say(f"{what}: {word}" + (f" ({one.ended_for})" if one.ended_for else ""))

    def _absent(self, one: Tested, code: int, reason: str, folder: Path | None = None) -> None:
        row = {"name": one.name, "url": one.url, "profile": one.profile, "model": "", "tier": one.tier}
        self._history.add_absent(row, code, reason, self._night, str(folder or ""))
        self._say(f"{one.name}: {'down' if code == 3 else 'no run'}: {summary.line(reason, 160)}")


def _last_words(folder: Path) -> str:
    """The last line that the command said of itself; its log lies beside its folder."""
    log = folder.with_name(folder.name + ".log")
    lines = log.read_text("utf-8", "replace").splitlines() if log.is_file() else []
    said = [line.partition("seatrial: ")[2] for line in lines if line.startswith("seatrial: ")]
    return summary.line(said[-1] if said else lines[-1] if lines else "", 400)
