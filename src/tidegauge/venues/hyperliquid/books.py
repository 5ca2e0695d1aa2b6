"""The conversation with Hyperliquid: whole books on one link, the touch and the rest on another."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tidegauge.core.errors import SubscriptionRejected
from tidegauge.core.events import BookLost, BookTouch
from tidegauge.core.instrument import SECOND, Instrument, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.decode import encode, nanos
from tidegauge.wire.protocol import BOOK_LINK, Drop, Fetch, Note, Output, Response, Send
from tidegauge.wire.sequencer import LatestSequencer, Verdict

from .beside import Trades, read_context
from .frames import (
    STREAMS,
    TOUCH_LINK,
    Book,
    Touch,
    read_answer,
    read_book,
    read_envelope,
    read_touch,
    request,
    snapshot_of,
)
from .link import Link

PING_EVERY = 30 * SECOND
FRAME_WITHIN = 60 * SECOND
BOOK_WITHIN = 20 * SECOND
GREETING = "Websocket connection established"


@dataclass(slots=True)
class _Coin:
    """One coin: the newest book and touch of this epoch. `touch` may be ahead of the book."""

    books: LatestSequencer = field(default_factory=LatestSequencer)
    touches: LatestSequencer = field(default_factory=LatestSequencer)
    live: bool = False
    touch: BookTouch | None = None

    def forget_book(self) -> None:
        self.live = False
        self.books = LatestSequencer()

    def forget_touch(self) -> None:
        self.touch = None
        self.touches = LatestSequencer()


class HyperliquidProtocol:
    """The conversation with Hyperliquid, over two links."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        names = [instrument.name for instrument in instruments]
        self._coins = {name: _Coin() for name in names}
        self._trades = Trades(names)
        self._links = {
            BOOK_LINK: Link(names, patience=BOOK_WITHIN),
            TOUCH_LINK: Link(names, patience=6 * BOOK_WITHIN),
        }

    # -- the links -------------------------------------------------------------------------------

    def opened(self, link: str, now: Nanos) -> list[Output]:
        lost = self._abandon(link, TrustReason.CONNECTED, only_live=True)
        return lost + self._subscribe(link, self._links[link].opened(now), now)

    def closed(self, link: str, now: Nanos) -> list[Output]:
        """Find out whether a coin killed the socket: the venue closes it without a word."""
        outputs = self._abandon(link, TrustReason.DISCONNECTED, only_live=False)
        culprit = self._links[link].closed(now)
        if culprit is None:
            return outputs
        for each in self._links.values():
            each.coins.strike(culprit)
        why = "asking for it closes the socket"
        return [*outputs, SubscriptionRejected(why, instrument=culprit)]

    def resync(self, instrument: str, reason: TrustReason, now: Nanos) -> list[Output]:
        if instrument not in self._links[BOOK_LINK].coins:
            return []
        coin = self._coins[instrument]
        coin.forget_book()
        coin.forget_touch()
        self._links[BOOK_LINK].coins.expect(instrument, now)
        lost = BookLost(instrument=instrument, reason=reason)
        return [lost, *self._resubscribe(BOOK_LINK, [instrument], now)]

    def _abandon(self, link: str, reason: TrustReason, *, only_live: bool) -> list[Output]:
        lost: list[Output] = []
        for name in self._links[BOOK_LINK].coins.names:
            coin = self._coins[name]
            # A touch of an earlier epoch must not be laid over a newer book.
            coin.forget_touch()
            if link == BOOK_LINK:
                if coin.live or not only_live:
                    lost.append(BookLost(instrument=name, reason=reason))
                coin.forget_book()
        return lost

    def _subscribe(self, link: str, names: Sequence[str], now: Nanos) -> list[Output]:
        if not self._links[link].open or not names:
            return []
        self._links[link].asked(names, now)
        return [request("subscribe", link, kind, name) for kind in STREAMS[link] for name in names]

    def _resubscribe(self, link: str, names: Sequence[str], now: Nanos) -> list[Output]:
        if not self._links[link].open:
            return []
        unsubscribe: list[Output] = [
            request("unsubscribe", link, kind, name) for kind in STREAMS[link] for name in names
        ]
        return unsubscribe + self._subscribe(link, names, now)

    # -- frames ----------------------------------------------------------------------------------

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        outputs = self._read(link, frame, now)
        self._links[link].heard_at = now
        return outputs

    def _read(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        if isinstance(frame, str) and frame.startswith(GREETING):
            return []
        envelope = read_envelope(frame)
        match envelope.channel:
            case "l2Book":
                return self._booked(read_book(envelope.data), now)
            case "bbo":
                return self._touched(read_touch(envelope.data), now)
            case "trades":
                return [*self._trades.read(envelope.data)]
            case "activeAssetCtx":
                marks = read_context(envelope.data)
                return [marks] if marks.instrument in self._coins else []
            case "subscriptionResponse":
                answer = read_answer(envelope.data)
                return self._proved(link, answer.subscription.coin, now)
            case "error":
                said = bytes(envelope.data)[:200].decode(errors="replace")
                return [Note(kind="request_refused", detail=said)]
            case _:
                return []

    def _booked(self, book: Book, now: Nanos) -> list[Output]:
        """Replace the book; a touch that is newer still is laid over it again."""
        if book.coin not in self._links[BOOK_LINK].coins or book.fast:
            return []
        outputs = self._proved(BOOK_LINK, book.coin, now)
        coin = self._coins[book.coin]
        if coin.books.judge(book.time) is Verdict.IGNORE:
            return outputs
        if self._links[BOOK_LINK].coins.heard(book.coin) and not coin.live:
            outputs.append(Note(kind="subscribed", instrument=book.coin))
        self._links[BOOK_LINK].coins.expect(book.coin, now)
        coin.live = True
        outputs.append(snapshot_of(book))
        if coin.touch is not None and coin.touch.sequence > book.time:
            outputs.append(coin.touch)
        return outputs

    def _touched(self, touch: Touch, now: Nanos) -> list[Output]:
        if touch.coin not in self._links[TOUCH_LINK].coins:
            return []
        outputs = self._proved(TOUCH_LINK, touch.coin, now)
        coin = self._coins[touch.coin]
        if coin.touches.judge(touch.time) is Verdict.IGNORE:
            return outputs
        self._links[TOUCH_LINK].coins.heard(touch.coin)
        bid, ask = touch.bbo
        coin.touch = BookTouch(
            instrument=touch.coin,
            bid=None if bid is None else (bid.px, bid.sz),
            ask=None if ask is None else (ask.px, ask.sz),
            sequence=touch.time,
            venue_time=nanos(touch.time),
        )
        if coin.live and touch.time > coin.books.last:
            outputs.append(coin.touch)
        return outputs

    def _proved(self, link: str, coin: str, now: Nanos) -> list[Output]:
        """The venue took this coin; in careful mode, go on to the next."""
        return self._subscribe(link, self._links[link].proved(coin), now)

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        return []

    # -- the passing of time ---------------------------------------------------------------------

    def tick(self, now: Nanos) -> list[Output]:
        """Ping, notice dead links, and subscribe again to silent coins."""
        outputs: list[Output] = []
        for name, link in self._links.items():
            if not link.open:
                continue
            if now - link.heard_at >= FRAME_WITHIN:
                link.heard_at = now
                outputs.append(Drop(link=name, reason="no frame, not even a pong, for 60 s"))
                continue
            if now - link.pinged_at >= PING_EVERY:
                link.pinged_at = now
                outputs.append(Send(link=name, text=encode({"method": "ping"})))
            silent = [coin for coin in link.coins.overdue(now) if coin not in link.waiting]
            outputs += self._resubscribe(name, silent, now)
        return outputs
