"""The figures of a load test: what is read from bytes, how it is added up, what is compared with what."""

from __future__ import annotations

import json
import math
import random
from pathlib import Path
from typing import Any

import pytest

from seatrial import files, home
from seatrial.load import capacity, compare, slo, workload
from seatrial.load.address import Address, Failure
from seatrial.load.audit import Audit
from seatrial.load.call import Call, Calls
from seatrial.load.measure import Group, Measure, percentile
from seatrial.load.options import Limits
from seatrial.load.queue import pattern
from seatrial.load.queue.ledger import Ledger, total
from seatrial.load.rates import Span
from seatrial.load.reading import dialects
from seatrial.load.record import record
from seatrial.model import Invalid

MS = 1_000_000


def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> bytes:
    data = {"id": "c-1", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **more}
    return b"data: " + json.dumps(data).encode() + b"\n\n"


def stream(pieces: list[tuple[int, bytes]], dialect: str = "chat_stream", keep_text: bool = False) -> Any:
    """A reading fed with pieces at milliseconds."""
    reading = dialects()[dialect](keep_text)
    reading.begin(200, {"content-type": "text/event-stream; charset=utf-8"})
    for at, data in pieces:
        reading.feed(at * MS, data)
    return reading


def recorded(reading: Any, sent: int = 0, end: int = 1000, planned: int = 0) -> tuple[dict[str, Any], list[int]]:
    call = Call(Calls(Limits()), "chat", reading, (planned or sent) * MS + 1)
    call.sent_ns, call.end_ns, call.headers_ns, call.status = sent * MS + 1, end * MS, MS, 200
    return record(call, 0)


USAGE = {"prompt_tokens": 9, "completion_tokens": 100, "completion_tokens_details": {"reasoning_tokens": 50}}


def probe() -> list[tuple[int, bytes]]:
    """Role at 50 ms, 50 reasoning tokens from 200 ms and 50 of the answer, 20 ms apart, a stall of 520 ms in the middle."""
    pieces = [(50, chunk({"role": "assistant", "content": ""}))]
    at = 200
    for index in range(100):
        if index == 50:
            at += 500
        pieces.append((at, chunk({"reasoning_content" if index < 50 else "content": "w "})))
        at += 20
    pieces.append((at, chunk({}, "stop")))
    pieces.append((at, b"data: " + json.dumps({"id": "c-1", "choices": [], "usage": USAGE}).encode() + b"\n\n"))
    pieces.append((at, b"data: [DONE]\n\n"))
    return pieces


def test_the_probe_of_role_reasoning_and_stall_is_read_right() -> None:
    row, at = recorded(stream(probe()), end=2700)
    assert row["error"] is None
    assert row["ttft"] == pytest.approx(200, abs=0.01)
    assert row["role"] == pytest.approx(50, abs=0.01)
    assert row["ttfat"] == pytest.approx(200 + 50 * 20 + 500, abs=0.01)
    assert row["max_gap"] == pytest.approx(520, abs=0.01)
    assert row["tpot"] == pytest.approx((99 * 20 + 500) / 99, abs=0.01)
    assert (row["output_tokens"], row["reasoning_tokens"], row["tokens_from"]) == (100, 50, "usage")
    measure = Measure()
    measure.add(row, at)
    itl = measure.total().latency()["itl"]
    assert (itl["count"], itl["p50"], itl["max"]) == (99, pytest.approx(20, rel=0.01), pytest.approx(520, rel=0.01))


def test_four_tokens_an_event_are_told_from_one() -> None:
    pieces = [(200 + 80 * i, chunk({"content": "a b c d "})) for i in range(25)]
    pieces += [(2200, chunk({}, "stop", usage={"completion_tokens": 100})), (2200, b"data: [DONE]\n\n")]
    row, at = recorded(stream(pieces), end=2200)
    assert row["tokens_per_event"] == 4
    assert row["tpot"] == pytest.approx(20, abs=0.01)
    measure = Measure()
    measure.add(row, at)
    assert measure.total().latency()["itl"]["p50"] == pytest.approx(80, rel=0.01)


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("size", [1, 7, 61, 10_000])
def test_framing_is_read_however_it_is_cut(ends: str, size: int) -> None:
    whole = b"".join(data for _, data in probe()).replace(b"\n", ends.encode()) + (b": end\n" if ends == "\r" else b"")
    whole = b": a comment" + ends.encode() * 2 + whole
    reading = stream([(1, whole[i : i + size]) for i in range(0, len(whole), size)])
    assert (len(reading.at), reading.terminals, reading.done, reading.verdict()) == (100, 1, True, None)


