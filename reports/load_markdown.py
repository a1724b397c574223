"""A load test's summary in Markdown, for a pull request or a CI job's page."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from seatrial.summary import line

FILE = "summary.md"
_ROWS = (
    ("ttft", "TTFT"),
    ("itl", "ITL"),
    ("tpot", "TPOT"),
    ("e2e", "E2E"),
    ("queue_wait", "queue wait"),
    ("late", "late"),
)


def _cell(text: Any) -> str:
    return line(str(text), 500).replace("|", "\\|").replace("<", "&lt;").replace("`", "'")


def write(found: dict[str, Any], out: Path) -> Path:
    """Writes `summary.md`; its path."""
    requests, rates, client = found["requests"], found["throughput"], found["client"]
    lines = [f"## seatrial load {_cell(found['profile'])}: {_verdict(found)}", ""]
    lines.append(
        f"`{_cell(found['target']['base_url'])}` · {_cell(found['target']['model'])} · {found['duration_s']:.1f} s"
    )
    lines.append("")
    lines.append(
        f"{requests['sent']} requests: {requests['ok']} ok, {requests['failed']} failed, {requests['unfinished']} unfinished"
    )
    lines += ["", "| ms | p50 | p90 | p95 | p99 | max | n |", "|---|---:|---:|---:|---:|---:|---:|"]
    for key, title in _ROWS:
        row = found["latency_ms"].get(key)
        if row and row["count"]:
            cells = " | ".join(f"{row[p]:.1f}" for p in ("p50", "p90", "p95", "p99", "max"))
            lines.append(f"| {title} | {cells} | {row['count']} |")
    lines += [
        "",
        f"{rates['requests_per_s']:g} requests/s · {rates['output_tokens_per_s']:g} output tokens/s ({found['tokens_from']})",
    ]
    if found["slo"]:
        lines += ["", "| SLO | limit | measured | |", "|---|---:|---:|---|"]
        for row in found["slo"]:
            actual = "not measured" if row["actual"] is None else f"{row['actual']:g}"
            name = f"{row['metric']} {row.get('scenario', '')}".strip()
            lines.append(f"| {_cell(name)} | {row['limit']:g} | {actual} | {'held' if row['held'] else '**missed**'} |")
    if found["errors"]:
        lines += ["", *(f"- {count} x `{_cell(name)}`" for name, count in found["errors"].items())]
    if client["saturated"]:
        lines += ["", "**The client was saturated:** " + "; ".join(client["why"])]
    path = out / FILE
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path


def _verdict(found: dict[str, Any]) -> str:
    if not found["complete"]:
        return f"incomplete ({_cell(found.get('incomplete', ''))})"
    if found["slo"]:
        return "SLO held" if all(row["held"] for row in found["slo"]) else "SLO missed"
    return "measured"
