"""A picture of daemons at work, as large as wanted, with something of everything in it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from tidegauge.runtime.histogram import Histogram
from tidegauge.runtime.window.across import (
    ShownDaemon,
    ShownDivergence,
    ShownScore,
    ShownStorage,
    ShownStress,
    ShownSymbol,
    ShownVenue,
)
from tidegauge.runtime.window.books import ShownBand, ShownBook, ShownFill, ShownReading
from tidegauge.runtime.window.desk import ShownAlert, ShownIncident, ShownSilence
from tidegauge.runtime.window.picture import Picture

NOW = datetime(2026, 11, 28, 12, 0, tzinfo=UTC)
EARLIER = NOW - timedelta(hours=1)
DAEMON = "4711"


def histogram(*spans_ms: int) -> Histogram:
    counted = Histogram()
    for span in spans_ms:
        counted.observe(span * 1_000_000)
    return counted


def a_daemon(id_: str = DAEMON, *symbols: str, at: datetime = NOW) -> ShownDaemon:
    return ShownDaemon(
        id=id_,
        run="run",
        version="0.1.0",
        at=at,
        started_at=EARLIER,
        symbols=symbols or ("BTCUSDT",),
        readings=1000,
        conflated=7,
        crashes=0,
        clock_behind_s=0.0,
        storage=a_storage(),
        notifications={"slack/sent": 5, "slack/retrying": 1, "mail/failed": 2},
        notifications_waiting=3,
        feed_to_reading=histogram(1, 2, 30).snapshot(),
        loop_lag=histogram(0, 1).snapshot(),
    )


def a_storage() -> ShownStorage:
    return ShownStorage(
        database="PostgreSQL",
        rows=900,
        waiting=12,
        dropped=0,
        refused=0,
        on_disk=10,
        spool_bytes=65_536,
        waited_s=0.5,
        drain_rate=100.0,
        away=False,
        thinned=None,
        spool_broken=None,
        batches=9,
    )


def a_stress(side: str) -> ShownStress:
    return ShownStress(
        side=side,
        safety="safe",
        haircut=0.5,
        slippage=0.0125,
        filled=1.0,
        largest_safe=Decimal(2_500_000),
        largest_at_least=False,
        best="binance",
        split=(),
    )


def a_symbol(
    name: str = "BTCUSDT", score: float | None = 12.5, daemon: str = DAEMON
) -> ShownSymbol:
    stress = a_stress("sell")
    unknown = replace(stress, side="buy", safety="unknown", slippage=None, largest_safe=None)
    return ShownSymbol(
        symbol=name,
        daemon=daemon,
        score=ShownScore(
            value=score, weather=None if score is None else "calm", incomplete=False, parts=()
        ),
        divergence=ShownDivergence(
            phase="calm", venues=(), fresh=(), judged_bps=4.0, left=(), pairs=()
        ),
        size=Decimal(1_000_000),
        stress=(stress, unknown),
        live=2,
        books=2,
    )


def a_venue(name: str = "binance", daemon: str = DAEMON) -> ShownVenue:
    return ShownVenue(
        venue=name,
        daemon=daemon,
        health="well",
        since=EARLIER,
        live=1,
        books=1,
        reasons={},
        links=1,
        links_open=1,
        frames=1234,
        updates=1200,
        connects=1,
        gaps=2,
        resyncs=3,
        malformed=0,
        audits=4,
        audit_differences=0,
        clock_offset_s=0.002,
        clock_faults=0,
        quarantined=None,
        last_disconnect=None,
        retry_at=None,
        put_off_until=None,
    )


def a_reading() -> ShownReading:
    bands = [
        ShownBand(
            bps=bps,
            bid=Decimal("1234567.25") * bps,
            ask=Decimal(1_000_000) * bps,
            bid_complete=True,
            ask_complete=True,
            imbalance=0.1,
        )
        for bps in (5, 10, 25, 50, 100)
    ]
    fills = [a_fill(side, size) for side in ("sell", "buy") for size in ("10000", "1E+5", "1E+6")]
    return ShownReading(
        at=NOW,
        trace="binance/1/77",
        sequence=1,
        venue_time=NOW,
        latency_s=0.012,
        best_bid=Decimal("61000.1"),
        best_bid_size=Decimal(1),
        best_ask=Decimal("61000.2"),
        best_ask_size=Decimal(2),
        mid=Decimal("61000.15"),
        microprice=61000.14,
        spread=Decimal("0.1"),
        spread_bps=0.0164,
        bid_levels=1000,
        ask_levels=990,
        imbalance=0.05,
        bands=tuple(bands),
        fills=tuple(fills),
        max_sizes=(),
    )


def a_fill(side: str, size: str) -> ShownFill:
    return ShownFill(
        side=side,
        notional=Decimal(size),
        filled=True,
        filled_fraction=1.0,
        base=1.0,
        average=61000.0,
        worst=Decimal(61001),
        slippage_bps=1.5,
        partial_slippage_bps=None,
        cost=15.0,
        floor=False,
    )


def a_book(venue: str = "binance", symbol: str = "BTCUSDT", daemon: str = DAEMON) -> ShownBook:
    return ShownBook(
        venue=venue,
        symbol=symbol,
        daemon=daemon,
        instrument=symbol,
        kind="spot",
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        inverse=False,
        trust="live",
        reason="synchronised",
        since=EARLIER,
        age_s=0.25,
        updates=1200,
        reading=a_reading(),
        crunch=None,
        market=None,
    )


def an_alert(id_: str = "a1", symbol: str = "BTCUSDT", state: str = "firing") -> ShownAlert:
    return ShownAlert(
        id=id_,
        signal="liquidity_crunch",
        symbol=symbol,
        venue="binance",
        side="",
        severity="high",
        worst_severity="high",
        state=state,
        cause="depth",
        causes=("depth",),
        value=1.0,
        threshold=2.0,
        baseline=3.0,
        sentence="Depth is gone.",
        action="pause_asset",
        started_at=EARLIER,
        updated_at=NOW,
        ended_at=None,
        trace="binance/1/77",
        unobserved_since=None,
    )


def an_incident(
    id_: str = "INC-1", symbol: str = "BTCUSDT", *, opened_at: datetime = EARLIER
) -> ShownIncident:
    return ShownIncident(
        id=id_,
        symbol=symbol,
        family="liquidity",
        state="open",
        severity="high",
        worst_severity="high",
        trigger="Depth is gone.",
        impact_quote=Decimal(1200),
        action="pause_asset",
        opened_at=opened_at,
        updated_at=NOW,
        version=1,
        alerts=("a1",),
        firing=("a1",),
        acknowledged_at=None,
        acknowledged_by=None,
        acknowledged_until=None,
        mitigated_at=None,
        resolved_at=None,
        resolved_by=None,
        reopened=0,
    )


def a_silence() -> ShownSilence:
    return ShownSilence(
        id="s1",
        signals=(),
        symbols=("BTCUSDT",),
        venues=(),
        severities=(),
        starts_at=EARLIER,
        ends_at=NOW + timedelta(hours=1),
        author="ann",
        comment="maintenance",
    )


def a_picture(venues: int = 2, symbols: tuple[str, ...] = ("BTCUSDT",)) -> Picture:
    """Return one daemon that watches these symbols on so many venues, at `NOW`."""
    names = ["binance", "kraken", *(f"venue{number}" for number in range(3, venues + 1))][:venues]
    books = {f"{venue}/{symbol}": a_book(venue, symbol) for venue in names for symbol in symbols}
    return Picture(
        at=NOW,
        daemons={DAEMON: a_daemon(DAEMON, *symbols)},
        symbols={name: a_symbol(name) for name in symbols},
        venues={f"{name}@{DAEMON}": a_venue(name) for name in names},
        books=books,
        alerts={"a1": an_alert()},
        incidents={"INC-1": an_incident()},
        silences={"s1": a_silence()},
    )
