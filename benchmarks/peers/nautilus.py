"""`nautilus-trader`: a book in Rust; its Binance adapter makes the deltas in Python."""

from typing import Any

from .contestant import Levels, Number, Peer, Plain, library, snapshot_decoder

SCHEMAS = "nautilus_trader.adapters.binance.common.schemas.market"


class NautilusBook(Plain):
    def __init__(self, snapshot: bytes) -> None:
        market: Any = library(SCHEMAS)
        self.id = library("nautilus_trader.model.identifiers").InstrumentId.from_str(
            "BTCUSDT-PERP.BINANCE"
        )
        two_sided = library("nautilus_trader.model.enums").BookType.L2_MBP
        self.book: Any = library("nautilus_trader.model.book").OrderBook(self.id, two_sided)
        self.decoder = library("msgspec").json.Decoder(market.BinanceOrderBookMsg)
        told = snapshot_decoder.decode(snapshot)
        change = market.BinanceOrderBookDelta
        data = market.BinanceOrderBookData(
            e="depthUpdate",
            E=0,
            s="BTCUSDT",
            U=told.last,
            u=told.last,
            b=[change(*level) for level in told.bids],
            a=[change(*level) for level in told.asks],
        )
        self.book.apply_deltas(data.parse_to_order_book_deltas(self.id, 0, snapshot=True))

    def write(self, frame: bytes) -> None:
        self.book.apply_deltas(self.prepare(frame))

    def prepare(self, frame: bytes) -> Any:
        return self.decoder.decode(frame).data.parse_to_order_book_deltas(self.id, 0)

    def write_prepared(self, prepared: Any) -> None:
        self.book.apply_deltas(prepared)

    def read(self) -> object:
        return self.book.best_bid_price(), self.book.best_ask_price()

    def touch(self) -> tuple[Number, Number]:
        bid, ask = self.book.best_bid_price(), self.book.best_ask_price()
        return bid.as_decimal(), ask.as_decimal()

    def levels(self) -> tuple[Levels, Levels]:
        return _levels(self.book.bids()), _levels(self.book.asks())


def _levels(side: list[Any]) -> Levels:
    """Return price and size of each level; a book of levels holds one order at each."""
    return [
        (level.price.as_decimal(), order.size.as_decimal())
        for level in side
        for order in level.orders()
    ]


PEER = Peer(
    name="nautilus",
    package="nautilus-trader",
    exact=True,
    user="its Binance adapter's decoder and parser, then the book",
    best="deltas made beforehand",
    make=NautilusBook,
)
