"""How long the nightly's site takes to write, and how large it grows over a year.

`python bench/site.py [--targets 12] [--verdicts 2000] [--nights 365]`: the verdicts are made up. Prints the seconds of a
last night, and the sizes of the site and its front page.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from seatrial import home
from seatrial.history import History
from seatrial.loading import module_at
from seatrial.nightly import view

_AREAS = ("chat", "chat streaming", "tools", "embeddings", "errors", "completions", "structured outputs", "usage")
_CHECKS = 100


def verdicts(count: int, broken: float, target: int, number: int) -> list[dict[str, Any]]:
    """That many verdicts, of which a share fails; one in a hundred differs from night to night."""
    rows = []
    same, night = random.Random(target), random.Random(number * 1000 + target)  # noqa: S311 - no secret
    for n in range(count):
        usual, other = random.Random(same.random()), random.Random(night.random())  # noqa: S311 - no secret
        rng = other if night.random() < 0.01 else usual
        check, area = f"theme.check-{n % _CHECKS}", _AREAS[n % len(_AREAS)]
        status = "fail" if rng.random() < broken else rng.choices(("pass", "skipped", "inconclusive"), (94, 4, 2))[0]
        case = f"{area.split()[0]}.scenario-{n // _CHECKS}[row]"
        row = {
            "id": f"{case}/ask/{check}",
            "check": check,
            "scenario": case.partition("[")[0],
            "case": case,
            "area": area,
        }
        row |= {"level": "MUST" if n % 5 else "SHOULD", "status": status, "requirement": "A requirement of one line."}
        row |= {
            "spec": "openai#/components/schemas/CreateChatCompletionResponse",
            "exchange": 1 + n // 25,
            "known": False,
        }
        said = {
            "expected": "what was asked for " * 3,
            "actual": f"something else {rng.random()}",
            "where": "/choices/0",
        }
        row |= {
            "reason": "unsupported: chat.logprobs" if status == "skipped" else "",
            "findings": [said] * (status == "fail"),
        }
        rows.append(row)
    return rows


def results(rows: list[dict[str, Any]], started: str, name: str) -> dict[str, Any]:
    """A results.json of these verdicts."""
    words = {"pass": "passed", "fail": "failed", "inconclusive": "inconclusive", "skipped": "skipped"}
    counts = {
        level: dict.fromkeys(("applicable", *words.values(), "error", "known"), 0)
        for level in ("must", "should", "may")
    }
    for row in rows:
        counts[row["level"].lower()][words[row["status"]]] += 1
        counts[row["level"].lower()]["applicable"] += row["status"] != "skipped"
    run = {"started": started, "tier": "nightly", "exit_code": int(counts["must"]["failed"] > 0), "result": "failed"}
    target = {"base_url": f"http://{name}/v1", "profile": "openai-compatible", "models": {"default": "m"}}
    return {
        "seatrial": "0.1.0", "complete": True, "incomplete_reason": "", "run": run, "target": target, "seconds": 60.0,
        "requirements": counts, "requests": len(rows) // 25, "verdicts": rows,
    }  # fmt: skip


def record(folder: Path, rows: list[dict[str, Any]]) -> None:
    """A run.jsonl with an exchange for each 25 verdicts, of a few kB each."""
    folder.mkdir(parents=True)
    body = json.dumps({"id": "chatcmpl-1", "choices": [{"message": {"content": "word " * 60}}] * 2})
    request = {
        "method": "POST",
        "url": "http://h/v1/chat/completions",
        "headers": [["accept", "*/*"]],
        "body": {"text": body},
    }
    exchange = {"type": "exchange", "number": 0, "case": "c", "step": "ask", "auth": "default", "request": request}
    exchange |= {
        "operation": {"id": "createChatCompletion", "method": "POST", "path": "/chat/completions"},
        "status": 200,
    }
    exchange |= {"http_version": "HTTP/1.1", "headers": [["content-type", "application/json"]], "body": {"text": body}}
    exchange |= {
        "arrivals": [],
        "events": [],
        "error": None,
        "started": 0.0,
        "late_ns": 0,
        "headers_ns": 1,
        "end_ns": 2,
    }
    exchange["left_open"] = False
    with (folder / "run.jsonl").open("w") as file:
        for number in sorted({row["exchange"] for row in rows}):
            file.write(json.dumps({**exchange, "number": number}, separators=(",", ":")) + "\n")


def night(history: History, folder: Path, number: int, targets: int, count: int, broken: float, records: bool) -> None:
    """One more night, as the nightly keeps it."""
    started = time.strftime("%Y-%m-%dT02:00:00Z", time.gmtime(1_767_000_000 + number * 86_400))
    id = history.begin(f"night-{number:03}", [f"target {n}" for n in range(targets)], started)
    for n in range(targets):
        rows = verdicts(count, broken, n, number)
        if records:
            record(folder / f"{number}-{n}", rows)
        history.add(results(rows, started, f"target-{n}"), f"target {n}", str(folder / f"{number}-{n}"), id)
    history.end(id, started)


def more_nights(path: Path, nights: int) -> None:
    """Copies the newest night's rows until there are that many: the same as taking runs in, but in seconds."""
    with sqlite3.connect(path) as c:
        (first,) = c.execute("SELECT max(id) FROM nights").fetchone()
        for number in range(first + 1, nights):
            started = time.strftime("%Y-%m-%dT02:00:00Z", time.gmtime(1_767_000_000 + number * 86_400))
            c.execute(
                "INSERT INTO nights SELECT NULL, ?, ?, ?, planned FROM nights WHERE id = ?",
                (f"night-{number:03}", started, started, first),
            )
            (made,) = c.execute("SELECT max(id) FROM nights").fetchone()
            (top,) = c.execute("SELECT max(id) FROM runs").fetchone()
            (low,) = c.execute("SELECT min(id) FROM runs WHERE night = ?", (first,)).fetchone()
            c.execute(
                "INSERT INTO runs SELECT id + ?, ?, target, base_url, profile, model, ?, seatrial, tier, complete, exit_code,"
                " seconds, requests, reason, counts, '', ? || id FROM runs WHERE night = ?",
                (top - low + 1, made, started, started, first),
            )
            c.execute(
                "INSERT INTO verdicts SELECT run + ?, requirement, status, known, exchange, said FROM verdicts WHERE run IN (SELECT id FROM runs WHERE night = ?)",
                (top - low + 1, first),
            )
            c.execute(
                "INSERT INTO changes SELECT run + ?, since, told FROM changes WHERE run IN (SELECT id FROM runs WHERE night = ?)",
                (top - low + 1, first),
            )


