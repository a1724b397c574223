"""Every report format says the same of one run, is well formed, and shows what a server sent as text only."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import jsonschema
import pytest

from seatrial import curl, run, summary
from seatrial.model import (
    Invalid,
    Level,
    Status,
)
from tests.runs import (
    FORMATS,
    ROOT,
    RUNS,
    a_run,
    clean,
    cut_off,
    everything,
    exchange,
    findings,
    verdict,
)


def test_each_format_is_found_and_writes_what_it_names(any_run: run.Run, tmp_path: Path) -> None:
    assert set(FORMATS) == {"allure", "github", "html", "json", "junit", "markdown", "terminal"}
    for name, format_ in FORMATS.items():
        path = format_.write(any_run, tmp_path)
        assert path == (tmp_path / format_.FILE if format_.FILE else tmp_path), name
    files = {"results.json", "junit.xml", "summary.md", "report.html", "allure-results", "allurerc.json"}
    assert {p.name for p in tmp_path.iterdir()} == files


def test_what_every_format_says_is_the_exit_code() -> None:
    assert [summary.result(RUNS[name]()) for name in RUNS] == ["FAILED", "PASSED", "INCOMPLETE", "INCOMPLETE"]
    assert summary.incomplete_reason(clean()) == ""
    assert summary.incomplete_reason(cut_off()) == "the run was cut off (it has no footer): 1 of 90 cases played"
    assert summary.conclusion(everything()).startswith("17 MUST requirements failed, in 4 checks. Besides, ")


# results.json and run.jsonl


def schema(name: str) -> jsonschema.Draft202012Validator:
    data = json.loads((ROOT / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(data)
    return jsonschema.Draft202012Validator(data)


def test_results_keep_their_schema_and_lose_nothing(any_run: run.Run, tmp_path: Path) -> None:
    data = json.loads(FORMATS["json"].write(any_run, tmp_path).read_text(encoding="utf-8"))
    assert not list(schema("results").iter_errors(data))
    assert tuple(run.verdict_from(row) for row in data["verdicts"]) == any_run.verdicts
    assert data["requirements"] == run.counts(any_run.verdicts)
    assert data["complete"] is any_run.complete
    assert data["run"]["exit_code"] == summary.exit_code(any_run)


def test_results_schema_is_closed(tmp_path: Path) -> None:
    data = FORMATS["json"].results(clean())
    for place in (data, data["run"], data["target"], data["verdicts"][0], data["requirements"]["must"]):
        place["surplus"] = 1
        assert list(schema("results").iter_errors(data))
        del place["surplus"]
    assert not list(schema("results").iter_errors(data))


def test_every_line_of_a_run_keeps_its_schema() -> None:
    told = everything()
    lines = [
        told.header,
        {"type": "plan", "cases": 3},
        {"type": "case", "id": "chat.plain", "judged": [1], "taken": []},
        {"type": "note", "text": "x"},
    ]
    lines += [run.exchange_line(x, "chat.plain") for x in told.exchanges.values()]
    lines += [run.verdict_line(v) for v in told.verdicts] + [told.footer]
    judge = schema("run")
    for line in lines:
        assert not list(judge.iter_errors(json.loads(json.dumps(line)))), line
        assert list(judge.iter_errors({**json.loads(json.dumps(line)), "surplus": 1})), line


_LINES = [
    a_run([]).header,
    run.exchange_line(exchange(1, b"{}"), "chat.plain"),
    run.verdict_line(verdict("stream.one-id")),
    {"type": "case", "id": "chat.plain", "judged": [1], "taken": []},
]


def recorded(tmp_path: Path, text: str) -> run.Run:
    (tmp_path / "run.jsonl").write_text(text)
    return run.read(tmp_path, checked=True)


def test_a_last_line_that_was_cut_is_left_out(tmp_path: Path) -> None:
    told = recorded(tmp_path, "\n".join(map(json.dumps, _LINES))[:-5])
    assert len(told.verdicts) == len(told.exchanges) == 1
    assert not told.judged


@pytest.mark.parametrize(
    ("line", "change"),
    [
        (0, {"format": 2}),
        (0, {"target": []}),
        (1, {"events": [[1]]}),
        (1, {"number": 7}),
        (1, {"body": "x"}),
        (2, {"status": 1}),
        (2, {"findings": [{}]}),
        (3, {"judged": [2]}),
        (3, {"id": None}),
        (3, {"type": "surprise"}),
    ],
)
def test_a_record_with_a_broken_line_is_named_with_it(tmp_path: Path, line: int, change: Any) -> None:
    lines = [{**row, **change} if at == line else row for at, row in enumerate(_LINES)]
    with pytest.raises(Invalid, match=r"run\.jsonl:\d"):
        recorded(tmp_path, "\n".join(map(json.dumps, lines)) + "\n")


@pytest.mark.parametrize("text", ["", "null\n", "\0\n{}\n", "[" * 100_000 + "\n{}\n", '{"type": "verdict"}\n'])
def test_what_is_no_record_says_so(tmp_path: Path, text: str) -> None:
    with pytest.raises(Invalid, match=r"run\.jsonl"):
        recorded(tmp_path, text)


# junit


def test_junit_is_red_only_where_the_gate_is(tmp_path: Path) -> None:
    told = everything()
    root = ET.parse(FORMATS["junit"].write(told, tmp_path)).getroot()
    cases = {case.get("name"): case for case in root.iter("testcase")}
    assert set(cases) == {v.id for v in told.verdicts} | {"run/complete"}
    red = {name for name, case in cases.items() if case.find("failure") is not None}
    assert red == {v.id for v in told.verdicts if v.status is Status.FAIL and v.level is Level.MUST and not v.known}
    assert (
        cases["chat.plain/ask/headers.retry-after"].find("skipped").get("message").startswith("SHOULD failed: expected")
    )
    assert cases["chat.plain/ask/embeddings.finite"].find("skipped").get("message").startswith("known: rounds")
    assert cases["chat.plain/ask/chat.n"].find("error") is not None
    assert {suite.get("name") for suite in root} == {v.area for v in told.verdicts} | {"run"}
    for suite in (*root, root):
        assert int(suite.get("tests")) == len(list(suite.iter("testcase")))
        assert int(suite.get("failures")) == len(list(suite.iter("failure")))
    assert float(root.get("time")) == pytest.approx(0.3456 * 7, abs=0.01)


def test_junit_of_a_run_cut_off_is_not_green(tmp_path: Path) -> None:
    root = ET.parse(FORMATS["junit"].write(cut_off(), tmp_path)).getroot()
    assert root.get("errors") == "1"
    assert "cut off" in next(root.iter("error")).get("message")
    assert ET.parse(FORMATS["junit"].write(clean(), tmp_path)).getroot().get("errors") == "0"


# markdown


def test_markdown_lets_nothing_of_a_server_be_markup() -> None:
    text = FORMATS["markdown"].render(everything())
    outside = re.sub(r"<code>[^<]*</code>|\]\(<https://[^<> ]*>\)", "", text)
    assert set(re.findall(r"</?([a-z]+)", outside)) == {"details", "summary"}
    for evil in ("@octocat", "&#64;octocat", "<script", "**b**", "`a`", "\x1b", "\u202e"):
        assert evil not in outside, evil
    for evil in ("<script", "@octocat", "**b**", "\x1b", "\u202e"):
        assert evil not in text, evil
    columns = None
    for line in text.splitlines():
        assert len(line) < 4000
        if line.startswith("|"):
            columns = columns or line.count("|")
            assert line.count("|") == columns, line
        else:
            columns = None
    assert text.count("<details>") == text.count("</details>")


def test_markdown_tells_result_failures_and_reasons() -> None:
    text = FORMATS["markdown"].render(everything())
    assert text.startswith("## ❌ seatrial: FAILED\n")
    assert "### MUST failed" in text
    assert "<summary>SHOULD failed: 2</summary>" in text
    assert "- 5 × unsupported&#58; logprobs" in text
    assert FORMATS["markdown"].render(clean()).startswith("## ✅ seatrial: PASSED")
    assert "it has no footer" in FORMATS["markdown"].render(cut_off())


# github


def commands(text: str) -> list[tuple[str, dict[str, str], str]]:
    """The workflow commands as GitHub's runner reads them: kind, properties, message."""
    found = []
    for line in text.split("\n"):
        hit = re.fullmatch(r"::(\w+) ([^:]*)::(.*)", line)
        assert hit, line
        properties = dict(pair.split("=", 1) for pair in hit[2].split(","))
        for escape, sign in (("%3A", ":"), ("%2C", ","), ("%0D", "\r"), ("%0A", "\n"), ("%25", "%")):
            properties = {name: value.replace(escape, sign) for name, value in properties.items()}
        found.append((hit[1], properties, hit[3].replace("%0A", "\n").replace("%25", "%")))
    return found


