"""Locust's own tables: each request, and TTFT, ITL and tokens/s in rows of their own."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from typing import Any

from locust.stats import bucket_response_time

from seatrial.load.address import Failure
from seatrial.load.call import Call
from seatrial.load.record import QUANTUM_NS, Record


def tell(environment: Any, call: Call, row: Record, url: str) -> None:
    """Fires Locust's event of a request."""
    failure = Failure(row["error"], row.get("detail", "")) if row["error"] else None
    environment.events.request.fire(
        request_type="POST",
        name=call.scenario,
        response_time=row["e2e"],
        response_length=call.received,
        exception=failure,
        context={},
        start_time=row["sent_s"],
        url=url,
    )


def show(environment: Any, call: Call, row: Record, at: list[int]) -> None:
    """Adds a success to the three rows, which are in no total of requests.

    Locust rounds to two digits: its tables are for watching, `load.json` has the figures.
    """
    if row["error"]:
        return
    entries = environment.stats.get
    if at:
        entries(call.scenario, "TTFT ms").log(row["ttft"], 0)
    if len(at) > 1:
        _gaps(entries(call.scenario, "ITL ms"), [(b - a) * QUANTUM_NS / 1e6 for a, b in pairwise(at)])
    if row.get("tpot"):
        entries(call.scenario, "tokens/s").log(1000 / row["tpot"], 0)


def _gaps(entry: Any, gaps: list[float]) -> None:
    """Adds many values at once: `log` is too dear for one an event."""
    entry.log(gaps[0], 0)
    times = entry.response_times
    for gap, count in Counter(round(gap, 1) for gap in gaps[1:]).items():
        times[bucket_response_time(gap)] += count
    rest = len(gaps) - 1
    entry.num_requests += rest
    entry.num_reqs_per_sec[int(entry.last_request_timestamp)] += rest
    entry.total_response_time += sum(gaps) - gaps[0]
    entry.max_response_time = max(entry.max_response_time, max(gaps))
    entry.min_response_time = min(entry.min_response_time, min(gaps))
