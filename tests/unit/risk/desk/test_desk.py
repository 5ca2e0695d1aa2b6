"""The desk as a whole: what goes in, what comes out, what it shows."""

from dataclasses import replace

import msgspec
from tests.support.crunch_watch import warm
from tests.support.desk import TOLD, Watched, key_of

from tidegauge.core.alert import ALL, Severity, Signal
from tidegauge.core.desk import Matcher, Order, OrderKind, PageKind, Silence
from tidegauge.core.incident import IncidentState, Transition
from tidegauge.core.instrument import SECOND
from tidegauge.risk.desk.desk import Desk, DeskRecord
from tidegauge.risk.desk.state import DeskState
from tidegauge.risk.ruleset import HOUR, MINUTE, DeskRules
from tidegauge.risk.settings import CrunchSettings


def test_a_market_that_flaps_each_six_seconds_for_an_hour_is_one_incident() -> None:
    """A-01, by a real detector with its defaults: three pages, one of them that nobody took it."""
    market = warm(CrunchSettings(), seconds=400)
    watched = Watched()
    for second in range(3_600 + 1_500):
        depth = 8e5 if second < 3_600 and second % 6 < 3 else 3e6
        market.see(bid=depth, ask=depth)
        watched.now = market.at
        while market.changes:
            watched.desk.alert(market.changes.pop(0)[1], watched.now)
        watched.desk.tick(watched.now)
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.REMINDED, PageKind.RESOLVED]


def test_what_is_emitted_comes_in_order() -> None:
    """A transition before the page about it, so that no page speaks of what is on no record."""
    records: list[DeskRecord] = []
    desk = Desk(TOLD, records.append)
    watched = Watched()
    desk.alert(watched.fire(), watched.now)
    assert [type(record).__name__ for record in records] == ["Transition", "Page"]
    first = records[0]
    assert isinstance(first, Transition)
    assert first.incident.version == first.event.number == 1


def test_the_same_alerts_give_the_same_records() -> None:
    """A replay is a proof: nothing is random, and nothing asks the clock."""
    runs = []
    for _ in range(2):
        watched = Watched()
        for number in range(30):
            watched.fire(key_of(symbol=f"S{number % 7}"), Severity(1 + number % 3))
            watched.pass_time(SECOND)
        runs.append((watched.all_events(), watched.reader.pages, watched.reader.mutes))
    assert runs[0] == runs[1]


def test_a_desk_shows_what_is_open_what_fires_and_what_is_kept_back() -> None:
    """A frozen view, for the faces."""
    watched = Watched(replace(TOLD, burst=1))
    watched.fire()
    watched.fire(key_of(symbol="ETHUSDT"))
    watched.fire(key_of(Signal.VENUE_DOWN, ALL, "okx"), Severity.WARNING)
    watched.order(
        Order(
            id="row-1",
            kind=OrderKind.SILENCE,
            at=0,
            actor="anna",
            silence=Silence(
                id="",
                matcher=Matcher(symbols=("X*",)),
                starts_at=watched.now,
                ends_at=watched.now + HOUR,
                author="anna",
                comment="",
            ),
        )
    )
    view = watched.desk.view(watched.now)
    assert [incident.symbol for incident in view.incidents] == ["BTCUSDT", "ETHUSDT"]
    assert [alert.key.signal for alert in view.alerts] == [
        Signal.CRUNCH,
        Signal.CRUNCH,
        Signal.VENUE_DOWN,
    ]
    assert view.waiting == {"slack": 1}
    assert [silence.id for silence in view.silences] == ["row-1"]
    assert [mute.stage.value for mute in view.mutes] == ["rate", "nothing_open"]
    assert view.over == ()
    watched.clear()
    watched.pass_time(MINUTE)
    assert [each.symbol for each in watched.desk.view(watched.now).over] == ["BTCUSDT"]
    assert watched.desk.view(watched.now).waiting == {}


def test_what_fires_in_an_incident_can_be_asked_for() -> None:
    """A rebase needs it."""
    watched = Watched()
    watched.fire()
    watched.fire(key_of(venue="bybit"), Severity.INFO)
    assert watched.desk.firing(watched.incident().id) == (key_of(), key_of(venue="bybit"))
    assert watched.desk.firing("INC-nobody") == ()


def test_a_reload_keeps_what_is_open_taken_and_silenced() -> None:
    """Only what comes goes by the new rules; timers of what is open do at once."""
    watched = Watched()
    watched.fire()
    order = Order(
        id="", kind=OrderKind.ACKNOWLEDGE, at=0, actor="anna", incident_id=watched.incident().id
    )
    watched.order(order)
    watched.clear()
    before = watched.desk.view(watched.now)
    watched.desk.adopt(replace(TOLD, settle_for=10 * SECOND), watched.now)
    assert watched.desk.view(watched.now) == before
    watched.pass_time(10 * SECOND)
    assert watched.incident().state is IncidentState.RESOLVED


def test_a_desk_without_routes_works_all_the_same() -> None:
    """Nobody is told, incidents live and die."""
    watched = Watched(DeskRules())
    watched.fire()
    watched.pass_time(HOUR, 10 * SECOND)
    watched.clear()
    watched.pass_time(MINUTE)
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.reader.pages == []


def test_what_is_kept_is_read_back_by_a_version_that_knows_more_or_less() -> None:
    """Unknown fields are left out, missing ones have their default."""
    watched = Watched()
    watched.fire()
    kept = msgspec.json.decode(watched.kept())
    kept["something_new"] = 1
    del kept["mutes"], kept["counts"]
    state = msgspec.json.decode(msgspec.json.encode(kept), type=DeskState)
    assert state.cases == watched.desk.snapshot().cases
    assert state.mutes == ()
