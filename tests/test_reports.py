"""Every report format says the same of one run, is well formed, and shows what a server sent as text only."""

from __future__ import annotations

import json
import re
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import html5lib
import jsonschema
import pytest

from seatrial import curl, run, summary
from seatrial.loading import report_formats
from seatrial.model import (
    REDACTED,
    Event,
    Exchange,
    Finding,
    Invalid,
    Level,
    Operation,
    Request,
    Status,
    TransportError,
    Verdict,
)

ROOT = Path(__file__).resolve().parent.parent
FORMATS = report_formats()
HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(1)> | `a` @octocat #12 **b** "
HOSTILE += "\x1b[31m\u202eevil\u2066 ]]> &amp; \ud83d"
ASK = Operation("createChatCompletion", "POST", "/chat/completions")
CHUNK = "openai#/components/schemas/CreateChatCompletionStreamResponse"


def exchange(number: int, body: bytes = b'{"id":"chatcmpl-1"}', **how: Any) -> Exchange:
    asked = how.pop("asked", {"model": "tiny", "messages": [{"role": "user", "content": "Say it's fine: 👩‍🚀"}]})
    request = Request(
        "POST",
        "http://127.0.0.1:8000/v1/chat/completions",
        (
            ("user-agent", "seatrial/0"),
            ("accept", "*/*"),
            ("content-type", "application/json"),
            ("authorization", f"Bearer {REDACTED}"),
        ),
        asked if isinstance(asked, bytes) else json.dumps(asked, ensure_ascii=False).encode("utf-8"),
    )
    headers = (("content-type", "application/json"),)
    how = {"status": 200, "headers": headers, "step": "ask", "started": 1_760_000_001.0, **how}
    return Exchange(number, ASK, request, body=body, headers_ns=12_300_000, end_ns=345_600_000, **how)


def stream(number: int, chunks: list[str]) -> Exchange:
    events, body = [], b""
    for index, chunk in enumerate(chunks):
        piece = f"data: {chunk}\n\n".encode("utf-8", "surrogatepass")
        events.append(Event(chunk, "message", None, 20_000_000 + index * 1_500_000, len(body), len(body) + len(piece)))
        body += piece
    headers = (("content-type", "text/event-stream"), ("x-request-id", "req_1"))
    asked = {"model": "tiny", "stream": True, "messages": [{"role": "user", "content": "Count from one to five."}]}
    return exchange(number, body, events=tuple(events), headers=headers, asked=asked)


def verdict(check: str, status: Status = Status.PASS, level: Level = Level.MUST, **how: Any) -> Verdict:
    case = how.pop("case", "chat.plain")
    how = {"area": "chat", "requirement": "The stream ends with `data: [DONE]`.", "spec": CHUNK, "exchange": 1, **how}
    at = how.pop("at", f"{case}/ask/{check}")
    return Verdict(id=at, check=check, scenario=case.split("[")[0], case=case, level=level, status=status, **how)


def findings(*rows: tuple[str, str, str]) -> tuple[Finding, ...]:
    return tuple(Finding(*row) for row in rows)


def a_run(verdicts: list[Verdict], exchanges: list[Exchange] | None = None, **how: Any) -> run.Run:
    header = {
        "type": "header",
        "format": 1,
        "seatrial": "0.1.0",
        "started": 1_760_000_000.0,
        "target": {
            "base_url": "http://127.0.0.1:8000/v1",
            "profile": "reference",
            "models": {"chat": "tiny", "vision": "tiny"},
        },
        "capabilities": {"chat": True},
        "tier": "gate",
        "scenarios": None,
        "only": [],
        "skip": [],
        "known": [],
        "notes": ["no model was given: tiny is the first one listed"],
    }
    sent = {x.number: x for x in exchanges or []}
    footer = {
        "type": "footer",
        "complete": True,
        "requests": len(sent),
        "seconds": 12.345,
        "counts": run.counts(tuple(verdicts)),
    }
    cases = {v.case: {1: False} for v in verdicts}
    how = {"footer": footer, "planned": len(cases), "judged": cases, **how}
    return run.Run(header, tuple(verdicts), sent, **how)


