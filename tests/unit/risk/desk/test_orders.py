"""An order is carried out once, or refused in plain words."""

from dataclasses import replace
from typing import Any

import pytest
from tests.support.desk import START, Watched, key_of

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Matcher, Order, OrderKind, Outcome, PageKind, Silence
from tidegauge.core.incident import IncidentChange, IncidentState
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.desk.orders import MOST_SILENCES, REMEMBERED
from tidegauge.risk.ruleset import HOUR, MINUTE

HOSTILE = "\x1b[31m<b>'; DROP TABLE incidents;--\u202e\x00\nsecond line"
SILENCE = Silence(
    id="whatever",
    matcher=Matcher(symbols=("BTC*",)),
    starts_at=START,
    ends_at=START + HOUR,
    author="anna",
    comment=HOSTILE,
)


def opened() -> Watched:
    watched = Watched()
    watched.fire()
    return watched


def order(watched: Watched, kind: OrderKind, **fields: Any) -> Outcome:
    """Order something of the only incident, as Anna if nobody is named."""
    named = {"incident_id": watched.incident().id} if watched.reader.incidents else {}
    return watched.order(
        Order(**{"id": "", "kind": kind, "at": 0, "actor": "anna", **named, **fields})
    )


def test_whoever_acknowledges_has_it() -> None:
    """For an hour, and the answer says so."""
    watched = opened()
    outcome = order(watched, OrderKind.ACKNOWLEDGE, comment=HOSTILE)
    assert outcome.done
    assert outcome.version == watched.incident().version == 2
    assert outcome.said == (f"anna has {watched.incident().id} until 2025-11-24 17:00:00 UTC.")
    assert watched.incident().acknowledged_by == "anna"
    assert watched.incident().acknowledged_until == watched.now + HOUR
    assert watched.all_events()[-1].comment == HOSTILE
    assert order(watched, OrderKind.ACKNOWLEDGE, actor="ben").done
    assert watched.incident().acknowledged_by == "ben"


def test_an_order_decided_on_an_older_version_is_refused_naming_what_changed() -> None:
    """And by whom; nothing is changed by it."""
    watched = opened()
    order(watched, OrderKind.ACKNOWLEDGE, actor="ben", version=1)
    watched.fire(severity=Severity.CRITICAL)
    outcome = order(watched, OrderKind.ACKNOWLEDGE, version=1)
    assert not outcome.done
    assert outcome.said == (
        f"{watched.incident().id} is at version 3, not 1. Since then: acknowledged by ben at"
        " 2025-11-24 16:00:00 UTC; escalated by tidegauge at 2025-11-24 16:00:00 UTC."
        f" Look again: `tidegauge incidents show {watched.incident().id}`"
    )
    assert watched.incident().acknowledged_by == "ben"
    assert order(watched, OrderKind.RESOLVE, version=3).done


def test_a_refusal_stays_short_however_much_changed() -> None:
    """The last five, and how many before."""
    watched = opened()
    for number in range(50):
        order(watched, OrderKind.COMMENT, comment=f"{number}", actor=f"actor-{number}")
    said = order(watched, OrderKind.RESOLVE, version=1).said
    assert "45 earlier changes; commented by actor-45" in said
    assert "version 51, not 99. Look again" in order(watched, OrderKind.RESOLVE, version=99).said


def test_a_resolution_wins_over_a_late_acknowledgement() -> None:
    """Nothing is reopened by it."""
    watched = opened()
    watched.clear()
    assert order(watched, OrderKind.RESOLVE, actor="ben", comment="over").done
    for kind in (OrderKind.ACKNOWLEDGE, OrderKind.RESOLVE, OrderKind.REBASE):
        outcome = order(watched, kind)
        assert not outcome.done
    assert (
        "already resolved by ben at 2025-11-24 16:00:00 UTC"
        in order(watched, OrderKind.ACKNOWLEDGE).said
    )
    assert watched.incident().version == 3
    assert watched.incident().state is IncidentState.RESOLVED


def test_what_is_over_can_be_commented_on() -> None:
    """That is how a postmortem begins."""
    watched = opened()
    order(watched, OrderKind.RESOLVE)
    assert order(watched, OrderKind.COMMENT, comment=HOSTILE).done
    event = watched.all_events()[-1]
    assert (event.kind, event.comment) == (IncidentChange.COMMENTED, HOSTILE)


@pytest.mark.parametrize(
    ("kind", "fields", "said"),
    [
        (OrderKind.ACKNOWLEDGE, {"incident_id": "INC-nobody"}, "No incident INC-nobody"),
        (OrderKind.ACKNOWLEDGE, {"incident_id": None}, "name the incident"),
        (OrderKind.ACKNOWLEDGE, {"until": START}, "is over already"),
        (OrderKind.COMMENT, {"comment": " \n"}, "is empty"),
        (OrderKind.SILENCE, {}, "names no silence"),
        (OrderKind.SILENCE, {"silence": replace(SILENCE, matcher=Matcher())}, "everything"),
        (OrderKind.SILENCE, {"silence": replace(SILENCE, ends_at=START)}, "never is"),
        (
            OrderKind.SILENCE,
            {"silence": replace(SILENCE, starts_at=START + 2 * HOUR)},
            "never is",
        ),
        (OrderKind.EXPIRE_SILENCE, {"silence_id": "none"}, "no silence none"),
        (OrderKind.EXPOSE, {"asset": "BTC", "amount": "1"}, "Nobody here can expose"),
        (OrderKind.REBASE, {}, "Nobody here can rebase"),
    ],
)
def test_what_cannot_be_done_is_refused_and_changes_nothing(
    kind: OrderKind, fields: dict[str, Any], said: str
) -> None:
    """In words that say what to do."""
    watched = opened()
    before = watched.desk.view(watched.now)
    outcome = order(watched, kind, **fields)
    assert not outcome.done
    assert said in outcome.said
    assert watched.desk.view(watched.now) == before
    assert watched.reader.outcomes == [outcome]


