"""What a backend may or may not offer: ids, titles, and the parameters whose legal refusal means "not offered"."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seatrial import files
from seatrial.model import Invalid


@dataclass(frozen=True, slots=True)
class Capability:
    """`parameters` are words of the request; an error that names one of them refuses this capability. One that is
    `declared` is tried only where the profile says that it is offered."""

    id: str
    title: str
    parameters: tuple[str, ...]
    declared: bool = False


@cache
def capabilities() -> Mapping[str, Capability]:
    """Every capability by id. Raises Invalid where the package's own table is broken."""
    source = files.read(Path(__file__).with_name("capabilities.yaml"))
    table = {}
    for id, row in source.data.items():
        if not isinstance(row, dict) or set(row) - {"title", "parameters", "declared"} or "title" not in row:
            raise source.invalid(f"/{id}", "expected title and, at most, parameters and declared")
        table[id] = Capability(id, row["title"], tuple(row.get("parameters", ())), row.get("declared", False))
    return table


def require_known(ids: Iterable[str], where: files.Source, at: str) -> None:
    """Raises Invalid, naming close matches, for an id that is no capability."""
    for id in ids:
        if id not in capabilities():
            raise where.invalid(at, unknown("capability", id, capabilities()))


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """A message for a name that is not known, with the closest ones that are."""
    import difflib

    close = difflib.get_close_matches(name, list(known), n=3)
    return f"unknown {kind} {name!r}" + (f"; did you mean {', '.join(close)}?" if close else "")


def declared(id: str, table: Mapping[str, bool]) -> bool | None:
    """What a profile declares of a capability: its own entry, else that of the nearest parent (`a.b` of `a.b.c`)."""
    while id:
        if id in table:
            return table[id]
        parent = id.rpartition(".")[0]
        if parent and table.get(parent) is False:
            return False
        id = parent
        if id in table and table[id] is True:
            # A true parent says nothing of its parts.
            return None
    return None


__all__ = ["Capability", "Invalid", "capabilities", "declared", "require_known", "unknown"]
