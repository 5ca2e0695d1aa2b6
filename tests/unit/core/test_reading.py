"""A reading finds its own parts, and knows the frame behind it."""

from decimal import Decimal

from tidegauge.core.instrument import BookId
from tidegauge.core.reading import BandDepth, Fill, Origin, Quotability, Reading, Taker

ORIGIN = Origin(
    venue="binance",
    symbol="BTCUSDT",
    instrument="BTCUSDT",
    epoch=3,
    frame=17,
    sequence=42,
    received_at=1,
    venue_time=None,
    feed_age=0,
    latency=None,
)


def band(bps: int, *, bid_complete: bool = True, ask_complete: bool = True) -> BandDepth:
    return BandDepth(
        bps=bps,
        bid_base=Decimal(1),
        bid_quote=Decimal(100),
        ask_base=Decimal(2),
        ask_quote=Decimal("200.5"),
        bid_complete=bid_complete,
        ask_complete=ask_complete,
        imbalance=-0.33,
    )


def fill(taker: Taker, notional: str) -> Fill:
    return Fill(
        taker=taker,
        notional=Decimal(notional),
        filled=True,
        filled_fraction=1.0,
        base=1.0,
        average=100.0,
        worst=Decimal(100),
        slippage_bps=1.0,
        partial_slippage_bps=1.0,
        slippage_cost=0.1,
        floor=False,
    )


READING = Reading(
    origin=ORIGIN,
    quotability=Quotability.QUOTED,
    best_bid=Decimal(99),
    best_bid_size=Decimal(1),
    best_ask=Decimal(101),
    best_ask_size=Decimal(1),
    mid=Decimal(100),
    microprice=100.0,
    spread=Decimal(2),
    spread_bps=200.0,
    bid_levels=1,
    ask_levels=1,
    imbalance=0.0,
    bands=(band(10), band(50, ask_complete=False)),
    fills=(fill(Taker.BUY, "100"), fill(Taker.SELL, "100")),
    max_sizes=(),
)


def test_the_origin_names_the_book_and_the_frame() -> None:
    """The trace id is venue/epoch/frame, from the first event on."""
    assert ORIGIN.book == BookId("binance", "BTCUSDT")
    assert ORIGIN.trace == "binance/3/17"


def test_a_band_is_found_by_its_width() -> None:
    """None when it was not measured: unknown is never a stand-in."""
    assert READING.band(50) is READING.bands[1]
    assert READING.band(25) is None


def test_a_fill_is_found_by_who_takes_and_how_much() -> None:
    """The same size has two fills, one for each taker."""
    assert READING.fill(Taker.SELL, Decimal("100.0")) is READING.fills[1]
    assert READING.fill(Taker.SELL, Decimal(200)) is None


def test_a_band_is_complete_when_both_sides_are() -> None:
    """One unknown side makes the whole a floor; the total is exact."""
    complete, floor = READING.bands
    assert complete.complete
    assert not floor.complete
    assert not band(10, bid_complete=False).complete
    assert complete.total_quote == Decimal("300.5")
