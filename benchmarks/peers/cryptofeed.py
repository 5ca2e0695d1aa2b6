"""`cryptofeed`: `BinanceFutures`' own message handler, over order-book's C dictionary."""

from typing import Any

from .contestant import Levels, Number, Peer, Plain, at_once, library, snapshot_decoder

VENUE, SYMBOL = "BINANCE_FUTURES", "BTC-USDT-PERP"


class _Rest:
    """The REST connection: it knows one answer."""

    def __init__(self, snapshot: bytes) -> None:
        self._answer = snapshot.decode()

    async def read(self, _address: str) -> str:
        return self._answer


class CryptofeedBook(Plain):
    def __init__(self, snapshot: bytes) -> None:
        library("cryptofeed.symbols").Symbols.set(
            VENUE, {SYMBOL: "BTCUSDT"}, {"instrument_type": {SYMBOL: "perpetual"}}
        )
        channel = library("cryptofeed.defines").L2_BOOK
        self.feed: Any = library("cryptofeed.exchanges").BinanceFutures(
            symbols=[SYMBOL], channels=[channel], callbacks={channel: self._told}
        )
        self.loads = library("yapic.json").loads
        self.decimal = library("decimal").Decimal
        self.feed.http_conn = _Rest(snapshot)
        at_once(self.feed._snapshot("BTCUSDT"))  # noqa: SLF001 (as its handler does)
        # The frame that joins must be one of the range, not of the chain: so it is at the start.
        self.feed.last_update_id[SYMBOL] = snapshot_decoder.decode(snapshot).last

    async def _told(self, _book: Any, _received: float) -> None:
        """Hear of each change, as a user does."""

    def write(self, frame: bytes) -> None:
        at_once(self.feed.message_handler(frame, None, 0.0))

    def prepare(self, frame: bytes) -> Any:
        return self.loads(frame, parse_float=self.decimal)["data"]

    def write_prepared(self, prepared: Any) -> None:
        at_once(self.feed._book(prepared, "BTCUSDT", 0.0))  # noqa: SLF001 (as its handler does)

    def read(self) -> object:
        book = self.feed._l2_book[SYMBOL].book  # noqa: SLF001
        return book.bids.index(0), book.asks.index(0)

    def touch(self) -> tuple[Number, Number]:
        book = self.feed._l2_book[SYMBOL].book  # noqa: SLF001
        return book.bids.index(0)[0], book.asks.index(0)[0]

    def levels(self) -> tuple[Levels, Levels]:
        book = self.feed._l2_book[SYMBOL].book  # noqa: SLF001
        return list(book.bids.to_dict().items()), list(book.asks.to_dict().items())


PEER = Peer(
    name="cryptofeed",
    package="cryptofeed",
    exact=True,
    user="BinanceFutures' message handler, yapic.json and a Decimal each, one callback",
    best="its handler, JSON read beforehand",
    make=CryptofeedBook,
)
