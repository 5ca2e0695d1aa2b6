"""A monitor that was stopped, or killed, goes on where it was: nothing is told twice, nothing lost."""

from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.several_venues import PLAN, RULES, SYMBOL, Market, book_of

from tidegauge.core.alert import AlertState, Signal
from tidegauge.core.desk import Matcher, OrderKind, PageKind
from tidegauge.core.incident import IncidentChange, IncidentState
from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import Route
from tidegauge.runtime.kept_state import FILE, ROUND, KeptState
from tidegauge.runtime.monitor import Monitor
from tidegauge.sinks.state_store import StateStore

TOLD = replace(
    PLAN,
    rules=replace(
        RULES,
        desk=replace(RULES.desk, routes=(Route(matcher=Matcher(), channels=("slack",)),)),
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StateStore]:
    store = StateStore(tmp_path / FILE)
    yield store
    store.close()


def kept_in(store: StateStore) -> KeptState:
    kept = KeptState((SYMBOL,))
    kept.open(store)
    return kept


def restarted(before: Market, store: StateStore, *, away: int = 5) -> Market:
    """Keep all, as at an orderly end, and begin anew some seconds later with the trail's incidents."""
    kept_in(store).keep_all(before.monitor, before.now)
    return begun_again(before, store, away=away)


def begun_again(before: Market, store: StateStore, *, away: int = 5) -> Market:
    kept = kept_in(store)
    now = before.now + away * SECOND
    newest = {each.incident.id: each.incident for each in before.transitions()}
    events = [each.event for each in before.transitions()]

    def go_on(monitor: Monitor) -> None:
        monitor.desk.restore(kept.desk(), newest.values(), now, events)
        monitor.crossing.resume()

    after = Market(*before.feeds, plan=TOLD, at=now, kept=kept, first=go_on)
    after.mids, after.sizes = dict(before.mids), dict(before.sizes)
    return after


def told(*markets: Market) -> list[tuple[str, PageKind]]:
    """What people were told; a page that comes again has the key it had, and is told once."""
    return list({page.key: (page.key, page.kind) for m in markets for page in m.pages()}.values())


def crunched() -> Market:
    market = Market("a", "b", plan=TOLD)
    market.live(80)
    market.sizes["a"] = 10.0
    market.live(10)
    assert market.firing(Signal.CRUNCH)
    return market


def test_a_restart_while_it_fires_tells_nobody_again_and_resolves_nothing(
    store: StateStore,
) -> None:
    """One alert, one incident, one page when it opened, one when it was over."""
    before = crunched()
    after = restarted(before, store)
    after.live(20)
    (alert,) = after.monitor.desk.view(after.now).alerts
    assert alert.id == before.firing(Signal.CRUNCH)[0].id
    assert alert.unobserved_since is None
    assert [kind for _, kind in told(before, after)] == [PageKind.OPENED]
    after.sizes["a"] = 100.0
    after.live(30 + 60)
    assert [kind for _, kind in told(before, after)] == [PageKind.OPENED, PageKind.RESOLVED]
    (incident,) = {each.incident.id for each in (*before.transitions(), *after.transitions())}
    assert incident.startswith("INC-")


def test_what_recovers_while_nobody_watches_ends_only_when_it_is_seen(store: StateStore) -> None:
    """Silence is no recovery."""
    before = crunched()
    after = restarted(before, store)
    after.sizes["a"] = 100.0
    for _ in range(60):  # no venue says a word
        after.now += SECOND
        after.monitor.advance(after.now)
    assert not [alert for alert in after.alerts(Signal.CRUNCH) if alert.ended_at]
    after.live(20)
    assert [alert for alert in after.alerts(Signal.CRUNCH) if alert.ended_at]


def test_windows_go_on_over_a_restart_so_that_nothing_warms_up_anew(store: StateStore) -> None:
    """Seconds after the start a crunch is found."""
    before = Market("a", "b", plan=TOLD)
    before.live(80)
    after = restarted(before, store)
    after.sizes["a"] = 10.0
    after.live(8)
    assert after.firing(Signal.CRUNCH)


def test_an_acknowledgement_and_a_silence_outlive_a_restart(store: StateStore) -> None:
    """Whoever had it has it."""
    before = crunched()
    incident = before.transitions()[-1].incident
    assert before.order(OrderKind.ACKNOWLEDGE, incident_id=incident.id).done
    after = restarted(before, store)
    after.live(3)
    (kept,) = after.monitor.desk.view(after.now).incidents
    assert (kept.state, kept.acknowledged_by) == (IncidentState.ACKNOWLEDGED, "ann")


def test_a_divergence_goes_on_once_its_venues_are_back(store: StateStore) -> None:
    """It is not ended because a venue of it came back a moment after another."""
    before = Market("a", "b", "c", plan=TOLD)
    before.live(80)
    before.mids["c"] = 101.0
    before.live(10)
    (alert,) = before.firing(Signal.DIVERGENCE)
    after = restarted(before, store)
    after.live(20)
    assert not [each for each in after.alerts(Signal.DIVERGENCE) if each.ended_at]
    assert [each.id for each in after.monitor.desk.view(after.now).alerts] == [alert.id]
    after.mids["c"] = 100.0
    after.live(30)
    assert {each.id for each in after.alerts(Signal.DIVERGENCE) if each.ended_at} == {alert.id}


def test_what_was_said_of_an_exposure_outlives_a_restart(store: StateStore) -> None:
    """For as long as it was said to count."""
    before = Market("a", plan=TOLD)
    before.live(3)
    assert before.order(OrderKind.EXPOSE, asset="AAA", amount="250000").done
    after = restarted(before, store)
    (exposure,) = after.monitor.crossing.view(after.now).exposures
    assert exposure.amount == Decimal(250_000)


def test_an_incident_whose_alert_was_not_kept_stays_open_until_somebody_ends_it(
    store: StateStore,
) -> None:
    """Killed, with the state of the book lost: what the trail says is open is open."""
    before = crunched()
    after = begun_again(before, store)
    after.live(200)
    (incident,) = after.monitor.desk.view(after.now).incidents
    assert incident.state is IncidentState.OPEN
    outcome = after.order(OrderKind.RESOLVE, incident_id=incident.id, comment="looked at it")
    assert outcome.done, outcome.said
    last = [each.event.kind for each in after.transitions()][-1]
    assert last is IncidentChange.RESOLVED


def test_what_changes_is_kept_soon_and_all_else_in_its_turn(store: StateStore) -> None:
    """A crash costs the samples since, and no alert."""
    market = Market("a", "b", plan=TOLD)
    kept = kept_in(store)
    market.live(ROUND + 1)
    for second in range(ROUND + 1):
        kept.keep(market.monitor, market.now + second)
    assert {each for each in ("a", "b") if kept.detector(book_of(each)) is not None} == {"a", "b"}
    market.live(20)
    market.sizes["b"] = 10.0
    market.live(8)
    (alert,) = market.firing(Signal.CRUNCH)
    kept.changed(alert)
    kept.keep(market.monitor, market.now)
    state = kept.detector(book_of("b"))
    assert state is not None
    assert state.alert is not None
    assert state.alert.state is AlertState.FIRING


def test_state_that_cannot_be_read_costs_a_warm_up_and_nothing_else(store: StateStore) -> None:
    """It is not gone on with, and the book is watched all the same."""
    store.put(f"book a {SYMBOL}", 1, b"\x00 not a state")
    kept = kept_in(store)
    market = Market("a", kept=kept)
    market.live(80)
    assert not kept.used
    market.sizes["a"] = 10.0
    market.live(8)
    assert market.firing(Signal.CRUNCH)
