"""What is told beside the books, for people: a table below theirs, and words for a line."""

from dataclasses import dataclass

from rich.table import Table

from tidegauge.core.activity import Flow
from tidegauge.core.trust import Trust
from tidegauge.runtime.view import BookView, MarketView

from . import figures


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the table."""

    name: str
    least: int
    wide_only: bool = False


COLUMNS = (
    Column("last", 9),
    Column("buy 1m", 6),
    Column("sell 1m", 7),
    Column("trades", 7, wide_only=True),
    Column("mark", 9, wide_only=True),
    Column("prem bps", 8),
    Column("fund 8h", 8),
    Column("next", 8, wide_only=True),
    Column("OI", 5),
    Column("liq", 4),
    Column("liq long/short", 14, wide_only=True),
)


def told_books(books: tuple[BookView, ...]) -> list[BookView]:
    """Return the books beside which anything was told."""
    return [book for book in books if book.market is not None]


def now_known(book: BookView) -> MarketView | None:
    """Return what is told beside a book; None while its feed is interrupted, as that is old."""
    return book.market if book.trust in (Trust.LIVE, Trust.STALE) else None


def table(books: list[BookView], *, wide: bool) -> Table:
    """Draw one line a book. Volumes are quote of the last minute, by taker; `liq` since the start."""
    drawn = Table(
        box=None, pad_edge=False, header_style="bold", padding=(0, 2 if wide else 1, 0, 0)
    )
    drawn.add_column("market", min_width=23, no_wrap=True)
    columns = [column for column in COLUMNS if wide or not column.wide_only]
    for column in columns:
        drawn.add_column(column.name, justify="right", no_wrap=True, min_width=column.least)
    for book in books:
        market = now_known(book)
        cells = {} if market is None else _cells(market)
        name = f"{book.id.venue} {book.id.symbol}"
        drawn.add_row(name, *(cells.get(column.name, figures.UNKNOWN) for column in columns))
    return drawn


def words(market: MarketView) -> str:
    """Say in a line what is told; what never was is left out."""
    said = market.standing
    parts = [
        f"last {figures.price(said.last_price)}" if said.last_price is not None else "",
        f"bought {figures.money(market.bought)} sold {figures.money(market.sold)} in 1 min",
        f"mark {figures.price(said.mark)}" if said.mark is not None else "",
        f"premium {figures.bps(said.premium_bps)} bps" if said.premium_bps is not None else "",
        f"funding {figures.percent(said.funding_8h)} per 8 h"
        if said.funding_8h is not None
        else "",
        f"open interest {figures.amount(said.open_interest)}"
        if said.open_interest is not None
        else "",
        f"{market.total.liquidations:,} liquidations" if market.total.liquidations else "",
        f"{market.malformed:,} malformed" if market.malformed else "",
    ]
    return " ".join(part for part in parts if part)


def _cells(market: MarketView) -> dict[str, str]:
    said, total = market.standing, market.total
    due = said.next_funding_at
    return {
        "last": figures.price(said.last_price),
        "buy 1m": figures.money(market.bought),
        "sell 1m": figures.money(market.sold),
        "trades": f"{total.trades:,}",
        "mark": figures.price(said.mark),
        "prem bps": figures.bps(said.premium_bps),
        "fund 8h": figures.percent(said.funding_8h),
        "next": figures.UNKNOWN if due is None else figures.clock(due),
        "OI": figures.amount(said.open_interest),
        **(_liquidated(total) if market.tells_liquidations else {}),
    }


def _liquidated(total: Flow) -> dict[str, str]:
    closed = (total.liquidated_long_quote, total.liquidated_short_quote)
    return {
        "liq": f"{total.liquidations:,}",
        "liq long/short": "/".join(map(figures.money, closed)),
    }
