"""Trades and contexts (mark, oracle, funding, open interest) of Hyperliquid."""

from collections.abc import Iterable
from enum import StrEnum

import msgspec

from tidegauge.core.events import Marks, Trade
from tidegauge.core.instrument import HOUR
from tidegauge.core.reading import Taker
from tidegauge.wire.decode import FrameDecoder, Millis, UpdateId, nanos

REMEMBERED = 200
"""Ids a coin of trades that were told: the replay after a reconnect is some thirty long."""


class Side(StrEnum):
    """Who took: `B` bought, `A` sold."""

    BUY = "B"
    SELL = "A"


class Deal(msgspec.Struct, gc=False):
    """`tid` is unique together with the block's time."""

    coin: str
    side: Side
    px: str
    sz: str
    time: Millis
    tid: UpdateId


class Context(msgspec.Struct, rename="camel"):
    """Funding is for an hour and paid hourly; a spot coin has none."""

    mark_px: str | None = None
    oracle_px: str | None = None
    funding: str | None = None
    open_interest: str | None = None


class CoinContext(msgspec.Struct):
    coin: str
    ctx: Context


_deals = FrameDecoder(list[Deal])
_context = FrameDecoder(CoinContext)

_TAKERS = {Side.BUY: Taker.BUY, Side.SELL: Taker.SELL}


class Trades:
    """Tells each trade once: the first frame of a subscription repeats what was told before."""

    def __init__(self, names: Iterable[str]) -> None:
        self._told: dict[str, dict[str, None]] = {name: {} for name in names}

    def read(self, data: msgspec.Raw) -> list[Trade]:
        """Return the trades of watched coins that are new."""
        return [
            Trade(
                instrument=deal.coin,
                taker=_TAKERS[deal.side],
                price=deal.px,
                size=deal.sz,
                id=f"{deal.time}-{deal.tid}",
                venue_time=nanos(deal.time),
            )
            for deal in _deals(data)
            if self._is_new(deal)
        ]

    def _is_new(self, deal: Deal) -> bool:
        told, key = self._told.get(deal.coin), f"{deal.time}-{deal.tid}"
        if told is None or key in told:
            return False
        told[key] = None
        if len(told) > REMEMBERED:
            del told[next(iter(told))]
        return True


def read_context(data: msgspec.Raw) -> Marks:
    told = _context(data)
    return Marks(
        instrument=told.coin,
        mark=told.ctx.mark_px,
        index=told.ctx.oracle_px,
        funding_rate=told.ctx.funding,
        funding_interval=None if told.ctx.funding is None else HOUR,
        open_interest=told.ctx.open_interest,
    )
