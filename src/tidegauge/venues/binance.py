"""Binance spot and USD-M futures: diff depth streams over a REST snapshot.

developers.binance.com, "Web Socket Streams for Binance" and "USD-M Futures: Websocket Market
Streams", both with a section "How to manage a local order book correctly".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

import msgspec

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected
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
from tidegauge.wire.decode import NOTHING, FrameDecoder, Levels, Millis, UpdateId, encode, nanos
from tidegauge.wire.joiner import SnapshotJoiner
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
from tidegauge.wire.sequencer import PreviousIdSequencer, RangeSequencer

FIRST_FRAME_WITHIN = 15 * SECOND
STREAMS_IN_PATH = 100
STREAMS_A_REQUEST = 100
UNKNOWN_SYMBOL = -1121


class SpotUpdate(msgspec.Struct, rename={"joint": "U", "last": "u", "time": "E"}, gc=False):
    """A spot diff: `joint`, its first update id, is what ties it to the update before it."""

    s: str
    joint: UpdateId
    last: UpdateId
    time: Millis
    b: Levels
    a: Levels


class FuturesUpdate(msgspec.Struct, rename={"joint": "pu", "last": "u", "time": "T"}, gc=False):
    """A futures diff: `joint` is the last update id of the update before it."""

    s: str
    joint: UpdateId
    last: UpdateId
    time: Millis
    b: Levels
    a: Levels


class Envelope(msgspec.Struct, rename={"kind": "e"}):
    """What tells a wrapped stream, a bare payload and an answer to a request apart."""

    stream: str | None = None
    data: msgspec.Raw = NOTHING
    kind: str | None = None
    result: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    code: int | None = None
    msg: str = ""


class Depth(msgspec.Struct, rename={"last": "lastUpdateId", "time": "T"}):
    """The REST snapshot; only futures tell its time."""

    last: UpdateId
    bids: Levels
    asks: Levels
    time: Millis | None = None


class Refusal(msgspec.Struct):
    code: int = 0


class Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    tick_size: str = "0"
    step_size: str = "0"


class Listing(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    base_asset: str
    quote_asset: str
    filters: list[Filter]
    contract_type: str = "PERPETUAL"


class ExchangeInfo(msgspec.Struct):
    symbols: list[Listing]


_envelope = FrameDecoder(Envelope)
_depth = FrameDecoder(Depth)
_refusal = FrameDecoder(Refusal)
_exchange_info = FrameDecoder(ExchangeInfo)


@dataclass(frozen=True, slots=True, kw_only=True)
class Market:
    """Where spot and USD-M futures differ."""

    name: VenueName
    stream_path: str
    depth_path: str
    depth_limit: int
    depth_weight: int
    update: Callable[[msgspec.Raw | str | bytes], SpotUpdate | FuturesUpdate]
    sequencer: type[RangeSequencer] | type[PreviousIdSequencer]

    def snapshot(self, name: str) -> Fetch:
        return Fetch(
            purpose=Purpose.SNAPSHOT,
            path=self.depth_path,
            params=(("symbol", name), ("limit", str(self.depth_limit))),
            instrument=name,
            weight=self.depth_weight,
        )


SPOT = Market(
    name="binance",
    stream_path="/stream",
    depth_path="/api/v3/depth",
    depth_limit=5000,
    depth_weight=250,
    update=FrameDecoder(SpotUpdate),
    sequencer=RangeSequencer,
)
FUTURES = Market(
    name="binance-futures",
    # The un-routed /stream still answers, but only for what /public carries.
    stream_path="/public/stream",
    depth_path="/fapi/v1/depth",
    depth_limit=1000,
    depth_weight=20,
    update=FrameDecoder(FuturesUpdate),
    sequencer=PreviousIdSequencer,
)


class BinanceProtocol:
    """The conversation with one Binance market, over one link."""

    def __init__(self, market: Market, instruments: Sequence[Instrument]) -> None:
        self._market = market
        names = [instrument.name for instrument in instruments]
        self._streams = RollCall(names, patience=FIRST_FRAME_WITHIN)
        self._joiner = SnapshotJoiner(names, sequencer=market.sequencer, request=market.snapshot)
        self._open = False
        self._requests = 0

    # -- the link --------------------------------------------------------------------------------

    def opened(self, link: str, now: Nanos) -> list[Output]:
        lost = self._joiner.abandon(TrustReason.CONNECTED, only_live=True)
        self._streams.expect_all(now)
        self._open = True
        return lost + self._subscribe(self._streams.names[STREAMS_IN_PATH:])

    def closed(self, link: str, now: Nanos) -> list[Output]:
        self._open = False
        return self._joiner.abandon(TrustReason.DISCONNECTED)

    def resync(self, instrument: str, reason: TrustReason, now: Nanos) -> list[Output]:
        if instrument not in self._streams:
            return []
        # Perhaps it was the stream that failed: have it prove itself again.
        self._streams.expect(instrument, now)
        self._joiner.restart(instrument, now)
        return [BookLost(instrument=instrument, reason=reason)]

    def refresh(self, instrument: str, now: Nanos) -> list[Output]:
        return self._joiner.refresh(instrument, now)

    def _subscribe(self, names: Sequence[str]) -> list[Output]:
        sends: list[Output] = []
        for start in range(0, len(names), STREAMS_A_REQUEST):
            self._requests += 1
            streams = [_stream_name(name) for name in names[start : start + STREAMS_A_REQUEST]]
            request = {"method": "SUBSCRIBE", "params": streams, "id": self._requests}
            sends.append(Send(link=BOOK_LINK, text=encode(request)))
        return sends

    # -- frames ----------------------------------------------------------------------------------

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        envelope = _envelope(frame)
        stream = envelope.stream
        if stream is not None and "@depth" in stream:
            return self._updated(self._market.update(envelope.data), now)
        if stream == "!serverShutdown" or envelope.kind == "serverShutdown":
            return [Drop(link=link, reason="the venue announces a shutdown")]
        if stream is not None:
            return []
        if envelope.kind == "depthUpdate":
            return self._updated(self._market.update(frame), now)
        if envelope.code is not None or envelope.error:
            detail = envelope.msg or bytes(envelope.error).decode(errors="replace")
            return [Note(kind="request_refused", detail=detail[:200])]
        if envelope.result:
            return [Note(kind="acknowledged")]
        if envelope.data:
            raise MalformedFrame("a wrapped payload without the name of its stream")
        return []

    def _updated(self, update: SpotUpdate | FuturesUpdate, now: Nanos) -> list[Output]:
        if update.s not in self._streams:
            return []
        first: list[Output] = []
        if self._streams.heard(update.s):
            first = [Note(kind="subscribed", instrument=update.s)]
        delta = BookDelta(
            instrument=update.s,
            bids=update.b,
            asks=update.a,
            sequence=update.last,
            venue_time=nanos(update.time),
        )
        return first + self._joiner.follow(update.joint, delta, now)

    # -- snapshots -------------------------------------------------------------------------------

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        name = fetch.instrument
        if fetch.purpose is not Purpose.SNAPSHOT or name is None or name not in self._streams:
            return []
        if response.status == 400 and _is_unknown_symbol(response.body):  # noqa: PLR2004
            self._streams.strike(name)
            self._joiner.reject(name)
            said = response.body[:200].decode(errors="replace")
            return [SubscriptionRejected(said, instrument=name), *self._joiner.ask(now)]
        if response.status != 200:  # noqa: PLR2004
            return self._joiner.refused(name, response, now)
        try:
            depth = _depth(response.body)
        except MalformedFrame as error:
            return [error, *self._joiner.failed(name, now)]
        snapshot = BookSnapshot(
            instrument=name,
            bids=depth.bids,
            asks=depth.asks,
            sequence=depth.last,
            venue_time=None if depth.time is None else nanos(depth.time),
            limit=_levels_asked(fetch, self._market),
        )
        return self._joiner.answered(snapshot, now)

    # -- the passing of time ---------------------------------------------------------------------

    def tick(self, now: Nanos) -> list[Output]:
        """Ask for what is due, and subscribe again to streams that never said anything."""
        if not self._open:
            return []
        silent = self._streams.overdue(now)
        notes: list[Output] = [
            Note(kind="never_heard_of", instrument=name)
            for name in silent
            if self._streams.given_up(name)
        ]
        return self._subscribe(silent) + notes + self._joiner.ask(now)


def _stream_name(name: str) -> str:
    return f"{name.lower()}@depth@100ms"


def _levels_asked(fetch: Fetch, market: Market) -> int:
    """Return how many levels a side were asked for; a tape may hold a smaller answer than ours."""
    asked = dict(fetch.params).get("limit", "")
    return int(asked) if asked.isascii() and asked.isdigit() else market.depth_limit


def _named_in(market: Market, frame: str) -> list[str]:
    """Return the instrument a recorded diff is about."""
    try:
        envelope = _envelope(frame)
        if "@depth" in (envelope.stream or ""):
            return [market.update(envelope.data).s]
        return [market.update(frame).s] if envelope.kind == "depthUpdate" else []
    except MalformedFrame:
        return []


def _is_unknown_symbol(body: bytes) -> bool:
    try:
        return _refusal(body).code == UNKNOWN_SYMBOL
    except MalformedFrame:
        return False


def _links(market: Market, instruments: Sequence[Instrument]) -> Mapping[str, str]:
    """Name the first streams in the path; the rest are subscribed to once it is open."""
    names = [_stream_name(instrument.name) for instrument in instruments[:STREAMS_IN_PATH]]
    return {BOOK_LINK: f"{market.stream_path}?streams={'/'.join(names)}"}


_STATUSES = {
    "TRADING": InstrumentStatus.TRADING,
    "CLOSE": InstrumentStatus.DELISTED,
    "DELIVERED": InstrumentStatus.DELISTED,
}


def _parse_catalogue(market: Market, body: bytes) -> list[Instrument]:
    """Read exchangeInfo; what has no tick or no step cannot be traded, and is left out."""
    instruments = []
    for listing in _exchange_info(body).symbols:
        perpetual = listing.contract_type in ("PERPETUAL", "TRADIFI_PERPETUAL")
        future = InstrumentKind.PERP if perpetual else InstrumentKind.FUTURE
        by_type = {each.filter_type: each for each in listing.filters}
        price, lot = by_type.get("PRICE_FILTER"), by_type.get("LOT_SIZE")
        if price is None or lot is None:
            continue
        tick, step = parse(price.tick_size), parse(lot.step_size)
        if not tick or not step:
            continue
        instruments.append(
            Instrument(
                venue=market.name,
                name=listing.symbol,
                kind=InstrumentKind.SPOT if market is SPOT else future,
                base=listing.base_asset,
                quote=listing.quote_asset,
                tick=tick,
                step=step,
                status=_STATUSES.get(listing.status, InstrumentStatus.HALTED),
            )
        )
    return instruments


SPECS = (
    VenueSpec(
        name=SPOT.name,
        family="binance",
        kind=InstrumentKind.SPOT,
        ws_url="wss://stream.binance.com:9443",
        rest_url="https://api.binance.com",
        links=partial(_links, SPOT),
        protocol=partial(BinanceProtocol, SPOT),
        catalogue=(
            Fetch(
                purpose=Purpose.CATALOGUE,
                path="/api/v3/exchangeInfo",
                params=(("showPermissionSets", "false"),),
                weight=20,
            ),
        ),
        parse_catalogue=partial(_parse_catalogue, SPOT),
        named_in=partial(_named_in, SPOT),
        default_name=str.upper,
        docs="https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams",
        depth="5,000 levels a side by REST, then every change each 100 ms",
        quirks=(
            "an unknown symbol is acknowledged and stays silent",
            "the snapshot is often older than the stream, and is then asked for again",
            "quiet pairs say nothing for up to a minute",
        ),
    ),
    VenueSpec(
        name=FUTURES.name,
        family="binance",
        kind=InstrumentKind.PERP,
        ws_url="wss://fstream.binance.com",
        rest_url="https://fapi.binance.com",
        links=partial(_links, FUTURES),
        protocol=partial(BinanceProtocol, FUTURES),
        catalogue=(Fetch(purpose=Purpose.CATALOGUE, path="/fapi/v1/exchangeInfo", weight=1),),
        parse_catalogue=partial(_parse_catalogue, FUTURES),
        named_in=partial(_named_in, FUTURES),
        default_name=str.upper,
        docs="https://developers.binance.com/docs/derivatives/usds-margined-futures",
        depth="1,000 levels a side by REST (about 25 bps of BTC), then every change each 100 ms",
        quirks=(
            "update ids have holes: only the previous id chains them",
            "book streams live under /public, trades and marks under /market",
        ),
    ),
)
