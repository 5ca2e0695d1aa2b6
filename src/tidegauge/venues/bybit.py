"""Bybit v5 spot and linear: snapshots and numbered deltas on one socket per market.

bybit-exchange.github.io/docs/v5, "Websocket Stream: Orderbook" and "Connect".
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import msgspec

from tidegauge.core.errors import FeedError, MalformedFrame, SequenceGap, SubscriptionRejected
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.exact import parse
from tidegauge.core.instrument import (
    SECOND,
    Instrument,
    InstrumentKind,
    InstrumentStatus,
    Nanos,
    VenueName,
)
from tidegauge.core.trust import TrustReason
from tidegauge.wire.backoff import Backoff
from tidegauge.wire.decode import (
    NOTHING,
    FrameDecoder,
    Levels,
    Millis,
    UpdateId,
    encode,
    millis_text,
    nanos,
)
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
from tidegauge.wire.sequencer import StepSequencer, Verdict

DEPTH = 1000
LONGEST_DEPTH = len(str(DEPTH))
TOPICS_A_REQUEST = 10
PING_EVERY = 20 * SECOND
FRAME_WITHIN = 30 * SECOND
SNAPSHOT_WITHIN = 10 * SECOND
RESUBSCRIBE_BASE, RESUBSCRIBE_CAP = SECOND, 60 * SECOND


class Envelope(msgspec.Struct):
    """What tells a topic's frame and an answer to a request apart."""

    topic: str | None = None
    type: str = ""
    ts: Millis | str | None = None
    cts: Millis | None = None
    data: msgspec.Raw = NOTHING
    op: str = ""
    success: bool | None = None
    ret_msg: str = ""
    req_id: str = ""


class Book(msgspec.Struct, gc=False):
    s: str
    b: Levels
    a: Levels
    u: UpdateId
    cts: Millis | None = None


class PriceFilter(msgspec.Struct, rename="camel"):
    tick_size: str


class LotFilter(msgspec.Struct, rename="camel"):
    """The size step: linear calls it `qtyStep`, spot `basePrecision`."""

    qty_step: str = "0"
    base_precision: str = "0"


