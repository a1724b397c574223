"""The pattern of a queue: where a job is submitted, how it is followed, what its states are called."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import orjson

from seatrial import home
from seatrial.load.address import Address, Failure
from seatrial.model import Invalid

QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED = "queued", "running", "succeeded", "failed", "cancelled"


@dataclass(frozen=True, slots=True)
class Pattern:
    """One way to queue. Without `poll` the submission's answer is the job's."""

    name: str
    title: str
    submit: Mapping[str, Any] = field(default_factory=dict)
    job_id: Mapping[str, str] = field(default_factory=dict)
    poll: Mapping[str, Any] = field(default_factory=dict)
    pending_statuses: tuple[int, ...] = ()
    state: Mapping[str, Any] = field(default_factory=dict)
    result: Mapping[str, Any] = field(default_factory=dict)
    cancel: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 0
    idempotency_header: str = ""
    executions: Mapping[str, str] = field(default_factory=dict)
    batch: Mapping[str, Any] = field(default_factory=dict)

    def state_of(self, status: int, body: Any) -> str:
        """The state that a poll's answer tells. Raises Failure for one that the pattern does not know."""
        if status in self.pending_statuses and not self.state:
            return QUEUED
        if self.state:
            said = at(body, self.state["at"])
            for name in (QUEUED, RUNNING, SUCCEEDED, FAILED, CANCELLED):
                if said in self.state.get(name, ()):
                    return name
            if status in self.pending_statuses:
                return RUNNING
            if said is not None:
                raise Failure("queue.unknown_state", f"{self.state['at']} is {said!r}")
        if 200 <= status < 300:
            return SUCCEEDED
        raise Failure(f"http.{status}", "from the poll")

    def result_of(self, body: Any) -> Any:
        """The job's answer within the last poll's body."""
        pointer = self.result.get("body")
        if pointer is None:
            return body
        found = at(body, pointer)
        if found is None:
            raise Failure("queue.no_result", f"nothing at {pointer}")
        return found


def at(document: Any, pointer: str) -> Any:
    """The value at a JSON Pointer, or None."""
    value = document
    for part in pointer.split("/")[1:]:
        part = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict):
            value = value.get(part)
        elif isinstance(value, list) and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return None
    return value


def found_at(where: Mapping[str, str], headers: Mapping[str, str], body: Any) -> str:
    """The text that a submission's answer carries there. Raises Failure where there is none."""
    if "header" in where:
        value: Any = headers.get(where["header"].lower())
        place = f"the header {where['header']}"
    else:
        value, place = at(body, where["body"]), where["body"]
    if not isinstance(value, str) or not value:
        raise Failure("queue.no_id", f"nothing at {place}")
    return value


def path_of(where: Mapping[str, str], id: str, headers: Mapping[str, str], body: Any, address: Address) -> str:
    """The path and query to ask. Raises Failure for a URL of another host: the key goes nowhere else."""
    if "template" in where:
        return address.path.rstrip("/") + where["template"].replace("{id}", quote(id, safe=""))
    url = found_at(where, headers, body)
    try:
        parts = urlsplit(url)
    except ValueError:
        raise Failure("queue.bad_url", repr(url)[:200]) from None
    if parts.netloc and (parts.scheme, parts.netloc) != (address.scheme, address.authority):
        raise Failure("queue.other_host", f"the queue points to {parts.netloc}")
    # What no request line can hold is escaped, as a browser does.
    path, query = quote(parts.path, safe="/%:@!$&'()*+,;=~-._"), quote(parts.query, safe="/%:@!$&'()*+,;=~-._?")
    if not path.startswith("/"):
        path = f"{address.path.rstrip('/')}/{path}"
    return path + (f"?{query}" if query else "")


def load(name: str) -> Pattern:
    """The pattern of that name (P0 to P6) or file. Raises Invalid."""
    from seatrial import files

    path = Path(name)
    if path.suffix not in (".yaml", ".yml"):
        path = home.folder("locustfiles") / "queues" / f"{name.lower()}.yaml"
    if not path.is_file():
        known = sorted(p.stem.upper() for p in (home.folder("locustfiles") / "queues").glob("*.yaml"))
        raise Invalid(name, "", f"there is no such queue pattern; there are {', '.join(known)}, or give a file")
    data = dict(files.read(path, "queue.schema.json").data)
    if "pending_statuses" in data:
        data["pending_statuses"] = tuple(data["pending_statuses"])
    return Pattern(path.stem.upper(), **data)


def parsed(body: bytes) -> Any:
    """The body as JSON; None where it is empty. Raises Failure."""
    if not body.strip():
        return None
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise Failure("body.garbage", "not JSON: " + repr(body[:80])) from None
