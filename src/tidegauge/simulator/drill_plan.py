"""What a drill is made of: a market, what befalls it, and what a rule set must make of that."""

from dataclasses import dataclass

from tidegauge.core.alert import Severity, Signal
from tidegauge.core.incident import Family
from tidegauge.core.instrument import MINUTE, InstrumentKind, Nanos, VenueName

from .drill_market import DrillBook
from .drill_venue import Trouble
from .scenario import Conditions, Episode, Scenario

BINANCE, BYBIT, FUTURES, COINBASE = "binance", "bybit-spot", "binance-futures", "coinbase"

MAJORS = (
    DrillBook(venue=BINANCE, kind=InstrumentKind.SPOT, quote="USDT", depth=3e6),
    DrillBook(venue=BYBIT, kind=InstrumentKind.SPOT, quote="USDT", depth=2e6),
    DrillBook(venue=FUTURES, kind=InstrumentKind.PERP, quote="USDT", depth=8e6, premium_bps=-4.0),
    DrillBook(venue=COINBASE, kind=InstrumentKind.SPOT, quote="USDC", depth=2.5e6, premium_bps=2.0),
)
"""Two books alike, a contract, and one in another quote."""

TWO = (MAJORS[0], MAJORS[2])
"""Enough where it is one book that is in trouble: half of the venues take half of the time."""

NIGHT = tuple(
    DrillBook(
        venue=book.venue,
        kind=book.kind,
        quote=book.quote,
        depth=book.depth / 4,
        spread_bps=0.8,
        noise=0.13,
        premium_bps=book.premium_bps,
        updates=1,
    )
    for book in MAJORS
)

BEGINS: Nanos = 6 * MINUTE
AFTERWARDS: Nanos = 3 * MINUTE
"""An alert clears in 30 s, and its incident 60 s later; the rest is for slower rules."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """The price of `venues` leaves that of the others by `bps`, and comes back."""

    venues: frozenset[VenueName]
    bps: float
    begins_at: Nanos
    onset: Nanos
    lasts: Nanos
    recovery: Nanos

    def at(self, venue: VenueName, elapsed: Nanos) -> float:
        """Return how far the price of `venue` is off, in bps."""
        since = elapsed - self.begins_at
        if venue not in self.venues or since <= 0:
            return 0.0
        coming = min(1.0, since / self.onset)
        return self.bps * max(0.0, min(coming, 1.0 - (since - self.lasts) / self.recovery))


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """An alert that must fire within `within` of `since`, when what it tells of is there.

    On `venue` (of a pair, either), or anywhere; at least as bad as `least` by then. It must fire on
    until `until`, and be over soon after the trouble is.
    """

    signal: Signal
    since: Nanos
    within: Nanos
    until: Nanos
    venue: VenueName | None = None
    least: Severity = Severity.WARNING


@dataclass(frozen=True, slots=True, kw_only=True)
class Drill:
    """One drill. `begins_at` and `ends_at` are when the trouble does: whatever fires at another time,
    or is neither `expected` nor among what `may_fire`, is a false alert.

    `incidents` are the families of which exactly one incident must open; of the others that may
    fire, one may. `most_pages` is how many pages a channel may be sent.
    """

    name: str
    said: str
    ends_at: Nanos
    begins_at: Nanos = BEGINS
    books: tuple[DrillBook, ...] = MAJORS
    episodes: tuple[Episode, ...] = ()
    shifts: tuple[Shift, ...] = ()
    troubles: tuple[Trouble, ...] = ()
    expected: tuple[Expected, ...] = ()
    may_fire: frozenset[Signal] = frozenset()
    incidents: tuple[Family, ...] = ()
    most_pages: int = 0

    @property
    def lasts(self) -> Nanos:
        """How long the drill takes, in its own time."""
        return self.ends_at + AFTERWARDS

    @property
    def quiet(self) -> bool:
        """Whether nothing must fire at all."""
        return not self.expected

    def conditions(self, venue: VenueName, elapsed: Nanos) -> Conditions:
        """Return what the market of `venue` is like."""
        there = Scenario(name=self.name, episodes=self.episodes).conditions(venue, elapsed)
        if not self.shifts:
            return there
        off = sum(shift.at(venue, elapsed) for shift in self.shifts)
        return Conditions(
            bid_factor=there.bid_factor,
            ask_factor=there.ask_factor,
            spread_bps=there.spread_bps,
            slide_bps=there.slide_bps + off,
        )
