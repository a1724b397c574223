"""The layers of the design hold: who may import what."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("suites", "schemas", "scenarios", "locustfiles", "reports")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever it does so."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def roots(path: Path) -> set[str]:
    return {name.split(".")[0] for name in imports(path)}


def modules(*parts: str) -> list[Path]:
    return sorted(ROOT.joinpath(*parts).rglob("*.py"))


@pytest.mark.parametrize("path", modules("seatrial"), ids=str)
def test_the_package_imports_none_of_the_folders_and_no_runner(path: Path) -> None:
    assert not roots(path) & {*FOLDERS, "pytest", "allure", "hypothesis", "tests"}


@pytest.mark.parametrize("path", modules("seatrial"), ids=str)
def test_locust_and_the_load_clients_libraries_stay_in_the_load_module(path: Path) -> None:
    if "load" not in path.relative_to(ROOT / "seatrial").parts[:1]:
        assert not roots(path) & {"locust", "gevent", "httptools", "ddsketch"}


@pytest.mark.parametrize("path", modules("seatrial", "load"), ids=lambda p: p.name)
def test_the_load_path_judges_nothing(path: Path) -> None:
    if path.name != "judged.py":  # runs after the test, in a process of its own
        assert not roots(path) & {"jsonschema", "pydantic", "openai", "httpx"}
        assert not imports(path) & {"seatrial.schema", "seatrial.check", "seatrial.judge", "seatrial.client"}


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_folders_import_none_of_each_other(folder: str) -> None:
    for path in modules(folder):
        assert not roots(path) & set(FOLDERS), path


def test_the_nouns_need_only_the_standard_library() -> None:
    assert roots(ROOT / "seatrial" / "model.py") <= set(sys.stdlib_module_names)


@pytest.mark.parametrize("path", modules("seatrial", "checks"), ids=lambda p: p.name)
def test_checks_import_only_nouns_registry_and_views(path: Path) -> None:
    own = {name for name in imports(path) if name.startswith("seatrial")}
    allowed = ("seatrial.check", "seatrial.view", "seatrial.model")
    assert all(name == "seatrial" or name.startswith(allowed) for name in own), own
    assert not roots(path) & {"time", "random", "socket", "os", "io", "pathlib", "httpx", "yaml", "secrets", "datetime"}


@pytest.mark.parametrize("path", modules("seatrial"), ids=str)
def test_http_and_yaml_have_one_door_each(path: Path) -> None:
    name = path.relative_to(ROOT / "seatrial").as_posix()
    if name != "client.py" and not name.startswith(("server/", "backends/")):
        assert "httpx" not in roots(path)
    if name != "files.py":
        assert "yaml" not in roots(path)


@pytest.mark.parametrize("path", modules("seatrial", "server"), ids=lambda p: p.name)
def test_the_accused_shares_no_code_with_the_judge(path: Path) -> None:
    own = {name for name in imports(path) if name.startswith("seatrial")}
    assert all(name.startswith("seatrial.server") for name in own), own


def test_importing_the_package_imports_no_runner() -> None:
    code = (
        "import sys, seatrial, seatrial.load;"
        "print([m for m in ('locust','gevent','pytest','hypothesis','allure','httpx','jsonschema') if m in sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )


def test_modules_stay_small() -> None:
    large = {
        str(p): n
        for f in ("seatrial", "reports", "suites")
        for p in modules(f)
        if (n := len(p.read_text().splitlines())) > 400
    }
    assert not large
