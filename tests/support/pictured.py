"""A made-up picture of six books and what is judged of them, which moves from step to step."""

import math
import random
from collections.abc import Collection
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tests.support.pictures import (
    DAEMON,
    a_book,
    a_daemon,
    a_fill,
    a_storage,
    a_stress,
    a_venue,
    an_alert,
    an_incident,
)

from tidegauge import __version__
from tidegauge.runtime.window.across import (
    ShownDaemon,
    ShownDivergence,
    ShownHistogram,
    ShownPair,
    ShownPart,
    ShownScore,
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
    ShownReading,
)
from tidegauge.runtime.window.desk import ShownAlert, ShownIncident
from tidegauge.runtime.window.picture import Picture

VENUES = ("binance", "binance-futures", "bybit-linear", "bybit-spot", "hyperliquid", "kraken-spot")
SYMBOLS = ("BTCUSDT", "ETHUSDT")
SIZES = (100_000, 500_000, 1_000_000)
BANDS = (10, 50, 100)
INPUTS = ("depth", "bid_depth", "ask_depth", "spread", "sell_slippage", "buy_slippage", "imbalance")
WHY = "a gap in the updates"


def picture_at(
    step: int, at: datetime, *, untrusted: Collection[str] = (), levels: int = 20
) -> tuple[Picture, dict[str, ShownLadder]]:
    """Return the picture of one step, and the ladders of all its books."""
    books, ladders = {}, {}
    for symbol in SYMBOLS:
        for place, venue in enumerate(VENUES):
            key = f"{venue}/{symbol}"
            chance = random.Random(f"{key}{step}")
            base = (64_000 if symbol == "BTCUSDT" else 3_400) + 10 * math.sin(step / 40) + place
            trusted = venue not in untrusted
            ladders[key] = _ladder(venue, symbol, at, base, chance, levels if trusted else 0)
            books[key] = _book(ladders[key], at, step, chance, trusted=trusted)
    alert, incident = _alert(at), _incident(at)
    picture = Picture(
        at=at,
        daemons={DAEMON: _daemon(at, step)},
        symbols={each: _symbol(each, step, len(VENUES) - len(set(untrusted))) for each in SYMBOLS},
        venues={f"{each}@{DAEMON}": _venue(each, step, each in untrusted) for each in VENUES},
        books=books,
        alerts={alert.id: alert},
        incidents={incident.id: incident},
    )
    return picture, ladders


def _ladder(
    venue: str, symbol: str, at: datetime, base: float, chance: random.Random, levels: int
) -> ShownLadder:
    def side(sign: int) -> tuple[tuple[Decimal, Decimal], ...]:
        prices = (base + sign * (0.1 + 0.4 * n) for n in range(levels))
        return tuple(
            (Decimal(f"{price:.2f}"), Decimal(f"{chance.expovariate(1):.4f}")) for price in prices
        )

    bids, asks = side(-1), side(1)
    return ShownLadder(
        venue=venue,
        symbol=symbol,
        at=at,
        trust="live" if levels else "stale",
        mid=(bids[0][0] + asks[0][0]) / 2 if levels else None,
        bids=bids,
        asks=asks,
        bid_more=True,
        ask_more=True,
    )


def _book(
    ladder: ShownLadder, at: datetime, step: int, chance: random.Random, *, trusted: bool
) -> ShownBook:
    return replace(
        a_book(ladder.venue, ladder.symbol),
        trust="live" if trusted else "stale",
        reason="synchronised" if trusted else WHY,
        since=at.replace(microsecond=0) - timedelta(seconds=at.second),
        age_s=chance.random() / 2,
        updates=step * 10,
        reading=_reading(ladder, at, step, chance) if trusted else None,
        crunch=_crunch(chance) if trusted else None,
    )


def _reading(ladder: ShownLadder, at: datetime, step: int, chance: random.Random) -> ShownReading:
    bid, ask, mid = ladder.bids[0], ladder.asks[0], ladder.mid
    assert mid is not None
    return ShownReading(
        at=at,
        trace=f"{ladder.venue}/1/{step}",
        sequence=step,
        venue_time=None,
        latency_s=chance.random() / 20,
        best_bid=bid[0],
        best_bid_size=bid[1],
        best_ask=ask[0],
        best_ask_size=ask[1],
        mid=mid,
        microprice=float(mid),
        spread=ask[0] - bid[0],
        spread_bps=float((ask[0] - bid[0]) / mid) * 10_000 + chance.random() / 100,
        bid_levels=700,
        ask_levels=700,
        imbalance=chance.gauss(0, 0.2),
        bands=tuple(_band(each, chance) for each in BANDS),
        fills=tuple(_fill(side, size, mid, chance) for side in ("sell", "buy") for size in SIZES),
        max_sizes=(),
    )


def _band(bps: int, chance: random.Random) -> ShownBand:
    bid, ask = (Decimal(round(bps * 250_000 * (0.8 + chance.random() / 2))) for _ in "ba")
    return ShownBand(
        bps=bps, bid=bid, ask=ask, bid_complete=True, ask_complete=bps < 100, imbalance=0.1
    )


