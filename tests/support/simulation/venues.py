"""Reference venues: small servers that speak the venues' protocols and own the true books."""

import random
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import msgspec

from tidegauge import venues as known_venues
from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos, VenueName
from tidegauge.wire.protocol import Fetch, Purpose, Response

from .loop import simulated_loop
from .market import STEP, TICK, Change, ReferenceBook, price, rows
from .network import EPOCH, Peer


@dataclass(slots=True)
class Client:
    """One socket as its venue knows it: what it asked for, and what it is not told any more."""

    path: str
    wants: dict[str, None] = field(default_factory=dict)
    deaf: bool = False
    deaf_to: set[str] = field(default_factory=set)


class ReferenceVenue:
    """What all venues have: books by name, clients, a clock of their own, restarts and bans."""

    step = (1, 1)
    weight_a_minute: int | None = None
    handshakes: tuple[int, float] | None = None
    """How many handshakes in how many seconds it bears before it refuses an address."""

    def __init__(self, name: VenueName, symbols: Iterable[str], seed: object, **more: Any) -> None:
        self.name = name
        self.spec = known_venues.load()[name]
        self.chance = random.Random(f"{seed}/{name}/market")
        names = [self.spec.default_name(symbol) for symbol in symbols]
        self.books = {
            each: ReferenceBook(each, self.chance, step=self.step, **more) for each in names
        }
        self.clients: dict[Peer, Client] = {}
        self.unlisted: set[str] = set()
        self.clock_offset: Nanos = 0
        self.away_until = 0.0
        self.bans = 0
        self.lifetime: float | None = None
        """Seconds after which a connection is ended, whoever is on it."""
        self._loop = simulated_loop()
        self._weights: list[tuple[float, int]] = []
        self._connects: list[float] = []

    # -- time ------------------------------------------------------------------------------------

    @property
    def now(self) -> Nanos:
        """True time, by which the book's history is kept."""
        return EPOCH + round(self._loop.time() * SECOND)

    @property
    def millis(self) -> int:
        """What this venue believes the time to be."""
        return (self.now + self.clock_offset) // MILLISECOND

    # -- the market ------------------------------------------------------------------------------

    def move(self, name: str | None = None) -> None:
        """Change one book, and tell whoever listens."""
        book = self.books[self.chance.choice(sorted(self.books)) if name is None else name]
        change = book.move(self.now)
        for socket, client in [*self.clients.items()]:
            if not client.deaf and book.name not in client.deaf_to:
                self.tell(socket, client, book, change)

    def tell(self, socket: Peer, client: Client, book: ReferenceBook, change: Change) -> None:
        """Tell a client of a change, if it asked for this book."""
        raise NotImplementedError

    def beat(self) -> None:
        """Say what is said whether the market moves or not."""

    def restart(self, seconds: float) -> None:
        """Go away for a while; nobody is connected after, and ids go on from elsewhere."""
        self.away_until = self._loop.time() + seconds
        for socket in [*self.clients]:
            socket.cut()
        for book in self.books.values():
            book.renumber(book.last + self.chance.randrange(10**6, 10**7), self.now)

    # -- the network's side ----------------------------------------------------------------------

    def admit(self) -> Response | None:
        now = self._loop.time()
        if now < self.away_until:
            return Response(status=503, body=b"")
        if self.handshakes is not None:
            most, seconds = self.handshakes
            self._connects = [at for at in self._connects if at > now - seconds] + [now]
            if len(self._connects) > most:
                self.bans += 1
                return Response(status=429, body=b"", retry_after=seconds)
        return None

    def connected(self, socket: Peer, path: str) -> None:
        if self.lifetime is not None:
            self._loop.call_later(self.lifetime, socket.cut)
        self.clients[socket] = Client(path)
        self.opened(socket, self.clients[socket], dict(parse_qsl(urlsplit(path).query)))

    def disconnected(self, socket: Peer) -> None:
        self.clients.pop(socket, None)

    def received(self, socket: Peer, text: str) -> None:
        client = self.clients.get(socket)
        if client is not None:
            self.heard(socket, client, text if text == "ping" else msgspec.json.decode(text))

    def answer(self, fetch: Fetch, *, lag: Nanos) -> Response:
        now = self._loop.time()
        if now < self.away_until:
            return Response(status=503, body=b"")
        self._weights = [each for each in self._weights if each[0] > now - 60]
        self._weights.append((now, fetch.weight))
        used = sum(weight for _, weight in self._weights)
        if self.weight_a_minute is not None and used > self.weight_a_minute:
            self.bans += 1
            return Response(status=418, body=b'{"code":-1003}', retry_after=120)
        if fetch.purpose is Purpose.CATALOGUE:
            return json_response(self.catalogue(fetch))
        return self.rest(fetch, lag)

    # -- what differs from venue to venue --------------------------------------------------------

    def opened(self, socket: Peer, client: Client, query: Mapping[str, str]) -> None: ...

    def heard(self, socket: Peer, client: Client, said: Any) -> None: ...

    def catalogue(self, fetch: Fetch) -> object:
        raise NotImplementedError

    def rest(self, fetch: Fetch, lag: Nanos) -> Response:
        return Response(status=404, body=b"")