def test_an_order_that_comes_twice_is_carried_out_once() -> None:
    """Also after a restart; it gets the same answer."""
    watched = opened()
    first = order(watched, OrderKind.COMMENT, id="row-7", comment="seen")
    watched.pass_time(MINUTE)
    assert order(watched, OrderKind.COMMENT, id="row-7", comment="seen") == first
    watched.restart()
    assert order(watched, OrderKind.COMMENT, id="row-7", comment="seen") == first
    assert watched.incident().version == 2
    assert len(watched.reader.outcomes) == 3


def test_an_order_of_which_only_the_log_knows_is_not_carried_out_again() -> None:
    """The daemon died after the log had it, before anybody was answered."""
    watched = opened()
    kept = watched.kept()
    order(watched, OrderKind.COMMENT, id="row-7", comment="seen")
    watched.restart(state=kept, since=watched.all_events())
    outcome = order(watched, OrderKind.COMMENT, id="row-7", comment="seen")
    assert outcome.done
    assert outcome.version == watched.incident().version == 2


def test_the_memory_of_orders_is_bounded() -> None:
    """The oldest are forgotten."""
    watched = opened()
    for number in range(REMEMBERED + 3):
        order(watched, OrderKind.EXPIRE_SILENCE, id=str(number), silence_id="none")
    assert len(watched.desk.orders.outcomes) == REMEMBERED


def test_resolving_says_that_something_still_fires() -> None:
    """And what would bring it back."""
    watched = opened()
    said = order(watched, OrderKind.RESOLVE).said
    assert "1 of its alerts still fires" in said
    assert "ends and fires anew" in said
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.RESOLVED]


def test_a_silence_is_named_by_its_order() -> None:
    """Its comment stays as it was written."""
    watched = Watched()
    outcome = order(watched, OrderKind.SILENCE, id="row-1", silence=SILENCE)
    assert outcome.said == "Nobody is paged of symbol BTC* until 2025-11-24 17:00:00 UTC."
    assert watched.reader.silences == [replace(SILENCE, id="row-1")]
    assert watched.desk.view(watched.now).silences == (replace(SILENCE, id="row-1"),)
    assert order(watched, OrderKind.EXPIRE_SILENCE, silence_id="row-1", actor="ben").done
    assert watched.reader.silences[-1].ends_at == watched.now
    assert not order(watched, OrderKind.EXPIRE_SILENCE, silence_id="row-1").done


def test_there_may_be_so_many_silences_and_no_more() -> None:
    """Each alert is compared with all of them."""
    watched = Watched()
    for number in range(MOST_SILENCES):
        assert order(watched, OrderKind.SILENCE, id=str(number), silence=SILENCE).done
    assert "expire" in order(watched, OrderKind.SILENCE, silence=SILENCE).said
    watched.pass_time(2 * HOUR, MINUTE)
    later = replace(SILENCE, starts_at=watched.now, ends_at=watched.now + HOUR)
    assert order(watched, OrderKind.SILENCE, silence=later).done


def test_a_rebase_is_passed_on_and_stands_on_the_record() -> None:
    """The monitor ends the alerts; that it was by order of a person is an event."""
    watched: Watched

    def pass_on(one: Order, now: Nanos) -> Outcome:
        assert one.incident_id is not None
        for key in watched.desk.firing(one.incident_id):
            watched.clear(key)
        return Outcome(order_id=one.id, at=now, done=True, said="1 alert rebased.")

    watched = Watched(pass_on=pass_on)
    watched.fire()
    outcome = order(watched, OrderKind.REBASE, comment="the new normal", version=1)
    assert outcome.said == "1 alert rebased."
    assert outcome.version == watched.incident().version == 3
    assert watched.reader.changes[1:] == [IncidentChange.MITIGATED, IncidentChange.COMMENTED]
    event = watched.all_events()[-1]
    assert (event.actor, event.comment, event.detail["ordered"]) == (
        "anna",
        "the new normal",
        "rebase",
    )


def test_an_exposure_is_passed_on_and_its_refusal_handed_back() -> None:
    """The desk has no opinion on it."""

    def pass_on(one: Order, now: Nanos) -> Outcome:
        return Outcome(order_id=one.id, at=now, done=False, said=f"no asset {one.asset}")

    watched = Watched(pass_on=pass_on)
    watched.fire(key_of())
    refused = order(watched, OrderKind.EXPOSE, id="row-1", asset="X", amount="1")
    assert refused == Outcome(order_id="row-1", at=START, done=False, said="no asset X")
    assert not order(watched, OrderKind.REBASE, id="row-2").done
    assert watched.incident().version == 1


def test_an_acknowledgement_while_nothing_fires_counts_when_it_recurs() -> None:
    """It stays mitigated until then."""
    watched = opened()
    watched.clear()
    assert order(watched, OrderKind.ACKNOWLEDGE).done
    assert watched.incident().state is IncidentState.MITIGATED
    watched.pass_time(SECOND)
    watched.fire()
    assert watched.incident().state is IncidentState.ACKNOWLEDGED
