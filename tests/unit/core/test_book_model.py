"""Whatever is applied to a book, a plain dictionary tells the same."""

from collections.abc import Callable, Sequence
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tidegauge.core.book import OrderBook
from tidegauge.core.errors import MalformedFrame
from tidegauge.core.side import Side

MALFORMED = [
    "NaN", "Infinity", "1e999", "-1", "9" * 40, "", "١", "1_000", " 1", "1\n", "0x1", "1e-19",  # noqa: RUF001
]  # fmt: skip

Text = tuple[str, str]
Model = dict[Decimal, Decimal]


def spellings(value: Decimal) -> list[str]:
    """Return several ways to write the same number."""
    plain = f"{value:f}"
    pointed = plain if "." in plain else f"{plain}."
    digits = value.scaleb(9).to_integral_value()
    return [plain, f"{pointed}0", f"{pointed}000", f"0{plain}", f"{int(digits)}e-9", f"+{plain}"]


@st.composite
def prices(draw: st.DrawFn) -> str:
    """Few prices, so that they meet again; a rare one needs a finer scale than the book has."""
    places = draw(st.sampled_from([0, 0, 1, 1, 1, 2, 4]))
    value = Decimal(draw(st.integers(1, 60))).scaleb(-places)
    return draw(st.sampled_from(spellings(value)))


@st.composite
def sizes(draw: st.DrawFn) -> str:
    """A third are removals."""
    if draw(st.integers(0, 2)) == 0:
        return draw(st.sampled_from(["0", "0.0", "0.000", "0e5"]))
    places = draw(st.sampled_from([0, 1, 3, 9]))
    value = Decimal(draw(st.integers(1, 10**6))).scaleb(-places)
    return draw(st.sampled_from(spellings(value)))


LEVELS = st.lists(st.tuples(prices(), sizes()), max_size=8)
CONTRACT = Decimal("0.01")


class ModelSide:
    """What a side should hold: a dictionary, and how far it is known."""

    def __init__(self, side: Side) -> None:
        self.side = side
        self.levels: Model = {}
        self.window: int | None = None
        self.edge: Decimal | None = None
        self.cut = False
        self.told: Decimal | None = None
        self.touched = False

    def ordered(self) -> list[Decimal]:
        return sorted(self.levels, reverse=self.side is Side.BID)

    def better(self, one: Decimal, other: Decimal) -> bool:
        return one > other if self.side is Side.BID else one < other

    def set_all(self, levels: Sequence[Text]) -> None:
        for price, size in levels:
            self.levels[Decimal(price)] = Decimal(size) * CONTRACT
        self.levels = {price: size for price, size in self.levels.items() if size}

    def keep(self, most: int) -> None:
        for price in self.ordered()[most:]:
            del self.levels[price]

    def keep_within(self, bps: int, places: int) -> None:
        """What lies further from the best price is dropped, and no longer known."""
        best = next(iter(self.ordered()), None)
        if best is None:
            return
        sign = -1 if self.side is Side.BID else 1
        edge = best * (1 + sign * Decimal(bps) / 10_000)
        kept = {price: size for price, size in self.levels.items() if not self.better(edge, price)}
        if len(kept) < len(self.levels):
            nearest = ROUND_CEILING if self.side is Side.BID else ROUND_FLOOR
            edge = edge.quantize(Decimal(1).scaleb(-places), rounding=nearest)
            if self.edge is None or self.better(edge, self.edge):
                self.edge = edge
        self.levels = kept

    def known_limit(self) -> Decimal | None:
        best = next(iter(self.ordered()), None)
        if self.touched and self.told is not None and best is not None:
            ahead = best - self.told if self.side is Side.BID else self.told - best
            if ahead / self.told > Decimal("0.0002"):
                return best
        if self.window is None:
            return self.edge
        full = self.cut or len(self.levels) >= self.window
        return self.ordered()[-1] if full and self.levels else None


