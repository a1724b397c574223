"""A backend lives as long as who started it, and is asked for what the cells of the table rest on."""

from __future__ import annotations

import fnmatch
import os
import sys
from pathlib import Path

from seatrial import session
from seatrial.backends import compatibility, lifetime
from seatrial.session import Options

STAY = """
import os, sys
from pathlib import Path
from seatrial.backends import lifetime
port = lifetime.free_port()
words = [word.replace("PORT", str(port)) for word in sys.argv[2:]]
sys.exit(lifetime.stay([sys.executable, *words], port, "/", Path(sys.argv[1]), os.environ))
"""


def command(log: Path, *words: str) -> list[str]:
    return [sys.executable, "-c", STAY, str(log), *words]


def test_a_backend_says_where_it_is_and_ends_with_the_block(tmp_path: Path) -> None:
    served = command(tmp_path / "log", "-m", "http.server", "PORT", "--bind", "127.0.0.1", "--directory", str(tmp_path))
    with lifetime.serving(served, os.environ) as url:
        assert url.startswith("http://127.0.0.1:")
        address = url.removesuffix("v1")
        assert lifetime.healthy(address)
    assert not lifetime.healthy(address)


def test_one_that_ends_by_itself_has_no_address(tmp_path: Path) -> None:
    with lifetime.serving(command(tmp_path / "log", "-c", "raise SystemExit('no model')"), os.environ) as url:
        assert url == ""
    assert "no model" in (tmp_path / "log").read_text()


def test_each_cell_is_asked_for_by_scenarios_that_are_there() -> None:
    words = compatibility.asked()
    options = Options("", tier="nightly")
    names = {case.scenario.id for case in session.select(session.catalog(options), options)[0]}
    assert set(words[::2]) == {"--only"}
    assert [glob for glob in words[1::2] if not any(fnmatch.fnmatchcase(name, glob) for name in names)] == []
