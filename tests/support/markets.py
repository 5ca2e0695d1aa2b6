"""Readings built by hand, and markets generated from a seed (docs/signals.md §3).

A `Market` makes one reading a second whose logs are AR-correlated about a slow drift, with the
innovations of a normal or a Student-t(3); scenarios scale its depth.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from math import exp, sqrt
from random import Random

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.reading import (
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


def one_sided(at: Nanos = START) -> Reading:
    """Return a reading of a book without asks."""
    return Reading(
        origin=origin(at),
        quotability=Quotability.ONE_SIDED,
        scales=SCALES,
        bid_ticks=units(50_000, SCALES.price),
        bid_units=10**SCALES.base,
        ask_ticks=None,
        ask_units=None,
        microprice=None,
        spread_bps=None,
        bid_levels=500,
        ask_levels=0,
        imbalance=None,
        bands=(),
        fills=(),
        max_sizes=(),
    )


Shape = Callable[[int], tuple[float, float]]
"""A scenario: the second to the share of the bids and of the asks that is there."""


def calm(_second: int) -> tuple[float, float]:
    """Nothing happens."""
    return 1.0, 1.0


def step(at: int, until: int, share: float, *, sides: str = "both") -> Shape:
    """From `at` to `until` only `share` of the depth is there."""

    def shape(second: int) -> tuple[float, float]:
        left = share if at <= second < until else 1.0
        return (left if sides != "ask" else 1.0), (left if sides != "bid" else 1.0)

    return shape


def bleed(at: int, rate: float, *, least: float = 0.05, sides: str = "both") -> Shape:
    """From `at` on, depth loses `rate` of itself each second, down to `least`."""

    def shape(second: int) -> tuple[float, float]:
        left = max(least, (1 - rate) ** max(0, second - at))
        return (left if sides != "ask" else 1.0), (left if sides != "bid" else 1.0)

    return shape


class Ar1:
    """A stationary AR(1) of standard scale; t(3) innovations are scaled to the same quantiles."""

    def __init__(self, random: Random, phi: float, *, heavy: bool) -> None:
        self.random, self.phi, self.heavy = random, phi, heavy
        self.gain = sqrt(1 - phi * phi)
        self.value = 0.0
        for _ in range(int(5 / (1 - phi))):
            self.step()

    def step(self) -> float:
        """Return the next value."""
        innovation = self.random.gauss(0, 1)
        if self.heavy:
            chi = sum(self.random.gauss(0, 1) ** 2 for _ in range(3))
            innovation /= sqrt(chi)  # t(3) over the square root of 3: of variance one
        self.value = self.phi * self.value + self.gain * innovation
        return self.value


@dataclass(slots=True)
class Market:
    """A seeded 1 Hz market. `noise` is about the log noise `s` of the total depth.

    Each side's log depth is a common part, a part of its own and a fast part, over a slow drift;
    spread and slippage have noise of their own, and slippage grows as its side thins.
    """

    seed: int
    noise: float = 0.10
    heavy: bool = False
    depth: float = 3e6
    drift: float = 0.04

    def readings(self, seconds: int, shape: Shape = calm) -> Iterator[Reading]:
        """Yield a reading a second."""
        random = Random(self.seed)
        heavy = self.heavy

        def ar(phi: float) -> Ar1:
            return Ar1(random, phi, heavy=heavy)

        common, bid_own, ask_own = ar(0.95), ar(0.95), ar(0.95)
        bid_fast, ask_fast, wide, sell_own, buy_own, tilt = (
            ar(0.3),
            ar(0.3),
            ar(0.6),
            ar(0.8),
            ar(0.8),
            ar(0.9),
        )
        slow = Ar1(random, 1 - 1 / 7200, heavy=False)
        # Each input's own noise is about `noise`; the total's halves are averaged, so that a side's
        # own parts count 1/sqrt(2) of their size in it, and a side is a fifth noisier than the total.
        for second in range(seconds):
            bid_share, ask_share = shape(second)
            drift = self.drift * slow.step()
            shared = 0.75 * common.step()
            bid_log = self.noise * (shared + 0.75 * bid_own.step() + 0.55 * bid_fast.step())
            ask_log = self.noise * (shared + 0.75 * ask_own.step() + 0.55 * ask_fast.step())
            bid = self.depth * bid_share * exp(drift + bid_log)
            ask = self.depth * ask_share * exp(drift + ask_log)
            yield reading(
                START + second * SECOND,
                bid=bid,
                ask=ask,
                spread_bps=1.0 * exp(self.noise * wide.step()) / (bid_share * ask_share) ** 0.25,
                sell=3.0 * exp(self.noise * sell_own.step() - bid_log) / bid_share,
                buy=3.0 * exp(self.noise * buy_own.step() - ask_log) / ask_share,
                # The other bands would only take time.
                bands=(10,),
                imbalance=max(-1.0, min(1.0, 0.15 * tilt.step())),
                frame=second + 1,
            )
