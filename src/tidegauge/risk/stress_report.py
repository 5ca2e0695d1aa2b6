"""Whether a size can be executed safely: of books as they are, with parts of every level gone.

`stress_report` is pure and asks nothing beside the books it is given: for a size that is asked for
once as well as for the one that is watched (docs/signals.md §8).
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from statistics import median
from typing import TypeAlias

from ..core.book import OrderBook
from ..core.exact import EXACT, is_amount
from ..core.instrument import VenueName
from ..core.reading import Taker
from .plan import BPS
from .rests import Resting
from .signal_settings import StressSettings
from .stress_ladder import Bounds, Ladder, ladder_of
from .stress_split import Split, merged, split_of

LOOKED_FOR = 4
"""The largest safe size is looked for up to so many times the size: a walk has an end."""


Walkable: TypeAlias = OrderBook | Resting
"""A book, or its levels as they were: as far as these go."""


class Safety(StrEnum):
    """UNKNOWN: what is known of the books decides nothing; never a judgement of its own."""

    SAFE = "safe"
    ELEVATED = "elevated"
    UNSAFE = "unsafe"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """What the size costs with `haircut` of every level gone.

    `slippage`: the share of the notional that is lost against the mid, on what is shown; None where
    that does not fill, and then `filled` says how much of the size it would. `floor`: the walk ends
    beyond the known range, so that slippage lies between `at_least` and what is shown. Without a mid
    slippage is unknown.
    """

    haircut: float
    slippage: float | None
    at_least: float | None
    filled: float
    floor: bool
    safety: Safety


@dataclass(frozen=True, slots=True, kw_only=True)
class SideStress:
    """Costs by rising haircut, nothing gone first. `judged` decides. `largest_safe` (quote): what
    may be executed and be safe at the judged haircut; `largest_at_least`: it may be more, since the
    known range, or the walk, ends there. None without a mid."""

    costs: tuple[Cost, ...]
    judged: Cost
    largest_safe: Decimal | None
    largest_at_least: bool

    @property
    def now(self) -> Cost:
        """With nothing gone."""
        return self.costs[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class VenueStress:
    """One venue by itself, against its own mid, without fees. `quote` is what it is quoted in and
    `rate` what one of that is worth in the quote of the size; None: nobody said, so that the size
    counts in its own quote there and the venue is compared with no other. `average` is the price of
    the size now in the quote of the size, with fees where they are counted."""

    venue: VenueName
    quote: str
    rate: Decimal | None
    side: SideStress
    average: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assumed:
    """A venue without a book: no measurement, but a model of a liquidity that somebody assumed."""

    venue: VenueName
    liquidity: Decimal
    slippage: float
    safety: Safety


@dataclass(frozen=True, slots=True, kw_only=True)
class TakerStress:
    """One taker. `together`: the cheapest split at each haircut, against the median of the mids,
    with fees where they are counted; None without a book. `best`: the cheapest venue for the whole
    size now, None where none is known to fill it. `split`: the cheapest there is now."""

    taker: Taker
    venues: tuple[VenueStress, ...]
    together: SideStress | None
    best: VenueName | None
    split: Split | None


@dataclass(frozen=True, slots=True, kw_only=True)
class StressReport:
    """A size (in `quote`) at one instant. `compared` are the venues that `together` is made of;
    `left_out` says of each other why. `fees_counted`: known of all that are compared."""

    size: Decimal
    quote: str
    sell: TakerStress
    buy: TakerStress
    compared: tuple[VenueName, ...]
    left_out: tuple[tuple[VenueName, str], ...]
    assumed: tuple[Assumed, ...]
    fees_counted: bool

    def of(self, taker: Taker) -> TakerStress:
        return self.sell if taker is Taker.SELL else self.buy


def stress_report(
    books: Mapping[VenueName, Walkable],
    size: Decimal,
    settings: StressSettings,
    *,
    quotes: Mapping[VenueName, str],
    quote: str = "",
    fees: Mapping[VenueName, float] | None = None,
) -> StressReport:
    """Return the stress of executing `size` at once.

    `books` are those that can be believed now; a crossed one is left out. `quotes` names what each
    venue of the symbol is quoted in, with a book or without, `quote` what the size is counted in
    (empty: what most of the books are), `fees` a taker's in bps. Raises `ValueError` for a size that
    is no amount above 0.
    """
    if not is_amount(size) or size <= 0:
        raise ValueError(f"a size to execute must be above 0, not {size}")
    usable = {venue: book for venue, book in sorted(books.items()) if not book.crossed}
    home = quote or usual_quote(quotes.get(venue, "") for venue in usable)
    rates = {venue: rate_of(quotes.get(venue, ""), home, settings.rates) for venue in usable}
    compared = tuple(venue for venue, rate in rates.items() if rate is not None)
    known_fees = fees or {}
    counted = bool(compared) and all(venue in known_fees for venue in compared)
    asked = _Asked(size, settings, {each: known_fees[each] for each in compared} if counted else {})
    sell, buy = (_taker(usable, taker, asked, rates, quotes) for taker in (Taker.SELL, Taker.BUY))
    return StressReport(
        size=size,
        quote=home,
        sell=sell,
        buy=buy,
        compared=compared,
        left_out=tuple(_left_out(books, rates, quotes, home)),
        assumed=tuple(_assumed(books, size, settings)),
        fees_counted=counted,
    )


class _Asked:
    """What is asked of every side, in fractions: made once, for they are slow to make."""

    def __init__(
        self, size: Decimal, settings: StressSettings, fees: Mapping[VenueName, float]
    ) -> None:
        self.size, self.fees, self.judged = size, fees, settings.judged
        self.kept = _kept(settings.judged)
        self.elevated, self.unsafe = fraction(settings.elevated), fraction(settings.unsafe)
        # A size costs of levels of which a share is left what the size over the share costs of whole.
        haircuts = sorted({0.0, *settings.haircuts, settings.judged})
        self.wholes = [(haircut, Fraction(size) / _kept(haircut)) for haircut in haircuts]
        most = max(whole for _, whole in self.wholes)
        dearest = max([fraction(fee) / BPS for fee in fees.values()], default=Fraction())
        self.reach = max(most, LOOKED_FOR * Fraction(size) / self.kept) / (1 - dearest)
        """How much quote of whole levels is looked at."""


def _taker(
    books: Mapping[VenueName, Walkable],
    taker: Taker,
    asked: _Asked,
    rates: Mapping[VenueName, Decimal | None],
    quotes: Mapping[VenueName, str],
) -> TakerStress:
    venues: list[VenueStress] = []
    comparable: dict[VenueName, Ladder] = {}
    for venue, book in books.items():
        rate = rates[venue]
        ladder = ladder_for(book, taker, asked.reach / Fraction(rate or 1))
        mid = mid_of(book)
        if rate is not None and rate != 1:
            ladder, mid = ladder.times(rate), None if mid is None else mid * Fraction(rate)
        side = _side(ladder, mid, asked)
        average = None
        if rate is not None:
            fee = asked.fees.get(venue)
            comparable[venue] = ladder if not fee else ladder.times(after_fee(fee, taker))
            average = _average(comparable[venue], asked.size)
        venues.append(
            VenueStress(
                venue=venue,
                quote=quotes.get(venue, ""),
                rate=rate,
                side=side,
                average=average,
            )
        )
    together = split = None
    if comparable:
        ladder = merged(comparable, taker)
        mids = [
            mid * Fraction(rates[venue] or 1)
            for venue in comparable
            if (mid := mid_of(books[venue])) is not None
        ]
        together = _side(ladder, median(mids) if mids else None, asked)
        split = split_of(ladder, tuple(comparable), asked.size)
    return TakerStress(
        taker=taker, venues=tuple(venues), together=together, best=_best(venues, taker), split=split
    )


def _side(ladder: Ladder, mid: Fraction | None, asked: _Asked) -> SideStress:
    at = None if mid is None else mid * 10**ladder.price_scale
    costs = [_cost(ladder, at, haircut, whole, asked) for haircut, whole in asked.wholes]
    largest = None if at is None else ladder.largest(asked.elevated, asked.kept, at)
    return SideStress(
        costs=tuple(costs),
        judged=next(cost for cost in costs if cost.haircut == asked.judged),
        largest_safe=None if largest is None else largest.size,
        largest_at_least=largest is not None and largest.at_least,
    )


def _cost(
    ladder: Ladder, mid: Fraction | None, haircut: float, whole: Fraction, asked: _Asked
) -> Cost:
    wanted = ladder.units(whole)
    fills = ladder.ends_at(wanted) is not None
    floor = not fills and ladder.edge is not None
    bounds = None if mid is None else ladder.slippage(wanted, mid)
    if bounds is not None:
        floor = bounds.floor
    return Cost(
        haircut=haircut,
        slippage=None if bounds is None or bounds.high is None else float(bounds.high),
        at_least=None if bounds is None else float(bounds.low),
        filled=1.0 if fills else float(ladder.total / wanted),
        floor=floor,
        safety=_safety(bounds, asked, lost=not fills and not floor),
    )


def _safety(bounds: Bounds | None, asked: _Asked, *, lost: bool) -> Safety:
    """Judge what is certain. A size that a wholly known side does not fill is unsafe; one that ends
    beyond the known range is so only if even the best that could rest there would make it."""
    if lost:
        return Safety.UNSAFE
    if bounds is None:
        return Safety.UNKNOWN
    if bounds.low >= asked.unsafe:
        return Safety.UNSAFE
    if bounds.low >= asked.elevated:
        return Safety.ELEVATED
    if bounds.high is not None and bounds.high < asked.elevated:
        return Safety.SAFE
    return Safety.UNKNOWN


def _best(venues: Sequence[VenueStress], taker: Taker) -> VenueName | None:
    priced = [(each.average, each.venue) for each in venues if each.average is not None]
    sign = 1 if taker is Taker.BUY else -1
    return min(priced, key=lambda each: (each[0] * sign, each[1]), default=(None, None))[1]


def _average(ladder: Ladder, size: Decimal) -> float | None:
    wanted = ladder.units(Fraction(size))
    base = ladder.base(wanted)
    return None if base is None else float(wanted / base / 10**ladder.price_scale)


def ladder_for(book: Walkable, taker: Taker, wanted: Fraction | None) -> Ladder:
    """Return what a taker eats, as far as `wanted` (quote; None: all) or as far as there is."""
    if isinstance(book, Resting):
        return book.ladder(taker)
    return ladder_of(book, taker, wanted)


def mid_of(book: Walkable) -> Fraction | None:
    """Return the middle of the touch, None without one of both sides."""
    bid, ask = book.best_bid, book.best_ask
    return None if bid is None or ask is None else (Fraction(bid) + Fraction(ask)) / 2


def _left_out(
    books: Mapping[VenueName, Walkable],
    rates: Mapping[VenueName, Decimal | None],
    quotes: Mapping[VenueName, str],
    home: str,
) -> Iterable[tuple[VenueName, str]]:
    for venue in sorted({*quotes, *books}):
        if venue not in books:
            yield venue, "it has no book that can be believed now"
        elif venue not in rates:
            yield venue, "its book is crossed"
        elif rates[venue] is None:
            yield venue, f"no rate is set from {quotes.get(venue) or 'its quote'} to {home}"


def _assumed(
    books: Mapping[VenueName, Walkable], size: Decimal, settings: StressSettings
) -> Iterable[Assumed]:
    """Give the model of each venue that has a liquidity assumed, and no book."""
    for venue, liquidity in sorted(settings.assumed_liquidity.items()):
        if venue in books:
            continue
        slippage = assumed_slippage(size, liquidity, settings.exponent)
        if slippage >= settings.unsafe:
            safety = Safety.UNSAFE
        else:
            safety = Safety.ELEVATED if slippage >= settings.elevated else Safety.SAFE
        yield Assumed(venue=venue, liquidity=liquidity, slippage=slippage, safety=safety)


def assumed_slippage(size: Decimal, liquidity: Decimal, exponent: float) -> float:
    """Return the share of the notional that the model loses: (size / liquidity) ** exponent, no more
    than all of it. Where there is no liquidity all is lost."""
    if liquidity <= 0:
        return 1.0
    used = float(Fraction(size) / Fraction(liquidity))
    return 1.0 if used >= 1 else used**exponent


def usual_quote(quotes: Iterable[str]) -> str:
    """Return the quote that most have, of equals the first by name."""
    counted = Counter(quotes)
    return min(counted, key=lambda name: (-counted[name], name), default="")


def rate_of(quote: str, home: str, rates: Mapping[str, Decimal]) -> Decimal | None:
    """Return what one of `quote` is worth in `home`, None where nobody said."""
    return Decimal(1) if quote == home else rates.get(quote)


def after_fee(fee: float, taker: Taker) -> Decimal:
    """Return what a price is times to be one after the fee (bps)."""
    share = EXACT.divide(Decimal(str(fee)), Decimal(BPS))
    return EXACT.add(1, share) if taker is Taker.BUY else EXACT.subtract(1, share)


def _kept(haircut: float) -> Fraction:
    return 1 - fraction(haircut)


def fraction(number: float) -> Fraction:
    """Return a number as it was written: 0.3 is three tenths."""
    return Fraction(str(number))
