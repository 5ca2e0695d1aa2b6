"""One incident in words."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tidegauge.core.alert import Action
from tidegauge.faces.desk.show import (
    TO_DO,
    arrived,
    cost,
    event_rows,
    facts_of,
    head_of,
    how_bad,
    to_do,
    where,
    who,
)

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def an_incident(**changes: Any) -> dict[str, Any]:
    """Return the row of an incident as it was opened, looked at an hour later."""
    return {
        "id": "INC-1",
        "symbol": "BTCUSDT",
        "family": "liquidity",
        "state": "open",
        "severity": "high",
        "worst_severity": "high",
        "trigger": "depth is gone",
        "impact_quote": None,
        "action": "pause_asset",
        "opened_at": NOON,
        "acknowledged_at": None,
        "acknowledged_by": None,
        "acknowledged_until": None,
        "mitigated_at": None,
        "resolved_at": None,
        "resolved_by": None,
        "version": 1,
        "firing": ["a"],
        "reopened": 0,
        "now": NOON + timedelta(hours=1),
    } | changes


HELD = {"state": "acknowledged", "acknowledged_by": "mira", "acknowledged_at": NOON}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "NOBODY"),
        (HELD, "mira, since 2026-01-01 12:00:00"),
        (
            HELD | {"acknowledged_until": NOON + timedelta(minutes=90)},
            "mira, since 2026-01-01 12:00:00, until 2026-01-01 13:30:00 (for 30m 00s more)",
        ),
        (
            HELD | {"acknowledged_until": NOON + timedelta(minutes=30)},
            "NOBODY: mira had it until 2026-01-01 12:30:00",
        ),
        (HELD | {"state": "resolved"}, "nobody has to: it is over (mira had it)"),
        ({"state": "resolved"}, "nobody has to: it is over"),
    ],
)
def test_who_has_it_is_never_a_guess(changes: dict[str, Any], said: str) -> None:
    """Nobody is written large: that is what somebody has to act on."""
    assert who(an_incident(**changes)) == said


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({}, "high, the worst so far"),
        ({"worst_severity": "critical"}, "high now, critical at worst"),
        ({"firing": []}, "nothing fires now; high at worst"),
        ({"state": "resolved"}, "it was high at worst"),
    ],
)
def test_how_bad_it_is_now_and_was_at_worst(changes: dict[str, Any], said: str) -> None:
    """Both, as long as they differ."""
    assert how_bad(an_incident(**changes)) == said


def test_what_is_unknown_is_not_free() -> None:
    """Exact to the cent, and never 0 for want of a number."""
    assert cost(None) == "unknown"
    assert cost(Decimal("1250.507")).startswith("1,250.51 more than usual")


@pytest.mark.parametrize("action", Action)
def test_every_action_says_what_to_do(action: Action) -> None:
    """The word of the rules, and what it means."""
    assert to_do(action.value) == f"{action.value}: {TO_DO[action]}"
    assert to_do("dance\x1b") == "dance\\x1b"


def test_what_came_of_it_is_among_the_facts() -> None:
    """How long it took, by whom it ended, how often it came back."""
    over = an_incident(
        state="resolved", resolved_at=NOON + timedelta(minutes=6), resolved_by="tom", reopened=2
    )
    facts = dict(facts_of(over))
    assert facts["over since"] == "2026-01-01 12:06:00, by tom, after 6m 00s"
    assert facts["came back"] == "2 times"
    calmer = dict(facts_of(an_incident(mitigated_at=NOON, reopened=1)))
    assert calmer["mitigated"] == "nothing fires since 2026-01-01 12:00:00"
    assert calmer["came back"] == "once"
    assert head_of(an_incident(symbol="*", family="feed")) == "INC-1: feed of every symbol, OPEN"


def test_the_order_behind_an_event_is_not_told_to_people() -> None:
    """Its id says nothing to them; all else does."""
    event = {
        "at": NOON,
        "kind": "acknowledgement_expired",
        "actor": "tidegauge",
        "comment": "",
        "detail": '{"order": "x", "alert": "a-1", "severity": "high"}',
    }
    assert event_rows([event, event | {"comment": "x", "detail": None}]) == [
        ("2026-01-01 12:00:00", "acknowledgement expired", "tidegauge", "alert a-1, severity high"),
        ("2026-01-01 12:00:00", "acknowledgement expired", "tidegauge", "x"),
    ]


@pytest.mark.parametrize(
    ("arrival", "attempts", "said", "told"),
    [
        ("sent", 1, "", "arrived"),
        ("sent", 3, "", "arrived after 3 attempts"),
        ("retrying", 4, "503", "NOT YET, after 4 attempts: 503"),
        ("failed", 1, "401", "FAILED, after 1 attempt: 401"),
    ],
)
def test_whether_it_arrived_is_plain(arrival: str, attempts: int, said: str, told: str) -> None:
    """What did not is written large."""
    assert arrived({"arrival": arrival, "attempts": attempts, "said": said}) == told


def test_a_pair_is_two_venues_and_a_side_is_told() -> None:
    """As people say it."""
    row = {"venue": "binance~okx", "symbol": "BTCUSDT", "side": ""}
    assert where(row) == "BTCUSDT binance against okx"
    assert where(row | {"venue": "*", "side": "sell"}) == "BTCUSDT (sell)"
