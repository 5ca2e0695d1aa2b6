"""The live view: a table that is redrawn on a terminal, plain lines where there is none."""

import asyncio
import io
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from rich.console import Console, Group, JustifyMethod, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from tidegauge.core.alert import Alert, AlertState, Severity
from tidegauge.core.incident import IncidentState
from tidegauge.core.instrument import MILLISECOND
from tidegauge.core.reading import BandDepth, Fill, Reading, Taker
from tidegauge.core.trust import Trust
from tidegauge.risk.status import CrunchPhase, CrunchStatus
from tidegauge.runtime.view import BookView, MonitorView, VenueView

from . import across, figures, market
from .across import SEVERITY_STYLE
from .storing import in_order, stored_line

WIDE = 120
"""Columns of a terminal from which on everything is shown."""

TALL = 200
"""Lines of a terminal on which everything is shown."""

REDRAW_S = 0.5
LINES_EVERY_S = 5.0
SHOWN_ALERTS = 6

TRUST_STYLE = {
    Trust.LIVE: "green",
    Trust.SYNCING: "yellow",
    Trust.STALE: "yellow",
    Trust.UNTRUSTED: "bold red",
}


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table of books."""

    name: str
    least: int | None = None
    number: bool = True
    wide_only: bool = False


COLUMNS = (
    Column("book", 23, number=False),
    Column("trust", 5, number=False),
    Column("bid", 9),
    Column("ask", 9),
    Column("spread", 6, wide_only=True),
    Column("band", 4, wide_only=True),
    Column("depth b/a", 11, wide_only=True),
    Column("sell", 5),
    Column("buy", 5),
    Column("imb", 5, wide_only=True),
    Column("age", 5, wide_only=True),
    Column("crunch", number=False),
)


class View(Protocol):
    """Shows the monitor until it is cancelled."""

    async def show(self, look: Callable[[], MonitorView]) -> None: ...


def view_for(console: Console, *, title: str) -> View:
    """Return the view that fits where the output goes."""
    return TableView(console, title) if console.is_terminal else LineView(console, title)


class TableView:
    """Redraws one table in place, twice a second."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title

    async def show(self, look: Callable[[], MonitorView]) -> None:
        with Live(console=self._console, auto_refresh=False, transient=False) as live:
            while True:
                size = self._console.size
                shown = render(look(), self._title, width=size.width, height=size.height)
                live.update(shown, refresh=True)
                await asyncio.sleep(REDRAW_S)


class LineView:
    """Prints a line a book every few seconds, and each alert as it changes."""

    def __init__(self, console: Console, title: str) -> None:
        self._console = console
        self._title = title
        self._told: dict[str, tuple[AlertState, Severity]] = {}
        self._states: dict[str, IncidentState] = {}

    async def show(self, look: Callable[[], MonitorView]) -> None:
        self._print(self._title)
        next_lines = time.monotonic()
        while True:
            view = look()
            self._tell_alerts(view)
            self._tell_incidents(view)
            if time.monotonic() >= next_lines:
                next_lines += LINES_EVERY_S
                for book in view.books:
                    self._print(book_line(book, view))
                for symbol in () if view.across is None else view.across.symbols:
                    self._print(f"{figures.clock(view.at)} {across.words_of(symbol)}")
                if not view.books:
                    self._tell_venues(view)
            await asyncio.sleep(REDRAW_S)

    def _tell_alerts(self, view: MonitorView) -> None:
        for alert in view.alerts:
            now = (alert.state, alert.severity)
            known = self._told.get(alert.id)
            if now == known or alert.state not in (AlertState.FIRING, AlertState.RESOLVED):
                continue
            self._told[alert.id] = now
            self._print(f"{figures.clock(alert.updated_at)} {alert_line(alert)}")

    def _tell_incidents(self, view: MonitorView) -> None:
        """Each incident as its state changes."""
        for each in () if view.desk is None else (*view.desk.incidents, *view.desk.over):
            if self._states.get(each.id) is not each.state:
                self._states[each.id] = each.state
                said = across.incident_words(each)
                self._print(f"{figures.clock(each.updated_at)} {each.state}: {said}")

    def _tell_venues(self, view: MonitorView) -> None:
        """With no book to show, say what each venue is waiting for."""
        for venue in view.venues:
            why = venue.quarantined or "looking its instruments up"
            self._print(f"{figures.clock(view.at)} {venue.name}: {figures.printable(why)}")

    def _print(self, text: str) -> None:
        self._console.print(text, markup=False, highlight=False, soft_wrap=True)


def book_line(book: BookView, view: MonitorView) -> str:
    """One book, and what is told beside it, in one line of plain text."""
    told = market.now_known(book)
    beside = "" if told is None else f" | {market.words(told)}"
    return f"{_of_book(book, view)}{beside}"


