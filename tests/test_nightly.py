"""The nightly: a file of targets, a night over them, and the site that says what changed."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from seatrial import home, nightly, server
from seatrial.history import History
from seatrial.loading import module_at
from seatrial.model import Invalid, Status, Verdict
from seatrial.nightly import night, view
from tests.conftest import Play, answer
from tests.runs import HOSTILE, a_run, exchange, findings, verdict
from tests.test_cli import MODELS, seatrial
from tests.test_history import folder, results

PAGES = module_at(home.folder("reports") / "site" / "site.py", "seatrial_site")
ATOM = "{http://www.w3.org/2005/Atom}"
WRONG = findings((HOSTILE, HOSTILE, HOSTILE))
PASSES = verdict("stream.one-id", requirement=HOSTILE.replace("\ud83d", ""))
FAILS = replace(PASSES, status=Status.FAIL, findings=WRONG)
REST = [verdict("sse.closes", area="SSE framing"), verdict("usage.sum", Status.SKIPPED, reason=HOSTILE)]


def written(tmp_path: Path, *nights: dict[str, list[Verdict] | None], ended: bool = True) -> Path:
    """The site of nights, each with the verdicts of its targets; None is a target that was down."""
    with History(tmp_path / "history.db", create=True) as history:
        for number, targets in enumerate(nights):
            stamp = f"2026-11-{number + 1:02d}T02:00:00Z"
            id = history.begin(f"202611{number + 1:02d}", list(targets), stamp)
            for name, verdicts in targets.items():
                if verdicts is None:
                    history.add_absent({"name": name, "url": "http://h/v1"}, 3, f"connect: {HOSTILE!r}", id)
                    continue
                sent = [exchange(1, HOSTILE.encode("utf-8", "surrogatepass"), headers=(("x-evil", HOSTILE),))]
                run = folder(tmp_path / "runs" / str(number) / name, a_run(verdicts, sent))
                history.add(results(a_run(verdicts, sent), stamp), name, str(run), id)
            if ended or number < len(nights) - 1:
                history.end(id, stamp)
        view.tell(history)
        site = view.site(history, "Night <b>ly")
        front: Path = PAGES.write(site, tmp_path / "site")
        PAGES.allure(site, tmp_path / "allure-results")
    return front.parent


def text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_the_site_names_exactly_what_changed(tmp_path: Path) -> None:
    site = written(tmp_path, {"a": [PASSES, *REST], "b": [PASSES, *REST]}, {"a": [FAILS, *REST], "b": [PASSES, *REST]})
    changes = json.loads(text(site / "changes.json"))
    told = {row["name"]: [(c["kind"], c["name"], c["count"]) for c in row["changes"]] for row in changes["targets"]}
    assert told == {"a": [("new failure", "stream.one-id", 1)], "b": []}
    front = text(site / "index.html")
    assert front.count("New failure") == 1
    assert 'Unchanged: <a href="targets/b.html">b</a>' in front
    page = text(site / "checks" / "stream.one-id.html")
    assert '<section id="a">' in page
    assert '<section id="b">' not in page
    assert "POST /v1/chat/completions" in page
    feed = ET.parse(site / "feed.xml").getroot()
    assert [e.findtext(f"{ATOM}title") for e in feed.iter(f"{ATOM}entry")] == ["a: 1 new failure"]


def test_each_link_leads_somewhere_and_nothing_of_a_server_is_markup(tmp_path: Path) -> None:
    site = written(tmp_path, {"a": [PASSES, *REST], "b": None}, {"a": [FAILS, *REST], "b": [FAILS]})
    pages = sorted(site.rglob("*.html"))
    assert len(pages) > 10
    for path in pages:
        if path.parent.name == "reports":
            continue  # tested as what they are
        page = text(path)
        assert "<script" not in page
        assert "<img src=x" not in page
        assert "\x1b" not in page
        assert "\u202e" not in page
        for link in re.findall(r'(?:href|src)="([^"]*)"', page):
            if link.startswith(("https://", "#")):
                continue
            file, _, anchor = link.partition("#")
            to = (path.parent / file).resolve()
            assert to.is_file(), f"{path.name}: {link}"
            assert not anchor or f'id="{anchor}"' in text(to), f"{path.name}: {link}"
            assert site.resolve() in to.parents


def test_what_a_matrix_cell_counts_is_kept_apart() -> None:
    rows = [PASSES, FAILS, replace(FAILS, known=True)]
    rows += [replace(PASSES, status=status) for status in (Status.INCONCLUSIVE, Status.SKIPPED, Status.ERROR)]
    counts = {"passed": 1, "failed": 1, "known": 1, "inconclusive": 1, "unsupported": 1, "error": 1, "applicable": 5}
    assert view.tally(rows) == counts


def test_a_target_that_is_down_is_a_result(tmp_path: Path) -> None:
    site = written(tmp_path, {"a": [PASSES]}, {"a": None}, {"a": [FAILS]})
    assert ">down</a>" in text(site / "nights.html")
    assert "connect:" in text(site / "runs" / "20261102" / "a.html")
    assert "Since 2026-11-01 02:00 UTC" in text(site / "targets" / "a.html")
    assert json.loads(text(site / "changes.json"))["targets"][0]["changes"][0]["kind"] == "new failure"
    titles = [e.findtext(f"{ATOM}title") for e in ET.parse(site / "feed.xml").getroot().iter(f"{ATOM}entry")]
    assert titles == ["a: 1 new failure", "a: down"]


def test_what_goes_back_and_forth_is_flaky_and_trends_are_drawn(tmp_path: Path) -> None:
    site = written(tmp_path, *({"a": [one, *REST]} for one in (PASSES, FAILS, PASSES, FAILS)))
    assert '<h3 class="flaky">' in text(site / "index.html")
    assert re.search(r"<polyline points=\"3,3 48,25 92,3 137,25\"", text(site / "index.html"))


def test_a_night_that_was_cut_short_is_marked(tmp_path: Path) -> None:
    site = written(tmp_path, {"a": [PASSES]}, {"a": [PASSES]}, ended=False)
    assert "It was interrupted" in text(site / "index.html")
    assert "cut short" in text(site / "nights.html")
    assert json.loads(text(site / "changes.json"))["complete"] is False


def test_badges_are_what_their_readers_expect(tmp_path: Path) -> None:
    site = written(tmp_path, {"a": [PASSES, *REST], "b": None})
    badge = json.loads(text(site / "badges" / "a.json"))
    assert badge == {
        "schemaVersion": 1,
        "label": "a",
        "message": "2 of 2 MUST",
        "color": "brightgreen",
        "isError": False,
    }
    assert json.loads(text(site / "badges" / "b.json"))["message"] == "down"
    svg = ET.parse(site / "badges" / "a.svg").getroot()
    assert svg.tag == "{http://www.w3.org/2000/svg}svg"
    assert "2 of 2 MUST" in "".join(svg.itertext())


def test_the_allure_results_of_two_targets_do_not_mix(tmp_path: Path) -> None:
    for name in "ab":
        out = tmp_path / "runs" / "0" / name / "allure-results"
        out.mkdir(parents=True)
        (out / f"{name}-result.json").write_text(
            '{"historyId": "x", "labels": [{"name": "parentSuite", "value": "s"}]}'
        )
    with History(tmp_path / "h.db", create=True) as history:
        id = history.begin("n", ["a", "b"])
        for name in "ab":
            history.add(results(a_run([PASSES])), name, str(tmp_path / "runs" / "0" / name), id)
        site = view.site(history, "N")
        PAGES.allure(site, tmp_path / "allure")
    data = [json.loads(text(path)) for path in sorted((tmp_path / "allure").iterdir())]
    assert [row["labels"] for row in data] == [[{"name": "parentSuite", "value": name}] for name in "ab"]
    assert len({row["historyId"] for row in data}) == 2


HEAD = "title: T\ntargets:\n"
GOOD = "  - {name: a, url: 'http://127.0.0.1:9/v1'}\n"


def test_a_good_targets_file_loads_and_its_paths_are_its_folders(tmp_path: Path) -> None:
    (tmp_path / "known.yaml").write_text("format: 1\nknown: []\n")
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + GOOD + "  - {name: B c, url: 'http://h/v1', baseline: known.yaml, models: [x], jobs: 2}\n")
    found = nightly.load(path)
    assert [one.slug for one in found.tested] == ["a", "b-c"]
    words = found.tested[1].check(tmp_path / "out")
    assert words[:2] == ["check", "http://h/v1"]
    assert f"--baseline={tmp_path / 'known.yaml'}" in words
    assert "--model=x" in words


@pytest.mark.parametrize(
    ("more", "line", "said"),
    [
        (GOOD, 4, "two targets are named a"),
        ("  - {name: A, url: 'http://h/v1'}\n", 4, "two targets are named A"),
        ("  - {name: b}\n", 4, "'url' is a required property"),
        ("  - {name: b, url: 'h:80'}\n", 4, "starts with http:// or https://"),
        ("  - name: b\n    url: http://h/v1\n    tier: nightli\n", 6, "unknown tier 'nightli'"),
        ("  - name: b\n    url: http://h/v1\n    profile: vlm\n", 6, "unknown profile 'vlm'"),
        ("  - name: b\n    url: http://h/v1\n    only: [chat.streem]\n", 6, "did you mean"),
        ("  - name: b\n    url: http://h/v1\n    baseline: none.yaml\n", 6, "none.yaml: cannot be read"),
        ("  - name: b\n    url: http://h/v1\n    load: {profile: stedy}\n", 6, "unknown load profile 'stedy'"),
        ("  - name: b\n    url: http://h/v1\n    key: sk-123\n", 6, "does not match"),
        ("  - name: b\n    url: http://h/v1\n    surprise: 1\n", 6, "unknown member 'surprise'"),
    ],
)
def test_a_bad_targets_file_is_named_with_its_line(tmp_path: Path, more: str, line: int, said: str) -> None:
    path = tmp_path / "t.yaml"
    path.write_text(HEAD + GOOD + more)
    with pytest.raises(Invalid) as caught:
        nightly.load(path)
    assert said in str(caught.value)
    assert f"t.yaml:{line}:" in str(caught.value)


def targets(tmp_path: Path, **urls: str) -> nightly.Targets:
    rows = [f"  - {{name: {name}, url: '{url}', key: K, only: [models.list]}}\n" for name, url in urls.items()]
    (tmp_path / "t.yaml").write_text(HEAD + "".join(rows))
    return nightly.load(tmp_path / "t.yaml")


def nowhere() -> str:
    with socket.create_server(("127.0.0.1", 0)) as free:
        return f"http://127.0.0.1:{free.getsockname()[1]}/v1"


def test_a_night_goes_on_where_the_one_before_was_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first night was killed: one target done and not yet taken in, one not begun. The next one runs both."""
    monkeypatch.setenv("K", "sk-t")
    place = night.Place(tmp_path / "out")
    with History(place.history, create=True) as history:
        history.begin("20261101", ["up", "down"])
    folder(place.runs / "20261101" / "up", a_run([PASSES]))
    with server.running(server.Settings(api_key="sk-t")) as url:
        said: list[str] = []
        _, whole = night.run(targets(tmp_path, up=url, down=nowhere()), place, 2, 200, said.append)
    assert whole
    assert "up: passed" in said
    with History(place.history) as history:
        first, second = history.nights()
        assert not first.ended
        assert second.ended
        rows = {(row.night, row.target): row for row in history.runs()}
        assert view.state(rows[first.id, "up"]) == "passed"
        assert rows[first.id, "down"].reason == night.CUT
        assert view.state(rows[second.id, "up"]) == "passed"
        assert view.state(rows[second.id, "down"]) == "down"
        assert "connect" in rows[second.id, "down"].reason
        night.prune(history, place, 1)
        assert [path.name for path in place.runs.iterdir()] == [second.name]


