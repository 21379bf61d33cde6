"""/metrics in the format of Prometheus: counted in the store when it is asked for.

The values of labels are statuses, states of health and templates of paths: there are few of
them, however many questions there are.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from prometheus_client import CollectorRegistry, Histogram, generate_latest
from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from forecast.store.counts import Counts
from forecast.web.desk import Desk

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class Latency:
    """How long requests took in this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._histogram = Histogram(
            "tocsin_http_request_duration_seconds",
            "How long requests took, by method, template of the path and status.",
            ["method", "path", "status"],
            buckets=_BUCKETS,
            registry=registry,
        )

    def saw(self, scope: Mapping[str, Any], status: int, seconds: float) -> None:
        """Count one request; of what fits no path the path is not kept."""
        route = scope.get("route")
        path = str(getattr(route, "path_format", None) or getattr(route, "path", "other"))
        known = ("GET", "POST", "HEAD", "OPTIONS")
        method = scope["method"] if scope["method"] in known else "other"
        self._histogram.labels(method, path, f"{status // 100}xx").observe(seconds)


class StoreCollector(Collector):
    """What the store says of itself, asked anew each time."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def collect(self) -> Iterator[Metric]:
        """Every gauge; one that is not known is left out."""
        desk, now = self._desk, self._desk.clock()
        yield from _gauges(desk.store.counts.of(now), now, desk.pulse())

    def describe(self) -> list[Metric]:
        """Nothing: registering must not read the store."""
        return []


def _gauges(counts: Counts, now: datetime, pulse: float | None) -> Iterator[Metric]:
    yield _gauge("questions_open", "Questions before their deadline.", counts.open_questions)
    yield from _ages(
        now,
        {
            "newest_estimate_age_seconds": counts.newest_estimate,
            "oldest_due_unit_age_seconds": counts.oldest_due_unit,
            "oldest_due_delivery_age_seconds": counts.oldest_due_delivery,
            "newest_run_age_seconds": counts.newest_run,
        },
    )
    for name, words, label, found in (
        ("estimates", "Newest estimates of open questions, by health.", "health", counts.health),
        ("deliveries", "Messages in the outbox, by status.", "status", counts.deliveries),
        ("runs", "Runs of the last day, by status.", "status", counts.runs),
        ("sources", "Sources, by health.", "health", counts.sources),
        ("channels", "Channels of which anything is known, by health.", "health", counts.channels),
        ("rules", "Where rules stand, by state.", "state", counts.rules),
        ("requests", "Requests through the API, by status.", "status", counts.requests),
    ):
        yield _labelled(name, words, label, found)
    yield _gauge("due_units", "Units that wait for an update.", counts.due_units)
    yield _gauge("missed_slots", "Slots of the last day that were skipped.", counts.missed_slots)
    if pulse is not None:
        yield _gauge("scheduler_pulse_age_seconds", "Since the scheduler last ticked.", pulse)


def _gauge(name: str, words: str, value: float) -> Metric:
    return GaugeMetricFamily(f"tocsin_{name}", words, value=value)


def _ages(now: datetime, moments: Mapping[str, datetime | None]) -> Iterator[Metric]:
    for name, at in moments.items():
        if at is not None:
            words = f"{name.removesuffix('_seconds').replace('_', ' ').capitalize()}."
            yield _gauge(name, words, max(0.0, (now - at).total_seconds()))


def _labelled(name: str, words: str, label: str, found: Mapping[str, int]) -> Metric:
    family = GaugeMetricFamily(f"tocsin_{name}", words, labels=[label])
    for value, count in sorted(found.items()):
        family.add_metric([value], count)
    return family


def exposition(registry: CollectorRegistry) -> bytes:
    """All metrics, as Prometheus reads them."""
    return generate_latest(registry)
