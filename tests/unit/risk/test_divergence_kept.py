"""A divergence over reloads and restarts, and whatever happens in whatever order."""

from collections.abc import Sequence
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.quoting import FIVE, PERP, QUICK, SPOT, SYMBOL, Venues, opened, touch, warm

from tidegauge.core.alert import Alert, AlertState, Severity, Signal
from tidegauge.core.instrument import SECOND
from tidegauge.risk.divergence import Divergence, Touch
from tidegauge.risk.divergence_status import DivergenceState

TWO = {"binance": SPOT, "okx": SPOT}
THREE = {"binance": SPOT, "bybit": SPOT, "okx": SPOT}
MIXED = {"binance": SPOT, "binance-futures": PERP, "bybit": SPOT, "bybit-linear": PERP}

# -- settings, venues that come and go, restarts -------------------------------------------------


def test_other_settings_lose_neither_alert_nor_premium() -> None:
    """A reload while it fires, and while premiums are known."""
    venues = warm(MIXED)
    venues.run(10, bybit=40.0)
    before = venues.watch.status()
    venues.watch.adopt(replace(QUICK, monitor_bps=60.0, widen_bps=70.0, pause_bps=90.0))
    after = venues.watch.status()
    assert after.alerts == before.alerts
    assert [pair.premium_bps for pair in after.pairs] == [pair.premium_bps for pair in before.pairs]
    issued = venues.run(40)
    assert [alert.state for alert in issued] == [AlertState.RESOLVED], "40 bps is less than 45"


def test_a_venue_that_joins_is_compared_and_one_that_leaves_ends_its_alert() -> None:
    """Not as a recovery; the others go on."""
    venues = warm(TWO)
    venues.watch.join("kraken", SPOT)
    venues.run(10, kraken=40.0)
    assert venues.open.keys() == {"divergence kraken"}
    (ended,) = venues.note(venues.watch.leave("kraken", venues.at, "x"))
    assert ended.state is AlertState.RESOLVED
    assert "nothing says that they agree again" in ended.sentence
    del venues.bps["kraken"]
    assert venues.run(60) == []
    assert venues.watch.quoted("kraken", touch(500.0), venues.at, "x") == ()
    venues.watch.leave("okx", venues.at, "x")
    del venues.bps["okx"]
    assert venues.run(60, binance=None) == []


def restarted(venues: Venues, away: int = 0, *without: str) -> Venues:
    """Write it down, read it again, and go on."""
    kept = msgspec.msgpack.encode(venues.watch.snapshot())
    facts = {name: of for name, of in venues.facts.items() if name not in without}
    after = Venues(facts, venues.watch.settings)
    after.bps = {name: bps for name, bps in venues.bps.items() if name not in without}
    after.at = venues.at + away * SECOND
    after.issued = list(venues.issued)
    state = msgspec.msgpack.decode(kept, type=DivergenceState)
    after.note(after.watch.restore(state, after.at, "x"))
    return after


def test_a_restart_neither_tells_again_nor_resolves_nor_forgets_what_is_usual() -> None:
    """The same alert goes on, and so does a hold; premiums are known at once."""
    venues = Venues(MIXED, QUICK)
    venues.run(100, **{"binance-futures": 45.0, "bybit-linear": 45.0})
    venues.run(10, bybit=40.0)
    before = venues.watch.status()
    venues = restarted(venues, away=60)
    assert venues.run(30)[0].unobserved_since is None
    assert len({alert.id for alert in venues.issued}) == 1
    after = venues.watch.status()
    assert [pair.premium_bps for pair in after.pairs] == [pair.premium_bps for pair in before.pairs]
    assert all(
        pair.frozen for pair in after.pairs if not pair.alike and "bybit" in (pair.one, pair.other)
    )
    assert [alert.state for alert in venues.run(40, bybit=0.0)] == [AlertState.RESOLVED]


def test_a_restart_in_the_middle_of_a_hold_goes_on_with_it() -> None:
    """Three seconds before, two after."""
    venues = warm()
    venues.run(4, okx=40.0)
    venues = restarted(venues, away=100)
    assert venues.run(2) == []
    assert len(venues.run(1)) == 1


def test_what_is_not_watched_after_a_restart_ends_saying_so() -> None:
    """A venue that was taken out of the settings meanwhile."""
    venues = warm()
    venues.run(10, okx=40.0)
    venues = restarted(venues, 0, "okx")
    ended = venues.issued[-1]
    assert ended.state is AlertState.RESOLVED
    assert "no longer compared" in ended.sentence
    assert venues.run(60) == []


def test_of_one_whose_others_are_not_watched_after_a_restart_nothing_can_be_said() -> None:
    """All that it left are gone: it ends, though it is watched itself."""
    venues = warm(THREE)
    venues.run(10, okx=40.0)
    venues = restarted(venues, 0, "binance", "bybit")
    assert venues.issued[-1].state is AlertState.RESOLVED
    assert venues.open == {}


# -- whatever happens ----------------------------------------------------------------------------

moves = st.one_of(
    st.tuples(st.just("quote"), st.sampled_from(sorted(THREE)), st.sampled_from([0, 8, 20, 80])),
    st.tuples(st.just("lose"), st.sampled_from(sorted(THREE)), st.just(0)),
    st.tuples(st.just("sample"), st.just(""), st.integers(0, 40)),
)


