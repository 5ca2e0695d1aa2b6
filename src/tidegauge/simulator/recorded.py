"""Recorded venues: dialects that serve what was once recorded, as fast as a client takes it.

Only the book updates that a client subscribed to are served. The first REST snapshot is the
recorded one, later ones are made from the book as it stood after the last update sent.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from tidegauge.core.errors import MalformedFrame, OperatorError
from tidegauge.core.instrument import Nanos, VenueName
from tidegauge.core.side import Side
from tidegauge.wire.tape import TapeKind, TapeLine

from .dialect import Answer, ConnectionId, Dialect, Reply, Request, Say, json_answer, json_text
from .dialects.binance import SPOT, USD_M, Binance, Flavour
from .dialects.binance_catalogue import catalogue
from .dialects.bybit import Bybit, instrument_row, returned
from .dialects.hyperliquid import Hyperliquid, meta
from .exchange import Exchange, Stage
from .reel import Levels, Recorded, Reel, reels, rows

_AT_ONCE = 32
"""Updates of one book that are handed out together."""


def recorded(
    venue: VenueName, lines: Iterable[TapeLine], *, drop: frozenset[int] = frozenset()
) -> "RecordedVenue[Any]":
    """Return a dialect of `venue` that plays `lines`, leaving out the updates named in `drop`."""
    match venue:
        case "binance":
            return RecordedBinance(lines, SPOT, venue, drop)
        case "binance-futures":
            return RecordedBinance(lines, USD_M, venue, drop)
        case "bybit-spot" | "bybit-linear":
            return RecordedBybit(lines, venue.removeprefix("bybit-"), venue, drop)
        case "hyperliquid":
            return RecordedHyperliquid(lines, venue, drop)
    raise OperatorError(f"no recording of {venue} can be served")


Conversation = TypeVar("Conversation", bound=Dialect)


class RecordedVenue(ABC, Generic[Conversation]):
    """What the recorded dialects share: the reels, and the conversation of the real dialect."""

    eager = True
    ping_seconds: float | None = None

    def __init__(
        self, venue: VenueName, reels: dict[str, Reel], conversation: Conversation
    ) -> None:
        self.venue = venue
        self.reels = reels
        self.conversation = conversation
        self.listings = [reel.listing(venue) for reel in reels.values()]

    @property
    def finished(self) -> bool:
        """Whether every update of every instrument was played."""
        return all(reel.finished for reel in self.reels.values())

    def admit(self, path: str, now: Nanos) -> Answer | None:
        return self.conversation.admit(path, now)

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        return self.conversation.connected(connection, path, query, now)

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        return self.conversation.received(connection, text, now)

    def disconnected(self, connection: ConnectionId) -> None:
        self.conversation.disconnected(connection)

    def rest(self, request: Request, now: Nanos) -> Answer:
        return self.conversation.rest(request, now)

    def advance(self, now: Nanos) -> list[Reply]:
        replies: list[Reply] = []
        for name, reel in self.reels.items():
            listeners = self.listeners(name)
            if listeners:
                for update in reel.play(_AT_ONCE):
                    replies.extend(
                        Say(connection=connection, text=prefix + update.text + suffix, book=True)
                        for connection, prefix, suffix in listeners
                    )
        return replies

    @abstractmethod
    def listeners(self, name: str) -> list[tuple[ConnectionId, str, str]]:
        """Return who subscribed to an instrument's book, and what to write round its updates."""


class RecordedBinance(RecordedVenue[Binance]):
    """A recording of diff depth and one REST snapshot a symbol."""

    def __init__(
        self,
        lines: Iterable[TapeLine],
        flavour: Flavour,
        venue: VenueName,
        drop: frozenset[int],
    ) -> None:
        updates: list[tuple[str, Recorded]] = []
        counts: dict[str, int] = {}
        snapshots = []
        for line in lines:
            if line.kind is TapeKind.HTTP:
                symbol = _symbol_asked_for(line.conn)
                body = msgspec.json.decode(line.text, type=Levels)
                content = Recorded(
                    update=body.lastUpdateId, text="", bids=list(body.bids), asks=list(body.asks)
                )
                snapshots.append((symbol, counts.get(symbol, 0), line.text, content))
            elif line.kind is TapeKind.RECV and '"depthUpdate"' in line.text:
                text = _payload(line.text)
                diff: Any = msgspec.json.decode(text)
                counts[diff["s"]] = counts.get(diff["s"], 0) + 1
                update = Recorded(update=diff["u"], text=text, bids=diff["b"], asks=diff["a"])
                updates.append((diff["s"], update))
        super().__init__(venue, reels(updates, snapshots, drop), Binance(_nothing(venue), flavour))
        self.ping_seconds = flavour.ping_seconds

    def listeners(self, name: str) -> list[tuple[ConnectionId, str, str]]:
        found = []
        for connection, client in self.conversation.clients.items():
            for stream in client.streams:
                if stream.startswith(f"{name.lower()}@depth"):
                    wrap = f'{{"stream":"{stream}","data":' if client.combined else ""
                    found.append((connection, wrap, "}" if wrap else ""))
                    break
        return found

    def rest(self, request: Request, now: Nanos) -> Answer:
        flavour = self.conversation.flavour
        if request.path == f"{flavour.rest}/exchangeInfo":
            return catalogue(self.listings, request.query, now, universe=flavour.universe)
        reel = self.reels.get(request.query.get("symbol", ""))
        if request.path != f"{flavour.rest}/depth" or reel is None:
            return self.conversation.rest(request, now)
        first = not reel.released
        reel.resynced()
        if reel.snapshot is not None and first:
            return Answer(
                status=200,
                body=reel.snapshot[0].encode(),
                headers={"Content-Type": "application/json;charset=UTF-8"},
            )
        last, book = reel.book()
        asked = request.query.get("limit", "")
        limit = int(asked) if re.fullmatch("[0-9]{1,6}", asked) else flavour.default_limit
        return json_answer(
            {
                "lastUpdateId": last,
                "bids": rows(book, Side.BID, min(limit, flavour.most_levels)),
                "asks": rows(book, Side.ASK, min(limit, flavour.most_levels)),
            }
        )