class BookAgainstDictionary(RuleBasedStateMachine):
    """Whatever is applied, the book and a plain dictionary tell the same."""

    def __init__(self) -> None:
        super().__init__()
        self.book = OrderBook(price_scale=1, size_scale=2, contract_value=CONTRACT)
        self.model = {side: ModelSide(side) for side in Side}

    @rule(
        bids=LEVELS,
        asks=LEVELS,
        limit=st.none() | st.integers(1, 8),
        window=st.none() | st.integers(1, 8),
    )
    def snapshot(
        self, bids: list[Text], asks: list[Text], limit: int | None, window: int | None
    ) -> None:
        self.book.apply_snapshot(bids, asks, limit=limit, window=window)
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            model = self.model[side] = ModelSide(side)
            model.set_all(levels)
            if limit is not None and len(model.levels) >= limit:
                model.edge = model.ordered()[-1]
            model.told = next(iter(model.ordered()), None)
            model.window = window
            if window is not None:
                model.keep(window)

    @rule(bids=LEVELS, asks=LEVELS)
    def delta(self, bids: list[Text], asks: list[Text]) -> None:
        self.book.apply_delta(bids, asks)
        for side, levels in ((Side.BID, bids), (Side.ASK, asks)):
            model = self.model[side]
            model.set_all(levels)
            if model.window is not None:
                model.keep(model.window)

    @rule(
        bid=st.none() | st.tuples(prices(), sizes()), ask=st.none() | st.tuples(prices(), sizes())
    )
    def touch(self, bid: Text | None, ask: Text | None) -> None:
        self.book.apply_touch(bid, ask)
        for side, level in ((Side.BID, bid), (Side.ASK, ask)):
            model = self.model[side]
            model.touched = True
            model.cut |= model.window is not None and len(model.levels) >= model.window
            best = None if level is None else Decimal(level[0])
            model.levels = {
                price: size
                for price, size in model.levels.items()
                if best is not None and not model.better(price, best)
            }
            model.set_all([] if level is None else [level])
            if model.window is not None:
                model.keep(model.window)

    @rule(levels=st.integers(1, 8))
    def prune(self, levels: int) -> None:
        before = sum(len(model.levels) for model in self.model.values())
        dropped = self.book.prune(levels)
        for model in self.model.values():
            if len(model.levels) > levels:
                model.keep(levels)
                worst = model.ordered()[-1]
                if model.edge is None or model.better(worst, model.edge):
                    model.edge = worst
        assert dropped == before - sum(len(model.levels) for model in self.model.values())

    @rule(bps=st.sampled_from([1, 50, 500, 5_000]))
    def prune_beyond(self, bps: int) -> None:
        before = sum(len(model.levels) for model in self.model.values())
        dropped = self.book.prune_beyond(bps)
        for model in self.model.values():
            model.keep_within(bps, self.book.price_scale)
        assert dropped == before - sum(len(model.levels) for model in self.model.values())

    @rule(
        good=LEVELS,
        bad=st.sampled_from(MALFORMED),
        where=st.sampled_from(["price", "size"]),
        how=st.sampled_from(["snapshot", "delta", "touch"]),
    )
    def malformed(self, good: list[Text], bad: str, where: str, how: str) -> None:
        """One bad number in an otherwise good frame changes nothing, scales included."""
        scales = self.book.price_scale, self.book.size_scale
        level = (bad, "1") if where == "price" else ("1", bad)
        apply: dict[str, Callable[[], None]] = {
            "snapshot": lambda: self.book.apply_snapshot(good, [*good, level]),
            "delta": lambda: self.book.apply_delta(good, [*good, level]),
            "touch": lambda: self.book.apply_touch(good[0] if good else None, level),
        }
        with pytest.raises(MalformedFrame):
            apply[how]()
        assert (self.book.price_scale, self.book.size_scale) == scales

    @precondition(lambda self: self.book.bids.by_text or self.book.asks.by_text)
    @rule()
    def clear(self) -> None:
        self.book.clear()
        for model in self.model.values():
            model.levels, model.edge = {}, None
            model.told, model.touched = None, False

    @invariant()
    def sound(self) -> None:
        self.book.check()

    @invariant()
    def same_levels(self) -> None:
        for side, model in self.model.items():
            expected = [(price, model.levels[price]) for price in model.ordered()]
            assert list(self.book.walk(side)) == expected
            assert self.book.top(side, 3) == expected[:3]
            best = self.book.side(side).best()
            assert best == (expected[0][0] if expected else None)
            assert best is None or self.book.size(best) == expected[0][1]

    @invariant()
    def same_knowledge(self) -> None:
        for side, model in self.model.items():
            assert self.book.known_limit(side) == model.known_limit()


TestBookAgainstDictionary = BookAgainstDictionary.TestCase
TestBookAgainstDictionary.settings = settings(stateful_step_count=25)


@given(LEVELS, LEVELS)
def test_a_snapshot_is_the_same_as_its_levels_one_by_one(
    bids: list[Text], asks: list[Text]
) -> None:
    """Only the sum of what was said counts, not the frames it came in."""
    at_once, one_by_one = OrderBook(), OrderBook()
    at_once.apply_snapshot(bids, asks)
    for bid in bids:
        one_by_one.apply_delta([bid], [])
    for ask in asks:
        one_by_one.apply_delta([], [ask])
    for side in Side:
        assert list(at_once.walk(side)) == list(one_by_one.walk(side))
