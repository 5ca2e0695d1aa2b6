"""Coinbase Advanced Trade's public socket, from the server's side: one count over all frames."""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.side import Side
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
    stamp,
)
from tidegauge.simulator.exchange import Exchange, Speller
from tidegauge.simulator.listing import Listing
from tidegauge.simulator.market import MarketBook

ROOT = "/api/v3/brokerage/market"
CHANNELS = ("level2", "market_trades", "heartbeats", "ticker", "candles", "status")
FIRST_WORD_WITHIN: Nanos = 5 * SECOND
RECENT_TRADES = 100
NEVER = "1970-01-01T00:00:00Z"
OWN_BOOKS = ("USDT-USDC", "EURC-USDC")


@dataclass(slots=True)
class Client:
    """One connection; `number` is that of its next frame, `channels` what it subscribed to."""

    opened_at: Nanos
    number: int = 0
    channels: dict[str, dict[str, None]] = field(default_factory=dict)
    beats: int = 0
    beat_due: Nanos = 0


class Coinbase:
    """What Coinbase's server would say about the books of one `Exchange`."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.eager = False
        self.ping_seconds: float | None = None
        self.clients: dict[ConnectionId, Client] = {}
        self.spellers = {
            name: Speller(book.listing, zero="0") for name, book in exchange.books.items()
        }
        self.dealings = dealings(exchange)
        self.recent: dict[str, deque[dict[str, str]]] = {
            name: deque(maxlen=RECENT_TRADES) for name in exchange.books
        }

    # -- sockets ---------------------------------------------------------------------------------

    def admit(self, path: str, now: Nanos) -> Answer | None:
        return None if path in ("", "/") else NOT_FOUND

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        self.clients[connection] = Client(opened_at=now)
        return []

    def disconnected(self, connection: ConnectionId) -> None:
        self.clients.pop(connection, None)

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        client = self.clients.get(connection)
        if client is None:
            return []
        try:
            message: Any = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = None
        if not isinstance(message, dict):
            return [_failure(connection, "failed to parse the message")]
        verb, channel = message.get("type"), message.get("channel")
        if verb not in ("subscribe", "unsubscribe") or channel not in CHANNELS:
            return [_failure(connection, "invalid message type or channel")]
        names = message.get("product_ids", [])
        if not isinstance(names, list):
            return [_failure(connection, "invalid product_ids")]
        for name in names:
            if name not in self.exchange.books:
                return [_failure(connection, f"{name} is not a valid product")]
        if verb == "unsubscribe":
            for name in names:
                client.channels.get(channel, {}).pop(name, None)
            return [self._served(connection, client, now)]
        wanted = client.channels.setdefault(channel, {})
        wanted |= dict.fromkeys(names)
        replies = [
            reply for name in names for reply in self._begin(connection, client, channel, name, now)
        ]
        return [*replies, self._served(connection, client, now)]

    def _begin(
        self, connection: ConnectionId, client: Client, channel: str, name: str, now: Nanos
    ) -> Iterator[Reply]:
        """What a subscription begins with comes before its acknowledgement."""
        if channel == "level2":
            self.exchange.stage.begin(now)
            book = self.exchange.books[name]
            levels = (book.ladder(Side.BID), book.ladder(Side.ASK))
            event = self._level2("snapshot", name, levels, NEVER)
            yield self._say(connection, client, "l2_data", [event], now, book=True)
        elif channel == "market_trades":
            recent = {"type": "snapshot", "trades": [*self.recent[name]]}
            yield self._say(connection, client, "market_trades", [recent], now)

    def _served(self, connection: ConnectionId, client: Client, now: Nanos) -> Reply:
        """Name everything that is subscribed to, under the names it is told by."""
        named = {
            channel: [_told_as(name) for name in names]
            for channel, names in client.channels.items()
            if names
        }
        if "heartbeats" in client.channels:
            named["heartbeats"] = ["heartbeats"]
        return self._say(connection, client, "subscriptions", [{"subscriptions": named}], now)

    def _say(
        self,
        connection: ConnectionId,
        client: Client,
        channel: str,
        events: object,
        now: Nanos,
        *,
        book: bool = False,
    ) -> Reply:
        frame = {
            "channel": channel,
            "client_id": "",
            "timestamp": stamp(now, 9),
            "sequence_num": client.number,
            "events": events,
        }
        client.number += 1
        return Say(connection=connection, text=json_text(frame), book=book)

    # -- the market ------------------------------------------------------------------------------

    def advance(self, now: Nanos) -> list[Reply]:
        touched = self.exchange.touched(now)
        updates = {name: self._update(name, sides, now) for name, sides in touched.items()}
        trades = {name: told for name in self.dealings if (told := self._trades(name, now))}
        replies: list[Reply] = []
        for connection, client in self.clients.items():
            if not client.channels and now - client.opened_at >= FIRST_WORD_WITHIN:
                replies.append(Close(connection=connection))
            for name in client.channels.get("level2", ()):
                if name in updates:
                    changed = [updates[name]]
                    replies.append(
                        self._say(connection, client, "l2_data", changed, now, book=True)
                    )
            for name in client.channels.get("market_trades", ()):
                if name in trades:
                    new = {"type": "update", "trades": trades[name]}
                    replies.append(self._say(connection, client, "market_trades", [new], now))
            if "heartbeats" in client.channels and now >= client.beat_due:
                replies.append(self._beat(connection, client, now))
        return replies

    def _beat(self, connection: ConnectionId, client: Client, now: Nanos) -> Reply:
        client.beats, client.beat_due = client.beats + 1, now + SECOND
        event = {
            "current_time": f"{stamp(now, 9)} m=+{now - client.opened_at}",
            "heartbeat_counter": client.beats,
        }
        return self._say(connection, client, "heartbeats", [event], now)

    def _update(self, name: str, sides: tuple[set[int], set[int]], now: Nanos) -> msgspec.Raw:
        book = self.exchange.books[name]
        changes = (
            [(tick, book.bids.get(tick, 0)) for tick in sorted(sides[0], reverse=True)],
            [(tick, book.asks.get(tick, 0)) for tick in sorted(sides[1])],
        )
        return self._level2("update", name, changes, stamp(now))

    def _level2(
        self, kind: str, name: str, levels: tuple[Sequence[tuple[int, int]], ...], at: str
    ) -> msgspec.Raw:
        speller = self.spellers[name]
        updates = [
            {"side": side, "event_time": at, "price_level": price, "new_quantity": size}
            for side, rows in zip(("bid", "offer"), levels, strict=True)
            for price, size in speller.rows(rows)
        ]
        event = {"type": kind, "product_id": _told_as(name), "updates": updates}
        return msgspec.Raw(msgspec.json.encode(event))

    def _trades(self, name: str, now: Nanos) -> list[dict[str, str]]:
        """Return the new trades, newest first."""
        at = self.exchange.stage.market_time(now)
        trades = [self._trade(name, deal, now) for deal in self.dealings[name].deals(at)][::-1]
        self.recent[name].extendleft(reversed(trades))
        return trades

    def _trade(self, name: str, deal: Deal, now: Nanos) -> dict[str, str]:
        speller = self.spellers[name]
        return {
            "trade_id": str(deal.number),
            "product_id": _told_as(name),
            "price": speller.price(deal.tick),
            "size": speller.size(deal.lots),
            # The maker's side.
            "side": "SELL" if deal.bought else "BUY",
            "time": stamp(now),
        }

    # -- REST ------------------------------------------------------------------------------------

    def rest(self, request: Request, now: Nanos) -> Answer:
        books = self.exchange.books
        if request.path == f"{ROOT}/products":
            products = [_product(book.listing) for book in books.values()]
            return json_answer({"products": products, "num_products": len(products)})
        if request.path != f"{ROOT}/product_book":
            return NOT_FOUND
        book = books.get(request.query.get("product_id", ""))
        if book is None:
            failure = {"error": "NOT_FOUND", "message": "ProductID not found"}
            return json_answer(failure, status=404)
        limit = request.query.get("limit", "")
        return json_answer(
            {"pricebook": self._book(book, int(limit) if limit.isdigit() else None, now)}
        )

    def _book(self, book: MarketBook, limit: int | None, now: Nanos) -> dict[str, object]:
        name = book.listing.name
        bids, asks = (
            [
                {"price": price, "size": size}
                for price, size in self.spellers[name].rows(book.ladder(side, limit))
            ]
            for side in (Side.BID, Side.ASK)
        )
        return {"product_id": name, "bids": bids, "asks": asks, "time": stamp(now)}


def _told_as(name: str) -> str:
    """Return the name under which a product is told: most in USDC under that of the one in USD."""
    return name[:-1] if name.endswith("-USDC") and name not in OWN_BOOKS else name


def _failure(connection: ConnectionId, message: str) -> Reply:
    return Say(connection=connection, text=json_text({"type": "error", "message": message}))


def _product(listing: Listing) -> dict[str, object]:
    tick, told = f"{listing.tick:f}", _told_as(listing.name)
    return {
        "product_id": listing.name,
        "price": f"{listing.opens_at:f}",
        "base_increment": f"{listing.step:f}",
        "quote_increment": tick,
        "price_increment": tick,
        "base_currency_id": listing.base,
        "quote_currency_id": listing.quote,
        "status": "online",
        "is_disabled": False,
        "trading_disabled": False,
        "product_type": "SPOT",
        "alias": told if told != listing.name else "",
        "alias_to": [],
    }
