"""Files that others wrote: nothing in them is run, fetched, expanded or shown as it is, and none ends in a traceback."""

from __future__ import annotations

import json
import random
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from seatrial import profile, run, scenario, session, summary
from seatrial.cli import cli
from seatrial.load import slo, workload
from seatrial.load.queue import pattern
from seatrial.loading import report_formats
from seatrial.model import Invalid
from tests.test_files import GOOD, HEAD

READERS: dict[str, Callable[[Path], object]] = {
    "scenario": lambda path: scenario.load([path]),
    "profile": lambda path: profile.load(str(path)),
    "workload": lambda path: workload.load(str(path)),
    "slo": lambda path: slo.load(str(path)),
    "queue": lambda path: pattern.load(str(path)),
}
LAUGHS = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{here}: &{here} [{','.join(['*' + before] * 9)}]\n" for before, here in zip("abcdefgh", "bcdefghi", strict=True)
)
TEXTS = {
    "laughs": LAUGHS,
    "command": "title: !!python/object/apply:os.system ['touch {mark}']\n",
    "new": "!!python/object/new:os.system ['touch {mark}']\n",
    "tag": "%TAG ! tag:yaml.org,2002:python/\n---\n!object/apply:os.system ['touch {mark}']\n",
    "module": "title: !!python/name:os.system\n",
    "lists": "[" * 20_000,
    "maps": "{a: " * 5000,
    "blocks": "".join(" " * depth + "a:\n" for depth in range(1000)),
    "digits": "title: " + "9" * 6000 + "\n",
    "hexadecimal": "title: 0x" + "f" * 50_000 + "\n",
    "sexagesimal": "title: 1" + ":59" * 5000 + "\n",
    "nul": "title: \0\n",
    "escapes": 'title: "\\x1b[31mred"\nsurprise\\x1b: 1\n',
    "merge": "a: {b: 1}\n<<: {c: 1}\n",
    "binary": "title: !!binary aGVsbG8=\n",
    "key": "? [a, b]\n: 1\n",
    "documents": "title: a\n---\ntitle: b\n",
    "nothing": "",
    "number": "7\n",
}


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", TEXTS)
def test_no_yaml_does_more_than_be_refused(tmp_path: Path, name: str, reader: str) -> None:
    path, mark = tmp_path / "x.yaml", tmp_path / "mark"
    path.write_text(TEXTS[name].replace("{mark}", str(mark)), "utf-8")
    began = time.process_time()
    with pytest.raises(Invalid) as caught:
        READERS[reader](path)
    assert time.process_time() - began < 5
    assert not mark.exists()
    assert len(str(caught.value)) < 1000


@pytest.mark.parametrize("ref", ["http://{host}/x.json", "//{host}/x", "file:///etc/passwd", "../../../etc/passwd"])
def test_no_reference_leaves_the_package(tmp_path: Path, ref: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0.2)
        text = ref.replace("{host}", f"127.0.0.1:{listener.getsockname()[1]}")
        path = tmp_path / "x.yaml"
        path.write_text(HEAD + GOOD.replace("{status: 200}", f"{{body: {{/x: {{$ref: '{text}'}}}}}}"))
        with pytest.raises(Invalid, match="nothing is fetched"):
            scenario.load([path])
        with pytest.raises(TimeoutError):
            listener.accept()


@pytest.mark.parametrize("id", ["../../x", "/etc/x", "a b", "x\u202e.y", "<script>.x", "=1+1.x"])
def test_no_id_names_a_place_or_a_formula(tmp_path: Path, id: str) -> None:
    path = tmp_path / "x.yaml"
    path.write_text(HEAD + GOOD.replace("a.b:", f"{json.dumps(id)}:"))
    with pytest.raises(Invalid):
        scenario.load([path])


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """The lines of a small run."""
    folder = tmp_path_factory.mktemp("run")
    words = ["check", "--only", "chat.plain", "--only", "errors.model-unknown.chat", "--out", "run"]
    subprocess.run(
        [sys.executable, "-m", "seatrial", *words], cwd=folder, capture_output=True, timeout=120, check=False
    )
    return [json.loads(line) for line in (folder / "run" / "run.jsonl").read_text().splitlines()]


