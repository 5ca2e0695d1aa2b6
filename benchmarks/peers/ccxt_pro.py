"""`ccxt` pro: `binanceusdm`'s own message handler; its book is of floats in lists."""

from typing import Any

from .contestant import Levels, Number, Peer, Plain, library, snapshot_decoder

SYMBOL = "BTC/USDT:USDT"
NAMES = {"id": "BTCUSDT", "symbol": SYMBOL, "base": "BTC", "quote": "USDT", "settle": "USDT"}
KIND = {"type": "swap", "swap": True, "spot": False, "contract": True, "linear": True}

Changes = tuple[list[list[float]], list[list[float]]]


class _Client:
    """What the handler asks of its connection."""

    url = "wss://fstream.binance.com/public/stream"

    def __init__(self) -> None:
        self.subscriptions: dict[str, object] = {}

    def resolve(self, result: object, message_hash: str) -> None:
        """Nobody waits for it."""

    def reject(self, error: Exception, message_hash: str) -> None:
        """Show what went wrong."""
        raise error


class CcxtBook(Plain):
    def __init__(self, snapshot: bytes) -> None:
        self.exchange: Any = library("ccxt.pro").binanceusdm()
        self.exchange.set_markets([self.exchange.safe_market_structure({**NAMES, **KIND})])
        self.loads = library("orjson").loads
        self.client = _Client()
        self.book = self.exchange.order_book({})
        told = snapshot_decoder.decode(snapshot)
        self.book.reset(
            {
                "bids": [[float(price), float(size)] for price, size in told.bids],
                "asks": [[float(price), float(size)] for price, size in told.asks],
                "nonce": told.last,
                "symbol": SYMBOL,
            }
        )
        self.exchange.orderbooks[SYMBOL] = self.book

    def write(self, frame: bytes) -> None:
        self.exchange.handle_message(self.client, self.loads(frame))

    def prepare(self, frame: bytes) -> Changes:
        data = self.loads(frame)["data"]
        bids = [[float(price), float(size)] for price, size in data["b"]]
        asks = [[float(price), float(size)] for price, size in data["a"]]
        return bids, asks

    def write_prepared(self, prepared: Changes) -> None:
        bids, asks = self.book["bids"], self.book["asks"]
        for change in prepared[0]:
            bids.storeArray(change)
        for change in prepared[1]:
            asks.storeArray(change)

    def read(self) -> object:
        return self.book["bids"][0], self.book["asks"][0]

    def touch(self) -> tuple[Number, Number]:
        return self.book["bids"][0][0], self.book["asks"][0][0]

    def levels(self) -> tuple[Levels, Levels]:
        bids, asks = ([(row[0], row[1]) for row in self.book[side]] for side in ("bids", "asks"))
        return bids, asks


PEER = Peer(
    name="ccxt.pro",
    package="ccxt",
    exact=False,
    user="orjson, then binanceusdm's handle_message",
    best="its bare book, floats made beforehand",
    make=CcxtBook,
)
