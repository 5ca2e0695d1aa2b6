"""The conversation with one Binance market: streams and snapshots; the rest is read beside."""

from collections.abc import Sequence

from tidegauge.core.errors import MalformedFrame, SubscriptionRejected
from tidegauge.core.events import BookDelta, BookLost
from tidegauge.core.instrument import SECOND, Instrument, Nanos
from tidegauge.core.trust import TrustReason
from tidegauge.wire.decode import encode, nanos
from tidegauge.wire.joiner import SnapshotJoiner
from tidegauge.wire.protocol import (
    BOOK_LINK,
    Fetch,
    Note,
    Output,
    Purpose,
    Response,
    Retire,
    Send,
)
from tidegauge.wire.rollcall import RollCall

from .beside import BESIDE
from .frames import FuturesUpdate, SpotUpdate, read_depth, read_envelope, read_refusal
from .interest import InterestPoll
from .market import DEPTH_STREAM, STREAMS_IN_PATH, Market

FIRST_FRAME_WITHIN = 15 * SECOND
STREAMS_A_REQUEST = 100
UNKNOWN_SYMBOL = -1121


class BinanceProtocol:
    """The conversation with one Binance market, over one link or two."""

    def __init__(self, market: Market, instruments: Sequence[Instrument]) -> None:
        self._market = market
        self._names = [instrument.name for instrument in instruments]
        self._levels = market.levels(len(self._names))
        self._streams = RollCall(self._names, patience=FIRST_FRAME_WITHIN)
        self._joiner = SnapshotJoiner(
            self._names,
            sequencer=market.sequencer,
            request=lambda name: market.depth(name, self._levels),
        )
        self._interest = InterestPoll(self._names if market.interest else (), market.open_interest)
        self._open = False
        self._requests = 0

    # -- the links -------------------------------------------------------------------------------

    def opened(self, link: str, now: Nanos) -> list[Output]:
        rest = self._market.streams(link, self._names)[STREAMS_IN_PATH:]
        if link != BOOK_LINK:
            return self._subscribe(link, rest)
        lost = self._joiner.abandon(TrustReason.CONNECTED, only_live=True)
        self._streams.expect_all(now)
        self._interest.begin(now)
        self._open = True
        return lost + self._subscribe(link, rest)

    def closed(self, link: str, now: Nanos) -> list[Output]:
        """Forget the books with their link; without the other one they are as good as they were."""
        if link != BOOK_LINK:
            return []
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

    def _subscribe(self, link: str, streams: Sequence[str]) -> list[Output]:
        sends: list[Output] = []
        for start in range(0, len(streams), STREAMS_A_REQUEST):
            self._requests += 1
            some = streams[start : start + STREAMS_A_REQUEST]
            request = {"method": "SUBSCRIBE", "params": some, "id": self._requests}
            sends.append(Send(link=link, text=encode(request)))
        return sends

    # -- frames ----------------------------------------------------------------------------------

    def received(self, link: str, frame: str | bytes, now: Nanos) -> list[Output]:
        envelope = read_envelope(frame)
        stream = envelope.stream
        if stream is None and envelope.data:
            raise MalformedFrame("a wrapped payload without the name of its stream")
        if stream == "!serverShutdown" or envelope.kind == "serverShutdown":
            return [Retire(link=link, reason="the venue announces a shutdown")]
        kind = envelope.kind if stream is None else stream.partition("@")[2].partition("@")[0]
        payload = frame if stream is None else envelope.data
        if kind in ("depth", "depthUpdate"):
            return self._updated(self._market.update(payload), now)
        if kind in BESIDE:
            return [event for event in BESIDE[kind](payload) if event.instrument in self._streams]
        if envelope.code is not None or envelope.error:
            detail = envelope.msg or bytes(envelope.error).decode(errors="replace")
            return [Note(kind="request_refused", detail=detail[:200])]
        return [Note(kind="acknowledged")] if envelope.result else []

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

    # -- answers ---------------------------------------------------------------------------------

    def fetched(self, fetch: Fetch, response: Response, now: Nanos) -> list[Output]:
        name = fetch.instrument
        if name is None or name not in self._streams:
            return []
        if fetch.purpose is Purpose.MARKS:
            return self._interest.answered(name, response, now)
        if fetch.purpose is not Purpose.SNAPSHOT:
            return []
        if response.status == 400 and _is_unknown_symbol(response.body):  # noqa: PLR2004
            self._streams.strike(name)
            self._joiner.reject(name)
            self._interest.strike(name)
            said = response.body[:200].decode(errors="replace")
            return [SubscriptionRejected(said, instrument=name), *self._joiner.ask(now)]
        if response.status != 200:  # noqa: PLR2004
            return self._joiner.refused(fetch, response, now)
        try:
            snapshot = read_depth(name, response.body, limit=self._levels_asked(fetch))
        except MalformedFrame as error:
            return [error, *self._joiner.failed(fetch, now)]
        return self._joiner.answered(fetch, snapshot, now)

    def _levels_asked(self, fetch: Fetch) -> int:
        """Return how many levels a side were asked for; a tape may hold another answer than ours."""
        asked = dict(fetch.params).get("limit", "")
        return int(asked) if asked.isascii() and asked.isdigit() else self._levels

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
        again = self._subscribe(BOOK_LINK, [f"{name.lower()}@{DEPTH_STREAM}" for name in silent])
        return again + notes + self._joiner.ask(now) + self._interest.due(now)


def _is_unknown_symbol(body: bytes) -> bool:
    try:
        return read_refusal(body).code == UNKNOWN_SYMBOL
    except MalformedFrame:
        return False
