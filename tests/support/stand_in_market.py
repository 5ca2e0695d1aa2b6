"""The generated market of the stand-in: three symbols on four venues, one book of which is lost."""

import math
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tests.support import pictures
from tests.support.pictures import DAEMON, a_silence, a_storage, a_stress
from tests.support.stand_in_books import LOST, SYMBOLS, VENUES, a_book, a_reading

from tidegauge.runtime.window.across import (
    ShownDaemon,
    ShownDivergence,
    ShownHistogram,
    ShownPair,
    ShownPart,
    ShownPortion,
    ShownScore,
    ShownSymbol,
    ShownVenue,
)
from tidegauge.runtime.window.desk import ShownAlert, ShownIncident
from tidegauge.runtime.window.picture import Picture

FELL = "Depth within 10 bps of BTCUSDT on binance fell by 58 % to 820k, and selling 500k costs 5.1 bps instead of 1.9."
WEATHER = {"BTCUSDT": (47.0, "stressed"), "ETHUSDT": (21.0, "watch"), "SOLUSDT": (4.0, "calm")}


def a_picture(at: datetime) -> Picture:
    """Return a picture in which BTCUSDT is stressed."""
    books = [a_book(venue, symbol, at) for symbol in SYMBOLS for venue in VENUES]
    incident, alert = an_incident(at), an_alert(at)
    silence = replace(
        a_silence(),
        id="sil-1",
        symbols=("SOLUSDT",),
        severities=("warning",),
        starts_at=at,
        ends_at=at + timedelta(hours=1),
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
    storage = replace(
        a_storage(),
        database="postgresql://…/tidegauge",
        rows=182_334,
        on_disk=12,
        spool_bytes=81_920,
        waited_s=0.2,
        batches=812,
    )
    histogram = ShownHistogram(bounds=(0.001, 0.01), counts=(90, 100), count=100, sum=0.05)
    return replace(
        pictures.a_daemon(DAEMON, *SYMBOLS, at=at),
        started_at=at - timedelta(hours=3),
        readings=91_200,
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
        replace(
            a_stress(side),
            safety=safety if side == "sell" else "safe",
            haircut=0.3,
            slippage=0.0031 if side == "sell" else 0.0009,
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
    return replace(
        pictures.a_venue(venue),
        health="degraded" if lost else "well",
        since=at - timedelta(minutes=4),
        live=2 if lost else 3,
        books=3,
        reasons={"a gap in the sequence": 1} if lost else {},
        frames=120_331,
        updates=2_310_442,
        gaps=1 if lost else 0,
        resyncs=4,
        audits=18,
        clock_offset_s=-0.012,
    )


def an_alert(at: datetime) -> ShownAlert:
    return replace(
        pictures.an_alert("al-1"),
        causes=("depth", "sell_slippage"),
        value=0.86,
        threshold=0.65,
        baseline=1_950_000.0,
        sentence=FELL,
        action="widen_spread",
        started_at=at - timedelta(minutes=3),
        updated_at=at,
        trace="binance/1/9",
        incident="INC-1",
    )


def an_incident(at: datetime) -> ShownIncident:
    return replace(
        pictures.an_incident(opened_at=at - timedelta(minutes=3)),
        trigger=FELL,
        impact_quote=Decimal("1612.40"),
        action="widen_spread",
        updated_at=at,
        alerts=("al-1",),
        firing=("al-1",),
    )
