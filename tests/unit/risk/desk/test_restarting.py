"""A restart in any state: nobody is told twice, nothing resolves by it, nothing is forgotten."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.support.desk import TOLD, Watched, ended, firing, key_of

from tidegauge.core.alert import ALL, Severity, Signal
from tidegauge.core.desk import Matcher, Muted, Order, OrderKind, PageKind, Silence
from tidegauge.core.incident import IncidentChange, IncidentState
from tidegauge.core.instrument import SECOND
from tidegauge.risk.ruleset import HOUR, MINUTE

DOWN = key_of(Signal.VENUE_DOWN, ALL, "binance")
BYBIT = key_of(venue="bybit")


def ordered(watched: Watched, kind: OrderKind) -> None:
    silence = Silence(
        id="",
        matcher=Matcher(symbols=("*",)),
        starts_at=watched.now,
        ends_at=watched.now + 20 * MINUTE,
        author="anna",
        comment="",
    )
    incident = next(iter(watched.reader.incidents), None)
    order = Order(id="", kind=kind, at=0, actor="anna", incident_id=incident, silence=silence)
    assert watched.order(order).done


def fires(watched: Watched) -> None:
    watched.fire()


def waits(watched: Watched) -> None:
    watched.fire(severity=Severity.WARNING)


def inhibited(watched: Watched) -> None:
    watched.fire(DOWN)
    watched.fire()


def silenced(watched: Watched) -> None:
    ordered(watched, OrderKind.SILENCE)
    watched.fire()


def acknowledged(watched: Watched) -> None:
    watched.fire()
    ordered(watched, OrderKind.ACKNOWLEDGE)


def mitigated(watched: Watched) -> None:
    watched.fire()
    watched.clear()


def recurred(watched: Watched) -> None:
    for _ in range(4):
        watched.fire()
        watched.clear()


def resolved(watched: Watched) -> None:
    mitigated(watched)
    watched.pass_time(2 * MINUTE)


def dismissed(watched: Watched) -> None:
    watched.fire()
    ordered(watched, OrderKind.RESOLVE)


def resolved_in_silence(watched: Watched) -> None:
    watched.fire()
    ordered(watched, OrderKind.SILENCE)
    watched.clear()
    watched.pass_time(2 * MINUTE)


def digest_waiting(watched: Watched) -> None:
    for number in range(20):
        watched.fire(key_of(symbol=f"S{number}"))


def goes_on(watched: Watched) -> None:
    """What happens later, the same with and without a restart."""
    watched.pass_time(5 * MINUTE)
    watched.fire(BYBIT, Severity.CRITICAL)
    watched.pass_time(40 * MINUTE)
    for key in tuple(watched.alerts):
        watched.clear(key)
    watched.pass_time(HOUR, 10 * SECOND)


@pytest.mark.parametrize(
    "state",
    [
        fires,
        waits,
        inhibited,
        silenced,
        acknowledged,
        mitigated,
        recurred,
        resolved,
        dismissed,
        resolved_in_silence,
        digest_waiting,
    ],
)
def test_after_a_restart_it_goes_on_as_if_there_had_been_none(
    state: Callable[[Watched], None],
) -> None:
    """A-05: the same events and the same pages, in every state."""
    through, restarted = Watched(), Watched()
    for watched in (through, restarted):
        state(watched)
    restarted.restart()
    for alert in restarted.alerts.values():
        restarted.desk.alert(alert, restarted.now)
    for watched in (through, restarted):
        goes_on(watched)
    assert restarted.all_events() == through.all_events()
    assert restarted.reader.pages == through.reader.pages
    assert restarted.reader.mutes == through.reader.mutes
    assert not restarted.reader.repeated


def test_an_alert_that_nobody_knows_any_more_keeps_its_incident_open_and_says_so() -> None:
    """The detectors lost their state. It is over when a person says so, not by itself."""
    watched = Watched()
    alert = watched.fire()
    watched.restart()
    watched.alerts.clear()
    assert watched.desk.view(watched.now).unheard == {watched.incident().id: (alert.id,)}
    watched.pass_time(3 * HOUR, 10 * SECOND)
    assert watched.incident().state is IncidentState.OPEN
    (event,) = [each for each in watched.all_events() if each.kind is IncidentChange.UPDATED]
    assert event.detail["unheard"] == alert.id
    assert "stays open until" in event.detail["says"]
    said = "Nothing was heard of liquidity_crunch:binance:BTCUSDT since a restart"
    assert said in watched.reader.pages[-1].text
    ordered(watched, OrderKind.RESOLVE)
    assert watched.incident().state is IncidentState.RESOLVED


@pytest.mark.parametrize("lost", [True, False])
def test_an_alert_that_nobody_knows_is_known_again_when_its_key_fires(lost: bool) -> None:
    """Whether the desk has kept its own state or not: the new alert takes its place."""
    watched = Watched()
    old = watched.fire()
    watched.restart(lost=lost)
    watched.alerts.clear()
    watched.now += SECOND
    new = watched.fire()
    assert watched.incident().firing == (new.id,) != (old.id,)
    assert watched.desk.view(watched.now).unheard == {}
    watched.clear()
    assert watched.incident().state is IncidentState.MITIGATED


def test_of_two_that_are_lost_each_waits_for_its_own() -> None:
    """One venue being well says nothing of the other."""
    watched = Watched()
    watched.fire()
    lost = watched.fire(BYBIT)
    watched.restart(lost=True, since=watched.all_events())
    watched.alerts.clear()
    watched.now += SECOND
    watched.fire()
    assert watched.incident().firing[0] == lost.id
    watched.clear()
    assert watched.incident().state is IncidentState.OPEN
    watched.desk.alert(ended(lost, watched.now), watched.now)
    assert watched.incident().state is IncidentState.MITIGATED


def test_what_happened_after_the_state_was_kept_is_told_again_by_the_same_keys() -> None:
    """A crash between the log and the pages: the outbox drops what it has."""
    watched = Watched()
    kept = watched.kept()
    watched.fire()
    watched.fire(severity=Severity.CRITICAL)
    told = list(watched.reader.told)
    watched.reader.pages.clear()
    watched.restart(state=kept, since=watched.all_events())
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.ESCALATED]
    assert list(watched.reader.told) == told
    assert watched.desk.incidents.by_id[watched.incident().id].opened_by == key_of()


def test_without_any_state_what_is_open_is_told_by_the_key_it_had() -> None:
    """And whoever has one hears how it ends."""
    watched = Watched()
    watched.fire()
    watched.restart(lost=True)
    assert [page.key for page in watched.reader.pages] == [f"{watched.incident().id}/1/opened"] * 2
    ordered(watched, OrderKind.ACKNOWLEDGE)
    watched.restart(lost=True)
    assert len(watched.reader.pages) == 2
    for alert in watched.alerts.values():
        watched.desk.alert(alert, watched.now)
    watched.clear()
    watched.pass_time(10 * MINUTE)
    assert watched.reader.kinds[2:] == [PageKind.RESOLVED]


def test_without_any_state_nobody_is_told_of_what_is_over_for_long() -> None:
    """However much the log has of it; of what was over lately, by the keys it had."""
    watched = Watched()
    resolved(watched)
    watched.restart(lost=True, since=watched.all_events())
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.RESOLVED] * 2
    assert len(watched.reader.told) == 2
    watched.now += HOUR
    watched.restart(lost=True, since=watched.all_events())
    assert len(watched.reader.pages) == 4


def test_what_was_over_since_the_state_was_kept_is_told_however_long_ago_that_is() -> None:
    """The daemon died before the page left, and nobody started it for hours."""
    watched = Watched()
    watched.fire()
    kept = watched.kept()
    watched.clear()
    watched.pass_time(MINUTE)
    told = list(watched.reader.told)
    watched.reader.pages.clear()
    watched.now += 5 * HOUR
    watched.restart(state=kept, since=watched.all_events())
    assert watched.reader.kinds == [PageKind.RESOLVED]
    assert list(watched.reader.told) == told


def test_what_ended_after_the_state_was_kept_does_not_fire_again() -> None:
    """The log is newer, and right."""
    watched = Watched()
    watched.fire()
    kept = watched.kept()
    watched.clear()
    watched.restart(state=kept, since=watched.all_events())
    assert watched.desk.view(watched.now).alerts == ()
    watched.pass_time(MINUTE)
    assert watched.incident().state is IncidentState.RESOLVED


def test_what_got_worse_after_a_person_dismissed_it_and_is_inhibited_is_not_forgotten() -> None:
    """Its incident came back without it; it still fires."""
    watched = Watched()
    dismissed(watched)
    watched.fire(DOWN)
    crunch = watched.fire(severity=Severity.CRITICAL)
    watched.fire(BYBIT)
    watched.restart()
    assert crunch in watched.desk.view(watched.now).alerts
    for alert in tuple(watched.alerts.values()):
        watched.desk.alert(alert, watched.now)
    watched.clear(DOWN)
    liquidity = next(iter(watched.reader.incidents.values()))
    assert crunch.id in liquidity.firing


def test_what_a_person_dismissed_is_still_known_when_the_log_is_newer() -> None:
    """Its incident came back by another alert, and was commented on since the state was kept."""
    watched = Watched()
    dismissed(watched)
    watched.fire(BYBIT)
    kept = watched.kept()
    incident = watched.incident().id
    comment = Order(
        id="", kind=OrderKind.COMMENT, at=0, actor="ben", comment="x", incident_id=incident
    )
    assert watched.order(comment).done
    watched.restart(state=kept, since=watched.all_events())
    assert {alert.key for alert in watched.desk.view(watched.now).alerts} == {key_of(), BYBIT}
    watched.fire()
    assert len(watched.incident().firing) == 1
    watched.fire(severity=Severity.CRITICAL)
    assert len(watched.incident().firing) == 2


def test_how_often_it_came_back_is_known_from_the_log() -> None:
    """It takes as long to settle as it would have."""
    watched = Watched()
    watched.fire()
    kept = watched.kept()
    for _ in range(2):
        watched.clear()
        watched.now += SECOND
        watched.fire()
    watched.restart(state=kept, since=watched.all_events())
    watched.clear()
    watched.pass_time(4 * MINUTE - SECOND)
    assert watched.incident().state is IncidentState.MITIGATED
    watched.pass_time(SECOND)
    assert watched.incident().state is IncidentState.RESOLVED


def test_a_source_of_which_nothing_is_heard_holds_nothing_back_for_long() -> None:
    """It ended while nobody ran: its targets must not be mute for ever."""
    watched = Watched()
    down = watched.fire(DOWN, Severity.WARNING)
    watched.restart()
    watched.fire()
    assert watched.reader.muted == [Muted.NOTHING_OPEN, Muted.INHIBITED]
    watched.pass_time(MINUTE)
    assert watched.incident().symbol == "BTCUSDT"
    assert down not in watched.desk.view(watched.now).alerts


def test_an_incident_that_the_log_lost_is_opened_again_by_what_fires() -> None:
    """Never silent."""
    watched = Watched()
    watched.fire()
    kept = watched.kept()
    fresh = Watched()
    fresh.alerts = watched.alerts
    fresh.restart(state=kept)
    assert fresh.reader.kinds == [PageKind.OPENED]


def test_a_digest_made_again_is_the_same_notification() -> None:
    """Its key follows from what it tells."""
    watched = Watched()
    digest_waiting(watched)
    kept = watched.kept()
    watched.pass_time(MINUTE)
    watched.restart(state=kept)
    watched.pass_time(MINUTE)
    first, second = [page for page in watched.reader.pages if page.kind is PageKind.DIGEST]
    assert first.key == second.key
    assert len(first.of) == 15


def test_a_silence_that_ended_while_nobody_ran_is_over() -> None:
    """What it kept back is told at once."""
    watched = Watched()
    silenced(watched)
    kept = watched.kept()
    watched.now += HOUR
    watched.restart(state=kept)
    assert watched.reader.kinds == [PageKind.UNSILENCED]


def test_who_changed_what_is_known_after_a_restart() -> None:
    """For the refusal of an order that was decided on an older version."""
    watched = Watched()
    acknowledged(watched)
    watched.restart()
    order = Order(
        id="",
        kind=OrderKind.RESOLVE,
        at=0,
        actor="ben",
        incident_id=watched.incident().id,
        version=1,
    )
    assert "acknowledged by anna" in watched.order(order).said


def test_counts_go_on() -> None:
    """The heartbeat tells of the day, not of the process."""
    watched = Watched(replace(TOLD, burst=1))
    fires(watched)
    watched.restart()
    watched.restart()
    assert (watched.desk.counts.alerts, watched.desk.counts.pages) == (1, 1)
    watched.desk.alert(firing(BYBIT, watched.now), watched.now)
    assert watched.desk.counts.alerts == 2
