"""The generated market of the stand-in: three symbols on four venues, one book of which is lost."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tidegauge.runtime.window.across import (
    ShownDaemon,
    ShownDivergence,
    ShownHistogram,
    ShownPair,
    ShownPart,
    ShownPortion,
    ShownScore,
    ShownStorage,
    ShownStress,
    ShownSymbol,
    ShownVenue,
)
from tidegauge.runtime.window.books import (
    ShownBand,
    ShownBook,
    ShownCrunch,
    ShownFill,
    ShownInput,
    ShownLadder,
    ShownMarket,
    ShownReading,
)
from tidegauge.runtime.window.desk import ShownAlert, ShownIncident, ShownSilence
from tidegauge.runtime.window.picture import Picture

VENUES = ("binance", "bybit-linear", "coinbase", "okx")
SYMBOLS = {"BTCUSDT": Decimal(61_000), "ETHUSDT": Decimal(3_300), "SOLUSDT": Decimal("182.5")}
LOST = ("coinbase", "ETHUSDT")
WEATHER = {"BTCUSDT": (47.0, "stressed"), "ETHUSDT": (21.0, "watch"), "SOLUSDT": (4.0, "calm")}
DAEMON = "4711"


def a_picture(at: datetime) -> Picture:
    """Return a picture in which BTCUSDT is stressed."""
    books = [a_book(venue, symbol, at) for symbol in SYMBOLS for venue in VENUES]
    incident, alert = an_incident(at), an_alert(at)
    silence = ShownSilence(
        id="sil-1",
        signals=(),
        symbols=("SOLUSDT",),
        venues=(),
        severities=("warning",),
        starts_at=at,
        ends_at=at + timedelta(hours=1),
        author="ann",
        comment="The listing moves; we know.",
    )
    return Picture(
        at=at,
        daemons={DAEMON: a_daemon(at)},
        symbols={symbol: a_symbol(symbol) for symbol in SYMBOLS},
        venues={f"{venue}@{DAEMON}": a_venue(venue, at) for venue in VENUES},
        books={f"{book.venue}/{book.symbol}": book for book in books},
        alerts={alert.id: alert},
        incidents={
            incident.id: incident,
            "INC-over": replace(
                incident,
                id="INC-over",
                symbol="ETHUSDT",
                family="divergence",
                state="resolved",
                opened_at=at - timedelta(hours=2),
                resolved_at=at - timedelta(hours=1),
                resolved_by="tidegauge",
                trigger="coinbase is 24 bps dearer than three others.",
                firing=(),
                alerts=(),
            ),
        },
        silences={silence.id: silence},
    )


def moved(picture: Picture, at: datetime, tick: int) -> Picture:
    """Return the picture a moment later."""
    books = {
        key: replace(
            book,
            reading=a_reading(book.symbol, at, tick, VENUES.index(book.venue)),
            updates=book.updates + 9,
        )
        if book.reading
        else book
        for key, book in picture.books.items()
    }
    daemons = {
        id_: replace(each, at=at, readings=each.readings + 3)
        for id_, each in picture.daemons.items()
    }
    symbols = {
        name: replace(each, score=a_score(name, math.sin(tick / 5)))
        for name, each in picture.symbols.items()
    }
    return replace(picture, at=at, books=books, daemons=daemons, symbols=symbols)


def a_daemon(at: datetime) -> ShownDaemon:
    storage = ShownStorage(
        database="postgresql://…/tidegauge",
        rows=182_334,
        waiting=12,
        dropped=0,
        refused=0,
        on_disk=12,
        spool_bytes=81_920,
        waited_s=0.2,
        drain_rate=900.0,
        away=False,
        thinned=None,
        spool_broken=None,
        batches=812,
    )
    histogram = ShownHistogram(bounds=(0.001, 0.01), counts=(90, 100), count=100, sum=0.05)
    return ShownDaemon(
        id=DAEMON,
        run="run-1",
        version="0.1.0",
        at=at,
        started_at=at - timedelta(hours=3),
        symbols=tuple(SYMBOLS),
        readings=91_200,
        conflated=3,
        crashes=0,
        clock_behind_s=0.0,
        storage=storage,
        notifications={"slack/sent": 3},
        notifications_waiting=0,
        feed_to_reading=histogram,
        loop_lag=histogram,
    )


def a_score(symbol: str, swing: float = 0.0) -> ShownScore:
    whole, weather = WEATHER[symbol]
    whole += swing
    shares = {
        "crunch": 0.5,
        "slippage": 0.25,
        "stress": 0.15,
        "spread": 0.1,
        "divergence": 0.0,
        "health": 0.0,
    }
    parts = tuple(
        ShownPart(
            name=name,
            value=0.9 * share,
            points=whole,
            weight=0.2,
            share=whole * share,
            missing_since=None,
        )
        for name, share in shares.items()
    )
    return ShownScore(value=whole, weather=weather, incomplete=symbol == "ETHUSDT", parts=parts)


def a_symbol(symbol: str) -> ShownSymbol:
    live = tuple(venue for venue in VENUES if (venue, symbol) != LOST)
    pairs = tuple(
        ShownPair(
            one=one,
            other=other,
            phase="calm" if LOST[1] != symbol or LOST[0] not in (one, other) else "unseen",
            raw_bps=2.0 + at - 3 * step,
            deviation_bps=1.5 * at - 2 * step,
            premium_bps=0.5,
            executable_bps=None,
        )
        for at, one in enumerate(VENUES)
        for step, other in enumerate(VENUES[at + 1 :])
    )
    judged = {"BTCUSDT": 4.5, "ETHUSDT": 7.25, "SOLUSDT": 1.2}[symbol]
    safety = {"BTCUSDT": "unsafe", "ETHUSDT": "elevated", "SOLUSDT": "safe"}[symbol]
    stress = tuple(
        ShownStress(
            side=side,
            safety=safety if side == "sell" else "safe",
            haircut=0.3,
            slippage=0.0031 if side == "sell" else 0.0009,
            filled=1.0,
            largest_safe=Decimal(640_000),
            largest_at_least=side == "buy",
            best=live[0],
            split=tuple(
                ShownPortion(
                    venue=venue, quote=Decimal(250_000), share=1 / len(live), average=61_000.0
                )
                for venue in live
            ),
        )
        for side in ("sell", "buy")
    )
    return ShownSymbol(
        symbol=symbol,
        daemon=DAEMON,
        score=a_score(symbol),
        divergence=ShownDivergence(
            phase="calm", venues=VENUES, fresh=live, judged_bps=judged, left=(), pairs=pairs
        ),
        size=Decimal(1_000_000),
        stress=stress,
        live=len(live),
        books=len(VENUES),
    )


def a_venue(venue: str, at: datetime) -> ShownVenue:
    lost = venue == LOST[0]
    return ShownVenue(
        venue=venue,
        daemon=DAEMON,
        health="degraded" if lost else "well",
        since=at - timedelta(minutes=4),
        live=2 if lost else 3,
        books=3,
        reasons={"a gap in the sequence": 1} if lost else {},
        links=1,
        links_open=1,
        frames=120_331,
        updates=2_310_442,
        connects=1,
        gaps=1 if lost else 0,
        resyncs=4,
        malformed=0,
        audits=18,
        audit_differences=0,
        clock_offset_s=-0.012,
        clock_faults=0,
        quarantined=None,
        last_disconnect=None,
        retry_at=None,
        put_off_until=None,
    )


def a_book(venue: str, symbol: str, at: datetime) -> ShownBook:
    lost = (venue, symbol) == LOST
    perp = venue == "bybit-linear"
    market = ShownMarket(
        last_price=SYMBOLS[symbol],
        mark=SYMBOLS[symbol] + 1 if perp else None,
        index=None,
        funding_rate=Decimal("0.0001") if perp else None,
        next_funding_at=at + timedelta(hours=2) if perp else None,
        open_interest=Decimal(48_210) if perp else None,
        bought=Decimal(1_240_000),
        sold=Decimal(2_110_000),
        trades=482,
        liquidations=3 if perp else None,
    )
    return ShownBook(
        venue=venue,
        symbol=symbol,
        daemon=DAEMON,
        instrument=symbol,
        kind="perp" if perp else "spot",
        base=symbol.removesuffix("USDT"),
        quote="USDT",
        inverse=False,
        trust="UNTRUSTED" if lost else "LIVE",
        reason="a gap in the sequence: 1120 follows 1115" if lost else "",
        since=at - timedelta(minutes=4),
        age_s=0.12,
        updates=220_100,
        reading=None if lost else a_reading(symbol, at, 0, VENUES.index(venue)),
        crunch=a_crunch(symbol),
        market=market,
    )


def a_crunch(symbol: str) -> ShownCrunch:
    bad = symbol == "BTCUSDT"
    rows = (
        ("depth", 820_000.0, 1_950_000.0, 5.4),
        ("bid_depth", 310_000.0, 980_000.0, 6.1),
        ("ask_depth", 510_000.0, 970_000.0, 3.2),
        ("spread", 0.31, 0.14, 2.2),
        ("sell_slippage", 5.1, 1.9, 4.4),
        ("buy_slippage", 2.2, 1.8, 0.6),
        ("sell_fill", 1.0, 1.0, 0.0),
        ("imbalance", -0.4, 0.02, 1.1),
    )
    inputs = tuple(
        ShownInput(
            name=name,
            value=value if bad else usual,
            baseline=usual,
            harm=0.8,
            robust_z=z if bad else 0.2,
            textbook_z=z / 2 if bad else 0.1,
            samples=1200,
            frozen=False,
        )
        for name, value, usual, z in rows
    )
    return ShownCrunch(
        phase="firing" if bad else "calm",
        samples=1200,
        samples_needed=300,
        noise_limited=False,
        band=10,
        reference_notional=Decimal(500_000),
        reference_too_large=False,
        inputs=inputs,
        alert="al-1" if bad else None,
    )


def a_reading(symbol: str, at: datetime, tick: int, number: int) -> ShownReading:
    mid = SYMBOLS[symbol] * (1 + Decimal(number + tick % 7) / 20_000)
    tall = Decimal(1 + (tick + number) % 5) / 5 + 1
    bands = tuple(
        ShownBand(
            bps=bps,
            bid=bps * 40_000 * tall,
            ask=bps * 38_000 * tall,
            bid_complete=bps < 100,
            ask_complete=True,
            imbalance=0.02,
        )
        for bps in (1, 2, 5, 10, 25, 50, 100)
    )
    fills = tuple(
        ShownFill(
            side=side,
            notional=Decimal(size),
            filled=True,
            filled_fraction=1.0,
            base=1.0,
            average=float(mid),
            worst=mid,
            slippage_bps=0.5 + size / 500_000,
            partial_slippage_bps=None,
            cost=12.0,
            floor=False,
        )
        for side in ("sell", "buy")
        for size in (100_000, 1_000_000)
    )
    return ShownReading(
        at=at,
        trace="binance/1/9",
        sequence=tick,
        venue_time=at,
        latency_s=0.018,
        best_bid=mid - 1,
        best_bid_size=Decimal(1),
        best_ask=mid + 1,
        best_ask_size=Decimal(1),
        mid=mid.quantize(Decimal("0.01")),
        microprice=float(mid),
        spread=Decimal(2),
        spread_bps=0.15 + tick % 3 / 50,
        bid_levels=4_210,
        ask_levels=3_987,
        imbalance=0.04,
        bands=bands,
        fills=fills,
        max_sizes=(),
    )


def a_ladder(book: ShownBook, levels: int, at: datetime, tick: int) -> ShownLadder:
    """Return the levels of a book; none where it is not live."""
    if book.reading is None or book.reading.mid is None:
        return ShownLadder(
            venue=book.venue,
            symbol=book.symbol,
            at=at,
            trust=book.trust,
            mid=None,
            bids=(),
            asks=(),
            bid_more=False,
            ask_more=False,
        )
    mid, cent = book.reading.mid, Decimal("0.01")
    step = (mid / 50_000).quantize(cent)

    def side(sign: int) -> tuple[tuple[Decimal, Decimal], ...]:
        return tuple(
            (
                (mid + sign * step * at).quantize(cent),
                (Decimal(30_000 + (at * 7919 + tick * 13) % 60_000) / mid).quantize(
                    Decimal("0.0001")
                ),
            )
            for at in range(1, levels + 1)
        )

    return ShownLadder(
        venue=book.venue,
        symbol=book.symbol,
        at=at,
        trust=book.trust,
        mid=mid,
        bids=side(-1),
        asks=side(1),
        bid_more=True,
        ask_more=True,
    )


def an_alert(at: datetime) -> ShownAlert:
    return ShownAlert(
        id="al-1",
        signal="liquidity_crunch",
        symbol="BTCUSDT",
        venue="binance",
        side="",
        severity="high",
        worst_severity="high",
        state="firing",
        cause="depth",
        causes=("depth", "sell_slippage"),
        value=0.86,
        threshold=0.65,
        baseline=1_950_000.0,
        sentence="Depth within 10 bps of BTCUSDT on binance fell by 58 % to 820k, and selling 500k costs 5.1 bps instead of 1.9.",
        action="widen_spread",
        started_at=at - timedelta(minutes=3),
        updated_at=at,
        ended_at=None,
        trace="binance/1/9",
        unobserved_since=None,
        incident="INC-1",
    )


def an_incident(at: datetime) -> ShownIncident:
    return ShownIncident(
        id="INC-1",
        symbol="BTCUSDT",
        family="liquidity",
        state="open",
        severity="high",
        worst_severity="high",
        trigger="Depth within 10 bps of BTCUSDT on binance fell by 58 % to 820k, and selling 500k costs 5.1 bps instead of 1.9.",
        impact_quote=Decimal("1612.40"),
        action="widen_spread",
        opened_at=at - timedelta(minutes=3),
        updated_at=at,
        version=1,
        alerts=("al-1",),
        firing=("al-1",),
        acknowledged_at=None,
        acknowledged_by=None,
        acknowledged_until=None,
        mitigated_at=None,
        resolved_at=None,
        resolved_by=None,
        reopened=0,
    )
