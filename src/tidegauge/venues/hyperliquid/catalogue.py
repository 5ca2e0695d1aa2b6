"""What Hyperliquid lists (`meta`; "Tick and lot size")."""

from decimal import Decimal

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.instrument import Instrument, InstrumentKind, InstrumentStatus
from tidegauge.wire.decode import FrameDecoder

MOST_DECIMALS = 6
"""Decimals of a perpetual's price plus those of its size."""


class Perpetual(msgspec.Struct, rename="camel"):
    name: str
    sz_decimals: int
    is_delisted: bool = False


class Meta(msgspec.Struct):
    universe: list[Perpetual]


_meta = FrameDecoder(Meta)


def parse_catalogue(body: bytes) -> list[Instrument]:
    """Read `meta`. A price has at most 6 decimals less the size's, and 5 significant figures."""
    instruments = []
    for listed in _meta(body).universe:
        if not 0 <= listed.sz_decimals <= MOST_DECIMALS:
            raise MalformedFrame(f"{listed.name[:20]} has {listed.sz_decimals} size decimals")
        delisted = InstrumentStatus.DELISTED if listed.is_delisted else InstrumentStatus.TRADING
        instruments.append(
            Instrument(
                venue="hyperliquid",
                name=listed.name,
                kind=InstrumentKind.PERP,
                base=listed.name,
                quote="USDC",
                tick=Decimal(1).scaleb(listed.sz_decimals - MOST_DECIMALS),
                step=Decimal(1).scaleb(-listed.sz_decimals),
                status=delisted,
            )
        )
    return instruments


def default_name(symbol: str) -> str:
    """`BTCUSDT` is `BTC` here; what others sell by the thousand has a `k` in front."""
    name = symbol.upper()
    for quote in ("USDT", "USDC", "USD"):
        if name.endswith(quote) and name != quote:
            name = name.removesuffix(quote)
            break
    return f"k{name.removeprefix('1000')}" if name.startswith("1000") else name
