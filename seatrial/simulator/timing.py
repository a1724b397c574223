"""What a simulated backend is told: its times, its capacity and its faults."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

STREAM_FAULTS = (
    "unterminated",
    "missing-done",
    "two-terminals",
    "crossed",
    "error-event",
    "reset",
    "http-500",
    "empty",
    "wrong-usage",
    "truncated",
    "hang",
)
PLAIN_FAULTS = ("reset", "http-500", "empty", "wrong-usage", "truncated", "hang")
JOB_FAULTS = ("lost-job", "duplicate-run", "swapped-answer", "failed-job")

MS = 1_000_000
"""Nanoseconds in a millisecond."""


def _flag(default: Any, help: str, metavar: str = "MS") -> Any:
    return field(default=default, metadata={"help": help, "metavar": metavar})


@dataclass(frozen=True, slots=True)
class Timing:
    """The flags of a simulator; times are milliseconds. Raises ValueError for one that makes no sense.

    The first token comes `ttft + prefill * prompt tokens / 1000` after the request got its slot, and every later event
    one decode step after the one before. Deadlines are absolute: a late event does not delay the next.
    """

    ttft: float = _flag(0.0, "Milliseconds from service to the first token.")
    prefill: float = _flag(0.0, "Milliseconds more for each 1,000 prompt tokens (words).")
    itl: float = _flag(0.0, "Milliseconds of a decode step, which yields one event.")
    itl_per_slot: float = _flag(0.0, "Milliseconds added to a step for each busy slot.")
    slots: int = _flag(0, "Requests served at once, the others wait in line; 0: all.", "N")
    queue_limit: int = _flag(0, "Requests that may wait, the others get 429; 0: all.", "N")
    jitter: float = _flag(0.0, "Each step's time is multiplied by a uniform 1 ± this fraction.", "FRACTION")
    seed: int = _flag(0, "Seeds jitter and faults.", "N")
    role_ms: float | None = _flag(
        None, "Milliseconds from service to the role chunk; else just before the first token."
    )
    reasoning: int = _flag(0, "Reasoning tokens before the answer.", "N")
    tokens_per_event: int = _flag(1, "Tokens in each event.", "N")
    stall: tuple[str, ...] = _flag((), "Pauses before this token, counted from 1; repeatable.", "MS@TOKEN")
    max_output: int = _flag(128, "Output tokens when the request names no limit.", "N")
    fault: tuple[str, ...] = _flag((), "Plants a fault in this share of the requests; repeatable.", "NAME:SHARE")

    def __post_init__(self) -> None:
        for name in ("ttft", "prefill", "itl", "itl_per_slot", "slots", "queue_limit", "reasoning", "role_ms"):
            value = getattr(self, name)
            if value is not None and not 0 <= value < 1e9:
                raise ValueError(f"--{name.replace('_', '-')}: {value} is not a number from 0 to 1e9")
        if not 0 <= self.jitter <= 1:
            raise ValueError(f"--jitter: {self.jitter} is not a fraction from 0 to 1")
        if self.tokens_per_event < 1 or self.max_output < 1:
            raise ValueError("--tokens-per-event and --max-output are at least 1")
        self.stalls()
        for known in (STREAM_FAULTS, JOB_FAULTS):
            if sum(share for _, share in self.faults(known)) > 1:
                raise ValueError("--fault: the shares are more than 1 together")

    def stalls(self) -> dict[int, int]:
        """Nanoseconds of pause before a token, which is counted from 1."""
        found: dict[int, int] = {}
        for text in self.stall:
            ms, _, token = text.partition("@")
            try:
                pause, number = float(ms), int(token)
            except ValueError:
                raise ValueError(f"--stall: {text!r} is not MS@TOKEN") from None
            if not 0 <= pause < 1e9 or number < 1:
                raise ValueError(f"--stall: {text!r} is not MS@TOKEN with MS >= 0 and TOKEN >= 1")
            found[number] = found.get(number, 0) + round(pause * MS)
        return found

    def faults(self, kinds: tuple[str, ...]) -> list[tuple[str, float]]:
        """The planted faults among these kinds, and the share of requests of each."""
        found = []
        for text in self.fault:
            name, _, share = text.partition(":")
            if name not in STREAM_FAULTS + JOB_FAULTS:
                raise ValueError(f"--fault: unknown {name!r}; one of {', '.join(STREAM_FAULTS + JOB_FAULTS)}")
            try:
                part = float(share or 1)
            except ValueError:
                part = -1.0
            if not 0 <= part <= 1:
                raise ValueError(f"--fault: {text!r} is not NAME:SHARE with a share from 0 to 1")
            if name in kinds:
                found.append((name, part))
        return found


@dataclass(frozen=True, slots=True)
class Flag:
    """One command-line flag of `Timing`, for whichever parser of arguments is at hand."""

    name: str
    type: type
    repeats: bool
    default: Any
    help: str
    metavar: str

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")


def flags() -> list[Flag]:
    """The flags of `Timing`, in its order."""
    found = []
    for row in fields(Timing):
        repeats = isinstance(row.default, tuple)
        kind = str if repeats else float if row.default is None else type(row.default)
        found.append(Flag(row.name, kind, repeats, row.default, row.metadata["help"], row.metadata["metavar"]))
    return found


def timing_of(given: dict[str, Any]) -> Timing:
    """The timing that these values of flags say; what is absent or None has its default. Raises ValueError."""
    values: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in given.items() if v is not None}
    return Timing(**values)


def arguments(timing: Timing) -> list[str]:
    """The command line that says the same."""
    words = []
    for flag in flags():
        value = getattr(timing, flag.name)
        if value != flag.default:
            for one in value if flag.repeats else (value,):
                words += [flag.option, str(one)]
    return words
