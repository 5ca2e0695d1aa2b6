"""The generated market of the stand-in: three symbols on four venues, one book of which is lost."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tests.support.stand_in_books import DAEMON, LOST, SYMBOLS, VENUES, a_book, a_reading

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
from tidegauge.runtime.window.desk import ShownAlert, ShownIncident, ShownSilence
from tidegauge.runtime.window.picture import Picture

WEATHER = {"BTCUSDT": (47.0, "stressed"), "ETHUSDT": (21.0, "watch"), "SOLUSDT": (4.0, "calm")}


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
