"""A backend lives as long as who started it, and is asked for what the cells of the table rest on."""

from __future__ import annotations

import fnmatch
import os
import sys
from pathlib import Path

from seatrial import files, home
from seatrial.backends import compatibility, lifetime

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


def test_each_cell_is_asked_for_by_scenarios_of_the_gate() -> None:
    words = compatibility.asked()
    assert set(words[::2]) == {"--only"}
    rows = files.read(home.folder("reports") / "compatibility.yaml", "compatibility.schema.json").data["rows"]
    for row in rows:
        globs = [glob.partition("/")[0].partition("[")[0] for glob in row["works"]]
        assert any(fnmatch.fnmatchcase(name, glob) for glob in globs for name in words[1::2]), row["title"]
    assert "chat.stream-twins-more" not in words