class RecordedBybit(RecordedVenue[Bybit]):
    """A recording of one order-book topic a symbol, on one category's socket."""

    def __init__(
        self,
        lines: Iterable[TapeLine],
        category: str,
        venue: VenueName,
        drop: frozenset[int],
    ) -> None:
        updates = []
        self._heads: dict[str, dict[str, Any]] = {}
        for line in lines:
            if (
                line.kind is TapeKind.RECV
                and line.conn.endswith(f"/{category}")
                and '"orderbook.' in line.text
            ):
                frame: Any = msgspec.json.decode(line.text)
                data = frame["data"]
                self._heads.setdefault(data["s"], frame)
                update = Recorded(
                    update=data["u"],
                    text=line.text,
                    bids=data["b"],
                    asks=data["a"],
                    whole=frame["type"] == "snapshot",
                )
                updates.append((data["s"], update))
        found = reels(updates, (), drop)
        super().__init__(venue, found, Bybit(_nothing(venue), category, symbols=found))

    def listeners(self, name: str) -> list[tuple[ConnectionId, str, str]]:
        return [
            (connection, "", "")
            for connection, client in self.conversation.clients.items()
            if _topic_of(name, client.topics) is not None
        ]

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        client = self.conversation.clients.get(connection)
        before = set(client.topics) if client else set()
        replies = self.conversation.received(connection, text, now)
        if client is not None:
            for topic in client.topics:
                reel = self.reels.get(topic.rpartition(".")[2])
                if topic not in before and reel is not None and reel.position:
                    reel.resynced()
                    replies.append(self._snapshot(connection, reel))
        return replies

    def _snapshot(self, connection: ConnectionId, reel: Reel) -> Reply:
        """A topic that is subscribed to again starts with a snapshot of where it is now."""
        last, book = reel.book()
        head = self._heads[reel.name]
        data = head["data"] | {
            "b": rows(book, Side.BID, len(book.bids)),
            "a": rows(book, Side.ASK, len(book.asks)),
            "u": last,
        }
        text = json_text(head | {"type": "snapshot", "data": data})
        return Say(connection=connection, text=text, book=True)

    def rest(self, request: Request, now: Nanos) -> Answer:
        if request.path != "/v5/market/instruments-info":
            return self.conversation.rest(request, now)
        category = self.conversation.category
        found = [
            instrument_row(listing, category)
            for listing in self.listings
            if request.query.get("category") == category
            and request.query.get("symbol", listing.name) == listing.name
        ]
        return returned({"category": category, "list": found, "nextPageCursor": ""}, now)


class RecordedHyperliquid(RecordedVenue[Hyperliquid]):
    """A recording of whole books."""

    def __init__(self, lines: Iterable[TapeLine], venue: VenueName, drop: frozenset[int]) -> None:
        updates = []
        for line in lines:
            if line.kind is TapeKind.RECV and '"l2Book"' in line.text:
                data: Any = msgspec.json.decode(line.text)["data"]
                bids, asks = (
                    [(level["px"], level["sz"]) for level in side] for side in data["levels"]
                )
                update = Recorded(
                    update=data["time"], text=line.text, bids=bids, asks=asks, whole=True
                )
                updates.append((data["coin"], update))
        # A book that is missed costs freshness only: nobody asks for a snapshot.
        found = reels(updates, (), drop, holds=False)
        super().__init__(venue, found, Hyperliquid(_nothing(venue), coins=found))

    def listeners(self, name: str) -> list[tuple[ConnectionId, str, str]]:
        return [
            (connection, "", "")
            for connection, client in self.conversation.clients.items()
            if any(each.type == "l2Book" and each.coin == name for each in client.subscriptions)
        ]

    def rest(self, request: Request, now: Nanos) -> Answer:
        if request.method == "POST" and request.path == "/info":
            payload: Any = msgspec.json.decode(request.body)
            if payload.get("type") == "meta":
                return json_answer(meta(self.listings))
        return self.conversation.rest(request, now)


def _symbol_asked_for(address: str) -> str:
    found = re.search("[?&]symbol=([A-Z0-9_]+)", address)
    if found is None:
        raise MalformedFrame(f"a recorded answer to nothing we know: {address[:100]}")
    return found[1]


def _payload(text: str) -> str:
    """Return what a combined stream wrapped, byte for byte."""
    marker = '"data":'
    return text[text.index(marker) + len(marker) : -1] if text.startswith('{"stream"') else text


def _topic_of(name: str, topics: Iterable[str]) -> str | None:
    return next(
        (each for each in topics if each.startswith("orderbook.") and each.endswith(f".{name}")),
        None,
    )


def _nothing(venue: VenueName) -> Exchange:
    """An exchange without a generated book: the conversation is all that is wanted of it."""
    return Exchange(venue, (), stage=Stage(origin=0), seed=0)