ODD: list[Any] = [
    None,
    True,
    -1,
    10**40,
    0.5,
    "",
    "\ud800",
    "\x1b[31m<script>alert(1)</script>=1+1|`",
    [],
    {},
    [[]],
    {"a": {}},
]


def spoilt(lines: list[dict[str, Any]], rng: random.Random) -> list[dict[str, Any]]:
    """The lines with something somewhere replaced, taken away or moved."""
    copy: list[dict[str, Any]] = json.loads(json.dumps(lines))
    for _ in range(rng.randint(1, 3)):
        holder: Any = copy
        name: Any = rng.randrange(len(copy))
        while isinstance(holder[name], (dict, list)) and holder[name] and rng.random() < 0.8:
            holder = holder[name]
            name = rng.choice(list(holder)) if isinstance(holder, dict) else rng.randrange(len(holder))
        if rng.random() < 0.3 and isinstance(holder, dict):
            del holder[name]
        else:
            holder[name] = rng.choice(ODD)
    return copy


def _written(path: Path) -> str:
    """What a format wrote, in a file or in the files of a folder."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return "".join(file.read_bytes().decode() for file in files if file.is_file())


@pytest.mark.parametrize("seed", range(30))
def test_a_spoilt_record_is_refused_or_rendered(tmp_path: Path, recorded: list[dict[str, Any]], seed: int) -> None:
    lines = spoilt(recorded, random.Random(seed))
    (tmp_path / "run.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    try:
        found = run.read(tmp_path, checked=True)
    except Invalid:
        return
    for name, format_ in report_formats().items():
        text = format_.render(found) if name == "terminal" else _written(format_.write(found, tmp_path))
        assert name not in ("html", "markdown") or "<script>alert(1)" not in text
        assert name == "html" or "\x1b" not in text
    summary.exit_code(found)
    try:
        session.rejudge(tmp_path)
    except Invalid:
        pass


@pytest.mark.parametrize("seed", range(20))
def test_any_bytes_for_a_record_are_refused_in_one_line(
    tmp_path: Path, recorded: list[dict[str, Any]], seed: int
) -> None:
    rng = random.Random(seed)
    data = bytearray("".join(json.dumps(line) + "\n" for line in recorded).encode())
    for _ in range(rng.randint(1, 5)):
        at = rng.randrange(len(data))
        data[at : at + rng.randint(0, 9)] = rng.choice(
            [b"", b"\0", b"\xff", b"\n", b"[" * 5000, b"}" * 3, b"NaN", b"1e999"]
        )
    (tmp_path / "run.jsonl").write_bytes(bytes(data))
    said = CliRunner().invoke(cli, ["report", str(tmp_path)], standalone_mode=False)
    assert said.exception is None or isinstance(said.exception, Invalid), said.exception


LOAD: dict[str, Any] = {
    "format": 1,
    "complete": True,
    "profile": "steady",
    "target": {"base_url": "http://h/v1"},
    "requests": {"ok": 1, "failed": 0},
    "client": {"saturated": False},
    "throughput": {"output_tokens_per_s": 1.0},
}
ROW: dict[str, Any] = {"counted": True, "error": None, "ttft": 1.0, "e2e": 2.0, "scenario": "chat"}


@pytest.mark.parametrize("seed", range(20))
def test_a_spoilt_load_test_is_compared_or_refused(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    for name, spoil in (("old", False), ("new", True)):
        folder = tmp_path / name
        folder.mkdir()
        rows: list[Any] = [dict(ROW) for _ in range(4)]
        files = [LOAD, *rows]
        head, *rows = spoilt(files, rng) if spoil else files
        (folder / "load.json").write_text(json.dumps(head))
        (folder / "requests.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    said = CliRunner().invoke(cli, ["diff", str(tmp_path / "old"), str(tmp_path / "new")], standalone_mode=False)
    assert said.exception is None or isinstance(said.exception, Invalid), said.exception
    assert "\x1b" not in said.output
