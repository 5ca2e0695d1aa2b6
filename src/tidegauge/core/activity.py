"""What a venue tells of one instrument beside its book, kept exactly: trades, marks, liquidations.

Sizes become base and quote as signals.md section 1 ("Units") says. Memory is bounded, whatever comes.
"""

from collections import deque
from dataclasses import dataclass, fields, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

from .errors import MalformedFrame
from .events import Liquidation, MarketEvent, Marks, Position, Trade
from .exact import EXACT, from_units, parse
from .instrument import HOUR, MINUTE, SECOND, Instrument, Nanos, Symbol, VenueName
from .reading import Taker

REPLAYED: Nanos = 5 * SECOND
"""A trade so much older than its connection was replayed by the venue: it is no news."""

IDS_KEPT = 4096
"""Trades that are remembered by their ids, so that one told twice is counted once."""

LONGEST_ID = 100
LATEST_TIME: Nanos = 2**63 - 1
LONGEST_INTERVAL: Nanos = 24 * 366 * HOUR
FUNDING_SPAN: Nanos = 8 * HOUR
BASE_PLACES = 18
"""Decimals of a base amount that is a quotient: what an inverse contract stands for."""

NOTHING = Decimal(0)


@dataclass(slots=True, kw_only=True)
class Flow:
    """What was traded and liquidated in a span: base and quote by who crossed the spread, and the
    notional of the positions that the venue closed by force."""

    trades: int = 0
    buy_base: Decimal = NOTHING
    buy_quote: Decimal = NOTHING
    sell_base: Decimal = NOTHING
    sell_quote: Decimal = NOTHING
    liquidations: int = 0
    liquidated_long_quote: Decimal = NOTHING
    liquidated_short_quote: Decimal = NOTHING

    def trade(self, taker: Taker, base: Decimal, quote: Decimal) -> None:
        """Count one trade."""
        self.trades += 1
        if taker is Taker.BUY:
            self.buy_base = EXACT.add(self.buy_base, base)
            self.buy_quote = EXACT.add(self.buy_quote, quote)
        else:
            self.sell_base = EXACT.add(self.sell_base, base)
            self.sell_quote = EXACT.add(self.sell_quote, quote)

    def liquidate(self, position: Position, quote: Decimal) -> None:
        """Count one liquidation."""
        self.liquidations += 1
        if position is Position.LONG:
            self.liquidated_long_quote = EXACT.add(self.liquidated_long_quote, quote)
        else:
            self.liquidated_short_quote = EXACT.add(self.liquidated_short_quote, quote)

    def plus(self, other: "Flow") -> "Flow":
        """Return the flow of both spans."""
        total = Flow(
            trades=self.trades + other.trades, liquidations=self.liquidations + other.liquidations
        )
        for name in _AMOUNTS:
            setattr(total, name, EXACT.add(getattr(self, name), getattr(other, name)))
        return total


