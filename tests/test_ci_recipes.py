"""What people paste into their CI works: the GitHub Action's steps, the GitLab job and the shell recipe, run as there."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
import yaml

from seatrial import server
from tests.conftest import answer, raw_server

ROOT = Path(__file__).resolve().parent.parent
ACTION = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
KEY = "sk-ci-recipes"
EXPRESSION = re.compile(r"\$\{\{ (.*?) \}\}")


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel that pip installs without an index; its command `seatrial` is the one under test."""
    path = tmp_path_factory.mktemp("wheel") / "stand_in-1-py3-none-any.whl"
    code = (
        "import os, sys\n"
        f"os.environ['PYTHONPATH'] = {os.pathsep.join([str(ROOT), os.environ.get('PYTHONPATH', '')])!r}\n"
        f"def main(): os.execv({sys.executable!r}, [{sys.executable!r}, '-m', 'seatrial', *sys.argv[1:]])\n"
    )
    with zipfile.ZipFile(path, "w") as wheel:
        wheel.writestr("stand_in.py", code)
        wheel.writestr("stand_in-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: stand-in\nVersion: 1\n")
        wheel.writestr("stand_in-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("stand_in-1.dist-info/entry_points.txt", "[console_scripts]\nseatrial = stand_in:main\n")
        wheel.writestr("stand_in-1.dist-info/RECORD", "")
    return path


def environment(**more: str) -> dict[str, str]:
    own = ("OPENAI_", "PYTEST_", "GITHUB_", "SEATRIAL", "CI_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(own)}
    return {**kept, "PIP_NO_INDEX": "1", **more}


class Job:
    """A job of GitHub's that uses the action: each of its shell steps runs as the runner runs it."""

    def __init__(self, folder: Path, **inputs: str) -> None:
        self.folder = folder
        self.inputs = {name: row.get("default", "") for name, row in ACTION["inputs"].items()}
        self.inputs |= {name.replace("_", "-"): value for name, value in inputs.items()}
        self.output, self.summary, self.temp = folder / "output", folder / "summary", folder / "temp"
        self.temp.mkdir()
        self.outputs: dict[str, str] = {}

    def value(self, text: str) -> str:
        return EXPRESSION.sub(lambda hit: next(filter(None, map(self._term, hit[1].split(" || "))), ""), text)

    def _term(self, name: str) -> str:
        kind, _, rest = name.partition(".")
        if kind == "inputs":
            return self.inputs[rest]
        found = {"github.action_path": str(ROOT), "runner.temp": str(self.temp)}
        found |= {f"steps.check.outputs.{key}": value for key, value in self.outputs.items()}
        return found[name]

    def step(self, name: str) -> subprocess.CompletedProcess[str]:
        step = next(row for row in ACTION["runs"]["steps"] if row["name"] == name)
        assert not EXPRESSION.search(step["run"]), "an input would be taken for shell code"
        script = self.folder / "step.sh"
        script.write_text(step["run"])
        files = {"GITHUB_OUTPUT": str(self.output), "GITHUB_STEP_SUMMARY": str(self.summary), "GITHUB_ACTIONS": "true"}
        env = environment(**files, **{key: self.value(str(value)) for key, value in step["env"].items()})
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(script)],
            cwd=self.folder, env=env, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        if self.output.exists():
            self.outputs = dict(line.split("=", 1) for line in self.output.read_text().splitlines())
        return ran


@pytest.fixture(scope="module")
def installed(package: Path, tmp_path_factory: pytest.TempPathFactory) -> Job:
    """A job whose first step has run."""
    job = Job(tmp_path_factory.mktemp("job"), package=str(package), python=sys.executable)
    ran = job.step("Install seatrial")
    assert ran.returncode == 0, ran.stderr
    return job


def job(installed: Job, folder: Path, **inputs: str) -> Job:
    made = Job(folder, api_key=KEY, tier="smoke", jobs="1", **inputs)
    made.temp = installed.temp
    return made


def commands(said: str) -> list[str]:
    """The lines that GitHub's runner takes for commands, those between stop and resume left out."""
    found, token = [], ""
    for line in map(str.strip, said.splitlines()):
        if token:
            token = "" if line == f"::{token}::" else token
        elif line.startswith("::stop-commands::"):
            token = line.removeprefix("::stop-commands::")
        elif line.startswith("::"):
            found.append(line)
    assert not token, "commands were never taken again"
    return found


def test_the_action_passes_a_server_that_keeps_the_contract(installed: Job, tmp_path: Path) -> None:
    with server.running(server.Settings(api_key=KEY)) as url:
        run = job(installed, tmp_path, url=url, models="seatrial-chat\nembeddings=seatrial-embed")
        ran = run.step("Check the contract")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert run.outputs == {"exit-code": "0", "result": "PASSED", "report": "seatrial-results/report.html"}
    assert run.summary.read_text("utf-8").startswith("## ✅ seatrial: PASSED\n")
    assert [line.partition("::")[2].split("::")[0] for line in commands(ran.stdout)] == [
        "notice title=seatrial%3A PASSED"
    ]
    kept = tmp_path / run.value(next(s["with"]["path"] for s in ACTION["runs"]["steps"] if "uses" in s))
    assert {"report.html", "junit.xml", "results.json", "summary.md", "allure-results"} <= {
        p.name for p in kept.iterdir()
    }
    assert run.step("Hold the gate").returncode == 0
    assert KEY not in ran.stdout + ran.stderr + run.summary.read_text("utf-8")
    outputs = {name: run.value(row["value"]) for name, row in ACTION["outputs"].items()}
    assert outputs == run.outputs


def test_the_action_fails_and_annotates_what_is_broken(installed: Job, tmp_path: Path) -> None:
    with server.running(server.Settings(api_key=KEY, plants=("NC-CHAT-01",))) as url:
        run = job(installed, tmp_path, url=url, models="seatrial-chat", only="chat.plain\nchat.roles*")
        ran = run.step("Check the contract")
    assert ran.returncode == 0, "the reports are kept before the job fails"
    assert run.outputs["exit-code"] == "1"
    assert run.summary.read_text("utf-8").startswith("## ❌ seatrial: FAILED\n")
    said = commands(ran.stdout)
    assert said[0].startswith("::notice title=seatrial%3A FAILED::")
    assert said[1].startswith("::error title=MUST wire.body-schema::")
    assert 'expected: "chat.completion"%0Aactual: "chat.completions"' in said[1]
    assert run.step("Hold the gate").returncode == 1


@pytest.mark.parametrize(
    ("inputs", "code", "why"),
    [
        ({"url": "http://127.0.0.1:9/v1"}, "3", "the target cannot be reached"),
        ({"url": "http://127.0.0.1:9/v1", "tier": "tiny"}, "2", "wrong usage"),
        ({"url": "--help"}, "2", "wrong usage"),
        ({"url": "http://127.0.0.1:9/v1", "args": "--max-requests\n0"}, "2", "wrong usage"),
        ({"url": "http://127.0.0.1:9/v1", "models": "$(touch pwned)", "only": "`touch pwned`"}, "2", "wrong usage"),
    ],
)
def test_the_action_says_why_there_is_no_run(
    inputs: dict[str, str], code: str, why: str, installed: Job, tmp_path: Path
) -> None:
    run = Job(tmp_path, **inputs)
    run.temp = installed.temp
    ran = run.step("Check the contract")
    assert ran.returncode == 0
    assert run.outputs["exit-code"] == code, ran.stdout + ran.stderr
    assert run.outputs["result"] == "INCOMPLETE"
    assert why in run.summary.read_text("utf-8")
    assert commands(ran.stdout)[0].startswith(f"::error title=seatrial::no run (exit code {code}): {why}")
    assert run.step("Hold the gate").returncode == int(code)
    assert not (tmp_path / "pwned").exists()


def test_a_fault_of_seatrial_is_no_failure_of_the_server(tmp_path: Path) -> None:
    (tmp_path / "seatrial").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "seatrial").chmod(0o755)
    env = environment(SEATRIAL=str(tmp_path / "seatrial"), SEATRIAL_URL="http://127.0.0.1:9/v1")
    ran = subprocess.run([str(ROOT / "ci" / "check.sh")], cwd=tmp_path, env=env, timeout=300)
    assert ran.returncode == 4


