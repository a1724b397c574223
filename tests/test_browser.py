"""The reports in a real browser: filters, links, keys, and nothing that a server says does anything there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import html5lib
import pytest

from bench import browser
from seatrial import run, schema, summary
from seatrial.model import Level, Status
from tests import measured
from tests import runs as made

pytestmark = pytest.mark.skipif(browser.executable() is None, reason="no Chromium on the PATH (or in $CHROMIUM)")
sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright for Python is not installed")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.running() as found:
        yield found


@pytest.fixture
def new_page(chromium: Any) -> Iterator[Any]:
    """Makes pages; what any of them logs, raises or asks a host for fails the test."""
    said: list[str] = []
    contexts = []

    def make(path: Path, mark: str = "", **how: Any) -> Any:
        context = chromium.new_context(**how)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(15_000)
        page.on("console", lambda message: said.append(f"console: {message.text}"))
        page.on("pageerror", lambda error: said.append(f"error: {error}"))
        page.on("dialog", lambda dialog: (said.append(f"dialog: {dialog.message}"), dialog.dismiss()))
        page.on(
            "request", lambda sent: said.append(f"request: {sent.url}") if sent.url != path.as_uri() + mark else None
        )
        page.on("popup", lambda _: said.append("popup"))
        page.goto(path.as_uri() + mark)
        return page

    yield make
    for context in contexts:
        context.close()
    assert not said


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> tuple[run.Run, Path]:
    told = made.everything()
    return told, made.FORMATS["html"].write(told, tmp_path_factory.mktemp("everything"))


def eventually(page: Any, condition: str) -> None:
    """The JavaScript condition comes true within ten seconds (Playwright's own waiting needs eval, which the pages forbid)."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(condition)


def visible_rows(page: Any) -> list[str]:
    """The ids of the verdicts that the list shows."""
    found: list[str] = page.eval_on_selector_all(
        "#rows > li:not([hidden])", "rows => rows.map(r => r.children[2].textContent)"
    )
    return found


def blocks(page: Any) -> list[str]:
    found: list[str] = page.eval_on_selector_all(
        ".block", "all => all.filter(b => b.checkVisibility()).map(b => b.querySelector('.name').textContent)"
    )
    return found


@pytest.mark.parametrize("name", made.RUNS)
def test_every_kind_of_run_opens_quietly(name: str, new_page: Any, tmp_path: Path) -> None:
    told = made.RUNS[name]()
    page = new_page(made.FORMATS["html"].write(told, tmp_path))
    assert page.inner_text(".result") == summary.result(told)
    assert page.locator("#rows > li").count() == len(told.verdicts)


FILTERS = [
    ("status", "fail", lambda v: v.status is Status.FAIL and not v.known),
    ("status", "known", lambda v: v.status is Status.FAIL and v.known),
    ("status", "inconclusive", lambda v: v.status is Status.INCONCLUSIVE),
    ("level", "SHOULD", lambda v: v.level is Level.SHOULD),
    ("area", "chat streaming", lambda v: v.area == "chat streaming"),
    ("q", "SENTINEL emoji", lambda v: "done-sentinel" in v.id and "emoji" in v.id),
]


@pytest.mark.parametrize(("field", "value", "wanted"), FILTERS, ids=[f"{f} {v}" for f, v, _ in FILTERS])
def test_a_filter_leaves_what_it_names(field: str, value: str, wanted: Any, new_page: Any, everything: Any) -> None:
    told, path = everything
    page = new_page(path)
    if field == "q":
        page.fill("#q", value)
    else:
        page.select_option(f"#{field}", value)
    some = [v for v in told.verdicts if wanted(v)]
    sync_api.expect(page.locator("#shown")).to_have_text(f"{len(some)} of {len(told.verdicts)} verdicts")
    assert visible_rows(page) == [summary.line(v.id) for v in some]
    failed = summary.groups(v for v in some if v.status is Status.FAIL)
    assert sorted(blocks(page)) == sorted(summary.line(group.name) for group in failed)
    # What a filter leaves of a block is unfolded: a reader sees the difference, not only a title.
    assert all(page.locator(".block:visible .finding:visible").count() > 0 for _ in failed[:1])
    page.reload()
    assert visible_rows(page) == [summary.line(v.id) for v in some], "the address keeps the filter"
    page.keyboard.press("Escape")
    eventually(page, "document.getElementById('shown').textContent === ''")
    assert len(visible_rows(page)) == len(told.verdicts)
    assert len(blocks(page)) == len(summary.groups(summary.failed(told.verdicts)))


def test_filters_add_up_and_one_that_hits_nothing_says_so(new_page: Any, everything: Any) -> None:
    told, path = everything
    page = new_page(path)
    page.select_option("#level", "MUST")
    page.select_option("#area", "chat streaming")
    assert {v.id for v in told.verdicts if v.level is Level.MUST and v.area == "chat streaming"} == set(
        visible_rows(page)
    )
    page.select_option("#status", "skipped")
    assert page.is_visible("#nothing")
    assert not blocks(page)
    page.click("#clear")
    eventually(page, "document.getElementById('nothing').hidden")
    assert len(visible_rows(page)) == len(told.verdicts)


def test_numbers_and_areas_of_the_overview_filter_and_back_comes_back(new_page: Any, everything: Any) -> None:
    told, path = everything
    page = new_page(path)
    page.click(".tally.must .kinds a.fail")
    must = [v for v in told.verdicts if v.status is Status.FAIL and v.level is Level.MUST and not v.known]
    sync_api.expect(page.locator("#shown")).to_have_text(f"{len(must)} of {len(told.verdicts)} verdicts")
    assert page.input_value("#status") == "fail"
    page.go_back()
    page.click(".areas th a >> text=logprobs")
    assert {v.id for v in told.verdicts if v.area == "logprobs"} == set(visible_rows(page))


def test_every_link_inside_the_page_shows_what_it_goes_to(new_page: Any, everything: Any) -> None:
    _, path = everything
    page = new_page(path)
    goals = set(page.eval_on_selector_all('a[href^="#"]:not([href^="#?"])', "all => all.map(a => a.hash)"))
    assert len(goals) > 5
    for goal in sorted(goals):
        page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = false; })")
        page.evaluate("hash => { location.hash = hash; }", goal)
        eventually(page, f"document.querySelector('{goal}').checkVisibility()")
    outward = page.eval_on_selector_all('a:not([href^="#"])', "all => all.map(a => [a.protocol, a.rel])")
    assert outward
    assert {tuple(link) for link in outward} == {("https:", "noreferrer")}