def everything() -> run.Run:
    """A run with something of every kind in it, hostile and not."""
    long = [
        json.dumps({"id": "chatcmpl-9", "choices": [{"index": 0, "delta": {"content": f"word{n} 👩‍🚀"}}]})
        for n in range(400)
    ]
    exchanges = [
        exchange(1, json.dumps({"id": "chatcmpl-1", "usage": {"prompt_tokens": 9, "completion_tokens": 32}}).encode()),
        stream(2, [*long, "[DONE]"]),
        exchange(
            3,
            HOSTILE.encode("utf-8", "surrogatepass"),
            status=500,
            headers=(("x-evil", HOSTILE), ("content-type", "text/html")),
        ),
        exchange(4, b"", status=None, headers=(), error=TransportError("reset", "the connection was reset")),
        exchange(5, json.dumps({"data": [{"embedding": [0.125] * 9000}]}).encode()),
        stream(6, ['{"id":"a","choices":[{"index":0,"delta":{"role":"assistant"}}]}', HOSTILE]),
        exchange(7, b'{"ok": "\xff\xfe"}'),
    ]
    verdicts = [verdict("wire.body-schema", case=f"chat.plain[{n}]") for n in range(40)]
    verdicts += [verdict("sse.closes", area="SSE framing", case=f"sse.basic[{n}]") for n in range(9)]
    missing = ("data: [DONE]", '{"id":"chatcmpl-9","choices":[]}', "the last event")
    verdicts += [
        verdict(
            "stream.done-sentinel",
            Status.FAIL,
            case=f"chat.stream[{n}]",
            area="chat streaming",
            exchange=2,
            findings=findings(missing),
        )
        for n in (
            "ascii",
            "emoji",
            "cjk",
            "long",
            "n2",
            "tools",
            "stop",
            "seed",
            "usage",
            "json",
            "echo",
            "top",
            "again",
            "last",
        )
    ]
    wanted = findings(("status 200", "status 500", "status line"), ("no " + HOSTILE, HOSTILE, "the body"))
    verdicts += [
        verdict("must/status", Status.FAIL, case="chat.hostile", exchange=3, requirement=HOSTILE, findings=wanted),
        verdict(
            "http.answered",
            Status.FAIL,
            case="chat.reset",
            exchange=4,
            findings=findings(("an answer", "a reset", "connection")),
        ),
        verdict(
            "stream.equals-plain",
            Status.FAIL,
            at="chat.stream[ascii]/stream.equals-plain",
            case="chat.stream[ascii]",
            exchange=6,
            findings=findings(("'one two'", "'one'", "choices/0")),
        ),
        verdict(
            "embeddings.finite",
            Status.FAIL,
            known=True,
            reason="known: rounds (https://example.org/1)",
            exchange=5,
            findings=findings(("a", "b", "c")),
        ),
        verdict(
            "headers.retry-after",
            Status.FAIL,
            Level.SHOULD,
            exchange=7,
            findings=findings(("a Retry-After header", "none", "headers")),
        ),
        verdict(
            "should/headers/x-request-id",
            Status.FAIL,
            Level.SHOULD,
            findings=findings(("{'type': 'string', 'minLength': 1}", "absent", "x-request-id")),
        ),
        verdict(
            "stream.terminal-delta-empty",
            Status.FAIL,
            Level.MAY,
            findings=findings(("{}", "{'content': 'x'}", "event 9")),
        ),
        verdict("usage.sum", reason="fixed: this known failure passes now"),
        verdict("stop.excluded", Status.INCONCLUSIVE, reason="the control run did not contain the stop sequence"),
        verdict("tools.known-name", Status.INCONCLUSIVE, area="tools", reason=HOSTILE, exchange=None),
        *(
            verdict(
                "logprobs.present",
                Status.SKIPPED,
                area="logprobs",
                case=f"logprobs.x[{n}]",
                exchange=None,
                reason="unsupported: logprobs: 400 not supported",
            )
            for n in range(5)
        ),
        verdict(
            "vision.image-counted", Status.SKIPPED, area="vision", exchange=None, reason="disabled: the profile says so"
        ),
        verdict("chat.n", Status.ERROR, reason="ZeroDivisionError: division by zero (chat.py:9)"),
    ]
    return a_run(verdicts, exchanges, notes=("a note with " + HOSTILE,))


