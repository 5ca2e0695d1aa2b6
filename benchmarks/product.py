"""Everything of the product that the benchmark calls, in one place.

`encoder` is what the writer does with a record before it is on the wire; `settle` is what the product
does with the garbage collector once its books stand.
"""

import gc
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any, TypeAlias

import msgspec

from tidegauge import venues
from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import MILLISECOND, SECOND, Instrument, InstrumentStatus, Nanos
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.reading import Origin, Reading, Taker
from tidegauge.core.side import Side
from tidegauge.risk.measure import MeasurePlan, measure
from tidegauge.risk.ruleset import RuleSet
from tidegauge.risk.settings import CrunchSettings
from tidegauge.runtime.garbage import freeze
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record
from tidegauge.runtime.storage import STORED
from tidegauge.runtime.venue_runner import TURN
from tidegauge.sinks.encode import ReadingEncoder
from tidegauge.sinks.rows import rows_of
from tidegauge.venues.binance.frames import read_envelope, read_futures
from tidegauge.wire.effects import BookUpdated, Effect
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Response

from .tape import FIRST_MS
from .textbook import BANDS, SIZES

VENUE = "binance-futures"
RUN = "benchmark"
PACE: Nanos = 100 * MILLISECOND
START: Nanos = FIRST_MS * MILLISECOND
TURN_NS: Nanos = TURN
"""How long the product's runner works before it lets the loop turn to something else."""

LEVELS_KEPT = 100_000

PLAN = MeasurePlan(bands=BANDS, notionals=SIZES)

SOON_WARM = CrunchSettings(min_samples=5, reference_samples=3)
"""A monitor that is still warming up has less to do: this one judges after five seconds, not after 300."""

Levels: TypeAlias = list[tuple[str, str]]
Made: TypeAlias = Reading


def encoder() -> Callable[[Record], object]:
    """Return what the writer has to make rows of one run's records. It may keep what it learns."""
    of_readings = ReadingEncoder(RUN)

    def encode(record: Record) -> object:
        if isinstance(record, Reading):
            return of_readings.encode(record)
        return rows_of(record, RUN) if isinstance(record, STORED) else None

    return encode


def settle() -> None:
    """Do to the collector what the product does once its books stand: leave them out of it."""
    freeze()


def unsettle() -> None:
    """Take it back, once the passes are over."""
    gc.unfreeze()
    gc.collect()


def instrument(name: str = "BTCUSDT") -> Instrument:
    """Return a USD-M perpetual whose ticks are 0.10 and whose steps are 0.001."""
    return Instrument(
        venue=VENUE,
        name=name,
        kind=venues.load()[VENUE].kind,
        base=name.removesuffix("USDT"),
        quote="USDT",
        tick=Decimal("0.10"),
        step=Decimal("0.001"),
        status=InstrumentStatus.TRADING,
    )


def values_of(reading: Reading) -> dict[str, Any]:
    """Return what the textbook measures, too, by the textbook's names: each is read once."""
    found: dict[str, Any] = {
        "bid": reading.best_bid,
        "ask": reading.best_ask,
        "mid": reading.mid,
        "spread_bps": reading.spread_bps,
        "imbalance": reading.imbalance,
    }
    for band in reading.bands:
        if band.bps in BANDS:
            found[f"bid_depth_{band.bps}"] = band.bid_quote
            found[f"ask_depth_{band.bps}"] = band.ask_quote
    for fill in reading.fills:
        if fill.notional in SIZES:
            word = "sell" if fill.taker is Taker.SELL else "buy"
            found[f"{word}_{fill.notional}"] = fill.slippage_bps
    return found


def read_all(reading: Reading) -> object:
    """Read what `values_of` names, without the names: some of it may be worked out only now."""
    return (
        (reading.best_bid, reading.best_ask, reading.mid, reading.spread_bps, reading.imbalance),
        [(band.bid_quote, band.ask_quote) for band in reading.bands],
        [fill.slippage_bps for fill in reading.fills],
    )


# -- a book by itself -----------------------------------------------------------------------------


