"""The right people are told, once, and a storm does not bury them."""

from dataclasses import replace

import pytest
from tests.support.desk import TOLD, Watched, key_of

from tidegauge.core.alert import Severity
from tidegauge.core.desk import Matcher, Muted, Order, OrderKind, PageKind, Silence
from tidegauge.core.incident import IncidentState
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.ruleset import HOUR, MINUTE, DeskRules, Maintenance, Route

BYBIT = key_of(venue="bybit")
BTC = Matcher(symbols=("BTC*",))
ROUTED = DeskRules(
    routes=(
        Route(
            matcher=Matcher(severities=(Severity.CRITICAL,)), channels=("pagerduty",), goes_on=True
        ),
        Route(matcher=Matcher(symbols=("ETH*",)), channels=("eth-desk", "mail")),
        Route(matcher=Matcher(venues=("binance",)), channels=("slack", "mail")),
    )
)


def silence(watched: Watched, lasts: Nanos, matcher: Matcher = BTC) -> None:
    """Anna wants nothing to hear of it for a while."""
    made = Silence(
        id="",
        matcher=matcher,
        starts_at=watched.now,
        ends_at=watched.now + lasts,
        author="anna",
        comment="known",
    )
    assert watched.order(
        Order(id="", kind=OrderKind.SILENCE, at=0, actor="anna", silence=made)
    ).done


def acknowledge(watched: Watched, lasts: Nanos = 5 * HOUR) -> None:
    order = Order(
        id="",
        kind=OrderKind.ACKNOWLEDGE,
        at=0,
        actor="anna",
        incident_id=watched.incident().id,
        until=watched.now + lasts,
    )
    assert watched.order(order).done


@pytest.mark.parametrize(
    ("symbol", "venue", "severity", "channels"),
    [
        ("BTCUSDT", "binance", Severity.HIGH, ("slack", "mail")),
        ("ETHUSDT", "binance", Severity.HIGH, ("eth-desk", "mail")),
        ("ETHUSDT", "bybit", Severity.CRITICAL, ("pagerduty", "eth-desk", "mail")),
        ("BTCUSDT", "bybit", Severity.CRITICAL, ("pagerduty",)),
    ],
)
def test_the_first_route_that_fits_is_taken_and_the_next_while_it_goes_on(
    symbol: str, venue: str, severity: Severity, channels: tuple[str, ...]
) -> None:
    """By severity, symbol, venue."""
    watched = Watched(ROUTED)
    watched.fire(key_of(symbol=symbol, venue=venue), severity)
    (page,) = watched.reader.pages
    assert page.channels == channels


def test_what_no_route_fits_is_told_to_nobody_and_that_is_said() -> None:
    """Also that it is over concerns nobody then."""
    watched = Watched(ROUTED)
    watched.fire(BYBIT)
    watched.clear(BYBIT)
    watched.pass_time(MINUTE)
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.reader.pages == []
    assert watched.reader.muted == [Muted.UNROUTED]


def test_those_who_heard_of_it_hear_the_rest_of_it() -> None:
    """An escalation goes further; the end goes to all who know."""
    watched = Watched(ROUTED)
    watched.fire()
    watched.fire(severity=Severity.CRITICAL)
    watched.clear()
    watched.pass_time(MINUTE)
    assert [set(page.channels) for page in watched.reader.pages] == [
        {"slack", "mail"},
        {"slack", "mail", "pagerduty"},
        {"slack", "mail", "pagerduty"},
    ]


def test_only_what_people_want_to_hear_of_is_told() -> None:
    """`told_of` names the kinds of pages."""
    watched = Watched(replace(TOLD, told_of=("opened", "acknowledged")))
    watched.fire()
    acknowledge(watched)
    watched.fire(severity=Severity.CRITICAL)
    watched.clear()
    watched.pass_time(MINUTE)
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.ACKNOWLEDGED]


def test_a_silence_keeps_back_pages_and_not_incidents() -> None:
    """When it is over and the incident still open, it is told of."""
    watched = Watched()
    silence(watched, 10 * MINUTE)
    watched.fire()
    watched.fire(severity=Severity.CRITICAL)
    assert watched.incident().version == 2
    watched.pass_time(10 * MINUTE - SECOND)
    assert watched.reader.pages == []
    assert set(watched.reader.muted) == {Muted.SILENCED}
    watched.pass_time(SECOND)
    (page,) = watched.reader.pages
    assert (page.kind, page.severity) == (PageKind.UNSILENCED, Severity.CRITICAL)
    watched.clear()
    watched.pass_time(MINUTE)
    assert watched.reader.kinds == [PageKind.UNSILENCED, PageKind.RESOLVED]


