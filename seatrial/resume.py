"""Goes on with a run that was cut off: what stands in its record, and which cases are left."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

from seatrial import run
from seatrial.model import Invalid
from seatrial.session import Options


def options(folder: Path, given: Options, url: str | None, profile: str | None) -> Options:
    """The options of the run in that folder: its target, models and choice of cases; the rest as given.

    Raises Invalid where there is no run that could go on, or where the URL is another than its own.
    """
    begun = run.read(folder)
    header, target = begun.header, begun.target
    if begun.complete:
        raise Invalid("--resume", "", f"{folder} is complete: there is nothing to go on with")
    if url is not None and given.base_url != target["base_url"]:
        raise Invalid("--resume", "", f"{folder} is a run on {target['base_url']}, and not on {given.base_url}")
    return replace(
        given,
        base_url=target["base_url"],
        models=tuple(f"{family}={model}" for family, model in target["models"].items()),
        profile=profile or target["profile"],
        tier=header["tier"],
        only=tuple(header["only"]),
        skip=tuple(header["skip"]),
        scenarios=header["scenarios"],
        strict=bool(header.get("strict")),
    )


def played(path: Path) -> frozenset[str]:
    """The cases that the record has played to their end."""
    return frozenset(line["id"] for _, line in run.lines(path) if line.get("type") == "case")


def highest(path: Path) -> int:
    """The highest number of an exchange in the record."""
    return max((line["number"] for _, line in run.lines(path) if line.get("type") == "exchange"), default=0)


def reopen(path: Path) -> float:
    """Leaves in the record what stands: every exchange, for it was paid for, and the verdicts of the cases that were
    played to their end. How many seconds the run had taken.

    Raises OSError and leaves the record as it was where it cannot be written anew.
    """
    seconds, done = run.read(path).seconds, played(path)
    part = path.with_name(path.name + ".part")
    with part.open("w", encoding="ascii") as sink:
        for _, line in run.lines(path):
            kind = line.get("type")
            if kind in ("plan", "footer") or (kind == "verdict" and line["case"] not in done):
                continue
            sink.write(json.dumps(line, ensure_ascii=True, separators=(",", ":")) + "\n")
    part.replace(path)
    return seconds
