"""A page answers what a shift asks first, in plain words, and is safe to show."""

from dataclasses import replace
from decimal import Decimal

from tests.support.desk import TOLD, Watched, ended, firing, key_of

from tidegauge.core.alert import ALL, Action, Severity, Signal
from tidegauge.core.desk import Order, OrderKind, PageKind
from tidegauge.core.instrument import SECOND
from tidegauge.risk.desk.wording import ADVICE, one_line
from tidegauge.risk.ruleset import HOUR, MINUTE

HOSTILE = "\x1b[31m<b>anna</b>\u202e\nsecond line"


def test_a_page_says_what_since_when_how_bad_what_it_costs_what_to_do_and_who() -> None:
    """And where to look."""
    watched = Watched()
    watched.fire(impact=Decimal("1234.5"))
    (page,) = watched.reader.pages
    incident = watched.incident().id
    assert page.title == "HIGH BTCUSDT liquidity on binance"
    assert page.text == (
        "Depth on binance BTCUSDT is gone.\n"
        "Since 2025-11-24 16:00:00 UTC (0 s), worst severity high.\n"
        "Impact: the configured size costs 1,234.50 more than usual (in quote, at worst).\n"
        "Do: pause_asset - pause quoting and large orders until it is over.\n"
        "Nobody has it.\n"
        f"tidegauge incidents show {incident}"
    )
    assert page.labels == {
        "alertname": "liquidity_crunch",
        "symbol": "BTCUSDT",
        "venue": "binance",
        "severity": "high",
        "family": "liquidity",
        "incident": incident,
    }
    assert (page.key, page.of, page.symbol) == (f"{incident}/1/opened", (incident,), "BTCUSDT")


def test_the_last_page_says_how_it_ended() -> None:
    """By whom, when, and how long it lasted."""
    watched = Watched()
    watched.fire()
    watched.fire(severity=Severity.CRITICAL)
    watched.pass_time(MINUTE)
    watched.clear()
    watched.pass_time(MINUTE)
    page = watched.reader.pages[-1]
    assert page.over
    assert page.title == "Over: CRITICAL BTCUSDT liquidity on binance"
    assert (
        "Resolved by tidegauge at 2025-11-24 16:02:00 UTC, 2 min 0 s after it opened"
        " (2025-11-24 16:00:00 UTC); worst severity critical." in page.text
    )
    assert "Do:" not in page.text
    assert {**page.labels, "severity": "high"} == watched.reader.pages[0].labels
    assert (page.starts_at, page.ends_at) == (
        watched.incident().opened_at,
        watched.incident().resolved_at,
    )


def test_a_page_says_what_still_fires_when_a_person_resolved_it() -> None:
    """Nobody is to think that the market is well."""
    watched = Watched()
    watched.fire()
    watched.order(
        Order(
            id="",
            kind=OrderKind.RESOLVE,
            at=0,
            actor="anna",
            incident_id=watched.incident().id,
        )
    )
    text = watched.reader.pages[-1].text
    assert "Resolved by anna" in text
    assert "1 of its alerts still fires: it is reopened only by one that gets worse" in text


def test_a_page_says_who_has_it() -> None:
    """And until when."""
    watched = Watched()
    watched.fire()
    watched.order(
        Order(
            id="",
            kind=OrderKind.ACKNOWLEDGE,
            at=0,
            actor=HOSTILE,
            incident_id=watched.incident().id,
        )
    )
    watched.fire(severity=Severity.CRITICAL)
    page = watched.reader.pages[-1]
    assert page.title == "Worse: CRITICAL BTCUSDT liquidity on binance"
    assert f"{HOSTILE} has it until 2025-11-24 17:00:00 UTC." in page.text