@pytest.mark.parametrize("taken", [True, False])
def test_what_nobody_has_when_the_silence_is_over_is_told_again(taken: bool) -> None:
    """The reminder came in the silence, or the acknowledgement ran out in it."""
    watched = Watched()
    watched.fire()
    if taken:
        acknowledge(watched, HOUR)
    silence(watched, 3 * HOUR)
    watched.pass_time(3 * HOUR, 10 * SECOND)
    late = PageKind.ACKNOWLEDGEMENT_EXPIRED if taken else PageKind.REMINDED
    assert watched.reader.kinds == [PageKind.OPENED, late]


def test_what_nobody_heard_of_is_told_and_not_reminded_of() -> None:
    """Once, however often it would have been told meanwhile; and by another key each time."""
    watched = Watched()
    silence(watched, HOUR)
    watched.fire()
    watched.pass_time(HOUR, 10 * SECOND)
    assert watched.reader.kinds == [PageKind.UNSILENCED]
    silence(watched, HOUR)
    watched.fire(severity=Severity.CRITICAL)
    watched.pass_time(HOUR, 10 * SECOND)
    assert watched.reader.kinds == [PageKind.UNSILENCED, PageKind.UNSILENCED]
    assert not watched.reader.repeated


def test_what_opened_and_ended_in_silence_is_told_to_nobody() -> None:
    """Nor later."""
    watched = Watched()
    silence(watched, 10 * MINUTE)
    watched.fire()
    watched.clear()
    watched.pass_time(HOUR, 10 * SECOND)
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.reader.pages == []
    assert watched.desk.pager.owing == {}


def test_what_fires_no_more_when_the_silence_is_over_is_told_if_it_comes_back() -> None:
    """And to nobody if it does not."""
    watched = Watched()
    silence(watched, 30 * SECOND)
    watched.fire()
    watched.clear()
    watched.pass_time(40 * SECOND)
    assert watched.reader.pages == []
    watched.fire()
    assert watched.reader.kinds == [PageKind.UNSILENCED]
    silence(watched, 30 * SECOND, Matcher(symbols=("ETHUSDT",)))
    watched.fire(key_of(symbol="ETHUSDT"))
    watched.clear(key_of(symbol="ETHUSDT"))
    watched.pass_time(5 * MINUTE)
    assert watched.reader.kinds == [PageKind.UNSILENCED]
    assert watched.desk.pager.owing == {}


def test_an_incident_is_loud_as_soon_as_one_that_is_not_silenced_gets_grave() -> None:
    """It had joined as a mild one."""
    watched = Watched()
    silence(watched, HOUR, Matcher(venues=("binance",)))
    watched.fire()
    watched.fire(BYBIT, Severity.WARNING)
    assert watched.reader.pages == []
    watched.fire(BYBIT, Severity.HIGH)
    assert watched.reader.kinds == [PageKind.UNSILENCED]


def test_a_silence_that_ends_between_a_restart_and_the_next_look_is_noticed() -> None:
    """What it kept back is told."""
    watched = Watched()
    silence(watched, MINUTE)
    watched.fire()
    watched.restart()
    watched.now += HOUR
    watched.desk.tick(watched.now)
    assert watched.reader.kinds == [PageKind.UNSILENCED]


def test_what_is_told_for_another_reason_is_not_told_again_for_the_silence() -> None:
    """It got worse in the very moment in which the silence was over."""
    watched = Watched()
    silence(watched, MINUTE)
    watched.fire()
    watched.now += MINUTE
    watched.fire(severity=Severity.CRITICAL)
    watched.pass_time(MINUTE)
    assert watched.reader.kinds == [PageKind.ESCALATED]


def test_whoever_heard_that_it_began_hears_that_it_is_over_when_the_silence_is() -> None:
    """Else it would stay open for ever where it was told."""
    watched = Watched()
    watched.fire()
    silence(watched, 10 * MINUTE)
    watched.clear()
    watched.pass_time(9 * MINUTE)
    assert watched.incident().state is IncidentState.RESOLVED
    assert watched.reader.kinds == [PageKind.OPENED]
    watched.pass_time(MINUTE)
    assert watched.reader.kinds == [PageKind.OPENED, PageKind.RESOLVED]
    assert watched.reader.pages[-1].ends_at == watched.incident().resolved_at


def test_a_silence_that_is_ended_by_hand_is_over_at_once() -> None:
    """What it kept back is told then and there."""
    watched = Watched()
    silence(watched, HOUR)
    watched.fire()
    made = watched.reader.silences[0]
    order = Order(id="", kind=OrderKind.EXPIRE_SILENCE, at=0, actor="ben", silence_id=made.id)
    assert watched.order(order).done
    assert watched.reader.kinds == [PageKind.UNSILENCED]
    assert watched.reader.silences[-1].ended_by == "ben"


