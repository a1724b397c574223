"""What changed between two runs of one target: new failures, fixed ones, flaky ones, and what is no longer seen."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from seatrial import summary
from seatrial.model import Level, Status, Verdict


class Kind(StrEnum):
    """What became of a requirement since the run before."""

    NEW = "new failure"
    FLAKY = "flaky"
    LOST = "no longer seen to pass"
    FIXED = "fixed"
    GONE = "failed before, not decided now"
    GAINED = "seen to pass now"
    SAME = "still failing"


_DECIDED = (Status.PASS, Status.FAIL)


@dataclass(frozen=True, slots=True)
class Change:
    """One verdict in both runs; `old` is None where it was not asked for before, `new` where it is not now."""

    kind: Kind
    old: Verdict | None
    new: Verdict | None

    @property
    def verdict(self) -> Verdict:
        """The newer of the two."""
        found = self.new or self.old
        if found is None:
            raise ValueError("a change has a verdict")
        return found


@dataclass(frozen=True, slots=True)
class Changed:
    """The changes of one kind in one requirement."""

    kind: Kind
    name: str
    level: Level
    known: bool
    changes: tuple[Change, ...]

    @property
    def first(self) -> Change:
        return self.changes[0]


def compare(
    old: Iterable[Verdict], new: Iterable[Verdict], past: Mapping[str, Sequence[Status]] | None = None
) -> list[Change]:
    """The changes, and what still fails. `past` are the statuses of earlier runs, oldest first, both of these included.

    A verdict of a case that one of the two did not play is no change: the runs asked different things.
    """
    before, after = {v.id: v for v in old}, {v.id: v for v in new}
    played = ({v.case for v in before.values()}, {v.case for v in after.values()})
    found = []
    for id in [*after, *(id for id in before if id not in after)]:
        was, now = before.get(id), after.get(id)
        case = (now or was).case  # type: ignore[union-attr]  # one of them is there
        if case not in played[0] or case not in played[1]:
            continue
        kind = _kind(was, now, flips((past or {}).get(id, ())))
        if kind is not None:
            found.append(Change(kind, was, now))
    return found


def flips(statuses: Sequence[Status]) -> int:
    """How often it went from passed to failed, or back."""
    decided = [status for status in statuses if status in _DECIDED]
    return sum(a is not b for a, b in itertools.pairwise(decided))


def _kind(was: Verdict | None, now: Verdict | None, flipped: int) -> Kind | None:
    pair = (was.status if was else None, now.status if now else None)
    if flipped >= 2:
        return Kind.FLAKY
    match pair:
        case (Status.FAIL, Status.FAIL):
            return Kind.SAME
        case (_, Status.FAIL):
            return Kind.NEW
        case (Status.FAIL, Status.PASS):
            return Kind.FIXED
        case (Status.FAIL, _):
            return Kind.GONE
        case (Status.PASS, Status.SKIPPED | Status.INCONCLUSIVE | Status.ERROR):
            return Kind.LOST
        case (Status.SKIPPED | Status.INCONCLUSIVE | Status.ERROR, Status.PASS):
            return Kind.GAINED
    return None


def grouped(changes: Iterable[Change]) -> list[Changed]:
    """The changes by kind, level and requirement: the kinds in their order, MUST first, known failures last."""
    table: dict[tuple[Kind, bool, Level, str], list[Change]] = {}
    for change in changes:
        v = change.verdict
        table.setdefault((change.kind, v.known, v.level, summary.name_of(v)), []).append(change)
    kinds, levels = list(Kind), list(Level)
    order = sorted(table, key=lambda key: (kinds.index(key[0]), key[1], levels.index(key[2]), key[3]))
    return [
        Changed(kind, name, level, known, tuple(table[kind, known, level, name])) for kind, known, level, name in order
    ]
