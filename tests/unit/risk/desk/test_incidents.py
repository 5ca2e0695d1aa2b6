"""The life of an incident at the desk: opened once, told of once, over when nothing fires."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.desk import TOLD, Watched, key_of

from tidegauge.core.alert import Action, Severity, Signal
from tidegauge.core.desk import Muted, Order, OrderKind, PageKind
from tidegauge.core.incident import DAEMON, IncidentChange, IncidentState
from tidegauge.core.instrument import SECOND
from tidegauge.risk.desk.case import MOST_ALERTS
from tidegauge.risk.desk.incidents import MOST_OVER
from tidegauge.risk.ruleset import HOUR, MINUTE

BYBIT = key_of(venue="bybit")


def acknowledge(watched: Watched, *, until: int | None = None) -> None:
    """Anna takes the only incident."""
    assert watched.order(
        Order(
            id="",
            kind=OrderKind.ACKNOWLEDGE,
            at=0,
            actor="anna",
            incident_id=watched.incident().id,
            until=until,
        )
    ).done


def test_an_alert_opens_is_mitigated_and_is_over_when_it_settled() -> None:
    """Two pages, and an event for each step, with who did it."""
    watched = Watched()
    alert = watched.fire(impact=Decimal("120.5"))
    opened = watched.incident()
    assert (opened.state, opened.severity, opened.version) == (
        IncidentState.OPEN,
        Severity.HIGH,
        1,
    )
    assert (opened.trigger, opened.impact_quote) == (alert.sentence, Decimal("120.5"))
    assert opened.firing == opened.alerts == (alert.id,)
    watched.pass_time(30 * SECOND)
    watched.clear()
    assert watched.incident().state is IncidentState.MITIGATED
    assert watched.incident().action is Action.MONITOR
    watched.pass_time(59 * SECOND)
    assert watched.incident().state is IncidentState.MITIGATED
    watched.pass_time(SECOND)
    over = watched.incident()
    assert (over.state, over.resolved_by, over.mitigated_by) == (
        IncidentState.RESOLVED,
        DAEMON,
        DAEMON,
    )
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.RESOLVED]


def test_others_of_the_same_symbol_and_family_join_without_a_page() -> None:
    """One crunch, one incident; it is over when the last of them is."""
    watched = Watched()
    watched.fire()
    watched.fire(BYBIT, Severity.WARNING)
    watched.fire(key_of(symbol="ETHUSDT"))
    watched.fire(key_of(Signal.STRESS))
    assert len(watched.reader.incidents) == 3
    watched.clear()
    first = next(iter(watched.reader.incidents.values()))
    assert (first.state, first.severity) == (IncidentState.OPEN, Severity.WARNING)
    watched.pass_time(HOUR)
    assert watched.reader.incidents[first.id].state is IncidentState.OPEN
    watched.clear(BYBIT)
    assert watched.reader.incidents[first.id].state is IncidentState.MITIGATED
    assert watched.reader.muted.count(Muted.GROUPED) == 1


def test_a_mild_alert_opens_nothing_and_joins_what_opens_later() -> None:
    """It says why, once."""
    watched = Watched()
    for _ in range(3):
        watched.fire(BYBIT, Severity.WARNING)
    assert watched.reader.incidents == {}
    assert watched.reader.muted == [Muted.NOTHING_OPEN]
    watched.fire()
    assert len(watched.incident().firing) == 2
    assert watched.reader.changes == [IncidentChange.OPENED, IncidentChange.JOINED]


def test_a_mild_alert_that_gets_worse_opens_one() -> None:
    """And one that is over by then has nothing to do with it."""
    watched = Watched()
    watched.fire(BYBIT, Severity.WARNING)
    watched.fire(severity=Severity.INFO)
    watched.clear(BYBIT)
    watched.fire(severity=Severity.HIGH)
    assert len(watched.incident().firing) == 1


def test_what_gets_worse_is_told_also_when_somebody_has_it() -> None:
    """Once for each severity that it never had."""
    watched = Watched()
    watched.fire()
    acknowledge(watched)
    watched.fire(severity=Severity.CRITICAL)
    watched.fire(BYBIT, Severity.CRITICAL)
    assert watched.incident().state is IncidentState.ACKNOWLEDGED
    assert watched.incident().worst_severity is Severity.CRITICAL
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.ESCALATED]


def test_an_alert_that_joins_as_the_worst_joins_and_escalates() -> None:
    """Two events, one page."""
    watched = Watched()
    watched.fire()
    watched.fire(BYBIT, Severity.CRITICAL)
    assert watched.reader.changes[1:] == [IncidentChange.JOINED, IncidentChange.ESCALATED]
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.ESCALATED]


def test_an_alert_that_is_not_seen_mitigates_nothing() -> None:
    """However long it lasts; that it was lost, and seen again, is on the record."""
    watched = Watched()
    watched.fire()
    watched.unsee(key_of())
    watched.pass_time(2 * HOUR, 10 * SECOND)
    assert watched.incident().state is IncidentState.OPEN
    watched.unsee(key_of(), seen=True)
    assert watched.reader.changes == [
        IncidentChange.OPENED,
        IncidentChange.UPDATED,
        IncidentChange.UPDATED,
    ]


def test_what_recurs_before_it_settled_goes_on_without_a_page() -> None:
    """With whoever has it; each time it takes twice as long to settle."""
    watched = Watched()
    watched.fire()
    acknowledge(watched)
    watched.clear()
    watched.pass_time(50 * SECOND)
    watched.fire()
    assert watched.incident().state is IncidentState.ACKNOWLEDGED
    watched.clear()
    watched.pass_time(119 * SECOND)
    assert watched.incident().state is IncidentState.MITIGATED
    watched.pass_time(SECOND)
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.RESOLVED]


def test_what_comes_back_soon_reopens_the_same_incident() -> None:
    """Unowned, with a page; later it is another one."""
    watched = Watched()
    watched.fire()
    acknowledge(watched)
    watched.clear()
    watched.pass_time(MINUTE)
    watched.pass_time(10 * MINUTE)
    watched.fire(severity=Severity.WARNING)
    assert watched.incident().state is IncidentState.RESOLVED
    watched.fire(severity=Severity.CRITICAL)
    again = watched.incident()
    assert (again.state, again.reopened, again.worst_severity) == (
        IncidentState.OPEN,
        1,
        Severity.CRITICAL,
    )
    assert (again.acknowledged_by, again.resolved_at, again.mitigated_at) == (None, None, None)
    watched.clear()
    watched.pass_time(2 * MINUTE - SECOND)
    assert watched.incident().state is IncidentState.MITIGATED
    watched.pass_time(SECOND)
    assert watched.incident().state is IncidentState.RESOLVED
    watched.pass_time(10 * MINUTE + SECOND)
    watched.fire()
    assert len(watched.reader.incidents) == 2
    assert watched.reader.kinds == [
        PageKind.OPENED,
        PageKind.RESOLVED,
        PageKind.REOPENED,
        PageKind.RESOLVED,
        PageKind.OPENED,
    ]


def test_flapping_is_told_once_and_no_more() -> None:
    """A-01: on and off each second for an hour is one incident and three pages."""
    watched = Watched()
    for _ in range(3_600):
        watched.fire()
        watched.pass_time(SECOND // 2)
        watched.clear()
        watched.pass_time(SECOND // 2)
    watched.pass_time(10 * MINUTE)
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.FLAPPING, PageKind.RESOLVED]
    assert "It came back 3 times" in watched.reader.pages[1].text
    assert len(watched.incident().alerts) == MOST_ALERTS


def test_an_acknowledgement_that_runs_out_is_told_and_nobody_has_it() -> None:
    """After an hour, or when whoever took it said."""
    watched = Watched()
    watched.fire()
    acknowledge(watched)
    watched.pass_time(HOUR - SECOND, 10 * SECOND)
    assert watched.incident().state is IncidentState.ACKNOWLEDGED
    watched.pass_time(SECOND)
    assert watched.incident().state is IncidentState.OPEN
    assert watched.incident().acknowledged_by is None
    acknowledge(watched, until=watched.now + 5 * SECOND)
    watched.pass_time(5 * SECOND)
    assert watched.reader.kinds[1:] == [PageKind.ACKNOWLEDGEMENT_EXPIRED] * 2


def test_an_acknowledgement_does_not_run_out_while_nothing_fires() -> None:
    """It does when it recurs."""
    watched = Watched(replace(TOLD, settle_for=5 * MINUTE))
    watched.fire()
    acknowledge(watched, until=watched.now + 10 * SECOND)
    watched.clear()
    watched.pass_time(MINUTE)
    assert watched.reader.kinds == [PageKind.OPENED]
    watched.fire()
    watched.pass_time(SECOND)
    assert watched.incident().state is IncidentState.OPEN
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.ACKNOWLEDGEMENT_EXPIRED]


@pytest.mark.parametrize("taken", [True, False])
def test_what_nobody_takes_is_told_once_more(taken: bool) -> None:
    """After a quarter of an hour in which it fired without a break."""
    watched = Watched()
    watched.fire()
    if taken:
        acknowledge(watched, until=watched.now + 2 * HOUR)
    watched.pass_time(HOUR, 10 * SECOND)
    reminded = [] if taken else [PageKind.REMINDED]
    assert watched.reader.kinds == [PageKind.OPENED, *reminded]


def test_what_came_back_and_nobody_takes_is_told_once_more_again() -> None:
    """It is open anew."""
    watched = Watched(replace(TOLD, told_of=()))
    watched.fire()
    watched.pass_time(HOUR, 10 * SECOND)
    watched.clear()
    watched.pass_time(2 * MINUTE)
    watched.fire()
    watched.pass_time(HOUR, 10 * SECOND)
    assert watched.reader.kinds == [PageKind.REMINDED, PageKind.REMINDED]


def test_the_recommended_action_is_that_of_the_rules() -> None:
    """Of the worst alert that fires."""
    rules = replace(TOLD, actions={Signal.CRUNCH: {"critical": Action.HEDGE}})
    watched = Watched(rules)
    watched.fire()
    assert watched.incident().action is Action.PAUSE_ASSET
    watched.fire(BYBIT, Severity.CRITICAL)
    assert watched.incident().action is Action.HEDGE
    watched.clear(BYBIT)
    assert watched.incident().action is Action.PAUSE_ASSET


def test_the_impact_is_the_worst_that_was_known() -> None:
    """Unknown is not nothing."""
    watched = Watched()
    watched.fire()
    assert watched.incident().impact_quote is None
    watched.fire(BYBIT, impact=Decimal(10))
    watched.fire(BYBIT, Severity.CRITICAL, impact=Decimal(5))
    assert watched.incident().impact_quote == Decimal(10)


def test_times_of_an_incident_do_not_go_back() -> None:
    """Whatever the clock does; `Reader` compares each event with the one before."""
    watched = Watched()
    watched.fire()
    watched.now -= HOUR
    watched.fire(BYBIT)
    acknowledge(watched)
    watched.clear()
    watched.clear(BYBIT)
    watched.now += 2 * HOUR
    watched.desk.tick(watched.now)
    assert watched.incident().state is IncidentState.RESOLVED


def test_of_those_that_are_over_a_thousand_are_known() -> None:
    """And the memory of a desk does not grow."""
    watched = Watched()
    for number in range(MOST_OVER + 5):
        key = key_of(symbol=f"S{number}")
        watched.fire(key)
        watched.clear(key)
        if number % 50 == 49:
            watched.pass_time(2 * MINUTE, MINUTE)
    watched.pass_time(2 * MINUTE, MINUTE)
    incidents = watched.desk.incidents
    assert len(incidents.over) == len(incidents.by_id) == len(incidents._last) == MOST_OVER
    assert not incidents.open
