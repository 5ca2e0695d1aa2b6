"""When an execution that is not safe is told of: held, risen, cleared, never from what is not known."""

from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.markets import START
from tests.support.stressed import book_of, even_book

from tidegauge.core.alert import ALL, Action, Alert, AlertKey, AlertState, Severity, Signal
from tidegauge.core.book import OrderBook
from tidegauge.core.instrument import SECOND
from tidegauge.core.reading import Taker
from tidegauge.risk.signal_settings import StressSettings
from tidegauge.risk.stress import SLIPPAGE, UNFILLABLE, Stress, StressState
from tidegauge.risk.stress_report import Safety

SETTINGS = StressSettings(execution_size=Decimal(100_000))
QUOTES = {"one": "USDT", "two": "USDT"}
SAFE = even_book()
EMPTY = book_of({"999": "1"}, {"1001": "1000"})
"""A sell fills one unit, and no more."""


def costing(share: str) -> OrderBook:
    """Return a book in which a sell of any of these sizes loses that share, and a buy next to none."""
    price = 1_000 * (1 - Decimal(share))
    return book_of({str(price): "1000000"}, {str(2_000 - price): "1000000"})


class Watch:
    """A stress that is sampled each second."""

    def __init__(self, settings: StressSettings = SETTINGS) -> None:
        self.stress = Stress("BTCUSDT", settings, QUOTES)
        self.now = START

    def see(self, *books: OrderBook, seconds: int = 1) -> list[Alert]:
        """See these books (of one, of two) for so long; return what changed."""
        changes: list[Alert] = []
        for _ in range(seconds):
            self.now += SECOND
            fresh = dict(zip(QUOTES, books, strict=False))
            changes += self.stress.sample(fresh, self.now, f"one/1/{self.now}")
        return changes

    @property
    def firing(self) -> tuple[Alert, ...]:
        return self.stress.status().alerts


def test_a_size_that_half_the_book_does_not_fill_is_told_after_the_hold() -> None:
    """With what it is, what fills, what is safe and what to do."""
    watch = Watch()
    assert not watch.see(EMPTY, seconds=5)
    (alert,) = watch.see(EMPTY)
    assert alert.key == AlertKey(signal=Signal.STRESS, symbol="BTCUSDT", venue=ALL, side=Taker.SELL)
    assert (alert.severity, alert.state) == (Severity.HIGH, AlertState.FIRING)
    assert (alert.cause, alert.value, alert.threshold) == (UNFILLABLE, None, 0.05)
    assert alert.action is Action.PAUSE_ASSET
    assert alert.sentence == (
        "Selling 100,000 USDT of BTCUSDT on one, with 50% of every level gone, cannot be done: "
        "0% of it would fill. Unsafe is from 5%. As it stands 1% of it fills. "
        "Safe is 499. Hold larger orders back until it clears."
    )


@pytest.mark.parametrize(
    ("share", "severity", "action"),
    [("0.03", Severity.WARNING, Action.REDUCE), ("0.06", Severity.HIGH, Action.PAUSE_ASSET)],
)
def test_what_it_loses_says_how_bad_it_is(share: str, severity: Severity, action: Action) -> None:
    """2 to 5 % is a warning, from 5 % on it is high."""
    watch = Watch()
    alerts = watch.see(costing(share), seconds=6)
    assert {alert.key.side for alert in alerts} == {"sell", "buy"}
    for alert in alerts:
        assert (alert.severity, alert.action, alert.cause) == (severity, action, SLIPPAGE)
        assert alert.value == float(share) or alert.key.side == "buy"


def test_a_safe_size_raises_nothing() -> None:
    """However long it is watched."""
    watch = Watch()
    assert not watch.see(SAFE, seconds=60)
    report = watch.stress.status().report
    assert report is not None
    assert report.sell.together is not None
    assert report.sell.together.judged.safety is Safety.SAFE


