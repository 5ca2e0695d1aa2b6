"""Hyperliquid, from the server's side."""

from collections import deque
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.core.side import Side
from tidegauge.simulator.dealings import dealings
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

SLOW: Nanos = 5 * SECOND
FAST: Nanos = 540 * MILLISECOND
"""Cadence of the books of 20 levels and, asked for with `fast`, of 5."""

SLOW_LEVELS, FAST_LEVELS = 20, 5
SILENCE: Nanos = 60 * SECOND
"""The server closes a socket on which it had nothing to say for this long."""

OTHER_TYPES = ("trades", "activeAssetCtx", "candle")
CONTEXT_EVERY: Nanos = SECOND
REPLAYED = 30
"""Trades that the first frame of a subscription repeats."""

NO_COIN_TYPES = ("allMids",)


class Subscription(NamedTuple):
    """What a client asked for."""

    type: str
    coin: str
    fast: bool = False


@dataclass(slots=True)
class Client:
    """One connection. `fresh` are books it is owed at once."""

    spoken_at: Nanos
    subscriptions: dict[Subscription, None] = field(default_factory=dict)
    fresh: set[Subscription] = field(default_factory=set)


class Hyperliquid:
    """What Hyperliquid's server would say about the books of one `Exchange`.

    `coins` are those it acknowledges, if other than the generated ones.
    """

    def __init__(
        self,
        exchange: Exchange,
        *,
        greeting: bool = False,
        coins: Collection[str] | None = None,
    ) -> None:
        self.exchange = exchange
        self.coins = exchange.books if coins is None else coins
        self.greeting = greeting
        self.eager = False
        self.ping_seconds: float | None = None
        self.clients: dict[ConnectionId, Client] = {}
        self.spellers = {name: Speller(book.listing) for name, book in exchange.books.items()}
        self.slow_due: Nanos = SLOW
        self.fast_due: Nanos = FAST
        self.touches: dict[str, tuple[tuple[int, int], ...]] = {}
        self.dealings = dealings(exchange)
        self.told: dict[str, deque[dict[str, object]]] = {
            name: deque(maxlen=REPLAYED) for name in exchange.books
        }
        self.contexts_due: Nanos = 0

    # -- sockets ---------------------------------------------------------------------------------

    def admit(self, path: str, now: Nanos) -> Answer | None:
        return None if path.rstrip("/") == "/ws" else NOT_FOUND

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        self.clients[connection] = Client(spoken_at=now)
        if self.greeting:
            return [Say(connection=connection, text="Websocket connection established.")]
        return []

    def disconnected(self, connection: ConnectionId) -> None:
        self.clients.pop(connection, None)

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        client = self.clients.get(connection)
        if client is None:
            return []
        client.spoken_at = now
        try:
            message: Any = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return [_unreadable(connection, text)]
        method = message.get("method") if isinstance(message, dict) else None
        if method == "ping":
            return [Say(connection=connection, text='{"channel":"pong"}')]
        if method == "post":
            return self._post(connection, message, text, now)
        wanted = message.get("subscription") if isinstance(message, dict) else None
        if method not in ("subscribe", "unsubscribe") or not isinstance(wanted, dict):
            return [_unreadable(connection, text)]
        subscription = self._read(wanted)
        if subscription is None:
            # An unknown coin or a bad option costs the whole socket, without a word.
            return [Close(connection=connection, abrupt=True)]
        return self._subscribe(connection, client, method, subscription, now)

    def _read(self, wanted: Mapping[str, Any]) -> Subscription | None:
        kind, coin = wanted.get("type"), wanted.get("coin", "")
        if kind in NO_COIN_TYPES:
            return Subscription(kind, "")
        if not isinstance(coin, str) or coin not in self.coins:
            return None
        if kind not in ("l2Book", "bbo", *OTHER_TYPES):
            return None
        figures, mantissa = wanted.get("nSigFigs"), wanted.get("mantissa")
        if figures not in (None, 2, 3, 4, 5) or (mantissa is not None and figures != 5):  # noqa: PLR2004
            return None
        return Subscription(kind, coin, kind == "l2Book" and wanted.get("fast") is True)

    def _subscribe(
        self,
        connection: ConnectionId,
        client: Client,
        method: str,
        subscription: Subscription,
        now: Nanos,
    ) -> list[Reply]:
        described = _describe(subscription)
        known = subscription in client.subscriptions
        if known == (method == "subscribe"):
            already = "Already subscribed" if known else "Already unsubscribed"
            return [_error(connection, f"{already}: {json_text(described)}")]
        if method == "subscribe":
            client.subscriptions[subscription] = None
            client.fresh.add(subscription)
            if subscription.type in ("l2Book", "bbo"):
                self.exchange.stage.begin(now)
        else:
            del client.subscriptions[subscription]
            client.fresh.discard(subscription)
        answer = {
            "channel": "subscriptionResponse",
            "data": {"method": method, "subscription": described},
        }
        return [Say(connection=connection, text=json_text(answer))]

    def _post(
        self, connection: ConnectionId, message: Mapping[str, Any], text: str, now: Nanos
    ) -> list[Reply]:
        request = message.get("request")
        payload = request.get("payload") if isinstance(request, dict) else None
        found = self._info(payload, now) if isinstance(payload, dict) else None
        if found is None or not isinstance(payload, dict):
            return [_unreadable(connection, text)]
        response = {"type": "info", "payload": {"type": payload.get("type"), "data": found}}
        answer = {"channel": "post", "data": {"id": message.get("id"), "response": response}}
        return [Say(connection=connection, text=json_text(answer))]

    # -- the market ------------------------------------------------------------------------------

    def advance(self, now: Nanos) -> list[Reply]:
        self.exchange.advance(now)
        at = self.exchange.stage.market_time(now)
        slow, fast = at >= self.slow_due, at >= self.fast_due
        # One clock for all coins.
        self.slow_due += SLOW * ((at - self.slow_due) // SLOW + 1) if slow else 0
        self.fast_due += FAST * ((at - self.fast_due) // FAST + 1) if fast else 0
        moved = self._moved()
        traded = self._traded(at, now)
        contexts = at >= self.contexts_due
        self.contexts_due = at + CONTEXT_EVERY if contexts else self.contexts_due
        texts: dict[Subscription, str] = {}
        replies: list[Reply] = []
        for connection, client in self.clients.items():
            for each in client.subscriptions:
                due = (fast if each.fast else slow) if each.type == "l2Book" else False
                if each.type == "bbo":
                    due = each.coin in moved
                elif each.type == "trades":
                    due = each.coin in traded
                elif each.type == "activeAssetCtx":
                    due = contexts
                fresh = each in client.fresh
                if not due and not fresh:
                    continue
                client.fresh.discard(each)
                if each.type == "trades":
                    rows = [*self.told[each.coin]] if fresh else traded[each.coin]
                    text = json_text({"channel": "trades", "data": rows}) if rows else ""
                else:
                    text = texts.get(each) or self._frame(each, now)
                if text:
                    texts[each] = text
                    client.spoken_at = now
                    book = each.type in ("l2Book", "bbo")
                    replies.append(Say(connection=connection, text=text, book=book))
            if now - client.spoken_at > SILENCE:
                replies.append(Close(connection=connection, abrupt=True))
        return replies

    def _traded(self, at: Nanos, now: Nanos) -> dict[str, list[dict[str, object]]]:
        """Return the trades of each coin that had any."""
        traded: dict[str, list[dict[str, object]]] = {}
        for coin, each in self.dealings.items():
            speller = self.spellers[coin]
            rows: list[dict[str, object]] = [
                {
                    "coin": coin,
                    "side": "B" if deal.bought else "A",
                    "px": speller.price(deal.tick),
                    "sz": speller.size(deal.lots),
                    "time": now // MILLISECOND,
                    "hash": f"0x{deal.number:064x}",
                    "tid": deal.number,
                    "users": [f"0x{side:040x}" for side in range(2)],
                }
                for deal in each.deals(at)
            ]
            if rows:
                traded[coin] = rows
                self.told[coin].extend(rows)
        return traded

    def _context(self, coin: str) -> str:
        """Return mark, oracle, hourly funding and open interest."""
        told, speller = self.dealings[coin], self.spellers[coin]
        mark = speller.price(told.mark)
        ctx = {
            "funding": told.funding,
            "openInterest": speller.size(told.open_interest),
            "prevDayPx": mark,
            "dayNtlVlm": "0.0",
            "premium": None,
            "oraclePx": speller.price(told.index),
            "markPx": mark,
            "midPx": mark,
            "impactPxs": None,
            "dayBaseVlm": "0.0",
        }
        return json_text({"channel": "activeAssetCtx", "data": {"coin": coin, "ctx": ctx}})

    def _moved(self) -> set[str]:
        """Return the coins whose best bid or ask is not what it was."""
        moved = set()
        for coin, book in self.exchange.books.items():
            bid, ask = book.best_bid, book.best_ask
            touch = ((bid, book.bids[bid]), (ask, book.asks[ask]))
            if self.touches.get(coin) != touch:
                self.touches[coin] = touch
                moved.add(coin)
        return moved

    def _frame(self, wanted: Subscription, now: Nanos) -> str:
        if wanted.type == "activeAssetCtx":
            return self._context(wanted.coin)
        if wanted.type not in ("l2Book", "bbo"):
            return ""
        if wanted.type == "bbo":
            bids, asks = self._levels(wanted.coin, 1)
            data: dict[str, object] = {"coin": wanted.coin, "time": now // MILLISECOND}
            return json_text({"channel": "bbo", "data": data | {"bbo": [bids[0], asks[0]]}})
        depth = FAST_LEVELS if wanted.fast else SLOW_LEVELS
        data = self._book(wanted.coin, depth, now)
        if wanted.fast:
            data["fast"] = True
        return json_text({"channel": "l2Book", "data": data})

    def _book(self, coin: str, depth: int, now: Nanos) -> dict[str, object]:
        return {"coin": coin, "time": now // MILLISECOND, "levels": self._levels(coin, depth)}

    def _levels(self, coin: str, depth: int) -> tuple[list[dict[str, object]], ...]:
        book: MarketBook = self.exchange.books[coin]
        speller = self.spellers[coin]
        return tuple(
            [
                {"px": speller.price(tick), "sz": speller.size(lots), "n": 1 + lots % 23}
                for tick, lots in book.ladder(side, depth)
            ]
            for side in (Side.BID, Side.ASK)
        )

    # -- REST ------------------------------------------------------------------------------------

    def rest(self, request: Request, now: Nanos) -> Answer:
        if request.path.rstrip("/") != "/info":
            return NOT_FOUND
        if request.method != "POST":
            return Answer(status=405)
        try:
            payload: Any = msgspec.json.decode(request.body)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return Answer(status=400, body=b"Failed to parse the request body as JSON")
        found = self._info(payload, now) if isinstance(payload, dict) else None
        if found is None:
            return Answer(
                status=422,
                body=b"Failed to deserialize the JSON body into the target type",
            )
        return json_answer(found)

    def _info(self, payload: Mapping[str, Any], now: Nanos) -> object | None:
        kind, coin = payload.get("type"), payload.get("coin")
        books = self.exchange.books
        if kind == "l2Book" and isinstance(coin, str) and coin in books:
            return self._book(coin, SLOW_LEVELS, now)
        if kind == "meta":
            return meta(book.listing for book in books.values())
        if kind == "allMids":
            return {
                name: self.spellers[name].price((book.best_bid + book.best_ask) // 2)
                for name, book in books.items()
            }
        return None


def meta(listings: Iterable[Listing]) -> dict[str, object]:
    """Return the perpetuals on offer."""
    universe = [
        {
            "szDecimals": listing.size_places,
            "name": listing.name,
            "maxLeverage": 40,
            "marginTableId": 56,
        }
        for listing in listings
    ]
    return {"universe": universe, "marginTables": [], "collateralToken": 0}


def _describe(wanted: Subscription) -> dict[str, object]:
    described: dict[str, object] = {"type": wanted.type}
    if wanted.coin:
        described["coin"] = wanted.coin
    if wanted.type == "l2Book":
        described |= {"nSigFigs": None, "mantissa": None, "fast": wanted.fast}
    return described


def _error(connection: ConnectionId, message: str) -> Reply:
    return Say(connection=connection, text=json_text({"channel": "error", "data": message}))


def _unreadable(connection: ConnectionId, text: str) -> Reply:
    return _error(connection, f"Error parsing JSON into valid websocket request: {text[:200]}")
