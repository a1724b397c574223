"""Every job accounted for: submitted == completed + failed + cancelled + still pending, each answered once, as asked."""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Any

NONCE = re.compile(r"nonce:([0-9a-f]{12})")
_OPEN = "pending"


class Ledger:
    """The state of each job by its nonce, and what its answer gave back."""

    def __init__(self, prefix: str) -> None:
        """`prefix` is five hexadecimal digits that no other process and no earlier run has."""
        self._prefix = prefix
        self._states: dict[str, str] = {}
        self._answers: dict[str, str] = {}  # an answer's id to the job that got it
        self._order: list[int] = []  # places in the order of submission, in the order of completion
        self._places: dict[str, int] = {}
        self.retries = self.polls = self.poll_bytes = self.overdue = self.verified = 0
        self.wrong: list[str] = []
        self.twice: list[str] = []

    def submit(self, number: int) -> str:
        """A new job; its nonce."""
        nonce = f"{self._prefix}{number:07x}"
        self._states[nonce] = _OPEN
        self._places[nonce] = len(self._places)
        return nonce

    @property
    def backlog(self) -> int:
        """Jobs that have not ended."""
        return sum(state == _OPEN for state in self._states.values())

    def end(self, nonce: str, state: str) -> None:
        """A job has ended: completed, failed or cancelled."""
        if self._states.get(nonce) != _OPEN:
            self.twice.append(f"job {nonce} ended twice")
            return
        self._states[nonce] = state
        if state == "completed":
            self._order.append(self._places[nonce])

    def answer(self, nonce: str, id: str, text: str) -> None:
        """What a job's answer holds: its id must be no other job's, a nonce in it must be the job's own."""
        found = NONCE.findall(text)
        if nonce in found:
            self.verified += 1
        elif found:
            self.wrong.append(f"job {nonce} was answered with that of {found[0]}")
        if id:
            other = self._answers.setdefault(id, nonce)
            if other != nonce:
                self.twice.append(f"the answer {id} came for {other} and for {nonce}")

    def told(self) -> dict[str, Any]:
        """The account, for the report or the master."""
        states = list(self._states.values())
        kept = sum(b > a for a, b in pairwise(self._order))
        return {
            "submitted": len(states),
            "completed": states.count("completed"),
            "failed": states.count("failed"),
            "cancelled": states.count("cancelled"),
            "pending": states.count(_OPEN),
            "overdue": self.overdue,
            "answered_twice": len(self.twice),
            "wrong_answer": len(self.wrong),
            "verified": self.verified,
            "retries": self.retries,
            "polls": self.polls,
            "poll_bytes": self.poll_bytes,
            "in_order": kept,
            "ordered": max(0, len(self._order) - 1),
            "examples": (self.wrong + self.twice)[:10],
        }


def total(pattern: str, told: list[dict[str, Any]], second_executions: int | None) -> dict[str, Any]:
    """The account of all processes as `load.json` holds it."""
    found: dict[str, Any] = {"pattern": pattern}
    names = [name for name in told[0] if name != "examples"] if told else []
    found |= {name: sum(one[name] for one in told) for name in names}
    found["examples"] = [line for one in told for line in one["examples"]][:10]
    ended = found["completed"] + found["failed"] + found["cancelled"] + found["pending"]
    found["second_executions"] = second_executions
    found["order"] = found["in_order"] / found["ordered"] if found["ordered"] else 1.0
    found["polls_per_job"] = round(found["polls"] / found["completed"], 2) if found["completed"] else 0.0
    found["accounted"] = (
        found["submitted"] == ended
        and not found["overdue"]
        and not found["answered_twice"]
        and not found["wrong_answer"]
        and not second_executions
    )
    found["notes"] = _notes(found)
    return found


def _notes(found: dict[str, Any]) -> list[str]:
    notes = [
        f"{found['verified']} of {found['completed']} answers gave their job's nonce back; the others were told apart by id."
    ]
    if found["overdue"]:
        notes.append(f"{found['overdue']} jobs were accepted and had not ended when their time was up.")
    if found["retries"]:
        seen = found["second_executions"]
        what = "the server does not say" if seen is None else f"the server executed {seen} jobs a second time"
        notes.append(f"{found['retries']} submissions were sent again after a time-out: {what}.")
    notes.append(f"{found['order']:.0%} of the jobs ended after the one submitted before them.")
    notes += found["examples"]
    return notes
