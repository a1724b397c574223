"""Bodies that failed once, as scenario files beside the runs: replayed first the next time, dropped when they pass."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from urllib.parse import urlsplit

from seatrial import scenario
from seatrial.generate import valid
from seatrial.model import Case, Invalid, Operation, Scenario
from seatrial.profile import Target

FOLDER = "found"
_MOST = 10
"""Files of one operation that are replayed, the newest first."""


class Kept:
    """The files of one target, in `found/HOST/` beside the folder of this run."""

    def __init__(self, out: str, target: Target) -> None:
        host = urlsplit(target.base_url).hostname or "target"
        self.folder = Path(out).parent / FOLDER / re.sub(r"[^A-Za-z0-9.-]+", "-", host)
        self._paths: dict[str, Path] = {}

    def keep(self, case: Case) -> Path:
        """The file that now holds the case. Raises OSError where it cannot be written."""
        id = f"found.{_name(case.scenario)}-{case.row}"
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self.folder / f"{id}.yaml"
        path.write_text(valid.as_yaml(case, id), encoding="utf-8")
        return path

    def cases(self, of: Scenario, operations: Mapping[str, Operation]) -> Iterator[Case]:
        """The cases that are kept of that scenario. A file that can be read no more is left alone."""
        paths = sorted(self.folder.glob(f"found.{_name(of)}-*.yaml"), key=lambda path: -path.stat().st_mtime)
        for path in paths[:_MOST]:
            try:
                loaded = scenario.load([path], operations)
            except Invalid:
                continue
            for one in loaded.scenarios.values():
                row = one.id.rpartition("-")[2]
                case = Case(replace(one, id=of.id, inputs={row: {}}), row)
                self._paths[case.id] = path
                yield case

    def drop(self, case: Case) -> None:
        """Forgets a case that passes again."""
        self._paths[case.id].unlink(missing_ok=True)


def _name(scenario: Scenario) -> str:
    return scenario.id.rpartition("/")[2].lower()
