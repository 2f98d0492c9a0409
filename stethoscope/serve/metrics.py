"""The counters of the service, in the text format of Prometheus."""

from collections import defaultdict, deque
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)

_SECONDS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0)
_DRIFT_CLIPS = 100


class Metrics:
    """Counters of one service."""

    content_type = "text/plain; version=0.0.4; charset=utf-8"

    def __init__(self) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self.requests = self._counter("requests", "Requests answered.", "method", "route", "status")
        self.latency = Histogram(
            "stethoscope_request_seconds",
            "Time from a request's header to its served.",
            ("route",),
            buckets=_SECONDS,
            registry=self._registry,
        )
        self.refusals = self._counter("refusals", "Requests refused, by reason.", "reason")
        self.reloads = self._counter(
            "reloads", "New bundles found in the folder, by result: taken or refused.", "result"
        )
        self.places = self._gauge("places_taken", "Requests received, waiting or worked on.")
        self.streams = self._gauge("streams_open", "Streams open.")
        self._verdicts = self._counter("verdicts", "Verdicts given.", "machine", "anomaly")
        self._drift = self._gauge(
            "score_drift",
            f"Mean over the last {_DRIFT_CLIPS} clips of the probability that a normal clip "
            "scores lower, minus 1/2. It is 0 if clips score like the normal ones that the "
            "thresholds are based on, and up to 1/2 if they score higher.",
            "machine",
        )
        self._recent: defaultdict[str, deque[float]] = defaultdict(
            lambda: deque(maxlen=_DRIFT_CLIPS)
        )

    def count_verdict(self, served: dict[str, Any]) -> None:
        """Count a verdict, by machine. Only machines that the model knows occur.

        Parameters
        ----------
        served : dict
            What :meth:`stethoscope.serve.judge.ServedVerdict.to_json` returns.
        """
        machine = served["machine"]
        self._verdicts.labels(machine, str(served["anomaly"]).lower()).inc()
        if served["probability"] is None:
            return
        recent = self._recent[machine]
        recent.append(served["probability"])
        self._drift.labels(machine).set(sum(recent) / len(recent) - 0.5)

    def render(self) -> bytes:
        """Return all counters as text."""
        return generate_latest(self._registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"stethoscope_{name}", text, labels, registry=self._registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(f"stethoscope_{name}", text, labels, registry=self._registry)
