"""A server that behaves badly on purpose, to prove that nothing it does breaks the instrument.

One behaviour is one function in a file by theme, found by being here; it shares no code with the client it plays to.
"""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seatrial.hostile.peer import Peer

Play = Callable[["Peer"], None]

WHEN = ("stream", "plain", "post", "models", "every", "accept", "never")
"""What meets the behaviour: a streamed POST, one that is not, any POST, GET /models, every request, a connection before
its request is read, or nothing, since no connection comes about. All else is answered well."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command makes of a behaviour: its exit code, and a regular expression that its words on the terminal match."""

    code: int
    words: str


@dataclass(frozen=True, slots=True)
class Behaviour:
    """One way to behave badly, or oddly and within the law; what each command must make of it; and its bounds."""

    id: str
    summary: str
    when: str
    play: Play
    check: Outcome | None
    load: Outcome | None
    scheme: str = "http"
    host: str = "127.0.0.1"
    """The host of the URL that the command is given; the server listens on 127.0.0.1, or on ::1 where it is `[::1]`."""
    bind: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)
    """Variables of the command; `{trap}` stands for the port of the trap, `{closed}` for one where nobody listens."""
    seconds: float = 60.0
    mib: int = 400


_table: dict[str, Behaviour] = {}


def behaviour(
    id: str,
    when: str = "post",
    check: tuple[int, str] | None = None,
    load: tuple[int, str] | None = None,
    *,
    scheme: str = "http",
    host: str = "127.0.0.1",
    bind: str = "",
    environment: Mapping[str, str] | None = None,
    seconds: float = 60.0,
) -> Callable[[Play], Play]:
    """Registers a function as that behaviour; its docstring says what it does."""

    def register(play: Play) -> Play:
        if id in _table or when not in WHEN:
            raise ValueError(id)
        _table[id] = Behaviour(
            id,
            " ".join((play.__doc__ or "").split()),
            when,
            play,
            Outcome(*check) if check else None,
            Outcome(*load) if load else None,
            scheme,
            host,
            bind,
            environment or {},
            seconds,
        )
        return play

    return register


@cache
def behaviours() -> Mapping[str, Behaviour]:
    """Every behaviour by its id, themes in the order of their names."""
    for module in pkgutil.iter_modules(__path__):
        if module.name not in ("__main__", "table"):
            importlib.import_module(f"{__name__}.{module.name}")
    return _table
