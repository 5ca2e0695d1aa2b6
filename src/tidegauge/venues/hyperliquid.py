"""Hyperliquid perpetuals: whole books of 20 levels on one socket, the touch on another.

hyperliquid.gitbook.io, "API: Websocket" ("Subscriptions", "Timeouts and heartbeats") and
"Tick and lot size". Two sockets, because a book of another depth on the same one could not be told
apart, and because a refused coin closes the socket it was asked for on.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

import msgspec

from tidegauge.core.errors import FeedError, MalformedFrame, SubscriptionRejected
from tidegauge.core.events import BookLost, BookSnapshot, BookTouch
from tidegauge.core.instrument import SECOND, Instrument, InstrumentKind, InstrumentStatus, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.decode import NOTHING, FrameDecoder, Millis, encode, nanos
from tidegauge.wire.protocol import (
    BOOK_LINK,
    Drop,
    Fetch,
    Note,
    Output,
    Purpose,
    Response,
    Send,
    VenueSpec,
)
from tidegauge.wire.rollcall import RollCall
from tidegauge.wire.sequencer import LatestSequencer, Verdict

TOUCH_LINK = "touch"
STREAMS = {BOOK_LINK: "l2Book", TOUCH_LINK: "bbo"}
LEVELS = 20
PING_EVERY = 30 * SECOND
FRAME_WITHIN = 60 * SECOND
BOOK_WITHIN = 20 * SECOND
KILLED_WITHIN = 2 * SECOND
STRIKES = 2
GREETING = "Websocket connection established"
MOST_DECIMALS = 6
"""Decimals of a perpetual's price plus those of its size: "Tick and lot size"."""


class Envelope(msgspec.Struct):
    channel: str
    data: msgspec.Raw = NOTHING


class Quote(msgspec.Struct, gc=False):
    px: str
    sz: str


class Book(msgspec.Struct, gc=False):
    coin: str
    time: Millis
    levels: tuple[list[Quote], list[Quote]]
    fast: bool | None = None


class Touch(msgspec.Struct, gc=False):
    coin: str
    time: Millis
    bbo: tuple[Quote | None, Quote | None]


class Subscription(msgspec.Struct):
    type: str = ""
    coin: str = ""


class Answer(msgspec.Struct):
    method: str
    subscription: Subscription


class Named(msgspec.Struct):
    coin: str


class Perpetual(msgspec.Struct, rename="camel"):
    name: str
    sz_decimals: int
    is_delisted: bool = False


class Meta(msgspec.Struct):
    universe: list[Perpetual]


_envelope = FrameDecoder(Envelope)
_book = FrameDecoder(Book)
_touch = FrameDecoder(Touch)
_answer = FrameDecoder(Answer)
_named = FrameDecoder(Named)
_meta = FrameDecoder(Meta)


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


@dataclass(slots=True)
class _Link:
    """One socket. `waiting` coins are sent one by one once the venue has proved touchy."""

    coins: RollCall
    open: bool = False
    heard_at: Nanos = 0
    pinged_at: Nanos = 0
    sent_at: Nanos = 0
    careful: bool = False
    unproved: dict[str, None] = field(default_factory=dict)
    waiting: list[str] = field(default_factory=list)
    strikes: dict[str, int] = field(default_factory=dict)
    proved: bool = False


