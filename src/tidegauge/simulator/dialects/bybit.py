"""Bybit v5 public sockets (spot or linear), from the server's side."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.core.side import Side
from tidegauge.simulator.dialect import (
    NOT_FOUND,
    Answer,
    Close,
    ConnectionId,
    Reply,
    Request,
    Say,
    json_answer,
    json_text,
)
from tidegauge.simulator.exchange import Exchange, Speller
from tidegauge.simulator.listing import Listing
from tidegauge.simulator.market import MarketBook

from .bybit_beside import BybitBeside

INTERVALS: Mapping[int, Nanos] = {
    1: 10 * MILLISECOND,
    50: 20 * MILLISECOND,
    200: 100 * MILLISECOND,
    1000: 200 * MILLISECOND,
}
"""Depth of a book topic to its cadence."""

REPEAT_AFTER: Nanos = 3 * SECOND
"""`orderbook.1` repeats an unchanged touch after this long."""

MOST_SPOT_ARGS = 10
MOST_ARGS_CHARACTERS = 21_000
OTHER_TOPICS = ("publicTrade", "tickers", "kline", "allLiquidation", "price-limit")
"""Topics that are no books; some of them are acknowledged and have nothing to say here."""


@dataclass(slots=True)
class Topic:
    """One depth of one book, as everyone subscribed to it sees it."""

    name: str
    symbol: str
    depth: int
    interval: Nanos
    due: Nanos
    update: int
    told_at: Nanos = 0
    bids: dict[int, int] = field(default_factory=dict)
    asks: dict[int, int] = field(default_factory=dict)


@dataclass(slots=True)
class Client:
    """One connection. `fresh` names the topics whose snapshot it has not had yet."""

    name: str
    topics: dict[str, None] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    characters: int = 0


class Bybit:
    """What Bybit's server would say about the books of one `Exchange`.

    `symbols` are those it acknowledges, if other than the generated ones.
    """

    def __init__(
        self, exchange: Exchange, category: str, *, symbols: Collection[str] | None = None
    ) -> None:
        self.exchange = exchange
        self.category = category
        self.symbols = exchange.books if symbols is None else symbols
        self.eager = False
        self.ping_seconds: float | None = None
        self.clients: dict[ConnectionId, Client] = {}
        self.topics: dict[str, Topic] = {}
        self.beside = BybitBeside(exchange, category)
        self.spellers = {
            name: Speller(book.listing, zero="0") for name, book in exchange.books.items()
        }

    # -- sockets ---------------------------------------------------------------------------------

    def admit(self, path: str, now: Nanos) -> Answer | None:
        return None if path.rstrip("/") == f"/v5/public/{self.category}" else NOT_FOUND

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        self.clients[connection] = Client(name=f"tidegauge-{self.category}-{connection}")
        return []

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
            return [self._answer(connection, client, {}, error="error:invalid request")]
        operation = message.get("op")
        if operation == "ping":
            pong = {"success": True, "ret_msg": "pong", "conn_id": client.name, "op": "ping"}
            return [Say(connection=connection, text=json_text(pong))]
        if operation not in ("subscribe", "unsubscribe"):
            return [self._answer(connection, client, message, error="error:invalid op")]
        topics = message.get("args")
        if not isinstance(topics, list) or not all(isinstance(each, str) for each in topics):
            return [self._answer(connection, client, message, error="error:params error")]
        if operation == "unsubscribe":
            for name in topics:
                client.topics.pop(name, None)
            self._retire_topics()
            return [self._answer(connection, client, message)]
        return self._subscribe(connection, client, message, now)

    def _subscribe(
        self, connection: ConnectionId, client: Client, message: Mapping[str, Any], now: Nanos
    ) -> list[Reply]:
        names: list[str] = message["args"]
        client.characters += sum(len(name) for name in names)
        if self.category == "spot" and len(names) > MOST_SPOT_ARGS:
            return [self._answer(connection, client, message, error="args size >10")]
        if client.characters > MOST_ARGS_CHARACTERS:
            return [Close(connection=connection)]
        for name in names:
            if name in client.topics:
                error = f"error:already subscribed,topic:{name}"
                return [self._answer(connection, client, message, error=error)]
            if not self._known(name):
                error = f"Invalid topic: {name}"
                return [self._answer(connection, client, message, error=error)]
        for name in names:
            client.topics[name] = None
            if name.startswith("tickers."):
                client.fresh.add(name)
            if name.startswith("orderbook."):
                client.fresh.add(name)
                self._open_topic(name)
                self.exchange.stage.begin(now)
        return [self._answer(connection, client, message)]

    def _known(self, name: str) -> bool:
        kind, *rest = name.split(".")
        if not rest or rest[-1] not in self.symbols:
            return False
        if kind == "orderbook":
            return name in {f"orderbook.{depth}.{rest[-1]}" for depth in INTERVALS}
        return kind in OTHER_TOPICS

    def _answer(
        self,
        connection: ConnectionId,
        client: Client,
        message: Mapping[str, Any],
        *,
        error: str | None = None,
    ) -> Reply:
        operation = message.get("op", "")
        # Spot echoes the operation, linear says nothing.
        praise = operation if self.category == "spot" else ""
        answer = {
            "success": error is None,
            "ret_msg": praise if error is None else error,
            "conn_id": client.name,
            "req_id": str(message.get("req_id", "")),
            "op": operation,
        }
        return Say(connection=connection, text=json_text(answer))

    # -- the market ------------------------------------------------------------------------------

    def advance(self, now: Nanos) -> list[Reply]:
        for _book, _slot in self.exchange.advance(now):
            pass
        replies = self._tell_beside(now)
        for topic in self.topics.values():
            book = self.exchange.books[topic.symbol]
            if book.now >= topic.due:
                topic.due = max(topic.due + topic.interval, book.now)
                replies.extend(self._tell(topic, book, now))
        return replies

    def _tell_beside(self, now: Nanos) -> list[Reply]:
        """Tell what is no book; the first ticker of a subscription is a whole one."""
        replies: list[Reply] = []
        wanted = {name for client in self.clients.values() for name in client.topics}
        for topic, text in self.beside.advance(now, wanted):
            for connection, client in self.clients.items():
                if topic not in client.topics:
                    continue
                said = text
                if topic in client.fresh:
                    client.fresh.discard(topic)
                    said = self.beside.ticker(topic.removeprefix("tickers."), "snapshot", now)
                replies.append(Say(connection=connection, text=said))
        return replies

    def _open_topic(self, name: str) -> None:
        _kind, depth, symbol = name.split(".")
        book = self.exchange.books.get(symbol)
        if name in self.topics or book is None:
            return
        topic = Topic(
            name=name,
            symbol=symbol,
            depth=int(depth),
            interval=INTERVALS[int(depth)],
            due=book.now,
            update=book.last_id % 10**8,
        )
        topic.bids, topic.asks = _window(book, topic.depth)
        self.topics[name] = topic

    def _retire_topics(self) -> None:
        wanted = {name for client in self.clients.values() for name in client.topics}
        self.topics = {name: topic for name, topic in self.topics.items() if name in wanted}

    def _tell(self, topic: Topic, book: MarketBook, now: Nanos) -> Iterator[Reply]:
        bids, asks = _window(book, topic.depth)
        changed_bids = _differences(topic.bids, bids, reverse=True)
        changed_asks = _differences(topic.asks, asks, reverse=False)
        topic.bids, topic.asks = bids, asks
        changed = bool(changed_bids or changed_asks)
        repeat = topic.depth == 1 and book.now - topic.told_at >= REPEAT_AFTER
        if changed:
            topic.update += 1
        delta, snapshot = "", ""
        for connection, client in self.clients.items():
            if topic.name not in client.topics:
                continue
            if topic.name in client.fresh or topic.depth == 1:
                if not (changed or repeat or topic.name in client.fresh):
                    continue
                client.fresh.discard(topic.name)
                snapshot = snapshot or self._frame(
                    topic, book, "snapshot", _ladder(bids, asks), now
                )
                yield Say(connection=connection, text=snapshot, book=True)
            elif changed:
                delta = delta or self._frame(
                    topic, book, "delta", (changed_bids, changed_asks), now
                )
                yield Say(connection=connection, text=delta, book=True)
        if changed or repeat:
            topic.told_at = book.now

    def _frame(
        self,
        topic: Topic,
        book: MarketBook,
        kind: str,
        levels: tuple[list[tuple[int, int]], list[tuple[int, int]]],
        now: Nanos,
    ) -> str:
        speller = self.spellers[topic.symbol]
        stamp = now // MILLISECOND
        head: dict[str, object] = {"topic": topic.name}
        # The two markets do not agree on the order of these keys.
        if self.category == "spot":
            head |= {"ts": stamp, "type": kind}
        else:
            head |= {"type": kind, "ts": stamp}
        data = {
            "s": topic.symbol,
            "b": speller.rows(levels[0]),
            "a": speller.rows(levels[1]),
            "u": topic.update,
            "seq": book.last_id,
        }
        return json_text(head | {"data": data, "cts": stamp})

    # -- REST ------------------------------------------------------------------------------------

    def rest(self, request: Request, now: Nanos) -> Answer:
        if request.path == "/v5/market/time":
            seconds = {"timeSecond": str(now // SECOND), "timeNano": str(now)}
            return returned(seconds, now)
        if request.path not in ("/v5/market/instruments-info", "/v5/market/orderbook"):
            return NOT_FOUND
        category, symbol = request.query.get("category"), request.query.get("symbol")
        if category not in ("spot", "linear", "inverse", "option"):
            return returned({}, now, code=10001, message="params error: Category is invalid")
        books = self.exchange.books if category == self.category else {}
        if symbol is not None and symbol not in books:
            return returned({}, now, code=10001, message="params error: Symbol Is Invalid")
        if request.path.endswith("instruments-info"):
            rows = [
                instrument_row(book.listing, self.category)
                for name, book in books.items()
                if symbol is None or name == symbol
            ]
            return returned({"category": category, "list": rows, "nextPageCursor": ""}, now)
        if symbol is None:
            return returned({}, now, code=10001, message="params error: Symbol Is Invalid")
        return returned(self._book(books[symbol], request.query.get("limit", "25"), now), now)

    def _book(self, book: MarketBook, limit_text: str, now: Nanos) -> dict[str, object]:
        limit = min(1000, int(limit_text)) if limit_text.isdigit() else 25
        name = book.listing.name
        topic = self.topics.get(f"orderbook.1000.{name}")
        return {
            "s": name,
            "b": self.spellers[name].rows(book.ladder(Side.BID, limit)),
            "a": self.spellers[name].rows(book.ladder(Side.ASK, limit)),
            "ts": now // MILLISECOND,
            "u": topic.update if topic else book.last_id % 10**8,
            "seq": book.last_id,
            "cts": now // MILLISECOND,
        }


def _window(book: MarketBook, depth: int) -> tuple[dict[int, int], dict[int, int]]:
    if len(book.bids) <= depth and len(book.asks) <= depth:
        return dict(book.bids), dict(book.asks)
    return dict(book.ladder(Side.BID, depth)), dict(book.ladder(Side.ASK, depth))


def _differences(
    old: dict[int, int], new: dict[int, int], *, reverse: bool
) -> list[tuple[int, int]]:
    """Return what turns `old` into `new`: what left the window is deleted by a size of zero."""
    changed = dict(new.items() - old.items())
    changed.update(dict.fromkeys(old.keys() - new.keys(), 0))
    return sorted(changed.items(), reverse=reverse)


def _ladder(
    bids: dict[int, int], asks: dict[int, int]
) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    return sorted(bids.items(), reverse=True), sorted(asks.items())


def returned(result: object, now: Nanos, *, code: int = 0, message: str = "OK") -> Answer:
    return json_answer(
        {
            "retCode": code,
            "retMsg": message,
            "result": result,
            "retExtInfo": {},
            "time": now // MILLISECOND,
        }
    )


def instrument_row(listing: Listing, category: str) -> dict[str, object]:
    tick, step = f"{listing.tick:f}", f"{listing.step:f}"
    row: dict[str, object] = {"symbol": listing.name}
    if category == "spot":
        return row | {
            "baseCoin": listing.base,
            "quoteCoin": listing.quote,
            "innovation": "0",
            "status": "Trading",
            "marginTrading": "both",
            "lotSizeFilter": {
                "basePrecision": step,
                "quotePrecision": "0.0000001",
                "minOrderQty": step,
                "maxOrderQty": "9000",
                "minOrderAmt": "5",
                "maxOrderAmt": "8000000",
            },
            "priceFilter": {"tickSize": tick},
        }
    return row | {
        "contractType": "LinearPerpetual",
        "status": "Trading",
        "baseCoin": listing.base,
        "quoteCoin": listing.quote,
        "launchTime": "1584230400000",
        "deliveryTime": "0",
        "deliveryFeeRate": "",
        "priceScale": str(listing.price_places),
        "priceFilter": {"minPrice": tick, "maxPrice": "1999999.80", "tickSize": tick},
        "lotSizeFilter": {
            "maxOrderQty": "1190.000",
            "minOrderQty": step,
            "qtyStep": step,
            "minNotionalValue": "5",
        },
        "settleCoin": listing.quote,
        "fundingInterval": 480,
    }
