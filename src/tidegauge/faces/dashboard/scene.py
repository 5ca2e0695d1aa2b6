"""One symbol as it is shown at one instant: of the stream, of what was kept of it, or of the database."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from tidegauge.runtime.window.across import ShownDaemon, ShownSymbol, ShownVenue, worst_first
from tidegauge.runtime.window.books import ShownBook, ShownLadder, ShownReading
from tidegauge.runtime.window.desk import ShownAlert, ShownIncident, ShownSilence

from .mirror import instant_of
from .records import Reader

LIVE = "live"
SEVERITIES = ("critical", "high", "warning", "info")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Slippage of one size on one side, None where it does not fill; `filled`: how much of it does."""

    bps: float | None
    filled: float | None = None
    floor: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """What rests within a band, in quote; not complete: at least so much."""

    bid: Decimal
    ask: Decimal
    bid_complete: bool = True
    ask_complete: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What is measured of a book that may be trusted. `costs` by taker's side and size, `bands` by bps."""

    mid: Decimal | None
    spread_bps: float | None
    imbalance: float | None
    bands: Mapping[int, Band]
    costs: Mapping[tuple[str, Decimal], Cost]
    z: Mapping[str, float | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One book. `measures` is None unless it is live: then `reason` says why not."""

    venue: str
    quote: str = ""
    base: str = ""
    inverse: bool = False
    trust: str
    reason: str
    since: datetime | None = None
    age_s: float | None = None
    latency_s: float | None = None
    phase: str | None = None
    measures: Measures | None = None

    @property
    def live(self) -> bool:
        """Whether its numbers may be shown."""
        return self.trust == LIVE and self.measures is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """All that is shown. `stored`: it comes from the database, which keeps no ladders."""

    at: datetime
    symbol: str
    symbols: tuple[str, ...] = ()
    rows: tuple[Row, ...] = ()
    ladders: Mapping[str, ShownLadder] = field(default_factory=dict)
    summary: ShownSymbol | None = None
    feeds: tuple[ShownVenue, ...] = ()
    alerts: tuple[ShownAlert, ...] = ()
    incidents: tuple[ShownIncident, ...] = ()
    silences: tuple[ShownSilence, ...] = ()
    daemons: tuple[ShownDaemon, ...] = ()
    stored: bool = False

    def row(self, venue: str) -> Row | None:
        """Return the book of a venue."""
        return next((each for each in self.rows if each.venue == venue), None)

    @property
    def unseen(self) -> str:
        """Say why there is no book of the symbol."""
        watching = next((each.id for each in self.daemons if self.symbol in each.symbols), None)
        if watching is None or self.rows:
            return "no venue of this symbol is watched here"
        return f"daemon {watching}, which watches it, shows nothing of it now"

    @property
    def open_incidents(self) -> tuple[ShownIncident, ...]:
        """Return the incidents that are not resolved."""
        return tuple(each for each in self.incidents if each.state != "resolved")


def scene_of(document: Mapping[str, Any], symbol: str, reader: Reader) -> Scene:
    """Return what a document shows of a symbol. Needs a document that `Mirror` has let through."""
    picture, ladders = document["picture"], document.get("ladders") or {}
    at = instant_of(picture["at"])
    assert at is not None
    summaries = reader.all(ShownSymbol, "symbols", picture.get("symbols"))
    books = reader.all(ShownBook, "books", picture.get("books"))
    feeds = reader.all(ShownVenue, "venues", picture.get("venues"))
    daemons = reader.all(ShownDaemon, "daemons", picture.get("daemons"))
    shown = reader.all(ShownLadder, "ladders", ladders)
    rows = sorted((each for each in books.values() if each.symbol == symbol), key=lambda b: b.venue)
    summary = summaries.get(symbol)
    return Scene(
        at=at,
        symbol=symbol,
        symbols=tuple(each.symbol for each in worst_first(summaries.values())),
        rows=tuple(row_of(each) for each in rows),
        ladders={each.venue: each for each in shown.values() if each.symbol == symbol},
        summary=summary,
        feeds=_feeds_of(feeds.values(), summary, {each.venue for each in rows}),
        alerts=_alerts(reader.all(ShownAlert, "alerts", picture.get("alerts")).values(), symbol),
        incidents=_incidents(
            reader.all(ShownIncident, "incidents", picture.get("incidents")).values(), symbol
        ),
        silences=tuple(reader.all(ShownSilence, "silences", picture.get("silences")).values()),
        daemons=tuple(daemons.values()),
    )


def row_of(book: ShownBook) -> Row:
    """Return the row of a book; one that is not live has no measures, whatever else is told of it."""
    reading = book.reading if book.trust == LIVE else None
    return Row(
        venue=book.venue,
        quote=book.quote,
        base=book.base,
        inverse=book.inverse,
        trust=book.trust,
        reason=book.reason,
        since=book.since,
        age_s=book.age_s,
        latency_s=None if reading is None else reading.latency_s,
        phase=None if book.crunch is None else book.crunch.phase,
        measures=None if reading is None else _measures(reading, book),
    )


def _measures(reading: ShownReading, book: ShownBook) -> Measures:
    inputs = () if book.crunch is None else book.crunch.inputs
    return Measures(
        mid=reading.mid,
        spread_bps=reading.spread_bps,
        imbalance=reading.imbalance,
        bands={
            each.bps: Band(
                bid=each.bid,
                ask=each.ask,
                bid_complete=each.bid_complete,
                ask_complete=each.ask_complete,
            )
            for each in reading.bands
        },
        costs={
            (each.side, each.notional): Cost(
                bps=each.slippage_bps, filled=each.filled_fraction, floor=each.floor
            )
            for each in reading.fills
        },
        z={each.name: each.robust_z for each in inputs},
    )


def _feeds_of(
    feeds: Iterable[ShownVenue], summary: ShownSymbol | None, venues: set[str]
) -> tuple[ShownVenue, ...]:
    """Return the feeds of the symbol's daemon; all, where nobody says which daemon that is."""
    shown = [each for each in feeds if summary is None or each.daemon == summary.daemon]
    return tuple(sorted(shown, key=lambda each: (each.venue not in venues, each.venue)))


def _rank(severity: str) -> int:
    return SEVERITIES.index(severity) if severity in SEVERITIES else -1


def _alerts(alerts: Iterable[ShownAlert], symbol: str) -> tuple[ShownAlert, ...]:
    """Return alerts: those that fire first, of this symbol first, the gravest first, the newest first."""

    def key(each: ShownAlert) -> tuple[bool, bool, int, float]:
        elsewhere = each.symbol not in (symbol, "*")
        over = each.state == "resolved"
        return over, elsewhere, _rank(each.severity), -each.started_at.timestamp()

    return tuple(sorted(alerts, key=key))


def _incidents(incidents: Iterable[ShownIncident], symbol: str) -> tuple[ShownIncident, ...]:
    """Return incidents in the same order: what waits for somebody first."""

    def key(each: ShownIncident) -> tuple[bool, bool, bool, int, float]:
        elsewhere = each.symbol not in (symbol, "*")
        over, taken = each.state == "resolved", each.state != "open"
        return over, elsewhere, taken, _rank(each.severity), -each.opened_at.timestamp()

    return tuple(sorted(incidents, key=key))
