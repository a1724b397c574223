"""Families of routes: each module has `ROUTES`, path -> method -> handler of a Call."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable
from functools import cache
from typing import Any


@cache
def handlers_by_path() -> dict[str, dict[str, Callable[[Any], Any]]]:
    """The handlers of every path, by method: the `ROUTES` of each module of this package."""
    found: dict[str, dict[str, Callable[[Any], Any]]] = {}
    for module in sorted(module.name for module in pkgutil.iter_modules(__path__)):
        for path, handlers in getattr(importlib.import_module(f"{__name__}.{module}"), "ROUTES", {}).items():
            found.setdefault(path, {}).update(handlers)
    # A path that is spelt out goes before one with a parameter in its place.
    return dict(sorted(found.items(), key=lambda item: item[0].replace("{", "~")))