def test_what_one_venue_cannot_take_is_safe_where_others_can() -> None:
    """The alert is of the cheapest split; the venue's own figures say it all the same."""
    watch = Watch()
    assert not watch.see(EMPTY, SAFE, seconds=60)
    report = watch.stress.status().report
    assert report is not None
    one, two = report.sell.venues
    assert (one.side.judged.safety, two.side.judged.safety) == (Safety.UNSAFE, Safety.SAFE)
    assert report.sell.split is not None
    assert {portion.venue for portion in report.sell.split.portions} == {"one", "two"}


def test_a_split_that_is_told_names_the_venues_and_the_size_that_is_safe() -> None:
    """Enough to act by, without another look."""
    watch = Watch()
    sell, _buy = watch.see(costing("0.06"), costing("0.061"), seconds=6)
    assert sell.sentence == (
        "Selling 100,000 USDT of BTCUSDT split over 2 fresh venues, with 50% of every level gone, "
        "loses 6.00% (6,000). Unsafe is from 5%. Now it loses 6.00% (6,000). No size is safe. "
        "Cheapest now: one 100,000. Hold larger orders back until it clears."
    )


def test_it_rises_at_once_and_falls_only_by_clearing() -> None:
    """A severity that comes and goes would page each time."""
    watch = Watch()
    watch.see(costing("0.03"), seconds=6)
    risen = watch.see(costing("0.06"), seconds=6)
    assert {alert.severity for alert in risen} == {Severity.HIGH}
    assert not watch.see(costing("0.03"), seconds=60)
    assert {alert.severity for alert in watch.firing} == {Severity.HIGH}


def test_it_clears_well_under_the_limit_unbroken() -> None:
    """Just under it is neither a breach nor over."""
    watch = Watch()
    watch.see(EMPTY, seconds=6)
    assert not watch.see(costing("0.0151"), seconds=60), "above 0.75 of the limit"
    assert not watch.see(SAFE, seconds=30)
    (over,) = watch.see(SAFE)
    assert (over.state, over.ended_at) == (AlertState.RESOLVED, watch.now)
    assert over.sentence == (
        "Selling 100,000 of BTCUSDT is safe again after 1 min 36 s; "
        "it was high at its worst. Execute as usual."
    )
    assert not watch.firing


def test_a_size_beyond_what_is_known_of_the_books_raises_nothing() -> None:
    """Not known to fill is not known not to."""
    watch = Watch()
    assert not watch.see(even_book(levels=2, limit=2, size="1"), seconds=60)


@pytest.mark.parametrize("books", [(), (even_book(levels=2, limit=2, size="1"),)])
def test_without_a_book_that_says_anything_it_stays_and_is_marked(books: tuple[OrderBook]) -> None:
    """Neither silence nor a book that is known no further means that it is over."""
    watch = Watch()
    watch.see(EMPTY, seconds=6)
    (unseen,) = watch.see(*books, seconds=600)
    assert unseen.state is AlertState.FIRING
    assert unseen.unobserved_since == watch.now - 599 * SECOND
    (seen,) = watch.see(EMPTY)
    assert (seen.state, seen.unobserved_since) == (AlertState.FIRING, None)


def test_an_assumed_liquidity_raises_nothing_by_itself() -> None:
    """With a book elsewhere, and with none."""
    assumed = StressSettings(
        execution_size=Decimal(100_000), assumed_liquidity={"two": Decimal(1_000)}
    )
    for books in ((), (SAFE,)):
        watch = Watch(assumed)
        assert not watch.see(*books, seconds=60)
        report = watch.stress.status().report
        assert report is not None
        assert [(each.venue, each.safety) for each in report.assumed] == [("two", Safety.UNSAFE)]


def test_other_settings_are_judged_by_and_what_fires_goes_on() -> None:
    """The smaller size is safe, and clears by the new time."""
    watch = Watch()
    watch.see(EMPTY, seconds=6)
    watch.stress.adopt(StressSettings(execution_size=Decimal(1), clear_for=SECOND))
    (over,) = watch.see(EMPTY, seconds=2)
    assert over.state is AlertState.RESOLVED


