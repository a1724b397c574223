"""A load profile: who asks, how many at a time or how often, for how long, and what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from seatrial.load.ask import Ask
from seatrial.load.options import Options
from seatrial.model import Invalid

CHAT = Ask("chat", "load.chat", "chat_stream")


@dataclass(frozen=True, slots=True)
class Phase:
    """A stretch of the test: so many users (closed loop) or requests per second (open loop)."""

    name: str
    seconds: float
    users: int = 0
    rate: float = 0.0
    counted: bool = True


Plan = Callable[[Options], list[Phase]]


@dataclass(frozen=True, slots=True)
class Profile:
    """`plan` gives the phases for the options at hand; `open` profiles send at planned times, whatever comes back."""

    name: str
    title: str
    plan: Plan
    asks: tuple[Ask, ...] = (CHAT,)
    open: bool = False
    workload: str = "chat"
    queue: str | None = None
    """The queue pattern that a job goes through, where it goes through one."""
    requests: int | None = None
    """How many requests make the test, where that bounds it and not time."""
    phases_matter: bool = False
    """Whether the report shows the phases beside each other."""
    extra: dict[str, float] = field(default_factory=dict)

    def quota(self, options: Options) -> int | None:
        """How many requests end the test, or None."""
        return options.requests or (self.requests if options.duration is None else None)


def warmup(options: Options, seconds: float) -> float:
    """Seconds not counted: as asked for, else a tenth of the test and at most 10; none where requests are counted."""
    if options.warmup is not None:
        return options.warmup
    return 0.0 if options.requests else min(10.0, seconds / 10)


def closed(users: int, seconds: float) -> Plan:
    """That many users at once, each with one request at a time."""

    def plan(options: Options) -> list[Phase]:
        count, length = options.users or users, options.duration or seconds
        warm = warmup(options, length)
        head = [Phase("", warm, count, counted=False)] if warm else []
        return [*head, Phase("", max(length - warm, 0.1), count)]

    return plan


def arrivals(rate: float, seconds: float) -> Plan:
    """That many requests a second, at planned times."""

    def plan(options: Options) -> list[Phase]:
        often, length = options.rate or rate, options.duration or seconds
        warm = warmup(options, length)
        head = [Phase("", warm, rate=often, counted=False)] if warm else []
        return [*head, Phase("", max(length - warm, 0.1), rate=often)]

    return plan


def levels(given: tuple[int, ...], seconds: float, settle: float) -> Plan:
    """One level after the other; the first `settle` seconds of each are not counted."""

    def plan(options: Options) -> list[Phase]:
        try:
            chosen = [int(n) for n in options.levels.split(",")] if options.levels else list(given)
        except ValueError:
            chosen = []
        if not chosen or min(chosen) < 1:
            raise Invalid("--levels", "", "expected numbers from 1, with commas")
        if options.users and not options.levels:
            chosen = [n for n in given if n < options.users] + [options.users]
        each = (options.duration or seconds * len(chosen)) / len(chosen)
        head = min(options.warmup if options.warmup is not None else settle, each / 2)
        found = []
        for n in chosen:
            if head:
                found.append(Phase(f"{n} user{'s' if n > 1 else ''}", head, n, counted=False))
            found.append(Phase(f"{n} user{'s' if n > 1 else ''}", each - head, n))
        return found

    return plan


def ramp(users: int, seconds: float, steps: int = 10) -> Plan:
    """From few users to many, in equal steps."""

    def plan(options: Options) -> list[Phase]:
        top, length = options.users or users, options.duration or seconds
        count = min(steps, top)
        sizes = [max(1, round(top * (i + 1) / count)) for i in range(count)]
        return [Phase(f"{n} user{'s' if n > 1 else ''}", length / count, n) for n in sizes]

    return plan


def bursts(rate: float, factor: float, calm: float, spike: float, times: int) -> Plan:
    """Calm arrivals, with bursts of `factor` times the rate."""

    def plan(options: Options) -> list[Phase]:
        base, length = options.rate or rate, options.duration or (calm + spike) * times + calm
        scale = length / ((calm + spike) * times + calm)
        found = []
        for _ in range(times):
            found += [Phase("calm", calm * scale, rate=base), Phase("burst", spike * scale, rate=base * factor)]
        return [*found, Phase("calm", calm * scale, rate=base)]

    return plan
