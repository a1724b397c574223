"""report.html of a load test: one file with its plots (plotly.js inside), readable without network."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, Template
from markupsafe import Markup

from seatrial import summary

FILE = "report.html"
_HERE = Path(__file__).resolve().parent
_METRICS = {
    "ttft": ("TTFT", "the first non-empty token of any kind, from sent"),
    "ttft_planned": ("TTFT from planned", "the same, from the planned time"),
    "ttfat": ("first answer token", "the first token of the answer itself, after any reasoning"),
    "role": ("role chunk", "the empty chunk that comes before the first token"),
    "headers": ("headers", "the end of the response's headers"),
    "itl": ("ITL", "the gap between two events with tokens, all gaps of all streams"),
    "tpot": ("TPOT", "per request: (last token - first) / (tokens - tokens of the first event)"),
    "e2e": ("E2E", "the end of the answer, from sent"),
    "e2e_planned": ("E2E from planned", "the same, from the planned time"),
    "accept": ("accept", "until the queue took the job"),
    "queue_wait": ("queue wait", "from accepted until the job ran"),
    "service": ("service", "while the job ran"),
    "connect": ("connect", "TCP and TLS, before the clock of a request starts"),
    "late": ("late", "sent minus planned: the client's own delay"),
}
_COLUMNS = ("mean", "p50", "p90", "p95", "p99", "p999", "max")


@cache
def _plotly() -> str:
    """The library's code; what HTML forbids in a script, or would end it, is written out."""
    code = resources.files("plotly").joinpath("package_data", "plotly.min.js").read_text("utf-8")
    code = re.sub("[\x00-\x08\x0b\x0e-\x1f\x7f]", lambda hit: f"\\x{ord(hit[0]):02x}", code)
    return code.replace("</script", "<\\/script")


@cache
def _template() -> Template:
    environment = Environment(
        loader=FileSystemLoader(_HERE),
        autoescape=True,
        # What a server named or said may hold characters that act or hide.
        finalize=lambda value: summary.visible(value) if type(value) is str else value,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"ms": _ms, "figure": _figure}
    return environment.get_template("load_report.html.j2")


def render(found: dict[str, Any]) -> str:
    """The page."""
    rows = [
        (title, said, found["latency_ms"][key])
        for key, (title, said) in _METRICS.items()
        if found["latency_ms"].get(key, {}).get("count") and not _same(found["latency_ms"], key)
    ]
    # Inside a script element only "</" and "<!--" could end it or change how it is read.
    figures = json.dumps(_figures(found), separators=(",", ":")).replace("<", "\\u003c")
    return _template().render(
        found=found,
        verdict=_verdict(found),
        rows=rows,
        columns=_COLUMNS,
        tiles=_tiles(found),
        figures=Markup(figures),  # noqa: S704 JSON without "<"
        plotly=Markup(_plotly()),  # noqa: S704 the library's own code
        style=_own("report.css"),
        load_style=_own("load.css"),
        theme=_own("theme.js"),
        script=_own("load.js"),
    )


def _own(name: str) -> Markup:
    return Markup((_HERE / name).read_text("utf-8"))  # noqa: S704 our own file


@dataclass(frozen=True, slots=True)
class Tile:
    """One figure of the overview; `bad` where it is a fault."""

    title: str
    figure: str
    unit: str
    note: str
    bad: bool = False


def _tiles(found: dict[str, Any]) -> list[Tile]:
    """What a reader wants first: whether requests failed, the latencies, the throughput. Nothing that was not measured."""
    asked, latency, rates = found["requests"], found["latency_ms"], found["throughput"]
    tiles = [Tile("Failed requests", f"{asked['failed']:,}", f"of {asked['sent']:,}", "", asked["failed"] > 0)]
    for key in ("ttft", "itl", "e2e", "queue_wait"):
        row = latency.get(key) or {}
        if row.get("count"):
            note = f"p50 {_ms(row['p50'])}, max {_ms(row['max'])}"
            tiles.append(Tile(f"{_METRICS[key][0]} p99", _ms(row["p99"]), "ms", note))
    if rates["output_tokens_per_s"]:
        note = f"{_figure(rates['output_tokens_per_s_per_user'])} /s per user"
        tiles.append(Tile("Output tokens", _figure(rates["output_tokens_per_s"]), "/s", note))
    tiles.append(Tile("Requests", _figure(rates["requests_per_s"]), "/s", ""))
    if found.get("goodput"):
        tiles.append(Tile("Goodput", _figure(rates["goodput_per_s"]), "/s", "kept every limit of a request"))
    return tiles


