"""The pytest plugin: options, the fixtures `target` and `play`, and the record of the run."""

from __future__ import annotations

import gc
import json
import os
import secrets
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from seatrial import clean, home, resume, run, session, summary
from seatrial.generate import repeats, valid
from seatrial.loading import report_formats
from seatrial.model import Case, Invalid, Unreachable, Verdict
from seatrial.play import Player
from seatrial.profile import Target
from seatrial.session import Options

_OPTIONS = pytest.StashKey[Options]()
_TARGET = pytest.StashKey[Target]()
_STARTED = pytest.StashKey[float]()
_DONE = pytest.StashKey[frozenset[str]]()
_SELECTED = pytest.StashKey[list[Case]]()
_AFTER = pytest.StashKey[int]()
_RECORDER = pytest.StashKey[run.Recorder]()


def add_options(parser: pytest.Parser) -> None:
    """Adds seatrial's options; another plugin's option of the same name (pytest-base-url) is shared."""
    group = parser.getgroup("seatrial", "conformance of an OpenAI-compatible backend")

    def add(*names: str, **how: Any) -> None:
        try:
            group.addoption(*names, **how)
        except ValueError:
            pass

    add("--base-url", metavar="URL", help="base URL of the backend (default: $OPENAI_BASE_URL)")
    add("--model", action="append", default=[], metavar="ID", help="model, or family=model; repeatable")
    add("--api-key-env", default="OPENAI_API_KEY", metavar="NAME", help="variable that holds the key")
    add("--profile", default="openai-compatible", metavar="NAME|FILE", help="what is known of the backend")
    add("--tier", default="gate", metavar="TIER", help="smoke, gate or nightly")
    add("--only", action="append", default=[], metavar="GLOB", help="scenarios, areas or checks; repeatable")
    add("--skip", action="append", default=[], metavar="GLOB", help="scenarios, areas or checks; repeatable")
    add("--max-requests", type=int, default=None, metavar="N", help="stop asking after N requests")
    add("--max-tokens", type=int, default=None, metavar="N", help="draw no more requests after N tokens")
    add(
        "--examples", type=int, default=30, metavar="N", help="right requests drawn for each operation, at tier nightly"
    )
    add("--seed", type=int, default=None, metavar="N", help="draw the same requests again")
    add("--scenarios", default=None, metavar="DIR", help="a folder of your own: scenarios, checks/, profiles/")
    add("--out", default=None, metavar="DIR", help="where the run is written (default: results/TIME)")
    add("--baseline", default=None, metavar="FILE", help="known failures, which do not fail the gate")
    add("--compare-to", default=None, metavar="RUN", help="an earlier run, whose failures do not fail the gate")
    # pytest has a --strict of its own.
    add("--seatrial-strict", action="store_true", help="known failures that pass now fail the gate")
    add("--seatrial-wrapped", action="store_true", help="the caller writes the reports")
    add("--seatrial-parent", type=int, default=None, help="the caller's process: the run ends with it")
    add("--seatrial-resume", type=float, default=None, help="the run of --out goes on, after so many seconds")
    add("--seatrial-bounds", default="{}", help="seconds to wait, as JSON")


def options_of(config: pytest.Config) -> Options:
    """The options of this session. Raises pytest.UsageError where no base URL was given."""
    if _OPTIONS not in config.stash:
        get = config.getoption
        url = get("base_url") or os.environ.get("OPENAI_BASE_URL")
        if not url:
            raise pytest.UsageError("seatrial: no base URL: give --base-url URL, or set OPENAI_BASE_URL")
        config.stash[_OPTIONS] = Options(
            base_url=str(url).rstrip("/"),
            models=tuple(get("model")),
            key_variable=get("api_key_env"),
            profile=get("profile"),
            tier=get("tier"),
            only=tuple(get("only")),
            skip=tuple(get("skip")),
            max_requests=get("max_requests"),
            scenarios=get("scenarios"),
            baseline=get("baseline"),
            compare_to=get("compare_to"),
            strict=get("seatrial_strict"),
            examples=get("examples"),
            seed=get("seed"),
            max_tokens=get("max_tokens"),
            bounds=json.loads(get("seatrial_bounds")),
            schemas_hold=get("seatrial_wrapped"),
        )
    return config.stash[_OPTIONS]


def _plays_suites(config: pytest.Config) -> bool:
    suites = home.folder("suites").resolve()
    paths = [config.invocation_params.dir / str(arg).split("::")[0] for arg in config.args]
    return any(path.resolve() == suites or suites in path.resolve().parents for path in paths)


def _worker(config: pytest.Config) -> tuple[int, int]:
    given = getattr(config, "workerinput", None)
    if given is None:
        return 0, 1
    return int(given["workerid"].removeprefix("gw")), int(given["workercount"])


