"""The book is exact, sorted, and agrees with a plain dictionary whatever happens to it."""

from collections.abc import Callable, Sequence
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from tidegauge.core.book import KEEP_SIZES, OrderBook, Side
from tidegauge.core.errors import BookInvariantError, MalformedFrame

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

    def known_limit(self) -> Decimal | None:
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

    @precondition(lambda self: self.book.sizes)
    @rule()
    def clear(self) -> None:
        self.book.clear()
        for model in self.model.values():
            model.levels, model.edge = {}, None

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


def book(bids: Sequence[Text] = (), asks: Sequence[Text] = (), **limits: int) -> OrderBook:
    """Return a book after one snapshot."""
    made = OrderBook()
    made.apply_snapshot(bids, asks, **limits)
    return made


def test_a_new_book_is_empty_and_not_crossed() -> None:
    """No touch is None, never zero."""
    empty = OrderBook()
    assert empty.best_bid is None
    assert empty.best_ask is None
    assert empty.bids.worst() is None
    assert not empty.crossed
    empty.check()


@pytest.mark.parametrize(
    ("bid", "ask", "crossed"), [("9", "10", False), ("10", "10.0", True), ("11", "10", True)]
)
def test_a_locked_book_counts_as_crossed(bid: str, ask: str, crossed: bool) -> None:
    """Neither may be quoted (signals.md section 1)."""
    assert book([(bid, "1")], [(ask, "1")]).crossed is crossed


def test_one_price_in_two_spellings_is_one_level() -> None:
    """A removal written 1.50 removes what was written 1.5."""
    made = book([("1.5", "3")])
    made.apply_delta([("15e-1", "4")], [])
    assert made.top(Side.BID, 5) == [(Decimal("1.5"), Decimal(4))]
    made.apply_delta([("1.50", "0")], [])
    assert len(made.bids) == 0


def test_the_last_word_of_a_frame_on_a_price_counts() -> None:
    """A frame may name a price twice, in two spellings."""
    made = book([("1", "1")])
    made.apply_delta([("1", "2"), ("1.0", "0"), ("1.00", "5")], [])
    assert made.top(Side.BID, 2) == [(Decimal(1), Decimal(5))]


def test_a_finer_price_refines_the_book_and_loses_nothing() -> None:
    """A venue may change its tick; levels of the coarser scale stay what they were."""
    made = OrderBook(price_scale=0, size_scale=0)
    made.apply_snapshot([("10", "7")], [])
    made.apply_delta([("10.0625", "0.125")], [])
    assert (made.price_scale, made.size_scale) == (4, 3)
    assert made.top(Side.BID, 2) == [
        (Decimal("10.0625"), Decimal("0.125")),
        (Decimal(10), Decimal(7)),
    ]
    assert [level.ticks for level in made.bids] == [100625, 100000]
    made.check()


def test_contracts_are_kept_as_base_units_exactly() -> None:
    """More digits than a default Decimal context holds: none is rounded away."""
    size, value = "123456789012345678.12345678", Decimal("0.0000000001")
    made = OrderBook(contract_value=value)
    made.apply_snapshot([("1", size)], [])
    (level,) = made.bids
    assert made.size(level) == Decimal("12345678.901234567812345678")
    whole = OrderBook()
    whole.apply_snapshot([("1", "999999999999999999.999999999999999999")], [])
    (level,) = whole.bids
    assert str(whole.size(level)) == "999999999999999999.999999999999999999"


def test_more_decimals_than_any_market_has_are_refused() -> None:
    """And the scale stays: one mad frame must not make every later sum slower."""
    made = book([("1", "1")])
    with pytest.raises(MalformedFrame, match="18 decimals"):
        made.apply_delta([("1", "0." + "0" * 18 + "1")], [])
    with pytest.raises(MalformedFrame, match="price of zero"):
        made.apply_delta([], [("0.0", "1")])
    assert (made.price_scale, made.size_scale) == (2, 8)


