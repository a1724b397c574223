"""The pytest plugin's entry point: registers `suites/plugin.py`, loaded by path, so that this package needs no pytest."""

from __future__ import annotations

from typing import Any

from seatrial.home import folder
from seatrial.loading import module_at


def pytest_addoption(parser: Any, pluginmanager: Any) -> None:
    """Adds the options and fixtures of seatrial to any pytest session."""
    plugin = module_at(folder("suites") / "plugin.py", "seatrial_suites_plugin")
    if not pluginmanager.is_registered(plugin):
        pluginmanager.register(plugin, "seatrial-suites")
        plugin.add_options(parser)
