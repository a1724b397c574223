"""The wheel as users have it: installed without the checkout, and run from another folder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from seatrial import __version__, version

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("suites", "schemas", "scenarios", "locustfiles", "reports")
Installed = Callable[..., subprocess.CompletedProcess[str]]


def shipped(folder: Path) -> set[str]:
    """The names of the files in that folder of the checkout, caches aside."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not {"__pycache__", ".pytest_cache", ".hypothesis", ".ruff_cache"} & set(path.parts)
    }


@pytest.fixture(scope="session")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, built from the checkout by the declared backend."""
    out = tmp_path_factory.mktemp("dist")
    built = subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", str(out)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    return out


@pytest.fixture(scope="session")
def installed(dist: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Runs Python where the wheel is installed and the checkout is not known: the command in a folder of its own."""
    home = tmp_path_factory.mktemp("clean")
    venv.create(home / "venv", symlinks=True)
    python = home / "venv" / "bin" / "python"
    site = Path(sysconfig.get_path("purelib", vars={"base": str(home / "venv")}))
    [wheel] = dist.glob("*.whl")
    # The dependencies are those of the environment that runs the tests: by this no network is needed.
    (site / "dependencies.pth").write_text(
        "\n".join(path for path in sys.path if path.endswith("-packages")) + "\n", encoding="utf-8"
    )
    pip = [sys.executable, "-m", "pip", f"--python={python}", "install", "--quiet", "--no-deps", "--no-index"]
    subprocess.run([*pip, "--ignore-installed", str(wheel)], check=True, timeout=120)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("OPENAI_", "PYTHON", "PYTEST_", "SEATRIAL_"))}

    def ran(*arguments: str, cwd: Path, timeout: float = 240) -> subprocess.CompletedProcess[str]:
        # -P: as the installed script, without the folder that the command was given in.
        return subprocess.run(
            [str(python), "-P", *arguments], cwd=cwd, env=env, capture_output=True, text=True, timeout=timeout
        )

    return ran


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_wheel_holds_every_file_of_the_five_folders(dist: Path, folder: str) -> None:
    [wheel] = dist.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    assert {f"seatrial/{name}" for name in shipped(ROOT / folder)} <= names
    assert "seatrial/py.typed" in names
    assert not [name for name in names if name.endswith((".pyc", ".jsonl")) or name.startswith(("tests", "bench"))]


def test_the_sdist_holds_what_the_wheel_is_made_of_and_the_tests(dist: Path) -> None:
    [sdist] = dist.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    for folder in (*FOLDERS, "seatrial", "tests", "requirements"):
        assert shipped(ROOT / folder) <= names
    assert names >= {"Makefile", "LICENSE", "README.md", "CHANGELOG.md", "pyproject.toml"}
    assert not [name for name in names if name.startswith((".git/", "results/", ".venv", "dist/"))]


def test_the_package_is_the_installed_one(installed: Installed, tmp_path: Path) -> None:
    said = installed("-c", "import seatrial; print(seatrial.__file__)", cwd=tmp_path).stdout
    assert "site-packages" in said
    assert str(ROOT) not in said


def test_the_version_names_the_specification_and_the_requirements(installed: Installed, tmp_path: Path) -> None:
    said = installed("-m", "seatrial", "--version", cwd=tmp_path)
    assert said.stdout == version.said() + "\n", said.stderr
    first, second, third = said.stdout.splitlines()
    assert first == f"seatrial, version {__version__}"
    assert second.startswith("specification: OpenAI API description (OpenAPI 3.1.0, version 2.")
    assert third.startswith(f"requirements: set {version.requirement_set()}, ")


def test_the_mark_changes_with_a_requirement(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before = version.requirement_set()
    (tmp_path / "scenarios").mkdir()
    (tmp_path / "schemas").mkdir()
    monkeypatch.setattr("seatrial.home.folder", lambda name: tmp_path / name)
    (tmp_path / "scenarios" / "a.yaml").write_text("a: 1\n")
    one = version.requirement_set()
    (tmp_path / "scenarios" / "a.yaml").write_bytes(b"a: 1\r\n")
    assert version.requirement_set() == one
    (tmp_path / "scenarios" / "a.yaml").write_text("a: 2\n")
    assert len({before, one, version.requirement_set()}) == 3


@pytest.mark.parametrize("what", ["checks", "scenarios", "profiles", "capabilities", "loads", "coverage"])
def test_what_there_is_is_listed(installed: Installed, tmp_path: Path, what: str) -> None:
    said = installed("-m", "seatrial", "list", what, cwd=tmp_path)
    assert said.returncode == 0, said.stderr
    assert len(said.stdout.splitlines()) >= 9


def test_a_check_a_rendering_and_a_judgement(installed: Installed, tmp_path: Path) -> None:
    checked = installed("-m", "seatrial", "check", "--tier", "smoke", "--out", "run", cwd=tmp_path)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "PASSED" in checked.stdout
    page = (tmp_path / "run" / "report.html").read_text("utf-8")
    assert "<style>" in page
    assert "<script>" in page
    assert json.loads((tmp_path / "run" / "results.json").read_bytes())["complete"]
    assert list((tmp_path / "run" / "allure-results").iterdir())
    explained = installed("-m", "seatrial", "explain", "stream.done-sentinel", cwd=tmp_path)
    assert "[DONE]" in explained.stdout, explained.stderr
    for form in ("html", "json", "junit", "markdown", "terminal", "allure"):
        told = installed("-m", "seatrial", "report", "run", "--as", form, cwd=tmp_path)
        assert told.returncode == 0, told.stderr
    judged = installed("-m", "seatrial", "judge", "run", cwd=tmp_path)
    assert judged.returncode == 0, judged.stdout + judged.stderr


def test_a_load_test_and_its_report(installed: Installed, tmp_path: Path) -> None:
    loaded = installed("-m", "seatrial", "load", "smoke", "--out", "load", "--requests", "3", cwd=tmp_path)
    assert loaded.returncode in (0, 4), loaded.stdout + loaded.stderr
    told = json.loads((tmp_path / "load" / "load.json").read_bytes())
    assert told["client"]["saturated"] or loaded.returncode == 0, loaded.stdout  # by others that share the machine
    assert told["requests"]["ok"] == 3
    assert "<style>" in (tmp_path / "load" / "report.html").read_text("utf-8")


def test_the_plugin_is_there_for_pytest(installed: Installed, tmp_path: Path) -> None:
    said = installed("-m", "pytest", "--help", "-p", "no:cacheprovider", cwd=tmp_path)
    assert "--base-url" in said.stdout, said.stderr