@pytest.mark.parametrize(
    ("pieces", "name"),
    [
        ([], "stream.empty"),
        ([(1, chunk({"role": "assistant", "content": ""})), (2, chunk({}, "stop"))], "stream.empty"),
        ([(1, chunk({"content": "a"}))], "stream.unterminated"),
        ([(1, chunk({"content": "a"})), (2, b'data: {"error": {"message": "no"}}\n\n')], "stream.error_event"),
        ([(1, chunk({"content": "a"})), (2, b"data: {broken\n\n")], "stream.garbage"),
        ([(1, b'data: {"choices": [7]}\n\n')], "stream.garbage"),
    ],
)
def test_a_stream_that_is_no_success_has_a_name(pieces: list[tuple[int, bytes]], name: str) -> None:
    row, _ = recorded(stream(pieces))
    assert row["error"] == name
    measure = Measure()
    measure.add(*recorded(stream(pieces)))
    group = measure.total()
    assert (group.ok, group.failed, group.errors[name]) == (0, 1, 1)
    assert group.latency()["ttft"]["count"] == 0


@pytest.mark.parametrize(
    ("pieces", "odd"),
    [
        ([(1, chunk({"content": "a"}, "stop"))], "no [DONE]"),
        ([(1, chunk({"content": "a"})), (2, chunk({}, "stop")), (3, chunk({}, "stop"))], "two terminal chunks"),
        ([(1, chunk({"content": "a"})), (2, chunk({"content": "b"}, "stop", id="c-2"))], "chunks of two ids"),
    ],
)
def test_a_breach_that_leaves_the_figures_whole_is_noted(pieces: list[tuple[int, bytes]], odd: str) -> None:
    row, _ = recorded(stream(pieces))
    assert (row["error"], row["odd"]) == (None, odd)


def test_responses_are_read_by_their_events() -> None:
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": {"id": "r-1"}},
        {"type": "response.reasoning_text.delta", "delta": "hm"},
        {"type": "response.output_text.delta", "delta": "Hi"},
        {"type": "response.completed", "response": {"id": "r-1", "usage": {"input_tokens": 3, "output_tokens": 2}}},
    ]
    pieces = [
        (i * 10, f"event: {e['type']}\ndata: {json.dumps({**e, 'sequence_number': i})}\n\n".encode())
        for i, e in enumerate(events)
    ]
    row, _ = recorded(stream(pieces, "responses_stream"))
    assert (row["error"], row["id"], row["ttft"], row["ttfat"], row["output_tokens"]) == (
        None,
        "r-1",
        pytest.approx(10, abs=0.01),
        pytest.approx(20, abs=0.01),
        2,
    )
    assert "odd" not in row
    row, _ = recorded(stream([pieces[0], *pieces[2:]], "responses_stream"))
    assert row["odd"] == "sequence_number does not go up by one"


def test_latency_from_the_planned_time_holds_the_delay() -> None:
    row, _ = recorded(stream(probe()), sent=500, end=3200, planned=100)
    assert row["late"] == pytest.approx(400, abs=0.01)
    assert row["e2e_planned"] - row["e2e"] == pytest.approx(400, abs=0.01)


def rows(count: int, seed: int, worker: int = 0) -> list[tuple[dict[str, Any], list[int]]]:
    rng = random.Random(seed)
    found = []
    for i in range(count):
        ttft = rng.lognormvariate(5, 0.5)
        at = [int((i * 30 + ttft) * 100)]
        for _ in range(20):
            at.append(at[-1] + int(rng.lognormvariate(3, 0.2) * 100))
        row = {
            "scenario": "chat",
            "sent_s": i * 0.03,
            "counted": True,
            "error": None if i % 10 else "http.500",
            "late": 0.0,
            "ttft": ttft,
            "e2e": ttft + 400,
            "events": 21,
            "output_tokens": 21,
            "tokens_from": "usage",
        }
        found.append((row, at))
    return found


