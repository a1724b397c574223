"""Drives a load test as a whole: in this process, or as the master of worker processes of this machine."""

from __future__ import annotations

import argparse
import contextlib
import dataclasses
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import gevent
import gevent.event
from locust import runners
from locust.env import Environment
from locust.event import Events

from seatrial import home
from seatrial.load import result, users
from seatrial.load.options import Options
from seatrial.load.profile import Profile
from seatrial.load.progress import Progress
from seatrial.load.result import Sink
from seatrial.load.session import Session, warn
from seatrial.loading import module_at
from seatrial.model import Invalid

_WORKERS_START_S = 20.0


def names() -> list[str]:
    """The load profiles: one file of `locustfiles/` each."""
    return sorted(path.stem for path in home.folder("locustfiles").glob("*.py"))


def profile_module(name: str) -> ModuleType:
    """The module of a load profile, by its name or its file. Raises Invalid."""
    path = Path(name) if name.endswith(".py") else home.folder("locustfiles") / f"{name}.py"
    if not path.is_file():
        raise Invalid(name, "", f"there is no such load profile; there are {', '.join(names())}, or give a file")
    module = module_at(path.resolve(), f"seatrial_locustfile_{path.stem}")
    if not isinstance(getattr(module, "PROFILE", None), Profile):
        raise Invalid(name, "", "is no load profile: it has no PROFILE")
    return module


@contextlib.contextmanager
def _workers(count: int, path: Path, port: int) -> Iterator[list[subprocess.Popen[bytes]]]:
    arguments = [sys.executable, "-m", "locust", "-f", str(path), "--worker", "--master-host", "127.0.0.1"]
    arguments += ["--master-port", str(port), "--loglevel", "ERROR"]
    started = [subprocess.Popen(arguments, stdout=subprocess.DEVNULL, start_new_session=True) for _ in range(count)]
    try:
        yield started
    finally:
        deadline = time.monotonic() + 5
        for worker in started:
            while worker.poll() is None and time.monotonic() < deadline:
                gevent.sleep(0.05)
            if worker.poll() is None:
                worker.kill()
            worker.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def run(
    name: str, options: Options, processes: int = 1, ui: int | None = None, prometheus: int | None = None
) -> Session:
    """Runs the load profile to its end; the session then holds all that was measured, and nothing is written but
    `requests.jsonl`. Raises Invalid and Unreachable before anything is sent."""
    module = profile_module(name)
    return drive(module.PROFILE, module, options, processes, ui, prometheus)


def drive(
    profile: Profile,
    module: Any,
    options: Options,
    processes: int = 1,
    ui: int | None = None,
    prometheus: int | None = None,
) -> Session:
    """Runs that profile with the user class and the shape of the module."""
    options.tables = ui is not None
    events: Any = Events()  # type: ignore[no-untyped-call]
    users.attach(events, profile)
    given = argparse.Namespace(
        headless=ui is None, enable_rebalancing=False, web_base_path="", **dataclasses.asdict(options)
    )
    environment: Any = Environment(
        user_classes=[users.user(profile)],
        shape_class=users.shape(profile)() if _changes(profile, options) else None,
        events=events,
        host=options.url,
        parsed_options=given,
        stop_timeout=options.grace,
    )
    with contextlib.ExitStack() as stack:
        workers: list[subprocess.Popen[bytes]] = []
        if processes > 1:
            port = _free_port()
            runner: Any = environment.create_master_runner("127.0.0.1", port)
            workers = stack.enter_context(_workers(processes, Path(str(module.__file__)), port))
        else:
            runner = environment.create_local_runner()
        session = environment.seatrial = Session(environment, profile, options)
        session.driven = True
        session.sink = Sink(options.out, profile.name)
        session.prepare()
        if workers:
            _await_workers(runner, workers, processes)
            options.workers = processes
        options.total_users = processes if profile.open else max(phase.users for phase in session.phases)
        for name in ("model", "workers", "total_users"):
            setattr(given, name, getattr(options, name))
        if prometheus is not None:
            from seatrial.load import prometheus as metrics

            metrics.serve(session, prometheus)
        if ui is not None:
            _show_ui(environment, runner, ui)
        _play(session, runner, lasting=ui is not None)
    return session


def _changes(profile: Profile, options: Options) -> bool:
    return not profile.open and len({phase.users for phase in profile.plan(options)}) > 1


def _await_workers(runner: Any, workers: list[subprocess.Popen[bytes]], count: int) -> None:
    deadline = time.monotonic() + _WORKERS_START_S
    while len(runner.clients.ready) < count:
        gevent.sleep(0.05)
        if any(worker.poll() is not None for worker in workers):
            raise OSError("a worker process ended before the test began")
        if time.monotonic() > deadline:
            raise OSError(f"the worker processes did not start within {_WORKERS_START_S:g} s")


def _show_ui(environment: Any, runner: Any, port: int) -> None:
    from locust.argument_parser import default_args_dict
    from locust.stats import stats_history

    for name, value in default_args_dict().items():  # it shows options of Locust's that are none of ours
        if not hasattr(environment.parsed_options, name):
            setattr(environment.parsed_options, name, value)
    sys.argv[1:] = []  # the web UI reads them as Locust's own
    environment.create_web_ui("127.0.0.1", port)
    gevent.spawn(stats_history, runner)
    warn(f"Locust's web UI: http://127.0.0.1:{port} (press Ctrl-C to end)")


def _play(session: Session, runner: Any, lasting: bool) -> None:
    asked = gevent.event.Event()

    def interrupt() -> None:
        if asked.is_set():
            session.environment.stop_timeout = 0.01
            runner.user_greenlets.kill(block=False)
            return
        asked.set()
        if not session.done.is_set():
            session.interrupted = True
            warn("interrupted: waiting for requests under way; once more to end at once")
            session.end()

    handlers = [gevent.signal_handler(signum, interrupt) for signum in (signal.SIGINT, signal.SIGTERM)]
    progress = None if lasting else Progress(session)
    try:
        if session.environment.shape_class is not None:
            session.environment.shape_class.runner = runner
            runner.start_shape()
        else:
            runner.start(session.options.total_users, session.options.total_users)
        if progress is not None:
            progress.start()
        session.done.wait()
        if lasting and not asked.is_set():
            runner.stop()
            users.conclude(session.environment)
            result.write(session)
            warn("the test is over and its results are written; the web UI stays until Ctrl-C")
            asked.wait()
        runner.quit()
        users.conclude(session.environment)
    finally:
        if progress is not None:
            progress.stop()
        for handler in handlers:
            handler.cancel()


runners.WORKER_REPORT_INTERVAL = 1.0
"""Seconds between two reports of a worker: what a worker that dies may take with it."""
