"""What the live view shows over all books, and of the desk."""

from dataclasses import replace

from tests.support.several_venues import Market
from tests.support.views import view

from tidegauge.core.desk import OrderKind
from tidegauge.faces.across import incident_lines, incident_words, symbol_lines, words_of
from tidegauge.runtime.view import MonitorView


def seen(market: Market) -> MonitorView:
    monitor = market.monitor
    return replace(
        view(), desk=monitor.desk.view(market.now), across=monitor.crossing.view(market.now)
    )


def crunched() -> Market:
    market = Market("a", "b", "c")
    market.live(80)
    market.sizes["a"] = market.sizes["b"] = 10.0
    market.live(8)
    return market


def test_a_symbol_is_one_line_its_score_with_the_parts_that_make_it_up() -> None:
    """How far the venues are apart, what the size costs with half the book gone, where it is best."""
    market = Market("a", "b")
    market.live(80)
    (calm,) = seen(market).across.symbols  # type: ignore[union-attr]
    assert words_of(calm).startswith(
        "AAAUSDT score 0 calm | apart 0.0 bps | 1k in half the book: sell "
    )
    assert "safe to 4k+ best a" in words_of(calm)
    (line,) = symbol_lines(seen(crunched()))
    assert "crunch 30" in line.plain


def test_before_anything_is_known_dashes_stand_for_it() -> None:
    """Unknown is not zero."""
    market = Market("a")
    market.live(1)
    (line,) = symbol_lines(seen(market))
    assert "score -" in line.plain
    assert "stress -" in line.plain


def test_an_incident_is_one_line_that_says_who_has_it_and_what_to_do() -> None:
    """Nobody, then whoever took it, whose name cannot steer the terminal."""
    market = crunched()
    (line,) = incident_lines(seen(market))[:1]
    assert "CRITICAL AAAUSDT liquidity" in line.plain
    assert "2 firing, nobody has it; pause asset" in line.plain
    (incident,) = market.monitor.desk.view(market.now).incidents
    assert market.order(OrderKind.ACKNOWLEDGE, incident_id=incident.id).done
    (taken,) = market.monitor.desk.view(market.now).incidents
    assert "ann has it" in incident_words(taken)
    assert "\\x1b" in incident_words(replace(taken, acknowledged_by="\x1b[31m"))


def test_what_is_kept_quiet_is_said() -> None:
    """The last alert that went no further, and why."""
    lines = [line.plain for line in incident_lines(seen(crunched()))]
    assert any("last muted" in line for line in lines)


def test_a_monitor_without_a_desk_shows_none() -> None:
    """Such as one that was made for a test of something else."""
    assert symbol_lines(view()) == []
    assert incident_lines(view()) == []
