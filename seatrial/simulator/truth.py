"""What really happened, one JSON line a request."""

from __future__ import annotations

from io import FileIO
from pathlib import Path
from time import perf_counter_ns
from typing import Any

import orjson

from seatrial.simulator.loop import Life

MOST = 1 << 18
"""Bytes kept before they are written."""


class Truth:
    """The truth file. Rows are kept and written at least every second while `life` runs, and at `close`."""

    def __init__(self, path: Path | str | None) -> None:
        self._file: FileIO | None = FileIO(path, "w") if path is not None else None
        self._kept: list[bytes] = []
        self._size = 0

    def add(self, row: dict[str, Any]) -> None:
        if self._file is None:
            return
        line = orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE)
        self._kept.append(line)
        self._size += len(line)
        if self._size > MOST:
            self.flush()

    def flush(self) -> None:
        if self._file is None or not self._kept:
            return
        data = memoryview(b"".join(self._kept))
        self._kept.clear()
        self._size = 0
        while data:
            data = data[self._file.write(data) :]

    def life(self) -> Life:
        while True:
            self.flush()
            yield perf_counter_ns() + 500_000_000

    def close(self) -> None:
        self.flush()
        if self._file is not None:
            self._file.close()
