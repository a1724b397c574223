"""Queues that answer with a job: what is accepted can be asked for."""

from __future__ import annotations

from collections.abc import Iterator

from seatrial.check import check
from seatrial.model import MUST, Exchange, Finding

_NAMED = {"submitExec": "nvcf-reqid", "submitOperation": "location"}
"""The header by which each pattern names its job."""


def _is_accepted(exchange: Exchange) -> bool:
    return exchange.operation.id in _NAMED and exchange.status == 202


@check("queue.job-named", level=MUST, applies=_is_accepted, spec="rfc9110#section-15.3.3")
def job_named(exchange: Exchange) -> Iterator[Finding]:
    """What is accepted for later says where to ask for it: by the id, or the location, of its pattern."""
    name = _NAMED[exchange.operation.id]
    if not exchange.header(name):
        yield Finding("an id" if name == "nvcf-reqid" else "a location", repr(exchange.header(name)), f"header {name}")