def test_annotations_name_what_gates_and_what_should() -> None:
    found = commands(FORMATS["github"].render(everything()))
    kinds = [kind for kind, _, _ in found]
    assert kinds == ["notice"] + ["error"] * 5 + ["warning"] * 2
    assert found[0][1] == {"title": "seatrial: FAILED"}
    assert found[0][2].startswith("17 MUST requirements failed, in 4 checks.")
    assert found[1][1] == {"title": "MUST stream.done-sentinel"}
    rows = found[1][2].split("\n")
    assert rows[1:4] == ["expected: data: [DONE]", 'actual: {"id":"chatcmpl-9","choices":[]}', "where: the last event"]
    assert rows[4] == "first in chat.stream[ascii]/ask/stream.done-sentinel, 14 times in 14 cases"
    assert rows[5].startswith("https://")
    assert [kind for kind, _, _ in commands(FORMATS["github"].render(clean()))] == ["notice"]
    assert commands(FORMATS["github"].render(cut_off()))[1][1] == {"title": "seatrial: INCOMPLETE"}


def test_no_server_says_a_command_to_github() -> None:
    evil = "x%0A::set-env name=A::b\r\n::add-mask::y,title=z,file=a:1"
    bad = findings((evil, evil, evil))
    some = [verdict("a.b", Status.FAIL, case=f"c[{evil}]", requirement=evil, spec=evil, findings=bad)]
    ((_, properties, message),) = commands(FORMATS["github"].render(a_run(some, [exchange(1)])))[1:]
    assert properties == {"title": "MUST a.b"}
    assert "x%0A::set-env name=A::b↵::add-mask::y" in message
    assert not set(FORMATS["github"].render(everything())) & set("\x1b\u202e\u2066")


