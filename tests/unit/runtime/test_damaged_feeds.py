"""Every venue's frames, damaged in one place, all the way to readings: nothing but effects comes out."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversation import STEP, Transcript, TranscriptLine, transcript
from tests.support.damage import damaged
from tests.support.examples import one_in
from tests.support.plain_venue import SNAPSHOT, instrument
from tests.support.plain_venue import SPEC as PLAIN
from tests.support.plain_venue import frame as plain_frame

from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.trust import Trust
from tidegauge.runtime.monitor import Monitor, MonitorPlan, Record
from tidegauge.venues import load
from tidegauge.wire.counts import MOST_KINDS
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Response, VenueSpec

START: Nanos = 1_760_000_000 * SECOND
VENUES = load()

every_venue = pytest.mark.parametrize("spec", VENUES.values(), ids=VENUES.keys())


class Bench:
    """A feed that plays a transcript and a sibling that is healthy, under one monitor."""

    def __init__(self, spec: VenueSpec, script: Transcript) -> None:
        self.records: list[Record] = []
        self.monitor = Monitor(MonitorPlan(), self.records.append)
        self.feed = VenueFeed(
            spec, [Listing(symbol=each.name, instrument=each) for each in script.instruments]
        )
        self.links = list(spec.links(script.instruments))
        self.sibling = VenueFeed(PLAIN, [Listing(symbol="AAAUSDT", instrument=instrument())])
        for feed in (self.feed, self.sibling):
            self.monitor.watch(feed)
        self.script = script
        self.fetches: list[Fetch] = []
        self.held: list[TranscriptLine] = []
        self.number = 1
        self.handle(self.sibling, self.sibling.opened(BOOK_LINK, START))
        self.handle(self.sibling, self.sibling.received(BOOK_LINK, SNAPSHOT, START))

    def open(self, now: Nanos) -> None:
        for link in self.links:
            self.handle(self.feed, self.feed.opened(link, now), now)

    def reopen(self, now: Nanos) -> None:
        for link in self.links:
            self.handle(self.feed, self.feed.closed(link, now, "told to"), now)
        self.fetches.clear()
        self.held.clear()
        self.open(now)

    def handle(self, feed: VenueFeed, effects: Sequence[Effect], now: Nanos = START) -> None:
        left = self.monitor.handle(effects, now)
        if feed is self.feed:
            self.fetches += [effect for effect in left if isinstance(effect, Fetch)]

    def hear(self, link: str, text: str | bytes, now: Nanos) -> None:
        self.handle(self.feed, self.feed.received(link, text, now), now)
        self.monitor.advance(now)
        self._sibling_goes_on(now)

    def play(self, lines: Sequence[TranscriptLine], now: Nanos) -> Nanos:
        for line in lines:
            now += STEP
            if line.kind == "recv":
                self.hear(line.link, line.text, now)
            elif line.kind == "http":
                self.held.append(line)
            now = self._answer(now)
        return now

    def _answer(self, now: Nanos) -> Nanos:
        while self.fetches:
            wanted = self.fetches[0].instrument
            line = next((each for each in self.held if each.instrument == wanted), None)
            if line is None:
                break
            self.held.remove(line)
            now += STEP
            answer = Response(status=200, body=line.text.encode())
            self.handle(self.feed, self.feed.fetched(self.fetches.pop(0), answer, now), now)
        return now

    def _sibling_goes_on(self, now: Nanos) -> None:
        self.number += 1
        update = plain_frame("delta", [("99", str(self.number))], number=self.number)
        self.handle(self.sibling, self.sibling.received(BOOK_LINK, update, now), now)

    def sibling_is_intact(self) -> None:
        keeper = self.sibling.keepers["AAA"]
        assert (keeper.trust, keeper.sequence) == (Trust.LIVE, self.number)
        counts = self.sibling.counts
        assert (counts.gaps, counts.resyncs, counts.malformed) == (0, 0, 0)

    def is_right(self) -> None:
        book = self.feed.keepers[self.script.instruments[0].name].book
        touch = [f"{each.normalize():f}" for each in (book.best_bid, book.best_ask) if each]
        assert tuple(touch) == self.script.touch
        assert {keeper.trust for keeper in self.feed.keepers.values()} == {Trust.LIVE}


@every_venue
@one_in(5)
@given(data=st.data())
def test_a_damaged_frame_never_raises_and_is_recovered_from(
    spec: VenueSpec, data: st.DataObject
) -> None:
    """Slipped in anywhere; afterwards a new connection leads to the right books again."""
    script = transcript(spec)
    received = [i for i, line in enumerate(script.lines) if line.kind == "recv"]
    json_lines = [i for i in received if script.lines[i].text.startswith(("{", "["))]
    where = data.draw(st.sampled_from(received))
    line = script.lines[data.draw(st.sampled_from(json_lines))]
    bench = Bench(spec, script)
    bench.open(START)
    now = bench.play(script.lines[:where], START)
    frame = data.draw(damaged(line.text))
    bench.hear(line.link, frame, now + STEP)
    now = bench.play(script.lines[where:], now + STEP)
    for second in range(3):
        bench.handle(bench.feed, bench.feed.tick(now + second * SECOND), now + second * SECOND)
        bench.monitor.advance(now + second * SECOND)
    for keeper in bench.feed.keepers.values():
        keeper.book.check()
    bench.sibling_is_intact()
    assert len(bench.feed.counts.malformed_kinds) <= MOST_KINDS + 1
    later = now + 400 * SECOND
    bench.reopen(later)
    bench.play(script.lines, later)
    bench.is_right()


@every_venue
@one_in(5)
@given(data=st.data())
def test_a_damaged_answer_never_raises_and_is_recovered_from(
    spec: VenueSpec, data: st.DataObject
) -> None:
    """Whatever a REST request is answered with, at whatever status."""
    script = transcript(spec)
    answers = [line for line in script.lines if line.kind == "http"]
    if not answers:
        return
    bench = Bench(spec, script)
    bench.open(START)
    now = bench.play([line for line in script.lines if line.kind == "recv"], START)
    body = data.draw(damaged(data.draw(st.sampled_from(answers)).text))
    answer = Response(
        status=data.draw(st.sampled_from([200, 200, 0, 400, 404, 418, 429, 500, 503])),
        body=body.encode() if isinstance(body, str) else body,
        retry_after=data.draw(st.sampled_from([None, 0.0, 5.0, 3600.0])),
    )
    assert bench.fetches
    bench.handle(bench.feed, bench.feed.fetched(bench.fetches.pop(0), answer, now), now)
    bench.sibling_is_intact()
    later = now + 8_000 * SECOND
    bench.reopen(later)
    bench.play(script.lines, later)
    if all(keeper.trust is Trust.LIVE for keeper in bench.feed.keepers.values()):
        bench.is_right()


@every_venue
@one_in(8)
@given(frames=st.lists(st.one_of(st.text(), st.binary()), max_size=5))
def test_noise_keeps_every_book(spec: VenueSpec, frames: list[str | bytes]) -> None:
    """What names no book changes none."""
    script = transcript(spec)
    bench = Bench(spec, script)
    bench.open(START)
    now = bench.play(script.lines, START)
    for frame in frames:
        for link in bench.links:
            bench.hear(link, frame, now)
    bench.is_right()
    bench.sibling_is_intact()
