"""Readings built from plain numbers instead of a book, for markets that are only told.

A price of 50,000, and bands that hold what they are given.
"""

from decimal import Decimal

from ..core.instrument import SECOND, Nanos
from ..core.reading import (
    BandDepth,
    Origin,
    Quotability,
    Reading,
    RoundedFill,
    Scales,
    Taker,
)

START: Nanos = 1_700_000_000 * SECOND


def origin(at: Nanos = START, *, frame: int = 1, venue: str = "binance") -> Origin:
    """Return the origin of a reading received at `at`."""
    return Origin(
        venue=venue,
        symbol="BTCUSDT",
        instrument="BTCUSDT",
        epoch=1,
        frame=frame,
        sequence=frame,
        received_at=at,
        venue_time=None,
        feed_age=0,
        latency=None,
    )


SCALES = Scales(price=20, base=40, quote=40)
"""Fine enough for any float these readings are made from."""


def units(value: float, scale: int) -> int:
    """Return a float as an integer of 10^-scale."""
    over, under = value.as_integer_ratio()
    return int(over * 10**scale // under)


def band(
    bps: int, bid: float, ask: float, *, bid_complete: bool = True, ask_complete: bool = True
) -> BandDepth:
    """Return a band that holds `bid` and `ask` of quote."""
    return BandDepth(
        bps=bps,
        scales=SCALES,
        bid_base_units=units(bid, SCALES.base) // 50_000,
        bid_quote_units=units(bid, SCALES.quote),
        ask_base_units=units(ask, SCALES.base) // 50_000,
        ask_quote_units=units(ask, SCALES.quote),
        bid_complete=bid_complete,
        ask_complete=ask_complete,
    )


def fill(
    taker: Taker, notional: Decimal, slippage: float | None, *, floor: bool = False
) -> RoundedFill:
    """Return a fill at `slippage` bps; None: only half of it could be filled."""
    filled = slippage is not None
    return RoundedFill(
        taker=taker,
        notional=notional,
        filled=filled,
        filled_fraction=1.0 if filled else 0.5,
        base=float(notional) / 50_000,
        rounded_average=50_000.0,
        worst_ticks=50_000,
        scales=Scales(0, 0, 0),
        cost_bps=1.0 if slippage is None else slippage,
        rounded_cost=float(notional) * (1.0 if slippage is None else slippage) / 10_000,
        floor=floor,
    )


def reading(
    at: Nanos = START,
    *,
    bid: float = 3e6,
    ask: float = 3e6,
    spread_bps: float = 1.0,
    sell: float | None = 1.0,
    buy: float | None = 1.0,
    notionals: tuple[Decimal, ...] = (Decimal(500_000),),
    bands: tuple[int, ...] = (10, 50, 100),
    complete: tuple[int, ...] = (10, 50, 100),
    imbalance: float | None = 0.0,
    floor: bool = False,
    frame: int = 1,
) -> Reading:
    """Return a two-sided reading whose bands hold `bid` and `ask` per 10 bps of width."""
    half, one = units(50_000 * spread_bps / 20_000, SCALES.price), 10**SCALES.base
    return Reading(
        origin=origin(at, frame=frame),
        quotability=Quotability.QUOTED,
        scales=SCALES,
        bid_ticks=units(50_000, SCALES.price) - half,
        bid_units=one,
        ask_ticks=units(50_000, SCALES.price) + half,
        ask_units=one,
        microprice=50_000.0,
        spread_bps=spread_bps,
        bid_levels=500,
        ask_levels=500,
        imbalance=imbalance,
        bands=tuple(
            band(
                bps,
                bid * bps / 10,
                ask * bps / 10,
                bid_complete=bps in complete,
                ask_complete=bps in complete,
            )
            for bps in bands
        ),
        fills=(
            *(fill(Taker.SELL, notional, sell, floor=floor) for notional in notionals),
            *(fill(Taker.BUY, notional, buy, floor=floor) for notional in notionals),
        ),
        max_sizes=(),
    )
