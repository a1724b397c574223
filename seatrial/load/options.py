"""What a load test is told: by `seatrial load`, or by the same flags of `locust -f`."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from seatrial.model import Invalid


@dataclass(frozen=True, slots=True)
class Limits:
    """Seconds one request may take: to connect, to its first token, between two reads, in all; MiB of its answer."""

    connect: float = 10.0
    first: float = 120.0
    idle: float = 60.0
    total: float = 600.0
    mib: float = 64.0


@dataclass(slots=True)
class Options:
    """The options of one load test; None stands for the load profile's own value."""

    url: str = ""
    model: str | None = None
    api_key_env: str = "OPENAI_API_KEY"
    users: int | None = None
    rate: float | None = None
    arrivals: str = "poisson"
    duration: float | None = None
    requests: int | None = None
    warmup: float | None = None
    workload: str | None = None
    slo: str | None = None
    abort: bool = False
    queue: str | None = None
    levels: str | None = None
    out: str | None = None
    seed: int = 0
    connect_timeout: float = 10.0
    first_timeout: float = 120.0
    idle_timeout: float = 60.0
    timeout: float = 600.0
    max_body: float = 64.0
    grace: float = 30.0
    keep: float = 0.01
    no_reuse: bool = False
    insecure: bool = False
    tokenizer: str | None = None
    extra_body: str | None = None
    # Said by the master to its workers.
    total_users: int = 0
    workers: int = 1
    tables: bool = True  # whether anybody sees Locust's own

    @property
    def limits(self) -> Limits:
        """The bounds of one request."""
        return Limits(self.connect_timeout, self.first_timeout, self.idle_timeout, self.timeout, self.max_body)

    @property
    def extra(self) -> dict[str, Any]:
        """Members that each JSON body is given in place of its own; null takes one away. Raises Invalid."""
        try:
            found = orjson.loads(self.extra_body or "{}")
        except orjson.JSONDecodeError as error:
            raise Invalid("--extra-body", "", f"is not JSON: {error}") from None
        if not isinstance(found, dict):
            raise Invalid("--extra-body", "", "expected a JSON object")
        if fixed := sorted({"model", "messages", "prompt", "input", "stream"} & found.keys()):
            raise Invalid("--extra-body", "", f"{fixed[0]} is given by the profile, the workload or --model")
        return found

    @classmethod
    def of(cls, given: Mapping[str, Any]) -> Options:
        """The options among these names; locust's own `num_users`, `run_time` and `host` stand for ours."""
        found = {f.name: given[f.name] for f in dataclasses.fields(cls) if given.get(f.name) is not None}
        for ours, theirs in (("users", "num_users"), ("duration", "run_time"), ("url", "host")):
            if found.get(ours) is None and given.get(theirs) is not None:
                found[ours] = given[theirs]
        return cls(**found)


FLAGS: tuple[tuple[str, type, str], ...] = (
    ("model", str, "Model ID. Default: the first that the target lists."),
    ("api-key-env", str, "Variable that holds the key."),
    ("rate", float, "Requests per second (open loop)."),
    ("arrivals", str, "poisson or constant (open loop)."),
    ("requests", int, "End after so many requests."),
    ("warmup", float, "Seconds at the start that are not counted."),
    ("workload", str, "Name or file (YAML) of prompts and lengths."),
    ("slo", str, "File (YAML) of limits to hold."),
    ("queue", str, "Pattern of the queue, P0 to P6, or a file (YAML)."),
    ("levels", str, "Levels of a sweep, with commas."),
    ("out", str, "Folder for the results."),
    ("seed", int, "Of prompts, lengths and arrivals."),
    ("connect-timeout", float, "Seconds to connect."),
    ("first-timeout", float, "Seconds to the first token."),
    ("idle-timeout", float, "Seconds between two reads."),
    ("timeout", float, "Seconds one request may take."),
    ("max-body", float, "MiB of one answer, headers and all."),
    ("grace", float, "Seconds given to requests under way at the end."),
    ("keep", float, "Share of streams whose bytes are kept and judged."),
    ("tokenizer", str, "tokenizer.json, for servers that send no usage."),
    ("extra-body", str, "JSON object of members for each request's body; null takes one away."),
)
"""The flags that locust does not have: name, type, help."""

SWITCHES = (
    ("no-reuse", "A new connection for each request."),
    ("insecure", "Do not verify the certificate."),
    ("abort", "Stop as soon as the SLO cannot hold."),
)


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the flags to locust's own parser."""
    group = parser.add_argument_group("seatrial")
    defaults = Options()
    for name, kind, text in FLAGS:
        known = name.replace("-", "_")
        group.add_argument(f"--{name}", type=kind, default=getattr(defaults, known), help=text)
    for name, text in SWITCHES:
        group.add_argument(f"--{name}", action="store_true", help=text)
