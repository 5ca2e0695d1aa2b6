"""What a monitor looks like to a person: one book, one venue, and how the live view draws them."""

import io
from decimal import Decimal

from rich.console import Console
from tests.support.markets import START, reading

from tidegauge.core.alert import Alert, AlertKey
from tidegauge.core.instrument import SECOND, BookId
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.faces.live import render
from tidegauge.risk.crunch import SIGNAL, CrunchDetector
from tidegauge.risk.settings import CrunchSettings
from tidegauge.runtime.view import BookView, MonitorView, StorageView, VenueView

BOOK = BookView(
    id=BookId("binance-futures", "BTCUSDT"),
    instrument="BTCUSDT",
    trust=Trust.LIVE,
    reason=TrustReason.SYNCHRONISED,
    since=START,
    age=51_000_000,
    updates=10,
    best_bid=Decimal("63938.5"),
    best_ask=Decimal("63938.6"),
    reading=reading(START),
    crunch=CrunchDetector(
        AlertKey(signal=SIGNAL, symbol="BTCUSDT", venue="binance-futures"), CrunchSettings()
    ).status(),
)
VENUE = VenueView(
    name="binance-futures",
    links=(("book", True),),
    frames=1234,
    updates=1200,
    connects=1,
    gaps=2,
    resyncs=3,
    malformed=0,
    quarantined=None,
)


def view(*books: BookView, alerts: tuple[Alert, ...] = (), venue: VenueView = VENUE) -> MonitorView:
    return MonitorView(
        at=START + 5 * SECOND,
        started_at=START,
        books=books,
        venues=(venue,),
        alerts=alerts,
        conflated=0,
        readings=42,
        storage=StorageView(database="embedded PostgreSQL", rows=7, waiting=1),
    )


def drawn(shown: MonitorView, width: int = 140) -> str:
    console = Console(file=io.StringIO(), width=width, force_terminal=False)
    console.print(render(shown, "tidegauge", width=width))
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()
