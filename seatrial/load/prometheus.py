"""The live figures of a load test for Prometheus, by its own client library (the extra `prometheus`)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from seatrial.load.measure import quantile
from seatrial.load.session import Session
from seatrial.model import Invalid

_METRICS = ("ttft", "ttfat", "itl", "tpot", "e2e", "late", "queue_wait")
_QUANTILES = (0.5, 0.9, 0.95, 0.99)


class Collector:
    """Gives, when it is scraped, what the session knows: nothing is counted twice for it."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def collect(self) -> Iterator[Any]:
        """Requests and errors as counters, latencies as quantiles in seconds, gauges as they are."""
        from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

        session = self._session
        requests = CounterMetricFamily("seatrial_requests", "Requests that have ended", labels=["scenario", "result"])
        errors = CounterMetricFamily("seatrial_errors", "Failed requests by name", labels=["scenario", "error"])
        tokens = CounterMetricFamily("seatrial_tokens", "Tokens of successful requests", labels=["scenario", "kind"])
        latency = GaugeMetricFamily(
            "seatrial_latency_seconds", "Latency so far", labels=["scenario", "metric", "quantile"]
        )
        for name, group in session.measure.by(0).items():
            for result, count in (("ok", group.ok), ("failed", group.failed), ("unfinished", group.unfinished)):
                requests.add_metric([name, result], count)
            for error, count in group.errors.items():
                errors.add_metric([name, error], count)
            for kind in ("input", "output", "reasoning", "cached"):
                tokens.add_metric([name, kind], group.tokens[f"{kind}_tokens"])
            for metric in _METRICS:
                hist = group.hist(metric)
                if hist is not None and hist.count:
                    for share in _QUANTILES:
                        latency.add_metric([name, metric, str(share)], quantile(hist, share) / 1000)
        gauges = GaugeMetricFamily("seatrial_gauge", "Open requests, backlog and the like", labels=["name"])
        for name, value in session.gauges.items():
            gauges.add_metric([name], value)
        yield from (requests, errors, tokens, latency, gauges)


def serve(session: Session, port: int) -> None:
    """Serves `/metrics` on loopback until the process ends. Raises Invalid without the extra, OSError for a port in use."""
    try:
        from prometheus_client import CollectorRegistry, start_http_server
    except ImportError:
        raise Invalid("--prometheus", "", "needs the extra: pip install 'seatrial[prometheus]'") from None
    registry = CollectorRegistry()
    registry.register(Collector(session))
    start_http_server(port, "127.0.0.1", registry)
