"""The compatibility table: what a backend offers, told from verdicts alone."""

from __future__ import annotations

import fnmatch
import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from pathlib import Path

from seatrial import files, home
from seatrial.model import Level, Status, Verdict

FILE = "compatibility.yaml"


class Word(StrEnum):
    """What a cell says."""

    YES = "yes"
    PARTIAL = "partial"
    NO = "no"
    NOT_OFFERED = "not offered"
    NOT_SEEN = "not seen"


@dataclass(frozen=True, slots=True)
class Row:
    """One feature: the verdicts without which it is of no use, and those that are promised besides."""

    title: str
    works: re.Pattern[str]
    details: re.Pattern[str]


@dataclass(frozen=True, slots=True)
class Cell:
    """One feature of one backend, with the verdicts it rests on."""

    row: Row
    word: Word
    verdicts: tuple[Verdict, ...]

    @property
    def passed(self) -> int:
        return sum(verdict.status is Status.PASS for verdict in self.verdicts)

    @property
    def failed(self) -> tuple[Verdict, ...]:
        return tuple(verdict for verdict in self.verdicts if verdict.status is Status.FAIL)

    @property
    def decided(self) -> int:
        return self.passed + len(self.failed)

    @property
    def reason(self) -> str:
        """Why it is not offered or was not seen, as the first verdict says."""
        return next((verdict.reason for verdict in self.verdicts if verdict.reason), "not asked for")


@cache
def rows(path: Path | None = None) -> tuple[Row, ...]:
    """The rows of the definitions. Raises Invalid with file and line."""
    source = files.read(path or home.folder("reports") / FILE, "compatibility.schema.json")
    return tuple(Row(row["title"], _any(row["works"]), _any(row.get("details", ()))) for row in source.data["rows"])


def _any(globs: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(fnmatch.translate(glob) for glob in globs) or r"(?!)")


def cells(verdicts: Iterable[Verdict], path: Path | None = None) -> list[Cell]:
    """A cell for each row."""
    must = [verdict for verdict in verdicts if verdict.level is Level.MUST]
    return [_cell(row, must) for row in rows(path)]


def _cell(row: Row, must: list[Verdict]) -> Cell:
    works = [verdict for verdict in must if row.works.match(verdict.id)]
    chosen = {id(verdict) for verdict in works}
    details = [v for v in must if id(v) not in chosen and row.details.match(v.id)]
    statuses = {verdict.status for verdict in works}
    if Status.PASS in statuses:
        failed = any(verdict.status is Status.FAIL for verdict in (*works, *details))
        word = Word.PARTIAL if failed else Word.YES
    elif Status.FAIL in statuses:
        word = Word.NO
    elif statuses == {Status.SKIPPED}:
        word = Word.NOT_OFFERED
    else:
        word = Word.NOT_SEEN
    return Cell(row, word, (*works, *details))