def _fill(side: str, size: int, mid: Decimal, chance: random.Random) -> ShownFill:
    return replace(
        a_fill(side, str(size)),
        base=size / float(mid),
        average=float(mid),
        worst=mid,
        slippage_bps=size / 600_000 * (0.8 + chance.random() / 2),
        cost=1.0,
    )


def _crunch(chance: random.Random) -> ShownCrunch:
    return ShownCrunch(
        phase="calm",
        samples=100,
        samples_needed=60,
        noise_limited=False,
        band=10,
        reference_notional=Decimal(500_000),
        reference_too_large=False,
        inputs=tuple(
            ShownInput(
                name=name,
                value=1.0,
                baseline=1.0,
                harm=0.1,
                robust_z=chance.gauss(1, 1),
                textbook_z=0.2,
                samples=100,
                frozen=False,
            )
            for name in INPUTS
        ),
        alert=None,
    )


def _symbol(symbol: str, step: int, live: int) -> ShownSymbol:
    chance = random.Random(f"{symbol}{step}")
    parts = [("crunch", 0.3), ("spread", 0.1), ("slippage", 0.2), ("divergence", 0.1)]
    parts += [("stress", 0.15), ("health", 0.15)]
    return ShownSymbol(
        symbol=symbol,
        daemon=DAEMON,
        score=ShownScore(
            value=34.0 + chance.random() if symbol == "BTCUSDT" else 3.0,
            weather="watch" if symbol == "BTCUSDT" else "calm",
            incomplete=False,
            parts=tuple(
                ShownPart(
                    name=name,
                    value=1.0 + chance.random(),
                    points=40 * chance.random(),
                    weight=weight,
                    share=weight * 30,
                    missing_since=None,
                )
                for name, weight in parts
            ),
        ),
        divergence=_divergence(chance),
        size=Decimal(500_000),
        stress=tuple(
            replace(
                a_stress(side),
                slippage=0.0003,
                largest_safe=Decimal(2_000_000),
                largest_at_least=True,
            )
            for side in ("sell", "buy")
        ),
        live=live,
        books=len(VENUES),
    )


def _divergence(chance: random.Random) -> ShownDivergence:
    pairs = [(a, b) for n, a in enumerate(VENUES) for b in VENUES[n + 1 :]]
    return ShownDivergence(
        phase="calm",
        venues=VENUES,
        fresh=VENUES,
        judged_bps=0.5 + chance.random(),
        left=(),
        pairs=tuple(
            ShownPair(
                one=one,
                other=other,
                phase="calm",
                raw_bps=chance.gauss(0, 1),
                deviation_bps=chance.gauss(0, 0.4),
                premium_bps=chance.gauss(0, 1),
                executable_bps=None,
            )
            for one, other in pairs
        ),
    )


def _venue(venue: str, step: int, is_down: bool) -> ShownVenue:
    return replace(
        a_venue(venue),
        health="degraded" if is_down else "well",
        since=None,
        live=1 if is_down else 2,
        books=2,
        reasons={WHY: 1} if is_down else {},
        frames=step * 40,
        updates=step * 38,
        gaps=3 if is_down else 0,
        resyncs=3 if is_down else 0,
        audits=step // 100,
        clock_offset_s=0.004,
    )


def _daemon(at: datetime, step: int) -> ShownDaemon:
    histogram = ShownHistogram(
        bounds=(0.001, 0.005, 0.05), counts=(90, 99, 100), count=100, sum=0.1
    )
    storage = replace(
        a_storage(),
        rows=step * 12,
        waiting=4,
        on_disk=0,
        spool_bytes=0,
        waited_s=0.1,
        batches=step,
    )
    return replace(
        a_daemon(DAEMON, *SYMBOLS, at=at),
        version=__version__,
        started_at=at - timedelta(hours=2),
        readings=step * 12,
        conflated=0,
        storage=storage,
        notifications={},
        notifications_waiting=0,
        feed_to_reading=histogram,
        loop_lag=histogram,
    )


def _alert(at: datetime) -> ShownAlert:
    minute = at.replace(second=0, microsecond=0)
    return replace(
        an_alert("alert-1"),
        venue="kraken-spot",
        sentence="Depth within 10 bps fell to 40 % of usual on kraken-spot BTCUSDT.",
        action="reduce_size",
        started_at=minute,
        updated_at=minute,
        trace="kraken-spot/1/2",
        incident="INC-1",
    )


def _incident(at: datetime) -> ShownIncident:
    minute = at.replace(second=0, microsecond=0)
    return replace(
        an_incident(opened_at=minute),
        trigger="Depth within 10 bps fell to 40 % of usual on kraken-spot BTCUSDT. Quote half the size.",
        impact_quote=Decimal("398.85"),
        action="reduce_size",
        updated_at=minute,
        version=3,
        alerts=("alert-1",),
        firing=("alert-1",),
    )
