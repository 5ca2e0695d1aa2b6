"""Shows books: from what the monitor knows of each to the records of `books`."""

from fractions import Fraction

from tidegauge.core.exact import plain
from tidegauge.core.instrument import Nanos
from tidegauge.core.reading import BandDepth, Fill, MaxSize, Reading
from tidegauge.core.trust import Trust
from tidegauge.risk.rests import Resting, RestingSide, resting
from tidegauge.risk.status import CrunchStatus, InputStatus
from tidegauge.runtime.view import MarketView
from tidegauge.runtime.watched_book import WatchedBook, view_of

from .books import (
    ShownBand,
    ShownBook,
    ShownCrunch,
    ShownFill,
    ShownInput,
    ShownLadder,
    ShownMarket,
    ShownMaxSize,
    ShownReading,
)
from .instants import instant, seconds
from .wire import Ladder, LadderWanted

_NO_SIDE = RestingSide(ticks=[], lots=[], edge=None, more=False)
NOTHING = Resting(inverse=False, price_scale=0, size_scale=0, bids=_NO_SIDE, asks=_NO_SIDE)

MOST_LEVELS = 5_000
"""Levels a side that are ever shown of a book: whoever asks for more is told that it goes on."""


def show_book(book: WatchedBook, now: Nanos, daemon: str) -> ShownBook:
    """Return a book as it stands."""
    view, instrument = view_of(book, now), book.keeper.instrument
    return ShownBook(
        venue=view.id.venue,
        symbol=view.id.symbol,
        daemon=daemon,
        instrument=view.instrument,
        kind=str(instrument.kind),
        base=instrument.base,
        quote=instrument.quote,
        inverse=instrument.inverse,
        trust=str(view.trust),
        reason=str(view.reason),
        since=instant(view.since),
        age_s=seconds(view.age),
        updates=view.updates,
        # A book that was lost keeps nothing; between its loss and its next sample this makes sure.
        reading=_reading(view.reading) if view.trust is Trust.LIVE else None,
        crunch=None if view.crunch is None else _crunch(view.crunch),
        market=None if view.market is None else _market(view.market),
    )


def cut_ladder(book: WatchedBook, wanted: LadderWanted, now: Nanos) -> Ladder:
    """Return the levels that are wanted of a book; none while it may not be read."""
    keeper = book.keeper
    quote = Fraction(wanted.quote) if keeper.quotable else Fraction()
    return Ladder(
        venue=keeper.id.venue,
        symbol=keeper.id.symbol,
        at=instant(now),
        age_s=seconds(None if keeper.updated_at is None else now - keeper.updated_at),
        trust=str(keeper.trust),
        reason=str(keeper.reason),
        quote=keeper.instrument.quote,
        resting=resting(keeper.book, levels=wanted.levels, quote=quote, most=MOST_LEVELS)
        if keeper.quotable
        else None,
    )


def show_ladder(ladder: Ladder, levels: int) -> ShownLadder:
    """Return the best `levels` a side of what was sent."""
    rests = ladder.resting or NOTHING
    return ShownLadder(
        venue=ladder.venue,
        symbol=ladder.symbol,
        at=ladder.at,
        trust=ladder.trust,
        mid=rests.mid,
        bids=rests.levels(rests.bids, levels),
        asks=rests.levels(rests.asks, levels),
        bid_more=rests.bids.more or len(rests.bids.ticks) > levels,
        ask_more=rests.asks.more or len(rests.asks.ticks) > levels,
    )


def _reading(reading: Reading | None) -> ShownReading | None:
    if reading is None:
        return None
    origin = reading.origin
    return ShownReading(
        at=instant(origin.received_at),
        trace=origin.trace,
        sequence=origin.sequence,
        venue_time=instant(origin.venue_time),
        latency_s=seconds(origin.latency),
        best_bid=reading.best_bid,
        best_bid_size=reading.best_bid_size,
        best_ask=reading.best_ask,
        best_ask_size=reading.best_ask_size,
        mid=reading.mid,
        microprice=reading.microprice,
        spread=reading.spread,
        spread_bps=reading.spread_bps,
        bid_levels=reading.bid_levels,
        ask_levels=reading.ask_levels,
        imbalance=reading.imbalance,
        bands=tuple(_band(each) for each in reading.bands),
        fills=tuple(_fill(each) for each in reading.fills),
        max_sizes=tuple(_max_size(each) for each in reading.max_sizes),
    )


def _band(band: BandDepth) -> ShownBand:
    return ShownBand(
        bps=band.bps,
        bid=band.bid_quote,
        ask=band.ask_quote,
        bid_complete=band.bid_complete,
        ask_complete=band.ask_complete,
        imbalance=band.imbalance,
    )


def _fill(fill: Fill) -> ShownFill:
    return ShownFill(
        side=str(fill.taker),
        notional=fill.notional,
        filled=fill.filled,
        filled_fraction=fill.filled_fraction,
        base=fill.base,
        average=fill.average,
        worst=fill.worst,
        slippage_bps=fill.slippage_bps,
        partial_slippage_bps=fill.partial_slippage_bps,
        cost=fill.slippage_cost,
        floor=fill.floor,
    )


def _max_size(size: MaxSize) -> ShownMaxSize:
    return ShownMaxSize(
        side=str(size.taker), bps=size.bps, notional=size.notional, floor=size.floor
    )


def _crunch(status: CrunchStatus) -> ShownCrunch:
    return ShownCrunch(
        phase=str(status.phase),
        samples=status.samples,
        samples_needed=status.samples_needed,
        noise_limited=status.noise_limited,
        band=status.band,
        reference_notional=status.reference_notional,
        reference_too_large=status.reference_too_large,
        inputs=tuple(_input(each) for each in status.inputs),
        alert=None if status.alert is None else status.alert.id,
    )


def _input(status: InputStatus) -> ShownInput:
    return ShownInput(
        name=status.name,
        value=status.value,
        baseline=status.baseline,
        harm=status.harm,
        robust_z=status.robust_z,
        textbook_z=status.textbook_z,
        samples=status.samples,
        frozen=status.frozen,
    )


def _market(market: MarketView) -> ShownMarket:
    standing = market.standing
    return ShownMarket(
        last_price=None if standing.last_price is None else plain(standing.last_price),
        mark=standing.mark,
        index=standing.index,
        funding_rate=standing.funding_rate,
        next_funding_at=instant(standing.next_funding_at),
        open_interest=standing.open_interest,
        bought=plain(market.bought),
        sold=plain(market.sold),
        trades=market.total.trades,
        liquidations=market.total.liquidations if market.tells_liquidations else None,
    )
