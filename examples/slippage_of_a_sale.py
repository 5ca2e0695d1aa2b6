"""What would selling into this book cost? A book by hand, one reading, no network.

Run it: python examples/slippage_of_a_sale.py
"""

from decimal import Decimal

from tidegauge.core.book import OrderBook
from tidegauge.core.reading import Origin, Taker
from tidegauge.risk.measure import MeasurePlan, measure

BIDS = [("99.90", "400"), ("99.80", "800"), ("99.50", "2500"), ("99.00", "10000")]
ASKS = [("100.10", "500"), ("100.20", "700"), ("100.60", "3000"), ("101.00", "9000")]


def main() -> None:
    book = OrderBook()
    book.apply_snapshot(BIDS, ASKS)

    origin = Origin(
        venue="by-hand",
        symbol="EXAMPLE",
        instrument="EXAMPLE",
        epoch=1,
        frame=1,
        sequence=1,
        received_at=0,
        venue_time=None,
        feed_age=0,
        latency=None,
    )
    sizes = (Decimal(50_000), Decimal(200_000), Decimal(5_000_000))
    reading = measure(book, MeasurePlan(bands=(10, 50, 100), notionals=sizes), origin)
    assert reading is not None, "a crossed book gives no reading"

    print(f"mid {reading.mid}, spread {reading.spread_bps:.1f} bps")
    for size in sizes:
        fill = reading.fill(Taker.SELL, size)
        assert fill is not None
        if fill.slippage_bps is None:
            print(f"sell {size:>9,}: only {fill.filled_fraction:.0%} of it can be filled")
        else:
            print(f"sell {size:>9,}: {fill.slippage_bps:6.2f} bps, worst price {fill.worst}")


if __name__ == "__main__":
    main()
