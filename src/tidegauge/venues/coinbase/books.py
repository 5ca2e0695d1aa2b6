"""The conversation with Coinbase Advanced Trade: one socket, whose every frame is numbered."""

from collections.abc import Sequence

from msgspec import structs

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta, BookSnapshot
from tidegauge.core.instrument import SECOND, Instrument, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.decode import encode
from tidegauge.wire.protocol import BOOK_LINK, Drop, Output, Send
from tidegauge.wire.refusal import blamed
from tidegauge.wire.sequencer import Unnumbered
from tidegauge.wire.subscribed import SubscribedBooks, SubscribedProtocol, Wording
from tidegauge.wire.trades import TradeNumbers

from .frames import Heartbeat, Said, Served, Traded, read, read_envelope

PRODUCTS_A_REQUEST = 50
DEAD_AFTER: Nanos = 3 * SECOND
"""Heartbeats come every second."""

OWN_BOOKS = frozenset({"USDT-USDC", "EURC-USDC"})
"""Products in USDC with a book of their own; the others are another name for the one in USD."""


class CoinbaseProtocol(SubscribedProtocol[Unnumbered]):
    """A number that is missing, whatever the channel, costs every book of the connection."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        names = [instrument.name for instrument in instruments]
        self.books = SubscribedBooks(
            names,
            Wording(
                subscribe=_subscribe,
                unsubscribe=lambda names, _: [_request("unsubscribe", "level2", names)],
                batch=PRODUCTS_A_REQUEST,
            ),
        )
        self._routes = {name: [name] for name in names}
        for name in names:
            if (other := _other_name(name)) is not None:
                self._routes.setdefault(other, []).append(name)
        self._trades = TradeNumbers()
        self._begin()

    def _begin(self) -> None:
        self._frame: int | None = None
        self._beat: int | None = None
        self._beat_at: Nanos | None = None
        self._broken = False

    def opened(self, link: str, now: Nanos) -> list[Output]:
        self._begin()
        heartbeats = encode({"type": "subscribe", "channel": "heartbeats"})
        return [Send(link=link, text=heartbeats), *self.books.opened(now)]

    def tick(self, now: Nanos) -> list[Output]:
        # While a whole book is under way nothing else comes, heartbeats neither.
        if self._beat_at is not None and not self._broken and not self.books.awaiting:
            silent = now - self._beat_at
            if silent > DEAD_AFTER:
                return self._break(f"no heartbeat for {silent // SECOND} s")
        return self.books.tick(now)

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        envelope = read_envelope(frame)
        number, failed = envelope.sequence_num, envelope.type == "error"
        if number is None and not failed:
            raise MalformedFrame("neither a numbered frame nor an error")
        said = read(envelope)
        if self._broken:
            return []
        self.books.heard(now)
        if number is not None:
            last, self._frame = self._frame, number
            if last is not None and number != last + 1:
                return self._break(f"expected frame {last + 1} of the connection, got {number}")
        if failed:
            why = envelope.message[:200]
            return self.books.refused_unnumbered(why, blamed(why))
        return [output for each in said for output in self._take(each, now)]

    def _take(self, said: Said, now: Nanos) -> list[Output]:
        match said:
            case BookSnapshot() | BookDelta():
                return self._book(said, now)
            case Heartbeat(counter=counter):
                last, self._beat, self._beat_at = self._beat, counter, now
                if last is None or counter == last + 1:
                    return []
                return self._break(f"expected heartbeat {last + 1}, got {counter}")
            case Served(products=products):
                return self.books.confirmed({*products, *(f"{name}C" for name in products)})
            case Traded():
                return self._traded(said)

    def _book(self, said: BookSnapshot | BookDelta, now: Nanos) -> list[Output]:
        other = _other_name(said.instrument)
        if other is not None and said.instrument in self._routes.get(other, ()):
            # It has a book of its own after all.
            self._routes[other].remove(said.instrument)
        outputs: list[Output] = []
        for name in self._wanted(said.instrument):
            event = said if name == said.instrument else structs.replace(said, instrument=name)
            if isinstance(event, BookDelta):
                outputs += self.books.follow(event, now=now)
                continue
            if self._beat_at is not None:
                self._beat_at = now
            outputs += [*self.books.synchronised(name, Unnumbered(), now), event]
        return outputs

    def _traded(self, traded: Traded) -> list[Output]:
        routed = [
            (number, structs.replace(trade, instrument=name))
            for number, trade in sorted(traded.trades, key=lambda each: each[0])
            for name in self._wanted(trade.instrument)
        ]
        if traded.old:
            for number, trade in reversed(routed):
                self._trades.begin(trade.instrument, number)
        return self._trades.told(routed)

    def _wanted(self, product: str) -> list[str]:
        return [name for name in self._routes.get(product, ()) if name in self.books]

    def _break(self, why: str) -> list[Output]:
        """Believe nothing that comes over this connection any more."""
        self._broken = True
        return [*self.books.lose_all(TrustReason.GAP, why), Drop(link=BOOK_LINK, reason=why)]


def _request(verb: str, channel: str, names: Sequence[str]) -> str:
    return encode({"type": verb, "product_ids": list(names), "channel": channel})


def _subscribe(names: Sequence[str], _number: int) -> list[str]:
    """One channel a message. Trades are asked for with each book, so that one refusal ends both."""
    return [_request("subscribe", channel, names) for channel in ("level2", "market_trades")]


def _other_name(name: str) -> str | None:
    """Return the name under which the venue tells of `name`, if it does under another."""
    return name[:-1] if name.endswith("-USDC") and name not in OWN_BOOKS else None
