"""`seatrial check`: runs the suites with pytest, shows their progress, and writes every report."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from seatrial import baseline as baselines
from seatrial import home, profile, resume, run, session, summary
from seatrial.backends import lifetime
from seatrial.cli import shield
from seatrial.generate import valid
from seatrial.loading import report_formats
from seatrial.model import Invalid
from seatrial.session import Options

try:
    import fcntl
except ImportError:  # no such locks on this system
    fcntl = None  # type: ignore[assignment]

_GRACE_S = 20.0


@click.command("check")
@click.argument("url", required=False)
@click.option(
    "--model", "models", multiple=True, metavar="ID", help="Model, or family=ID; repeatable. Default: the first listed."
)
@click.option(
    "--api-key-env", default="OPENAI_API_KEY", metavar="NAME", show_default=True, help="Variable that holds the key."
)
@click.option(
    "--profile", "profile_name", metavar="NAME|FILE", help="What is known of the backend.  [default: openai-compatible]"
)
@click.option(
    "--tier", default="gate", show_default=True, metavar="TIER", help="smoke (at most 40 requests), gate or nightly."
)
@click.option("--only", multiple=True, metavar="GLOB", help="Only these scenarios, areas or checks; repeatable.")
@click.option("--skip", multiple=True, metavar="GLOB", help="Not these scenarios, areas or checks; repeatable.")
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True, help="Cases played side by side.")
@click.option(
    "--max-requests",
    type=click.IntRange(1),
    metavar="N",
    help="Stop asking after N requests; what was made is still removed.",
)
@click.option("--max-tokens", type=click.IntRange(1), metavar="N", help="Draw no more requests after N tokens.")
@click.option(
    "--examples",
    type=click.IntRange(0),
    default=30,
    show_default=True,
    metavar="N",
    help="Right requests drawn for each operation, at tier nightly.",
)
@click.option("--seed", type=click.IntRange(0), metavar="N", help="Draw the same requests as the run that names it.")
@click.option("--scenarios", metavar="DIR", help="A folder of your own: scenarios (*.yaml), checks/, profiles/.")
@click.option("--baseline", metavar="FILE", help="Known failures, with reasons and dates; they do not fail the gate.")
@click.option("--update-baseline", is_flag=True, help="Write the failures of this run to the --baseline file.")
@click.option("--compare-to", metavar="RUN", help="Fail only for what is worse than in this results.json or run.")
@click.option(
    "--strict", is_flag=True, help="Fail also for what is known and passes now; ask for what is said not to be offered."
)
@click.option("--out", metavar="DIR", help="Where the run is written.  [default: results/TIME]")
@click.option(
    "--resume", "begun", metavar="RUN", help="Go on with a run that was cut off: its target, models and cases."
)
@click.option(
    "--timeout", type=click.FloatRange(1, 3600), default=120.0, show_default=True, help="Seconds one answer may take."
)
@click.option(
    "--idle-timeout",
    type=click.FloatRange(0.5, 600),
    default=60.0,
    show_default=True,
    help="Seconds between two reads of a stream.",
)
@click.option(
    "--max-body",
    type=click.FloatRange(0.1, 1024),
    default=64.0,
    show_default=True,
    metavar="MIB",
    help="Of one answer.",
)
@click.option("-v", "--verbose", is_flag=True, help="Show MAY findings and every reason.")
def command(
    url: str | None,
    models: tuple[str, ...],
    api_key_env: str,
    profile_name: str | None,
    tier: str,
    only: tuple[str, ...],
    skip: tuple[str, ...],
    jobs: int,
    max_requests: int | None,
    max_tokens: int | None,
    examples: int,
    seed: int | None,
    scenarios: str | None,
    baseline: str | None,
    update_baseline: bool,
    compare_to: str | None,
    strict: bool,
    out: str | None,
    begun: str | None,
    timeout: float,
    idle_timeout: float,
    max_body: float,
    verbose: bool,
) -> int:
    """Checks that a base URL keeps the OpenAI contract. Without URL: the embedded reference server."""
    if begun is not None and (out or models or only or skip or scenarios):
        raise click.UsageError("--resume takes --out, --model, --only, --skip and --scenarios from the run")
    given_url, url = url, url or os.environ.get("OPENAI_BASE_URL")
    embedded = url is None and begun is None
    options = Options(
        base_url=profile.base_url(url) if url else "http://127.0.0.1:9",
        models=models,
        key_variable=api_key_env,
        profile=profile_name or ("reference" if embedded else "openai-compatible"),
        tier=tier,
        only=only,
        skip=skip,
        max_requests=max_requests,
        scenarios=scenarios,
        baseline=baseline if not update_baseline or (baseline and Path(baseline).exists()) else None,
        compare_to=compare_to,
        strict=strict,
        bounds={
            "idle": min(idle_timeout, timeout),
            "total": timeout,
            "connect": min(10.0, timeout),
            "linger": 3.0,
            "mib": max_body,
        },
        examples=examples,
        seed=seed,
        max_tokens=max_tokens,
    )
    if begun is not None:
        options = resume.options(Path(begun), options, given_url, profile_name)
    # Everything that can be wrong with flags and files is said before anything is started or sent.
    if update_baseline and not baseline:
        raise Invalid("--update-baseline", "", "needs --baseline FILE")
    profile.load(options.profile, options.folder)
    baselines.excused(options.baseline, options.compare_to)
    cases, _ = session.select(session.catalog(options), options)
    if not cases:
        raise Invalid("--only/--skip", "", "no scenario is left to be played")
    folder = Path(begun or out or Path("results") / time.strftime("%Y%m%d-%H%M%S"))
    if begun is None and (folder / "run.jsonl").exists():
        raise Invalid("--out", "", f"{folder} holds a run already")
    for ended in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(ended, signal.default_int_handler)
    with contextlib.ExitStack() as stack:
        log = stack.enter_context(_claimed(folder))
        # What a user sets for pytests of their own (-k, -x, plugins left out) would leave cases unplayed.
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        if embedded:
            environment.pop(api_key_env, None)
            base = stack.enter_context(reference_server(environment))
            options = Options(
                **{
                    **{f: getattr(options, f) for f in options.__slots__},
                    "base_url": base,
                    "key_variable": "SEATRIAL_REFERENCE_KEY",
                }
            )
            environment["SEATRIAL_REFERENCE_KEY"] = "sk-reference"
        seconds = resume.reopen(folder / "run.jsonl") if begun is not None else None
        code = _play(options, folder, jobs, environment, log, seconds)
        shield()
    if not (folder / "run.jsonl").exists() or (folder / "run.jsonl").stat().st_size == 0:
        return code if code in (2, 3) else 4
    code = finish(folder, verbose)
    if update_baseline and baseline and code in (0, 1):
        click.echo(f"{baseline}: {baselines.update(Path(baseline), run.read(folder))}")
        return 1 if baselines.expired(run.read(folder)) else 0
    return code


def _claimed(folder: Path) -> BinaryIO:
    """The folder's `pytest.log`. Until it is closed no other run writes there. Raises Invalid."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        log = (folder / "pytest.log").open("ab")
    except OSError as error:
        raise Invalid("--out", "", f"{folder}: {error.strerror}") from None
    try:
        if fcntl is not None:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        log.close()
        raise Invalid("--out", "", f"{folder}: another run is being written there") from None
    return log