def test_a_spent_budget_keeps_what_ran_and_marks_the_rest(tmp_path: Path) -> None:
    place = night.Place(tmp_path / "out")
    night.run(targets(tmp_path, a=nowhere(), b=nowhere()), place, 1, 0.01)
    with History(place.history) as history:
        rows = history.runs()
        assert {row.target: row.exit_code for row in rows} == {"a": 4, "b": 4}
        assert all("budget was spent" in row.reason for row in rows)
        assert not history.nights()[0].ended


def test_an_interrupted_nightly_keeps_what_ran_and_writes_its_site(
    tmp_path: Path, serving: Callable[[Play], AbstractContextManager[str]]
) -> None:
    asked = []

    def slow(connection: socket.socket, request: bytes) -> None:
        if request.startswith(b"GET /v1/models "):
            connection.sendall(answer(MODELS))
            return
        asked.append(request)
        time.sleep(2)
        connection.sendall(answer(b"{}", status="400 Bad Request"))

    with serving(slow) as url:
        rows = "".join(f"  - {{name: {name}, url: '{url}', tier: smoke}}\n" for name in ("one", "two"))
        (tmp_path / "t.yaml").write_text(HEAD + rows)
        words = [sys.executable, "-m", "seatrial", "nightly", "t.yaml", "--jobs", "1", "--out", "out"]
        ran = subprocess.Popen(
            words, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True
        )
        end = time.monotonic() + 90
        while time.monotonic() < end and len(asked) < 3:
            time.sleep(0.1)
        os.killpg(ran.pid, signal.SIGINT)
        said, _ = ran.communicate(timeout=120)
    assert ran.returncode == 4, said
    assert b"Traceback" not in said
    with History(tmp_path / "out" / "history.db") as history:
        rows_by_name = {row.target: row for row in history.runs()}
        assert not rows_by_name["one"].complete
        assert history.verdicts(rows_by_name["one"].id)
        assert rows_by_name["two"].reason == night.CUT
    assert "It was interrupted" in text(tmp_path / "out" / "site" / "index.html")


