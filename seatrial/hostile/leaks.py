"""Looks for a canary in everything that a command left behind: as it is, as encoders write it, and put together again."""

from __future__ import annotations

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

CANARY = "sk-canary/7e+1d=9b4f2a"
"""Holds what encoders change."""
PASSWORD = "pw-canary-51c8e0d3"  # noqa: S105 it opens nothing
"""Stands in URLs, where a user name and a password may stand."""


def forms(secret: str) -> list[bytes]:
    """The secret as encoders write it."""
    raw = secret.encode()
    coded = {raw, quote(secret).encode(), quote(secret, safe="").encode(), secret.replace("/", "\\/").encode()}
    for before, lost in ((0, 0), (1, 2), (2, 3)):
        whole = base64.b64encode(b"\0" * before + raw)[lost : (before + len(raw)) * 8 // 6]
        coded |= {whole, whole.replace(b"+", b"-").replace(b"/", b"_")}
    return sorted(coded)


_FORMS = [*forms(CANARY), *forms(PASSWORD)]


def holds(data: bytes) -> bool:
    """Whether a canary is in there."""
    return any(form in data for form in _FORMS)


def leaks(folder: Path) -> list[str]:
    """Where below the folder a canary lies; names of files included."""
    found = []
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if holds(name.encode("utf-8", "surrogateescape")):
            found.append(f"the name {name}")
        if not path.is_file():
            continue
        data = path.read_bytes()
        if holds(data):
            found.append(name)
        elif path.suffix == ".jsonl" and any(holds(text.encode("utf-8", "replace")) for text in joined(data)):
            found.append(f"{name}, put together")
    return found


def joined(data: bytes) -> Iterator[str]:
    """What the streams of a record come to when the texts of their events are put together."""
    for line in data.splitlines():
        row = None
        with contextlib.suppress(ValueError, RecursionError):
            row = json.loads(line)
        if not isinstance(row, dict):
            continue
        bodies = []
        if isinstance(row.get("events"), list):
            bodies.append("\n".join(event[0] for event in row["events"]))
        if isinstance(row.get("body"), dict):
            body = row["body"]
            bodies.append(
                body["text"] if "text" in body else base64.b64decode(body["base64"]).decode("utf-8", "replace")
            )
        if isinstance(row.get("raw"), list):
            bodies.append(b"".join(base64.b64decode(piece) for _, piece in row["raw"]).decode("utf-8", "replace"))
        for body in bodies:
            yield body
            yield from _texts(body)


def _texts(body: str) -> Iterator[str]:
    """The strings at each place of the body's events, one after the other."""
    places: dict[str, list[str]] = {}
    for text in body.splitlines():
        start, end = text.find("{"), text.rfind("}")
        with contextlib.suppress(ValueError, RecursionError):
            _walk(json.loads(text[max(start, 0) : end + 1]), "", places)
    for texts in places.values():
        yield "".join(texts)


def _walk(value: Any, place: str, places: dict[str, list[str]]) -> None:
    if isinstance(value, str):
        places.setdefault(place, []).append(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            _walk(item, f"{place}/{key}", places)
    elif isinstance(value, list):
        for item in value:
            _walk(item, place, places)


def seen(pid: int) -> tuple[str, bool]:
    """A process's command line, and whether the key is in its environment; empty where it has ended."""
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
        held = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return "", False
    return words.replace(b"\0", b" ").decode("utf-8", "replace"), CANARY.encode() in held


def peak_mib(pid: int) -> float:
    """The most memory that the process has held at once; 0 where /proc does not tell."""
    with contextlib.suppress(OSError, ValueError):
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return 0.0


def children(pid: int) -> list[int]:
    """The process and all below it, where /proc tells."""
    found = [pid]
    for parent in found:
        for task in Path(f"/proc/{parent}/task").glob("*/children"):
            with contextlib.suppress(OSError):
                found += [int(child) for child in task.read_text().split()]
    return found
