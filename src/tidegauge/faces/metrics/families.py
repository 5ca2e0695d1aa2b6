"""Metric families, and the one way a value gets into them."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from math import isfinite

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
)

from tidegauge.runtime.window.across import ShownHistogram

PREFIX = "tidegauge_"
BPS = 10_000.0
"""Basis points of one: ratios are what Prometheus expects."""


def gauge(name: str, told: str, *labels: str) -> GaugeMetricFamily:
    """Return a family of what stands; `told` is its help."""
    return GaugeMetricFamily(PREFIX + name, told, labels=labels)


def counter(name: str, told: str, *labels: str) -> CounterMetricFamily:
    """Return a family of what only grows, until a daemon starts again; `_total` is added to its name."""
    return CounterMetricFamily(PREFIX + name, told, labels=labels)


def histogram(name: str, told: str, *labels: str) -> HistogramMetricFamily:
    """Return a family of distributions."""
    return HistogramMetricFamily(PREFIX + name, told, labels=labels)


def put(
    family: GaugeMetricFamily | CounterMetricFamily,
    labels: Sequence[str],
    value: float | Decimal | None,
) -> None:
    """Add a value, exact numbers as the nearest float. What is not known is left out: a zero or a NaN
    would be taken for a measurement."""
    if value is not None and isfinite(number := float(value)):
        family.add_metric(labels, number)


def one_hot(
    family: GaugeMetricFamily, labels: Sequence[str], states: Iterable[str], now: str | None
) -> None:
    """Add one series a state, 1 for the one that holds; none while that is not known."""
    if now is not None:
        for state in states:
            family.add_metric((*labels, state), float(state == now))


def put_histogram(
    family: HistogramMetricFamily, labels: Sequence[str], shown: ShownHistogram
) -> None:
    """Add a distribution."""
    bounds = (format(bound, "g") for bound in shown.bounds)
    buckets = [*zip(bounds, shown.counts, strict=True), ("+Inf", shown.count)]
    family.add_metric(labels, buckets=buckets, sum_value=shown.sum)
