"""One venue's book of one instrument, generated order by order and told slot by slot.

A slot is a short stretch of time. All that happens in it is batched: what is told afterwards is
the final quantity of every price that was touched, as venues do (a level that came and went within
the slot is a deletion of something nobody saw). Prices are integer ticks, sizes integer lots; the
same seed gives the same market.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import exp, sqrt

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.side import Side

from .listing import Listing
from .path import PricePath, generator, poisson
from .quotes import Quotes
from .scenario import NORMAL, Conditions

_MOST_OPERATIONS = 600
_FAR_BPS = 25.0
"""Far operations start here, and end where the book does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """What one slot did: the update ids it used, and the prices it touched on either side."""

    at: Nanos
    first_id: int
    last_id: int
    bids: frozenset[int]
    asks: frozenset[int]


class MarketBook:
    """A market that can be driven: `advance` it, then read `bids` and `asks` (ticks to lots)."""

    def __init__(self, listing: Listing, seed: int | str) -> None:
        self.listing = listing
        self.profile = listing.profile
        self.random = generator(seed, listing.venue, listing.symbol)
        self.path = PricePath(listing.profile.flow, generator(seed, listing.base))
        self.opening = float(listing.opens_at / listing.tick)
        tick_bps = 1e4 / self.opening
        lot_quote = float(listing.lot_quote or listing.step * listing.opens_at)
        self.quotes = {
            side: Quotes(side, self.profile, self.random, tick_bps=tick_bps, lot_quote=lot_quote)
            for side in Side
        }
        self.now: Nanos = 0
        self.last_id = self.random.randrange(10**9, 10**10)
        self.premium = 0.0
        self.mood = 0.0
        self.burst = 0.0
        self.patience = 1.0
        self._open()

    @property
    def bids(self) -> dict[int, int]:
        return self.quotes[Side.BID].lots

    @property
    def asks(self) -> dict[int, int]:
        return self.quotes[Side.ASK].lots

    @property
    def best_bid(self) -> int:
        return self.quotes[Side.BID].touch

    @property
    def best_ask(self) -> int:
        return self.quotes[Side.ASK].touch

    def advance(
        self, now: Nanos, conditions: Callable[[Nanos], Conditions] | None = None
    ) -> list[Slot]:
        """Run every whole slot up to `now`; `conditions` says what holds at each."""
        slots = []
        while self.now + self.profile.slot <= now:
            self.now += self.profile.slot
            slots.append(self._run(NORMAL if conditions is None else conditions(self.now)))
        return slots

    def ladder(self, side: Side, levels: int | None = None) -> list[tuple[int, int]]:
        """Return the best `levels` of one side as (ticks, lots), best first; None means all."""
        lots = self.quotes[side].lots
        ticks = sorted(lots, reverse=side is Side.BID)
        return [(tick, lots[tick]) for tick in ticks[:levels]]

    def _open(self) -> None:
        middle = self.opening * exp(self.profile.premium_bps * 1e-4)
        bid = round(middle - 0.5)
        self.quotes[Side.BID].open(bid)
        self.quotes[Side.ASK].open(bid + 1)
        for quotes in self.quotes.values():
            quotes.touched.clear()

    def _run(self, conditions: Conditions) -> Slot:
        profile, bids, asks = self.profile, self.quotes[Side.BID], self.quotes[Side.ASK]
        seconds = profile.slot / SECOND
        self.path.advance(self.now)
        jumped = self.path.take()
        self.burst = self.burst * exp(-seconds / profile.burst_tau) + min(400.0, jumped / 0.15)
        bids.scale(conditions.bid_factor, seconds)
        asks.scale(conditions.ask_factor, seconds)
        bids.build_wall(conditions.wall)
        asks.build_wall(conditions.wall)
        self._follow(conditions, seconds)
        for quotes in (bids, asks):
            quotes.requote_touch(seconds)
        self._operate(conditions.activity, seconds)
        changes = len(bids.touched) + len(asks.touched)
        first_id = self.last_id + 1
        if changes and self.listing.shared_ids:
            first_id += self.random.randrange(2000)
        self.last_id = first_id + changes - 1 if changes else self.last_id
        slot = Slot(
            at=self.now,
            first_id=first_id,
            last_id=self.last_id,
            bids=frozenset(bids.touched),
            asks=frozenset(asks.touched),
        )
        bids.touched.clear()
        asks.touched.clear()
        return slot

    def _follow(self, conditions: Conditions, seconds: float) -> None:
        """Move the touch when the price has strayed too far from it, or the spread must change."""
        profile, tick_bps = self.profile, self.quotes[Side.BID].shape.tick_bps
        keep = exp(-seconds / profile.premium_tau)
        noise = profile.premium_sigma * sqrt(1.0 - keep * keep)
        self.premium = self.premium * keep + self.random.gauss(0.0, 1.0) * noise
        away = self.path.bps + conditions.slide_bps + profile.premium_bps + self.premium
        middle = self.opening * exp(away * 1e-4)
        gap = max(1, round(conditions.spread_bps / tick_bps))
        strayed = abs(middle - (self.best_bid + self.best_ask) / 2)
        limit = max(0.75, profile.follow_bps / tick_bps * self.patience)
        if strayed <= limit and gap == self.best_ask - self.best_bid:
            return
        self.patience = 0.5 + self.random.random()
        if strayed <= limit:
            middle = (self.best_bid + self.best_ask) / 2
        bid = round(middle - gap / 2)
        if bid >= self.best_ask:
            # Moving up: the asks step back before the bid steps forward, so as never to cross.
            self.quotes[Side.ASK].move(bid + gap)
            self.quotes[Side.BID].move(bid)
        else:
            self.quotes[Side.BID].move(bid)
            self.quotes[Side.ASK].move(bid + gap)

    def _operate(self, activity: float, seconds: float) -> None:
        profile, random = self.profile, self.random
        keep = exp(-seconds / profile.mood_tau)
        noise = profile.mood_sigma * sqrt(1.0 - keep * keep)
        self.mood = self.mood * keep + random.gauss(0.0, 1.0) * noise
        rate = profile.operations * exp(self.mood - profile.mood_sigma**2 / 2) * activity
        mean = rate * seconds + profile.operations_per_burst * self.burst * seconds
        sides = tuple(self.quotes.values())
        nearest, reach = _FAR_BPS, profile.reach_bps
        for _ in range(min(_MOST_OPERATIONS, poisson(random, mean))):
            if random.random() < profile.far_share:
                bps = nearest * (reach / nearest) ** random.random()
            else:
                bps = profile.distance_bps * exp(random.gauss(0.0, profile.distance_sigma))
            random.choice(sides).operate(bps)
