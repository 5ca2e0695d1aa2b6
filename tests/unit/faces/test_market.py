"""What is told beside the books, drawn and in words."""

import io
from dataclasses import replace
from decimal import Decimal

from rich.console import Console
from tests.support.database import an_alert
from tests.support.views import BOOK, drawn, view

from tidegauge.core.activity import Flow, Standing
from tidegauge.core.alert import AlertState
from tidegauge.core.instrument import HOUR, BookId
from tidegauge.core.trust import Trust
from tidegauge.faces.live import book_line, render
from tidegauge.faces.market import words
from tidegauge.runtime.view import MarketView

MARKET = MarketView(
    standing=Standing(
        last_price=Decimal("63938.55"),
        mark=Decimal("63941.75"),
        index=Decimal("63938.55"),
        funding_rate=Decimal("-0.0000125"),
        funding_interval=HOUR,
        next_funding_at=1_760_000_400 * 10**9,
        open_interest=Decimal("80123.456"),
    ),
    total=Flow(trades=12_345, liquidations=7, liquidated_long_quote=Decimal(1_250_000)),
    bought=Decimal("1234567.8"),
    sold=Decimal("345678.9"),
    tells_liquidations=True,
    malformed=0,
)
TOLD = replace(BOOK, market=MARKET)
SPOT = MarketView(
    standing=Standing(last_price=Decimal("1.2345")),
    total=Flow(trades=1),
    bought=Decimal(0),
    sold=Decimal(5),
    tells_liquidations=False,
    malformed=2,
)
VENUES = ("binance", "binance-futures", "bybit-spot", "bybit-linear", "hyperliquid")
FIVE = [replace(TOLD, id=BookId(venue, "BTCUSDT")) for venue in VENUES]


def rows(text: str) -> list[str]:
    """The lines below the head of the table."""
    lines = text.splitlines()
    (head,) = [place for place, line in enumerate(lines) if line.startswith("market")]
    return lines[head + 1 :]


def test_a_narrow_terminal_shows_what_is_told_in_a_line_a_book() -> None:
    """Last trade, the minute's volumes, premium, funding of eight hours, open interest: whole."""
    text = drawn(view(TOLD), width=80)
    row = rows(text)[0].split()
    assert row == [
        *("binance-futures", "BTCUSDT", "63,938.55", "1.23M", "346k", "0.50", "-0.0100%"),
        *("80.1k", "7"),
    ]
    assert all(len(line) <= 80 for line in text.splitlines())


def test_a_wide_one_shows_the_rest() -> None:
    """The mark itself, how many trades, when funding is due, and what was liquidated."""
    row = rows(drawn(view(TOLD), width=140))[0]
    for shown in ("63,941.75", "12,345", "09:00:00", "1.25M/0"):
        assert shown in row


def test_five_books_and_their_alerts_fit_eighty_by_twenty_four() -> None:
    """With every alert that is shown; a lower terminal loses the lower table first."""
    alerts = tuple(an_alert(AlertState.FIRING, name=f"alert-{number}") for number in range(6))
    text = drawn(view(*FIVE, alerts=alerts), width=80)
    lines = text.splitlines()
    assert len(lines) <= 23
    assert len([line for line in lines if "63,938.55" in line]) == 5
    console = Console(file=io.StringIO(), width=80, force_terminal=False)
    console.print(render(view(*FIVE, alerts=alerts), "tidegauge", width=80, height=len(lines)))
    assert isinstance(console.file, io.StringIO)
    assert "63,938.55" not in console.file.getvalue()


def test_a_book_beside_which_nothing_was_told_has_no_line() -> None:
    """Nor has the view a table of nothing."""
    assert "market" not in drawn(view(BOOK))
    assert len(drawn(view(BOOK, TOLD)).splitlines()) == len(drawn(view(BOOK)).splitlines()) + 3


def test_what_was_told_before_an_interruption_is_not_shown_as_told_now() -> None:
    """Dashes until the book is back."""
    lost = replace(TOLD, trust=Trust.SYNCING, reading=None)
    assert rows(drawn(view(lost), width=80))[0].split()[2:] == ["-"] * 7
    assert "63,938.55" not in book_line(lost, view(lost))


def test_what_a_venue_never_tells_is_a_dash_and_no_zero() -> None:
    """A spot market has no mark, no funding, and nothing is liquidated there that it would say."""
    row = rows(drawn(view(replace(BOOK, market=SPOT)), width=80))[0].split()
    assert row[2:] == ["1.2345", "0", "5", "-", "-", "-", "-"]


def test_the_plain_line_says_what_was_told_and_no_more() -> None:
    """What a spot venue never tells is left out, not shown as zero."""
    assert book_line(TOLD, view(TOLD)).endswith(
        "| last 63,938.55 bought 1.23M sold 346k in 1 min mark 63,941.75 premium 0.50 bps"
        " funding -0.0100% per 8 h open interest 80.1k 7 liquidations"
    )
    assert words(SPOT) == "last 1.2345 bought 0 sold 5 in 1 min 2 malformed"


def test_of_an_option_it_is_said_that_nothing_judges_it() -> None:
    """There is no signal to be calm."""
    option = replace(BOOK, crunch=None)
    assert "not judged" in drawn(view(option))
    assert book_line(option, view(option)).endswith("crunch not judged")
