"""The registry of checks: pure functions that judge one exchange, or the exchanges of one case."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seatrial.model import Exchange, Finding, Invalid, Level

Judge = Callable[[Exchange], Iterator[Finding]]
Relate = Callable[[Sequence[Exchange]], Iterator[Finding]]


class Inconclusive(Exception):
    """Raised in a check when what the requirement speaks of was not to be seen: neither pass nor fail."""


@dataclass(frozen=True, slots=True)
class Check:
    """One requirement on the wire. `function` yields a Finding per breach; its docstring is the requirement."""

    id: str
    level: Level
    spec: str
    requirement: str
    applies: Callable[[Any], bool]
    function: Callable[[Any], Iterator[Finding]]
    relation: bool
    source: str


_registry: dict[str, Check] = {}


def _register(id: str, level: Level, applies: Any, spec: str, relation: bool, function: Any) -> None:
    place = getattr(function, "__code__", None)
    source = place.co_filename if place else "?"
    if id in _registry and _registry[id].source != source:
        raise Invalid(source, id, f"a check of this id is registered already, by {_registry[id].source}")
    if not function.__doc__:
        raise Invalid(source, id, "a check needs a docstring: it is the requirement that is printed")
    requirement = " ".join(function.__doc__.split())
    _registry[id] = Check(id, level, spec, requirement, applies, function, relation, source)


def check(id: str, *, level: Level, applies: Callable[[Exchange], bool], spec: str) -> Callable[[Judge], Judge]:
    """Registers a function that judges each exchange for which `applies` is true."""

    def register(function: Judge) -> Judge:
        _register(id, level, applies, spec, False, function)
        return function

    return register


def relation(
    id: str, *, level: Level, applies: Callable[[Sequence[Exchange]], bool], spec: str
) -> Callable[[Relate], Relate]:
    """Registers a function that judges the exchanges of one case together, once the case has ended."""

    def register(function: Relate) -> Relate:
        _register(id, level, applies, spec, True, function)
        return function

    return register


def checks() -> dict[str, Check]:
    """Every check by id, sorted: those of `seatrial/checks/`, and those loaded from the user's folders."""
    package = importlib.import_module("seatrial.checks")
    for module in pkgutil.iter_modules(package.__path__):
        importlib.import_module(f"seatrial.checks.{module.name}")
    return dict(sorted(_registry.items()))


def load_checks(folder: Path) -> None:
    """Registers the checks of a user's folder: every `*.py` in it, run once, in the order of the names.

    Raises Invalid, naming the file, where one cannot be imported.
    """
    for path in sorted(folder.glob("*.py")):
        name = f"seatrial_user_checks_{path.stem}"
        if name in sys.modules:
            continue
        spec = importlib.util.spec_from_file_location(name, path)
        if spec is None or spec.loader is None:
            raise Invalid(str(path), "", "is not a Python module")
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        try:
            spec.loader.exec_module(module)
        except Invalid:
            raise
        except Exception as error:
            del sys.modules[name]
            raise Invalid(str(path), "", f"cannot be imported: {type(error).__name__}: {error}") from error
