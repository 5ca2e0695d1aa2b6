"""The reference venues that there are; Binance's, whose snapshots are had by REST."""

from collections.abc import Callable, Mapping
from typing import Any

from tidegauge.core.instrument import Nanos, VenueName
from tidegauge.wire.protocol import Fetch, Response

from .market import STEP, TICK, Change, ReferenceBook, price, rows
from .network import Peer
from .reference import Client, ReferenceVenue, json_response, text_of
from .subscribed import Bybit, Okx


class Binance(ReferenceVenue):
    """Spot: each update names the range of ids it covers; the snapshot is had by REST."""

    step = (1, 1)
    weight_a_minute: int | None = 6_000
    handshakes: tuple[int, float] | None = (300, 300.0)
    derivative = False

    def opened(self, socket: Peer, client: Client, query: Mapping[str, str]) -> None:
        client.wants = dict.fromkeys(query.get("streams", "").split("/"))

    def heard(self, socket: Peer, client: Client, said: Any) -> None:
        for stream in said.get("params", []):
            if said["method"] == "SUBSCRIBE":
                client.wants[stream] = None
                client.deaf_to.discard(stream.partition("@")[0].upper())
            else:
                client.wants.pop(stream, None)
        socket.say(text_of({"result": None, "id": said["id"]}))

    def tell(self, socket: Peer, client: Client, book: ReferenceBook, change: Change) -> None:
        if book.name in self.unlisted:
            return
        if f"{book.name.lower()}@aggTrade" in client.wants and change.last % 5 == 0:
            self._trade(socket, book, change.last)
        stream = f"{book.name.lower()}@depth@100ms"
        if stream not in client.wants:
            return
        data: dict[str, object] = {"e": "depthUpdate", "E": self.millis, "s": book.name}
        data |= {"U": change.first, "u": change.last}
        if self.derivative:
            data |= {"T": self.millis, "pu": change.before}
        data |= {"b": rows(change.bids, falling=True), "a": rows(change.asks)}
        socket.say(text_of({"stream": stream, "data": data}))

    def beat(self) -> None:
        """Marks come all the time (each second in truth); one of them is enough here."""
        book = self.books[min(self.books)]
        stream = f"{book.name.lower()}@markPrice@1s"
        mark = {"e": "markPriceUpdate", "E": self.millis, "s": book.name, "T": self.millis}
        mark |= {"p": price(max(book.bids)), "i": price(max(book.bids)), "r": "0.0001"}
        for socket, client in [*self.clients.items()]:
            if stream in client.wants and not client.deaf:
                socket.say(text_of({"stream": stream, "data": mark}))

    def _trade(self, socket: Peer, book: ReferenceBook, number: int) -> None:
        deal = {"e": "aggTrade", "E": self.millis, "s": book.name, "a": number, "q": "0.001"}
        deal |= {"p": price(max(book.bids)), "T": self.millis, "m": True}
        socket.say(text_of({"stream": f"{book.name.lower()}@aggTrade", "data": deal}))

    def catalogue(self, fetch: Fetch) -> object:
        filters = [
            {"filterType": "PRICE_FILTER", "tickSize": TICK},
            {"filterType": "LOT_SIZE", "stepSize": STEP},
        ]
        return {
            "symbols": [
                {
                    "symbol": name,
                    "status": "TRADING",
                    "contractType": "PERPETUAL",
                    "baseAsset": name.removesuffix("USDT"),
                    "quoteAsset": "USDT",
                    "filters": filters,
                }
                for name in self.books
            ]
        }

    def rest(self, fetch: Fetch, lag: Nanos) -> Response:
        symbol = dict(fetch.params).get("symbol", "")
        if fetch.path.endswith("/openInterest"):
            return json_response({"symbol": symbol, "openInterest": "12.5", "time": self.millis})
        if not fetch.path.endswith("/depth"):
            return json_response({"serverTime": self.millis})
        book = self.books.get(symbol)
        if book is None or book.name in self.unlisted:
            return json_response({"code": -1121, "msg": "Invalid symbol."}, 400)
        last = book.lagging(self.now, lag) if lag else book.last
        picture = book.history[last]
        body: dict[str, object] = {"lastUpdateId": last}
        if self.derivative:
            body |= {"E": self.millis, "T": self.millis}
        body |= {"bids": rows(picture.bids, falling=True), "asks": rows(picture.asks)}
        return json_response(body)


class BinanceFutures(Binance):
    """USD-M: each update names the one before it; ids have holes."""

    step = (1, 40)
    weight_a_minute: int | None = 2_400
    derivative = True


VENUES: Mapping[VenueName, Callable[..., ReferenceVenue]] = {
    "binance": Binance,
    "binance-futures": BinanceFutures,
    "bybit-linear": Bybit,
    "okx": Okx,
    "bybit-spot": Bybit,
}

FOUR = tuple(VENUES)[:4]
"""Each another way to know that a book is whole."""
