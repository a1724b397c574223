"""The history: every run's verdicts and load summaries in one SQLite file, and what changed between two of them."""

from __future__ import annotations

from seatrial.history.changes import Change, Kind, compare
from seatrial.history.store import History, LoadRun, Night, RunRow

__all__ = ["Change", "History", "Kind", "LoadRun", "Night", "RunRow", "compare"]