@measured
def test_the_page_is_usable_by_keyboard(new_page: Any, everything: Any) -> None:
    _, path = everything
    page = new_page(path)
    focused = "document.activeElement.id || document.activeElement.className || document.activeElement.tagName"
    page.keyboard.press("Tab")
    assert page.evaluate(focused) == "skip"
    assert page.evaluate("document.activeElement.getBoundingClientRect().left") >= 0
    page.keyboard.press("j")
    assert page.evaluate(focused) == "f1"
    page.keyboard.press("j")
    assert page.evaluate(focused) == "f2"
    page.keyboard.press("k")
    assert page.evaluate(focused) == "f1"
    page.keyboard.press("/")
    assert page.evaluate(focused) == "q"
    page.keyboard.type("jk/")
    assert page.input_value("#q") == "jk/"
    page.keyboard.press("Escape")
    assert page.input_value("#q") == ""
    page.focus(".block .exchange summary")
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    # Every control and every part that scrolls can be reached.
    unreachable = """all => all.filter(e => e.checkVisibility() && e.tabIndex < 0).map(e => e.outerHTML.slice(0, 99))"""
    assert page.eval_on_selector_all("a, button, input, select, summary, pre, .scroll", unreachable) == []


def test_a_button_copies_what_stands_beside_it(new_page: Any, everything: Any) -> None:
    page = new_page(everything[1])
    page.click("#f1 .copied >> nth=0")
    page.click("#f1 .copied .copy >> nth=0")
    eventually(page, "/^(Copied|Selected)$/.test(document.querySelector('#f1 .copied .copy').textContent)")
    eventually(page, "document.querySelector('#f1 .copied .copy').textContent === 'Copy curl'")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_follow_the_system_until_the_reader_chooses(scheme: str, new_page: Any, everything: Any) -> None:
    page = new_page(everything[1], color_scheme=scheme)
    shade = "getComputedStyle(document.body).backgroundColor"
    colours = {"light": "rgb(247, 248, 248)", "dark": "rgb(18, 23, 26)"}
    other = "dark" if scheme == "light" else "light"
    assert page.evaluate(shade) == colours[scheme]
    page.click("button.theme")
    assert page.evaluate(shade) == colours[other]
    page.reload()
    assert page.evaluate(shade) == colours[other]
    page.emulate_media(media="print")
    assert page.evaluate(shade) == "rgb(255, 255, 255)"
    assert not page.is_visible("#filter")


def wide(page: Any) -> int:
    """How many pixels the page is wider than its window."""
    found: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return found


@pytest.mark.parametrize("width", [320, 390, 800])
def test_nothing_is_wider_than_a_phone(width: int, new_page: Any, everything: Any) -> None:
    page = new_page(everything[1], viewport={"width": width, "height": 844})
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert wide(page) == 0


