"""The HTML report is well formed, needs no network, and shows what a server sent as text only."""

from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser

import html5lib

from seatrial import run, summary
from seatrial.model import (
    Status,
)
from tests.runs import (
    FORMATS,
    HOSTILE,
    a_run,
    everything,
    exchange,
    findings,
    stream,
    verdict,
)

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