def clean() -> run.Run:
    return a_run([verdict("wire.body-schema"), verdict("headers.retry-after", level=Level.SHOULD)], [exchange(1)])


def cut_off() -> run.Run:
    return replace(clean(), footer=None, planned=90)


RUNS = {"everything": everything, "clean": clean, "cut off": cut_off, "empty": lambda: a_run([], footer=None)}


@pytest.fixture(params=RUNS)
def any_run(request: pytest.FixtureRequest) -> run.Run:
    return RUNS[request.param]()


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


# terminal


@pytest.mark.parametrize("width", [60, 80, 120])
def test_no_line_of_the_terminal_is_wider_than_it_but_curl(any_run: run.Run, width: int) -> None:
    text = FORMATS["terminal"].render(any_run, width=width, color=False, verbose=True)
    in_curl = False
    for line in text.splitlines():
        in_curl = line.startswith("  curl ") or (in_curl and line.startswith("    "))
        assert in_curl or len(line) <= width or any(ord(char) > 0x2FFF for char in line), line
    assert "\x1b" not in text
    assert "\u202e" not in text


def test_the_terminal_ends_with_requirements_and_result() -> None:
    text = FORMATS["terminal"].render(everything(), width=120, color=False)
    must = "MUST    50 of 71 applicable passed · 18 failed (1 known) · 2 inconclusive · 6 skipped · 1 error"
    assert text.index("MUST failed: 17") < text.index("SHOULD failed: 2") < text.index(must) < text.rindex("FAILED")
    assert "✗ stream.done-sentinel · 14 times" in text
    assert "also in   chat.stream[emoji], chat.stream[cjk]" in text
    assert "and 7 more cases" in text
    assert "MAY failed: 1 in 1 check (shown with --verbose)" in text
    assert "stream.terminal-delta-empty" not in text
    assert "stream.terminal-delta-empty" in FORMATS["terminal"].render(
        everything(), width=80, color=False, verbose=True
    )
    assert "ZeroDivisionError" in text


def test_colour_is_as_asked() -> None:
    coloured = FORMATS["terminal"].render(everything(), width=80, color=True)
    plain = FORMATS["terminal"].render(everything(), width=80, color=False)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured).split() == plain.split()
    assert "\x1b[" in coloured


def test_a_clean_run_is_short() -> None:
    text = FORMATS["terminal"].render(clean(), width=80, color=False)
    assert len(text.splitlines()) < 16
    assert "PASSED  Every applicable MUST passed." in text


def test_a_server_that_fails_everywhere_does_not_flood_the_terminal() -> None:
    bad = findings(("a", "b", "c"))
    told = a_run([verdict(f"theme.check-{n}", Status.FAIL, findings=bad) for n in range(50)], [exchange(1)])
    assert "30 more checks, in full with --verbose" in (text := FORMATS["terminal"].render(told, width=80, color=False))
    assert text.count("✗ theme.check-") == 20
    assert all(f"theme.check-{n}" in text for n in range(50))
    assert FORMATS["terminal"].render(told, width=80, color=False, verbose=True).count("✗ theme.check-") == 50


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


# html


FILTER = re.compile(r"#\?((status|level|area)=[\w+%.-]+&?)+")
VOID = {"meta", "br", "img", "link", "input", "hr"}