def test_a_restart_neither_tells_again_nor_forgets() -> None:
    """It fires on under its name, and was not seen meanwhile."""
    watch = Watch()
    (told,) = watch.see(EMPTY, seconds=6)
    kept = msgspec.msgpack.encode(watch.stress.snapshot())
    again = Watch()
    again.now = watch.now + 60 * SECOND
    again.stress.restore(msgspec.msgpack.decode(kept, type=StressState), again.now)
    (seen,) = again.see(EMPTY)
    assert (seen.id, seen.started_at, seen.unobserved_since) == (told.id, told.started_at, None)
    assert not again.see(EMPTY, seconds=60)


def test_a_symbol_that_is_watched_no_more_ends_its_alerts_without_calling_them_over() -> None:
    """Nobody looks; that is all that is known."""
    watch = Watch()
    watch.see(EMPTY, seconds=6)
    (ended,) = watch.stress.leave(watch.now, "one/1/1")
    assert ended.state is AlertState.RESOLVED
    assert ended.sentence == (
        "BTCUSDT is no longer watched; nothing says that selling it is safe again."
    )
    assert not watch.stress.leave(watch.now, "one/1/1")


def test_a_venue_that_comes_later_is_compared_when_its_quote_is_known() -> None:
    """And one that leaves is not missed."""
    watch = Watch()
    fresh = {"late": SAFE}
    watch.stress.sample(fresh, watch.now, "late/1/1")
    report = watch.stress.status().report
    assert report is not None
    assert report.compared == ()
    watch.stress.know("late", "USDT")
    watch.stress.sample(fresh, watch.now, "late/1/1")
    report = watch.stress.status().report
    assert report is not None
    assert report.compared == ("late",)
    watch.stress.forget("two")
    assert [venue for venue, _ in report.left_out] == ["one", "two"]
    watch.stress.sample(fresh, watch.now, "late/1/1")
    report = watch.stress.status().report
    assert report is not None
    assert [venue for venue, _ in report.left_out] == ["one"]


def test_what_a_side_loses_is_told_in_quote_and_as_a_share() -> None:
    """None where it is not known, and all where it does not fill."""
    watch = Watch()
    assert watch.stress.status().share is None
    assert watch.stress.impact(Taker.SELL) is None
    watch.see(costing("0.06"))
    assert watch.stress.impact(Taker.SELL) == Decimal("6000.00")
    assert watch.stress.status().share == pytest.approx(0.06, rel=0.1)
    watch.see(EMPTY)
    assert watch.stress.impact(Taker.SELL) is None
    assert watch.stress.status().share == 1.0
    half_known = even_book()
    half_known.known_ask = Decimal(1_001)
    half_known.apply_delta([], [(str(1_001 + each), "0") for each in range(1, 50)])
    watch.see(half_known)
    assert watch.stress.status().share is None


@given(st.lists(st.sampled_from(["0.001", "0.03", "0.06", "none", "known"]), max_size=120))
def test_at_most_one_alert_a_side_is_open_whatever_is_seen(seen: list[str]) -> None:
    """And it never resolves at a sample that does not show a safe size."""
    watch = Watch(StressSettings(execution_size=Decimal(100_000), clear_for=3 * SECOND))
    known = even_book(levels=2, limit=2, size="1")
    open_: dict[str, Alert] = {}
    for each in seen:
        books = () if each == "none" else (known,) if each == "known" else (costing(each),)
        for alert in watch.see(*books):
            if alert.state is AlertState.RESOLVED:
                assert each == "0.001"
                del open_[alert.key.side]
            else:
                assert open_.get(alert.key.side, alert).id == alert.id
                open_[alert.key.side] = alert
        assert {alert.id for alert in watch.firing} == {alert.id for alert in open_.values()}
