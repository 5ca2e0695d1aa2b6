"""Two venues' quotes of one symbol: how far apart they are, and what of it could be taken.

The definitions are docs/signals.md §6 (divergence). Ratios are the exact rational, rounded once.
"""

from decimal import Decimal
from math import inf
from typing import NamedTuple

from ..core.alert import pair_of
from ..core.instrument import Nanos, VenueName
from .kept import NormalState, SharedTimes
from .signal_settings import DivergenceSettings
from .touch import QuoteFacts, Touch
from .window import Normal

BPS = 10_000
HALF = tuple(2 * 10**scale for scale in range(64))
"""By a price scale: how many units of the sum of bid and ask make one of the mid."""

NARROWER = 1 - 1e-9
"""A look in floats may be off by their rounding: it is to see too much rather than too little."""


class Quote:
    """One venue's quote. `fresh`: its book is LIVE and not silent, so that it may be compared.

    `links` are the fresh quotes it is judged against, each with the least and the greatest of
    (a - b) / (a + b) of their mids between which there is nothing to see.
    """

    __slots__ = ("facts", "fresh", "links", "mid", "pairs", "touch", "venue")

    def __init__(self, venue: VenueName, facts: QuoteFacts) -> None:
        self.venue = venue
        self.facts = facts
        self.fresh = False
        self.touch: Touch | None = None
        self.mid = 0.0
        self.pairs: list[Pair] = []
        self.links: list[tuple[Quote, float, float]] = []

    def take(self, touch: Touch) -> None:
        """Quote this from now on."""
        self.touch = touch
        self.mid = (touch.bid + touch.ask) / HALF[touch.price_scale]


class Executable(NamedTuple):
    """What is left, in bps of the mid, of buying on one venue and selling on the other at once, after
    both fees; and how much of it there is, in base. `beyond`: the same without the usual premium of
    two instruments that differ, None while that is unknown."""

    bps: float
    beyond: float | None
    buy: VenueName
    sell: VenueName
    size: Decimal


class _Way(NamedTuple):
    """One way to trade two quotes: what it gains in bps before fees, with the usual premium and
    without it. Both must be something, for a basis is nothing to take."""

    gross: float
    beyond: float
    buy: Quote
    sell: Quote

    @property
    def gain(self) -> float:
        return min(self.gross, self.beyond)


