"""What `seatrial --version` says: two installations of the same words judge by the same requirements."""

from __future__ import annotations

import hashlib
from pathlib import Path

from seatrial import __version__, citation, home
from seatrial.check import checks

_JUDGING = ("check.py", "expect.py", "judge.py", "schema.py", "scenario.py", "sdk.py", "sse.py")
"""Modules of the engine that verdicts hang on, beside checks, views, scenarios and schemas."""


def said() -> str:
    """The version, the specification, and the requirements with a mark that changes whenever one of them does."""
    return (
        f"seatrial, version {__version__}\n"
        f"specification: {citation.title('openai')}\n"
        f"requirements: set {requirement_set()}, {len(checks())} checks"
    )


def requirement_set() -> str:
    """Twelve hexadecimal digits made of every file that says or judges a requirement, by name and content."""
    package = Path(__file__).parent
    roots = {name: home.folder(name) for name in ("scenarios", "schemas")}
    files = {
        f"{name}/{path.relative_to(root).as_posix()}": path
        for name, root in {**roots, "checks": package / "checks", "view": package / "view"}.items()
        for path in root.rglob("*")
        if path.suffix in (".py", ".yaml", ".json")
    } | {name: package / name for name in _JUDGING}
    made = hashlib.sha256()
    for name, path in sorted(files.items()):
        content = path.read_bytes().replace(b"\r\n", b"\n")  # as a checkout on Windows may have it
        made.update(f"{name}\0{len(content)}\0".encode() + content)
    return made.hexdigest()[:12]
