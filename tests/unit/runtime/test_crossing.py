"""What is judged across the books, in the monitor that books and people come to."""

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.support.several_venues import PLAN, RULES, START, SYMBOL, Market, book_of

from tidegauge.core.alert import ALL, Severity, Signal
from tidegauge.core.desk import OrderKind
from tidegauge.core.incident import Family, IncidentChange
from tidegauge.core.instrument import SECOND, BookId
from tidegauge.risk.composite import Weather
from tidegauge.risk.signal_settings import CapSettings, HealthSettings, StressSettings

CAPPED = replace(
    PLAN,
    rules=replace(RULES, caps=CapSettings(limits={"AAA": Decimal(1_000)}, clear_for=5 * SECOND)),
    held={"AAA": Decimal(900)},
)


def test_the_venue_that_left_the_others_is_named_and_an_incident_opens() -> None:
    """At 100 bps it is high: pause the asset, and somebody is to have it."""
    market = Market("a", "b", "c")
    market.live(80)
    market.mids["c"] = 101.0
    market.live(8)
    (alert,) = market.firing(Signal.DIVERGENCE)
    assert alert.key.venue == "c"
    assert alert.severity is Severity.HIGH
    (opened,) = [each for each in market.transitions() if each.event.kind is IncidentChange.OPENED]
    assert opened.incident.family is Family.DIVERGENCE
    market.mids["c"] = 100.0
    market.live(15)
    assert not market.firing(Signal.DIVERGENCE)


def test_a_difference_that_a_glance_shows_is_found_as_well() -> None:
    """No row is due and nothing is near a rule: the book is only glanced at, its price still counts."""
    market = Market("a", "b", plan=replace(PLAN, write_every=3600 * SECOND))
    market.live(80)
    market.mids["b"] = 100.5
    market.live(7)
    assert [alert.severity for alert in market.firing(Signal.DIVERGENCE)] == [Severity.WARNING]


def test_a_venue_none_of_whose_books_is_live_is_down_and_a_symbol_without_any_is_dark() -> None:
    """The one is of the venue as a whole, the other critical; between them nothing can be compared."""
    market = Market("a", "b")
    market.live(20)
    market.cut("a")
    market.live(17, without="a")
    (down,) = market.firing(Signal.VENUE_DOWN)
    assert (down.key.venue, down.key.symbol) == ("a", ALL)
    assert not market.firing(Signal.SYMBOL_DARK)
    assert market.firing(Signal.BLIND)
    market.cut("b")
    for _ in range(17):
        market.now += SECOND
        market.monitor.advance(market.now)
    (dark,) = market.firing(Signal.SYMBOL_DARK)
    assert dark.severity is Severity.CRITICAL


def test_a_book_that_synchronises_for_a_while_after_the_start_is_no_fault() -> None:
    """A minute for what was not LIVE yet; after that the venue is down."""
    market = Market("a", "b")
    market.live(50, without="b")
    assert not market.firing(Signal.VENUE_DOWN)
    market.live(15, without="b")
    assert [alert.key.venue for alert in market.firing(Signal.VENUE_DOWN)] == ["b"]


def test_the_score_follows_the_market_and_shows_its_parts() -> None:
    """Nine tenths of every book gone: the crunch part is full, venues are well."""
    market = Market("a", "b", "c")
    market.live(80)
    (calm,) = market.monitor.crossing.view(market.now).symbols
    assert calm.score.weather is Weather.CALM
    market.sizes = dict.fromkeys(market.sizes, 10.0)
    market.live(5)
    (crunched,) = market.monitor.crossing.view(market.now).symbols
    assert calm.score.value is not None
    assert crunched.score.value is not None
    assert crunched.score.value > calm.score.value + 20
    points = {part.name: part.points for part in crunched.score.parts}
    assert points["crunch"] == 100.0
    assert points["health"] == 0.0


def test_an_execution_that_was_safe_and_is_not_any_more_is_told() -> None:
    """With half of these books gone the size does not fill, either way."""
    market = Market("a", "b")
    market.live(80)
    assert not market.alerts(Signal.STRESS)
    market.sizes = dict.fromkeys(market.sizes, 0.5)
    market.live(8)
    sides = {alert.key.side: alert.severity for alert in market.firing(Signal.STRESS)}
    assert sides == {"sell": Severity.HIGH, "buy": Severity.HIGH}


def test_where_nobody_said_a_size_no_more_is_judged_than_a_book_takes_on_a_usual_day() -> None:
    """The usual size of half a million does not fit this market at all, and is no reason to alarm."""
    large = StressSettings(execution_size=Decimal(500_000))
    market = Market("a", "b", plan=replace(PLAN, rules=replace(RULES, stress=large)))
    market.live(80)
    assert not market.alerts(Signal.STRESS)
    watched = market.monitor.crossing.symbols[SYMBOL]
    report = watched.stress.status().report
    assert report is not None
    assert report.size < Decimal(10_000)
    said = replace(RULES, stress_of={SYMBOL: large})
    market.monitor.adopt(said, market.now)
    market.live(8)
    assert {alert.severity for alert in market.firing(Signal.STRESS)} == {Severity.HIGH}