def test_histograms_merge_without_loss_and_within_one_per_cent() -> None:
    one, parts = Measure(), [Measure() for _ in range(3)]
    given = rows(900, 1)
    for index, (row, at) in enumerate(given):
        one.add(row, at)
        parts[index % 3].add(row, at)
    merged = Group()
    for part in parts:
        merged.merge(part.total())
    whole = one.total()
    assert merged.latency() == whole.latency()
    assert (merged.ok, merged.failed, merged.errors) == (whole.ok, whole.failed, whole.errors)
    exact = sorted(row["ttft"] for row, _ in given if not row["error"])
    for name, p in (("p50", 50), ("p90", 90), ("p99", 99), ("p999", 99.9)):
        true = exact[math.floor((len(exact) - 1) * p / 100)]
        assert whole.latency()["ttft"][name] == pytest.approx(true, rel=0.01)


def test_a_soak_keeps_a_bounded_series_and_loses_no_request() -> None:
    measure = Measure()
    for second in range(5000):
        row, at = rows(2, second)[1]
        shift = second * 100_000
        measure.add({**row, "sent_s": float(second)}, [a % 100_000 + shift for a in at])
    series = measure.series()
    assert len(series["t"]) <= 601
    assert sum(series["sent_per_s"]) * measure.width == pytest.approx(5000)
    assert sum(series["events_per_s"]) * measure.width == pytest.approx(5000 * 21)


def test_percentiles_are_of_the_nearest_rank() -> None:
    assert percentile({100: 98, 200: 1, 300: 1}, 99) == 2.0
    assert percentile({}, 50) is None


def test_rates_are_of_what_arrived_while_it_was_counted() -> None:
    measure = Measure(spans=[Span(1.0, 3.0, "a"), Span(4.0, 5.0, "b")])
    measure.until = 5.0
    at = [int(t * 100_000) for t in (0.5, 1.5, 2.5, 3.5, 4.5, 5.5)]
    row = {
        "scenario": "chat",
        "sent_s": 0.0,
        "counted": False,
        "error": None,
        "late": 0.0,
        "e2e": 4500.0,
        "events": 6,
        "output_tokens": 12,
        "ttft": 500.0,
    }
    measure.add(row, at)
    measure.add({**row, "error": "http.500"}, at)
    total = measure.throughput(measure.total())
    assert measure.seconds() == 3.0
    assert total["output_tokens_per_s"] == pytest.approx(2 * 3 / 3.0)  # two tokens an event, three events in the spans
    assert total["chunks_per_s"] == pytest.approx(1)
    assert measure.throughput(measure.total(), phase="b")["requests_per_s"] == 1.0  # it ended there
    assert measure.throughput(measure.total(), phase="a")["requests_per_s"] == 0.0


def test_rates_end_where_the_test_was_ended() -> None:
    measure = Measure(spans=[Span(0.0, 100.0)])
    measure.until = measure.rates.until = 2.0
    row = {"scenario": "chat", "sent_s": 0.5, "counted": True, "error": None, "late": 0.0, "events": 2, "ttft": 1.0}
    measure.add({**row, "e2e": 500.0, "output_tokens": 2}, [60_000, 100_000])
    measure.add({**row, "e2e": 9000.0, "output_tokens": 2}, [150_000, 900_000])
    found = measure.throughput(measure.total())
    assert (found["requests_per_s"], found["chunks_per_s"]) == (0.5, 1.5)


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


def test_the_audit_marks_a_client_that_could_not_keep_up() -> None:
    audit = Audit()
    audit.wall_s, audit.cpu_s = 10.0, 1.0
    audit.lag.add(1, 100)
    assert not audit.summary(Group(), False)["saturated"]
    audit.lag.add(50, 100)
    found = audit.summary(Group(), False)
    assert found["saturated"]
    assert "event loop" in found["why"][0]
    assert "--processes" in found["advice"]


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
