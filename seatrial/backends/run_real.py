"""Starts the real llama.cpp server, runs `seatrial check` or load tests on it, stops it, and ends as they did."""

from __future__ import annotations

import argparse
import os
import secrets
import selectors
import subprocess
import sys
import time
from pathlib import Path

_START_S = 300.0


def first_line(process: subprocess.Popen[str]) -> str:
    """The line with the base URL, or nothing where the server ended or took too long."""
    if process.stdout is None:
        return ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        end = time.monotonic() + _START_S
        while time.monotonic() < end and process.poll() is None:
            if selector.select(timeout=1.0):
                return process.stdout.readline().strip()
    return ""


_KEY = ["--api-key-env", "SEATRIAL_REAL_KEY"]


def _check(url: str) -> list[str]:
    return ["check", url, "--profile", "llamacpp", *_KEY]


def _load(url: str) -> list[list[str]]:
    """Closed loop, and jobs through the server's own queue: more at once than it has slots."""
    short = ["--workload", "short", "--keep", "0.2", "--grace", "60", *_KEY]
    return [
        ["load", "steady", url, "--users", "4", "--duration", "40", *short],
        ["load", "queue", url, "--queue", "inside", "--users", "8", "--requests", "24", *short],
    ]


def main() -> int:
    """The exit code of the check, or the worst of the load tests; 3 where the server did not start."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--python", default=sys.executable, help="an interpreter that has the extra `real`")
    parser.add_argument("--log", type=Path, default=Path(".cache/llama.log"))
    parser.add_argument("--load", action="store_true", help="run load tests instead of the check")
    known, rest = parser.parse_known_args()
    known.log.parent.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "SEATRIAL_REAL_KEY": secrets.token_urlsafe(24)}
    package = str(Path(__file__).resolve().parent.parent.parent)
    server_environment = {**environment, "PYTHONPATH": package}
    command = [known.python, "-m", "seatrial.backends.llama_cpp", "--log", str(known.log)]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=server_environment)
    try:
        url = first_line(server)
        if not url.startswith("http"):
            print(f"seatrial: the llama.cpp server did not start; see {known.log}", file=sys.stderr)
            return 3
        print(f"llama.cpp serves gemma-3-270m at {url}", flush=True)
        codes = [
            subprocess.run([sys.executable, "-m", "seatrial", *words, *rest], env=environment, check=False).returncode
            for words in (_load(url) if known.load else [_check(url)])
        ]
        return max(codes)
    finally:
        server.terminate()
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


if __name__ == "__main__":
    sys.exit(main())