def json_response(body: object, status: int = 200) -> Response:
    """Answer in JSON."""
    return Response(status=status, body=msgspec.json.encode(body))


def text_of(message: object) -> str:
    """Write a frame."""
    return msgspec.json.encode(message).decode()


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


class Bybit(ReferenceVenue):
    """Snapshots and deltas numbered one by one, all on the socket."""

    handshakes: tuple[int, float] | None = (500, 300.0)
    restarted = False

    def restart(self, seconds: float) -> None:
        """A service that starts again counts from 1 (once: then ids would repeat)."""
        super().restart(seconds)
        if not self.restarted:
            self.restarted = True
            for book in self.books.values():
                book.renumber(1, self.now)

    def heard(self, socket: Peer, client: Client, said: Any) -> None:
        answer = {
            "success": True,
            "ret_msg": "",
            "req_id": said.get("req_id", ""),
            "op": said["op"],
        }
        if said["op"] == "ping":
            socket.say(text_of(answer | {"ret_msg": "pong"}))
            return
        for topic in said["args"]:
            name = topic.rpartition(".")[2]
            if name not in self.books or name in self.unlisted:
                refused = {"success": False, "ret_msg": f"Invalid topic: {topic}"}
                socket.say(text_of(answer | refused))
                return
        socket.say(text_of(answer))
        for topic in said["args"]:
            if said["op"] == "unsubscribe":
                client.wants.pop(topic, None)
            elif topic not in client.wants:
                client.wants[topic] = None
                client.deaf_to.discard(topic.rpartition(".")[2])
                if topic.startswith("orderbook.") and not client.deaf:
                    book = self.books[topic.rpartition(".")[2]]
                    self._frame(socket, book, "snapshot", book.picture.bids, book.picture.asks)

    def tell(self, socket: Peer, client: Client, book: ReferenceBook, change: Change) -> None:
        if f"orderbook.1000.{book.name}" in client.wants:
            self._frame(socket, book, "delta", change.bids, change.asks)

    def _frame(
        self,
        socket: Peer,
        book: ReferenceBook,
        kind: str,
        bids: Mapping[int, int],
        asks: Mapping[int, int],
    ) -> None:
        told = {"b": rows(dict(bids), falling=True), "a": rows(dict(asks))}
        data = {"s": book.name, **told, "u": book.last, "seq": book.last}
        frame = {"topic": f"orderbook.1000.{book.name}", "type": kind, "ts": self.millis}
        socket.say(text_of(frame | {"data": data, "cts": self.millis}))

    def catalogue(self, fetch: Fetch) -> object:
        listed = [
            {
                "symbol": name,
                "status": "Trading",
                "contractType": "LinearPerpetual",
                "baseCoin": name.removesuffix("USDT"),
                "quoteCoin": "USDT",
                "priceFilter": {"tickSize": TICK},
                "lotSizeFilter": {"qtyStep": STEP, "basePrecision": STEP},
            }
            for name in self.books
        ]
        return {"result": {"list": listed, "nextPageCursor": ""}}

    def rest(self, fetch: Fetch, lag: Nanos) -> Response:
        book = self.books.get(dict(fetch.params).get("symbol", ""))
        if not fetch.path.endswith("/orderbook") or book is None:
            return Response(status=404, body=b"")
        last = book.lagging(self.now, lag) if lag else book.last
        picture = book.history[last]
        told = {"b": rows(picture.bids, falling=True), "a": rows(picture.asks)}
        data = {"s": book.name, **told, "u": last, "seq": last, "cts": self.millis}
        return json_response({"result": data})