class Listing(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_coin: str
    quote_coin: str
    price_filter: PriceFilter
    lot_size_filter: LotFilter
    contract_type: str = "LinearPerpetual"


class Listings(msgspec.Struct, rename="camel"):
    list: list[Listing]
    next_page_cursor: str = ""


class InstrumentsInfo(msgspec.Struct, rename="camel"):
    result: Listings


_envelope = FrameDecoder(Envelope)
_book = FrameDecoder(Book)
_instruments_info = FrameDecoder(InstrumentsInfo)


@dataclass(slots=True)
class _State:
    """One topic. It is live while it has a sequencer; `depth` is that of its last snapshot."""

    sequencer: StepSequencer | None = None
    depth: int = 0
    retry: Backoff = field(default_factory=lambda: Backoff(RESUBSCRIBE_BASE, RESUBSCRIBE_CAP))


class BybitProtocol:
    """The conversation with one Bybit market, over one link."""

    def __init__(self, instruments: Sequence[Instrument]) -> None:
        names = [instrument.name for instrument in instruments]
        self._books = {name: _State() for name in names}
        self._topics = RollCall(names, patience=SNAPSHOT_WITHIN)
        self._pending: dict[str, list[str]] = {}
        self._requests = 0
        self._open = False
        self._heard_at: Nanos = 0
        self._pinged_at: Nanos = 0

    # -- the link --------------------------------------------------------------------------------

    def opened(self, link: str, now: Nanos) -> list[Output]:
        lost = self._abandon(TrustReason.CONNECTED, only_live=True)
        self._open = True
        self._heard_at = self._pinged_at = now
        self._topics.expect_all(now)
        return lost + self._request("subscribe", self._topics.names)

    def closed(self, link: str, now: Nanos) -> list[Output]:
        self._open = False
        return self._abandon(TrustReason.DISCONNECTED, only_live=False)

    def resync(self, instrument: str, reason: TrustReason, now: Nanos) -> list[Output]:
        return self._lose(instrument, reason, "", now) if instrument in self._topics else []

    def _abandon(self, reason: TrustReason, *, only_live: bool) -> list[Output]:
        lost: list[Output] = []
        for name in self._topics.names:
            state = self._books[name]
            if state.sequencer is not None or not only_live:
                lost.append(BookLost(instrument=name, reason=reason))
            state.sequencer = None
        self._pending.clear()
        return lost

    def _lose(self, name: str, reason: TrustReason, detail: str, now: Nanos) -> list[Output]:
        """Give the book up, and get a new snapshot the only way there is: subscribe again."""
        state = self._books[name]
        state.sequencer = None
        wait = state.retry.wait(now, chance=1.0)
        lost: list[Output] = [BookLost(instrument=name, reason=reason, detail=detail)]
        if state.retry.attempts > 1:
            # It was lost a moment ago as well: let the tick do it, later each time.
            self._topics.expect(name, now, within=wait)
            return lost
        self._topics.expect(name, now)
        return lost + self._resubscribe([name])

    def _resubscribe(self, names: Sequence[str]) -> list[Output]:
        return self._request("unsubscribe", names) + self._request("subscribe", names)

    def _request(self, op: str, names: Sequence[str]) -> list[Output]:
        sends: list[Output] = []
        if not self._open:
            return sends
        for start in range(0, len(names), TOPICS_A_REQUEST):
            batch = [*names[start : start + TOPICS_A_REQUEST]]
            self._requests += 1
            req_id = f"{op[0]}{self._requests}"
            if op == "subscribe":
                self._pending[req_id] = batch
            topics = [f"orderbook.{DEPTH}.{name}" for name in batch]
            text = encode({"req_id": req_id, "op": op, "args": topics})
            sends.append(Send(link=BOOK_LINK, text=text))
        return sends

    # -- frames ----------------------------------------------------------------------------------

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        envelope = _envelope(frame)
        depth, name = _book_topic(envelope.topic)
        outputs: list[Output] = []
        if depth:
            outputs = self._told(name, depth, envelope, now)
        elif envelope.topic is None and envelope.op == "subscribe":
            outputs = self._answered(envelope)
        elif envelope.success is False:
            outputs = [Note(kind="request_refused", detail=envelope.ret_msg[:200])]
        self._heard_at = now
        return outputs

    def _told(self, name: str, depth: int, envelope: Envelope, now: Nanos) -> list[Output]:
        data = _book(envelope.data)
        if data.s != name or envelope.type not in ("snapshot", "delta"):
            raise MalformedFrame(f"{envelope.type[:20]!r} of {data.s[:20]!r} under another's topic")
        time = _time(envelope, data)
        if name not in self._topics:
            return []
        state = self._books[name]
        if envelope.type == "snapshot":
            return self._snapshot(state, depth, data, time, now)
        if state.sequencer is None or depth != state.depth:
            return []
        try:
            verdict = state.sequencer.judge(data.u)
        except SequenceGap as gap:
            return self._lose(name, TrustReason.GAP, str(gap), now)
        if verdict is Verdict.REFETCH:
            # Not shown in the meantime: no one promises that this update holds the whole book.
            return self._lose(name, TrustReason.GAP, "the venue's service restarted", now)
        if verdict is Verdict.IGNORE:
            return []
        return [
            BookDelta(instrument=name, bids=data.b, asks=data.a, sequence=data.u, venue_time=time)
        ]

    def _snapshot(
        self, state: _State, depth: int, data: Book, time: Nanos | None, now: Nanos
    ) -> list[Output]:
        """Replace the book, whenever a snapshot comes; one of another depth only if it is lost."""
        if state.sequencer is not None and depth != state.depth:
            return []
        if state.sequencer is None:
            state.retry.opened(now)
        state.sequencer, state.depth = StepSequencer(data.u), depth
        snapshot = BookSnapshot(
            instrument=data.s,
            bids=data.b,
            asks=data.a,
            sequence=data.u,
            venue_time=time,
            window=depth,
        )
        if self._topics.heard(data.s):
            return [Note(kind="subscribed", instrument=data.s), snapshot]
        return [snapshot]

    def _answered(self, envelope: Envelope) -> list[Output]:
        """Read the answer to a subscription; which of its topics is to blame may not be said."""
        if envelope.success is None:
            raise MalformedFrame("an answer that tells neither success nor failure")
        batch = self._pending.pop(envelope.req_id, [])
        said = envelope.ret_msg[:200]
        if envelope.success or "already subscribed" in said:
            return [Note(kind="acknowledged")]
        if len(batch) > 1:
            alone = [send for name in batch for send in self._request("subscribe", [name])]
            return [Note(kind="batch_refused", detail=said), *alone]
        if batch and _blames_topic(said):
            self._topics.strike(batch[0])
            return [SubscriptionRejected(said, instrument=batch[0])]
        # Anything else may pass: the roll call subscribes again.
        return [Note(kind="request_refused", detail=said)]

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        return []

    # -- the passing of time ---------------------------------------------------------------------

    def tick(self, now: Nanos) -> list[Output]:
        """Ping, notice a dead link, and subscribe again to topics without a snapshot."""
        if not self._open:
            return []
        if now - self._heard_at >= FRAME_WITHIN:
            self._heard_at = now
            return [Drop(link=BOOK_LINK, reason="no frame, not even a pong, for 30 s")]
        outputs: list[Output] = []
        if now - self._pinged_at >= PING_EVERY:
            self._pinged_at = now
            self._requests += 1
            ping = encode({"req_id": f"p{self._requests}", "op": "ping"})
            outputs.append(Send(link=BOOK_LINK, text=ping))
        late = self._topics.overdue(now)
        outputs += [
            Note(kind="never_heard_of", instrument=name)
            for name in late
            if self._topics.given_up(name)
        ]
        return outputs + self._resubscribe(late)


def _book_topic(topic: str | None) -> tuple[int, str]:
    """Return depth and symbol of an order-book topic, depth 0 for any other."""
    if topic is None or not topic.startswith("orderbook."):
        return 0, ""
    depth, _, name = topic.removeprefix("orderbook.").partition(".")
    # "rpi" and "full" stand where the depth does, and speak another language.
    known = depth.isascii() and depth.isdigit() and len(depth) <= LONGEST_DEPTH
    return (int(depth), name) if known else (0, "")


def _time(envelope: Envelope, data: Book) -> Nanos | None:
    """Return the matching engine's time if it is told, else the system's."""
    millis = envelope.cts if envelope.cts is not None else data.cts
    if millis is not None:
        return nanos(millis)
    if isinstance(envelope.ts, str):
        return nanos(millis_text(envelope.ts))
    return None if envelope.ts is None else nanos(envelope.ts)


def _blames_topic(said: str) -> bool:
    lowered = said.lower()
    return "invalid" in lowered or "not found" in lowered or "not exist" in lowered


def _named_in(frame: str) -> list[str]:
    """Return the instrument a recorded order-book frame is about."""
    try:
        depth, name = _book_topic(_envelope(frame).topic)
    except FeedError:
        return []
    return [name] if depth and name else []


def _links(path: str, _: Sequence[Instrument]) -> Mapping[str, str]:
    return {BOOK_LINK: path}


_STATUSES = {"Trading": InstrumentStatus.TRADING, "Closed": InstrumentStatus.DELISTED}


def _parse_catalogue(venue: VenueName, body: bytes) -> list[Instrument]:
    """Read instruments-info; what has no tick or no step is left out."""
    instruments = []
    for listing in _instruments_info(body).result.list:
        lot = listing.lot_size_filter
        tick = parse(listing.price_filter.tick_size)
        step = parse(lot.base_precision) if venue == "bybit-spot" else parse(lot.qty_step)
        if not tick or not step:
            continue
        perpetual = listing.contract_type == "LinearPerpetual"
        future = InstrumentKind.PERP if perpetual else InstrumentKind.FUTURE
        instruments.append(
            Instrument(
                venue=venue,
                name=listing.symbol,
                kind=InstrumentKind.SPOT if venue == "bybit-spot" else future,
                base=listing.base_coin,
                quote=listing.quote_coin,
                tick=tick,
                step=step,
                status=_STATUSES.get(listing.status, InstrumentStatus.HALTED),
            )
        )
    return instruments


def _next_page(request: Fetch, body: bytes) -> Fetch | None:
    """Follow the cursor of instruments-info; spot comes whole, with no cursor."""
    cursor = _instruments_info(body).result.next_page_cursor
    params = {**dict(request.params), "cursor": cursor}
    return replace(request, params=tuple(params.items())) if cursor else None


def _spec(category: str, kind: InstrumentKind) -> VenueSpec:
    name = f"bybit-{category}"
    query = (("category", category), ("limit", "1000"))
    first = Fetch(purpose=Purpose.CATALOGUE, path="/v5/market/instruments-info", params=query)
    return VenueSpec(
        name=name,
        family="bybit",
        kind=kind,
        ws_url="wss://stream.bybit.com",
        rest_url="https://api.bybit.com",
        links=partial(_links, f"/v5/public/{category}"),
        protocol=BybitProtocol,
        catalogue=(first,),
        parse_catalogue=partial(_parse_catalogue, name),
        next_page=_next_page,
        default_name=str.upper,
        named_in=_named_in,
        docs="https://bybit-exchange.github.io/docs/v5/websocket/public/orderbook",
        depth=f"{DEPTH} levels a side, kept by the venue, each 200 ms",
        quirks=(
            "a snapshot may come at any time, and replaces the book",
            "the socket, not the symbol, decides the market",
            "refuses addresses in some countries with HTTP 403",
        ),
    )


SPECS = (_spec("spot", InstrumentKind.SPOT), _spec("linear", InstrumentKind.PERP))