def test_more_than_the_weather_allows_is_over_its_cap_until_a_person_says_that_less_is_held() -> (
    None
):
    """The limit is 1,000, the settings say 900: within it on a calm day only."""
    market = Market("a", "b", plan=CAPPED)
    market.live(80)
    assert not market.alerts(Signal.OVER_CAP)
    market.sizes = dict.fromkeys(market.sizes, 10.0)
    market.live(12)
    (alert,) = market.firing(Signal.OVER_CAP)
    assert "Reduce by" in alert.sentence
    outcome = market.order(OrderKind.EXPOSE, asset="AAA", amount="100")
    assert outcome.done, outcome.said
    market.live(8)
    assert not market.firing(Signal.OVER_CAP)


def test_what_is_no_exposure_is_refused() -> None:
    """In plain words, repeating what was said."""
    market = Market("a")
    market.live(1)
    for amount in ("", "many", "NaN"):
        outcome = market.order(OrderKind.EXPOSE, asset="AAA", amount=amount)
        assert not outcome.done
        assert "no exposure" in outcome.said


def test_a_level_that_a_person_calls_normal_ends_the_alert_without_calling_it_recovered() -> None:
    """It is an order on the incident, and the sentence says so."""
    market = Market("a", "b")
    market.live(80)
    market.sizes["a"] = 10.0
    market.live(10)
    (alert,) = market.firing(Signal.CRUNCH)
    incident = market.transitions()[-1].incident
    outcome = market.order(OrderKind.REBASE, incident_id=incident.id, comment="a listing")
    assert outcome.done, outcome.said
    (ended,) = [each for each in market.alerts(Signal.CRUNCH) if each.ended_at is not None]
    assert ended.id == alert.id
    assert "declared its new normal" in ended.sentence


def test_other_rules_lose_no_alert() -> None:
    """What fires goes on under its id; what is stricter now is found by the new rules."""
    market = Market("a", "b")
    market.live(80)
    market.sizes["a"] = 10.0
    market.live(10)
    (alert,) = market.firing(Signal.CRUNCH)
    stricter = replace(RULES, health=HealthSettings(down_after=2 * SECOND))
    market.monitor.adopt(stricter, market.now)
    market.live(5)
    assert [each.id for each in market.firing(Signal.CRUNCH)] == [alert.id]
    market.cut("b")
    market.live(4, without="b")
    assert market.firing(Signal.VENUE_DOWN)


def test_a_book_that_is_let_go_is_judged_no_more() -> None:
    """Neither as missing nor as blind; with the last one its symbol goes."""
    market = Market("a", "b")
    market.live(10)
    market.monitor.forget(book_of("b"), market.now)
    market.live(20, without="b")
    view = market.monitor.crossing.view(market.now)
    assert view.symbols[0].divergence.venues == ("a",)
    assert not market.firing(Signal.BLIND)
    assert not market.firing(Signal.VENUE_DOWN)
    market.monitor.forget(book_of("a"), market.now)
    assert market.monitor.crossing.view(market.now).symbols == ()


def test_the_same_market_gives_the_same_incidents() -> None:
    """No chance and no clock: ids too."""

    def lived() -> list[str]:
        market = Market("a", "b", "c", at=START)
        market.live(80)
        market.sizes["a"], market.mids["c"] = 10.0, 101.0
        market.live(30)
        return [str(transition) for transition in market.transitions()]

    assert lived() == lived()
    assert lived()


def test_a_bug_in_judging_one_symbol_is_told_of_and_costs_no_book(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Books are read and judged by themselves all the same, and the venues' health goes on."""
    told: list[BookId] = []
    market = Market("a", "b", crashed=lambda book, _crash: told.append(book))
    market.live(70)
    monkeypatch.setattr("tidegauge.risk.stress.stress_report", lambda *_, **__: 1 / 0)
    market.sizes["a"] = 10.0
    market.live(10)
    assert set(told) == {BookId(ALL, SYMBOL)}
    assert market.firing(Signal.CRUNCH)
    market.cut("a")
    market.live(17, without="a")
    assert market.firing(Signal.VENUE_DOWN)


def test_a_book_that_is_let_go_before_anybody_looked_leaves_nothing() -> None:
    """Within the second in which it came."""
    market = Market("a", "b")
    market.monitor.forget(book_of("b"), market.now)
    market.live(80, without="b")
    assert [each.name for each in market.monitor.crossing.view(market.now).venues] == ["a"]
    assert not market.firing(Signal.VENUE_DOWN)