def _of_book(book: BookView, view: MonitorView) -> str:
    head = f"{figures.clock(view.at)} {book.id}"
    reading = book.reading
    if reading is None:
        return f"{head} {book.trust} ({book.reason})"
    band = _judged_band(book, reading)
    bid_depth, ask_depth = _depths(band)
    width = figures.UNKNOWN if band is None else band.bps
    return (
        f"{head} {book.trust} {figures.price(reading.best_bid)}/{figures.price(reading.best_ask)}"
        f" spread {figures.bps(reading.spread_bps)} bps"
        f" depth in {width} bps {bid_depth}/{ask_depth}"
        f" sell {_slippage(reading, Taker.SELL)} buy {_slippage(reading, Taker.BUY)} bps"
        f" imbalance {figures.ratio(reading.imbalance)} crunch {crunch_words(book.crunch)}"
    )


def crunch_words(status: CrunchStatus | None) -> str:
    """What the crunch detector makes of a book, in a few words."""
    if status is None:
        return "not judged"
    if status.phase is CrunchPhase.WARMING:
        return f"warming {status.samples}/{status.samples_needed}"
    alert = status.alert if status.phase is CrunchPhase.FIRING else None
    words = [str(status.phase if alert is None else alert.severity)]
    depth = status.input("depth")
    if depth is not None and depth.harm is not None and depth.robust_z is not None:
        words.append(f"h{depth.harm:+.2f} ({depth.robust_z:.1f}x)")
    if status.noise_limited:
        words.append("noisy")
    return " ".join(words)


def alert_line(alert: Alert) -> str:
    """One alert in one line of plain text."""
    word = "RESOLVED" if alert.state is AlertState.RESOLVED else f"{alert.severity}".upper()
    return f"{word} {alert.sentence}"


def status_line(view: MonitorView) -> str:
    """The whole monitor in one line, as `systemctl status` shows it."""
    live = sum(book.trust is Trust.LIVE for book in view.books)
    firing = sum(alert.state is AlertState.FIRING for alert in view.alerts)
    alerts = f"{firing} alert{'' if firing == 1 else 's'} firing"
    return f"{live} of {len(view.books)} books live, {alerts}, {stored_line(view.storage)}"


def render(
    view: MonitorView, title: str, *, width: int = WIDE, height: int = TALL
) -> RenderableType:
    """Draw the whole view; a narrow terminal loses columns, never digits. A low one loses what is
    told beside the books."""
    wide = width >= WIDE
    uptime = figures.age(view.at - view.started_at)
    head = Text(f"{title}  {figures.clock(view.at)} UTC  up {uptime}", style="bold")
    parts: list[RenderableType] = [
        head,
        _books(view, wide=wide),
        *across.symbol_lines(view),
        *across.incident_lines(view),
        _alerts(view),
        _venues(view, wide=wide),
        _foot(view),
    ]
    told = market.told_books(view.books)
    if told and _lines(parts, width) + len(told) + 1 < height:
        parts.insert(2, market.table(told, wide=wide))
    return Group(*parts)


def _lines(parts: Sequence[RenderableType], width: int) -> int:
    """How many lines of a terminal these take."""
    console = Console(width=width, file=io.StringIO())
    return len(console.render_lines(Group(*parts), pad=False))


def _books(view: MonitorView, *, wide: bool) -> Table:
    table = Table(
        box=None, pad_edge=False, header_style="bold", padding=(0, 2 if wide else 1, 0, 0)
    )
    columns = [column for column in COLUMNS if wide or not column.wide_only]
    for column in columns:
        justify: JustifyMethod = "right" if column.number else "left"
        table.add_column(column.name, justify=justify, no_wrap=True, min_width=column.least)
    for book in view.books:
        cells = _cells(book)
        table.add_row(*(cells.get(column.name, figures.UNKNOWN) for column in columns))
    return table


def _cells(book: BookView) -> dict[str, RenderableType]:
    cells: dict[str, RenderableType] = {
        "book": f"{book.id.venue} {book.id.symbol}",
        "trust": Text(book.trust, style=TRUST_STYLE[book.trust]),
        "age": figures.age(book.age),
        "crunch": f"no reading: {book.reason}",
    }
    reading = book.reading
    if reading is not None:
        band = _judged_band(book, reading)
        cells |= {
            "bid": figures.price(reading.best_bid),
            "ask": figures.price(reading.best_ask),
            "spread": figures.bps(reading.spread_bps),
            "band": figures.UNKNOWN if band is None else f"{band.bps}",
            "depth b/a": "/".join(_depths(band)),
            "sell": _slippage(reading, Taker.SELL),
            "buy": _slippage(reading, Taker.BUY),
            "imb": figures.ratio(reading.imbalance),
            "crunch": _crunch(book),
        }
    return cells