def follow(run: Sequence[tuple[str, str, int]], restart_at: int | None = None) -> Venues:
    """Do all of it, quotes at 100 ms; a restart takes no time."""
    venues = Venues({**THREE, "perp": PERP}, QUICK)
    venues.run(25)
    for number, (what, venue, by) in enumerate(run):
        if number == restart_at:
            venues = restarted(venues)
        if what == "quote":
            venues.at += SECOND // 10
            venues.quote(venue, by)
        elif what == "lose":
            venues.lose(venue)
        else:
            for _ in range(by):
                venues.at += SECOND
                venues.note(venues.watch.sample(venues.at, venues.trace))
    return venues


@given(run=st.lists(moves, max_size=40))
def test_in_any_order_alerts_live_as_alerts_do(run: list[tuple[str, str, int]]) -> None:
    """One open a key, severities that only rise, nothing that resolves unseen, and the same again."""
    venues = follow(run)
    open_: dict[str, Alert] = {}
    for alert in venues.issued:
        key = str(alert.key)
        before = open_.get(key)
        if before is None:
            assert alert.state is AlertState.FIRING
        else:
            assert alert.id == before.id
            assert alert.severity >= before.severity
            assert alert.updated_at >= before.updated_at
        if alert.state is AlertState.RESOLVED:
            assert before is not None
            since = before.unobserved_since
            assert since is None, "it is seen again before it can be over"
            open_.pop(key)
        else:
            assert alert.started_at <= alert.updated_at
            open_[key] = alert
    assert {alert.id for alert in open_.values()} == {
        alert.id for alert in venues.watch.status().alerts
    }
    assert follow(run).issued == venues.issued


@given(run=st.lists(moves, max_size=30), restart_at=st.integers(0, 30))
def test_a_restart_anywhere_keeps_what_fires(
    run: list[tuple[str, str, int]], restart_at: int
) -> None:
    """No alert opens a second time for it, and none ends by it."""
    before = follow(run[:restart_at])
    after = restarted(before)
    assert after.issued == before.issued
    assert {alert.id for alert in after.watch.status().alerts} == {
        alert.id for alert in before.watch.status().alerts
    }


@given(
    quotes=st.sampled_from([60, 400]).flatmap(
        lambda most: st.lists(
            st.tuples(st.sampled_from(sorted(FIVE)), st.integers(-most, most)),
            min_size=1,
            max_size=60,
        )
    ),
    fee=st.sampled_from([None, 1.0, 3.0]),
)
def test_the_quick_look_misses_nothing(quotes: list[tuple[str, int]], fee: float | None) -> None:
    """With a hold of 0 the first quote that is 10 bps or more from another fires, or that leaves more
    than the fees; and none before it."""
    fees = {} if fee is None else dict.fromkeys(FIVE, fee)
    settings = replace(QUICK, hold=0, executable_hold=0, taker_bps=fees)
    watch = Divergence(SYMBOL, settings, FIVE)
    now: dict[str, Touch] = {}
    for number, (venue, tenths) in enumerate(quotes):
        now[venue] = touch(tenths / 20)
        issued = watch.quoted(venue, now[venue], number, f"{venue}/1/{number}")
        apart = max(
            20_000
            * abs(one.bid + one.ask - other.bid - other.ask)
            / (one.bid + one.ask + other.bid + other.ask)
            for one in now.values()
            for other in now.values()
        )
        left = max(
            40_000 * (one.bid - other.ask) / (one.bid + one.ask + other.bid + other.ask)
            for one in now.values()
            for other in now.values()
        )
        signals = {Signal.DIVERGENCE} if apart >= 10 else set()
        if fee is not None and left > 2 * fee:
            signals.add(Signal.EXECUTABLE)
        assert {alert.key.signal for alert in issued} == signals
        if signals:
            return


def test_each_that_leaves_later_is_told_at_its_quote_as_well() -> None:
    """With a hold of 0, while another alert fires already."""
    venues = warm(settings=replace(QUICK, hold=0))
    assert [alert.key.venue for alert in venues.quote("okx", 40.0)] == ["okx"]
    assert venues.quote("okx", 41.0) == []
    assert opened(venues.quote("kraken", -15.0)) == [(Signal.DIVERGENCE, "kraken", Severity.INFO)]
    assert opened(venues.quote("okx", 62.0)) == [(Signal.DIVERGENCE, "okx", Severity.HIGH)]


@pytest.mark.parametrize("premium", [45.0, -45.0])
def test_the_quick_look_knows_which_way_a_premium_goes(premium: float) -> None:
    """It fires at the quote that turns it over, of either venue, and at none that keeps it."""
    for mover, sign in (("binance-futures", -1), ("binance", 1)):
        venues = Venues({"binance": SPOT, "binance-futures": PERP}, replace(QUICK, hold=0))
        venues.run(60, **{"binance-futures": premium})
        other = 0.0 if mover == "binance-futures" else premium
        assert len(venues.quote(mover, other + sign * premium)) == 1
        assert len(venues.issued) == 1
