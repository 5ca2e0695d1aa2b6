"""The live view, drawn for terminals of several widths and for none."""

import asyncio
import io
from dataclasses import replace

from rich.console import Console
from tests.support.database import an_alert
from tests.support.markets import START, one_sided
from tests.support.views import BOOK, VENUE, drawn, view

from tidegauge.core.alert import AlertState
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.faces.live import LineView, TableView, book_line, status_line, view_for
from tidegauge.runtime.budget import BudgetView
from tidegauge.runtime.view import MonitorView


def test_a_book_is_one_line_with_its_prices_trust_and_crunch() -> None:
    """What a person looks for first stands in one row."""
    (row,) = [line for line in drawn(view(BOOK)).splitlines() if "BTCUSDT" in line]
    assert "binance-futures BTCUSDT" in row
    assert "live" in row
    assert "51ms" in row
    assert "warming 0/300" in row


def test_a_narrow_terminal_loses_columns_and_never_digits() -> None:
    """At 80 columns the row is still one line, with both prices whole."""
    lines = drawn(view(BOOK), width=80).splitlines()
    (row,) = [line for line in lines if "BTCUSDT" in line]
    prices = BOOK.reading
    assert prices is not None
    assert f"{prices.best_bid:,f}".rstrip("0").rstrip(".") in row
    assert f"{prices.best_ask:,f}".rstrip("0").rstrip(".") in row
    assert all(len(line) <= 80 for line in lines)


def test_a_book_without_a_reading_says_why() -> None:
    """A gap is never shown as an old price."""
    lost = replace(BOOK, trust=Trust.SYNCING, reason=TrustReason.GAP, reading=None)
    assert "no reading: gap" in drawn(view(lost))
    assert "63,938" not in drawn(view(lost))
    assert book_line(lost, view(lost)).endswith("syncing (gap)")


def test_a_one_sided_book_shows_dashes() -> None:
    """Without a mid there is neither spread nor slippage; unknown is no zero."""
    odd = replace(BOOK, reading=one_sided(START))
    assert " - " in drawn(view(odd))
    assert "spread - bps" in book_line(odd, view(odd))


def test_a_firing_alert_and_a_resolved_one_are_told_apart_without_colour() -> None:
    """Colour is never the only sign."""
    firing = an_alert(state=AlertState.FIRING)
    shown = drawn(view(BOOK, alerts=(firing, replace(firing, state=AlertState.RESOLVED))))
    assert f"{firing.severity}".upper() in shown
    assert "RESOLVED" in shown


def test_a_quarantined_venue_says_why() -> None:
    """It is left alone, and the reason is on the screen."""
    refused = replace(VENUE, quarantined="HTTP 451")
    assert "binance-futures: HTTP 451" in drawn(view(BOOK, venue=refused))


async def _printed(view_shown: LineView | TableView, shown: MonitorView) -> None:
    showing = asyncio.create_task(view_shown.show(lambda: shown))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    showing.cancel()
    await asyncio.gather(showing, return_exceptions=True)


async def test_without_a_terminal_it_prints_lines() -> None:
    """A pipe gets a line a book and a line an alert; nothing is redrawn."""
    output = io.StringIO()
    console = Console(file=output, width=200, force_terminal=False)
    lines = view_for(console, title="the title")
    assert isinstance(lines, LineView)
    await _printed(lines, view(BOOK, alerts=(an_alert(state=AlertState.FIRING),)))
    printed = output.getvalue().splitlines()
    assert printed[0] == "the title"
    assert len(printed) == 3
    assert "\x1b" not in output.getvalue()


async def test_with_no_book_yet_each_venue_says_what_it_waits_for() -> None:
    """A venue that cannot be reached is not silence."""
    output = io.StringIO()
    lines = LineView(Console(file=output, width=200, force_terminal=False), "title")
    await _printed(lines, view(venue=replace(VENUE, quarantined="cannot connect")))
    assert "binance-futures: cannot connect" in output.getvalue()


async def test_on_a_terminal_the_table_is_redrawn() -> None:
    """The same place is written again, twice a second."""
    output = io.StringIO()
    console = Console(file=output, width=140, force_terminal=True)
    table = view_for(console, title="title")
    assert isinstance(table, TableView)
    await _printed(table, view(BOOK))
    assert "binance-futures BTCUSDT" in output.getvalue()
    assert "\x1b" in output.getvalue()


def test_what_a_venue_was_audited_for_is_shown() -> None:
    """On a wide terminal all of it; on a narrow one what is not as it should be."""
    checked = replace(VENUE, audits=40, audit_differences=0, clock_offset=12_000_000)
    assert "40 audits 0 differences clock 12ms behind" in drawn(
        view(BOOK, venue=checked), width=200
    )
    assert "audits" not in drawn(view(BOOK, venue=checked), width=80)
    wrong = replace(checked, audit_differences=3, clock_faults=2, rolling=1)
    told = " ".join(drawn(view(BOOK, venue=wrong), width=80).split())
    assert "3 differences 2 clock faults changing over" in told


def test_what_is_left_of_a_venues_budget_and_why_it_is_down_is_shown() -> None:
    """A venue that is down says why and when it is tried again, whatever the width."""
    budget = BudgetView(
        connects=3, connects_allowed=300, weight=120, weight_allowed=3_000, banned_until=None
    )
    up = replace(VENUE, links=(("book", True),), budget=budget)
    assert "1 sockets 3/300 connects weight 120/3000" in drawn(view(BOOK, venue=up), width=200)
    down = replace(
        up,
        links=(("book", False),),
        last_disconnect="HTTP 503",
        retry_at=0,
        budget=replace(budget, banned_until=60_000_000_000),
    )
    told = " ".join(drawn(view(BOOK, venue=down), width=80).split())
    assert "(HTTP 503, again at 00:00:00) put off until 00:01:00" in told


def test_the_whole_monitor_is_one_line_for_a_service_manager() -> None:
    """How many books are believed, what fires, and whether it is stored."""
    lost = replace(BOOK, trust=Trust.STALE)
    told = status_line(view(BOOK, lost, alerts=(an_alert(state=AlertState.FIRING),)))
    assert told.startswith("1 of 2 books live, 1 alert firing, ")
    assert "\n" not in told
