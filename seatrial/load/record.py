"""What is kept of one request: a flat record, one line of `requests.jsonl`.

Times are milliseconds with three decimals. Metrics: TTFT is the first non-empty token of any kind minus sent; ITL the gap
between two events with tokens; TPOT (last - first) / (tokens - tokens of the first event); E2E the end minus sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from operator import sub
from typing import Any

from seatrial.load.address import Failure
from seatrial.load.call import Call
from seatrial.load.reading import ANSWER, REASONING, ROLE, TOOL

Record = dict[str, Any]

QUANTUM_NS = 10_000
"""Times of events travel in units of 10 microseconds since the start of the run."""

LATENCIES = (
    "ttft",
    "ttfat",
    "itl",
    "tpot",
    "e2e",
    "e2e_planned",
    "ttft_planned",
    "late",
    "connect",
    "headers",
    "role",
    "accept",
    "queue_wait",
    "service",
)
"""Every metric that is a distribution of milliseconds; `itl` alone is not in a record but in its events."""


def record(call: Call, start_ns: int, count: Callable[[str], int] | None = None) -> tuple[Record, list[int]]:
    """The record of a call that has ended, and the times of its events with tokens. `count` is a tokenizer."""
    reading, sent = call.reading, call.sent_ns or call.planned_ns
    failure = call.failure or reading.verdict()

    def since(at_ns: int | None) -> float | None:
        return round((at_ns - sent) / 1e6, 3) if at_ns else None

    at = reading.at
    row: Record = {
        "scenario": call.scenario,
        "sent_s": round((sent - start_ns) / 1e9, 6),
        "planned_s": round((call.planned_ns - start_ns) / 1e9, 6),
        "counted": call.counted,
        "status": call.status,
        "error": failure.name if failure else None,
        "late": round((sent - call.planned_ns) / 1e6, 3) if call.sent_ns else None,
        "connect": round(call.connect_ns / 1e6, 3) if call.connect_ns else None,
        "headers": since(call.headers_ns),
        "e2e": since(call.end_ns),
        "events": len(at),
    }
    if failure is not None:
        row["detail"] = failure.detail
    if reading.id:
        row["id"] = reading.id
    if reading.odd:
        row["odd"] = reading.odd
    if at:
        first = reading.first
        row["ttft"] = since(at[0])
        row["last"] = since(at[-1])
        row["ttfat"] = since(first.get(ANSWER))
        row["max_gap"] = round(max(map(sub, at[1:], at), default=0) / 1e6, 3)
        for name, kind in (("role", ROLE), ("reasoning", REASONING), ("tool", TOOL)):
            if kind in first:
                row[name] = since(first[kind])
    if call.planned_ns != sent:
        delay = (sent - call.planned_ns) / 1e6
        row["e2e_planned"] = round(row["e2e"] + delay, 3) if row["e2e"] is not None else None
        row["ttft_planned"] = round(row["ttft"] + delay, 3) if at else None
    else:
        row["e2e_planned"], row["ttft_planned"] = row["e2e"], row.get("ttft")
    _tokens(row, call, count)
    row.update(call.tags)
    return row, [(t - start_ns) // QUANTUM_NS for t in at]


def recorded(call: Call, start_ns: int, count: Callable[[str], int] | None = None) -> tuple[Record, list[int]]:
    """The record, also of an answer of a shape that nobody foresaw: it is a failure then."""
    try:
        return record(call, start_ns, count)
    except (TypeError, ValueError, AttributeError, KeyError) as error:
        call.failure = Failure("body.garbage", f"{type(error).__name__}: {error}"[:200])
        call.reading.usage, call.reading.first_event_tokens = None, 0
        return record(call, start_ns)


def _tokens(row: Record, call: Call, count: Callable[[str], int] | None) -> None:
    reading = call.reading
    usage: Mapping[str, Any] = _object(reading.usage)
    output = usage.get("completion_tokens", usage.get("output_tokens"))
    row["input_tokens"] = _number(usage.get("prompt_tokens", usage.get("input_tokens")))
    if isinstance(output, int) and not isinstance(output, bool):
        row["output_tokens"], row["tokens_from"] = output, "usage"
        detail = _object(usage.get("completion_tokens_details") or usage.get("output_tokens_details"))
        row["reasoning_tokens"] = _number(detail.get("reasoning_tokens"))
    elif count is not None and reading.text is not None:
        row["output_tokens"], row["tokens_from"] = count("".join(reading.text)), "tokenizer"
    elif row["events"] and reading.counts:
        row["output_tokens"], row["tokens_from"] = row["events"], "events"
    detail = _object(usage.get("prompt_tokens_details") or usage.get("input_tokens_details"))
    row["cached_tokens"] = _number(detail.get("cached_tokens"))
    tokens, events = row.get("output_tokens"), row["events"]
    if tokens and events > 1:
        hidden = (row.get("reasoning_tokens") or 0) if REASONING not in reading.first else 0
        streamed = tokens - hidden  # reasoning that is counted and never streamed takes no time between events
        first = _number(reading.first_event_tokens) or streamed / events
        if streamed > first:
            row["tpot"] = round((row["last"] - row["ttft"]) / (streamed - first), 4)
    if tokens and events:
        row["tokens_per_event"] = round(tokens / events, 3)


def _object(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, dict) else {}


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
