"""OKX v5's public socket, from the server's side."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from tidegauge.core.instrument import HOUR, MILLISECOND, SECOND, Nanos
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
from tidegauge.simulator.told import Rows, ToldBook

from .okx_beside import OkxBeside
from .okx_catalogue import OkxSpeller, instrument_row, instrument_type

DEPTH = 400
BOOK_EVERY: Nanos = 100 * MILLISECOND
ALIVE_AFTER: Nanos = 60 * SECOND
"""An unchanged book is confirmed after this long."""

IDLE: Nanos = 30 * SECOND
"""The server closes a socket over which nothing came or went for this long."""

MOST_REQUESTS = 480
"""Subscribing and unsubscribing requests of one connection in an hour."""

BESIDE = ("trades", "mark-price", "funding-rate", "open-interest")
OF_CONTRACTS = BESIDE[1:]
CLOSING = "The connection will soon be closed for a service upgrade. Please reconnect."


class Channel(NamedTuple):
    """What a client subscribes to; liquidations by type, everything else by instrument."""

    name: str
    about: str

    @property
    def arg(self) -> dict[str, str]:
        """How the venue spells it."""
        key = "instType" if self.name == "liquidation-orders" else "instId"
        return {"channel": self.name, key: self.about}


@dataclass(slots=True)
class Client:
    """One connection. `fresh` are the channels that have not told it anything yet."""

    name: str
    active_at: Nanos
    channels: dict[Channel, None] = field(default_factory=dict)
    fresh: set[Channel] = field(default_factory=set)
    asked: list[Nanos] = field(default_factory=list)


class Okx:
    """What OKX's server would say about the books of one `Exchange`.

    `snapshots` off leaves them out of a subscription's beginning, as was once announced.
    """

    def __init__(self, exchange: Exchange) -> None:
        self.exchange = exchange
        self.eager = False
        self.ping_seconds: float | None = None
        self.snapshots = True
        self.ending = False
        self.clients: dict[ConnectionId, Client] = {}
        self.books: dict[str, ToldBook] = {}
        self.due: Nanos = 0
        self.told_at: dict[str, Nanos] = {}
        self.beside = OkxBeside(exchange)
        self.spellers = {name: OkxSpeller(book.listing) for name, book in exchange.books.items()}

    # -- sockets ---------------------------------------------------------------------------------

    def admit(self, path: str, now: Nanos) -> Answer | None:
        return None if path.rstrip("/") == "/ws/v5/public" else NOT_FOUND

    def connected(
        self, connection: ConnectionId, path: str, query: Mapping[str, str], now: Nanos
    ) -> list[Reply]:
        self.clients[connection] = Client(name=f"{connection:08x}", active_at=now)
        return []

    def disconnected(self, connection: ConnectionId) -> None:
        self.clients.pop(connection, None)
        self._retire_books()

    def received(self, connection: ConnectionId, text: str, now: Nanos) -> list[Reply]:
        client = self.clients.get(connection)
        if client is None:
            return []
        client.active_at = now
        if text == "ping":
            return [Say(connection=connection, text="pong")]
        try:
            message: Any = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            message = None
        args = message.get("args") if isinstance(message, dict) else None
        if not isinstance(args, list) or message.get("op") not in ("subscribe", "unsubscribe"):
            return [_error(connection, client, {}, "60012", f"Invalid request: {text[:200]}")]
        client.asked = [at for at in client.asked if now - at < HOUR]
        if len(client.asked) >= MOST_REQUESTS:
            return [_error(connection, client, message, "60014", "Requests too frequent")]
        client.asked.append(now)
        return [self._one(connection, client, message, arg, now) for arg in args]

    def _one(
        self,
        connection: ConnectionId,
        client: Client,
        message: Mapping[str, Any],
        arg: Any,
        now: Nanos,
    ) -> Reply:
        channel = self._known(arg) if isinstance(arg, dict) else None
        if channel is None:
            about = arg if isinstance(arg, dict) else {}
            said = ",".join(
                f"{'instId' if key == 'instId' else key}:{value}" for key, value in about.items()
            )
            said = f"Wrong URL or {said} doesn't exist. Please use the correct URL, channel and"
            said += " parameters referring to API document."
            return _error(connection, client, message, "60018", said)
        if message["op"] == "unsubscribe":
            client.channels.pop(channel, None)
            client.fresh.discard(channel)
            self._retire_books()
        elif channel not in client.channels:
            client.channels[channel] = None
            client.fresh.add(channel)
            if channel.name == "books":
                self._open_book(channel.about)
                self.exchange.stage.begin(now)
        answer = {"event": message["op"], "arg": channel.arg, "connId": client.name}
        return Say(connection=connection, text=json_text(_numbered(message) | answer))

    def _known(self, arg: Mapping[str, Any]) -> Channel | None:
        name, instrument = arg.get("channel"), arg.get("instId", arg.get("instType"))
        if not isinstance(name, str) or not isinstance(instrument, str):
            return None
        if name == "liquidation-orders":
            return Channel(name, instrument) if instrument in ("SWAP", "FUTURES") else None
        book = self.exchange.books.get(instrument)
        if book is None or name not in ("books", *BESIDE):
            return None
        if name in OF_CONTRACTS and instrument_type(book.listing) == "SPOT":
            return None
        return Channel(name, instrument)

    # -- the market ------------------------------------------------------------------------------

    def announce_the_end(self) -> None:
        """Tell every client that its connection will be closed in a minute."""
        self.ending = True

    def reset_ids(self) -> None:
        """Number every book from a small id again, as after maintenance; the chain goes on."""
        for told in self.books.values():
            told.restart = 1

    def advance(self, now: Nanos) -> list[Reply]:
        self.exchange.advance(now)
        at = self.exchange.stage.market_time(now)
        replies = self._notices()
        if at >= self.due:
            self.due = at - at % BOOK_EVERY + BOOK_EVERY
            for name, told in self.books.items():
                replies += self._tell(name, told, now)
        wanted = {channel for client in self.clients.values() for channel in client.channels}
        fresh = {channel for client in self.clients.values() for channel in client.fresh}
        for key, text, always in self.beside.advance(now, wanted, fresh):
            replies += self._say(Channel(*key), text, always=always)
        for connection, client in self.clients.items():
            if any(isinstance(each, Say) and each.connection == connection for each in replies):
                client.active_at = now
            elif now - client.active_at > IDLE:
                replies.append(Close(connection=connection))
        return replies

    def _notices(self) -> list[Reply]:
        if not self.ending:
            return []
        self.ending = False
        notice = {"event": "notice", "code": "64008", "msg": CLOSING}
        return [
            Say(connection=connection, text=json_text(notice | {"connId": client.name}))
            for connection, client in self.clients.items()
        ]

    def _say(self, channel: Channel, text: str, *, always: bool) -> list[Reply]:
        """Say it to those who want it; unless `always`, only to those who have heard nothing."""
        replies: list[Reply] = []
        for connection, client in self.clients.items():
            if channel in client.channels and (always or channel in client.fresh):
                client.fresh.discard(channel)
                replies.append(Say(connection=connection, text=text))
        return replies

    def _tell(self, name: str, told: ToldBook, now: Nanos) -> list[Reply]:
        channel = Channel("books", name)
        changes = told.advance()
        still = changes is None and now - self.told_at[name] >= ALIVE_AFTER
        update = snapshot = ""
        replies: list[Reply] = []
        for connection, client in self.clients.items():
            if channel not in client.channels:
                continue
            if channel in client.fresh and self.snapshots:
                snapshot = snapshot or self._frame(channel, told, "snapshot", told.whole(), now)
                replies.append(Say(connection=connection, text=snapshot, book=True))
            elif changes is not None or still:
                rows = ([], []) if changes is None else changes
                update = update or self._frame(channel, told, "update", rows, now)
                replies.append(Say(connection=connection, text=update, book=True))
            else:
                continue
            client.fresh.discard(channel)
            self.told_at[name] = now
        return replies

    def _frame(
        self,
        channel: Channel,
        told: ToldBook,
        action: str,
        rows: tuple[Rows, Rows],
        now: Nanos,
    ) -> str:
        previous = told.previous if rows[0] or rows[1] else told.sequence
        data = self._levels(channel.about, rows, now) | {
            "checksum": 0,
            "seqId": told.sequence,
            "prevSeqId": -1 if action == "snapshot" else previous,
        }
        return json_text({"arg": channel.arg, "action": action, "data": [data]})

    def _levels(self, name: str, rows: tuple[Rows, Rows], now: Nanos) -> dict[str, object]:
        speller = self.spellers[name]
        bids, asks = (
            [
                [speller.price(tick), speller.size(lots), "0", str(lots % 9 + bool(lots))]
                for tick, lots in side
            ]
            for side in rows
        )
        return {"asks": asks, "bids": bids, "ts": str(now // MILLISECOND)}

    def _open_book(self, name: str) -> None:
        if name not in self.books:
            self.books[name] = ToldBook(self.exchange.books[name], DEPTH)
            self.told_at[name] = 0

    def _retire_books(self) -> None:
        wanted = {channel.about for client in self.clients.values() for channel in client.channels}
        self.books = {name: told for name, told in self.books.items() if name in wanted}

    # -- REST ------------------------------------------------------------------------------------

    def rest(self, request: Request, now: Nanos) -> Answer:
        if request.path == "/api/v5/public/time":
            return returned([{"ts": str(now // MILLISECOND)}])
        if request.path == "/api/v5/public/instruments":
            wanted = request.query.get("instType")
            listings = [book.listing for book in self.exchange.books.values()]
            return returned(
                [instrument_row(each) for each in listings if instrument_type(each) == wanted]
            )
        if request.path != "/api/v5/market/books":
            return NOT_FOUND
        name, size = request.query.get("instId", ""), request.query.get("sz", "1")
        if name not in self.exchange.books:
            return returned([], code="51001", message="Instrument ID does not exist")
        told = self.books.get(name) or ToldBook(self.exchange.books[name], DEPTH)
        rows = told.whole(min(DEPTH, int(size)) if size.isdecimal() else 1)
        return returned([self._levels(name, rows, now) | {"seqId": told.sequence}])


def returned(data: Sequence[object], *, code: str = "0", message: str = "") -> Answer:
    """Return a REST answer; its HTTP status is 200 whatever the code."""
    return json_answer({"code": code, "msg": message, "data": data})


def _numbered(message: Mapping[str, Any]) -> dict[str, object]:
    return {"id": message["id"]} if "id" in message else {}


def _error(
    connection: ConnectionId, client: Client, message: Mapping[str, Any], code: str, said: str
) -> Reply:
    told = {"event": "error", "code": code, "msg": said, "connId": client.name}
    return Say(connection=connection, text=json_text(_numbered(message) | told))
