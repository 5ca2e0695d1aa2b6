"""A made-up picture of six books and what is judged of them, which moves from step to step."""

import math
import random
from collections.abc import Collection
from datetime import datetime, timedelta
from decimal import Decimal

from tidegauge import __version__
from tidegauge.runtime.window.across import (
    ShownDaemon,
    ShownDivergence,
    ShownHistogram,
    ShownPair,
    ShownPart,
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
        daemons={"4711": _daemon(at, step)},
        symbols={each: _symbol(each, step, len(VENUES) - len(set(untrusted))) for each in SYMBOLS},
        venues={f"{each}@4711": _venue(each, step, each in untrusted) for each in VENUES},
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
    return ShownBook(
        venue=ladder.venue,
        symbol=ladder.symbol,
        daemon="4711",
        instrument=ladder.symbol,
        kind="spot",
        base=ladder.symbol.removesuffix("USDT"),
        quote="USDT",
        inverse=False,
        trust="live" if trusted else "stale",
        reason="synchronised" if trusted else WHY,
        since=at.replace(microsecond=0) - timedelta(seconds=at.second),
        age_s=chance.random() / 2,
        updates=step * 10,
        reading=_reading(ladder, at, step, chance) if trusted else None,
        crunch=_crunch(chance) if trusted else None,
        market=None,
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
    return ShownFill(
        side=side,
        notional=Decimal(size),
        filled=True,
        filled_fraction=1.0,
        base=size / float(mid),
        average=float(mid),
        worst=mid,
        slippage_bps=size / 600_000 * (0.8 + chance.random() / 2),
        partial_slippage_bps=None,
        cost=1.0,
        floor=False,
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
        daemon="4711",
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
            ShownStress(
                side=side,
                safety="safe",
                haircut=0.5,
                slippage=0.0003,
                filled=1.0,
                largest_safe=Decimal(2_000_000),
                largest_at_least=True,
                best="binance",
                split=(),
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
    return ShownVenue(
        venue=venue,
        daemon="4711",
        health="degraded" if is_down else "well",
        since=None,
        live=1 if is_down else 2,
        books=2,
        reasons={WHY: 1} if is_down else {},
        links=1,
        links_open=1,
        frames=step * 40,
        updates=step * 38,
        connects=1,
        gaps=3 if is_down else 0,
        resyncs=3 if is_down else 0,
        malformed=0,
        audits=step // 100,
        audit_differences=0,
        clock_offset_s=0.004,
        clock_faults=0,
        quarantined=None,
        last_disconnect=None,
        retry_at=None,
        put_off_until=None,
    )


def _daemon(at: datetime, step: int) -> ShownDaemon:
    histogram = ShownHistogram(
        bounds=(0.001, 0.005, 0.05), counts=(90, 99, 100), count=100, sum=0.1
    )
    return ShownDaemon(
        id="4711",
        run="a-run",
        version=__version__,
        at=at,
        started_at=at - timedelta(hours=2),
        symbols=SYMBOLS,
        readings=step * 12,
        conflated=0,
        crashes=0,
        clock_behind_s=0.0,
        storage=ShownStorage(
            database="PostgreSQL 18",
            rows=step * 12,
            waiting=4,
            dropped=0,
            refused=0,
            on_disk=0,
            spool_bytes=0,
            waited_s=0.1,
            drain_rate=100.0,
            away=False,
            thinned=None,
            spool_broken=None,
            batches=step,
        ),
        notifications={},
        notifications_waiting=0,
        feed_to_reading=histogram,
        loop_lag=histogram,
    )


def _alert(at: datetime) -> ShownAlert:
    return ShownAlert(
        id="alert-1",
        signal="liquidity_crunch",
        symbol="BTCUSDT",
        venue="kraken-spot",
        side="",
        severity="high",
        worst_severity="high",
        state="firing",
        cause="depth",
        causes=("depth",),
        value=1.0,
        threshold=2.0,
        baseline=3.0,
        sentence="Depth within 10 bps fell to 40 % of usual on kraken-spot BTCUSDT.",
        action="reduce_size",
        started_at=at.replace(second=0, microsecond=0),
        updated_at=at.replace(second=0, microsecond=0),
        ended_at=None,
        trace="kraken-spot/1/2",
        unobserved_since=None,
        incident="INC-1",
    )


def _incident(at: datetime) -> ShownIncident:
    return ShownIncident(
        id="INC-1",
        symbol="BTCUSDT",
        family="liquidity",
        state="open",
        severity="high",
        worst_severity="high",
        trigger="Depth within 10 bps fell to 40 % of usual on kraken-spot BTCUSDT. Quote half the size.",
        impact_quote=Decimal("398.85"),
        action="reduce_size",
        opened_at=at.replace(second=0, microsecond=0),
        updated_at=at.replace(second=0, microsecond=0),
        version=3,
        alerts=("alert-1",),
        firing=("alert-1",),
        acknowledged_at=None,
        acknowledged_by=None,
        acknowledged_until=None,
        mitigated_at=None,
        resolved_at=None,
        resolved_by=None,
        reopened=0,
    )