class Pair:
    """Two quotes, `one` and `other` by the order of their names, and the usual premium of one.

    `alike`: they are quotes of the same thing, and judged as they are; else on what their difference
    deviates from its rolling median. `raw` and `deviation` are in bps, positive where `one` is the
    dearer; `deviation` is None while that median is not known.
    """

    __slots__ = (
        "alike",
        "deviation",
        "fees",
        "name",
        "normal",
        "one",
        "other",
        "premium",
        "raw",
    )

    def __init__(self, one: Quote, other: Quote, settings: DivergenceSettings) -> None:
        self.one, self.other = sorted((one, other), key=lambda quote: quote.venue)
        self.name = pair_of(one.venue, other.venue)
        self.alike = one.facts == other.facts
        self.normal: Normal | None = None
        if not self.alike:
            self.normal = Normal(
                slow=settings.slow,
                fast=1,
                cadence=settings.cadence,
                min_samples=settings.min_samples,
                max_freeze=settings.max_freeze,
            )
        self.premium: float | None = 0.0 if self.alike else None
        self.fees: float | None = None
        self.raw = 0.0
        self.deviation: float | None = None
        self.adopt(settings)

    def adopt(self, settings: DivergenceSettings) -> None:
        """Take other settings; samples stay as far as there is room for them."""
        fees = [settings.taker_bps.get(quote.venue) for quote in (self.one, self.other)]
        known = [fee for fee in fees if fee is not None]
        self.fees = sum(known) if len(known) == len(fees) else None
        if self.normal is not None:
            self.normal.resize(
                slow=settings.slow,
                fast=1,
                cadence=settings.cadence,
                min_samples=settings.min_samples,
                max_freeze=settings.max_freeze,
            )
            self._learn()

    @property
    def visible(self) -> bool:
        """Whether both are fresh."""
        return self.one.fresh and self.other.fresh

    def beside(self, quote: Quote) -> Quote:
        """Return the other one of the two."""
        return self.other if quote is self.one else self.one

    def of(self, quote: Quote) -> float | None:
        """Return the deviation as seen from one of the two: positive where it is the dearer."""
        if self.deviation is None:
            return None
        return self.deviation if quote is self.one else -self.deviation

    # -- measuring -------------------------------------------------------------------------------

    def measure(self) -> None:
        """Compare what both quote now; both are fresh."""
        one, other = self._prices()
        mid2, there2 = sum(one), sum(other)
        self.raw = 2 * BPS * (mid2 - there2) / (mid2 + there2)
        self.deviation = None if self.premium is None else self.raw - self.premium

    def gain(self) -> float | None:
        """Return what `executable` is judged by: what is left, with the usual premium and without it;
        where the mids are no further apart than the fees, what is left at most."""
        if self.fees is None or self.deviation is None:
            return None
        most = abs(self.deviation) - self.fees
        return most if most <= 0 else self._better_way().gain - self.fees

    def executable(self) -> Executable | None:
        """Return the better of buying here and selling there, None unless both fees are known."""
        if self.fees is None or self.one.touch is None or self.other.touch is None:
            return None
        way = self._better_way()
        bought, sold = way.buy.touch, way.sell.touch
        assert bought is not None
        assert sold is not None
        return Executable(
            bps=way.gross - self.fees,
            beyond=None if self.premium is None else way.beyond - self.fees,
            buy=way.buy.venue,
            sell=way.sell.venue,
            size=min(bought.ask_size, sold.bid_size),
        )

    def _better_way(self) -> _Way:
        (bid, ask), (bid_there, ask_there) = self._prices()
        mid4, premium = bid + ask + bid_there + ask_there, self.premium or 0.0
        gross = 4 * BPS * (bid - ask_there) / mid4
        back = 4 * BPS * (bid_there - ask) / mid4
        here = _Way(gross, gross - premium, self.other, self.one)
        there = _Way(back, back + premium, self.one, self.other)
        return here if here.gain >= there.gain else there

    def _prices(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Return bid and ask of both, in the same units."""
        one, other = self.one.touch, self.other.touch
        assert one is not None
        assert other is not None
        finer = one.price_scale - other.price_scale
        if not finer:
            return (one.bid, one.ask), (other.bid, other.ask)
        if finer > 0:
            times: int = 10**finer
            return (one.bid, one.ask), (other.bid * times, other.ask * times)
        times = 10**-finer
        return (one.bid * times, one.ask * times), (other.bid, other.ask)

    def bounds(self, monitor_bps: float, executable_bps: float) -> tuple[float, float] | None:
        """Return between which (a - b) / (a + b), a the mid of `one`, there is nothing to see; None
        while the premium is not known. What is executable is never more than the mids are apart."""
        if self.premium is None:
            return None
        least = inf if self.fees is None else max(0.0, self.fees + executable_bps)
        bound = min(monitor_bps, least) * NARROWER
        return (self.premium - bound) / (2 * BPS), (self.premium + bound) / (2 * BPS)

    # -- what is usual ---------------------------------------------------------------------------

    def sample(self, at: Nanos) -> None:
        """Take a sample of the difference, after it was judged."""
        if self.normal is not None:
            self.normal.sample(self.raw, at)
            self._learn()

    def expire(self, at: Nanos) -> None:
        """Drop what grew too old while it could not be sampled."""
        if self.normal is not None:
            self.normal.expire(at)
            self._learn()

    def stand_still(self, still: bool, at: Nanos) -> None:
        """Keep what is usual as it is while an alert fires: a divergence must not become normal."""
        if self.normal is None or still is self.normal.frozen:
            return
        if not still:
            self.normal.thaw(at)
        elif self.normal.ready:
            self.normal.freeze(at)

    def rebase(self, at: Nanos) -> None:
        """A person takes the difference as it is now to be the usual one."""
        if self.normal is not None:
            self.normal.rebase(at)
            self._learn()

    @property
    def noise(self) -> float | None:
        """Half of what the difference usually varies by, in bps; None where that is not learned."""
        known = None if self.normal is None else self.normal.slow.quantiles()
        return None if known is None or self.premium is None else (known.high - known.low) / 2

    def snapshot(self, times: SharedTimes) -> NormalState | None:
        """Return what is usual, to be restored later; None where nothing is learned."""
        return None if self.normal is None else self.normal.snapshot(times)

    def restore(self, state: NormalState, times: SharedTimes) -> None:
        """Go on from what was kept; raises `ValueError` if it does not belong together."""
        if self.normal is not None:
            self.normal.restore(state, times)
            self._learn()

    def _learn(self) -> None:
        assert self.normal is not None
        known = self.normal.slow.quantiles() if self.normal.ready else None
        self.premium = None if known is None else known.median
