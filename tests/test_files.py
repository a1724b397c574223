"""Bad files: each gives one error that says file, line, pointer and what was expected."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from seatrial import files, profile, scenario
from seatrial.model import Invalid

HEAD = """title: T
operations:
  ask: {call: POST /chat/completions}
scenarios:
"""
GOOD = """  a.b:
    title: A
    spec: [{at: openai#/components/schemas/Model}]
    steps:
      - id: one
        operation: ask
        body: {model: $target.model}
        must: {status: 200}
"""


def load(tmp_path: Path, text: str) -> scenario.Catalog:
    path = tmp_path / "x.yaml"
    path.write_text(text)
    return scenario.load([path])


def test_a_good_file_loads(tmp_path: Path) -> None:
    assert list(load(tmp_path, HEAD + GOOD).scenarios) == ["a.b"]


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("title: [", 1, "expected"),
        ("title: T\ntitle: U\n", 2, "given twice"),
        ("title: !!python/object:os.system {}\n", 1, "could not determine a constructor"),
        ("a: &x 1\ntitle: *x\n", 2, "aliases"),
        ("title: T\nmore: " + "[" * 3000, 2, "nested too deep"),
        ("title: T\nmore: 0x" + "f" * 1999, 2, "a number beyond 4096 bits"),
        ("title: T\nsurprise: 1\n", 2, "unknown member 'surprise'; expected one of"),
        (HEAD + GOOD.replace("status: 200", "status: 99"), 12, "99"),
        (HEAD + GOOD.replace("operation: ask", "operation: asc"), 10, "unknown operation 'asc'; did you mean ask?"),
        (HEAD + GOOD.replace("schemas/Model", "schemas/Modle"), 7, "did you mean /components/schemas/Model"),
        (HEAD + GOOD.replace("at: openai#", "at: opnai#"), 7, "unknown specification"),
        (HEAD + GOOD.replace("$target.model", "$inputs.m"), 11, "no such input"),
        (HEAD + GOOD.replace("$target.model", "$steps.zero.outputs.x"), 11, "no earlier step"),
        (HEAD + GOOD.replace("title: A", "title: A\n    needs: [chatt]"), 7, "unknown capability 'chatt'"),
        (HEAD + GOOD.replace("{status: 200}", "{body: {/x: {type: strin}}}"), 12, "is not a JSON Schema"),
        (HEAD.replace("POST ", "FETCH ") + GOOD, 3, "does not match"),
        (
            HEAD.replace("completions}", "completions, responses: {200: {application/json: no.json}}}") + GOOD,
            3,
            "no schema",
        ),
    ],
)
def test_a_bad_file_is_named_with_its_line(tmp_path: Path, text: str, line: int, words: str) -> None:
    with pytest.raises(Invalid) as caught:
        load(tmp_path, text)
    assert words in str(caught.value)
    assert f"x.yaml:{line}:" in str(caught.value)


@pytest.mark.parametrize("text", ["a: \x07", "? !!set {a}\n: 1\n", "a: !!timestamp x\n", "a: !!int x\n"])
def test_what_yaml_itself_cannot_read_is_one_clear_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match=r"x\.yaml: is not YAML: \S.*") as caught:
        load(tmp_path, text)
    assert "\n" not in str(caught.value)


def test_a_missing_or_binary_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    for name in ("none.yaml", "b.yaml"):
        with pytest.raises(Invalid, match=name):
            files.read(tmp_path / name)


def test_an_unknown_profile_names_those_that_are_known() -> None:
    with pytest.raises(Invalid, match=r"unknown profile 'opanai'; did you mean openai"):
        profile.load("opanai")


def test_a_profile_with_an_unknown_capability_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.yaml"
    path.write_text("title: P\ncapabilities: {chat.toolz: true}\n")
    with pytest.raises(Invalid, match=r"p\.yaml:2: /capabilities: unknown capability 'chat.toolz'"):
        profile.load(str(path))


@pytest.mark.parametrize(
    "url",
    [
        "127.0.0.1:80/v1",
        "ftp://x/v1",
        "http://",
        "http://u:secret@h/v1",
        "http://u:se/secret@h/v1",
        "http://u:secret@h:99999/v1",
        "u:secret@h/v1",
        "http://h/v1?api-key=secret",
        "http://h/v1#secret",
        "http://h:0/v1",
        "http://[::1",
        "http://h\n/v1",
        " http://h/v1",
    ],
)
def test_a_base_url_that_no_client_could_use_is_refused(url: str) -> None:
    with pytest.raises(Invalid) as caught:
        profile.base_url(url)
    assert "secret" not in str(caught.value)
    assert "\n" not in str(caught.value)


def test_the_yaml_of_every_step_is_found_where_it_is_written() -> None:
    for case in scenario.load(scenario.paths()).cases():
        for step in (*case.scenario.steps, *case.scenario.cleanup):
            place, text = scenario.written(None, case.id, step.id)
            assert place.startswith(case.scenario.source + ":")
            inputs, _, own = text.rpartition("\n\n- ")
            (row,) = yaml.safe_load("- " + own.removeprefix("- "))
            assert (row["id"], row["operation"]) == (step.id, step.operation.id)
            assert bool(inputs) is (case.row is not None)
            assert not inputs or list(yaml.safe_load(inputs)) == [case.row], case.id


def test_what_is_written_nowhere_is_empty(tmp_path: Path) -> None:
    assert scenario.written(None, "chat.plain", "no-such-step") == ("", "")
    assert scenario.written(tmp_path / "gone", "no.such") == ("", "")
    (tmp_path / "own.yaml").write_text(
        "title: Own\nscenarios:\n  own.one:\n    title: One\n  # a note\n  own.two: {title: Two}\n"
    )
    assert scenario.written(tmp_path, "own.one") == ("own.yaml:3", "own.one:\n  title: One")
    assert scenario.written(tmp_path, "own.two[x]") == ("own.yaml:6", "own.two: {title: Two}")
