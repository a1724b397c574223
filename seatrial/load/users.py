"""Locust's side: users that ask, shapes that change their number, and the listeners that start and end a session."""

from __future__ import annotations

import argparse
import contextlib
import math
import random
from time import perf_counter_ns
from typing import Any, ClassVar

import gevent
from gevent.pool import Group as Greenlets
from locust import LoadTestShape, User, constant, events, task
from locust.exception import StopUser
from locust.runners import MasterRunner, WorkerRunner

from seatrial.load import options as flags
from seatrial.load.options import Options
from seatrial.load.profile import Profile
from seatrial.load.session import Session, warn
from seatrial.model import Invalid, Unreachable


class Closed(User):
    """Has one request open at all times, but for the seconds it thinks."""

    abstract = True
    wait_time = constant(0)
    profile: ClassVar[Profile]

    @task
    def ask(self) -> None:
        """One session of requests."""
        session = getattr(self.environment, "seatrial", None)
        number = session.ticket() if session is not None else None
        if session is None or number is None:
            raise StopUser
        session.play(number, id(self))


class Open(User):
    """Sends at planned times, whatever has come back: its share of the arrivals."""

    abstract = True
    wait_time = constant(0)
    profile: ClassVar[Profile]

    @task
    def arrive(self) -> None:
        """Plans every arrival, and starts each on its way."""
        session = getattr(self.environment, "seatrial", None)
        if session is None:
            raise StopUser
        self.sent = Greenlets()
        for number, at_s in self._arrivals(session):
            planned = session.started_ns + int(at_s * 1e9)
            wait = (planned - perf_counter_ns()) / 1e9 - 0.05
            if wait > 0.001:
                gevent.sleep(wait)
            if session.stopping:
                break
            self.sent.spawn(session.send, number, planned)
        raise StopUser

    def _arrivals(self, session: Session) -> Any:
        total = max(1, session.options.total_users)
        if session.workload.trace:
            yield from self._replay(session, total)
            return
        rng = random.Random(session.options.seed * 7919 + session.place)  # noqa: S311
        at, begin = 0.0, 0.0
        for phase in session.phases:
            end = begin + phase.seconds if session.quota is None or phase is not session.phases[-1] else math.inf
            rate = phase.rate / total
            at = max(at, begin)
            while True:
                step = rng.expovariate(rate) if session.options.arrivals == "poisson" else 1 / rate
                if at + step >= end:
                    break
                at += step
                number = session.ticket()
                if number is None:
                    return
                yield number, at
            begin, at = end, end

    def _replay(self, session: Session, total: int) -> Any:
        for index, turn in enumerate(session.workload.trace):
            if index % total == session.place % total and session.ticket() is not None:
                yield index, turn.at_s or 0.0

    def on_stop(self) -> None:
        """Waits for what is under way; Locust ends the wait when the grace time is over."""
        sent = getattr(self, "sent", None)
        if sent is not None:
            try:
                sent.join()
            finally:
                sent.kill(block=False)


def user(profile: Profile) -> type[User]:
    """The Locust user class of a profile."""
    base = Open if profile.open else Closed
    return type(profile.name.title(), (base,), {"profile": profile, "__module__": __name__})


def shape(profile: Profile) -> type[LoadTestShape]:
    """The Locust shape of a profile whose number of users changes."""

    def tick(self: LoadTestShape) -> tuple[int, float] | None:
        session = getattr(self.runner.environment, "seatrial", None) if self.runner else None
        if session is None:  # not started: as many as the first phase has
            users = profile.plan(Options())[0].users
            return users, users
        phase = session.phase()
        if phase is None or session.stopping:
            return None
        return phase.users, max(phase.users, 1)

    return type(profile.name.title() + "Shape", (LoadTestShape,), {"tick": tick, "use_common_options": True})


# Listeners. `attach` adds them to the events of `locust -f`, or of the environment of `seatrial load`.


def attach(to: Any, profile: Profile) -> None:
    """Adds the listeners that make a session of each test."""
    to.test_start.add_listener(lambda environment, **_: begin(environment, profile))
    to.test_stop.add_listener(lambda environment, **_: conclude(environment))
    to.report_to_master.add_listener(lambda client_id, data, **_: _report(data))
    to.worker_report.add_listener(lambda client_id, data, **_: _heard(client_id, data))
    to.quitting.add_listener(lambda environment, **_: conclude(environment))


def locustfile(profile: Profile) -> None:
    """Makes the profile a locustfile: flags of its own, listeners, results. Once a process, when Locust loads it."""
    to: Any = events
    to.init_command_line_parser.add_listener(lambda parser, **_: flags.add_to(parser))
    attach(events, profile)


_current: Session | None = None


def begin(environment: Any, profile: Profile) -> None:
    """A test starts: the clock runs. Under `locust -f` its session is made here; a fault of the options or of the
    target then ends Locust, with our exit code."""
    global _current
    runner = environment.runner
    made: Session | None = getattr(environment, "seatrial", None)
    if made is not None and not made.concluded:
        _current = made
        made.start()
        return
    options = Options.of({**vars(environment.parsed_options or argparse.Namespace()), "host": environment.host})
    try:
        if not options.url:
            raise Invalid("-H", "", "expected the base URL of the target")
        if isinstance(runner, MasterRunner):
            options.workers = max(1, len(runner.clients.ready))
        if not isinstance(runner, WorkerRunner):
            options.total_users = max(1, runner.target_user_count)
        session = _current = environment.seatrial = Session(environment, profile, options)
        session.prepare()
        for name in ("model", "workers", "total_users"):
            setattr(environment.parsed_options, name, getattr(options, name))
        session.start()
    except (Invalid, Unreachable) as error:
        environment.process_exit_code = 2 if isinstance(error, Invalid) else 3
        warn(str(error))
        gevent.spawn(runner.quit)
        return
    if not isinstance(runner, WorkerRunner):
        gevent.spawn(_end_when_done, environment, session)


def _end_when_done(environment: Any, session: Session) -> None:
    session.done.wait()
    headless = environment.web_ui is None
    with contextlib.suppress(AttributeError):
        (environment.runner.quit if headless else environment.runner.stop)()


def conclude(environment: Any) -> None:
    """A test has stopped: everything is added up; the results are written, once, where they are written."""
    session: Session | None = getattr(environment, "seatrial", None)
    if session is None or session.concluded:
        return
    session.finish()
    if session.worker:
        return
    session.concluded = True
    if session.driven:
        return  # `seatrial load` writes itself
    from seatrial.load import finish

    environment.process_exit_code = finish.finish(session)


def _report(data: dict[str, Any]) -> None:
    if _current is not None and _current.worker:
        _current.report(data)


def _heard(client: str, data: dict[str, Any]) -> None:
    if _current is not None and _current.master:
        _current.heard(client, data)
