"""Binance spot, USD-M and COIN-M, from the server's side."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from tidegauge.core.instrument import MILLISECOND, Nanos
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
from tidegauge.simulator.market import MarketBook, Slot
from tidegauge.simulator.weight import WeightMeter

from .binance_beside import BinanceBeside
from .binance_catalogue import catalogue

MOST_STREAMS = 1024
INVALID_SYMBOL = (-1121, "Invalid symbol.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Flavour:
    """How one Binance market differs from the others."""

    rest: str
    """The path below which its REST lies."""
    intervals: Mapping[str, int]
    """Suffix of a depth stream to its interval in milliseconds."""
    depth_limits: tuple[int, ...] | None
    """The only limits a depth request may have, None for any up to `most_levels`."""
    default_limit: int
    most_levels: int
    derivative: bool
    ping_seconds: float
    weight: int
    """The weight of requests that one address may use up in a minute."""
    universe: int | None = None
    """What its payloads call it (`st`): 1 USD-M, 2 COIN-M, None where they do not."""
    routed: bool = False
    """Whether books are below /public and the rest below /market."""


SPOT = Flavour(
    rest="/api/v3",
    intervals={"depth": 1000, "depth@100ms": 100, "depth@1000ms": 1000},
    depth_limits=None,
    default_limit=100,
    most_levels=5000,
    derivative=False,
    ping_seconds=20.0,
    weight=6000,
)
USD_M = Flavour(
    rest="/fapi/v1",
    intervals={"depth": 250, "depth@0ms": 50, "depth@100ms": 100, "depth@500ms": 500},
    depth_limits=(5, 10, 20, 50, 100, 500, 1000),
    default_limit=500,
    most_levels=1000,
    derivative=True,
    ping_seconds=180.0,
    weight=2400,
    universe=1,
    routed=True,
)
COIN_M = replace(USD_M, rest="/dapi/v1", universe=2, routed=False)


@dataclass(slots=True)
class Tape:
    """One stream of one book: what was touched since its last event, and its chain of ids."""

    name: str
    symbol: str
    interval: Nanos
    due: Nanos
    chain: int
    first: int | None = None
    last: int = 0
    bids: set[int] = field(default_factory=set)
    asks: set[int] = field(default_factory=set)
    best: tuple[tuple[str, str], tuple[str, str]] | None = None


@dataclass(slots=True)
class Client:
    """One connection: how its frames are framed, and which streams it asked for, in order.

    `serves_books` and `serves_beside`: what its route carries; other streams of it are silent.
    """

    combined: bool
    serves_books: bool = True
    serves_beside: bool = True
    streams: dict[str, None] = field(default_factory=dict)


class Binance:
    """What Binance's server would say about the books of one `Exchange`."""

    def __init__(self, exchange: Exchange, flavour: Flavour) -> None:
        self.exchange = exchange
        self.flavour = flavour
        self.eager = False
        self.ping_seconds: float | None = flavour.ping_seconds
        self.clients: dict[ConnectionId, Client] = {}
        self.tapes: dict[str, Tape] = {}
        self.spellers = {name: Speller(book.listing) for name, book in exchange.books.items()}
        self.beside = BinanceBeside(exchange, flavour.universe)
        self.meter = WeightMeter(flavour.weight, "X-MBX-USED-WEIGHT-1M")

    # -- sockets ---------------------------------------------------------------------------------

    def admit(self, path: str, now: Nanos) -> Answer | None:
        """Only `/ws…` and `/stream`, below a route where the market has routes."""
        head, _rest = self._route(path)
        return None if head in ("ws", "stream") else NOT_FOUND

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        head, rest = self._route(path)
        on_market = path.startswith("/market/")
        client = Client(
            combined=head == "stream",
            serves_books=not on_market,
            serves_beside=on_market or not self.flavour.routed,
        )
        self.clients[connection] = client
        names = query.get("streams", "").split("/") if client.combined else rest
        return self._subscribe(client, [name for name in names if name], now)

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        client = self.clients.get(connection)
        if client is None:
            return []
        try:
            message: Any = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return [_error(connection, 3, "Invalid JSON: expected value at line 1 column 1")]
        if not isinstance(message, dict):
            return [_error(connection, 2, "Invalid request: request must be an object")]
        method, params = message.get("method"), message.get("params", [])
        if method in ("SUBSCRIBE", "UNSUBSCRIBE"):
            if not isinstance(params, list) or not all(isinstance(each, str) for each in params):
                return [_error(connection, 2, "Invalid request: params must be strings")]
            return self._change(connection, client, message, now)
        if method == "LIST_SUBSCRIPTIONS":
            return [_result(connection, list(client.streams), message.get("id"))]
        if method == "SET_PROPERTY":
            return self._set_property(connection, client, message)
        return [_error(connection, 2, "Invalid request: unknown variant")]

    def disconnected(self, connection: ConnectionId) -> None:
        self.clients.pop(connection, None)
        wanted = {name for client in self.clients.values() for name in client.streams}
        self.tapes = {name: tape for name, tape in self.tapes.items() if name in wanted}

    def _route(self, path: str) -> tuple[str, list[str]]:
        parts = path.strip("/").split("/")
        if self.flavour.routed and parts[0] in ("public", "market", "private"):
            parts = parts[1:]
        return (parts[0], parts[1:]) if parts else ("", [])

    def _change(
        self, connection: ConnectionId, client: Client, message: Mapping[str, Any], now: Nanos
    ) -> list[Reply]:
        if message["method"] == "SUBSCRIBE":
            replies = self._subscribe(client, message.get("params", []), now)
            if len(client.streams) > MOST_STREAMS:
                return [Close(connection=connection)]
        else:
            for name in message.get("params", []):
                client.streams.pop(name, None)
            replies = []
        return [_result(connection, None, message.get("id")), *replies]

    def _set_property(
        self, connection: ConnectionId, client: Client, message: Mapping[str, Any]
    ) -> list[Reply]:
        params = message.get("params")
        if not isinstance(params, list) or not params or not isinstance(params[0], str):
            return [_error(connection, 2, "Invalid request: property name must be a string")]
        if params[0] != "combined":
            return [_error(connection, 0, "Unknown property")]
        if not isinstance(params[-1], bool):
            return [_error(connection, 1, "Invalid value type: expected Boolean")]
        client.combined = params[-1]
        return [_result(connection, None, message.get("id"))]

    def _subscribe(self, client: Client, names: list[str], now: Nanos) -> list[Reply]:
        for name in names:
            client.streams[name] = None
            # A stream of an unknown symbol is acknowledged, and stays silent.
            if name in self.tapes or not client.serves_books:
                continue
            stream_symbol, _at, kind = name.partition("@")
            book = self.exchange.books.get(stream_symbol.upper())
            milliseconds = 0 if kind == "bookTicker" else self.flavour.intervals.get(kind)
            if book is None or milliseconds is None or stream_symbol != stream_symbol.lower():
                continue
            self.exchange.stage.begin(now)
            interval = milliseconds * MILLISECOND
            self.tapes[name] = Tape(
                name=name,
                symbol=book.listing.name,
                interval=interval,
                due=book.now + interval,
                chain=book.last_id,
            )
        return []

    # -- the market ------------------------------------------------------------------------------

    def advance(self, now: Nanos) -> list[Reply]:
        replies: list[Reply] = []
        for book, slot in self.exchange.advance(now):
            for tape in self.tapes.values():
                if tape.symbol == book.listing.name:
                    replies.extend(self._record(tape, book, slot, now))
        wanted = {name for each in self.clients.values() for name in each.streams}
        for name, payload in self.beside.advance(now, wanted):
            replies.extend(self._tell(name, payload, book=False))
        return replies

    def _record(self, tape: Tape, book: MarketBook, slot: Slot, now: Nanos) -> list[Reply]:
        if not tape.interval:
            return self._best(tape, book, slot, now)
        if slot.bids or slot.asks:
            if tape.first is None:
                tape.first = slot.first_id
            tape.last = slot.last_id
            tape.bids |= slot.bids
            tape.asks |= slot.asks
        if slot.at < tape.due:
            return []
        tape.due += tape.interval
        if tape.first is None:
            return []
        payload = self._depth_update(tape, book, now)
        tape.chain, tape.first = tape.last, None
        tape.bids.clear()
        tape.asks.clear()
        return list(self._tell(tape.name, payload))

    def _depth_update(self, tape: Tape, book: MarketBook, now: Nanos) -> dict[str, object]:
        speller, symbol = self.spellers[tape.symbol], tape.symbol
        event_at = now // MILLISECOND
        bids = speller.changes(book, Side.BID, tape.bids)
        asks = speller.changes(book, Side.ASK, tape.asks)
        payload: dict[str, object] = {"e": "depthUpdate", "E": event_at}
        if not self.flavour.derivative:
            return payload | {"s": symbol, "U": tape.first, "u": tape.last, "b": bids, "a": asks}
        return payload | {
            "T": event_at,
            "s": symbol,
            "ps": symbol.partition("_")[0],
            "U": tape.first,
            "u": tape.last,
            "pu": tape.chain,
            "b": bids,
            "a": asks,
            "st": self.flavour.universe,
        }

    def _best(self, tape: Tape, book: MarketBook, slot: Slot, now: Nanos) -> list[Reply]:
        speller = self.spellers[tape.symbol]
        bid, ask = book.best_bid, book.best_ask
        best = (
            (speller.price(bid), speller.size(book.bids[bid])),
            (speller.price(ask), speller.size(book.asks[ask])),
        )
        if best == tape.best:
            return []
        tape.best = best
        event_at = now // MILLISECOND
        payload: dict[str, object] = {"u": slot.last_id, "s": tape.symbol}
        if self.flavour.derivative:
            payload = {"e": "bookTicker", "u": slot.last_id, "E": event_at, "T": event_at}
            payload |= {"s": tape.symbol, "ps": tape.symbol.partition("_")[0]}
        payload |= {"b": best[0][0], "B": best[0][1], "a": best[1][0], "A": best[1][1]}
        if self.flavour.derivative:
            payload["st"] = self.flavour.universe
        return list(self._tell(tape.name, payload))

    def _tell(self, name: str, payload: object, *, book: bool = True) -> Iterator[Reply]:
        bare, wrapped = "", ""
        for connection, client in self.clients.items():
            serves = client.serves_books if book else client.serves_beside
            if name not in client.streams or not serves:
                continue
            bare = bare or json_text(payload)
            wrapped = wrapped or f'{{"stream":"{name}","data":{bare}}}'
            yield Say(connection=connection, text=wrapped if client.combined else bare, book=book)

    # -- REST ------------------------------------------------------------------------------------

    def rest(self, request: Request, now: Nanos) -> Answer:
        refused = self.meter.refuse(self._weight(request), now)
        return refused or self.meter.stamped(self._answer(request, now))

    def _answer(self, request: Request, now: Nanos) -> Answer:
        root = self.flavour.rest
        if request.path == f"{root}/ping":
            return json_answer({})
        if request.path == f"{root}/time":
            return json_answer({"serverTime": now // MILLISECOND})
        if request.path == f"{root}/exchangeInfo":
            listings = [book.listing for book in self.exchange.books.values()]
            return catalogue(listings, request.query, now, universe=self.flavour.universe)
        if request.path == f"{root}/depth":
            return self._depth(request.query, now)
        if request.path == f"{root}/openInterest" and self.flavour.derivative:
            name = request.query.get("symbol", "")
            known = name in self.exchange.books
            return self.beside.open_interest(name, now) if known else _refused(*INVALID_SYMBOL)
        return NOT_FOUND

    def _weight(self, request: Request) -> int:
        """Return what a request costs, whatever comes of it."""
        kind = request.path.removeprefix(f"{self.flavour.rest}/")
        if kind == "exchangeInfo":
            return 1 if self.flavour.derivative else 20
        if kind != "depth":
            return 1
        asked = request.query.get("limit", "")
        limit = int(asked) if re.fullmatch("[0-9]{1,6}", asked) else self.flavour.default_limit
        most = min(limit, self.flavour.most_levels)
        return _depth_weight(most, derivative=self.flavour.derivative)

    def _depth(self, query: Mapping[str, str], now: Nanos) -> Answer:
        symbol, limit_text = query.get("symbol"), query.get("limit")
        if not symbol:
            return _refused(
                -1102,
                "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.",
            )
        book = self.exchange.books.get(symbol)
        if book is None:
            return _refused(*INVALID_SYMBOL)
        limit = self.flavour.default_limit
        if limit_text is not None:
            if not re.fullmatch("[0-9]{1,6}", limit_text):
                return _refused(-1100, "Illegal characters found in parameter 'limit'.")
            limit = int(limit_text)
        allowed = self.flavour.depth_limits
        if limit < 1 or (allowed is not None and limit not in allowed):
            return _refused(-4021, f"{limit} is not valid depth limit.")
        limit = min(limit, self.flavour.most_levels)
        speller = self.spellers[symbol]
        body: dict[str, object] = {"lastUpdateId": book.last_id}
        if self.flavour.derivative:
            body |= {"E": now // MILLISECOND, "T": now // MILLISECOND}
        body |= {
            "bids": speller.rows(book.ladder(Side.BID, limit)),
            "asks": speller.rows(book.ladder(Side.ASK, limit)),
        }
        return json_answer(body)


def _depth_weight(limit: int, *, derivative: bool) -> int:
    steps = (
        ((50, 2), (100, 5), (500, 10), (1000, 20))
        if derivative
        else ((100, 5), (500, 25), (1000, 50), (5000, 250))
    )
    return next(weight for most, weight in steps if limit <= most)


def _refused(code: int, message: str) -> Answer:
    return json_answer({"code": code, "msg": message}, status=400)


def _result(connection: ConnectionId, result: object, identifier: object) -> Say:
    return Say(connection=connection, text=json_text({"result": result, "id": identifier}))


def _error(connection: ConnectionId, code: int, message: str) -> Say:
    return Say(connection=connection, text=json_text({"code": code, "msg": message}))
