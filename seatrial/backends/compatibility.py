"""Checks each real backend that is installed, one after the other, and writes docs/compatibility.md from the runs."""

from __future__ import annotations

import argparse
import contextlib
import fnmatch
import os
import secrets
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seatrial import files, home, session
from seatrial.backends import lifetime
from seatrial.compatibility import FILE
from seatrial.session import Options


@dataclass(frozen=True, slots=True)
class Backend:
    """A column of the table: a module of this package, and the environment that it runs in."""

    name: str
    module: str
    environment: str
    profile: str
    words: tuple[str, ...] = ()
    behind: str = ""
    """The backend that it passes requests on to."""


BACKENDS = (
    # Without a limit of its own it writes for minutes where a request has none, and LiteLLM does not tell it to stop.
    Backend("llama.cpp", "llama_cpp", ".venv-real", "llamacpp", ("--embeddings", "--predict", "64")),
    Backend("LiteLLM", "litellm_proxy", ".venv-litellm", "litellm", behind="llama.cpp"),
    Backend("vLLM", "vllm_cpu", ".venv-vllm", "vllm"),
)


def asked() -> list[str]:
    """The scenarios of the gate that the cells of the table rest on, as words of the check."""
    rows = files.read(home.folder("reports") / FILE, "compatibility.schema.json").data["rows"]
    globs = {glob.partition("/")[0] for row in rows for glob in (*row["works"], *row.get("details", ()))}
    cases = session.select(session.catalog(Options("")), Options(""))[0]
    named = {case.scenario.id for case in cases if any(fnmatch.fnmatchcase(case.id, glob) for glob in globs)}
    return [word for name in sorted(named) for word in ("--only", name)]


@contextlib.contextmanager
def started(backend: Backend, python: Path, log: Path, environment: dict[str, str], upstream: str) -> Iterator[str]:
    """The base URL of the backend, or nothing where it did not start."""
    command = [str(python), "-m", f"seatrial.backends.{backend.module}", *backend.words, "--log", str(log)]
    command += ["--upstream", upstream] if backend.behind else []
    package = str(Path(__file__).resolve().parent.parent.parent)
    with lifetime.serving(command, {**environment, "PYTHONPATH": package}) as url:
        yield url if url.startswith("http") else ""


def check(backend: Backend, url: str, out: Path, environment: dict[str, str], minutes: float) -> None:
    """The run is in `out`: whole, or cut off after these minutes and marked so."""
    command = [sys.executable, "-m", "seatrial", "check", url, "--profile", backend.profile, "--out", str(out)]
    command += ["--api-key-env", lifetime.KEY, "--timeout", "60", *asked()]
    out.mkdir(parents=True, exist_ok=True)
    with (out / "terminal.txt").open("wb") as sink, subprocess.Popen(command, env=environment, stdout=sink) as run:
        try:
            run.wait(minutes * 60)
        except subprocess.TimeoutExpired:
            run.terminate()  # it ends by itself, with what was judged so far


def installed(backend: Backend) -> Path | None:
    """The interpreter of its environment, where that is there."""
    python = Path(backend.environment) / "bin" / "python"
    return python.absolute() if python.is_file() else None


def main() -> int:
    """0 where the table is written; 1 where no backend is there, or one that is there did not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=[b.name for b in BACKENDS], help="repeatable")
    parser.add_argument("--minutes", type=float, default=25.0, help="that a run may take")
    parser.add_argument("--runs", type=Path, default=Path("results/compatibility"), help="the recorded runs")
    parser.add_argument("--out", type=Path, default=Path("docs/compatibility.md"))
    given = parser.parse_args()
    key = f"sk-{secrets.token_urlsafe(24)}"
    environment, columns, failed = {**os.environ, lifetime.KEY: key}, [], 0
    by_name = {backend.name: backend for backend in BACKENDS}
    for backend in BACKENDS:
        chain = [by_name[backend.behind], backend] if backend.behind else [backend]
        pythons = [installed(one) for one in chain]
        if given.only and backend.name not in given.only:
            continue
        with contextlib.ExitStack() as stack:
            url = ""
            for one, python in zip(chain, pythons, strict=True):
                log = Path(".cache") / f"{one.module}.log"
                url = stack.enter_context(started(one, python, log, environment, url)) if python else ""
                if not url:
                    print(f"{backend.name}: {one.name} {f'did not start: {log}' if python else 'is not installed'}")
                    failed += python is not None
                    break
            if url:
                out = given.runs / backend.module
                print(f"{backend.name}: {url}, recorded in {out}", flush=True)
                check(backend, url, out, environment, given.minutes)
                columns.append(f"{backend.name}={out}")
    if not columns:
        return 1
    command = [sys.executable, "-m", "seatrial", "compatibility", *columns, "--out", str(given.out)]
    return subprocess.run(command, check=False).returncode or min(failed, 1)


if __name__ == "__main__":
    sys.exit(main())
