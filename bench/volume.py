"""How seatrial carries much: verdicts of one run, requests of one load test, runs in one folder.

    python -m bench.volume [--verdicts 100000] [--requests 1000000] [--runs 10000] [--limit 3000]

Every part is the command as users run it, on loopback, in a folder that is removed. A row is a command, its seconds, the
most memory that one of its processes held (MiB), and what it left on the disk (MiB). A command that takes longer than
`--limit` seconds is ended, and its row says so. 0 leaves a part out. Linux alone: memory is read from /proc.

The exit code is 1 where a command failed, or where one held more than `--most` MiB.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from seatrial import simulator
from seatrial.hostile.leaks import children, peak_mib

SCENARIO = """\
title: Volume
family: chat
scenarios:
  volume.chat:
    title: A streamed question is answered
    spec: [{at: openai#/components/schemas/CreateChatCompletionResponse}]
    needs: [chat]
    inputs: %s
    steps:
      - id: ask
        operation: createChatCompletion
        body: {model: $target.model, messages: [{role: user, content: Say hello.}], max_tokens: 2, stream: true}
        must: {status: 200}
"""
VERDICTS_A_CASE = 31
"""About; the row says how many there were."""
WORKLOAD = "title: Tiny\nprompt_tokens: 1\noutput_tokens: 1\n"


@dataclass(slots=True)
class Row:
    """What one command took."""

    name: str
    seconds: float
    mib: float
    code: int
    said: str = ""
    sizes: list[float] = field(default_factory=list)  # of the command's own process, MiB, evenly over its time


class Bench:
    """Runs commands and keeps their rows."""

    def __init__(self, limit: float) -> None:
        self.rows: list[Row] = []
        self._limit = limit

    def run(self, name: str, *words: str, cwd: Path, ok: tuple[int, ...] = (0,)) -> Row:
        """The row of that command, printed; it is ended at the limit as by Ctrl-C, and killed 60 s later."""
        began = time.monotonic()
        peaks: dict[int, float] = {}
        sizes: list[float] = []
        log = cwd / "said.log"
        with log.open("wb") as sink:
            child = subprocess.Popen(
                [sys.executable, "-m", "seatrial", *words], cwd=cwd, stdout=sink, stderr=subprocess.STDOUT
            )
            asked = 0.0
            while child.poll() is None:
                for pid in children(child.pid):
                    peaks[pid] = max(peaks.get(pid, 0.0), peak_mib(pid))
                sizes.append(resident(child.pid))
                now = time.monotonic() - began
                if now > self._limit + 60:
                    child.kill()
                elif now > self._limit and not asked:
                    asked = now
                    child.send_signal(signal.SIGINT)
                time.sleep(0.1 if now < 20 else 0.5)
        row = Row(name, time.monotonic() - began, max(peaks.values(), default=0.0), child.returncode, sizes=sizes)
        if asked:
            row.said = f"ended at the limit of {self._limit:.0f} s"
        elif row.code not in ok:
            row.said = f"FAILED with code {row.code}: {log.read_text('utf-8', 'replace').strip()[-300:]}"
        self.rows.append(row)
        print(f"{row.name:<44}{row.seconds:>9.1f} s {row.mib:>8.0f} MiB  {row.said}", flush=True)
        return row


def resident(pid: int) -> float:
    """What the process holds now, MiB; 0 where /proc does not tell."""
    with contextlib.suppress(OSError, ValueError, IndexError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE") / (1 << 20)
    return 0.0


def size(path: Path) -> float:
    """MiB of a file or of a folder's files."""
    files = [path] if path.is_file() else [p for p in path.rglob("*") if p.is_file()]
    return sum(file.stat().st_size for file in files) / (1 << 20)


def verdicts(bench: Bench, folder: Path, number: int) -> None:
    """One run of so many verdicts on the reference server; rendered, judged and taken in again."""
    (folder / "mine").mkdir()
    inputs = "{" + ", ".join(f"r{n}: {{n: {n}}}" for n in range(-(-number // VERDICTS_A_CASE))) + "}"
    (folder / "mine" / "volume.yaml").write_text(SCENARIO % inputs, encoding="utf-8")
    bench.run("check", "check", "--scenarios", "mine", "--only", "volume.*", "--out", "run", cwd=folder)
    with (folder / "run" / "run.jsonl").open("rb") as record:
        found = sum(line.startswith(b'{"type":"verdict"') for line in record)
    parts = ", ".join(
        f"{name} {size(folder / 'run' / name):.0f}" for name in ("run.jsonl", "results.json", "report.html")
    )
    print(f"  {found:,} verdicts; MiB on the disk: {parts}", flush=True)
    for name in ("terminal", "json", "html", "markdown", "junit", "allure"):
        bench.run(f"report --as {name}", "report", "run", "--as", name, "--out", "again", cwd=folder)
    bench.run("judge", "judge", "run", cwd=folder)
    bench.run("history --import", "history", "--import", "run", "--history", "h.db", cwd=folder)
    bench.run("diff", "diff", "run/results.json", "run", cwd=folder)


def requests(bench: Bench, folder: Path, number: int, users: int) -> None:
    """One load test of so many requests on the simulator: embeddings, which are not streamed and take it no time."""
    (folder / "tiny.yaml").write_text(WORKLOAD, encoding="utf-8")
    with simulator.running(simulator.Timing(ttft=0, itl=0)) as url:
        words = ["load", "embeddings", url, "--users", str(users), "--requests", str(number), "--workload", "tiny.yaml"]
        row = bench.run(
            "load embeddings", *words, "--duration", str(10**6), "--warmup", "0", "--out", "load", cwd=folder, ok=(0, 4)
        )
    told = json.loads((folder / "load" / "load.json").read_text("utf-8"))
    lines = size(folder / "load" / "requests.jsonl")
    tenths = [row.sizes[len(row.sizes) * n // 10] for n in range(10)]
    print(
        f"  {told['requests']['sent']:,} requests, {told['requests']['failed']:,} failed,"
        f" {told['throughput']['requests_per_s']:,.0f} a second; requests.jsonl {lines:.0f} MiB\n"
        f"  the client's memory at each tenth, MiB: {', '.join(f'{one:.0f}' for one in tenths)}",
        flush=True,
    )
    bench.run("diff of load tests", "diff", "load", "load", cwd=folder)
    bench.run("history --import of the load test", "history", "--import", "load", "--history", "l.db", cwd=folder)


def runs(bench: Bench, folder: Path, number: int) -> None:
    """A folder of so many small runs, taken into a history and listed."""
    bench.run("check of one case", "check", "--only", "models.list", "--out", "one", cwd=folder)
    text = (folder / "one" / "results.json").read_text("utf-8")
    data = json.loads(text)
    for n in range(number):
        at = folder / "many" / f"{n:05}"
        at.mkdir(parents=True)
        data["run"]["started"] = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(1_700_000_000 + 3600 * n))
        (at / "results.json").write_text(json.dumps(data), encoding="utf-8")
    bench.run(f"history --import of {number:,} runs", "history", "--import", "many", "--history", "m.db", cwd=folder)
    bench.run("the same again", "history", "--import", "many", "--history", "m.db", cwd=folder)
    bench.run("history", "history", "--history", "m.db", cwd=folder)
    bench.run(
        f"diff of two of them, {size(folder / 'm.db'):.0f} MiB",
        "diff",
        "1",
        str(number),
        "--history",
        "m.db",
        cwd=folder,
    )


@contextlib.contextmanager
def workplace() -> Iterator[Path]:
    """An empty folder, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="seatrial-volume-") as name:
        yield Path(name)


def main() -> None:
    """Runs the parts that are asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--verdicts", type=int, default=100_000)
    parser.add_argument("--requests", type=int, default=1_000_000)
    parser.add_argument("--users", type=int, default=16)
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--limit", type=float, default=3000.0)
    parser.add_argument("--most", type=float, default=2048.0)
    given = parser.parse_args()
    bench = Bench(given.limit)
    if given.runs:
        with workplace() as folder:
            runs(bench, folder, given.runs)
    if given.requests:
        with workplace() as folder:
            requests(bench, folder, given.requests, given.users)
    if given.verdicts:
        with workplace() as folder:
            verdicts(bench, folder, given.verdicts)
    bad = [row.name for row in bench.rows if row.said or row.mib > given.most]
    print(f"over {given.most:.0f} MiB, ended or failed: {', '.join(bad) or 'none'}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
