"""Kraken v2's public socket, from the server's side: numbers out of quotes, and their checksum."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from zlib import crc32

import msgspec

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.core.side import Side
from tidegauge.simulator.dealings import Deal, dealings
from tidegauge.simulator.dialect import (
    NOT_FOUND,
    Answer,
    ConnectionId,
    Reply,
    Request,
    Say,
    json_answer,
    json_text,
    stamp,
)
from tidegauge.simulator.exchange import Exchange, Speller
from tidegauge.simulator.listing import Listing
from tidegauge.simulator.told import Rows, ToldBook

DEPTHS = (10, 25, 100, 500, 1000)
DEFAULT_DEPTH = 10
CHECKED_LEVELS = 10
TOLD_EVERY: Nanos = 100 * MILLISECOND
"""The real one tells each event; what happens within this span is told together here."""

OTHER_CHANNELS = ("trade", "ticker", "ohlc")
OLD_NAMES = {"BTC": "XBT", "DOGE": "XDG"}


class Topic(NamedTuple):
    name: str
    depth: int


@dataclass(slots=True)
class Client:
    """One connection: the depth of each book, and the symbols of the other channels."""

    number: int
    system: str
    spoken_to_at: Nanos
    depths: dict[str, int] = field(default_factory=dict)
    others: dict[str, dict[str, None]] = field(default_factory=dict)


class Kraken:
    """What Kraken's server would say about the books of one `Exchange`.

    `system` is the state of the venue; in `maintenance` it says nothing of its books.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.eager = False
        self.ping_seconds: float | None = None
        self.system = "online"
        self.due: Nanos = 0
        self.clients: dict[ConnectionId, Client] = {}
        self.topics: dict[Topic, ToldBook] = {}
        self.spellers = {name: Speller(book.listing) for name, book in exchange.books.items()}
        self.dealings = dealings(exchange)

    # -- sockets ---------------------------------------------------------------------------------

    def admit(self, path: str, now: Nanos) -> Answer | None:
        return None if path.rstrip("/") == "/v2" else NOT_FOUND

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        # The real ones do not fit 63 bits either.
        client = Client(number=2**63 + connection, system=self.system, spoken_to_at=now)
        self.clients[connection] = client
        return [self._status(connection, client)]

    def disconnected(self, connection: ConnectionId) -> None:
        self.clients.pop(connection, None)
        self._retire_topics()

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        client = self.clients.get(connection)
        if client is None:
            return []
        try:
            message: Any = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = None
        if not isinstance(message, dict):
            return [_answer(connection, {}, now, error="Malformed request")]
        method, params = message.get("method"), message.get("params")
        if method == "ping":
            return [_answer(connection, message | {"method": "pong"}, now)]
        if method not in ("subscribe", "unsubscribe") or not isinstance(params, dict):
            return [_answer(connection, message, now, error="Unsupported method")]
        names, channel = params.get("symbol"), params.get("channel")
        if not isinstance(names, list) or channel not in ("book", *OTHER_CHANNELS):
            return [_answer(connection, message, now, error="Channel not supported")]
        client.spoken_to_at = now
        take = self._subscribe if method == "subscribe" else self._unsubscribe
        return [reply for name in names for reply in take(connection, client, message, name, now)]

    def _subscribe(
        self, connection: ConnectionId, client: Client, message: Any, name: Any, now: Nanos
    ) -> Iterator[Reply]:
        """Each symbol of a request is answered by itself."""
        params = message["params"]
        channel, depth = params["channel"], params.get("depth", DEFAULT_DEPTH)
        held = client.depths if channel == "book" else client.others.setdefault(channel, {})
        error = None
        if name not in self.exchange.books:
            error = f"Currency pair not supported {name}"
        elif channel == "book" and depth not in DEPTHS:
            error = "Subscription depth not supported"
        elif name in held:
            error = "Already subscribed"
        if error is not None:
            yield _answer(connection, message, now, symbol=name, error=error)
            return
        result = {"channel": channel, "symbol": name, "snapshot": params.get("snapshot", True)}
        if channel != "book":
            client.others[channel][name] = None
            yield _answer(connection, message, now, result=result)
            return
        client.depths[name] = depth
        self.exchange.stage.begin(now)
        yield _answer(connection, message, now, result=result | {"depth": depth})
        told = self.topics.setdefault(
            Topic(name, depth), ToldBook(self.exchange.books[name], depth)
        )
        text = self._frame("snapshot", name, told, told.whole(), now)
        yield Say(connection=connection, text=text, book=True)

    def _unsubscribe(
        self, connection: ConnectionId, client: Client, message: Any, name: Any, now: Nanos
    ) -> Iterator[Reply]:
        channel = message["params"]["channel"]
        held: dict[str, Any] = client.depths
        if channel != "book":
            held = client.others.get(channel, {})
        if name not in held:
            yield _answer(connection, message, now, symbol=name, error="Subscription Not Found")
            return
        del held[name]
        self._retire_topics()
        yield _answer(connection, message, now, result={"channel": channel, "symbol": name})

    def _retire_topics(self) -> None:
        wanted = {
            Topic(*each) for client in self.clients.values() for each in client.depths.items()
        }
        self.topics = {topic: told for topic, told in self.topics.items() if topic in wanted}

    def _status(self, connection: ConnectionId, client: Client) -> Reply:
        data = {
            "version": "2.0.10",
            "system": self.system,
            "api_version": "v2",
            "connection_id": client.number,
        }
        frame = {"channel": "status", "type": "update", "data": [data]}
        return Say(connection=connection, text=json_text(frame))

    # -- the market ------------------------------------------------------------------------------

    def advance(self, now: Nanos) -> list[Reply]:
        self.exchange.advance(now)
        updates: dict[Topic, str] = {}
        at = self.exchange.stage.market_time(now)
        if at >= self.due:
            self.due = at - at % TOLD_EVERY + TOLD_EVERY
            updates = self._updates(now)
        trades = {name: told for name in self.dealings if (told := self._trades(name, now))}
        replies: list[Reply] = []
        for connection, client in self.clients.items():
            said: list[Reply] = []
            if client.system != self.system:
                client.system = self.system
                said.append(self._status(connection, client))
            if self.system != "maintenance":
                said += [
                    Say(connection=connection, text=updates[topic], book=True)
                    for topic in map(Topic._make, client.depths.items())
                    if topic in updates
                ]
                said += [
                    Say(connection=connection, text=trades[name])
                    for name in client.others.get("trade", ())
                    if name in trades
                ]
            if said:
                client.spoken_to_at = now
            elif now - client.spoken_to_at >= SECOND and (client.depths or client.others):
                client.spoken_to_at = now
                said.append(Say(connection=connection, text='{"channel":"heartbeat"}'))
            replies += said
        return replies

    def _updates(self, now: Nanos) -> dict[Topic, str]:
        return {
            topic: self._frame("update", topic.name, told, self._left(told, changed), now)
            for topic, told in self.topics.items()
            if (changed := told.advance()) is not None
        }

    def _left(self, told: ToldBook, changed: tuple[Rows, Rows]) -> tuple[Rows, Rows]:
        """Leave out what only fell out of the depth: the client drops that by itself."""
        bids, asks = changed
        return (
            [(tick, lots) for tick, lots in bids if lots or tick not in told.book.bids],
            [(tick, lots) for tick, lots in asks if lots or tick not in told.book.asks],
        )

    def _frame(
        self, kind: str, name: str, told: ToldBook, levels: tuple[Rows, Rows], now: Nanos
    ) -> str:
        speller = self.spellers[name]
        best_bids, best_asks = told.whole(CHECKED_LEVELS)
        digits = "".join(
            text.replace(".", "").lstrip("0")
            for row in (*speller.rows(best_asks), *speller.rows(best_bids))
            for text in row
        )
        data = {
            "symbol": name,
            "bids": _numbers(speller.rows(levels[0])),
            "asks": _numbers(speller.rows(levels[1])),
            "checksum": crc32(digits.encode()),
            "timestamp": stamp(now),
        }
        return json_text({"channel": "book", "type": kind, "data": [data]})

    def _trades(self, name: str, now: Nanos) -> str | None:
        at = self.exchange.stage.market_time(now)
        deals = [self._deal(name, deal, now) for deal in self.dealings[name].deals(at)]
        frame = {"channel": "trade", "type": "update", "data": deals}
        return json_text(frame) if deals else None

    def _deal(self, name: str, deal: Deal, now: Nanos) -> dict[str, object]:
        speller = self.spellers[name]
        return {
            "symbol": name,
            "side": "buy" if deal.bought else "sell",
            "price": _number(speller.price(deal.tick)),
            "qty": _number(speller.size(deal.lots)),
            "ord_type": "limit",
            "trade_id": deal.number,
            "timestamp": stamp(now),
        }

    # -- REST ------------------------------------------------------------------------------------

    def rest(self, request: Request, now: Nanos) -> Answer:
        books = {_rest_name(name): book for name, book in self.exchange.books.items()}
        if request.path == "/0/public/AssetPairs":
            pairs = {name: _pair(name, book.listing) for name, book in books.items()}
            return json_answer({"error": [], "result": pairs})
        if request.path != "/0/public/Depth":
            return NOT_FOUND
        pair, count = request.query.get("pair", ""), request.query.get("count", "100")
        if pair not in books:
            return json_answer({"error": ["EQuery:Unknown asset pair"]})
        book, limit = books[pair], int(count) if count.isdigit() else 100
        bids, asks = (
            [
                (price, size, now // SECOND)
                for price, size in self.spellers[book.listing.name].rows(book.ladder(side, limit))
            ]
            for side in (Side.BID, Side.ASK)
        )
        return json_answer({"error": [], "result": {pair: {"asks": asks, "bids": bids}}})


def _number(text: str) -> msgspec.Raw:
    return msgspec.Raw(text.encode())


def _numbers(rows: Sequence[tuple[str, str]]) -> list[dict[str, msgspec.Raw]]:
    return [{"price": _number(price), "qty": _number(size)} for price, size in rows]


def _answer(
    connection: ConnectionId,
    message: Mapping[str, Any],
    now: Nanos,
    *,
    result: Mapping[str, object] | None = None,
    symbol: object = None,
    error: str | None = None,
) -> Reply:
    answer: dict[str, object] = {"method": message.get("method", "")}
    if error is not None:
        answer |= {"error": error, "success": False, "symbol": symbol}
    elif result is not None:
        answer |= {"result": result, "success": True}
    answer |= {"time_in": stamp(now), "time_out": stamp(now)}
    if "req_id" in message:
        answer["req_id"] = message["req_id"]
    return Say(connection=connection, text=json_text(answer))


def _rest_name(name: str) -> str:
    return "".join(OLD_NAMES.get(asset, asset) for asset in name.split("/"))


def _pair(rest_name: str, listing: Listing) -> dict[str, object]:
    base, quote = (OLD_NAMES.get(asset, asset) for asset in (listing.base, listing.quote))
    return {
        "altname": rest_name,
        "wsname": f"{base}/{quote}",
        "base": base,
        "quote": quote,
        "pair_decimals": listing.price_places,
        "lot_decimals": listing.size_places,
        "lot_multiplier": 1,
        "tick_size": f"{listing.tick:f}",
        "status": "online",
    }
