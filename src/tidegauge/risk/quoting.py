"""What a size costs now: on each venue, on the cheapest of them, and split over all
(docs/signals.md §1 and §8). Pure: it is asked of books, or of their levels as they were.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from statistics import median

from ..core.exact import from_units, is_amount
from ..core.instrument import VenueName
from ..core.reading import Taker
from .plan import BPS
from .stress_ladder import Ladder
from .stress_report import Walkable, after_fee, ladder_for, mid_of, rate_of, usual_quote
from .stress_split import Portion, Split, merged, split_of


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueQuote:
    """A size on one venue by itself, in the quote of the size, without fees.

    `rate`: what one of the venue's `quote` is worth in that; None: nobody said, so that the size
    counts in the venue's own quote and the venue is compared with no other. `slippage_bps` and
    `cost` (quote) against the venue's mid, None unless all is filled; `partial_slippage_bps` is of
    the part that is. `average` is the mean price of what is filled, `worst` that of the last level.
    `floor`: the walk ended beyond what is known of the book.
    """

    venue: VenueName
    quote: str
    rate: Decimal | None
    filled: bool
    filled_fraction: float
    average: float | None
    worst: Decimal | None
    slippage_bps: float | None
    partial_slippage_bps: float | None
    cost: float | None
    floor: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Together:
    """A size split over the venues in the cheapest way, with fees where they are counted.

    `filled` (quote) is less than the size where all of them do not fill it. `slippage_bps` against the
    median of the mids, None unless all is filled, or without a mid. `floor`: it reaches beyond what is
    known of one of them, so more may rest there than is counted.
    """

    filled: Decimal
    average: float
    slippage_bps: float | None
    floor: bool
    portions: tuple[Portion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """A size (in `quote`) at one instant. `best`: the cheapest venue that fills all of it. `left_out`
    says of each venue that is not compared why. `fees_counted`: known of all that are."""

    size: Decimal
    quote: str
    taker: Taker
    venues: tuple[VenueQuote, ...]
    best: VenueName | None
    together: Together | None
    left_out: tuple[tuple[VenueName, str], ...]
    fees_counted: bool


class Market:
    """The books of one symbol that may be believed, made comparable: asked for as many sizes as one
    likes. `quotes`, `rates` and `fees` (bps) as `stress_report` takes them; `home` is what a size
    counts in, empty: what most of the books are quoted in."""

    def __init__(
        self,
        books: Mapping[VenueName, Walkable],
        *,
        quotes: Mapping[VenueName, str],
        home: str = "",
        rates: Mapping[str, Decimal] | None = None,
        fees: Mapping[VenueName, float] | None = None,
    ) -> None:
        self._quotes = quotes
        self._books = {venue: book for venue, book in sorted(books.items()) if not book.crossed}
        self._crossed = tuple(sorted(books.keys() - self._books.keys()))
        self.home = home or usual_quote(quotes.get(venue, "") for venue in self._books)
        self._rates = {
            venue: rate_of(quotes.get(venue, ""), self.home, rates or {}) for venue in self._books
        }
        compared = [venue for venue, rate in self._rates.items() if rate is not None]
        known = fees or {}
        self.fees_counted = bool(compared) and all(venue in known for venue in compared)
        self._fees = {each: known[each] for each in compared} if self.fees_counted else {}
        self._sides = {taker: self._side(taker) for taker in Taker}
        self._mids = {
            venue: None if (mid := mid_of(book)) is None else mid * Fraction(self._rate(venue))
            for venue, book in self._books.items()
        }
        of_compared = [mid for venue in compared if (mid := self._mids[venue]) is not None]
        self._mid = median(of_compared) if of_compared else None

    def _rate(self, venue: VenueName) -> Decimal:
        return self._rates[venue] or Decimal(1)

    def _side(self, taker: Taker) -> "_Side":
        ladders: dict[VenueName, Ladder] = {}
        comparable: dict[VenueName, Ladder] = {}
        for venue, book in self._books.items():
            ladder = ladder_for(book, taker, None)
            rate = self._rates[venue]
            ladders[venue] = ladder if rate in (None, 1) else ladder.times(self._rate(venue))
            if rate is not None:
                fee = self._fees.get(venue)
                whole = ladders[venue]
                comparable[venue] = whole.times(after_fee(fee, taker)) if fee else whole
        return _Side(ladders, comparable, merged(comparable, taker))

    @property
    def largest(self) -> Decimal:
        """The largest notional that any venue, or all together, would fill; 0 without a book."""
        totals = [
            ladder.quote(ladder.total)
            for side in self._sides.values()
            for ladder in (*side.ladders.values(), side.together)
        ]
        return max(totals, default=Decimal(0))

    def quote(self, taker: Taker, size: Decimal) -> Quote:
        """Return what a size (quote, above 0) costs. Raises `ValueError` for what is none."""
        if not is_amount(size) or size <= 0:
            raise ValueError(f"a size must be above 0, not {size}")
        side = self._sides[taker]
        return Quote(
            size=size,
            quote=self.home,
            taker=taker,
            venues=tuple(self._venue(venue, each, size) for venue, each in side.ladders.items()),
            best=_best(side.comparable, taker, size),
            together=self._together(side, size),
            left_out=tuple(self._left_out()),
            fees_counted=self.fees_counted,
        )

    def curve(
        self, taker: Taker, sizes: Sequence[Decimal]
    ) -> tuple[dict[VenueName, list[float | None]], list[float | None]]:
        """Return the slippage (bps) of each size, by venue, and split over all; None: not filled."""
        side = self._sides[taker]
        by_venue = {
            venue: [_slippage_bps(ladder, self._mids[venue], size) for size in sizes]
            for venue, ladder in side.ladders.items()
        }
        return by_venue, [_slippage_bps(side.together, self._mid, size) for size in sizes]

    def _venue(self, venue: VenueName, ladder: Ladder, size: Decimal) -> VenueQuote:
        wanted, prices, mid = ladder.units(Fraction(size)), ladder.rungs.prices, self._mids[venue]
        last = ladder.ends_at(wanted)
        filled = last is not None
        taken = wanted if filled else Fraction(ladder.total)
        base = (ladder.base(taken) or Fraction(0)) if prices else Fraction(0)
        average = taken / base / 10**ladder.price_scale if base else None
        worst = prices[-1 if last is None else last] if prices else None
        slippage = cost = None
        if average is not None and mid is not None:
            slippage = float(ladder.sign * (average / mid - 1) * BPS)
            cost = float(ladder.sign * (average - mid) * base / 10**ladder.base_scale)
        return VenueQuote(
            venue=venue,
            quote=self._quotes.get(venue, ""),
            rate=self._rates[venue],
            filled=filled,
            filled_fraction=1.0 if filled else float(taken / wanted),
            average=None if average is None else float(average),
            worst=None if worst is None else from_units(worst, ladder.price_scale),
            slippage_bps=slippage if filled else None,
            partial_slippage_bps=None if filled else slippage,
            cost=cost if filled else None,
            floor=_floor(ladder, size),
        )

    def _together(self, side: "_Side", size: Decimal) -> Together | None:
        split: Split | None = split_of(side.together, tuple(side.comparable), size)
        if split is None:
            return None
        filled = split.filled == size
        slippage = _slippage_bps(side.together, self._mid, size) if filled else None
        return Together(
            filled=split.filled,
            average=split.average,
            slippage_bps=slippage,
            floor=_floor(side.together, size),
            portions=split.portions,
        )

    def _left_out(self) -> Iterable[tuple[VenueName, str]]:
        for venue in self._crossed:
            yield venue, "its book is crossed"
        for venue, rate in self._rates.items():
            if rate is None:
                yield (
                    venue,
                    f"no rate is set from {self._quotes.get(venue) or 'its quote'} to {self.home}",
                )


@dataclass(frozen=True, slots=True)
class _Side:
    """What a taker eats: of each venue, of those that compare after fees, and of these as one."""

    ladders: Mapping[VenueName, Ladder]
    comparable: Mapping[VenueName, Ladder]
    together: Ladder


def _slippage_bps(ladder: Ladder, mid: Fraction | None, size: Decimal) -> float | None:
    base = ladder.base(ladder.units(Fraction(size)))
    if base is None or mid is None:
        return None
    average = ladder.units(Fraction(size)) / base / 10**ladder.price_scale
    return float(ladder.sign * (average / mid - 1) * BPS)


def _floor(ladder: Ladder, size: Decimal) -> bool:
    """Whether a size reaches beyond what is known of a book, or of one of several."""
    last = ladder.ends_at(ladder.units(Fraction(size)))
    if last is None:
        return ladder.edge is not None
    return _beyond(ladder, ladder.rungs.prices[last])


def _beyond(ladder: Ladder, worst: int | None) -> bool:
    """Whether a price lies beyond what is known of the book."""
    return worst is not None and ladder.edge is not None and (worst - ladder.edge) * ladder.sign > 0


def _best(ladders: Mapping[VenueName, Ladder], taker: Taker, size: Decimal) -> VenueName | None:
    sign = 1 if taker is Taker.BUY else -1
    averages: list[tuple[Fraction, VenueName]] = []
    for venue, ladder in ladders.items():
        wanted = ladder.units(Fraction(size))
        base = ladder.base(wanted)
        if base is not None:
            averages.append((sign * wanted / base / 10**ladder.price_scale, venue))
    return min(averages, default=(None, None))[1]