class HyperliquidProtocol:
    """The conversation with Hyperliquid, over two links."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        names = [instrument.name for instrument in instruments]
        self._coins = {name: _Coin() for name in names}
        self._links = {
            BOOK_LINK: _Link(RollCall(names, patience=BOOK_WITHIN)),
            TOUCH_LINK: _Link(RollCall(names, patience=6 * BOOK_WITHIN)),
        }

    # -- the links -------------------------------------------------------------------------------

    def opened(self, link: str, now: Nanos) -> list[Output]:
        state = self._links[link]
        lost = self._abandon(link, TrustReason.CONNECTED, only_live=True)
        state.open = True
        state.heard_at = state.pinged_at = state.sent_at = now
        state.coins.expect_all(now)
        state.unproved, state.proved = {}, False
        names = sorted(state.coins.names, key=lambda name: state.strikes.get(name, 0))
        state.waiting = names[1:] if state.careful else []
        return lost + self._subscribe(link, names[:1] if state.careful else names, now)

    def closed(self, link: str, now: Nanos) -> list[Output]:
        """Find out whether a coin killed the socket: the venue closes it without a word."""
        state = self._links[link]
        outputs = self._abandon(link, TrustReason.DISCONNECTED, only_live=False)
        if state.open and state.unproved and now - state.sent_at <= KILLED_WITHIN:
            suspect = next(reversed(state.unproved))
            if state.careful:
                outputs += self._struck(suspect, state)
            state.careful = True
        state.open = False
        return outputs

    def _struck(self, coin: str, state: _Link) -> list[Output]:
        state.strikes[coin] = state.strikes.get(coin, 0) + 1
        # Only its own fault if another coin was taken: a venue in trouble closes on every coin.
        if state.strikes[coin] < STRIKES or not (state.proved or len(state.coins.names) == 1):
            return []
        for each in self._links.values():
            each.coins.strike(coin)
        return [SubscriptionRejected("asking for it closes the socket", instrument=coin)]

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
        state = self._links[link]
        if not state.open or not names:
            return []
        state.sent_at = now
        state.unproved.update(dict.fromkeys(names))
        return [_request("subscribe", link, name) for name in names]

    def _resubscribe(self, link: str, names: Sequence[str], now: Nanos) -> list[Output]:
        if not self._links[link].open:
            return []
        unsubscribe: list[Output] = [_request("unsubscribe", link, name) for name in names]
        return unsubscribe + self._subscribe(link, names, now)

    # -- frames ----------------------------------------------------------------------------------

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        outputs = self._read(link, frame, now)
        self._links[link].heard_at = now
        return outputs

    def _read(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        if isinstance(frame, str) and frame.startswith(GREETING):
            return []
        envelope = _envelope(frame)
        match envelope.channel:
            case "l2Book":
                return self._booked(_book(envelope.data), now)
            case "bbo":
                return self._touched(_touch(envelope.data), now)
            case "subscriptionResponse":
                answer = _answer(envelope.data)
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
        bids, asks = book.levels
        outputs.append(
            BookSnapshot(
                instrument=book.coin,
                bids=[(quote.px, quote.sz) for quote in bids],
                asks=[(quote.px, quote.sz) for quote in asks],
                sequence=book.time,
                venue_time=nanos(book.time),
                window=LEVELS,
            )
        )
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
        state = self._links[link]
        if coin not in state.unproved:
            return []
        del state.unproved[coin]
        state.proved = True
        if not state.waiting:
            state.careful = state.careful and bool(state.unproved)
            return []
        return self._subscribe(link, [state.waiting.pop(0)], now)

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        return []

    # -- the passing of time ---------------------------------------------------------------------

    def tick(self, now: Nanos) -> list[Output]:
        """Ping, notice dead links, and subscribe again to silent coins."""
        outputs: list[Output] = []
        for name, state in self._links.items():
            if not state.open:
                continue
            if now - state.heard_at >= FRAME_WITHIN:
                state.heard_at = now
                outputs.append(Drop(link=name, reason="no frame, not even a pong, for 60 s"))
                continue
            if now - state.pinged_at >= PING_EVERY:
                state.pinged_at = now
                outputs.append(Send(link=name, text=encode({"method": "ping"})))
            silent = [coin for coin in state.coins.overdue(now) if coin not in state.waiting]
            outputs += self._resubscribe(name, silent, now)
        return outputs


def _request(method: str, link: str, coin: str) -> Send:
    subscription = {"type": STREAMS[link], "coin": coin}
    return Send(link=link, text=encode({"method": method, "subscription": subscription}))


def _named_in(frame: str) -> list[str]:
    """Return the coin a recorded book or touch is about."""
    try:
        envelope = _envelope(frame)
        return [_named(envelope.data).coin] if envelope.channel in ("l2Book", "bbo") else []
    except FeedError:
        return []


def _links(_: Sequence[Instrument]) -> Mapping[str, str]:
    return {BOOK_LINK: "/ws", TOUCH_LINK: "/ws"}


def _parse_catalogue(body: bytes) -> list[Instrument]:
    """Read `meta`. A price has at most 6 decimals less the size's, and 5 significant figures."""
    instruments = []
    for listed in _meta(body).universe:
        if not 0 <= listed.sz_decimals <= MOST_DECIMALS:
            raise MalformedFrame(f"{listed.name[:20]} has {listed.sz_decimals} size decimals")
        delisted = InstrumentStatus.DELISTED if listed.is_delisted else InstrumentStatus.TRADING
        instruments.append(
            Instrument(
                venue="hyperliquid",
                name=listed.name,
                kind=InstrumentKind.PERP,
                base=listed.name,
                quote="USDC",
                tick=Decimal(1).scaleb(listed.sz_decimals - MOST_DECIMALS),
                step=Decimal(1).scaleb(-listed.sz_decimals),
                status=delisted,
            )
        )
    return instruments


def _default_name(symbol: str) -> str:
    """`BTCUSDT` is `BTC` here; what others sell by the thousand has a `k` in front."""
    name = symbol.upper()
    for quote in ("USDT", "USDC", "USD"):
        if name.endswith(quote) and name != quote:
            name = name.removesuffix(quote)
            break
    return f"k{name.removeprefix('1000')}" if name.startswith("1000") else name


SPECS = (
    VenueSpec(
        name="hyperliquid",
        family="hyperliquid",
        kind=InstrumentKind.PERP,
        ws_url="wss://api.hyperliquid.xyz",
        rest_url="https://api.hyperliquid.xyz",
        links=_links,
        protocol=HyperliquidProtocol,
        catalogue=(
            Fetch(
                purpose=Purpose.CATALOGUE, path="/info", body=encode({"type": "meta"}), weight=20
            ),
        ),
        parse_catalogue=_parse_catalogue,
        default_name=_default_name,
        silence_limit=BOOK_WITHIN,
        named_in=_named_in,
        docs="https://hyperliquid.gitbook.io/hyperliquid-docs/for-developers/api/websocket",
        depth="20 levels a side each 5 s, the touch with every block",
        quirks=(
            "an unknown coin closes the socket without a word",
            "no sequence numbers: every book is whole, and only its time counts",
            "coin names are case-sensitive; kPEPE is a thousand PEPE",
        ),
    ),
)
