"""What a load test is held to, compared with, drawn from: workloads, SLO, capacity, queues and their ledger."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from seatrial import files, home
from seatrial.load import capacity, compare, slo, workload
from seatrial.load.address import Address, Failure
from seatrial.load.measure import Measure
from seatrial.load.queue import pattern
from seatrial.load.queue.ledger import Ledger, total
from seatrial.model import Invalid

# Workloads.


def write(path: Path, text: str) -> str:
    path.write_text(text)
    return str(path)


def test_a_workload_draws_the_same_for_the_same_seed(tmp_path: Path) -> None:
    name = write(
        tmp_path / "w.yaml",
        "title: t\nprompt_tokens: {uniform: [5, 9]}\noutput_tokens: {normal: {mean: 50, stddev: 10, min: 40, max: 60}}\n"
        "shared_prefix: {share: 1, tokens: 4}\nsessions: {turns: {choice: [3]}, think_s: {exponential: 0.5}}\n",
    )
    found = workload.load(name)
    turns = [list(found.session(random.Random(7), 0)) for _ in range(2)]
    assert turns[0] == turns[1]
    assert len(turns[0]) == 3
    assert turns[0][-1].think_s == 0
    prompts = [str(turn.prompt).split() for turn in turns[0]]
    assert all(5 <= len(words) <= 9 for words in prompts)
    assert all(words[:4] == prompts[0][:4] for words in prompts)
    assert all(40 <= (turn.output_tokens or 0) <= 60 for turn in turns[0])


def test_traces_and_prompts_of_the_user_are_replayed(tmp_path: Path) -> None:
    write(
        tmp_path / "t.jsonl",
        '{"timestamp": 2000, "input_length": 3, "output_length": 5}\n{"timestamp": 1000, "input_length": 2, "output_length": 4}\n',
    )
    found = workload.load(write(tmp_path / "a.yaml", "title: t\ntrace: t.jsonl\n"))
    assert [(turn.at_s, len(str(turn.prompt).split()), turn.output_tokens) for turn in found.trace] == [
        (0, 2, 4),
        (1, 3, 5),
    ]
    write(
        tmp_path / "t.csv",
        "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.680,3,5\n2023-11-16 18:15:47.680,4,6\n",
    )
    found = workload.load(write(tmp_path / "b.yaml", "title: t\ntrace: t.csv\ntrace_speed: 2\n"))
    assert [(turn.at_s, turn.output_tokens) for turn in found.trace] == [(0, 5), (pytest.approx(0.5), 6)]
    write(tmp_path / "p.jsonl", '"Hello"\n{"messages": [{"role": "user", "content": "Hi"}], "output_tokens": 7}\n')
    found = workload.load(write(tmp_path / "c.yaml", "title: t\nprompts: p.jsonl\n"))
    assert [(t.prompt, t.output_tokens) for t in found.prompts] == [
        ("Hello", None),
        ([{"role": "user", "content": "Hi"}], 7),
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("title: t\nprompt_tokens: -1\n", "/prompt_tokens"),
        ("title: t\nprompts: none.jsonl\n", "none.jsonl"),
        ("title: t\nprompts: hi.jsonl\n", "hi.jsonl:1"),
        ("title: t\ntrace: broken.jsonl\n", "broken.jsonl:2"),
        ("title: t\ntrace: empty.jsonl\n", "holds no request"),
        ("title: t\nwhat: 1\n", "unknown member 'what'"),
        ("title: t\ntitle: u\n", "given twice"),
    ],
)
def test_a_workload_that_cannot_be_read_says_where(tmp_path: Path, text: str, said: str) -> None:
    write(tmp_path / "broken.jsonl", '{"timestamp": 1, "input_length": 3, "output_length": 5}\n{"timestamp": 1}\n')
    write(tmp_path / "empty.jsonl", "\n")
    write(tmp_path / "hi.jsonl", '{"messages": ["hi"]}\n')
    with pytest.raises(Invalid) as caught:
        workload.load(write(tmp_path / "w.yaml", text))
    assert said in str(caught.value)


def test_every_workload_and_pattern_of_ours_keeps_its_schema() -> None:
    found = list(home.folder("locustfiles").glob("*.yaml"))
    assert found
    for path in found:
        files.read(path, "workload.schema.json")
    patterns = list((home.folder("locustfiles") / "queues").glob("*.yaml"))
    assert {path.stem for path in patterns} >= {f"p{n}" for n in range(7)}
    for path in patterns:
        pattern.load(str(path))


# SLO.


def measured(ttfts: list[float], failed: int = 0) -> Measure:
    measure = Measure({"ttft": 100})
    for index, ttft in enumerate(ttfts):
        row = {
            "scenario": "chat",
            "sent_s": index * 0.1,
            "counted": True,
            "error": None,
            "late": 0.0,
            "ttft": ttft,
            "e2e": ttft,
            "events": 1,
        }
        measure.add(row, [])
    for index in range(failed):
        measure.add(
            {
                "scenario": "chat",
                "sent_s": index * 0.1,
                "counted": True,
                "error": "http.500",
                "late": 0.0,
                "e2e": 1.0,
                "events": 0,
            },
            [],
        )
    return measure


def test_an_slo_holds_or_says_what_was_missed(tmp_path: Path) -> None:
    name = write(
        tmp_path / "slo.yaml",
        "limits: {ttft.p50: 100, ttft.p99: 150, error_rate: 0.01, goodput: 0.5}\n"
        "scenarios: {chat: {e2e.max: 1000}, other: {ttft.p50: 1}}\ngoodput: {ttft: 100}\n",
    )
    found = {
        (line["metric"], line.get("scenario")): line["held"]
        for line in slo.load(name).verdicts(measured([50.0] * 90 + [200.0] * 10, failed=2))
    }
    assert found == {
        ("ttft.p50", None): True,
        ("ttft.p99", None): False,
        ("error_rate", None): False,
        ("goodput", None): True,
        ("e2e.max", "chat"): True,
        ("ttft.p50", "other"): False,  # not measured is not held
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("limits: {ttft: 1}\n", "METRIC.PERCENTILE"),
        ("limits: {ttft.p98: 1}\n", "METRIC.PERCENTILE"),
        ("limits: {ttft.p99: 0}\n", "can never hold"),
        ("limits: {error_rate: 3}\n", "from 0 to 1"),
        ("limits: {goodput: 0.9}\n", "what makes a request good"),
        ("goodput: {ttft: 1}\n", "holds no limit"),
        ("limits: {ttft.p99: fast}\n", "/limits/ttft.p99"),
    ],
)
def test_an_impossible_slo_is_refused_with_its_place(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(Invalid) as caught:
        slo.load(write(tmp_path / "slo.yaml", text))
    assert said in str(caught.value)


def test_an_slo_is_given_up_only_when_it_cannot_hold() -> None:
    limits = slo.Slo((slo.Line("ttft.p50", 100),))
    assert not limits.lost(measured([300.0] * 10), None)
    assert not limits.lost(measured([150.0] * 100), None)
    assert "ttft.p50" in limits.lost(measured([300.0] * 100), None)
    errors = slo.Slo((slo.Line("error_rate", 0.1),))
    assert not errors.lost(measured([1.0] * 30, failed=5), 1000)
    assert "5 of 45" in errors.lost(measured([1.0] * 30, failed=5), 45)


def test_capacity_brackets_and_bisects_to_ten_per_cent() -> None:
    for true in (0.3, 7.0, 123.0):
        tried: list[float] = []

        def holds(rate: float, true: float = true, tried: list[float] = tried) -> bool:
            tried.append(rate)
            return rate <= true

        low, high = capacity.search(1.0, holds, lambda tried=tried: len(tried) < 40)
        assert low <= true < high
        assert high - low <= 0.1 * low
        assert len(tried) < 16
    low, high = capacity.search(1.0, lambda rate: False, lambda: True)
    assert low == 0
    assert high < 0.01


def test_a_step_is_long_enough_for_its_percentile() -> None:
    limits = slo.Slo((slo.Line("ttft.p99", 1),))
    assert capacity.needed(limits) == 1000
    from seatrial.load.options import Options

    assert capacity.length(Options(), limits, 100) == 10
    assert capacity.length(Options(duration=3), limits, 100) == 3
    assert capacity.length(Options(duration=3), limits, 0.5) == 20  # else nothing may be sent, and it would not hold


# Comparing.


def test_two_runs_are_better_worse_or_undecided() -> None:
    rng = random.Random(3)

    def run(mean: float) -> list[dict[str, Any]]:
        return [{"error": None, "ttft": rng.gauss(mean, 20), "e2e": rng.gauss(1000, 100)} for _ in range(400)]

    found = {one.metric: one.verdict for one in compare.compare(run(200), run(230))}
    assert found["ttft.p50"] == "worse"
    assert found["error_rate"] == "undecided"
    assert {one.metric: one.verdict for one in compare.compare(run(230), run(200))}["ttft.p50"] == "better"
    undecided = [compare.compare(run(200), run(200), seed=s)[0].verdict for s in range(10)]
    assert undecided.count("undecided") >= 8


# Queues.


def test_every_job_is_accounted_for() -> None:
    ledger = Ledger("a0000")
    jobs = [ledger.submit(n) for n in range(5)]
    for job in jobs[:3]:
        ledger.end(job, "completed")
        ledger.answer(job, f"id-{job}", f"nonce:{job} hello")
    ledger.end(jobs[3], "failed")
    found = total("P1", [ledger.told()], 0)
    assert found["accounted"]
    assert (found["submitted"], found["completed"], found["failed"], found["pending"], found["verified"]) == (
        5,
        3,
        1,
        1,
        3,
    )


@pytest.mark.parametrize(
    ("fault", "name"),
    [("wrong", "wrong_answer"), ("id", "answered_twice"), ("twice", "answered_twice"), ("overdue", "overdue")],
)
def test_a_job_that_went_wrong_is_seen(fault: str, name: str) -> None:
    ledger = Ledger("b0000")
    one, two = ledger.submit(1), ledger.submit(2)
    for job in (one, two):
        ledger.end(job, "completed")
    ledger.answer(one, "a", f"nonce:{one}")
    ledger.answer(two, "a" if fault == "id" else "b", f"nonce:{one if fault == 'wrong' else two}")
    if fault == "twice":
        ledger.end(one, "completed")
    ledger.overdue += fault == "overdue"
    found = total("P0", [ledger.told()], None)
    assert found[name] == 1
    assert not found["accounted"]


def test_a_prefix_tells_the_jobs_of_two_processes_apart() -> None:
    first, second = Ledger("1aaaa"), Ledger("10aaa")
    assert not {first.submit(n) for n in range(20)} & {second.submit(n) for n in range(20)}


def test_a_queues_url_becomes_a_line_that_can_be_sent() -> None:
    address = Address.of("http://127.0.0.1:9/v1")
    assert pattern.path_of({"body": "/u"}, "", {}, {"u": "/jöb 1?a=b c"}, address) == "/j%C3%B6b%201?a=b%20c"
    with pytest.raises(Failure) as caught:
        pattern.path_of({"body": "/u"}, "", {}, {"u": "http://[bad"}, address)
    assert caught.value.name == "queue.bad_url"


def test_a_second_execution_breaks_the_account() -> None:
    ledger = Ledger("b0000")
    ledger.end(ledger.submit(1), "completed")
    assert total("P0", [ledger.told()], 0)["accounted"]
    assert not total("P0", [ledger.told()], 1)["accounted"]


def test_a_queue_may_not_point_to_another_host() -> None:
    address = Address.of("http://127.0.0.1:9/any/v2")
    assert address.sibling("queue").path == "/any/queue"
    where = {"body": "/url"}
    assert pattern.path_of(where, "", {}, {"url": "http://127.0.0.1:9/x?y=1"}, address) == "/x?y=1"
    assert pattern.path_of(where, "", {}, {"url": "/x"}, address) == "/x"
    with pytest.raises(Failure) as caught:
        pattern.path_of(where, "", {}, {"url": "http://elsewhere/x"}, address)
    assert caught.value.name == "queue.other_host"


def test_a_comparison_of_many_requests_looks_at_a_sample_of_them(tmp_path: Path) -> None:
    (tmp_path / "load.json").write_text('{"format": 1}')
    with (tmp_path / "requests.jsonl").open("w") as sink:
        for n in range(60_000):
            error = '"connection.reset"' if n % 10 == 0 else "null"
            sink.write(f'{{"counted":{"true" if n >= 1000 else "false"},"error":{error},"ttft":{n}}}\n')
        sink.write('{"counted":tr')
    _, rows = compare.read(tmp_path)
    assert len(rows) == 20_000
    assert min(row["ttft"] for row in rows) >= 1000
    assert sum(row["ttft"] for row in rows) / len(rows) == pytest.approx(30_500, rel=0.02)
    assert sum(bool(row["error"]) for row in rows) / len(rows) == pytest.approx(0.1, rel=0.1)
