"""How long the check report takes to be written, to open in Chromium and to filter.

    python -m bench.report [--verdicts 5000]

The gate tier is played on the embedded reference server with defects planted; its verdicts are repeated, under other
rows' names, up to the number asked for. Once as they are, and once with every one failed, which no server manages.
Opened: from the navigation until the first paint after the page was whole. Filtered: from the change of a field until
the next paint. The exit code is 1 where one of these takes a second or more; the median of three counts.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from typing import Any

from bench import browser
from seatrial import run, server
from seatrial.loading import report_formats
from seatrial.model import Finding, Status

DEFECTS = ("NC-CHAT-01", "NC-CSTR-09", "NC-CSTR-13", "NC-CHAT-09", "NC-AUTH-01")
LIMIT_MS = 1000
PAINTED = "await new Promise((done) => requestAnimationFrame(() => setTimeout(done)));"
FILTERS = {
    "text: one word": ("q", "stream"),
    "text: hits nothing": ("q", "no such thing"),
    "status": ("status", "fail"),
    "level": ("level", "MUST"),
    "area": ("area", "tools"),
    "none again": ("area", ""),
}


def played(folder: Path) -> run.Run:
    """A run of the gate tier on a server with defects."""
    with server.running(server.Settings(api_key="sk-bench", plants=DEFECTS)) as url:
        command = [sys.executable, "-m", "seatrial", "check", url, "--out", str(folder)]
        subprocess.run(command, env={**os.environ, "OPENAI_API_KEY": "sk-bench"}, capture_output=True, check=False)
    return run.read(folder)


def sized(told: run.Run, number: int) -> run.Run:
    """The run with that many verdicts."""
    again = (
        replace(v, id=f"{v.id}{f'~{lap}' if lap else ''}", case=f"{v.case}{f'~{lap}' if lap else ''}")
        for lap in count()
        for v in told.verdicts
    )
    return replace(told, verdicts=tuple(islice(again, number)))


def broken(told: run.Run) -> run.Run:
    """The same with every verdict failed."""
    bad = (
        Finding('{"object": "chat.completion", "n": [1, 2, 3]}', '{"object": "chat.completions", "n": [1, 3]}', "body"),
    )
    return replace(told, verdicts=tuple(replace(v, status=Status.FAIL, findings=bad, reason="") for v in told.verdicts))


def opened(page: Any, path: Path) -> float:
    """Milliseconds until the page is whole and painted."""
    page.goto("about:blank")
    began = time.perf_counter()
    page.goto(path.as_uri(), wait_until="load")
    page.evaluate(f"async () => {{ {PAINTED} }}")
    return (time.perf_counter() - began) * 1000


def filtered(page: Any, field: str, value: str) -> float:
    """Milliseconds from the change of a field until the next paint; of a text, with the pause after the last key."""
    took: float = page.evaluate(
        f"""async ([id, value]) => {{
          const field = document.getElementById(id), began = performance.now(), shown = document.getElementById("shown");
          const before = shown.textContent;
          const changed = new Promise((done) => new MutationObserver(done).observe(shown, {{childList: true}}));
          field.value = value;
          field.dispatchEvent(new Event(id === "q" ? "input" : "change", {{bubbles: true}}));
          await Promise.race([changed, new Promise((done) => setTimeout(done, 5000))]);
          {PAINTED}
          return performance.now() - began;
        }}""",
        [field, value],
    )
    return took


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--verdicts", type=int, default=5000)
    asked = options.parse_args()
    worst = 0.0
    with tempfile.TemporaryDirectory() as folder, browser.running() as chromium:
        told = sized(played(Path(folder) / "run"), asked.verdicts)
        for title, some in (("as played", told), ("every one failed", broken(told))):
            began = time.perf_counter()
            path = report_formats()["html"].write(some, Path(folder))
            written = time.perf_counter() - began
            failed = sum(v.status is Status.FAIL for v in some.verdicts)
            print(f"{len(some.verdicts):,} verdicts, {failed:,} failed ({title}): ", end="")
            print(f"{path.stat().st_size / 1e6:.2f} MB, written in {written:.2f} s")
            page = chromium.new_page()
            rows = {"open": [opened(page, path) for _ in range(3)]}
            for name, (field, value) in FILTERS.items():
                rows[f"filter by {name}"] = taken = []
                for _ in range(3):
                    page.evaluate("document.getElementById('filter').reset()")
                    page.wait_for_timeout(100)
                    if not value:
                        filtered(page, field, "tools")
                    taken.append(filtered(page, field, value))
            for name, values in rows.items():
                print(f"  {name:32} {statistics.median(values):7.0f} ms   ({min(values):.0f} to {max(values):.0f})")
                worst = max(worst, statistics.median(values))
            page.close()
    print(f"slowest: {worst:.0f} ms of {LIMIT_MS}")
    return int(worst >= LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