def size(path: Path) -> int:
    """Bytes of a file, or of all files under a folder."""
    return path.stat().st_size if path.is_file() else sum(p.stat().st_size for p in path.rglob("*") if p.is_file())


def main() -> int:
    """0 where the last night took at most 10 s and the sizes are within bounds, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--targets", type=int, default=12)
    parser.add_argument("--verdicts", type=int, default=2_000)
    parser.add_argument("--nights", type=int, default=365)
    parser.add_argument("--broken", type=float, default=0.03, help="share of verdicts that fail")
    given = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="seatrial-site-"))
    pages = module_at(home.folder("reports") / "site" / "site.py", "seatrial_site")
    path = folder / "history.db"
    try:
        with History(path, create=True) as history:
            for number in range(2):
                night(history, folder, number, given.targets, given.verdicts, given.broken, records=True)
                view.tell(history)
        more_nights(path, given.nights - 1)
        began = time.monotonic()
        with History(path) as history:
            pages.write(view.site(history, "Bench"), folder / "site")
        year = time.monotonic() - began
        with History(path) as history:
            night(history, folder, given.nights - 1, given.targets, given.verdicts, given.broken, records=True)
            began = time.monotonic()
            clock = time.process_time()
            view.tell(history)
            pages.write(view.site(history, "Bench"), folder / "site")
            last, processor = time.monotonic() - began, time.process_time() - clock
        site, front = size(folder / "site"), size(folder / "site" / "index.html")
        print(f"{given.targets} targets x {given.verdicts:,} verdicts, {given.nights} nights")
        print(
            f"the last night's pages: {last:.1f} s ({processor:.1f} s of processor); all pages of the year: {year:.0f} s"
        )
        print(f"site {site / 1e6:.1f} MB, front page {front / 1e6:.2f} MB, history {size(path) / 1e6:.0f} MB")
        return 0 if last <= 10 and site < 200e6 and front < 1e6 else 1
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    sys.exit(main())
