"""Queues of jobs."""

from __future__ import annotations

import dataclasses

from seatrial.model import Exchange
from tests.rows import FAIL, OUT, PASS, Rows, exchange


def accepted(name: str, status: int = 202, **headers: str) -> Exchange:
    made = exchange(name, "POST /pexec/chat/completions", "/pexec/chat/completions", {}, {}, status)
    return dataclasses.replace(made, headers=tuple(headers.items()))


ROWS: Rows = {
    "queue.job-named": [
        (FAIL, accepted("submitExec")), (FAIL, accepted("submitExec", location="/jobs/1")),
        (FAIL, accepted("submitOperation", location="")), (PASS, accepted("submitOperation", Location="/jobs/1")),
        (PASS, dataclasses.replace(accepted("submitExec"), headers=(("NVCF-REQID", "1"),))),
        (OUT, accepted("submitExec", 200)), (OUT, accepted("submitAsync")),
    ],
}  # fmt: skip
