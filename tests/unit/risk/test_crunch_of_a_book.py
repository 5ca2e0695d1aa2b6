"""From book updates to an alert: the order book, its readings and the detector together."""

from decimal import Decimal

from tests.support.markets import START, origin

from tidegauge.core.alert import AlertKey, AlertState, Severity
from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import SECOND
from tidegauge.core.reading import Reading
from tidegauge.risk.crunch import SIGNAL, CrunchDetector
from tidegauge.risk.measure import MeasurePlan, measure
from tidegauge.risk.settings import CrunchSettings

KEY = AlertKey(signal=SIGNAL, symbol="BTCUSDT", venue="binance")
SETTINGS = CrunchSettings(
    slow=100, fast=20, min_samples=20, reference_samples=5, clear_for=10 * SECOND
)
MIDDLE = 500_000  # ticks of 0.1
PLAN = MeasurePlan()


def levels(sign: int, lots: int) -> list[tuple[str, str]]:
    """Return one level every ten ticks out to 120 bps, of `lots` thousandths each."""
    return [
        (f"{(MIDDLE + sign * (5 + 10 * n)) / 10:.1f}", f"{lots / 1000:.3f}") for n in range(600)
    ]


def test_a_book_that_thins_to_a_third_raises_one_alert_and_its_return_resolves_it() -> None:
    """Deltas in, sentence out."""
    book = OrderBook(price_scale=1, size_scale=3)
    book.apply_snapshot(levels(-1, 500), levels(1, 500))
    detector = CrunchDetector(KEY, SETTINGS)
    alerts = []
    for second in range(90):
        if second == 40:
            book.apply_delta(levels(-1, 150), levels(1, 150))
        if second == 60:
            book.apply_delta(levels(-1, 500), levels(1, 500))
        plan = PLAN.adding(notionals=detector.wanted().notionals, bands=detector.wanted().bands)
        reading: Reading | None = measure(book, plan, origin(START + second * SECOND))
        assert reading is not None
        alert = detector.observe(reading)
        detector.sample(reading, reading.origin.received_at)
        if alert is not None:
            alerts.append((second, alert))
    assert detector.reference_notional == Decimal(500_000)
    fired, resolved = alerts[0], alerts[-1]
    assert fired[0] == 42
    assert fired[1].severity is Severity.CRITICAL
    assert fired[1].baseline is not None
    # 50 levels a side within 10 bps of 50,000, half a coin each.
    assert round(fired[1].baseline, -4) == 2_500_000
    assert resolved[1].state is AlertState.RESOLVED
    assert 70 <= resolved[0] <= 75
    assert {alert.id for _, alert in alerts} == {fired[1].id}