def test_a_digest_lists_the_worst_and_counts_the_rest() -> None:
    """Twenty lines are enough to see what it is."""
    watched = Watched(replace(TOLD, burst=1))
    for number in range(1 + 22):
        severity = Severity.CRITICAL if number == 20 else Severity.HIGH
        watched.fire(key_of(symbol=f"S{number}"), severity)
    watched.clear(key_of(symbol="S5"))
    watched.desk.adopt(replace(TOLD, burst=1, settle_for=0), watched.now)
    watched.pass_time(MINUTE)
    digest = watched.reader.pages[-1]
    assert digest.kind is PageKind.DIGEST
    assert digest.title == "22 incidents in one page: 1 critical, 21 high, 1 of them over"
    lines = digest.text.splitlines()
    worst = list(watched.reader.incidents)[20]
    assert lines[0] == f"2025-11-24 16:00:00 UTC CRITICAL S20 liquidity on binance ({worst})"
    assert lines[-2:] == ["... and 2 more.", "tidegauge incidents list"]
    assert len(lines) == 22


def test_after_a_restart_a_page_names_what_nothing_was_heard_of() -> None:
    """By what it is, where that is known; a few of many."""
    watched = Watched()
    lost = [watched.fire(key_of(venue=venue)) for venue in ("binance", "bybit", "okx", "kraken")]
    watched.restart(lost=True)
    for alert in lost[1:]:
        watched.desk.alert(alert, watched.now)
    watched.pass_time(16 * MINUTE)
    assert (
        f"Nothing was heard of {lost[0].id} since a restart: it stays open until something is, or a"
        " person resolves it." in watched.reader.pages[-1].text
    )
    watched.restart()
    watched.desk.alert(replace(lost[3], severity=Severity.CRITICAL), watched.now)
    assert (
        f"Nothing was heard of {lost[0].id}, {lost[1].key}, {lost[2].key} since a restart"
        in watched.reader.pages[-1].text
    )


def test_every_kind_of_page_has_a_title_that_tells_it_from_the_others() -> None:
    """A list of them can be read without opening any."""
    watched = Watched(replace(TOLD, told_of=(*TOLD.told_of, "acknowledged")))
    for _ in range(4):
        watched.fire()
        watched.pass_time(SECOND)
        watched.clear()
    watched.fire()
    watched.pass_time(16 * MINUTE)
    watched.order(
        Order(
            id="",
            kind=OrderKind.ACKNOWLEDGE,
            at=0,
            actor="anna",
            incident_id=watched.incident().id,
        )
    )
    watched.pass_time(HOUR, 10 * SECOND)
    watched.clear()
    watched.pass_time(20 * MINUTE)
    watched.fire()
    titles = [
        page.title.removesuffix("HIGH BTCUSDT liquidity on binance")
        for page in watched.reader.pages
    ]
    assert titles == [
        "",
        "Comes and goes: ",
        "Nobody has it: ",
        "Acknowledged: ",
        "Acknowledgement expired: ",
        "Over: ",
        "Back: ",
    ]


def test_hostile_names_are_one_line_in_a_title() -> None:
    """What is longer stays as it is, and is escaped where it is shown."""
    watched = Watched()
    watched.fire(key_of(symbol=HOSTILE, venue=ALL))
    (page,) = watched.reader.pages
    assert page.title == "HIGH [31m<b>anna</b> second line liquidity"
    assert page.symbol == page.labels["symbol"] == HOSTILE
    assert one_line("\n\x00 ") == ""


def test_all_symbols_are_called_that() -> None:
    """`*` means nothing to a person."""
    watched = Watched()
    watched.fire(key_of(Signal.VENUE_DOWN, ALL, "okx"))
    assert watched.reader.pages[0].title == "HIGH all symbols feed on okx"


def test_every_action_is_said_in_words() -> None:
    """The mission's vocabulary, explained."""
    assert set(ADVICE) == set(Action)


def test_a_page_with_no_alert_that_fires_says_what_it_began_with() -> None:
    """The sentence of the one that opened it."""
    watched = Watched()
    alert = firing(key_of(), watched.now)
    watched.desk.alert(alert, watched.now)
    watched.desk.alert(ended(alert, watched.now), watched.now)
    watched.pass_time(MINUTE)
    assert watched.reader.pages[-1].kind is PageKind.RESOLVED
    assert watched.reader.pages[-1].text.startswith(alert.sentence)