def test_annotations_beyond_what_github_shows_are_counted() -> None:
    some = [verdict(f"a.check-{n}", Status.FAIL) for n in range(30)]
    found = commands(FORMATS["github"].render(a_run(some, [exchange(1)])))
    assert [kind for kind, _, _ in found] == ["notice"] + ["error"] * 10
    assert found[-1][2] == "21 more checks failed: see the job's summary"


# curl


def shell(command: str) -> list[str]:
    """The words that a shell hands to curl."""
    command = f'curl() {{ printf "%s\\n" "$@"; }}\n{command}'
    told = subprocess.run(
        ["bash", "-c", command],
        capture_output=True,
        check=True,
        env={"OPENAI_API_KEY": "sk-1", "PATH": "/usr/bin:/bin"},
    )
    return told.stdout.decode("utf-8").rstrip("\n").split("\n")


@pytest.mark.parametrize("breaks", [False, True])
def test_curl_repeats_the_request_and_the_shell_puts_in_the_key(breaks: bool) -> None:
    asked = exchange(1, asked={"q": 'it\'s $HOME `id` \\ "x" !! $OPENAI_API_KEY', "stream": True})
    command = curl.line(asked, breaks)
    words = shell(command)
    assert words[:4] == ["-sS", "-i", "-N", asked.request.url]
    assert words[words.index("--data-raw") + 1] == asked.request.body.decode()
    assert "authorization: Bearer sk-1" in words
    assert not any("user-agent" in word or "accept" in word for word in words)
    assert ("\n" in command) is breaks


def test_curl_takes_what_no_shell_word_takes() -> None:
    odd = exchange(1, asked=b"\xff\x00\x1b[31m")
    command = curl.line(odd)
    assert command.startswith("printf %s ")
    assert "\x1b" not in command
    assert command.endswith("--data-binary @-")
    large = curl.line(exchange(3, asked=b"x" * 50_000))
    assert len(large) < 500
    assert large.startswith("# exchange-3.body")
    bare = exchange(1, asked=b"{}")
    bare = replace(bare, request=replace(bare.request, headers=(("x-empty", ""), ("x-odd", "a\x1b'b")), method="PUT"))
    words = shell(curl.line(bare))
    assert "content-type:" in words
    assert "x-empty;" in words
    assert "x-odd: a\x1b'b" in words
    assert words[words.index("-X") + 1] == "PUT"
    assert "\x1b" not in curl.line(bare)