def finish(folder: Path, verbose: bool = False) -> int:
    """Writes every report of the run in that folder, prints the verdict table, and gives the exit code."""
    finished = run.read(folder)
    formats = report_formats()
    written = {name: format_.write(finished, folder) for name, format_ in formats.items() if name != "terminal"}
    click.echo(formats["terminal"].render(finished, verbose=verbose))
    click.echo(f"report: {written['html']}")
    return summary.exit_code(finished)


@contextlib.contextmanager
def reference_server(environment: Mapping[str, str]) -> Iterator[str]:
    """The reference server in a process of its own with those variables; its base URL. It ends with the block."""
    arguments = [sys.executable, "-m", "seatrial", "serve", "--port", "0", "--api-key-env", "SEATRIAL_REFERENCE_KEY"]
    with lifetime.serving(arguments, {**environment, "SEATRIAL_REFERENCE_KEY": "sk-reference"}) as url:
        if not url.startswith("http"):
            raise OSError("the reference server did not start")
        yield url


def _play(
    options: Options, folder: Path, jobs: int, environment: dict[str, str], log: BinaryIO, taken: float | None = None
) -> int:
    """Runs pytest over the suites; its exit code. What it prints is in the log, and shown where it could not run."""
    arguments = [
        sys.executable,
        "-m",
        "pytest",
        str(home.folder("suites")),
        "-c",
        str(home.folder("suites") / "pytest.ini"),
        "-q",
        "--no-header",
        "-rN",
        "--tb=short",
        # Of the plugins that others brought, those that take time and that no test of the suites needs.
        "-p",
        "no:hypothesispytest",
        "-p",
        "no:anyio",
    ]
    table = {
        "--base-url": (options.base_url,),
        "--api-key-env": (options.key_variable,),
        "--profile": (options.profile,),
        "--tier": (options.tier,),
        "--out": (folder,),
        "--seatrial-bounds": (json.dumps(dict(options.bounds)),),
        "--model": options.models,
        "--only": options.only,
        "--skip": options.skip,
        "--max-requests": (options.max_requests,) if options.max_requests else (),
        "--max-tokens": (options.max_tokens,) if options.max_tokens else (),
        "--examples": (options.examples,),
        "--seed": (options.seed,) if options.seed is not None else (),
        "--scenarios": (options.scenarios,) if options.scenarios else (),
        "--baseline": (options.baseline,) if options.baseline else (),
        "--compare-to": (options.compare_to,) if options.compare_to else (),
        "--numprocesses": (jobs,) if jobs > 1 else (),
    }
    # In one word each: a value may begin with a dash.
    arguments += ["--seatrial-strict"] if options.strict else []
    arguments += [
        "--seatrial-wrapped",
        f"--seatrial-parent={os.getpid()}",
        *(f"{flag}={value}" for flag, given in table.items() for value in given),
    ]
    arguments += [f"--seatrial-resume={taken}"] if taken is not None else []
    before = os.fstat(log.fileno()).st_size
    # In a session of its own, Ctrl-C reaches it once, from here: a second one would cut its last words. It holds the
    # folder as long as it lives, which may be longer than this process.
    child = subprocess.Popen(arguments, stdout=log, stderr=subprocess.STDOUT, env=environment, start_new_session=True)
    try:
        _watch(child, folder / "run.jsonl")
    except KeyboardInterrupt:
        click.echo("interrupted: finishing what is under way", err=True)
        _end(child)
    code = child.returncode
    if code not in (0, 1, 5):
        text = (folder / "pytest.log").read_bytes()[before:].decode("utf-8", "replace")
        said = [line.partition("seatrial: ")[2] for line in text.splitlines() if "seatrial: " in line]
        if said:
            click.echo(f"seatrial: {said[0]}", err=True)
        elif code not in (2, -signal.SIGINT):
            click.echo(text[-4000:], err=True)
            return 4  # pytest itself broke
    return {4: 2}.get(code, code)  # pytest's usage error is ours


