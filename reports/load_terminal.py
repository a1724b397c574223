"""The table that ends a load test, for terminals of 80 columns and more."""

from __future__ import annotations

import io
import shutil
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from seatrial.summary import line

FILE = ""
_ROWS = (
    ("ttft", "TTFT"),
    ("ttfat", "first answer token"),
    ("itl", "ITL (gap of events)"),
    ("tpot", "TPOT"),
    ("e2e", "E2E"),
    ("e2e_planned", "E2E from planned"),
    ("accept", "accept"),
    ("queue_wait", "queue wait"),
    ("service", "service"),
    ("connect", "connect"),
    ("late", "late"),
)
_COLUMNS = ("p50", "p90", "p95", "p99", "p999", "max")


def render(found: dict[str, Any], width: int | None = None, color: bool | None = None) -> str:
    """The table as text of at most `width` columns (the terminal's, else 100)."""
    found = _shown(found)
    width = width or min(shutil.get_terminal_size((100, 24)).columns, 120)
    out = io.StringIO()
    console = Console(file=out, width=width, force_terminal=color, highlight=False, soft_wrap=False)
    requests, target = found["requests"], found["target"]
    console.print(Text(f"{found['profile']}: {found.get('title', '')}", style="bold"))
    console.print(f"{target['base_url']} · {target['model']} · {found['duration_s']:.1f} s", style="dim", markup=False)
    counts = f"{requests['sent']} requests: {requests['ok']} ok, {requests['failed']} failed"
    if requests["unfinished"]:
        counts += f", {requests['unfinished']} unfinished"
    if requests.get("warmup"):
        counts += f" (and {requests['warmup']} in the warm-up, not counted)"
    console.print(counts)
    console.print(_latencies(found["latency_ms"], found["profile"]))
    console.print(_rates(found))
    if found["reconnects"]:
        console.print(
            f"  {found['reconnects']} x sent again on a new connection: the kept one had been closed", style="dim"
        )
    for name, count in found["errors"].items():
        console.print(f"  {count} x {name}", style="red", markup=False)
    for name, count in found.get("odd", {}).items():
        console.print(f"  {count} x {name} (counted as success)", style="yellow", markup=False)
    _phases(console, found)
    _queue(console, found)
    _contract(console, found)
    for row in found["slo"]:
        actual = "not measured" if row["actual"] is None else f"{row['actual']:g}"
        scenario = f" of {row['scenario']}" if row.get("scenario") else ""
        mark, style = ("held", "green") if row["held"] else ("MISSED", "bold red")
        console.print(
            f"SLO {row['metric']}{scenario}: {actual}, limit {row['limit']:g}: {mark}", style=style, markup=False
        )
    _client(console, found)
    if not found["complete"]:
        console.print(f"INCOMPLETE: {found.get('incomplete', 'ended early')}", style="bold red", markup=False)
    return out.getvalue()


