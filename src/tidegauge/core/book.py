"""One instrument's order book: exact, sorted, and able to audit itself.

The book only applies. Whether an update follows the last one is a sequencer's judgement
(`wire.sequencer`), and whether the book may be believed is its keeper's (`core.keeper`).
"""

from collections.abc import Iterator
from decimal import Decimal

from .errors import MalformedFrame
from .exact import EXACT, from_units, parse, to_units
from .side import BookSide, FinerScale, Level, Side, WireLevels
from .sizes import sizes_of
from .soundness import check_side

BPS = 10_000
MOST_SCALE = 18
TOUCH_AHEAD_BPS = 2


class OrderBook:
    """Both sides of one book, and how far from the touch they are known.

    `price_scale` and `size_scale` are decimal places; text with more of them refines the scale of
    the whole book rather than lose a digit. Sizes are kept in base units: the venue's size times
    `contract_value`. Those of an `inverse` book are notionals in quote units instead, wherever the
    book tells of a size (`size`, `top`, `walk`): there the quote is what is exact, and a level's
    base is its size divided by its price (signals.md section 1, Units).
    """

    __slots__ = (
        "asks",
        "bids",
        "contract_value",
        "inverse",
        "known_ask",
        "known_bid",
        "price_scale",
        "size_scale",
        "sizes",
    )

    def __init__(
        self,
        *,
        price_scale: int = 2,
        size_scale: int = 8,
        contract_value: Decimal = Decimal(1),
        inverse: bool = False,
    ) -> None:
        self.bids = BookSide(Side.BID, price_scale)
        self.asks = BookSide(Side.ASK, price_scale)
        self.price_scale = price_scale
        self.size_scale = size_scale
        self.contract_value = contract_value
        self.inverse = inverse
        self.known_bid: Decimal | None = None
        self.known_ask: Decimal | None = None
        self.sizes = sizes_of(size_scale, contract_value)

    def blank(self) -> "OrderBook":
        """Return an empty book of the same units and scales."""
        return OrderBook(
            price_scale=self.price_scale,
            size_scale=self.size_scale,
            contract_value=self.contract_value,
            inverse=self.inverse,
        )

    # -- applying what the venue says ------------------------------------------------------------

    def apply_snapshot(
        self,
        bids: WireLevels,
        asks: WireLevels,
        *,
        limit: int | None = None,
        window: int | None = None,
    ) -> None:
        """Replace the whole book.

        `limit` is how many levels a side the venue was asked for: a side that came with fewer is
        wholly known. `window` is the depth of a subscription the venue keeps at its best levels,
        so that the known range moves with it. Neither means the venue sends its whole book.
        Raises `MalformedFrame`, the book then unchanged.
        """
        told_bids, told_asks = self._decode(bids, asks)
        self.bids.replace(told_bids)
        self.asks.replace(told_asks)
        self.bids.window = self.asks.window = window
        self.bids.cut = self.asks.cut = False
        for side in (self.bids, self.asks):
            best = side.best()
            side.told_best = None if best is None else Decimal(best)
            side.touched = False
        self.known_bid = _edge(self.bids, limit)
        self.known_ask = _edge(self.asks, limit)
        self._tidy()

    def apply_delta(self, bids: WireLevels, asks: WireLevels) -> None:
        """Set absolute sizes at changed prices; size zero removes a level.

        Raises `MalformedFrame`, the book then unchanged.
        """
        changed_bids, changed_asks = self._decode(bids, asks)
        self.bids.set_all(changed_bids)
        self.asks.set_all(changed_asks)
        self._tidy()

    def apply_touch(self, bid: tuple[str, str] | None, ask: tuple[str, str] | None) -> None:
        """Set the best bid and ask, and drop every level that would be better than them.

        For a venue whose touch arrives ahead of its book. None means that side is empty.
        """
        touched_bids, touched_asks = self._decode(
            () if bid is None else (bid,), () if ask is None else (ask,)
        )
        for side, touched in ((self.bids, touched_bids), (self.asks, touched_asks)):
            best = touched[0][0] if touched else None
            side.cut = side.cut or (side.window is not None and len(side) >= side.window)
            side.set_all([(level, 0) for level in _better_than(side, best)])
            side.set_all(touched)
            side.touched = True
        self._tidy()

    def prune(self, levels: int) -> int:
        """Keep the best `levels` of each side; the known range narrows to what is kept.

        Returns how many levels were dropped.
        """
        dropped = 0
        for side in (self.bids, self.asks):
            before = len(side)
            while len(side) > levels:
                side.drop_worst()
            dropped += before - len(side)
            worst = side.worst()
            if len(side) != before and worst is not None:
                self._know_up_to(side, worst)
        return dropped

    def prune_beyond(self, bps: int) -> int:
        """Drop what lies more than `bps` from the best price of its side.

        The known range narrows to that distance. Returns how many levels were dropped.
        """
        dropped = 0
        for side, sign in ((self.bids, 1), (self.asks, -1)):
            best, worst, before = side.best(), side.worst(), len(side)
            if best is None or worst is None:
                continue
            edge = best.ticks * (BPS - sign * bps)  # in ticks, times 10,000
            while sign * worst.ticks * BPS < sign * edge:
                side.drop_worst()
                worst = side.worst()
                assert worst is not None, "the best price lies within any distance from itself"
            if len(side) != before:
                dropped += before - len(side)
                ticks = -(-edge // BPS) if side.side is Side.BID else edge // BPS
                self._know_up_to(side, from_units(ticks, self.price_scale))
        return dropped

    def _know_up_to(self, side: BookSide, price: Decimal) -> None:
        """Narrow the known range: beyond a snapshot's, only levels that changed are held."""
        if side.side is Side.BID:
            self.known_bid = price if self.known_bid is None else max(self.known_bid, price)
        else:
            self.known_ask = price if self.known_ask is None else min(self.known_ask, price)

    def clear(self) -> None:
        """Empty the book: nothing is known."""
        self.bids.clear()
        self.asks.clear()
        self.known_bid = self.known_ask = None

    # -- asking it -------------------------------------------------------------------------------

    @property
    def best_bid(self) -> Level | None:
        return self.bids.best()

    @property
    def best_ask(self) -> Level | None:
        return self.asks.best()

    @property
    def crossed(self) -> bool:
        """Whether the best bid is at or above the best ask (crossed or locked)."""
        bid, ask = self.bids.touch, self.asks.touch
        return bid is not None and ask is not None and bid.ticks >= ask.ticks

    @property
    def two_sided(self) -> bool:
        """Whether both sides hold a level, and the book is neither crossed nor locked."""
        bid, ask = self.bids.touch, self.asks.touch
        return bid is not None and ask is not None and bid.ticks < ask.ticks

    def side(self, side: Side) -> BookSide:
        return self.bids if side is Side.BID else self.asks

    def size(self, level: Level) -> Decimal:
        """Return the exact size at `level`: base units, or quote units of an inverse book."""
        return from_units(level.lots, self.size_scale)

    def top(self, side: Side, n: int) -> list[tuple[Decimal, Decimal]]:
        """Return the best `n` levels as (price, size), best first."""
        scale = self.size_scale
        return [
            (Decimal(level), from_units(level.lots, scale)) for level in self.side(side).nearest(n)
        ]

    def walk(self, side: Side) -> Iterator[tuple[Decimal, Decimal]]:
        """Iterate over (price, size) from the touch outwards. The book must not change meanwhile."""
        scale = self.size_scale
        for level in self.side(side):
            yield Decimal(level), from_units(level.lots, scale)

    def known_limit(self, side: Side) -> Decimal | None:
        """Return the price up to which `side` is known, None when all of it is.

        Every level between the touch and this price, itself included, has been told to us in this
        epoch; beyond it, only levels that happened to change.
        """
        book_side = self.side(side)
        if book_side.touched and _ran_ahead(book_side):
            return book_side.best()
        if book_side.window is not None:
            full = book_side.cut or len(book_side) >= book_side.window
            return book_side.worst() if full else None
        return self.known(side)

    def known_ticks(self, side: Side) -> int | None:
        """Return `known_limit` in ticks."""
        book_side = self.bids if side is Side.BID else self.asks
        plain = book_side.window is None and not book_side.touched
        limit = self.known(side) if plain else self.known_limit(side)
        if limit is None or isinstance(limit, Level):
            return None if limit is None else limit.ticks
        return to_units(limit, self.price_scale)

    def known(self, side: Side) -> Decimal | None:
        """Return how far a snapshot told of `side`, or how far it was pruned to. None: all of it."""
        return self.known_bid if side is Side.BID else self.known_ask

    def reach_bps(self, side: Side | None = None) -> float | None:
        """Return how far from the mid `side` is known, or the nearer of both, in basis points.

        Zero or less when the price has left what is known, or a side ran empty of it. None when it
        is wholly known or is kept to a window by the venue.
        """
        if side is None:
            reaches = [self.reach_bps(each) for each in Side]
            return min((each for each in reaches if each is not None), default=None)
        known = self.known(side)
        if self.bids.window is not None or known is None:
            return None
        bid, ask = self.bids.best(), self.asks.best()
        if bid is None or ask is None:
            return 0.0
        mid = (float(bid) + float(ask)) / 2
        return 10_000 * (1 if side is Side.BID else -1) * (mid - float(known)) / mid

    def check(self) -> None:
        """Audit the book. Raises `BookInvariantError` if it contradicts itself."""
        for side in (self.bids, self.asks):
            check_side(side, self.price_scale)

    # -- from wire text to levels and lots -------------------------------------------------------

    def _decode(
        self, bids: WireLevels, asks: WireLevels
    ) -> tuple[list[tuple[Level, int]], list[tuple[Level, int]]]:
        """Resolve wire text to (level, lots). Raises before anything in the book has moved."""
        try:
            return self._look_up(bids, asks)
        except FinerScale:
            self._refine_for(bids, asks)
            return self._look_up(bids, asks)

    def _look_up(
        self, bids: WireLevels, asks: WireLevels
    ) -> tuple[list[tuple[Level, int]], list[tuple[Level, int]]]:
        """Look every text up; only text that was never spelt this way before is parsed."""
        bid_text, ask_text, sizes = self.bids.by_text, self.asks.by_text, self.sizes
        return (
            [(bid_text[price], sizes[size]) for price, size in bids],
            [(ask_text[price], sizes[size]) for price, size in asks],
        )

    def _refine_for(self, bids: WireLevels, asks: WireLevels) -> None:
        """Refine the scales to what these numbers need. Raises with the scales as they were."""
        price_scale, size_scale = self.price_scale, self.size_scale
        for price, size in (*bids, *asks):
            price_scale = _fitting(parse(price), price_scale)
            size_scale = _fitting(EXACT.multiply(parse(size), self.contract_value), size_scale)
        by_price = 10 ** (price_scale - self.price_scale)
        by_size = 10 ** (size_scale - self.size_scale)
        self.price_scale, self.size_scale = price_scale, size_scale
        self.sizes = sizes_of(size_scale, self.contract_value)
        for side in (self.bids, self.asks):
            side.refine(price_scale, by_price, by_size)
        # These may be levels that were forgotten, whose ticks nobody restates.
        self.known_bid = None if self.known_bid is None else Decimal(self.known_bid)
        self.known_ask = None if self.known_ask is None else Decimal(self.known_ask)

    def _tidy(self) -> None:
        """Keep to the window, and forget spellings that are no longer worth keeping."""
        for side in (self.bids, self.asks):
            if side.window is not None:
                while len(side) > side.window:
                    side.drop_worst()
            side.forget_the_dead()


def _fitting(value: Decimal, scale: int) -> int:
    """Return the least scale, from `scale` up, that holds `value` exactly."""
    while to_units(value, scale) is None:
        scale += 1
        if scale > MOST_SCALE:
            raise MalformedFrame(f"more than {MOST_SCALE} decimals: {value}")
    return scale


def _ran_ahead(side: BookSide) -> bool:
    """Whether the touch has left the told levels behind: what lies between was never told.

    A step of up to 2 bps is let pass: a venue whose book comes every few seconds (Hyperliquid)
    would otherwise hardly ever be known, and its 10 bps depth is short by a fifth at the most.
    """
    best, told = side.best(), side.told_best
    if best is None or told is None:
        return False
    ahead = best - told if side.side is Side.BID else told - best
    return bool(ahead * 10_000 > TOUCH_AHEAD_BPS * told)


def _edge(side: BookSide, limit: int | None) -> Decimal | None:
    """Return how far a snapshot of at most `limit` levels a side tells us about `side`."""
    return side.worst() if limit is not None and len(side) >= limit else None


def _better_than(side: BookSide, best: Level | None) -> Iterator[Level]:
    """Iterate over the levels of `side` that lie before `best`; all of them when it is None."""
    for level in side:
        if best is not None and (
            level.ticks <= best.ticks if side.side is Side.BID else level.ticks >= best.ticks
        ):
            return
        yield level