def test_an_incident_is_loud_as_soon_as_one_of_its_grave_alerts_is() -> None:
    """One venue is silenced; another one joins."""
    watched = Watched()
    silence(watched, HOUR, Matcher(venues=("binance",)))
    watched.fire()
    watched.fire(key_of(venue="okx"), Severity.WARNING)
    assert watched.reader.pages == []
    watched.fire(BYBIT)
    assert watched.reader.kinds == [PageKind.UNSILENCED]


def test_what_somebody_has_is_not_told_when_the_silence_is_over() -> None:
    """But it is when it got worse since."""
    watched = Watched()
    silence(watched, 10 * MINUTE)
    watched.fire()
    acknowledge(watched)
    watched.pass_time(11 * MINUTE)
    assert watched.reader.pages == []
    silence(watched, 10 * MINUTE)
    watched.fire(severity=Severity.CRITICAL)
    watched.pass_time(11 * MINUTE)
    assert watched.reader.kinds == [PageKind.UNSILENCED]


def test_maintenance_keeps_back_pages_like_a_silence() -> None:
    """And says that it was maintenance."""
    planned = Maintenance(
        name="upgrade", matcher=Matcher(), starts_at=0, ends_at=Watched().now + 5 * MINUTE
    )
    watched = Watched(replace(TOLD, maintenance=(planned,)))
    watched.fire()
    watched.pass_time(4 * MINUTE)
    assert set(watched.reader.muted) == {Muted.MAINTENANCE}
    assert watched.reader.pages == []
    watched.pass_time(MINUTE)
    assert watched.reader.kinds == [PageKind.UNSILENCED]


def test_maintenance_that_is_taken_out_of_the_rules_is_over() -> None:
    """A reload may do that; what it kept back is told."""
    planned = Maintenance(name="upgrade", matcher=Matcher(), starts_at=0, ends_at=10**19)
    watched = Watched(replace(TOLD, maintenance=(planned,)))
    watched.fire()
    watched.desk.adopt(TOLD, watched.now)
    assert watched.reader.kinds == [PageKind.UNSILENCED]


def test_a_storm_is_a_burst_and_digests_and_no_incident_is_lost_in_it() -> None:
    """A-02: 5,000 alerts in a second. The first page leaves with the alert that caused it."""
    rules = replace(TOLD, routes=(Route(matcher=Matcher(), channels=("slack", "mail")),))
    watched = Watched(rules)
    keys = [key_of(symbol=f"S{number}") for number in range(5_000)]
    for number, key in enumerate(keys):
        watched.fire(key, Severity.CRITICAL if number == 4_000 else Severity.HIGH)
        watched.now += SECOND // 5_000
        if not number:
            assert watched.reader.kinds == [PageKind.OPENED]
    watched.pass_time(5 * MINUTE)
    assert watched.reader.kinds == [PageKind.OPENED] * rules.burst + [PageKind.DIGEST] * 2
    digest = watched.reader.pages[-1]
    assert (digest.severity, digest.of[0]) == (
        Severity.CRITICAL,
        list(watched.reader.incidents)[4_000],
    )
    assert len(digest.text.splitlines()) < 30
    for channel in rules.routes[0].channels:
        told = {
            each for page in watched.reader.pages if channel in page.channels for each in page.of
        }
        assert told == set(watched.reader.incidents)
    # Those five that were told one by one end one by one, the others in a digest.
    ends = []
    for over in (keys[rules.burst :], keys[: rules.burst]):
        before = len(watched.reader.pages)
        for key in over:
            watched.clear(key)
        watched.pass_time(5 * MINUTE)
        ends += watched.reader.pages[before:]
    assert [page.kind for page in ends] == [PageKind.DIGEST] * 2 + [PageKind.RESOLVED] * 5
    assert len(ends[0].of) == 4_995
    assert "4995 of them over" in ends[0].title


def test_a_storm_that_lasts_is_one_digest_each_span_and_channel() -> None:
    """However many there are."""
    watched = Watched()
    for number in range(600):
        watched.fire(key_of(symbol=f"S{number}"))
        watched.pass_time(SECOND // 2)
    watched.pass_time(MINUTE)
    kinds = watched.reader.kinds
    assert kinds.count(PageKind.OPENED) == 5
    assert 10 <= kinds.count(PageKind.DIGEST) <= 12
    told = {each for page in watched.reader.pages for each in page.of}
    assert told == set(watched.reader.incidents)
    assert watched.reader.muted.count(Muted.RATE) == 595