def decode(frame: bytes) -> tuple[Levels, Levels]:
    """Return the bids and asks that a frame changes, as the venue's own decoder reads them."""
    update = read_futures(read_envelope(frame).data)
    return update.b, update.a


class _Told(msgspec.Struct):
    bids: Levels
    asks: Levels


def new_book(snapshot: bytes) -> OrderBook:
    """Return the book a snapshot tells of, in the units that its keeper would give it."""
    told = msgspec.json.decode(snapshot, type=_Told)
    book = BookKeeper(instrument(), "BTCUSDT").book.blank()
    book.apply_snapshot(told.bids, told.asks, limit=len(told.bids))
    return book


class Book:
    """An OrderBook alone, fed with decoded frames. No sequence is checked."""

    def __init__(self, snapshot: bytes) -> None:
        self.book = new_book(snapshot)

    def write(self, frame: bytes) -> None:
        """Decode a frame and apply it."""
        bids, asks = decode(frame)
        self.book.apply_delta(bids, asks)

    def touch(self) -> tuple[Decimal, Decimal]:
        """Return best bid and ask."""
        bid, ask = self.book.best_bid, self.book.best_ask
        assert bid is not None
        assert ask is not None
        return Decimal(bid), Decimal(ask)

    def levels(self) -> tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]:
        """Return every level of both sides, best first."""
        most = 1_000_000
        return self.book.top(Side.BID, most), self.book.top(Side.ASK, most)


# -- what the daemon runs -------------------------------------------------------------------------


class Feed:
    """A venue's feed with one book, LIVE; frames go in one by one, 100 ms apart."""

    def __init__(self, snapshot: bytes, first: bytes) -> None:
        self.feed = feed_of(["BTCUSDT"])
        self.now = START
        self.feed.opened(BOOK_LINK, self.now)
        join(self.feed, snapshot, first, self.now, self._heard)
        (self.keeper,) = self.feed.keepers.values()

    def receive(self, frame: bytes) -> list[Effect]:
        """Give a frame to the feed: decode, sequence check, book."""
        self.now += PACE
        return self.feed.received(BOOK_LINK, frame, self.now)

    def take_book(self, frame: bytes) -> None:
        """Take a frame and read the touch."""
        self.receive(frame)
        book = self.keeper.book
        book.best_bid  # noqa: B018
        book.best_ask  # noqa: B018

    def take_measured(self, frame: bytes) -> None:
        """Take a frame and measure the book; read nothing of what was measured."""
        origin = updated(self.receive(frame))
        if origin is not None:
            measure(self.keeper.book, PLAN, origin)

    def take_reading(self, frame: bytes) -> Reading | None:
        """Take a frame and read all that the textbook measures."""
        origin = updated(self.receive(frame))
        reading = None if origin is None else measure(self.keeper.book, PLAN, origin)
        if reading is not None:
            read_all(reading)
        return reading

    def _heard(self, effects: Iterable[Effect], now: Nanos) -> None:
        """Nobody watches."""


class Pipeline(Feed):
    """The feed under the daemon's monitor; every reading becomes an encoded row."""

    def __init__(
        self, snapshot: bytes, first: bytes, *, write_every: Nanos = 0, encodes: bool = True
    ) -> None:
        self.rows = 0
        self.last: Record | None = None
        self._row_of = encoder()
        self.monitor = new_monitor(self._encode if encodes else self._ignore, write_every)
        super().__init__(snapshot, first)

    def take(self, frame: bytes) -> None:
        """Take a frame all the way to its encoded row."""
        now = self.now + PACE
        self.monitor.advance(now)
        self.monitor.handle(self.receive(frame), now)

    def take_and_show(self, frame: bytes) -> Reading | None:
        """Take a frame; return the reading that was written for it."""
        self.last = None
        self.take(frame)
        return self.last if isinstance(self.last, Reading) else None

    def _encode(self, record: Record) -> None:
        self._row_of(record)
        self.rows += 1
        self.last = record

    def _ignore(self, record: Record) -> None:
        """A record that nobody encodes."""

    def _heard(self, effects: Iterable[Effect], now: Nanos) -> None:
        if not self.monitor.books(now):
            self.monitor.watch(self.feed)
        self.monitor.handle(effects, now)