class TestKnownRange:
    """How far from the touch the book can be believed."""

    def test_a_snapshot_shorter_than_asked_for_is_the_whole_side(self) -> None:
        """The venue had no more to give."""
        made = book([("9", "1"), ("8", "1")], [("10", "1")], limit=2)
        assert made.known_limit(Side.BID) == 8
        assert made.known_limit(Side.ASK) is None

    def test_levels_beyond_a_snapshot_do_not_widen_what_is_known(self) -> None:
        """They arrive only as they change."""
        made = book([("9", "1"), ("8", "1")], limit=2)
        made.apply_delta([("5", "1")], [])
        assert made.known_limit(Side.BID) == 8

    @pytest.mark.parametrize("side", Side)
    def test_pruning_narrows_and_never_widens(self, side: Side) -> None:
        """What is kept may reach beyond the snapshot; knowledge does not."""
        ladder = [(str(price), "1") for price in (11, 12, 13, 14, 15)]
        if side is Side.BID:
            ladder = [(str(price), "1") for price in (9, 8, 7, 6, 5)]
        near, far = ladder[:2], ladder[2:]
        sides = (near, []) if side is Side.BID else ([], near)
        made = book(*sides, limit=2)
        made.apply_delta(*((far, []) if side is Side.BID else ([], far)))
        assert made.prune(4) == 1
        assert made.known_limit(side) == Decimal(near[1][0])
        assert made.prune(1) == 1 + 2
        assert made.known_limit(side) == Decimal(near[0][0])
        assert made.prune(1) == 0

    def test_pruning_a_wholly_known_book_leaves_an_edge(self) -> None:
        """What was dropped is no longer known."""
        made = book([("9", "1"), ("8", "1")])
        assert made.known_limit(Side.BID) is None
        made.prune(1)
        assert made.known_limit(Side.BID) == 9
        assert made.known_limit(Side.ASK) is None

    def test_a_window_moves_with_the_book(self) -> None:
        """The venue keeps its best levels: the worst one held is the edge, until it is not full."""
        made = book([("9", "1"), ("8", "1")], window=2)
        assert made.known_limit(Side.BID) == 8
        made.apply_delta([("10", "1")], [])
        assert made.known_limit(Side.BID) == 9
        assert len(made.bids) == 2
        made.apply_delta([("9", "0")], [])
        assert made.known_limit(Side.BID) is None

    def test_a_touch_that_falls_through_a_full_window_reveals_nothing_beyond_it(self) -> None:
        """Fewer levels than the window, yet not the whole side: the venue sent only its best."""
        made = book([("9", "1"), ("8", "1"), ("7", "1")], window=3)
        made.apply_touch(("8", "2"), None)
        assert made.top(Side.BID, 5) == [(Decimal(8), Decimal(2)), (Decimal(7), Decimal(1))]
        assert made.known_limit(Side.BID) == 7
        made.apply_snapshot([("8", "1")], [], window=3)
        assert made.known_limit(Side.BID) is None


def test_a_touch_drops_what_would_be_better() -> None:
    """The touch is newer than the rest; None empties the side."""
    made = book([("9", "1"), ("8", "1")], [("10", "1"), ("11", "1")])
    made.apply_touch(("8.5", "2"), ("11", "5"))
    assert made.top(Side.BID, 5) == [(Decimal("8.5"), Decimal(2)), (Decimal(8), Decimal(1))]
    assert made.top(Side.ASK, 5) == [(Decimal(11), Decimal(5))]
    made.apply_touch(None, ("11", "5"))
    assert made.best_bid is None


def test_spellings_of_prices_that_left_are_forgotten() -> None:
    """A book that runs for months does not remember every price it ever had."""
    made = book([("1", "1")])
    for price in range(2, 20_000):
        made.apply_delta([(str(price), "1")], [])
        made.apply_delta([(str(price), "0")], [])
    assert len(made.bids.by_text) < 5_000
    assert made.top(Side.BID, 2) == [(Decimal(1), Decimal(1))]
    made.check()


def test_size_texts_are_forgotten_when_there_are_too_many() -> None:
    """The cache of sizes is bounded too."""
    made = book()
    for start in range(0, KEEP_SIZES + 3_000, 1_000):
        made.apply_delta([("1", str(start + each + 1)) for each in range(1_000)], [])
    assert len(made.sizes) <= KEEP_SIZES + 1_000
    made.check()


@pytest.mark.parametrize("damage", ["empty", "ticks", "twin", "order", "missing", "window"])
def test_the_audit_finds_every_kind_of_damage(damage: str) -> None:
    """`check()` is what stands between a bug and a wrong number."""
    made = book([("9", "1"), ("8", "1")], window=2)
    worst = made.bids.worst()
    assert worst is not None
    match damage:
        case "empty":
            worst.lots = 0
        case "ticks":
            worst.ticks += 1
        case "twin":
            del made.bids.by_price[worst]
        case "order":
            made.price_scale = 3
        case "missing":
            del made.bids.levels[worst]
        case "window":
            made.bids.window = 1
    with pytest.raises(BookInvariantError):
        made.check()


@given(LEVELS, LEVELS)
def test_a_snapshot_is_the_same_as_its_levels_one_by_one(
    bids: list[Text], asks: list[Text]
) -> None:
    """Only the sum of what was said counts, not the frames it came in."""
    at_once = book(bids, asks)
    one_by_one = book()
    for bid in bids:
        one_by_one.apply_delta([bid], [])
    for ask in asks:
        one_by_one.apply_delta([], [ask])
    for side in Side:
        assert list(at_once.walk(side)) == list(one_by_one.walk(side))