def test_a_server_gives_the_runner_no_command(installed: Job, tmp_path: Path) -> None:
    evil = "\n::add-mask::a\n  ::set-env name=PATH::/tmp\n::error::owned\n##[add-path]/tmp\n"
    body = ('{"error": {"message": "' + evil.replace("\n", "\\n") * 9 + '", "type": "x"}}').encode()
    with raw_server(lambda connection, _: connection.sendall(answer(body, status="500 Oops"))) as url:
        run = job(installed, tmp_path, url=url, models="m", only="chat.plain")
        ran = run.step("Check the contract")
    assert run.outputs["exit-code"] != "0"
    kinds = {re.split("[ :]", line.removeprefix("::"))[0] for line in commands(ran.stdout)}
    assert kinds <= {"notice", "error", "warning"}
    assert not [line for line in commands(ran.stdout) if line.startswith("::error::owned")]


def test_the_shell_recipe_ends_with_the_checks_exit_code(tmp_path: Path) -> None:
    command = tmp_path / "seatrial"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m seatrial "$@"\n')
    command.chmod(0o755)
    path = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    for name, plants, code in (("good", (), 0), ("bad", ("NC-CHAT-01",), 1)):
        with server.running(server.Settings(api_key=KEY, plants=plants)) as url:
            wanted = {"SEATRIAL_URL": url, "SEATRIAL_ONLY": "chat.plain", "SEATRIAL_OUT": name, "OPENAI_API_KEY": KEY}
            env = environment(SEATRIAL=str(command), PYTHONPATH=path, **wanted)
            ran = subprocess.run(
                [str(ROOT / "ci" / "check.sh")], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600
            )
        assert ran.returncode == code, ran.stdout + ran.stderr
        assert "::" not in re.sub(r"https?://\S+", "", ran.stdout)
        assert (tmp_path / name / "junit.xml").exists()
    unset = subprocess.run(
        [str(ROOT / "ci" / "check.sh")], env=environment(), capture_output=True, text=True, timeout=60
    )
    assert (unset.returncode, unset.stderr) == (2, "no base URL: set SEATRIAL_URL\n")


