"""Readings of every sort: one-sided, partial, with floors, with integers no bigint holds."""

from decimal import Decimal
from typing import Any

from hypothesis import strategies as st
from tests.support.database import NOON

from tidegauge.core.instrument import HOUR
from tidegauge.core.reading import (
    BandDepth,
    Fill,
    MaxSize,
    Origin,
    Quotability,
    Reading,
    RoundedFill,
    Scales,
    Taker,
)

LARGEST = 2**63 - 1
PLAIN_WORDS = st.text("ABCdef019_-/", min_size=1, max_size=12)

units = st.one_of(
    st.integers(0, 10**12),
    st.integers(0, 10**18),
    st.sampled_from([0, 1, 9_999, 10_000, 10**8, LARGEST - 1, LARGEST]),
)
"""What a bigint holds."""

wide_units = st.one_of(
    units, st.integers(-(10**40), 10**40), st.sampled_from([2**63, -(2**63) - 1])
)
amounts = st.floats(1e-12, 1e15) | st.sampled_from([1.0, 0.1, 1 / 3])
ratios = st.floats(-1, 1)
costs = st.floats(1e-12, 1e4) | st.floats(-1e4, -1e-12) | st.just(0.0)
counts = st.integers(0, LARGEST)
scales_of = st.builds(
    Scales, price=st.integers(0, 18), base=st.integers(0, 18), quote=st.integers(0, 36)
)


@st.composite
def readings(draw: st.DrawFn, *, wide: bool = False) -> Reading:
    """Return any reading whose parts agree with each other."""
    exact = wide_units if wide else units
    scales = draw(scales_of)
    bid, ask = (draw(st.tuples(exact, exact) | st.none()) for _ in range(2))
    both = bid is not None and ask is not None
    mid = Decimal(bid[0] + ask[0]) / 2 / 10**scales.price if bid and ask else Decimal(0)
    parts = st.integers(0, 5 if both else 0)
    unknown: st.SearchStrategy[Any] = amounts if both else st.none()
    return Reading(
        origin=draw(origins()),
        quotability=Quotability.QUOTED if both else Quotability.ONE_SIDED,
        scales=scales,
        bid_ticks=None if bid is None else bid[0],
        bid_units=None if bid is None else bid[1],
        ask_ticks=None if ask is None else ask[0],
        ask_units=None if ask is None else ask[1],
        microprice=draw(unknown),
        spread_bps=draw(unknown),
        bid_levels=draw(st.integers(0, 2**31 - 1)),
        ask_levels=draw(st.integers(0, 2**31 - 1)),
        imbalance=draw(ratios if both else st.none()),
        bands=tuple(draw(bands(scales, exact)) for _ in range(draw(parts))),
        fills=tuple(draw(fills(scales, exact, mid)) for _ in range(draw(parts) * 3)),
        max_sizes=tuple(draw(sizes(exact)) for _ in range(draw(parts))),
    )


@st.composite
def origins(draw: st.DrawFn) -> Origin:
    """Return any origin, of two venues; times before 1970 and latencies below zero among them."""
    return Origin(
        venue=draw(st.sampled_from(["binance", "bybit-linear"])),
        symbol=draw(PLAIN_WORDS),
        instrument=draw(PLAIN_WORDS),
        epoch=draw(counts),
        frame=draw(counts),
        sequence=draw(counts),
        received_at=draw(st.integers(NOON - HOUR, NOON + HOUR)),
        venue_time=draw(st.none() | st.integers(-HOUR, NOON + HOUR)),
        feed_age=draw(st.integers(0, HOUR)),
        latency=draw(st.none() | st.integers(-HOUR, HOUR)),
    )


@st.composite
def bands(draw: st.DrawFn, scales: Scales, exact: st.SearchStrategy[int]) -> BandDepth:
    """Return any band, an empty one among them."""
    return BandDepth(
        bps=draw(st.integers(1, 9_999)),
        scales=scales,
        bid_base_units=draw(exact),
        bid_quote_units=draw(exact),
        ask_base_units=draw(exact),
        ask_quote_units=draw(exact),
        bid_complete=draw(st.booleans()),
        ask_complete=draw(st.booleans()),
    )


@st.composite
def fills(draw: st.DrawFn, scales: Scales, exact: st.SearchStrategy[int], mid: Decimal) -> Fill:
    """Return any fill that filled something; its average and its cost go with the rest."""
    filled = draw(st.booleans())
    notional = draw(st.decimals("1e-9", "1e15", allow_nan=False, allow_infinity=False, places=9))
    fraction = 1.0 if filled else draw(st.floats(1e-9, 0.999))
    base, cost_bps = draw(amounts), draw(costs)
    return RoundedFill(
        taker=draw(st.sampled_from(Taker)),
        notional=notional,
        filled=filled,
        filled_fraction=fraction,
        base=base,
        rounded_average=float(notional) * fraction / base,
        cost_bps=cost_bps,
        rounded_cost=cost_bps * float(mid) * base / 1e4,
        worst_ticks=draw(exact),
        scales=scales,
        floor=draw(st.booleans()),
    )


@st.composite
def sizes(draw: st.DrawFn, exact: st.SearchStrategy[int]) -> MaxSize:
    """Return any maximal size; each may have a scale of its own."""
    return MaxSize(
        taker=draw(st.sampled_from(Taker)),
        bps=draw(st.integers(1, 9_999)),
        units=draw(exact),
        scale=draw(st.integers(0, 36)),
        floor=draw(st.booleans()),
    )
