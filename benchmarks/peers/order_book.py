"""`order-book`: a sorted dictionary and a book in C, of Decimals."""

from decimal import Decimal
from typing import Any

from .contestant import Levels, Number, Peer, Plain, frame_decoder, library, snapshot_decoder

Changes = tuple[list[tuple[Decimal, Decimal]], list[tuple[Decimal, Decimal]]]


class OrderBookInC(Plain):
    def __init__(self, snapshot: bytes) -> None:
        self.book: Any = library("order_book").OrderBook()
        told = snapshot_decoder.decode(snapshot)
        self.book.bids = {Decimal(price): Decimal(size) for price, size in told.bids}
        self.book.asks = {Decimal(price): Decimal(size) for price, size in told.asks}

    def write(self, frame: bytes) -> None:
        data = frame_decoder.decode(frame).data
        for side, changes in ((self.book.bids, data.b), (self.book.asks, data.a)):
            for price_text, size_text in changes:
                price, size = Decimal(price_text), Decimal(size_text)
                if size:
                    side[price] = size
                elif price in side:
                    del side[price]

    def prepare(self, frame: bytes) -> Changes:
        data = frame_decoder.decode(frame).data
        bids = [(Decimal(price), Decimal(size)) for price, size in data.b]
        asks = [(Decimal(price), Decimal(size)) for price, size in data.a]
        return bids, asks

    def write_prepared(self, prepared: Changes) -> None:
        for side, changes in zip((self.book.bids, self.book.asks), prepared, strict=True):
            for price, size in changes:
                if size:
                    side[price] = size
                elif price in side:
                    del side[price]

    def read(self) -> object:
        return self.book.bids.index(0), self.book.asks.index(0)

    def touch(self) -> tuple[Number, Number]:
        return self.book.bids.index(0)[0], self.book.asks.index(0)[0]

    def levels(self) -> tuple[Levels, Levels]:
        return list(self.book.bids.to_dict().items()), list(self.book.asks.to_dict().items())


PEER = Peer(
    name="order-book",
    package="order-book",
    exact=True,
    user="msgspec, a Decimal each, item by item",
    best="Decimals made beforehand",
    make=OrderBookInC,
)
