"""Deribit's JSON-RPC socket, from the server's side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import msgspec

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.simulator.dealings import Deal, dealings
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
from tidegauge.simulator.exchange import Exchange
from tidegauge.simulator.listing import Listing
from tidegauge.simulator.told import Rows, ToldBook

INTERVALS = {"100ms": 100 * MILLISECOND, "agg2": SECOND}
TICKER_EVERY: Nanos = SECOND
SHORTEST_BEAT = 10
ANSWER_WITHIN: Nanos = 10 * SECOND
"""A test request that is not answered for so long costs the connection."""

IDLE: Nanos = 60 * SECOND
"""A connection without a subscription is closed after this long."""

MOST_CHANNELS = 500
DEPTHS = (1, 5, 10, 20, 50, 100, 1000, 10_000)
SMALLEST_PLAIN = Decimal("0.001")
"""Smaller numbers are written with an exponent."""


@dataclass(slots=True)
class Client:
    """One connection. `fresh` are the books it has not been told yet."""

    active_at: Nanos
    channels: dict[str, None] = field(default_factory=dict)
    fresh: set[str] = field(default_factory=set)
    beat: Nanos | None = None
    beat_at: Nanos = 0
    tested_at: Nanos | None = None


class Deribit:
    """What Deribit's server would say about the books of one `Exchange`."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.eager = False
        self.ping_seconds: float | None = None
        self.clients: dict[ConnectionId, Client] = {}
        self.books: dict[str, ToldBook] = {}
        self.due: dict[str, Nanos] = dict.fromkeys(INTERVALS, 0)
        self.ticker_due: Nanos = 0
        self.dealings = dealings(exchange)

    # -- sockets ---------------------------------------------------------------------------------

    def admit(self, path: str, now: Nanos) -> Answer | None:
        return None if path.rstrip("/") == "/ws/api/v2" else NOT_FOUND

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        self.clients[connection] = Client(active_at=now)
        return []

    def disconnected(self, connection: ConnectionId) -> None:
        self.clients.pop(connection, None)
        self._retire_books()

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        client = self.clients.get(connection)
        if client is None:
            return []
        client.active_at = now
        try:
            message: Any = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = None
        if not isinstance(message, dict):
            return [_error(connection, None, 11050, "bad_request")]
        params = message.get("params")
        answer = self._call(client, message.get("method"), params or {}, now)
        if isinstance(answer, tuple):
            return [_error(connection, message.get("id"), *answer)]
        return [Say(connection=connection, text=json_text(_answer(message.get("id"), answer, now)))]

    def _call(self, client: Client, method: object, params: Any, now: Nanos) -> Any:
        """Return the result of a call, or (code, message)."""
        if not isinstance(params, dict):
            return -32602, "Invalid params"
        if method == "public/test":
            client.tested_at = None
            return {"version": "1.2.26"}
        if method == "public/set_heartbeat":
            interval = params.get("interval")
            if not isinstance(interval, int) or interval < SHORTEST_BEAT:
                return -32602, "Invalid params"
            client.beat, client.beat_at = interval * SECOND, now
            return "ok"
        if method not in ("public/subscribe", "public/unsubscribe"):
            return -32601, "Method not found"
        channels = params.get("channels")
        if not isinstance(channels, list) or len(channels) > MOST_CHANNELS:
            return -32602, "Invalid params"
        if not all(isinstance(each, str) for each in channels):
            return -32602, "Invalid params"
        if method == "public/unsubscribe":
            return self._unsubscribe(client, channels)
        if any(each.endswith(".raw") for each in channels):
            return 13778, "raw_subscriptions_not_available_for_unauthorized"
        return self._subscribe(client, channels, now)

    def _subscribe(self, client: Client, channels: Sequence[str], now: Nanos) -> list[str]:
        granted = [each for each in channels if self._known(each)]
        for channel in granted:
            if channel in client.channels:
                continue  # and no new snapshot
            client.channels[channel] = None
            client.fresh.add(channel)
            if channel.startswith("book."):
                self._open_book(channel)
                self.exchange.stage.begin(now)
        # The order is not that of the request.
        return granted[::-1]

    def _unsubscribe(self, client: Client, channels: Sequence[str]) -> list[str]:
        known = [each for each in channels if each in client.channels]
        for channel in known:
            del client.channels[channel]
            client.fresh.discard(channel)
        self._retire_books()
        return known

    def _known(self, channel: str) -> bool:
        kind, _, rest = channel.partition(".")
        name, _, interval = rest.rpartition(".")
        return (
            kind in ("book", "trades", "ticker")
            and name in self.exchange.books
            and interval in INTERVALS
        )

    # -- the market ------------------------------------------------------------------------------

    def advance(self, now: Nanos) -> list[Reply]:
        self.exchange.advance(now)
        at = self.exchange.stage.market_time(now)
        due = {interval for interval, when in self.due.items() if at >= when}
        for interval in due:
            self.due[interval] = at - at % INTERVALS[interval] + INTERVALS[interval]
        replies: list[Reply] = []
        for channel, told in self.books.items():
            if channel.rpartition(".")[2] in due:
                replies += self._tell(channel, told, now)
        for channel, data in self._beside(at, now):
            text = ""
            for connection, client in self.clients.items():
                if channel in client.channels:
                    text = text or _notification(channel, data)
                    replies.append(Say(connection=connection, text=text))
        for connection, client in self.clients.items():
            replies += _beat(connection, client, now)
        return replies

    def _tell(self, channel: str, told: ToldBook, now: Nanos) -> list[Reply]:
        changes = told.advance()
        change = snapshot = ""
        replies: list[Reply] = []
        for connection, client in self.clients.items():
            if channel not in client.channels:
                continue
            if channel in client.fresh:
                client.fresh.discard(channel)
                snapshot = snapshot or self._frame(channel, told, told.whole(), now, whole=True)
                replies.append(Say(connection=connection, text=snapshot, book=True))
            elif changes is not None:
                change = change or self._frame(channel, told, changes, now, whole=False)
                replies.append(Say(connection=connection, text=change, book=True))
        return replies

    def _frame(
        self, channel: str, told: ToldBook, rows: tuple[Rows, Rows], now: Nanos, *, whole: bool
    ) -> str:
        listing = told.book.listing
        data: dict[str, object] = {
            "timestamp": now // MILLISECOND,
            "type": "snapshot" if whole else "change",
            "change_id": told.sequence,
            "instrument_name": listing.name,
        }
        for side, levels in zip(("bids", "asks"), rows, strict=True):
            data[side] = [
                (_word(lots, whole=whole), number(tick * listing.tick), number(lots * listing.step))
                for tick, lots in levels
            ]
        return _notification(channel, data if whole else data | {"prev_change_id": told.previous})

    def _beside(self, at: Nanos, now: Nanos) -> Iterator[tuple[str, object]]:
        """Return what the channels tell that are no books."""
        ticker_due = at >= self.ticker_due
        if ticker_due:
            self.ticker_due = at - at % TICKER_EVERY + TICKER_EVERY
        for name, each in self.dealings.items():
            if deals := each.deals(at):
                rows = [self._deal(name, deal, now) for deal in deals]
                yield f"trades.{name}.100ms", rows
            if ticker_due:
                yield f"ticker.{name}.100ms", self._ticker(name, now)

    def _deal(self, name: str, deal: Deal, now: Nanos) -> dict[str, object]:
        listing, told = self.exchange.books[name].listing, self.dealings[name]
        row: dict[str, object] = {
            "timestamp": now // MILLISECOND,
            "price": number(deal.tick * listing.tick),
            "amount": number(deal.lots * listing.step),
            "direction": "buy" if deal.bought else "sell",
            "index_price": number(told.index * listing.tick),
            "mark_price": number(told.mark * listing.tick),
            "instrument_name": name,
            "trade_seq": deal.number,
            "trade_id": f"USDC-{deal.number}",
            "tick_direction": 0 if deal.bought else 2,
        }
        return row | {"liquidation": "T"} if deal.liquidation else row

    def _ticker(self, name: str, now: Nanos) -> dict[str, object]:
        book, told = self.exchange.books[name], self.dealings[name]
        listing = book.listing
        tick, step = listing.tick, listing.step
        return {
            "timestamp": now // MILLISECOND,
            "state": "open",
            "instrument_name": name,
            "index_price": number(told.index * tick),
            "mark_price": number(told.mark * tick),
            "open_interest": number(told.open_interest * step),
            "current_funding": msgspec.Raw(told.funding.encode()),
            "funding_8h": msgspec.Raw(told.funding.encode()),
            "best_bid_price": number(book.best_bid * tick),
            "best_ask_price": number(book.best_ask * tick),
        }

    def _open_book(self, channel: str) -> None:
        if channel not in self.books:
            name = channel.removeprefix("book.").rpartition(".")[0]
            self.books[channel] = ToldBook(self.exchange.books[name])

    def _retire_books(self) -> None:
        wanted = {name for client in self.clients.values() for name in client.channels}
        self.books = {name: told for name, told in self.books.items() if name in wanted}

    # -- REST ------------------------------------------------------------------------------------

    def rest(self, request: Request, now: Nanos) -> Answer:
        method = request.path.removeprefix("/api/v2/public/")
        if method == "get_time":
            return json_answer(_answer(None, now // MILLISECOND, now))
        if method == "get_instruments":
            currency, kind = (request.query.get(each) for each in ("currency", "kind"))
            rows = [
                instrument_row(book.listing)
                for book in self.exchange.books.values()
                if currency in ("any", book.listing.base) and kind in (None, "future")
            ]
            return json_answer(_answer(None, rows, now))
        if method != "get_order_book":
            return NOT_FOUND
        name, depth = request.query.get("instrument_name", ""), request.query.get("depth", "5")
        if name not in self.exchange.books:
            return json_answer(_problem(None, 13020, "instrument_not_found"), status=400)
        if depth not in {str(each) for each in DEPTHS}:
            return json_answer(_problem(None, -32602, "Invalid params"), status=400)
        return json_answer(_answer(None, self._rest_book(name, int(depth), now), now))

    def _rest_book(self, name: str, depth: int, now: Nanos) -> dict[str, object]:
        book = self.exchange.books[name]
        told = self.books.get(f"book.{name}.100ms") or ToldBook(book)
        bids, asks = (
            [
                (number(tick * book.listing.tick), number(lots * book.listing.step))
                for tick, lots in side
            ]
            for side in told.whole(depth)
        )
        return self._ticker(name, now) | {
            "change_id": told.sequence,
            "bids": bids,
            "asks": asks,
        }


def instrument_row(listing: Listing) -> dict[str, object]:
    """Return a linear perpetual as `public/get_instruments` lists it."""
    return {
        "instrument_name": listing.name,
        "kind": "future",
        "instrument_type": "linear",
        "settlement_period": "perpetual",
        "base_currency": listing.base,
        "quote_currency": listing.quote,
        "counter_currency": listing.quote,
        "settlement_currency": listing.quote,
        "tick_size": number(listing.tick),
        "tick_size_steps": [],
        "contract_size": number(listing.step),
        "min_trade_amount": number(listing.step),
        "is_active": True,
        "state": "open",
    }


def number(value: Decimal) -> msgspec.Raw:
    """Return a JSON number as Deribit writes it: with a point always, or with an exponent."""
    if 0 < value < SMALLEST_PLAIN:
        return msgspec.Raw(f"{value.normalize():e}".encode())
    text = f"{value.normalize():f}"
    return msgspec.Raw((text if "." in text else f"{text}.0").encode())


def _word(lots: int, *, whole: bool) -> str:
    if whole:
        return "new"
    return "change" if lots else "delete"


def _beat(connection: ConnectionId, client: Client, now: Nanos) -> Iterator[Reply]:
    """Test the connection if it is time to, and end it if it fell silent."""
    if client.tested_at is not None and now - client.tested_at > ANSWER_WITHIN:
        yield Close(connection=connection)
    elif client.beat is not None and now - client.beat_at >= client.beat:
        client.beat_at = now
        kind = "heartbeat" if client.tested_at is not None else "test_request"
        client.tested_at = now if client.tested_at is None else client.tested_at
        said = {"params": {"type": kind}, "method": "heartbeat", "jsonrpc": "2.0"}
        yield Say(connection=connection, text=json_text(said))
    elif not client.channels and now - client.active_at > IDLE:
        yield Close(connection=connection)


def _notification(channel: str, data: object) -> str:
    params = {"channel": channel, "data": data}
    return json_text({"jsonrpc": "2.0", "method": "subscription", "params": params})


def _answer(number_of_request: object, result: object, now: Nanos) -> dict[str, object]:
    micros = now // 1000
    head = {} if number_of_request is None else {"id": number_of_request}
    times = {"usIn": micros, "usOut": micros + 93, "usDiff": 93, "testnet": False}
    return {"jsonrpc": "2.0", **head, "result": result, **times}


def _problem(number_of_request: object, code: int, message: str) -> dict[str, object]:
    head = {} if number_of_request is None else {"id": number_of_request}
    return {"jsonrpc": "2.0", **head, "error": {"code": code, "message": message}}


def _error(connection: ConnectionId, number_of_request: object, code: int, message: str) -> Reply:
    return Say(connection=connection, text=json_text(_problem(number_of_request, code, message)))
