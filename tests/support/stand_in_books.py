"""The generated books of the stand-in."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from tests.support import pictures
from tests.support.pictures import a_fill

from tidegauge.runtime.window.books import (
    ShownBand,
    ShownBook,
    ShownCrunch,
    ShownInput,
    ShownLadder,
    ShownMarket,
    ShownReading,
)

VENUES = ("binance", "bybit-linear", "coinbase", "okx")
SYMBOLS = {"BTCUSDT": Decimal(61_000), "ETHUSDT": Decimal(3_300), "SOLUSDT": Decimal("182.5")}
LOST = ("coinbase", "ETHUSDT")


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
    return replace(
        pictures.a_book(venue, symbol),
        kind="perp" if perp else "spot",
        trust="untrusted" if lost else "live",
        reason="a gap in the sequence: 1120 follows 1115" if lost else "synchronised",
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
        replace(
            a_fill(side, str(size)),
            average=float(mid),
            worst=mid,
            slippage_bps=0.5 + size / 500_000,
            cost=12.0,
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