def _ms(value: float) -> str:
    return f"{value:,.1f}" if value < 10_000 else f"{value:,.0f}"


def _figure(value: float) -> str:
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def _same(latency: dict[str, Any], key: str) -> bool:
    """Whether the figures from the planned time say nothing of their own, as in a closed loop."""
    return key.endswith("_planned") and latency[key] == latency.get(key.removesuffix("_planned"))


def write(found: dict[str, Any], out: Path) -> Path:
    """Writes `report.html`; its path."""
    path = out / FILE
    path.write_text(render(found), "utf-8")
    return path


def _verdict(found: dict[str, Any]) -> tuple[str, str]:
    if not found["complete"]:
        return "incomplete", "Incomplete"
    missed = [line for line in found["slo"] if not line["held"]]
    if missed:
        return "failed", f"SLO missed: {len(missed)} of {len(found['slo'])} limits"
    if found["slo"]:
        return "passed", "SLO held"
    failed = found["requests"]["failed"]
    return ("incomplete", f"{failed} requests failed") if failed else ("measured", "Measured")


def _line(name: str, x: list[Any], y: list[Any], **more: Any) -> dict[str, Any]:
    return {"type": "scatter", "mode": "lines", "name": name, "x": x, "y": y, "connectgaps": False, **more}


def _over_time(series: dict[str, list[Any]], wanted: dict[str, str]) -> list[dict[str, Any]]:
    return [
        # Marks, since a value alone between two gaps makes no line.
        _line(title, series["t"], series[name], mode="lines+markers", marker={"size": 3})
        for name, title in wanted.items()
        if name in series and any(series[name])
    ]


def _figures(found: dict[str, Any]) -> list[dict[str, Any]]:
    """Each plot: its title, what its axes are, its traces. Plots of what was not measured are left out."""
    series = found["series"]
    plots = [
        ("TTFT over time", "seconds", "ms", {"ttft_p50": "p50", "ttft_p99": "p99", "ttft_max": "max"}),
        ("ITL over time", "seconds", "ms", {"itl_p50": "p50", "itl_p99": "p99", "itl_max": "max: stalls"}),
        ("Output tokens per second", "seconds", "tokens/s", {"output_tokens_per_s": "output tokens"}),
        (
            "Requests per second",
            "seconds",
            "per second",
            {"sent_per_s": "sent", "ok_per_s": "ok", "failed_per_s": "failed"},
        ),
        ("Open requests and backlog", "seconds", "", {"concurrency": "open requests", "backlog": "jobs not finished"}),
        ("The client's own processor use", "seconds", "share of a core", {"client_cpu": "client"}),
    ]
    figures = []
    distribution = found.get("distribution", {})
    curves = [
        _line(_METRICS[key][0], [ms for _, ms in points], [p for p, _ in points])
        for key, points in distribution.items()
        if key in ("ttft", "itl", "tpot", "e2e", "queue_wait") and points
    ]
    if curves:
        figures.append({"title": "Distributions", "x": "ms", "y": "share of values", "traces": curves, "log": True})
    if found.get("phases"):
        figures += _curve(found["phases"])
    for title, x, y, wanted in plots:
        traces = _over_time(series, wanted)
        if traces:
            figures.append({"title": title, "x": x, "y": y, "traces": traces})
    return figures


def _curve(phases: dict[str, Any]) -> list[dict[str, Any]]:
    """Latency against throughput, a point for each level."""
    names = list(phases)
    tokens = [
        phases[name]["throughput"]["output_tokens_per_s"] or phases[name]["throughput"]["requests_per_s"]
        for name in names
    ]
    traces = []
    for metric, p in (("ttft", "p50"), ("ttft", "p99"), ("e2e", "p50")):
        values = [phases[name]["latency_ms"][metric][p] for name in names]
        if any(values):
            traces.append(_line(f"{_METRICS[metric][0]} {p}", tokens, values, mode="lines+markers"))
    if traces:  # the levels are named once, at the line on top
        traces[-1] |= {
            "mode": "lines+markers+text",
            "text": names,
            "textposition": "bottom center",
            "cliponaxis": False,
        }
    return [{"title": "Latency against throughput", "x": "output tokens/s", "y": "ms", "traces": traces}]
