"""What is told beside one generated book: trades at its touch, marks, and a rare liquidation.

Plausible, seeded and cheap; it moves no price. The market itself is drawn elsewhere, from a
generator of its own, and is the same whether or not anybody asks for this.
"""

from dataclasses import dataclass

from tidegauge.core.instrument import HOUR, SECOND, Nanos

from .exchange import Exchange
from .listing import DEEP
from .market import MarketBook
from .path import generator

TRADES_A_SECOND = 2.0
"""At the majors; other books see a tenth of that."""

_LIQUIDATED = 0.004
"""The share of trades that close somebody's position by force."""

_MOST_AT_ONCE = 20
FUNDING_EVERY = 8 * HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """One trade: who took, at which tick, how many lots. `number` counts one book's trades."""

    bought: bool
    tick: int
    lots: int
    number: int
    liquidation: bool


class Dealings:
    """The trades and marks of one book, at market time."""

    def __init__(self, book: MarketBook, seed: int) -> None:
        listing = book.listing
        self.book = book
        self.random = generator(seed, "dealings", listing.venue, listing.symbol)
        self.number = self.random.randrange(10**6, 10**8)
        self.rate = TRADES_A_SECOND * (1.0 if listing.base in DEEP else 0.1)
        self.next_at: Nanos = 0
        self._interest = self.random.randrange(10**5, 10**6)
        self._funding = self.random.randrange(-20_000, 40_000)

    def deals(self, at: Nanos) -> list[Deal]:
        """Return the trades up to market time `at` that were not returned before."""
        deals: list[Deal] = []
        while self.next_at <= at and len(deals) < _MOST_AT_ONCE:
            self.next_at += int(self.random.expovariate(self.rate) * SECOND)
            deals.append(self._deal())
        # A market that stood still while nobody looked has nothing to make up for.
        self.next_at = max(self.next_at, at + 1)
        return deals

    def _deal(self) -> Deal:
        bought = self.random.random() < 0.5  # noqa: PLR2004
        book = self.book
        tick = book.best_ask if bought else book.best_bid
        standing = (book.asks if bought else book.bids)[tick]
        lots = 1 + int(standing * self.random.random() ** 4)
        liquidation = self.random.random() < _LIQUIDATED
        self.number += 1
        self._interest = max(1, self._interest + lots * self.random.choice((-1, 0, 1)))
        return Deal(
            bought=bought, tick=tick, lots=lots, number=self.number, liquidation=liquidation
        )

    @property
    def mark(self) -> int:
        """The mark price in ticks: the middle."""
        return (self.book.best_bid + self.book.best_ask) // 2

    @property
    def index(self) -> int:
        """The index in ticks: the mark without this venue's premium."""
        return max(1, round(self.mark * (1.0 - self.book.profile.premium_bps * 1e-4)))

    @property
    def open_interest(self) -> int:
        """Open interest in lots."""
        return self._interest

    @property
    def funding(self) -> str:
        """The funding rate of a span of eight hours."""
        return spell_rate(self._funding)


def spell_rate(units: int) -> str:
    """Return `units` of 1e-8 as decimal text."""
    whole, part = divmod(abs(units), 10**8)
    return f"{'-' if units < 0 else ''}{whole}.{part:08d}"


def next_funding(now: Nanos) -> Nanos:
    """Return when funding is paid next, at wall time `now`."""
    return (now // FUNDING_EVERY + 1) * FUNDING_EVERY


def dealings(exchange: Exchange) -> dict[str, Dealings]:
    """Return the dealings of each book of an exchange, by the venue's name for it."""
    return {name: Dealings(book, exchange.seed) for name, book in exchange.books.items()}