_AMOUNTS = tuple(each.name for each in fields(Flow) if each.type is Decimal)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What was said last; None: it never was. Prices are in quote, `open_interest` in base.

    `funding_rate` is a fraction for a span of `funding_interval`, positive when longs pay.
    """

    last_price: Decimal | None = None
    mark: Decimal | None = None
    index: Decimal | None = None
    funding_rate: Decimal | None = None
    funding_interval: Nanos | None = None
    next_funding_at: Nanos | None = None
    open_interest: Decimal | None = None

    @property
    def premium_bps(self) -> float | None:
        """How far the mark is above the index, in basis points of the index."""
        if self.mark is None or self.index is None:
            return None
        return float((Fraction(self.mark) / Fraction(self.index) - 1) * 10_000)

    @property
    def funding_8h(self) -> float | None:
        """The funding rate as if it were for eight hours, so that venues compare."""
        if self.funding_rate is None or self.funding_interval is None:
            return None
        return float(Fraction(self.funding_rate) * FUNDING_SPAN / self.funding_interval)


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketSummary:
    """What one instrument's venue told beside the book from `since` to `at`, for the record.

    `number` counts the summaries of an instrument from 1. `trace` names the last frame in it. Where
    the venue tells of no liquidations there are none in `flow`, which does not mean that none were.
    """

    venue: VenueName
    symbol: Symbol
    instrument: str
    number: int
    since: Nanos
    at: Nanos
    trace: str
    flow: Flow
    standing: Standing
    tells_liquidations: bool = True


class Activity:
    """One instrument's trades, marks and liquidations.

    `total` is since the start, what `summary` returns since the one before it. `malformed` counts
    the events whose numbers no market has; each costs itself only.
    """

    __slots__ = (
        "_before",
        "_changed",
        "_flow",
        "_ids",
        "_instrument",
        "_known",
        "_minute",
        "_number",
        "_open_interest",
        "_since",
        "_standing",
        "_tells_liquidations",
        "_trace",
        "_traded_at",
        "malformed",
        "repeated",
    )

    def __init__(self, instrument: Instrument, *, tells_liquidations: bool = True) -> None:
        self._instrument = instrument
        self._tells_liquidations = tells_liquidations
        self._since: Nanos | None = None
        self._standing = Standing()
        self._before = Flow()
        self._flow = Flow()
        self._minute = _Minute()
        self._ids: deque[str] = deque()
        self._known: set[str] = set()
        self._traded_at: Nanos | None = None
        self._open_interest: Decimal | None = None
        self._number = 0
        self._trace = ""
        self._changed = False
        self.malformed = 0
        self.repeated = 0

    def take(
        self, event: MarketEvent, now: Nanos, trace: str, opened_at: Nanos | None = None
    ) -> None:
        """Take what the venue told at `now`, over a connection that opened at `opened_at`."""
        if self._since is None:
            self._since = now
        try:
            match event:
                case Trade():
                    changed = self._trade(event, now, opened_at)
                case Marks():
                    changed = self._marks(event)
                case Liquidation():
                    changed = self._liquidation(event, opened_at)
        except MalformedFrame:
            self.malformed += 1
            return
        if changed:
            self._changed, self._trace = True, trace

    @property
    def changed(self) -> bool:
        """Whether there is anything that no summary has told."""
        return self._changed

    @property
    def told(self) -> bool:
        """Whether the venue has told anything beside the book yet."""
        return self._changed or self._number > 0

    @property
    def tells_liquidations(self) -> bool:
        """Whether the venue tells of liquidations: it says so, or it did."""
        return self._tells_liquidations or self.total.liquidations > 0

    @property
    def total(self) -> Flow:
        """What was traded and liquidated since the start."""
        return self._before.plus(self._flow)

    @property
    def standing(self) -> Standing:
        """What was said last."""
        return self._standing

    def last_minute(self, now: Nanos) -> tuple[Decimal, Decimal]:
        """Return the quote bought and sold by takers in the minute before `now`."""
        return self._minute.sums(now)

    def summary(self, symbol: Symbol, now: Nanos) -> MarketSummary:
        """Return what was told since the last summary, and begin the next."""
        self._number += 1
        told = MarketSummary(
            venue=self._instrument.venue,
            symbol=symbol,
            instrument=self._instrument.name,
            number=self._number,
            since=now if self._since is None else self._since,
            at=now,
            trace=self._trace,
            flow=self._flow,
            standing=self._standing,
            tells_liquidations=self.tells_liquidations,
        )
        self._before = self._before.plus(self._flow)
        self._flow, self._since, self._changed = Flow(), now, False
        return told

    # -- one event -------------------------------------------------------------------------------

    def _trade(self, trade: Trade, now: Nanos, opened_at: Nanos | None) -> bool:
        price, base, quote = self._amounts(trade.price, trade.size)
        if not self._new(trade.id):
            self.repeated += 1
            return False
        at, before = trade.venue_time, self._standing
        if at is None or self._traded_at is None or at >= self._traded_at:
            self._traded_at = at
            self._stand(last_price=price)
        if _replayed(at, opened_at):
            return self._standing != before
        self._flow.trade(trade.taker, base, quote)
        self._minute.add(trade.taker, quote, now)
        if trade.liquidation:
            closed = Position.LONG if trade.taker is Taker.SELL else Position.SHORT
            self._flow.liquidate(closed, quote)
        return True

    def _liquidation(self, told: Liquidation, opened_at: Nanos | None) -> bool:
        _price, _base, quote = self._amounts(told.price, told.size)
        if _replayed(told.venue_time, opened_at):
            return False
        self._flow.liquidate(told.position, quote)
        return True

    def _marks(self, marks: Marks) -> bool:
        """All numbers are read before any of them is kept."""
        said: dict[str, Decimal | Nanos | None] = {
            "mark": _price(marks.mark),
            "index": _price(marks.index),
            "funding_rate": _signed(marks.funding_rate),
            "funding_interval": _within(marks.funding_interval, 1, LONGEST_INTERVAL),
            "next_funding_at": _within(marks.next_funding_at, 0, LATEST_TIME),
        }
        if marks.open_interest is not None:
            self._open_interest = parse(marks.open_interest)
        before = self._standing
        self._stand(**{name: value for name, value in said.items() if value is not None})
        # Of an inverse contract it moves with the mark.
        self._stand(open_interest=self._base_of(self._open_interest))
        return self._standing != before

    def _stand(self, **said: Any) -> None:
        if any(getattr(self._standing, name) != value for name, value in said.items()):
            self._standing = replace(self._standing, **said)

    def _new(self, trade_id: str) -> bool:
        """Whether this trade was not told before, and remember it. Raises `MalformedFrame`."""
        if not 0 < len(trade_id) <= LONGEST_ID:
            raise MalformedFrame(f"not the id of a trade: {trade_id[:40]!r}")
        if trade_id in self._known:
            return False
        self._known.add(trade_id)
        self._ids.append(trade_id)
        if len(self._ids) > IDS_KEPT:
            self._known.remove(self._ids.popleft())
        return True

    # -- units -----------------------------------------------------------------------------------

    def _amounts(self, price_text: str, size_text: str) -> tuple[Decimal, Decimal, Decimal]:
        """Return price, base and quote. Raises `MalformedFrame`, also for a price or a size of 0."""
        price, size = parse(price_text), parse(size_text)
        if not price or not size:
            raise MalformedFrame(f"nothing was traded: {size_text[:40]!r} at {price_text[:40]!r}")
        units = EXACT.multiply(size, self._instrument.contract_value)
        if self._instrument.inverse:
            return price, quotient(units, price), units
        return price, units, EXACT.multiply(units, price)

    def _base_of(self, contracts: Decimal | None) -> Decimal | None:
        """Return an open interest in base; of an inverse contract at its mark, else unknown."""
        if contracts is None:
            return None
        units = EXACT.multiply(contracts, self._instrument.contract_value)
        if not self._instrument.inverse:
            return units
        price = self._standing.mark or self._standing.last_price
        return None if price is None else quotient(units, price)


class _Minute:
    """What takers bought and sold in the last minute, by seconds of arrival."""

    __slots__ = ("_seconds",)

    def __init__(self) -> None:
        self._seconds: deque[tuple[int, Flow]] = deque(maxlen=MINUTE // SECOND)

    def add(self, taker: Taker, quote: Decimal, now: Nanos) -> None:
        second = now // SECOND
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append((second, Flow()))
        self._seconds[-1][1].trade(taker, NOTHING, quote)

    def sums(self, now: Nanos) -> tuple[Decimal, Decimal]:
        newest = now // SECOND
        bought = sold = NOTHING
        for second, flow in self._seconds:
            if 0 <= newest - second < MINUTE // SECOND:
                bought = EXACT.add(bought, flow.buy_quote)
                sold = EXACT.add(sold, flow.sell_quote)
        return bought, sold


def quotient(amount: Decimal, price: Decimal) -> Decimal:
    """Return amount / price, rounded once to 18 decimals, half to even."""
    return from_units(round(Fraction(amount) / Fraction(price) * 10**BASE_PLACES), BASE_PLACES)


def _replayed(at: Nanos | None, opened_at: Nanos | None) -> bool:
    return at is not None and opened_at is not None and at < opened_at - REPLAYED


def _price(text: str | None) -> Decimal | None:
    if text is None:
        return None
    price = parse(text)
    if not price:
        raise MalformedFrame("a price of zero")
    return price


def _signed(text: str | None) -> Decimal | None:
    """Read a number that may be negative."""
    if text is None:
        return None
    return parse(text[1:]).copy_negate() if text.startswith("-") else parse(text)


def _within(value: int | None, least: int, most: int) -> int | None:
    if value is not None and not least <= value <= most:
        raise MalformedFrame(f"not a time any market tells: {value}")
    return value
