"""The figures of a load test: what is read from bytes, how it is added up."""

from __future__ import annotations

import json
import math
import random
from typing import Any

import pytest

from seatrial.load.audit import Audit
from seatrial.load.call import Call, Calls
from seatrial.load.measure import Group, Measure, percentile
from seatrial.load.options import Limits
from seatrial.load.rates import Span
from seatrial.load.reading import dialects
from seatrial.load.record import record

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
