"""What the commands draw: the worst first, unknown as a dash, nobody's words as commands."""

import io
from dataclasses import replace
from decimal import Decimal

from rich.console import Console, RenderableType
from tests.support.pictures import (
    NOW,
    a_daemon,
    a_symbol,
    a_venue,
    an_alert,
    an_incident,
    histogram,
)
from tests.support.stand_in_answers import told_quote
from tests.support.stand_in_market import a_picture as stand_in_picture

from tidegauge.faces.look.tables import quote_table, status_view, top_view
from tidegauge.runtime.window.across import worst_first
from tidegauge.runtime.window.picture import Picture
from tidegauge.runtime.window.pricing import QuotedVenue, ShownQuote

HOSTILE = "\x1b[31mred\x1b]0;title\x07[bold]"


def drawn(what: RenderableType, width: int = 160) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(what)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def a_picture() -> Picture:
    unknown = replace(a_symbol("SOLUSDT", 0.0).score, value=None, weather=None, parts=())
    symbols = {
        "BTCUSDT": a_symbol("BTCUSDT", 12.0),
        "ETHUSDT": a_symbol("ETHUSDT", 80.0),
        "SOLUSDT": replace(a_symbol("SOLUSDT", 0.0), score=unknown),
    }
    return Picture(at=NOW, daemons={"1": a_daemon("1")}, symbols=symbols)


def test_the_worst_symbol_is_first_and_an_unknown_one_last() -> None:
    """What is not known is a dash, and no calm."""
    assert [each.symbol for each in worst_first(a_picture().symbols.values())] == [
        "ETHUSDT",
        "BTCUSDT",
        "SOLUSDT",
    ]
    lines = drawn(top_view(a_picture(), [])).splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["ETHUSDT", "BTCUSDT", "SOLUSDT"]
    assert lines[3].split()[1] == "-"


def test_what_is_wrong_is_said_first() -> None:
    """Before any table."""
    assert drawn(status_view(a_picture(), [])).startswith("all is well")
    lines = drawn(status_view(a_picture(), ["daemon 1 was last seen 9 s ago"])).splitlines()
    assert lines[:2] == ["NOT ALL IS WELL", "  daemon 1 was last seen 9 s ago"]


def test_not_all_is_called_well_while_something_fires() -> None:
    """The monitor is; an incident that is over counts no more."""
    over = replace(an_incident("INC-2"), state="resolved")
    seen = replace(a_picture(), incidents={"INC-1": an_incident(), "INC-2": over})
    told = drawn(status_view(seen, [])).splitlines()[0]
    assert told == "the monitor is well; open incidents: 1, alerts that fire: 0"
    alone = replace(a_picture(), alerts={"a1": an_alert(), "a2": an_alert("a2", state="resolved")})
    assert drawn(status_view(alone, [])).splitlines()[0].endswith("alerts that fire: 1")
    kinds = {name: replace(an_alert(name), severity=name) for name in ("warning", "critical")}
    graver = drawn(status_view(replace(a_picture(), alerts=kinds), []))
    assert "alerts firing: 1 critical, 1 warning" in graver
    settled = replace(a_picture(), incidents={"INC-2": over})
    assert drawn(status_view(settled, [])).splitlines()[0] == "all is well"


def test_symbols_that_may_be_missing_are_said_to_be() -> None:
    """Under those that are there."""
    lines = drawn(top_view(a_picture(), ["daemon 2: it tells nothing"])).splitlines()
    assert lines[-1] == "  daemon 2: it tells nothing"


def test_a_narrow_terminal_breaks_no_bar_and_no_name() -> None:
    """A bar in two lines would look like two."""
    lines = drawn(top_view(a_picture(), []), width=80).splitlines()
    assert [line.count("█") for line in lines if "█" in line] == [8, 1]
    asked = told_quote(stand_in_picture(NOW), "BTCUSDT", "sell", Decimal(1_000_000))
    cut = replace(asked.venues[0], venue="binance-futures", floor=True)
    told = drawn(quote_table(replace(asked, venues=(cut, *asked.venues[1:]))), width=64)
    assert any(line.startswith("binance-futures ") for line in told.splitlines())


def test_what_a_venue_says_is_told_and_not_obeyed() -> None:
    """Neither a terminal's commands nor markup."""
    venue = replace(a_venue("binance", "1"), health="down", quarantined=HOSTILE)
    text = drawn(status_view(replace(a_picture(), venues={"binance@1": venue}), [HOSTILE]))
    assert "\x1b" not in text
    assert "\x07" not in text
    assert "[bold]" in text


def test_without_a_judged_symbol_there_is_a_sentence() -> None:
    """Rather than an empty table."""
    assert "no symbol is judged yet" in drawn(top_view(Picture(at=NOW), []))


def test_what_took_longer_than_any_bound_counts_in_the_percentiles() -> None:
    """A monitor that is behind by more than can be told does not look like a quick one."""
    behind = replace(a_daemon("1"), feed_to_reading=histogram(1, 60_000, 60_000, 60_000).snapshot())
    text = drawn(status_view(Picture(at=NOW, daemons={"1": behind}), []))
    assert "p50 more, p99 more" in text


def test_where_a_walk_left_what_is_known_a_cost_is_at_most_and_a_part_at_least() -> None:
    """More may rest there: that makes the whole cheaper, and the part larger."""
    filled = QuotedVenue(
        venue="binance",
        trust="live",
        age_s=0.1,
        quote="USDT",
        rate=Decimal(1),
        filled=True,
        filled_fraction=1.0,
        average=100.0,
        worst=Decimal(101),
        slippage_bps=2.0,
        partial_slippage_bps=None,
        cost=2.0,
        floor=True,
        why=None,
    )
    part = replace(filled, venue="kraken", filled=False, filled_fraction=0.5, slippage_bps=None)
    quote = ShownQuote(
        symbol="BTCUSDT",
        side="buy",
        notional=Decimal(1000),
        quote="USDT",
        at=NOW,
        venues=(filled, part),
        best="binance",
        together=None,
        left_out=(),
        fees_counted=False,
    )
    lines = drawn(quote_table(quote)).splitlines()
    told = {line.split()[0]: line for line in lines if line}
    assert "at most, the book may hold more" in told["binance"]
    assert "at least, the book may hold more" in told["kraken"]
