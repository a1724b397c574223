"""Starts the real llama.cpp server, runs `seatrial check` or load tests on it, stops it, and ends as they did."""

from __future__ import annotations

import argparse
import os
import secrets
import subprocess
import sys
from pathlib import Path

from seatrial.backends import lifetime

_KEY = ["--api-key-env", lifetime.KEY]


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
    environment = {**os.environ, lifetime.KEY: secrets.token_urlsafe(24)}
    package = str(Path(__file__).resolve().parent.parent.parent)
    server_environment = {**environment, "PYTHONPATH": package}
    command = [known.python, "-m", "seatrial.backends.llama_cpp", "--log", str(known.log)]
    with lifetime.serving(command, server_environment) as url:
        if not url.startswith("http"):
            print(f"seatrial: the llama.cpp server did not start; see {known.log}", file=sys.stderr)
            return 3
        print(f"llama.cpp serves gemma-3-270m at {url}", flush=True)
        return max(
            subprocess.run([sys.executable, "-m", "seatrial", *words, *rest], env=environment, check=False).returncode
            for words in (_load(url) if known.load else [_check(url)])
        )


if __name__ == "__main__":
    sys.exit(main())
