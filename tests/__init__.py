"""The tests."""

from __future__ import annotations

import pytest

measured = pytest.mark.flaky(reruns=3, only_rerun="AssertionError")
"""For a test that reads a clock: on a machine that does other work, a time is measured again before it counts."""

waited = pytest.mark.flaky(reruns=2, only_rerun=r"timeout: (nothing came|the answer did not end)")
"""For a test that plays a server within bounds of few seconds: where one was reached it is played again."""
