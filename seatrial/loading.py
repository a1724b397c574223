"""Loads modules of the five folders by path."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from types import ModuleType

from seatrial.home import folder
from seatrial.model import Invalid


def module_at(path: Path, name: str) -> ModuleType:
    """The module in that file, executed once under that name."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not path.is_file():
        raise Invalid(str(path), "", "is not a Python module")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def report_formats(prefix: str = "") -> dict[str, ModuleType]:
    """Every report format by name: one module of `reports/` each, with `FILE` and `write(run, out)`.

    Those of a check by themselves; those of a load test with the prefix `load_`.
    """
    return {
        path.stem: module_at(path, f"seatrial_reports_{path.stem}")
        for path in sorted(folder("reports").glob("*.py"))
        if path.stem.startswith(prefix) and path.stem.startswith("load_") == bool(prefix)
    }