class Page(HTMLParser):
    """Fails on a tag that is not closed in order, and gathers what there is."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[str] = []
        self.scripts: list[str] = []
        self.feed(text)
        self.close()
        assert not self.open, self.open

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open, (tag, self.getpos())
        assert self.open.pop() == tag, (tag, self.getpos())

    def handle_data(self, data: str) -> None:
        (self.scripts if self.open and self.open[-1] in ("script", "style") else self.words).append(data)


def test_html_is_well_formed_and_needs_no_network(any_run: run.Run) -> None:
    text = FORMATS["html"].render(any_run)
    html5lib.HTMLParser(strict=True).parse(text)
    page = Page(text)
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        assert "src" not in attrs, tag
        assert tag not in ("link", "img", "iframe", "object")
        assert not [name for name in attrs if name.startswith("on")]
        href = attrs.get("href") or ""
        assert not href.startswith("#") or href[1:] in ids or FILTER.fullmatch(href), attrs
    policy = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
    assert [attrs["content"] for tag, attrs in page.tags if "http-equiv" in attrs] == [policy]
    assert "url(" not in "".join(page.scripts)
    assert summary.result(any_run) in "".join(page.words)


def test_html_shows_hostile_bytes_as_text() -> None:
    text = FORMATS["html"].render(everything())
    page = Page(text)
    assert sum(tag == "script" for tag, _ in page.tags) == 1
    assert all("alert(1)" not in script for script in page.scripts)
    assert "</script><script>alert(1)</script>" in "".join(page.words)
    assert "⟨U+202E⟩evil" in "".join(page.words)
    for evil in ("\x1b", "\u202e", "\u2066"):
        assert evil not in text
    text.encode("utf-8")


def test_html_shows_each_exchange_once_cut_and_with_its_curl() -> None:
    text = FORMATS["html"].render(everything())
    words = "".join(Page(text).words)
    for number in (2, 3, 4, 5, 6, 7):
        assert text.count(f'id="x{number}"') == 1
    assert "events left out: all are in run.jsonl" in words
    assert "cut: the first 20.0 kB are shown" in words
    assert "reset: the connection was reset" in words
    assert "not UTF-8: the wrong bytes are written as \\xNN" in words
    assert '-H "authorization: Bearer $OPENAI_API_KEY"' in words
    assert 'href="https://' in text


def test_html_marks_what_differs_and_shows_the_scenario_s_yaml() -> None:
    some = [
        verdict(
            "wire.body-schema", Status.FAIL, findings=findings(('"chat.completion"', '"chat.completions"', "/object"))
        ),
        verdict(
            "errors.envelope", Status.FAIL, findings=findings(('{"a": 1, "b": "<i>"}', '{"a": 2, "b": "<i>"}', "body"))
        ),
        verdict("gone.check", Status.FAIL, case="no.such.scenario", findings=findings(("a", "b", "c"))),
    ]
    text = FORMATS["html"].render(a_run(some, [exchange(1)]))
    assert "&#34;chat.<del>completion</del>&#34;" in text
    assert "&#34;chat.<ins>completions</ins>&#34;" in text
    assert "<del>−   &#34;a&#34;: 1,</del>" in text
    assert "<ins>+   &#34;a&#34;: 2,</ins>" in text
    assert "<span>    &#34;b&#34;: &#34;&lt;i&gt;&#34;</span>" in text
    # Both of the step whose exchange it is; of a scenario that is written nowhere, none.
    assert text.count("- id: ask\n  operation: createChatCompletion\n") == 2


def test_one_failure_of_each_area_is_shown_in_full() -> None:
    bad = findings(("a", "b", "c"))
    areas = ["chat"] * 40 + ["tools"] * 40 + ["usage"]
    some = [
        verdict("wire.id", Status.FAIL, case=f"c{n}", area=a, exchange=n + 1, findings=bad) for n, a in enumerate(areas)
    ]
    text = FORMATS["html"].render(a_run(some, [exchange(n + 1) for n in range(len(areas))]))
    assert {int(n) for n in re.findall(r'id="x(\d+)"', text)} >= {1, 41, 81}
    assert all(f'data-v="{n}"' in text for n in range(len(areas)))


def test_html_of_many_verdicts_stays_small() -> None:
    some = everything()
    verdicts = list(some.verdicts)
    for number in range(4900):
        bad = findings(*[("x" * 3000, HOSTILE * 40, "somewhere")] * 20) if number % 2 else ()
        verdicts.append(
            verdict(
                "stream.role-first",
                Status.FAIL if bad else Status.SKIPPED,
                case=f"case{number}",
                exchange=100 + number,
                findings=bad,
                reason="" if bad else f"unsupported: chat.x{number}: {HOSTILE * 4}",
            )
            if number % 4 > 1
            else verdict(
                "must/status",
                Status.FAIL if bad else Status.INCONCLUSIVE,
                case=f"another.case{number}",
                exchange=100 + number,
                findings=bad,
            )
        )
    exchanges = {**some.exchanges, **{100 + n: stream(100 + n, [HOSTILE * 5] * 50) for n in range(4900)}}
    text = FORMATS["html"].render(replace(some, verdicts=tuple(verdicts), exchanges=exchanges))
    Page(text)
    assert len(text.encode("utf-8")) < 6_000_000
    assert "more failing check" in text


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