def _crunch(book: BookView) -> Text:
    alert = None if book.crunch is None else book.crunch.alert
    firing = alert is not None and alert.state is AlertState.FIRING
    style = SEVERITY_STYLE[alert.severity] if firing and alert is not None else ""
    return Text(crunch_words(book.crunch), style=style)


def _judged_band(book: BookView, reading: Reading) -> BandDepth | None:
    """The band that the crunch detector judges; before it chose one, the narrowest."""
    chosen = None if book.crunch is None else book.crunch.band
    judged = None if chosen is None else reading.band(chosen)
    return judged or next(iter(reading.bands), None)


def _depths(band: BandDepth | None) -> tuple[str, str]:
    """Bid and ask depth; a + marks a floor, where the band reaches beyond what is known."""
    if band is None:
        return figures.UNKNOWN, figures.UNKNOWN
    bid = figures.money(band.bid_quote) + ("" if band.bid_complete else "+")
    ask = figures.money(band.ask_quote) + ("" if band.ask_complete else "+")
    return bid, ask


def _slippage(reading: Reading, taker: Taker) -> str:
    fill = _middle_fill(reading, taker)
    if fill is None:
        return figures.UNKNOWN
    if fill.slippage_bps is None:
        return f"{fill.filled_fraction:.0%} filled"
    return figures.bps(fill.slippage_bps)


def _middle_fill(reading: Reading, taker: Taker) -> Fill | None:
    wanted = Decimal(500_000)
    fills = [fill for fill in reading.fills if fill.taker is taker]
    return min(fills, key=lambda fill: abs(fill.notional - wanted), default=None)


def _alerts(view: MonitorView) -> RenderableType:
    shown = [a for a in view.alerts if a.state in (AlertState.FIRING, AlertState.RESOLVED)]
    if not shown:
        return Text("no alerts", style="dim")
    lines = []
    for alert in shown[-SHOWN_ALERTS:]:
        style = "green" if alert.state is AlertState.RESOLVED else SEVERITY_STYLE[alert.severity]
        line = f"{figures.clock(alert.updated_at)} {figures.printable(alert_line(alert))}"
        lines.append(Text(line, style=style, no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def _venues(view: MonitorView, *, wide: bool) -> Text:
    return Text("   ".join(_venue(venue, wide=wide) for venue in view.venues), style="dim")


def _venue(venue: VenueView, *, wide: bool) -> str:
    """One venue in numbers; on a narrow terminal what is as it should be is left out."""
    if venue.quarantined is not None:
        return f"{venue.name}: {figures.printable(venue.quarantined)}"
    up = all(connected for _, connected in venue.links) if venue.links else False
    parts = [
        f"{venue.name} {'up' if up else 'down'} {venue.frames:,} frames",
        f"{venue.gaps} gaps {venue.resyncs} resyncs",
    ]
    if wide and venue.audits:
        parts.append(f"{venue.audits:,} audits")
    if venue.audit_differences or (wide and venue.audits):
        parts.append(f"{venue.audit_differences:,} differences")
    if wide and venue.clock_offset is not None:
        parts.append(f"clock {venue.clock_offset / MILLISECOND:.0f}ms behind")
    if venue.clock_faults:
        parts.append(f"{venue.clock_faults:,} clock faults")
    if venue.rolling:
        parts.append("changing over")
    return " ".join(parts + _connections(venue, up=up, wide=wide))


def _connections(venue: VenueView, *, up: bool, wide: bool) -> list[str]:
    """What is left of the budget; for a venue that is down, why it is and when it is tried again."""
    parts, budget = [], venue.budget
    if not up and venue.last_disconnect is not None:
        again = "" if venue.retry_at is None else f", again at {figures.clock(venue.retry_at)}"
        parts.append(f"({figures.printable(venue.last_disconnect)}{again})")
    if budget is not None and budget.banned_until is not None:
        parts.append(f"put off until {figures.clock(budget.banned_until)}")
    if wide and budget is not None:
        sockets = sum(connected for _, connected in venue.links)
        parts.append(f"{sockets} sockets {budget.connects}/{budget.connects_allowed} connects")
        if budget.weight_allowed is not None:
            parts.append(f"weight {budget.weight}/{budget.weight_allowed}")
    return parts


def _foot(view: MonitorView) -> Text:
    conflated = f" ({view.conflated:,} updates read with a later one)" if view.conflated else ""
    return Text(
        f"{view.readings:,} readings{conflated}, {stored_line(view.storage)}",
        style="dim" if view.storage is None or in_order(view.storage) else "yellow",
    )
