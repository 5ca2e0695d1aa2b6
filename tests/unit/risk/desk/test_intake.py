"""An alert finds its way into an incident, or the reason why not is said."""

from dataclasses import replace

from tests.support.desk import TOLD, Watched, ended, firing, key_of

from tidegauge.core.alert import ALL, AlertState, Severity, Signal
from tidegauge.core.desk import Muted, Order, OrderKind, PageKind
from tidegauge.core.incident import IncidentChange, IncidentState
from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import HOUR

DOWN = key_of(Signal.VENUE_DOWN, ALL, "binance")
CRUNCH = key_of()


def resolve(watched: Watched, comment: str = "") -> str:
    incident = list(watched.reader.incidents.values())[-1]
    order = Order(
        id="",
        kind=OrderKind.RESOLVE,
        at=0,
        actor="anna",
        comment=comment,
        incident_id=incident.id,
    )
    outcome = watched.order(order)
    assert outcome.done
    return outcome.said


def test_what_is_inhibited_opens_nothing_until_its_source_is_over() -> None:
    """Then it goes on: nothing that fires is forgotten."""
    watched = Watched()
    watched.fire(DOWN)
    for _ in range(3):
        watched.fire(CRUNCH)
        watched.pass_time(SECOND)
    assert [incident.symbol for incident in watched.reader.incidents.values()] == [ALL]
    assert watched.reader.muted == [Muted.INHIBITED]
    assert str(DOWN) in watched.reader.mutes[0].reason
    watched.clear(DOWN)
    assert [incident.symbol for incident in watched.reader.incidents.values()] == [ALL, "BTCUSDT"]
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.OPENED]


def test_what_is_inhibited_and_over_before_its_source_never_was() -> None:
    """No incident, no page."""
    watched = Watched()
    watched.fire(DOWN)
    watched.fire(CRUNCH)
    watched.clear(CRUNCH)
    watched.clear(DOWN)
    assert len(watched.reader.incidents) == 1


def test_what_is_in_an_incident_stays_in_it_when_a_source_fires_later() -> None:
    """It gets worse, and ends, as any other."""
    watched = Watched()
    watched.fire(CRUNCH)
    watched.fire(DOWN)
    watched.fire(CRUNCH, Severity.CRITICAL)
    watched.clear(CRUNCH)
    first = next(iter(watched.reader.incidents.values()))
    assert (first.state, first.worst_severity) == (IncidentState.MITIGATED, Severity.CRITICAL)


def test_a_mild_one_that_waits_is_inhibited_when_one_opens_later() -> None:
    """Joining is a way on as well."""
    watched = Watched()
    watched.fire(CRUNCH, Severity.WARNING)
    watched.fire(DOWN)
    watched.fire(key_of(venue="bybit"))
    crunch = watched.desk.incidents.open["BTCUSDT", "liquidity"].incident  # type: ignore[index]
    assert len(crunch.firing) == 1
    watched.clear(DOWN)
    crunch = watched.desk.incidents.open["BTCUSDT", "liquidity"].incident  # type: ignore[index]
    assert len(crunch.firing) == 2


def test_the_same_record_again_changes_nothing() -> None:
    """Neither at once nor later."""
    watched = Watched()
    alert = watched.fire()
    for _ in range(3):
        watched.pass_time(SECOND)
        watched.desk.alert(replace(alert, updated_at=watched.now), watched.now)
    assert watched.incident().version == 1
    assert watched.desk.counts.alerts == 1


def test_only_what_fires_or_is_over_counts() -> None:
    """A pending alert is none yet."""
    watched = Watched()
    alert = firing(CRUNCH, watched.now)
    for state in (AlertState.PENDING, AlertState.INACTIVE):
        watched.desk.alert(replace(alert, state=state), watched.now)
    watched.desk.alert(ended(alert, watched.now), watched.now)
    assert watched.reader.incidents == {}
    assert watched.desk.view(watched.now).alerts == ()


def test_a_new_alert_of_a_key_takes_the_place_of_one_whose_end_was_not_seen() -> None:
    """A detector that forgot begins anew: its old alert must not keep the incident open."""
    watched = Watched()
    old = watched.fire()
    new = firing(CRUNCH, watched.now + SECOND)
    watched.desk.alert(new, watched.now + SECOND)
    assert watched.incident().firing == (new.id,)
    assert watched.incident().alerts == (old.id, new.id)
    watched.desk.alert(ended(old, watched.now + SECOND), watched.now + SECOND)
    assert watched.incident().state is IncidentState.OPEN
    watched.desk.alert(ended(new, watched.now + SECOND), watched.now + SECOND)
    assert watched.incident().state is IncidentState.MITIGATED


def test_what_a_person_resolved_while_it_fires_stays_resolved() -> None:
    """It goes on firing, is lost and seen again: nothing reopens."""
    watched = Watched()
    watched.fire()
    watched.fire(key_of(venue="bybit"), Severity.WARNING)
    said = resolve(watched, "a known migration")
    assert "2 of its alerts still fire" in said
    (event,) = [each for each in watched.all_events() if each.kind is IncidentChange.RESOLVED]
    assert (event.actor, event.comment) == ("anna", "a known migration")
    assert set(event.detail["still_firing"].split()) == set(watched.incident().firing)
    watched.unsee(CRUNCH)
    watched.unsee(CRUNCH, seen=True)
    watched.pass_time(5 * SECOND)
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.RESOLVED]


def test_what_a_person_resolved_comes_back_when_it_gets_worse() -> None:
    """That is news."""
    watched = Watched()
    watched.fire()
    resolve(watched)
    watched.fire(severity=Severity.CRITICAL)
    assert (watched.incident().state, watched.incident().reopened) == (IncidentState.OPEN, 1)


def test_what_a_person_resolved_comes_back_when_it_ends_and_fires_anew() -> None:
    """That is another alert. After a while it is another incident, too."""
    watched = Watched()
    watched.fire()
    resolve(watched)
    watched.clear()
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.desk.incidents.dismissed == {}
    watched.pass_time(SECOND)
    watched.fire()
    assert watched.incident().state is IncidentState.OPEN
    resolve(watched)
    watched.pass_time(HOUR, 10 * SECOND)
    watched.clear()
    watched.fire()
    assert len(watched.reader.incidents) == 2


def test_what_was_dismissed_neither_joins_nor_holds_open_what_others_open() -> None:
    """A person said that it does not count."""
    watched = Watched()
    watched.fire()
    resolve(watched)
    bybit = watched.fire(key_of(venue="bybit"))
    assert watched.incident().firing == (bybit.id,)
    watched.clear(key_of(venue="bybit"))
    assert watched.incident().state is IncidentState.MITIGATED


def test_other_rules_let_on_what_they_no_longer_keep_back() -> None:
    """A reload: milder ones open, and nothing is inhibited any more. What is open stays."""
    watched = Watched()
    watched.fire(DOWN)
    watched.fire(CRUNCH)
    watched.fire(key_of(Signal.STRESS), Severity.WARNING)
    assert len(watched.reader.incidents) == 1
    milder = replace(TOLD, inhibitions=(), opens_from=Severity.WARNING)
    watched.desk.adopt(milder, watched.now)
    assert len(watched.reader.incidents) == 3
    before = watched.desk.view(watched.now).incidents
    watched.desk.adopt(TOLD, watched.now)
    assert watched.desk.view(watched.now).incidents == before