def _after(config: pytest.Config) -> int:
    """The highest number of an exchange of a run that goes on."""
    return int(getattr(config, "workerinput", {}).get("seatrial_after", config.stash.get(_AFTER, 0)))


def selected(config: pytest.Config) -> list[Case]:
    """The cases of this session; looked up once."""
    if _SELECTED not in config.stash:
        options = options_of(config)
        try:
            cases = session.select(session.catalog(options), options)[0]
            done = _done(config)
        except Invalid as error:
            raise pytest.UsageError(f"seatrial: {error}") from None
        config.stash[_SELECTED] = [case for case in cases if case.id not in done]
    return config.stash[_SELECTED]


def _done(config: pytest.Config) -> frozenset[str]:
    """The cases that were played before, in a run that goes on."""
    if _DONE not in config.stash:
        resumed = config.getoption("seatrial_resume") is not None
        config.stash[_DONE] = resume.played(Path(config.option.out) / "run.jsonl") if resumed else frozenset()
    return config.stash[_DONE]


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Reaches the target and opens the record, once, before any worker starts."""
    if not _plays_suites(config) or config.option.collectonly or getattr(config.option, "version", 0):
        return
    if hasattr(config, "workerinput"):
        config.stash[_TARGET] = session.target_in(config.workerinput["seatrial_target"])
        return
    if config.option.seed is None:
        config.option.seed = secrets.randbelow(1 << 32)  # before any worker starts: they draw by the same one
    if config.option.seatrial_wrapped:
        gc.set_threshold(50_000, 20, 20)  # as the caller's
    options = options_of(config)
    selected(config)
    try:
        target, notes = session.find_target(options)
    except Invalid as error:
        raise pytest.UsageError(f"seatrial: {error}") from None
    except Unreachable as error:
        pytest.exit(f"seatrial: the target cannot be used: {error}", returncode=3)
    out = Path(config.option.out or Path("results") / time.strftime("%Y%m%d-%H%M%S"))
    config.option.out = str(out.resolve())
    try:
        out.mkdir(parents=True, exist_ok=True)
        before = config.option.seatrial_resume
        recorder = run.Recorder(out / "run.jsonl", fresh=before is None)
        if before is not None:
            when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime())
            recorder.write({"type": "note", "text": f"cut off after {len(_done(config))} cases; went on {when}"})
        else:
            recorder.write(session.header(options, target, notes))
    except FileExistsError:
        raise pytest.UsageError(f"seatrial: {out} holds a run already") from None
    except OSError as error:
        raise pytest.UsageError(f"seatrial: --out {out}: {error.strerror}") from None
    config.stash[_TARGET], config.stash[_RECORDER] = target, recorder
    config.stash[_STARTED] = time.monotonic() - (before or 0.0)
    if config.option.seatrial_wrapped:
        config.pluginmanager.register(_Forgetful(config.pluginmanager.getplugin("terminalreporter")))
    config.stash[_AFTER] = resume.highest(recorder.path) if before is not None else 0


class _Forgetful:
    """Lets go of the reports of verdicts that passed, which pytest keeps for its summary and the record has already."""

    def __init__(self, reporter: Any) -> None:
        self._reporter = reporter

    @pytest.hookimpl(trylast=True)
    def pytest_runtest_logreport(self) -> None:
        if self._reporter is not None:
            self._reporter.stats.pop("subtests passed", None)


class _Xdist:
    """Hooks of pytest-xdist's controller, registered only where it is installed."""

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        # After an interrupt a worker has this long to end its case and to remove what that made.
        node.nodemanager.EXIT_TIMEOUT = clean.HOLD_S + clean.WITHIN_S + 2
        if _TARGET in node.config.stash:
            node.workerinput["seatrial_target"] = session.target_out(node.config.stash[_TARGET])
            node.workerinput["seatrial_after"] = node.config.stash[_AFTER]

    @pytest.hookimpl(optionalhook=True)
    def pytest_xdist_node_collection_finished(self, node: Any, ids: list[str]) -> None:
        _plan(node.config, ids)


def pytest_plugin_registered(plugin: object, manager: pytest.PytestPluginManager) -> None:
    """Registers the xdist hooks beside this plugin."""
    if manager.hasplugin("dsession") and not manager.hasplugin("seatrial-xdist"):
        manager.register(_Xdist(), "seatrial-xdist")


def _plan(config: pytest.Config, ids: list[str]) -> None:
    if _RECORDER in config.stash and not getattr(config, "_seatrial_planned", False):
        config._seatrial_planned = True  # type: ignore[attr-defined]
        # pytest makes an item of nothing where no case is left.
        items = sum(("test_scenario[" in id or "test_sdk[" in id) and not id.endswith("[NOTSET]") for id in ids)
        count = items + sum(not valid.is_drawn(id) for id in _done(config))
        config.stash[_RECORDER].write({"type": "plan", "cases": count})


