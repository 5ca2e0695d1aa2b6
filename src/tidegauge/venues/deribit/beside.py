"""What Deribit tells beside the book ("trades.{instrument_name}.{interval}" and "ticker.…")."""

import msgspec

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import Liquidation, Marks, Position, Trade
from tidegauge.core.instrument import HOUR
from tidegauge.core.reading import Taker
from tidegauge.wire.decode import NOTHING, FrameDecoder, Millis, UpdateId, nanos, number_text
from tidegauge.wire.protocol import Output
from tidegauge.wire.trades import TradeNumbers

from .frames import number_or_none

FUNDING_SPAN = 8 * HOUR


class Deal(msgspec.Struct, gc=False):
    """`liquidation`: whose position was closed by it, M the maker's, T the taker's, MT both."""

    instrument_name: str
    trade_id: str
    trade_seq: UpdateId
    price: msgspec.Raw
    amount: msgspec.Raw
    direction: Taker
    timestamp: Millis
    liquidation: str = ""
    block_trade_id: msgspec.Raw = NOTHING
    combo_trade_id: msgspec.Raw = NOTHING

    @property
    def off_book(self) -> bool:
        """Whether it was agreed elsewhere: it moved no book."""
        ids = (self.block_trade_id, self.combo_trade_id)
        return any(bytes(each) not in (b"", b"null") for each in ids)


class Ticker(msgspec.Struct):
    """Funding is paid all the time; `funding_8h` is what the last eight hours came to."""

    instrument_name: str
    timestamp: Millis
    mark_price: msgspec.Raw = NOTHING
    index_price: msgspec.Raw = NOTHING
    open_interest: msgspec.Raw = NOTHING
    funding_8h: msgspec.Raw = NOTHING


_deals = FrameDecoder(list[Deal])
_ticker = FrameDecoder(Ticker)


def read_trades(name: str, data: msgspec.Raw, numbers: TradeNumbers) -> list[Output]:
    """Return the trades of a book that are new, and the liquidations of makers."""
    deals = {deal.trade_id: deal for deal in _deals(data)}
    if any(deal.instrument_name != name for deal in deals.values()):
        raise MalformedFrame(f"trades of others under the channel of {name}")
    trades = [(deal.trade_seq, _trade(deal)) for deal in deals.values()]
    outputs: list[Output] = []
    for output in numbers.told(trades):
        deal = deals[output.id] if isinstance(output, Trade) else None
        if deal is None or not isinstance(output, Trade):
            outputs.append(output)
        elif not deal.off_book:
            outputs.append(output)
            if "M" in deal.liquidation:
                outputs.append(_closed_maker(output))
    return outputs


def read_marks(name: str, data: msgspec.Raw) -> list[Output]:
    """Return what a ticker tells of a contract."""
    ticker = _ticker(data)
    if ticker.instrument_name != name:
        raise MalformedFrame(f"the ticker of another under the channel of {name}")
    funding = number_or_none(ticker.funding_8h)
    return [
        Marks(
            instrument=ticker.instrument_name,
            mark=number_or_none(ticker.mark_price),
            index=number_or_none(ticker.index_price),
            funding_rate=funding,
            funding_interval=None if funding is None else FUNDING_SPAN,
            open_interest=number_or_none(ticker.open_interest),
            venue_time=nanos(ticker.timestamp),
        )
    ]


def _trade(deal: Deal) -> Trade:
    return Trade(
        instrument=deal.instrument_name,
        taker=deal.direction,
        price=number_text(deal.price),
        size=number_text(deal.amount),
        id=deal.trade_id,
        venue_time=nanos(deal.timestamp),
        liquidation="T" in deal.liquidation,
    )


def _closed_maker(trade: Trade) -> Liquidation:
    """A maker who bought from the taker closed a short position."""
    return Liquidation(
        instrument=trade.instrument,
        position=Position.SHORT if trade.taker is Taker.SELL else Position.LONG,
        price=trade.price,
        size=trade.size,
        venue_time=trade.venue_time,
    )