def test_the_gitlab_job_keeps_its_junit_report(package: Path, tmp_path: Path) -> None:
    template: dict[str, Any] = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text("utf-8"))[".seatrial"]
    with server.running(server.Settings(api_key=KEY, plants=("NC-CHAT-01",))) as url:
        more = {
            "SEATRIAL_URL": url,
            "SEATRIAL_MODELS": "seatrial-chat embeddings=seatrial-embed",
            "OPENAI_API_KEY": KEY,
        }
        more |= {"SEATRIAL_ARGS": "--only chat.plain", "SEATRIAL_PACKAGE": str(package), "CI": "true"}
        env = environment(**{**template["variables"], **more})
        env["PATH"] = f"{Path(sys.executable).parent}:{env['PATH']}"
        script = "set -e\n" + "\n".join(template["script"])
        ran = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=env, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 1, ran.stdout + ran.stderr
    artifacts = template["artifacts"]
    assert artifacts["when"] == "always"
    assert all((tmp_path / path).exists() for path in artifacts["paths"])
    root = ET.parse(tmp_path / artifacts["reports"]["junit"]).getroot()
    assert int(root.get("failures", "0")) > 0


def published(name: str, path: Path) -> None:
    """The file keeps the schema that the service publishes."""
    pytest.importorskip("check_jsonschema", reason="check-jsonschema is not installed")
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", name, str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=600)
    assert ran.returncode == 0, ran.stdout + ran.stderr


@pytest.mark.parametrize(
    ("file", "name"), [("action.yml", "vendor.github-actions"), ("ci/gitlab.yml", "vendor.gitlab-ci")]
)
def test_the_files_keep_the_published_schemas(file: str, name: str) -> None:
    published(name, ROOT / file)


def test_what_the_page_tells_people_to_paste_is_right(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "ci.md").read_text("utf-8")
    github, gitlab = re.findall(r"```yaml\n(.*?)```", text, re.DOTALL)
    (tmp_path / "workflow.yml").write_text(github)
    (tmp_path / "gitlab.yml").write_text(gitlab)
    published("vendor.github-workflows", tmp_path / "workflow.yml")
    published("vendor.gitlab-ci", tmp_path / "gitlab.yml")
    step = next(s for s in yaml.safe_load(github)["jobs"]["contract"]["steps"] if "seatrial" in s["uses"])
    assert set(step["with"]) <= set(ACTION["inputs"])
    template = yaml.safe_load((ROOT / "ci" / "gitlab.yml").read_text("utf-8"))
    pasted = yaml.safe_load(gitlab)["contract"]
    assert set(pasted["variables"]) <= set(template[pasted["extends"]]["variables"])
