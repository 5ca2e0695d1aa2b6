"""The health of a venue and of a symbol: what is a fault, from when on, and what it says."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.alert import ALL, Alert, AlertState, Severity, Signal
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.risk.health import Health, HealthState, SymbolHealth, VenueHealth
from tidegauge.risk.signal_settings import HealthSettings

START: Nanos = 1_700_000_000 * SECOND
SETTINGS = HealthSettings()
LIVE, LOST = TrustReason.SYNCHRONISED, TrustReason.DISCONNECTED
BOOKS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


class Watched:
    """A venue, or a symbol, looked at once a second."""

    def __init__(self, health: VenueHealth | SymbolHealth, names: Sequence[str] = BOOKS) -> None:
        self.health = health
        self.names = names
        self.at = START
        self.issued: list[Alert] = []

    def live(self, *names: str) -> None:
        """These are LIVE; without any: all."""
        for name in names or self.names:
            self.health.seen(name, live=True, reason=LIVE, at=self.at)

    def lose(self, *names: str, reason: TrustReason = LOST, detail: str = "") -> None:
        """These are not; without any: all."""
        for name in names or self.names:
            self.health.seen(name, live=False, reason=reason, at=self.at, detail=detail)

    def run(self, seconds: int) -> list[Alert]:
        """Let time pass; return what is issued."""
        issued = []
        for _ in range(seconds):
            self.at += SECOND
            issued += self.health.tick(self.at, f"binance/1/{(self.at - START) // SECOND}")
        self.issued += issued
        return issued

    @property
    def open(self) -> dict[str, Alert]:
        """What fires, by its signal."""
        return {alert.key.signal: alert for alert in self.health.status().alerts}


def venue(names: Sequence[str] = BOOKS) -> Watched:
    """Return a venue all of whose books are LIVE."""
    watched = Watched(VenueHealth("binance", SETTINGS), names)
    watched.live()
    assert watched.run(60) == []
    return watched


def symbol() -> Watched:
    """Return a symbol that is LIVE on three venues."""
    watched = Watched(SymbolHealth("BTCUSDT", SETTINGS), ("binance", "bybit-linear", "okx"))
    watched.live()
    assert watched.run(60) == []
    return watched


def test_a_book_that_is_not_live_for_five_seconds_makes_its_venue_degraded() -> None:
    """A warning that names the book, its reason and since when; the venue as a whole is the key."""
    watched = venue()
    watched.lose("ETHUSDT", reason=TrustReason.GAP)
    assert watched.run(4) == []
    (alert,) = watched.run(1)
    assert (alert.key.signal, alert.key.symbol, alert.key.venue) == (
        Signal.VENUE_DEGRADED,
        ALL,
        "binance",
    )
    assert alert.severity is Severity.WARNING
    assert alert.started_at == alert.updated_at - 5 * SECOND
    assert "1 of 3 books of binance cannot be believed: ETHUSDT for 5 s (gap)." in alert.sentence
    status = watched.health.status()
    assert (status.health, status.live, status.total) == (Health.DEGRADED, 2, 3)
    assert status.reasons == {TrustReason.GAP: 1}
    assert watched.run(600) == [], "told once, however long it lasts"


def test_books_that_are_away_in_turn_for_a_moment_are_no_fault() -> None:
    """One is always being begun again; none for as long as 5 s."""
    watched = venue()
    for turn in range(30):
        name = BOOKS[turn % 3]
        watched.lose(name, reason=TrustReason.CHECKSUM)
        assert watched.run(3) == []
        watched.live(name)
    assert watched.health.status().health is Health.WELL


def test_another_reason_does_not_begin_it_anew() -> None:
    """Disconnected, connected, disconnected: it is not LIVE all that time."""
    watched = venue()
    for reason in (LOST, TrustReason.CONNECTED, LOST, TrustReason.CONNECTED, LOST):
        watched.lose("ETHUSDT", reason=reason)
        issued = watched.run(1)
    assert len(issued) == 1
    assert "(disconnected)" in issued[0].sentence


def test_a_venue_none_of_whose_books_is_live_for_a_quarter_minute_is_down() -> None:
    """High; with the reasons; and up again once one was LIVE for long enough."""
    watched = venue()
    watched.lose(detail="connection reset by peer")
    issued = watched.run(15)
    assert [(alert.key.signal, alert.severity) for alert in issued] == [
        (Signal.VENUE_DEGRADED, Severity.WARNING),
        (Signal.VENUE_DOWN, Severity.HIGH),
    ]
    assert (
        "binance is down: none of its 3 books has been live for 15 s (disconnected: connection "
        "reset by peer)." in issued[1].sentence
    )
    assert watched.health.status().health is Health.DOWN
    assert watched.run(300) == []
    watched.live("ETHUSDT")
    ended = watched.run(31)
    assert [alert.key.signal for alert in ended] == [Signal.VENUE_DOWN]
    assert ended[0].sentence == "binance is up again after 5 min 46 s. Resume as usual."
    assert watched.open.keys() == {Signal.VENUE_DEGRADED}
    watched.live()
    assert [alert.state for alert in watched.run(31)] == [AlertState.RESOLVED]


def test_as_long_as_one_book_is_live_a_venue_is_not_down() -> None:
    """It is that no book was LIVE at once that counts, not that each was away."""
    watched = venue()
    watched.lose("BTCUSDT", "ETHUSDT")
    watched.run(100)
    assert watched.open.keys() == {Signal.VENUE_DEGRADED}
    watched.lose("SOLUSDT")
    watched.run(14)
    assert watched.open.keys() == {Signal.VENUE_DEGRADED}
    watched.run(1)
    assert watched.open.keys() == {Signal.VENUE_DEGRADED, Signal.VENUE_DOWN}


def test_a_moment_away_begins_the_calm_anew() -> None:
    """Between two looks as well."""
    watched = venue()
    watched.lose("ETHUSDT")
    watched.run(10)
    watched.live("ETHUSDT")
    watched.run(25)
    watched.lose("BTCUSDT")
    watched.live("BTCUSDT")
    assert watched.run(31) == []
    assert [alert.state for alert in watched.run(1)] == [AlertState.RESOLVED]


def test_books_that_synchronise_at_the_start_are_no_fault_for_a_minute() -> None:
    """Snapshots come one after the other; what takes longer is told of."""
    watched = Watched(VenueHealth("binance", SETTINGS))
    watched.lose(reason=TrustReason.STARTING)
    assert watched.health.status().health is Health.STARTING
    assert watched.run(40) == []
    watched.live("BTCUSDT", "ETHUSDT")
    assert watched.run(19) == []
    (alert,) = watched.run(1)
    assert "SOLUSDT for 1 min 0 s (starting)" in alert.sentence


def test_a_book_to_which_nothing_happened_yet_counts_from_the_first_look() -> None:
    """Its time is 0, which is not 1970."""
    watched = Watched(VenueHealth("binance", SETTINGS))
    for name in BOOKS:
        watched.health.seen(name, live=False, reason=TrustReason.STARTING, at=0)
    assert watched.run(60) == []
    assert len(watched.run(1)) == 2


def test_a_venue_that_never_comes_is_down_after_a_minute() -> None:
    """Its catalogue is not to be had: `ALL` stands for its books until they are known."""
    watched = Watched(VenueHealth("binance", SETTINGS))
    watched.lose(ALL, reason=TrustReason.STARTING, detail="catalogue unavailable: timeout")
    assert watched.run(59) == []
    watched.run(1)
    assert watched.open.keys() == {Signal.VENUE_DEGRADED, Signal.VENUE_DOWN}
    assert "starting: catalogue unavailable: timeout" in watched.open["venue_down"].sentence
    watched.lose(reason=TrustReason.STARTING)
    assert watched.health.left(ALL, watched.at, "x") == []
    watched.live()
    watched.run(40)
    assert watched.open == {}
    assert watched.health.status().total == 3


def test_a_venue_that_refuses_us_from_the_start_is_named_as_that_and_pages_nobody() -> None:
    """A warning, once, however often it is asked again; it is never down."""
    watched = Watched(VenueHealth("binance", SETTINGS))
    for _ in range(5):
        watched.lose(reason=TrustReason.STARTING)
        watched.run(3)
        watched.lose(reason=TrustReason.REFUSED, detail="HTTP 451")
        watched.run(3_600)
    (alert,) = watched.issued
    assert (alert.key.signal, alert.severity) == (Signal.VENUE_DEGRADED, Severity.WARNING)
    assert alert.cause == "refused"
    assert alert.sentence.startswith("binance refuses us: HTTP 451. It is left alone and asked")
    assert "take it out of the venues" in alert.sentence
    assert watched.health.status().health is Health.REFUSED


def test_a_venue_that_served_us_and_then_refuses_is_down_and_says_why() -> None:
    """Not a matter of settings: something was lost. Once, and the same after a restart."""
    watched = venue()
    watched.lose(reason=TrustReason.REFUSED, detail="HTTP 403")
    watched.run(3_600)
    assert watched.open["venue_down"].cause == "refused"
    assert "binance refuses us: HTTP 403." in watched.open["venue_down"].sentence
    before = watched.open
    watched = again(watched)
    watched.lose(reason=TrustReason.REFUSED, detail="HTTP 403")
    watched.run(3_600)
    assert {signal: alert.id for signal, alert in watched.open.items()} == {
        signal: alert.id for signal, alert in before.items()
    }
    assert all(alert.state is AlertState.FIRING for alert in watched.issued)


def test_that_a_venue_is_down_because_it_refuses_is_told_when_it_turns_out() -> None:
    """First the connection, then the reason: one alert, told again with it."""
    watched = venue()
    watched.lose()
    watched.run(20)
    first = watched.open["venue_down"]
    watched.lose(reason=TrustReason.REFUSED, detail="HTTP 451")
    watched.run(1)
    told = watched.open["venue_down"]
    assert told.id == first.id
    assert told.causes == ("no_book_live", "refused")
    assert "refuses us: HTTP 451" in told.sentence


def test_a_venue_without_books_ends_what_fires_of_it() -> None:
    """Nobody wants it any more: that is no recovery."""
    watched = venue(("BTCUSDT", "ETHUSDT"))
    watched.lose()
    watched.run(20)
    assert watched.health.left("BTCUSDT", watched.at, "x") == []
    ended = watched.health.left("ETHUSDT", watched.at, "x")
    assert [alert.state for alert in ended] == [AlertState.RESOLVED] * 2
    assert "nothing says that it is well again" in ended[0].sentence
    assert watched.run(100) == []


def test_a_clock_that_is_set_back_does_not_hide_a_fault() -> None:
    """An hour back, and five seconds later it is told."""
    watched = venue()
    watched.at += 3_600 * SECOND
    watched.lose("ETHUSDT")
    watched.at -= 3_600 * SECOND
    assert len(watched.run(7)) == 1


def test_a_symbol_that_no_venue_shows_is_critical() -> None:
    """From a quarter of a minute on, naming each venue and its reason."""
    watched = symbol()
    watched.lose("binance")
    watched.lose("okx", reason=TrustReason.SILENT)
    assert watched.run(600) == []
    assert watched.health.status().health is Health.DEGRADED
    watched.lose("bybit-linear", reason=TrustReason.CROSSED)
    assert watched.run(14) == []
    (alert,) = watched.run(1)
    assert (alert.key.signal, alert.key.symbol, alert.key.venue) == (
        Signal.SYMBOL_DARK,
        "BTCUSDT",
        ALL,
    )
    assert alert.severity is Severity.CRITICAL
    assert "none of its 3 books has been live for 15 s" in alert.sentence
    assert "binance for 10 min 15 s (disconnected)" in alert.sentence
    assert "bybit-linear for 15 s (crossed)" in alert.sentence
    assert watched.health.status().health is Health.DARK
    watched.live("okx")
    (ended,) = watched.run(31)
    assert ended.sentence == "BTCUSDT is seen again after 46 s. Resume as usual."


def test_a_symbol_that_synchronises_at_the_start_is_not_dark_for_a_minute() -> None:
    """Its snapshot may have to wait for its turn."""
    watched = Watched(SymbolHealth("BTCUSDT", SETTINGS), ("binance",))
    watched.lose(reason=TrustReason.STARTING)
    assert watched.run(59) == []
    assert len(watched.run(1)) == 1


def test_other_settings_apply_at_once_and_lose_nothing() -> None:
    """A reload while it fires."""
    watched = venue()
    watched.lose("ETHUSDT")
    watched.health.adopt(replace(SETTINGS, degraded_after=2 * SECOND, clear_for=3 * SECOND))
    assert watched.run(1) == []
    assert len(watched.run(1)) == 1
    watched.live("ETHUSDT")
    assert [alert.state for alert in watched.run(4)] == [AlertState.RESOLVED]


def again(watched: Watched, away: int = 0) -> Watched:
    """Write it down, read it again, and go on with books that are not seen yet."""
    kept = msgspec.msgpack.encode(watched.health.snapshot())
    health = watched.health
    if isinstance(health, VenueHealth):
        after = Watched(VenueHealth(health.venue, health.settings), watched.names)
    else:
        after = Watched(SymbolHealth(health.symbol, health.settings), watched.names)
    after.at = watched.at + away * SECOND
    after.health.restore(msgspec.msgpack.decode(kept, type=HealthState), after.at)
    return after


@pytest.mark.parametrize("make", [venue, symbol])
def test_a_restart_neither_tells_again_nor_resolves(make: Callable[[], Watched]) -> None:
    """Before its books are known, and while they synchronise; it ends once they are LIVE."""
    watched = make()
    watched.lose()
    watched.run(20)
    before = watched.open
    assert before
    watched = again(watched, away=30)
    assert watched.run(20) == []
    watched.lose(reason=TrustReason.STARTING)
    issued = watched.run(200)
    assert {alert.id for alert in issued} <= {alert.id for alert in before.values()}
    assert watched.open.keys() == before.keys()
    watched.live()
    ended = watched.run(31)
    assert {alert.id for alert in ended} == {alert.id for alert in before.values()}
    assert watched.open == {}


events = st.lists(
    st.tuples(
        st.sampled_from(["live", "lose", "pass"]), st.sampled_from(BOOKS), st.integers(0, 20)
    ),
    max_size=60,
)


@given(events=events)
def test_in_any_order_a_venue_is_told_of_as_what_it_is(
    events: list[tuple[str, str, int]],
) -> None:
    """Whatever was LIVE and is not for its time is told of; nothing ends that is not over."""
    watched = venue()
    lost: dict[str, Nanos] = {}
    open_: dict[str, Alert] = {}
    for what, name, seconds in events:
        if what == "live":
            watched.live(name)
            lost.pop(name, None)
        elif what == "lose":
            watched.lose(name)
            lost.setdefault(name, watched.at)
        else:
            for alert in watched.run(seconds):
                before = open_.pop(alert.key.signal, None)
                if alert.state is AlertState.RESOLVED:
                    assert before is not None
                    assert before.id == alert.id
                    assert len(lost) < (1 if alert.key.signal == Signal.VENUE_DEGRADED else 3)
                else:
                    assert before is None
                    open_[alert.key.signal] = alert
            if seconds:
                away = [watched.at - since for since in lost.values()]
                assert Signal.VENUE_DEGRADED in open_ or max(away, default=0) < 5 * SECOND
                dark = len(away) == 3 and min(away) >= 15 * SECOND
                assert Signal.VENUE_DOWN in open_ or not dark
    assert watched.open == open_
