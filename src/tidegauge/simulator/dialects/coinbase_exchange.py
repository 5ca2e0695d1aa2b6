"""Coinbase Exchange's public socket, from the server's side: batches without a number."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
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

BOOK = "level2_batch"
CHANNELS = (BOOK, "matches", "heartbeat", "ticker", "ticker_batch", "status")
CLOSED_CHANNELS = ("level2", "level3", "full", "user")
FIRST_WORD_WITHIN: Nanos = 5 * SECOND
UPDATED_PLACES = 8
"""Updates spell prices with eight decimals, snapshots with those of the tick."""

MAKER_ORDER = "ac928c66-ca53-498f-9c13-a110027a60e8"
TAKER_ORDER = "132fb6ae-456b-4654-b4e0-d681ac05cea1"


@dataclass(slots=True)
class Client:
    """One connection, and the products of each channel it subscribed to."""

    opened_at: Nanos
    channels: dict[str, dict[str, None]] = field(default_factory=dict)
    beat_due: Nanos = 0


class CoinbaseExchange:
    """What Coinbase Exchange's server would say about the books of one `Exchange`."""

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.eager = False
        self.ping_seconds: float | None = None
        self.clients: dict[ConnectionId, Client] = {}
        self.spellers = {name: Speller(book.listing) for name, book in exchange.books.items()}
        self.longer = {
            name: Speller(replace(book.listing, price_places=UPDATED_PLACES))
            for name, book in exchange.books.items()
        }
        self.dealings = dealings(exchange)
        self.last: dict[str, dict[str, object]] = {}

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
        if not isinstance(message, dict) or message.get("type") not in (
            "subscribe",
            "unsubscribe",
        ):
            return [_say(connection, _failure("Malformed JSON"))]
        names, channels = message.get("product_ids", []), message.get("channels", [])
        why = self._wrong(names, channels)
        if why is not None:
            return [_say(connection, _failure(why))]
        take = self._subscribe if message["type"] == "subscribe" else self._unsubscribe
        return take(connection, client, names, channels, now)

    def _unsubscribe(
        self,
        connection: ConnectionId,
        client: Client,
        names: list[str],
        channels: list[str],
        now: Nanos,
    ) -> list[Reply]:
        for channel in channels:
            for name in names:
                client.channels.get(channel, {}).pop(name, None)
        return [_say(connection, _served(client))]

    def _subscribe(
        self,
        connection: ConnectionId,
        client: Client,
        names: list[str],
        channels: list[str],
        now: Nanos,
    ) -> list[Reply]:
        for channel in channels:
            wanted = client.channels.setdefault(channel, {})
            wanted |= dict.fromkeys(names)
        replies = [_say(connection, _served(client))]
        for name in names:
            if "matches" in channels and name in self.last:
                replies.append(_say(connection, self.last[name] | {"type": "last_match"}))
            if BOOK in channels:
                self.exchange.stage.begin(now)
                replies.append(_say(connection, self._snapshot(name), book=True))
        return replies

    def _wrong(self, names: Any, channels: Any) -> str | None:
        """Return why a request is refused: one bad name is enough."""
        if not isinstance(names, list) or not isinstance(channels, list):
            return "product_ids and channels must be lists"
        for name in names:
            if name not in self.exchange.books:
                return f"{name} is not a valid product"
        for channel in channels:
            if channel in CLOSED_CHANNELS:
                return f"{channel} requires authentication"
            if channel not in CHANNELS:
                return f"{channel} is not a valid channel"
        return None

    def _snapshot(self, name: str) -> dict[str, object]:
        book, speller = self.exchange.books[name], self.spellers[name]
        return {
            "type": "snapshot",
            "product_id": name,
            "asks": speller.rows(book.ladder(Side.ASK)),
            "bids": speller.rows(book.ladder(Side.BID)),
        }

    # -- the market ------------------------------------------------------------------------------

    def advance(self, now: Nanos) -> list[Reply]:
        updates = {
            name: json_text(self._update(name, *sides, now))
            for name, sides in self.exchange.touched(now).items()
        }
        at = self.exchange.stage.market_time(now)
        matches: dict[str, list[str]] = {}
        for name, each in self.dealings.items():
            for deal in each.deals(at):
                self.last[name] = self._match(name, deal, now)
                matches.setdefault(name, []).append(json_text(self.last[name]))
        replies: list[Reply] = []
        for connection, client in self.clients.items():
            if not client.channels and now - client.opened_at >= FIRST_WORD_WITHIN:
                replies.append(Close(connection=connection))
            replies += [
                Say(connection=connection, text=updates[name], book=True)
                for name in client.channels.get(BOOK, ())
                if name in updates
            ]
            replies += [
                Say(connection=connection, text=text)
                for name in client.channels.get("matches", ())
                for text in matches.get(name, ())
            ]
            if now >= client.beat_due:
                client.beat_due = now + SECOND
                beating = client.channels.get("heartbeat", ())
                replies += [_say(connection, self._beat(name, now)) for name in beating]
        return replies

    def _update(self, name: str, bids: set[int], asks: set[int], now: Nanos) -> dict[str, object]:
        book, speller = self.exchange.books[name], self.longer[name]
        changes = [
            (side, price, size)
            for side, ticks, of in (("buy", bids, Side.BID), ("sell", asks, Side.ASK))
            for price, size in speller.changes(book, of, ticks)
        ]
        return {"type": "l2update", "product_id": name, "changes": changes, "time": stamp(now)}

    def _match(self, name: str, deal: Deal, now: Nanos) -> dict[str, object]:
        speller = self.spellers[name]
        return {
            "type": "match",
            "trade_id": deal.number,
            "maker_order_id": MAKER_ORDER,
            "taker_order_id": TAKER_ORDER,
            # The maker's side.
            "side": "sell" if deal.bought else "buy",
            "size": speller.size(deal.lots),
            "price": speller.price(deal.tick),
            "product_id": name,
            "sequence": self.exchange.books[name].last_id,
            "time": stamp(now),
        }

    def _beat(self, name: str, now: Nanos) -> dict[str, object]:
        return {
            "type": "heartbeat",
            "last_trade_id": self.dealings[name].number,
            "product_id": name,
            "sequence": self.exchange.books[name].last_id,
            "time": stamp(now),
        }

    # -- REST ------------------------------------------------------------------------------------

    def rest(self, request: Request, now: Nanos) -> Answer:
        if request.path == "/products":
            return json_answer([_product(book.listing) for book in self.exchange.books.values()])
        parts = request.path.strip("/").split("/")
        if len(parts) != 3 or (parts[0], parts[2]) != ("products", "book"):  # noqa: PLR2004
            return NOT_FOUND
        book = self.exchange.books.get(parts[1])
        if book is None:
            return json_answer({"message": "NotFound"}, status=404)
        levels = {"1": 1, "2": None}.get(request.query.get("level", "1"))
        bids, asks = (
            [
                (price, size, 1)
                for price, size in self.spellers[parts[1]].rows(book.ladder(side, levels))
            ]
            for side in (Side.BID, Side.ASK)
        )
        return json_answer(
            {
                "bids": bids,
                "asks": asks,
                "sequence": book.last_id,
                "auction_mode": False,
                "auction": None,
                "time": stamp(now, 9),
            }
        )


def _say(connection: ConnectionId, message: object, *, book: bool = False) -> Reply:
    return Say(connection=connection, text=json_text(message), book=book)


def _failure(reason: str) -> dict[str, str]:
    return {"type": "error", "message": "Failed to subscribe", "reason": reason}


def _served(client: Client) -> dict[str, object]:
    channels = [
        {"name": channel, "product_ids": [*names], "account_ids": None}
        for channel, names in client.channels.items()
        if names
    ]
    return {"type": "subscriptions", "channels": channels}


def _product(listing: Listing) -> dict[str, object]:
    return {
        "id": listing.name,
        "base_currency": listing.base,
        "quote_currency": listing.quote,
        "quote_increment": f"{listing.tick:f}",
        "base_increment": f"{listing.step:f}",
        "display_name": listing.name,
        "min_market_funds": "1",
        "post_only": False,
        "limit_only": False,
        "cancel_only": False,
        "status": "online",
        "status_message": "",
        "trading_disabled": False,
        "auction_mode": False,
    }