def _end(child: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(child.pid, signal.SIGINT)  # its workers too: each ends its case, and removes what that made
        child.wait(_GRACE_S)
    except ProcessLookupError:
        child.wait()  # it has just ended by itself
    except (subprocess.TimeoutExpired, KeyboardInterrupt):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(child.pid, signal.SIGKILL)
        child.wait()


def _watch(child: subprocess.Popen[bytes], path: Path) -> None:
    """Shows how many cases are done, and how many verdicts failed, until the child ends."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}"),
        TimeElapsedColumn(),
    )
    planned = done = failed = said = 0
    began = time.monotonic()
    tail = _Tail(path)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("cases", total=None, failed="")
        while True:
            ended = child.poll() is not None
            for line in tail.lines():
                if b'"type":"plan"' in line[:20]:
                    planned = json.loads(line)["cases"]
                elif b'"type":"case"' in line[:20]:
                    done += not valid.is_drawn(json.loads(line)["id"])
                elif b'"type":"verdict"' in line[:20]:
                    row = json.loads(line)
                    failed += row["level"] == "MUST" and row["status"] == "fail" and not row["known"]
            progress.update(
                task, total=planned or None, completed=done, failed=f"{failed} MUST failed" if failed else ""
            )
            if not console.is_terminal and planned and time.monotonic() - began > (said + 1) * 5:
                said += 1
                click.echo(f"{done} of {planned} cases, {failed} MUST failed", err=True)
            if ended:
                return
            time.sleep(0.1)


class _Tail:
    """Reads a growing file by whole lines."""

    def __init__(self, path: Path) -> None:
        self._path, self._offset, self._rest = path, 0, b""

    def lines(self) -> list[bytes]:
        """The lines written since the last call."""
        try:
            with self._path.open("rb") as source:
                source.seek(self._offset)
                data = source.read()
        except FileNotFoundError:
            return []
        self._offset += len(data)
        *whole, self._rest = (self._rest + data).split(b"\n")
        return whole