class Okx(ReferenceVenue):
    """Snapshots and updates on the socket; each update names the id before it, and ids jump."""

    step = (1, 40)

    def heard(self, socket: Peer, client: Client, said: Any) -> None:
        if said == "ping":
            socket.say("pong")
            return
        for arg in said["args"]:
            self._answer(socket, client, said, arg)

    def _answer(self, socket: Peer, client: Client, said: Any, arg: dict[str, str]) -> None:
        topic, name = f"{arg['channel']}/{arg['instId']}", arg["instId"]
        if name not in self.books or name in self.unlisted:
            message = f"Wrong URL or channel:{arg['channel']},instId:{name} doesn't exist."
            error = {"event": "error", "code": "60018", "msg": message, "id": said["id"]}
            socket.say(text_of(error))
            return
        socket.say(text_of({"event": said["op"], "arg": arg, "id": said["id"]}))
        if said["op"] == "unsubscribe":
            client.wants.pop(topic, None)
            return
        client.wants[topic] = None
        client.deaf_to.discard(name)
        if arg["channel"] == "books" and not client.deaf:
            book = self.books[name]
            told = self._told(book.picture.bids, book.picture.asks)
            self._frame(socket, arg, "snapshot", told | {"seqId": book.last, "prevSeqId": -1})

    def tell(self, socket: Peer, client: Client, book: ReferenceBook, change: Change) -> None:
        arg = {"channel": "books", "instId": book.name}
        if f"books/{book.name}" in client.wants:
            told = self._told(change.bids, change.asks)
            ids = {"seqId": change.last, "prevSeqId": change.before}
            self._frame(socket, arg, "update", told | ids)

    def _frame(self, socket: Peer, arg: object, action: str, told: dict[str, object]) -> None:
        socket.say(text_of({"arg": arg, "action": action, "data": [told | {"checksum": 0}]}))

    def _told(self, bids: Mapping[int, int], asks: Mapping[int, int]) -> dict[str, object]:
        told: dict[str, object] = {
            "bids": [[*row, "0", "1"] for row in rows(dict(bids), falling=True)],
            "asks": [[*row, "0", "1"] for row in rows(dict(asks))],
        }
        return told | {"ts": str(self.millis)}

    def catalogue(self, fetch: Fetch) -> object:
        spot = dict(fetch.params)["instType"] == "SPOT"
        listed = [
            {
                "instType": "SPOT",
                "instId": name,
                "state": "live",
                "tickSz": TICK,
                "lotSz": STEP,
                "baseCcy": name.partition("-")[0],
                "quoteCcy": name.partition("-")[2],
            }
            for name in self.books
        ]
        return {"code": "0", "data": listed if spot else []}

    def rest(self, fetch: Fetch, lag: Nanos) -> Response:
        book = self.books.get(dict(fetch.params).get("instId", ""))
        if not fetch.path.endswith("/market/books") or book is None:
            return Response(status=404, body=b"")
        last = book.lagging(self.now, lag) if lag else book.last
        picture = book.history[last]
        told = self._told(picture.bids, picture.asks) | {"seqId": last}
        return json_response({"code": "0", "msg": "", "data": [told]})


VENUES: Mapping[VenueName, Callable[..., ReferenceVenue]] = {
    "binance": Binance,
    "binance-futures": BinanceFutures,
    "bybit-linear": Bybit,
    "okx": Okx,
    "bybit-spot": Bybit,
}

FOUR = tuple(VENUES)[:4]
"""Each another way to know that a book is whole."""