def new_monitor(emit: Callable[[Record], None], write_every: Nanos = 0) -> Monitor:
    """Return the daemon's monitor with default windows and signals, but for the time they warm up."""
    return Monitor(
        MonitorPlan(measure=PLAN, rules=RuleSet(crunch=SOON_WARM), write_every=write_every), emit
    )


def feed_of(symbols: Iterable[str]) -> VenueFeed:
    """Return a feed of USD-M books, without REST audits, since nobody would answer.

    It looks whether there is something to prune, as the product's does, and never finds it.
    """
    listings = [Listing(symbol=name, instrument=instrument(name)) for name in symbols]
    return VenueFeed(venues.load()[VENUE], listings, audit_every=None, levels_kept=LEVELS_KEPT)


def join(
    feed: VenueFeed,
    snapshot: bytes,
    first: bytes,
    now: Nanos,
    heard: Callable[[Iterable[Effect], Nanos], object],
) -> None:
    """Give a feed the first frame of a book and answer what it asks for."""
    asked = feed.received(BOOK_LINK, first, now)
    heard(asked, now)
    for effect in asked:
        if isinstance(effect, Fetch):
            answer = Response(status=200, body=snapshot)
            heard(feed.fetched(effect, answer, now), now)


def updated(effects: Iterable[Effect]) -> Origin | None:
    """Return the origin of a book's change among effects, None when no book changed."""
    for effect in effects:
        if isinstance(effect, BookUpdated):
            return effect.origin
    return None


def readings(snapshot: bytes, frames: list[bytes], count: int, first: int = 0) -> list[Reading]:
    """Return so many readings of a book; they are told apart by their frame and their time."""
    pipeline = Pipeline(snapshot, frames[0])
    made = [reading for frame in frames[1:] if (reading := pipeline.take_and_show(frame))]
    found = []
    for number in range(count):
        reading = made[number % len(made)]
        at = START + (first + number) * PACE
        origin = _altered(reading.origin, frame=first + number + 2, received_at=at)
        found.append(_altered(reading, origin=origin))
    return found


def _altered(record: Any, **changes: Any) -> Any:
    """Return a record with other values in some fields, whichever way it is made."""
    if isinstance(record, msgspec.Struct):
        return msgspec.structs.replace(record, **changes)
    return replace(record, **changes)


# -- many books -----------------------------------------------------------------------------------


class Books:
    """Many LIVE books under one monitor, a feed for as many as a connection carries.

    Rows are encoded at the product's default cadence.
    """

    def __init__(self, snapshots: Sequence[bytes], firsts: Sequence[bytes]) -> None:
        self.rows = 0
        self._row_of = encoder()
        self.monitor = new_monitor(self._encode, SECOND)
        self.feeds: list[VenueFeed] = []
        self.now = START
        names = [book_name(number) for number in range(len(firsts))]
        most = venues.load()[VENUE].limits.books_a_link
        for begin in range(0, len(names), most):
            feed = feed_of(names[begin : begin + most])
            self.monitor.watch(feed)
            self.monitor.handle(feed.opened(BOOK_LINK, self.now), self.now)
            for number in range(begin, min(begin + most, len(names))):
                self.feeds.append(feed)
                join(feed, snapshots[number], firsts[number], self.now, self.monitor.handle)

    @property
    def readings(self) -> int:
        """How many readings were taken."""
        return self.monitor.readings

    @property
    def levels(self) -> int:
        """How many levels all books hold."""
        keepers = [keeper for feed in {*self.feeds} for keeper in feed.keepers.values()]
        return sum(len(keeper.book.bids) + len(keeper.book.asks) for keeper in keepers)

    def take(self, number: int, frame: bytes, now: Nanos) -> None:
        """Take a frame of a book, as its runner would."""
        self.monitor.advance(now)
        self.monitor.handle(self.feeds[number].received(BOOK_LINK, frame, now), now)

    def _encode(self, record: Record) -> None:
        self._row_of(record)
        self.rows += 1


def book_name(number: int) -> str:
    """Return the instrument of a book among many."""
    return f"B{number:04d}USDT"
