"""A reading finds its own parts, and knows the frame behind it."""

from decimal import Decimal

from msgspec import structs

from tidegauge.core.instrument import BookId
from tidegauge.core.reading import (
    BandDepth,
    Origin,
    Quotability,
    Reading,
    RoundedFill,
    Scales,
    Taker,
)

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

SCALES = Scales(price=1, base=2, quote=3)


def band(bps: int, *, bid_complete: bool = True, ask_complete: bool = True) -> BandDepth:
    return BandDepth(
        bps=bps,
        scales=SCALES,
        bid_base_units=100,
        bid_quote_units=100_000,
        ask_base_units=200,
        ask_quote_units=200_500,
        bid_complete=bid_complete,
        ask_complete=ask_complete,
    )


def fill(taker: Taker, notional: str, *, filled: bool = True) -> RoundedFill:
    return RoundedFill(
        taker=taker,
        notional=Decimal(notional),
        filled=filled,
        filled_fraction=1.0 if filled else 0.5,
        base=1.0,
        rounded_average=100.0,
        worst_ticks=1005,
        scales=SCALES,
        cost_bps=1.5,
        rounded_cost=0.1,
        floor=False,
    )


READING = Reading(
    origin=ORIGIN,
    quotability=Quotability.QUOTED,
    scales=SCALES,
    bid_ticks=990,
    bid_units=150,
    ask_ticks=1011,
    ask_units=25,
    microprice=100.0,
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


def test_what_is_kept_as_integers_is_told_as_exact_decimals() -> None:
    """Nothing is rounded on the way, and the mid needs one place more than the prices."""
    assert (READING.best_bid, READING.best_ask) == (Decimal("99.0"), Decimal("101.1"))
    assert (READING.best_bid_size, READING.best_ask_size) == (Decimal("1.50"), Decimal("0.25"))
    assert (READING.mid, READING.spread) == (Decimal("100.05"), Decimal("2.1"))
    complete = READING.bands[0]
    assert (complete.bid_base, complete.bid_quote) == (Decimal(1), Decimal(100))
    assert (complete.ask_base, complete.ask_quote) == (Decimal(2), Decimal("200.5"))
    assert complete.imbalance == (100_000 - 200_500) / 300_500
    assert READING.fills[0].worst == Decimal("100.5")


def test_a_part_that_was_filled_never_reads_as_the_whole() -> None:
    """A thinner book must not look cheaper: its slippage is kept apart."""
    whole, part = fill(Taker.BUY, "100"), fill(Taker.BUY, "100", filled=False)
    assert (whole.slippage_bps, whole.partial_slippage_bps, whole.slippage_cost) == (1.5, None, 0.1)
    assert (part.slippage_bps, part.partial_slippage_bps, part.slippage_cost) == (None, 1.5, None)


def test_a_band_without_anything_in_it_has_no_imbalance() -> None:
    """0 / 0 is unknown."""
    empty = structs.replace(band(10), bid_quote_units=0, ask_quote_units=0)
    assert empty.imbalance is None
