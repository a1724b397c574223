"""Runs the instrument against every behaviour, and says what came of it."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from seatrial.hostile import Behaviour, Outcome, leaks
from seatrial.hostile.server import Server, running

_NEEDS_NO_KEY = ("seatrial.load.judged", "seatrial serve", "seatrial.simulator")
_WRITTEN = ("run", "stdout.txt", "stderr.txt")
_LIMITS = ("--connect-timeout", "2", "--first-timeout", "3", "--idle-timeout", "1.5", "--timeout", "5", "--grace", "1")


@dataclass
class Row:
    """What one command made of one behaviour. `wrong` is empty where all is as it should be."""

    id: str
    command: str
    code: int | None = None
    said: str = ""
    seconds: float = 0.0
    mib: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        outcome = "; ".join(self.wrong) or self.said
        mark = "WRONG" if self.wrong else "as it should"
        return f"{self.id:<34} {self.command:<6} {self.code!s:>4} {self.seconds:6.1f} s {self.mib:5.0f} MiB  {mark}: {outcome}"


def arguments(behaviour: Behaviour, command: str, url: str, out: Path) -> list[str]:
    """The command line. A check asks the bad operation first and a good one after it."""
    words = [sys.executable, "-m", "seatrial", command]
    if command == "check":
        words += [url, "--timeout", "3", "--idle-timeout", "1.5", "-vv", "--out", str(out)]
        for scenario in ("chat.plain", "chat.stream", "models.retrieve"):
            words += ["--only", scenario]
        return words
    profile = "embeddings" if behaviour.when == "plain" else "smoke"
    words += [profile, url, "--requests", "3", "--keep", "1", "--out", str(out), *_LIMITS]
    return [*words, "--users", "1"] if profile == "embeddings" else words


def environment(behaviour: Behaviour, server: Server) -> dict[str, str]:
    """The variables of the command: a canary for a key, and what the behaviour needs."""
    mine = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("OPENAI_", "PYTEST_")) and not name.lower().endswith("_proxy")
    }
    places = {"trap": server.trap, "closed": server.closed, "canary": leaks.PASSWORD}
    own = {name: value.format(**places) for name, value in behaviour.environment.items()}
    return {**mine, "NO_COLOR": "1", "COLUMNS": "200", **own, "OPENAI_API_KEY": leaks.CANARY}


def try_one(behaviour: Behaviour, command: str, folder: Path) -> Row:
    """Runs the command against the behaviour, within its bounds; what it left lies in the folder."""
    expected = behaviour.check if command == "check" else behaviour.load
    row = Row(behaviour.id, command)
    if expected is None:
        raise ValueError(f"{behaviour.id} is not for {command}")
    folder.mkdir(parents=True)
    with running(behaviour) as server:
        words = arguments(behaviour, command, server.url, folder / "run")
        _run(row, words, environment(behaviour, server), folder, behaviour)
        trapped = [head for head in server.trapped if leaks.holds(head)]
    said = "\n".join((folder / name).read_text("utf-8", "replace") for name in ("stdout.txt", "stderr.txt"))
    _judge(row, expected, said)
    if trapped and not behaviour.id.startswith("proxy."):
        row.wrong.append("the key was carried to another port")
    row.wrong += [f"the key is in {place}" for place in leaks.leaks(folder)]
    row.wrong += [f"written outside the run: {p.name}" for p in folder.iterdir() if p.name not in _WRITTEN]
    row.wrong += [f"markup of the server's in {p.name}" for p in folder.rglob("*.[hm]*") if _marked(p)]
    row.wrong += [f"a traceback in {path.name}" for path in folder.rglob("*.*") if _traceback(path)]
    if command == "check" and behaviour.when in ("stream", "plain", "post"):
        row.wrong += _harmed(folder / "run" / "results.json", behaviour.when)
    return row


def _run(row: Row, words: list[str], env: Mapping[str, str], folder: Path, behaviour: Behaviour) -> None:
    began = time.monotonic()
    odd: set[str] = set()
    with (folder / "stdout.txt").open("wb") as out, (folder / "stderr.txt").open("wb") as err:
        child = subprocess.Popen(
            words, stdout=out, stderr=err, stdin=subprocess.DEVNULL, env=env, cwd=folder, start_new_session=True
        )
        while True:
            ended, status, usage = os.wait4(child.pid, os.WNOHANG)
            if ended:
                break
            for pid in leaks.children(child.pid):
                row.mib = max(row.mib, leaks.peak_mib(pid))
                line, held = leaks.seen(pid)
                if leaks.holds(line.encode()):
                    odd.add("the key is on a command line")
                if held and any(name in line for name in _NEEDS_NO_KEY):
                    odd.add(f"the key is in the environment of {line[-60:]}")
            if time.monotonic() - began > behaviour.seconds * _slowness():
                for pid in leaks.children(child.pid):
                    os.kill(pid, signal.SIGKILL)
                _, status, usage = os.wait4(child.pid, 0)
                row.wrong.append(f"did not end within {behaviour.seconds:g} s")
                break
            time.sleep(0.05)
        child.returncode = row.code = os.waitstatus_to_exitcode(status)
    row.seconds = time.monotonic() - began
    if not row.mib:  # it counts what the child was before it became the command, so it is the second choice
        row.mib = usage.ru_maxrss / (1 << 10 if sys.platform == "linux" else 1 << 20)
    row.wrong += sorted(odd)
    if row.mib > behaviour.mib:
        row.wrong.append(f"more than {behaviour.mib} MiB")


def _slowness() -> float:
    """How many times longer a process takes on a machine that has more to do than processors."""
    return max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1)) if hasattr(os, "getloadavg") else 1.0


def _judge(row: Row, expected: Outcome, said: str) -> None:
    flat = " ".join(said.split())
    found = re.search(expected.words, flat)
    row.said = found[0][:60] if found else ""
    if row.code != expected.code:
        row.wrong.append(f"ended with {row.code} and not {expected.code}: {flat[-160:]}")
    elif not found:
        row.wrong.append(f"nothing matches {expected.words!r}: {flat[-160:]}")
    if re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202e\u2028]", said):
        row.wrong.append("a control character on the terminal")


def _marked(path: Path) -> bool:
    return path.suffix in (".html", ".md") and b"<script>alert(1)" in path.read_bytes()


def _traceback(path: Path) -> bool:
    return path.suffix in (".txt", ".log", ".md", ".xml") and b"Traceback (most recent" in path.read_bytes()


def _harmed(path: Path, when: str) -> list[str]:
    """What is wrong with the verdicts on those requests that were answered well."""
    try:
        verdicts = json.loads(path.read_text("utf-8"))["verdicts"]
    except (OSError, ValueError, KeyError):
        return ["there is no results.json"]
    good = {
        "models.retrieve",
        *({"chat.plain"} if when == "stream" else ()),
        *({"chat.stream"} if when == "plain" else ()),
    }
    wrong = [f"an error in {v['id']}: {v['reason'][-200:]}" for v in verdicts if v["status"] == "error"]
    for scenario in sorted(good):
        mine = [v for v in verdicts if v["scenario"] == scenario and v["level"] == "MUST"]
        bad = [v["id"] for v in mine if v["status"] == "fail"]
        if bad or not any(v["status"] == "pass" for v in mine):
            wrong.append(f"{scenario} was harmed: {', '.join(bad[:3]) or 'no verdict'}")
    return wrong


def possible(behaviour: Behaviour) -> bool:
    """Whether this machine can play it: some have no IPv6."""
    if not behaviour.bind:
        return True
    try:
        socket.create_server((behaviour.bind, 0), family=socket.AF_INET6).close()
        found = socket.getaddrinfo(behaviour.host.strip("[]"), 0, socket.AF_INET6)
    except OSError:
        return False
    return bool(found)
