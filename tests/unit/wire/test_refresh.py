"""A book told anew while it is live: never wrong, never lost, and knows further than before."""

from collections.abc import Iterator
from decimal import Decimal
from random import Random

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs
from tests.support.examples import one_in
from tests.support.plain_venue import instrument

from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.instrument import SECOND
from tidegauge.core.keeper import REFRESH_EVERY, BookKeeper
from tidegauge.core.side import Side
from tidegauge.core.trust import Trust
from tidegauge.wire.joiner import SnapshotJoiner
from tidegauge.wire.protocol import Fetch, Output, Purpose
from tidegauge.wire.sequencer import RangeSequencer

LIMIT = 30


class DriftingMarket:
    """The venue's true book: 200 levels a side around a mid that moves, and its diffs."""

    def __init__(self, seed: int) -> None:
        self.random = Random(seed)
        self.mid = 10_000
        self.update = 100
        self.sizes: dict[int, int] = {}
        self._quote()

    def _quote(self) -> dict[int, int]:
        """Requote around the mid; return the changes."""
        before = dict(self.sizes)
        for price in range(self.mid - 200, self.mid + 200):
            if price not in self.sizes or self.random.random() < 0.02:
                self.sizes[price] = self.random.randint(1, 99)
        # Whatever crossed the mid was traded away, and stands again on the other side.
        changed = {price: size for price, size in self.sizes.items() if before.get(price) != size}
        for price in list(self.sizes):
            if abs(price - self.mid) > 400:
                changed[price] = 0
                del self.sizes[price]
        return changed

    def move(self, by: int) -> tuple[int, BookDelta]:
        """Let the mid move; return the diff with its first update id."""
        first = self.update + 1
        gone = range(min(self.mid, self.mid + by), max(self.mid, self.mid + by))
        crossed = dict.fromkeys(gone, 0)
        self.mid += by
        for price in gone:
            self.sizes.pop(price, None)
        changes = {**crossed, **self._quote()}
        self.update += self.random.randint(1, 3)
        old_side = dict.fromkeys(crossed, 0)
        bids = {price: size for price, size in changes.items() if price < self.mid}
        asks = {price: size for price, size in changes.items() if price >= self.mid}
        # A price that changed sides is a delete on the one and an insert on the other.
        return first, BookDelta(
            instrument="AAA",
            bids=_wire({**old_side, **bids}.items()) if by <= 0 else _wire(bids.items()),
            asks=_wire({**old_side, **asks}.items()) if by > 0 else _wire(asks.items()),
            sequence=self.update,
        )

    def snapshot(self) -> BookSnapshot:
        return BookSnapshot(
            instrument="AAA",
            bids=_wire(list(self.side(Side.BID))[:LIMIT]),
            asks=_wire(list(self.side(Side.ASK))[:LIMIT]),
            sequence=self.update,
            limit=LIMIT,
        )

    def side(self, side: Side) -> Iterator[tuple[int, int]]:
        bid = side is Side.BID
        prices = [price for price in self.sizes if (price < self.mid) is bid]
        for price in sorted(prices, reverse=bid):
            yield price, self.sizes[price]


def _wire(levels: object) -> list[tuple[str, str]]:
    return [(str(price), str(size)) for price, size in levels]  # type: ignore[attr-defined]


def _request(name: str) -> Fetch:
    return Fetch(purpose=Purpose.SNAPSHOT, path="/depth", instrument=name)


def _agrees(keeper: BookKeeper, market: DriftingMarket) -> bool:
    """Whether the book equals the market as far as it claims to know it."""
    for side in Side:
        known = keeper.book.known_limit(side)
        true = [(Decimal(price), Decimal(size)) for price, size in market.side(side)]
        ours = list(keeper.book.walk(side))
        if known is not None:
            true = [
                pair
                for pair in true
                if (pair[0] >= known if side is Side.BID else pair[0] <= known)
            ]
            ours = [
                pair
                for pair in ours
                if (pair[0] >= known if side is Side.BID else pair[0] <= known)
            ]
        if true != ours:
            return False
    return True


@one_in(5)
@given(
    seed=st.integers(0, 10_000),
    moves=st.lists(st.integers(-6, 6), min_size=40, max_size=120),
    late=st.integers(0, 8),
)
def test_a_drifting_book_is_told_anew_without_ever_being_wrong_or_lost(
    seed: int, moves: list[int], late: int
) -> None:
    """Whatever the drift, and however late the answers: LIVE throughout, true as far as it knows."""
    market = DriftingMarket(seed)
    keeper = BookKeeper(instrument(), "AAAUSDT")
    joiner = SnapshotJoiner(["AAA"], sequencer=RangeSequencer, request=_request)
    due: list[tuple[int, Fetch]] = []

    def act(outputs: list[Output], step: int, now: int) -> None:
        for output in outputs:
            assert not isinstance(output, BookLost)
            if isinstance(output, BookSnapshot | BookDelta):
                keeper.apply(output, now)
            elif isinstance(output, Fetch):
                due.append((step + late, output))

    refreshes = 0
    for step, by in enumerate([0, *moves]):
        now = step * REFRESH_EVERY // 4
        first, diff = market.move(by)
        act(joiner.follow(first, diff, now), step, now)
        if due and due[0][0] <= step:
            _, fetch = due.pop(0)
            act(joiner.answered(fetch, market.snapshot(), now), step, now)
        if keeper.wants_refresh(now):
            refreshes += 1
            act(joiner.refresh("AAA", now), step, now)
        if keeper.trust is Trust.LIVE:
            assert _agrees(keeper, market)
    assert keeper.trust is Trust.LIVE or len(moves) < late + 2
    drift = max((abs(sum(moves[:end])) for end in range(len(moves))), default=0)
    assert refreshes or drift < LIMIT + 12 * late


def test_a_book_that_still_reaches_far_enough_is_left_alone() -> None:
    """A snapshot is dear; so is nothing asked for while the price stands still."""
    keeper = BookKeeper(instrument(), "AAAUSDT")
    market = DriftingMarket(1)
    keeper.apply(market.snapshot(), 0)
    assert not keeper.wants_refresh(600 * SECOND)


def test_a_book_that_wants_to_be_told_anew_says_so_once_in_a_while() -> None:
    """An unanswered wish is not repeated at every tick."""
    keeper = BookKeeper(instrument(), "AAAUSDT")
    market = DriftingMarket(1)
    keeper.apply(market.snapshot(), 0)
    keeper.apply(market.move(15)[1], 0)
    wishes = [keeper.wants_refresh(second * SECOND) for second in range(120)]
    assert wishes.count(True) == 3


def test_a_book_that_is_wholly_known_or_kept_to_a_window_never_wants_it() -> None:
    """The venue tells such a book in full, or moves the window itself."""
    whole, window = (BookKeeper(instrument(), "AAAUSDT") for _ in range(2))
    market = DriftingMarket(1)
    whole.apply(structs.replace(market.snapshot(), limit=None), 0)
    window.apply(structs.replace(market.snapshot(), limit=None, window=LIMIT), 0)
    for keeper in (whole, window):
        keeper.apply(market.move(0)[1], 0)
        assert not keeper.wants_refresh(600 * SECOND)
