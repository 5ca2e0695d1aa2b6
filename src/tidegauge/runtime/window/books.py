"""What is shown of a book: its trust, its reading, what is made of it, and its levels."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFill:
    """What taking `notional` (quote) would do: `side` is the taker's, `buy` or `sell`.

    `filled_fraction` is 1 where all of it can be had. `slippage_bps` and `cost` (quote) against the
    mid, None unless all was filled; `partial_slippage_bps` is of the part that was, None when that
    was all. `average` is the mean price, `worst` the price of the last level. `floor`: the walk ended
    beyond what is known of the book, so it may hold more.
    """

    side: str
    notional: Decimal
    filled: bool
    filled_fraction: float
    base: float
    average: float
    worst: Decimal
    slippage_bps: float | None
    partial_slippage_bps: float | None
    cost: float | None
    floor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBand:
    """What rests within `bps` of the mid, in quote; not `complete`: at least so much."""

    bps: int
    bid: Decimal
    ask: Decimal
    bid_complete: bool
    ask_complete: bool
    imbalance: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMaxSize:
    """The largest notional (quote) a taker can do within `bps` of slippage; `floor`: at least."""

    side: str
    bps: int
    notional: Decimal
    floor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownReading:
    """The measurements of one live book at one instant.

    `trace` names the frame behind it: venue/epoch/frame. `latency_s` is how old the frame was by the
    venue's own time when it came in, None where the venue tells none.
    """

    at: datetime
    trace: str
    sequence: int
    venue_time: datetime | None
    latency_s: float | None
    best_bid: Decimal | None
    best_bid_size: Decimal | None
    best_ask: Decimal | None
    best_ask_size: Decimal | None
    mid: Decimal | None
    microprice: float | None
    spread: Decimal | None
    spread_bps: float | None
    bid_levels: int
    ask_levels: int
    imbalance: float | None
    bands: tuple[ShownBand, ...]
    fills: tuple[ShownFill, ...]
    max_sizes: tuple[ShownMaxSize, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownInput:
    """One input of the crunch detector, in its own unit (quote, bps or a plain number).

    `harm` is the logarithm of how far it is from its `baseline` in the harmful direction, `robust_z`
    that over its noise, `textbook_z` the plain z-score of the fast window.
    """

    name: str
    value: float | None
    baseline: float | None
    harm: float | None
    robust_z: float | None
    textbook_z: float | None
    samples: int
    frozen: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownCrunch:
    """The crunch detector of one book. `phase`: warming, calm, pending or firing. `alert`: the id of
    the open one. `noise_limited`: a fall of 60 % would lie inside this book's noise."""

    phase: str
    samples: int
    samples_needed: int
    noise_limited: bool
    band: int | None
    reference_notional: Decimal | None
    reference_too_large: bool
    inputs: tuple[ShownInput, ...]
    alert: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownMarket:
    """What is told beside a book. `bought` and `sold`: quote, by takers in the last minute."""

    last_price: Decimal | None
    mark: Decimal | None
    index: Decimal | None
    funding_rate: Decimal | None
    next_funding_at: datetime | None
    open_interest: Decimal | None
    bought: Decimal
    sold: Decimal
    trades: int
    liquidations: int | None
    """Since the start; None where the venue tells of none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownBook:
    """One book. `trust` is syncing, live, stale or untrusted, `reason` why and `since` when it became so.

    `age_s`: how long ago the venue last told of it. `reading` is None while the book gives none,
    which is whenever it is not to be trusted. `daemon` is who watches it.
    """

    venue: str
    symbol: str
    daemon: str
    instrument: str
    kind: str
    base: str
    quote: str
    inverse: bool
    trust: str
    reason: str
    since: datetime
    age_s: float | None
    updates: int
    reading: ShownReading | None
    crunch: ShownCrunch | None
    market: ShownMarket | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownLadder:
    """The best levels of one book, best first, as (price, base size; of an inverse book contracts' quote).

    `trust` as of then; a book that is not live has no levels. `bid_more`, `ask_more`: the book goes on.
    """

    venue: str
    symbol: str
    at: datetime
    trust: str
    mid: Decimal | None
    bids: tuple[tuple[Decimal, Decimal], ...]
    asks: tuple[tuple[Decimal, Decimal], ...]
    bid_more: bool
    ask_more: bool
