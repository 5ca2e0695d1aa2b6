"""The market behind one venue's dialect, and the clock and scenario that all venues share."""

from collections.abc import Iterable
from typing import TypeAlias

from tidegauge.core.instrument import Nanos, VenueName
from tidegauge.core.side import Side

from .listing import Listing
from .market import MarketBook, Slot
from .scenario import CALM, Conditions, Scenario

Touched: TypeAlias = tuple[set[int], set[int]]
"""The ticks of bids and of asks at which something happened."""


class Stage:
    """Market time (wall time from `origin`, `speed` times as fast) and the scenario on it.

    The scenario begins with the first book that anyone subscribes to, at any venue.
    """

    def __init__(self, *, origin: Nanos, speed: float = 1.0, scenario: Scenario = CALM) -> None:
        self.origin = origin
        self.speed = speed
        self.scenario = scenario
        self.began_at: Nanos | None = None

    def market_time(self, now: Nanos) -> Nanos:
        """Return the market time at wall time `now`."""
        return max(0, int((now - self.origin) * self.speed))

    def begin(self, now: Nanos) -> None:
        """Start the scenario, unless it has started."""
        if self.began_at is None:
            self.began_at = self.market_time(now)

    def skip(self, span: Nanos) -> None:
        """Leave out a span of wall time: nobody was there to drive the market."""
        self.origin += span

    def conditions(self, venue: VenueName, at: Nanos) -> Conditions:
        """Return what holds on `venue` at market time `at`."""
        return self.scenario.conditions(
            venue, None if self.began_at is None else at - self.began_at
        )


class Exchange:
    """All books of one venue, by the venue's own names."""

    def __init__(
        self, venue: VenueName, listings: Iterable[Listing], *, stage: Stage, seed: int
    ) -> None:
        self.venue = venue
        self.stage = stage
        self.seed = seed
        self.books = {listing.name: MarketBook(listing, seed) for listing in listings}

    def advance(self, now: Nanos) -> list[tuple[MarketBook, Slot]]:
        """Run every book up to wall time `now`; return what each slot of each book did."""
        at = self.stage.market_time(now)
        return [
            (book, slot)
            for book in self.books.values()
            for slot in book.advance(at, lambda when: self.stage.conditions(self.venue, when))
        ]

    def touched(self, now: Nanos) -> dict[str, Touched]:
        """Run every book up to wall time `now`; return the ticks that were touched, by name.

        What was not touched is left out.
        """
        found: dict[str, Touched] = {}
        for book, slot in self.advance(now):
            if slot.bids or slot.asks:
                bids, asks = found.setdefault(book.listing.name, (set(), set()))
                bids |= slot.bids
                asks |= slot.asks
        return found


def spell(units: int, *, step_units: int, places: int) -> str:
    """Return `units` steps of `step_units` 10^-places each, with that many decimals."""
    whole, part = divmod(units * step_units, 10**places)
    return f"{whole}.{part:0{places}d}" if places else str(whole)


class Speller:
    """Writes one book's ticks and lots as its venue spells them; prices are remembered."""

    _MOST = 20_000

    def __init__(self, listing: Listing, *, zero: str | None = None) -> None:
        self._price_places, self._size_places = listing.price_places, listing.size_places
        self._tick = int(listing.tick.scaleb(self._price_places))
        self._step = int(listing.step.scaleb(self._size_places))
        self._zero = zero
        self._prices: dict[int, str] = {}

    def price(self, tick: int) -> str:
        """Return a price."""
        text = self._prices.get(tick)
        if text is None:
            if len(self._prices) > self._MOST:
                self._prices.clear()
            text = spell(tick, step_units=self._tick, places=self._price_places)
            self._prices[tick] = text
        return text

    def size(self, lots: int) -> str:
        """Return a size, zero in the venue's own spelling."""
        if not lots and self._zero is not None:
            return self._zero
        return spell(lots, step_units=self._step, places=self._size_places)

    def rows(self, levels: Iterable[tuple[int, int]]) -> list[tuple[str, str]]:
        """Return levels as [price, size] rows."""
        return [(self.price(tick), self.size(lots)) for tick, lots in levels]

    def changes(self, book: MarketBook, side: Side, ticks: Iterable[int]) -> list[tuple[str, str]]:
        """Return the present size at each of `ticks`, best first; zero where nothing stands."""
        lots = book.bids if side is Side.BID else book.asks
        ordered = sorted(ticks, reverse=side is Side.BID)
        return [(self.price(tick), self.size(lots.get(tick, 0))) for tick in ordered]
