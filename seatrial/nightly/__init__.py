"""A night: many targets checked side by side, kept in the history, and shown on a static site."""

from __future__ import annotations

from seatrial.nightly.targets import Targets, Tested, load

__all__ = ["Targets", "Tested", "load"]