def test_it_prints_with_the_first_failure_of_each_check_unfolded(new_page: Any, everything: Any) -> None:
    page = new_page(everything[1])
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = false; })")
    page.evaluate(
        "addEventListener('afterprint', () => { window.left = document.querySelectorAll('.more[open]').length; })"
    )
    page.evaluate(
        "addEventListener('beforeprint', () => { window.open_ = document.querySelectorAll('.more[open]').length; })"
    )
    assert page.pdf().startswith(b"%PDF")
    assert page.evaluate("window.open_") == page.locator(".block").count()
    assert page.evaluate("window.left") == 0


EVIL = "<script>window.hacked = 1; alert(1)</script><img src=x onerror=alert(2)>\x1b[31mred\x1b[0m \u202egnp.exe\u2066 \u200b</pre>"


def test_what_a_hostile_model_answers_is_shown_as_text(new_page: Any, tmp_path: Path) -> None:
    body = json.dumps({"choices": [{"message": {"content": EVIL + "A" * 5_000_000}}]}, ensure_ascii=False).encode()
    bad = made.findings((EVIL, EVIL + "B" * 5_000_000, EVIL), ('{"a": "' + EVIL[:9] + '"}', '{"a": "</script>"}', "/a"))
    verdicts = [
        made.verdict(
            "wire.body-schema", Status.FAIL, findings=bad, requirement=EVIL, case=f"chat.x[{EVIL}]", area=EVIL
        ),
        made.verdict("stream.one-id", Status.FAIL, findings=bad, exchange=2, reason=EVIL),
        made.verdict("usage.sum", Status.INCONCLUSIVE, reason=EVIL),
    ]
    exchanges = [made.exchange(1, body, headers=(("x-evil", EVIL),)), made.stream(2, [EVIL, "C" * 5_000_000])]
    told = made.a_run(verdicts, exchanges, notes=(EVIL,))
    header = {**told.header, "target": {**told.target, "base_url": "http://h/" + EVIL, "models": {"chat": EVIL}}}
    path = made.FORMATS["html"].write(replace(told, header=header), tmp_path)
    assert path.stat().st_size < 500_000
    written = path.read_text("utf-8")
    assert not set(written) & set("\x1b\u202e\u2066\u200b")
    html5lib.HTMLParser(strict=True).parse(written)
    page = new_page(path)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true; })")
    assert page.evaluate("window.hacked") is None
    assert page.locator("script").count() == 1
    assert page.locator("img").count() == 0
    text = page.inner_text("body")
    assert "<script>window.hacked = 1; alert(1)</script><img src=x onerror=alert(2)>⟨U+001B⟩[31mred" in text
    assert "⟨U+202E⟩gnp.exe⟨U+2066⟩" in text
    assert not set(text) & set("\x1b\u202e\u2066\u200b")
    assert "5.0 MB" in text
    page.select_option("#area", index=1)
    assert len(visible_rows(page)) == 1
    page.click("#clear")
    page.click(".areas th a >> nth=0")
    assert len(visible_rows(page)) == 1
    page.select_option("#area", index=2)
    assert len(visible_rows(page)) == 2


# the load report


@pytest.fixture(scope="module")
def load_report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from seatrial.loading import report_formats

    found = json.loads((Path(__file__).parent / "load-sweep.json").read_text("utf-8"))
    assert not schema.errors(found, "load.schema.json")
    found["title"] = found["target"]["model"] = EVIL
    found["errors"] = {EVIL: 3}
    return Path(report_formats("load_")["load_html"].write(found, tmp_path_factory.mktemp("load")))


def test_the_load_report_draws_its_plots_without_a_host(new_page: Any, load_report: Path) -> None:
    page = new_page(load_report)
    page.wait_for_selector(".plot .main-svg")
    titles = page.eval_on_selector_all(".plot h3", "all => all.map(h => h.textContent)")
    assert titles[:2] == ["Distributions", "Latency against throughput"]
    eventually(page, "document.querySelectorAll('.plot .xtitle').length === document.querySelectorAll('.plot').length")
    assert page.evaluate("window.hacked") is None
    assert "<script>window.hacked" in page.inner_text("h1")
    assert not set(page.inner_text("body")) & set("\x1b\u202e\u2066\u200b")
    ink = "getComputedStyle(document.querySelector('.plot .xtitle')).fill"
    assert page.evaluate(ink) == "rgb(27, 35, 40)"
    page.click("button.theme")
    eventually(page, f"{ink} === 'rgb(227, 232, 234)'")
    assert page.pdf().startswith(b"%PDF")


def test_the_load_report_is_no_wider_than_a_phone(new_page: Any, load_report: Path) -> None:
    page = new_page(load_report, viewport={"width": 390, "height": 844})
    page.wait_for_selector(".plot .main-svg")
    assert wide(page) == 0