def test_a_missed_slo_fails_the_night_and_is_shown(tmp_path: Path) -> None:
    (tmp_path / "slo.yaml").write_text("limits: {ttft.p50: 0.001}\n")
    load = "load: {profile: smoke, requests: 2, slo: slo.yaml}"
    with server.running(server.Settings(api_key="sk-t")) as url:
        (tmp_path / "t.yaml").write_text(HEAD + f"  - {{name: a, url: '{url}', key: K, only: [models.list], {load}}}\n")
        ran = seatrial("nightly", "t.yaml", "--out", "out", cwd=tmp_path, K="sk-t")
    assert ran.returncode == 1, ran.stdout + ran.stderr
    assert re.search(r"^a +passed +load test failed$", ran.stdout, re.MULTILINE)
    front = text(tmp_path / "out" / "site" / "index.html")
    assert "Load test of a: failed." in front
    assert "limit 0.001" in front
    page = text(tmp_path / "out" / "site" / "targets" / "a.html")
    assert re.search(r"ttft\.p50: [0-9.]+, limit 0\.001: missed", page)
    assert '<a href="../reports/a.load.html">load test</a>' in page
    assert (tmp_path / "out" / "site" / "reports" / "a.load.html").is_file()
    shown = seatrial("history", "--history", "out/history.db", cwd=tmp_path)
    assert re.search(r"smoke +a +missed its SLO", shown.stdout)


def test_only_one_nightly_works_in_a_folder(tmp_path: Path) -> None:
    place = night.Place(tmp_path / "out")
    with place.alone(), pytest.raises(Invalid, match="another nightly"), night.Place(tmp_path / "out").alone():
        pass


def test_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "t.yaml").write_text(HEAD + GOOD)
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "history.db").write_text("hello")
    for words, said in (
        (["none.yaml"], "none.yaml: cannot be read"),
        (["t.yaml", "--render", "--out", "empty"], "there is no history yet"),
        (["t.yaml", "--out", "bad"], "not an SQLite file"),
    ):
        ran = seatrial("nightly", *words, cwd=tmp_path)
        assert ran.returncode == 2, ran.stderr
        assert said in ran.stderr
        assert "Traceback" not in ran.stderr