def pytest_collection_finish(session: pytest.Session) -> None:
    """Writes how many cases the run has, for whoever shows its progress."""
    if session.items or _done(session.config):
        _plan(session.config, [item.nodeid for item in session.items])


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Writes the footer, and the reports where nobody else does."""
    config = session.config
    if _RECORDER not in config.stash:
        return
    recorder = config.stash[_RECORDER]
    try:
        code = _finish(config, recorder, int(exitstatus))
    except (Invalid, OSError) as error:
        print(f"\nseatrial: the record cannot be written: {error}", file=sys.stderr)
        code = 4
    if (exitstatus == 0 or (exitstatus == 1 and code == 4)) and not config.option.seatrial_wrapped:
        # pytest's own word for a run in which all was skipped is success, and for one in which we erred, failure.
        session.exitstatus = code


def _finish(config: pytest.Config, recorder: run.Recorder, exitstatus: int) -> int:
    out = recorder.path.parent
    so_far = run.read(recorder.path)
    # 5: no case was left.
    complete = exitstatus in (0, 1, 5) and sum(not valid.is_drawn(id) for id in so_far.judged) >= so_far.planned > 0
    for text in repeats.flaky(so_far.verdicts):
        recorder.write({"type": "note", "text": text})
    seconds = time.monotonic() - config.stash[_STARTED]
    numbers = {"requests": len(so_far.exchanges), "seconds": round(seconds, 3)}
    recorder.write({"type": "footer", "complete": complete, **numbers, "counts": run.counts(so_far.verdicts)})
    recorder.close()
    if config.option.seatrial_wrapped:
        return exitstatus  # the command around this reads the record, writes the reports and gives the code
    finished = run.read(recorder.path)
    for format_ in report_formats().values():
        format_.write(finished, out)
    return summary.exit_code(finished)


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Says where the run was written."""
    if _RECORDER in config.stash and not config.option.seatrial_wrapped:
        terminalreporter.write_line(f"seatrial: {config.option.out}")


@pytest.fixture(scope="session")
def target(pytestconfig: pytest.Config) -> Target:
    """The backend under test: base URL, models, profile."""
    if _TARGET not in pytestconfig.stash:
        try:
            pytestconfig.stash[_TARGET] = session.find_target(options_of(pytestconfig))[0]
        except Invalid as error:
            raise pytest.UsageError(f"seatrial: {error}") from None
        except Unreachable as error:
            pytest.exit(f"seatrial: the target cannot be used: {error}", returncode=3)
    return pytestconfig.stash[_TARGET]


@pytest.fixture(scope="session")
def player(pytestconfig: pytest.Config, target: Target) -> Iterator[Player]:
    """What plays cases on the target; recorded where the run is."""
    options = options_of(pytestconfig)
    worker, workers = _worker(pytestconfig)
    recorder = pytestconfig.stash.get(_RECORDER, None)
    if recorder is None and hasattr(pytestconfig, "workerinput") and pytestconfig.option.out:
        recorder = run.Recorder(Path(pytestconfig.option.out) / "run.jsonl")
    made = session.player(options, target, recorder, worker, workers, _after(pytestconfig))
    yield made
    made.client.close()


@pytest.fixture(scope="session")
def crowd(pytestconfig: pytest.Config, target: Target) -> Iterator[list[Player]]:
    """Players that play side by side."""
    made = session.crowd_of(options_of(pytestconfig), target, _worker(pytestconfig)[0], _after(pytestconfig))
    yield made
    for one in made:
        one.client.close()


@pytest.fixture(scope="session")
def play(pytestconfig: pytest.Config, player: Player) -> Callable[[Case | str], list[Verdict]]:
    """Plays a case, or a scenario (every row) by its id, and gives the verdicts."""
    cases = list(session.catalog(options_of(pytestconfig)).cases())

    parent = os.getppid()
    if not hasattr(pytestconfig, "workerinput"):
        parent = pytestconfig.option.seatrial_parent or parent

    def play_one(case: Case) -> list[Verdict]:
        if pytestconfig.option.seatrial_wrapped and os.getppid() != parent:
            pytest.exit("seatrial: the command that asked for this was killed", returncode=4)
        try:
            return player.play(case)
        except OSError as error:
            pytest.exit(f"seatrial: the record cannot be written: {error}", returncode=4)

    def play_case(case: Case | str) -> list[Verdict]:
        if isinstance(case, Case):
            return play_one(case)
        chosen = [c for c in cases if case in (c.id, c.scenario.id)]
        if not chosen:
            raise LookupError(f"there is no scenario {case!r}")
        return [verdict for c in chosen for verdict in play_one(c)]

    return play_case


__all__ = ["add_options", "asdict", "options_of", "play", "selected", "target"]
