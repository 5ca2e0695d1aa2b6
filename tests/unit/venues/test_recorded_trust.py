"""Trust on real recorded books: natural silences cost nothing, and audits find only what is wrong."""

from collections import deque
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from tests.support.conversation import instrument
from tests.support.recordings import tape_lines

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import MILLISECOND, SECOND, Nanos
from tidegauge.core.side import Side
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.venues import load
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Purpose, Response
from tidegauge.wire.tape import TapeKind

pytestmark = pytest.mark.recorded

NEXO = "binance_spot_NEXOUSDT_2024-07-23_14h"
BTC = "binance_spot_BTCUSDT_2024-08-08"
LATE = 300 * MILLISECOND


class Played:
    """Plays a Binance recording through a feed; REST tells the book of `cached` before, correctly."""

    def __init__(self, name: str, *, answers: bool = True, cached: Nanos = 0, every: Nanos) -> None:
        spec = load()["binance"]
        listing = Listing(symbol=name, instrument=instrument(spec, name))
        self.feed = VenueFeed(spec, [listing], audit_every=every)
        self.keeper = self.feed.keepers[name]
        self.answers = answers
        self.cached = cached
        self.events: list[FeedEvent] = []
        self.ticked: Nanos = 0
        self.held = b""
        self.bodies: deque[tuple[Nanos, bytes]] = deque()
        self.due: list[tuple[Nanos, Fetch, bytes]] = []
        self.wanted: Fetch | None = None

    def play(self, lines: Iterator[tuple[Nanos, TapeKind, str]]) -> None:
        for at, kind, text in lines:
            if not self.ticked:
                self.ticked = at
                self.do(self.feed.opened(BOOK_LINK, at), at)
            while at - self.ticked >= SECOND:
                self.ticked += SECOND
                self.answer(self.ticked)
                self.do(self.feed.tick(self.ticked), self.ticked)
            self.answer(at)
            if kind is TapeKind.HTTP:
                self.held = text.encode()
            elif kind is TapeKind.RECV:
                self.do(self.feed.received(BOOK_LINK, text, at), at)
            if self.held and self.wanted is not None:
                response, self.held = Response(status=200, body=self.held), b""
                self.do(self.feed.fetched(self.wanted, response, at), at)

    def do(self, effects: list[Effect], now: Nanos) -> None:
        for effect in effects:
            if isinstance(effect, FeedEvent):
                self.events.append(effect)
            elif isinstance(effect, Fetch) and effect.purpose is Purpose.AUDIT:
                if self.answers:
                    self.due.append((now + LATE, effect, self.body(now)))
            elif isinstance(effect, Fetch) and effect.purpose is Purpose.SNAPSHOT:
                self.wanted = effect

    def answer(self, now: Nanos) -> None:
        if self.cached and (not self.bodies or now - self.bodies[-1][0] >= self.cached):
            self.bodies.append((now, self.told()))
        while self.due and self.due[0][0] <= now:
            _, fetch, body = self.due.pop(0)
            self.do(self.feed.fetched(fetch, Response(status=200, body=body), now), now)

    def body(self, now: Nanos) -> bytes:
        """What REST says: the book as it is, or as it was when the cache was filled."""
        while len(self.bodies) > 1 and self.bodies[1][0] <= now - self.cached:
            self.bodies.popleft()
        return self.bodies[0][1] if self.bodies else self.told()

    def told(self) -> bytes:
        bids, asks = (
            [(str(price), str(size)) for price, size in self.keeper.book.top(side, 1000)]
            for side in (Side.BID, Side.ASK)
        )
        said = {"lastUpdateId": self.keeper.sequence, "bids": bids, "asks": asks}
        return msgspec.json.encode(said)

    def distrusts(self) -> list[TrustReason | None]:
        bad = (Trust.STALE, Trust.UNTRUSTED)
        return [event.reason for event in self.events if event.trust in bad]


def frames(
    folder: Path, file: str, most: int | None = None
) -> Iterator[tuple[Nanos, TapeKind, str]]:
    for line in tape_lines(folder, file, most=most):
        yield line.at, line.kind, line.text


@pytest.mark.parametrize("answers", [True, False], ids=["probes answered", "nobody answers"])
def test_a_thin_pairs_natural_silences_cost_no_trust(recorded: Path, *, answers: bool) -> None:
    """14 hours of NEXO with silences of up to 42 s: never stale, and hardly ever asked about."""
    played = Played("NEXOUSDT", answers=answers, every=300 * SECOND)
    played.play(frames(recorded, NEXO))
    assert played.distrusts() == []
    assert played.keeper.trust is Trust.LIVE
    if answers:
        assert played.feed.counts.audits > 160
        assert played.feed.counts.audit_differences == 0


def test_a_busy_book_is_equal_to_a_rest_answer_that_is_a_second_old(recorded: Path) -> None:
    """BTC at ten updates a second, audited every 20 s against a cache: no level differs."""
    played = Played("BTCUSDT", cached=1_200 * MILLISECOND, every=20 * SECOND)
    played.play(frames(recorded, BTC, 40_000))
    assert played.feed.counts.audits >= 10
    assert played.feed.counts.audit_differences == 0
    assert played.feed.notes["audit_different"] == 0
    assert played.distrusts() == []


def test_a_level_that_is_wrong_is_found_and_the_book_told_anew(recorded: Path) -> None:
    """One size of a thousand is spoilt: confirmed by a second audit, counted, and distrusted."""
    played = Played("BTCUSDT", every=20 * SECOND)
    lines = frames(recorded, BTC, 60_000)
    for _ in range(20_000):
        played.play(iter([next(lines)]))
    book = played.keeper.book
    level = next(each for each in list(book.bids)[800:] if Decimal(each) > (book.known_bid or 0))
    honest = played.told
    right = level.lots

    def told() -> bytes:
        spoilt, level.lots = level.lots, right if level.lots == right + 1 else level.lots
        try:
            return honest()
        finally:
            level.lots = spoilt

    level.lots = right + 1
    played.told = told  # type: ignore[method-assign]
    played.play(lines)
    assert played.distrusts() == [TrustReason.AUDIT]
    assert played.feed.counts.audit_differences == 1
    (event,) = [
        each
        for each in played.events
        if each.kind is FeedEventKind.AUDIT and not each.detail.startswith("0 ")
    ]
    assert event.detail.startswith("1 of ")