def _shown(value: Any) -> Any:
    """The same, with nothing in its texts that would act on a terminal: servers wrote some of them."""
    if isinstance(value, dict):
        return {_shown(name): _shown(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_shown(item) for item in value]
    return line(value, 2000) if isinstance(value, str) else value


def _latencies(latency: dict[str, Any], profile: str) -> Table:
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    table.add_column("ms")
    for name in _COLUMNS:
        table.add_column(name, justify="right")
    table.add_column("n", justify="right")
    for key, title in _ROWS:
        row = latency.get(key)
        if not row or not row["count"]:
            continue
        if key == "e2e_planned" and row["p99"] - latency["e2e"]["p99"] < 1:
            continue  # closed loop, or an open one that was never late
        if key == "ttfat" and row == latency.get("ttft"):
            continue
        if key == "late" and row["max"] < 1:
            continue
        table.add_row(title, *(_ms(row[name]) for name in _COLUMNS), str(row["count"]))
    return table


def _ms(value: float) -> str:
    return f"{value:.1f}" if value < 1000 else f"{value:,.0f}"


def _rates(found: dict[str, Any]) -> str:
    rates = found["throughput"]
    parts = [f"{rates['requests_per_s']:g} requests/s"]
    if rates["output_tokens_per_s"]:
        source = "" if found["tokens_from"] == "usage" else f" (counted from {found['tokens_from']})"
        parts.append(f"{rates['output_tokens_per_s']:,.0f} output tokens/s{source}")
    if rates.get("input_tokens_per_s"):
        parts.append(f"{rates['input_tokens_per_s']:,.0f} input tokens/s")
    if rates.get("output_tokens_per_s_per_user"):
        parts.append(f"{rates['output_tokens_per_s_per_user']:,.1f} tokens/s per user")
    if found.get("tokens_per_event", 0) > 1.05:
        parts.append(f"{found['tokens_per_event']:g} tokens per event")
    if rates["jobs_per_s"]:
        parts.append(f"{rates['jobs_per_s']:g} jobs/s")
    if found.get("goodput"):
        parts.append(f"goodput {rates['goodput_per_s']:g}/s")
    return " · ".join(parts)


def _phases(console: Console, found: dict[str, Any]) -> None:
    if not found.get("phases"):
        return
    table = Table(box=None, padding=(0, 1), header_style="bold", pad_edge=False)
    for name in ("level", "ok", "failed", "TTFT p50", "TTFT p99", "ITL p99", "E2E p50", "tokens/s", "requests/s"):
        table.add_column(name, justify="left" if name == "level" else "right")
    for name, phase in found["phases"].items():
        latency, rates, counts = phase["latency_ms"], phase["throughput"], phase["requests"]
        table.add_row(
            name,
            str(counts["ok"]),
            str(counts["failed"]),
            _ms(latency["ttft"]["p50"]),
            _ms(latency["ttft"]["p99"]),
            _ms(latency["itl"]["p99"]),
            _ms(latency["e2e"]["p50"]),
            f"{rates['output_tokens_per_s']:,.0f}",
            f"{rates['requests_per_s']:g}",
        )
    console.print(table)


def _queue(console: Console, found: dict[str, Any]) -> None:
    queue = found.get("queue")
    if not queue:
        return
    parts = [f"{queue[name]} {name}" for name in ("submitted", "completed", "failed", "cancelled", "pending")]
    style = "green" if queue["accounted"] else "bold red"
    console.print(f"queue {queue['pattern']}: {', '.join(parts)}", style=style, markup=False)
    for name in ("answered_twice", "wrong_answer", "second_executions"):
        if queue.get(name):
            console.print(f"  {queue[name]} {name.replace('_', ' ')}", style="bold red", markup=False)
    if queue.get("polls"):
        console.print(f"  {queue['polls']} polls, {queue['polls_per_job']:g} a job; order {queue['order']:.0%} kept")


def _contract(console: Console, found: dict[str, Any]) -> None:
    contract = found.get("contract")
    if not contract:
        return
    if contract.get("error"):
        console.print(f"the kept streams could not be judged: {contract['error']}", style="red", markup=False)
        return
    failed = contract["failed"]
    console.print(f"contract: {contract['judged']} kept streams judged, {len(failed)} checks failed")
    for entry in failed[:8]:
        said = f"  {entry['level']} {entry['check']}: {entry['streams']} streams; {entry['actual']}"
        console.print(said[: console.width], style="red" if entry["level"] == "MUST" else "yellow", markup=False)


def _client(console: Console, found: dict[str, Any]) -> None:
    client = found["client"]
    said = f"client: {client['cpu_share']:.0%} of a core, event loop late by {client['lag_p99_ms']:.1f} ms at p99"
    known = found.get("calibration")
    said += f"; {known}" if known else "; not calibrated on this machine (seatrial calibrate)"
    console.print(said, style="dim", markup=False)
    if client["saturated"]:
        console.print("SATURATED: these figures show the client, not the server:", style="bold red")
        for why in client["why"]:
            console.print(f"  {why}", style="red", markup=False)
        console.print(f"  {client['advice']}", style="red", markup=False)
