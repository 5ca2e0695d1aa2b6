"""What is asked of a venue by REST, when, and what its answers are taken for."""

from itertools import pairwise

import pytest
from tests.support.plain_venue import AUDITED, SNAPSHOT, SPEC, PlainProtocol, frame, instrument

from tidegauge.core.events import FeedEvent, FeedEventKind
from tidegauge.core.instrument import MINUTE, SECOND, Nanos
from tidegauge.core.trust import Trust, TrustReason
from tidegauge.wire.effects import Effect
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.inspector import ASKED_A_MINUTE, MARGIN, STRIKES
from tidegauge.wire.protocol import BOOK_LINK, Fetch, Purpose, Response
from tidegauge.wire.silence import ENOUGH_GAPS, LEAST_LIMIT

OTHER = frame("snapshot", [("99", "1"), ("98", "7")], [("101", "1"), ("102", "2")])
EVERY: Nanos = 300 * SECOND


class Bench:
    """A feed that is ticked each second; what it asks for is answered by the test."""

    def __init__(self, *names: str, every: Nanos | None = EVERY, recorded: bool = False) -> None:
        listings = [Listing(symbol=name, instrument=instrument(name)) for name in names or ["AAA"]]
        self.feed = VenueFeed(AUDITED, listings, audit_every=every, recorded=recorded)
        self.now: Nanos = 0
        self.events: list[FeedEvent] = []
        self.asked: list[tuple[Nanos, Fetch]] = []
        self.take(self.feed.opened(BOOK_LINK, 0))
        for name in names or ["AAA"]:
            self.receive(SNAPSHOT.replace("AAA", name))

    def take(self, effects: list[Effect]) -> None:
        self.events += [each for each in effects if isinstance(each, FeedEvent)]
        self.asked += [
            (self.now // SECOND, each)
            for each in effects
            if isinstance(each, Fetch) and each.purpose is Purpose.AUDIT
        ]

    def receive(self, text: str) -> None:
        self.take(self.feed.received(BOOK_LINK, text, self.now))

    def wait(self, seconds: int, *, talking: bool = False) -> None:
        """Let time pass; `talking`: each book is told of every second."""
        for _ in range(seconds):
            self.now += SECOND
            if talking:
                for name in self.feed.keepers:
                    self.receive(frame("delta", [("99", "1")], name=name))
            self.take(self.feed.tick(self.now))

    def answer(self, body: str = SNAPSHOT, *, status: int = 200, after: int = 0) -> None:
        """Answer the last request."""
        self.now += after
        response = Response(status=status, body=body.encode())
        self.take(self.feed.fetched(self.asked[-1][1], response, self.now))

    def audit(self, body: str) -> None:
        """Wait for the next audit, answer it, and let it settle."""
        before = len(self.asked)
        while len(self.asked) == before:
            self.wait(1, talking=True)
        self.answer(body)
        self.wait(2, talking=True)

    def told(self, kind: FeedEventKind) -> list[str]:
        return [event.detail for event in self.events if event.kind is kind]

    def trust(self) -> Trust:
        return self.feed.keepers["AAA"].trust


def test_books_are_audited_at_their_cadence_and_not_at_once() -> None:
    """Three books, each every five minutes, a hundred seconds apart."""
    bench = Bench("AAA", "BBB", "CCC")
    for _ in range(900):
        bench.wait(1, talking=True)
        if bench.asked and bench.asked[-1][0] == bench.now // SECOND:
            bench.answer(SNAPSHOT.replace("AAA", bench.asked[-1][1].instrument or ""))
    times = [at for at, _ in bench.asked]
    assert [each.instrument for _, each in bench.asked[:3]] == ["AAA", "BBB", "CCC"]
    assert all(98 <= later - earlier <= 110 for earlier, later in pairwise(times))
    assert bench.feed.counts.audits == len(times) >= 8
    assert set(bench.told(FeedEventKind.AUDIT)) == {"0 of 4 levels differ from REST"}
    tally = bench.feed.inspector.tally("BBB")
    assert (tally.audits, tally.levels, tally.differences) == (3, 12, 0)


def test_a_difference_that_lasts_costs_trust_and_one_that_does_not_is_nothing() -> None:
    """The second audit, ten seconds later, decides."""
    bench = Bench()
    bench.audit(OTHER)
    assert bench.trust() is Trust.LIVE
    bench.audit(SNAPSHOT)
    assert bench.trust() is Trust.LIVE
    assert bench.feed.counts.audit_differences == 0
    bench.audit(OTHER)
    first = bench.asked[-1][0]
    bench.audit(OTHER)
    assert bench.asked[-1][0] - first <= 11
    (event,) = [each for each in bench.events if each.trust is Trust.UNTRUSTED]
    assert (event.reason, event.detail) == (TrustReason.AUDIT, "1 of 4 levels differ from REST")
    assert bench.feed.counts.audit_differences == 1
    assert isinstance(bench.feed.protocol, PlainProtocol)
    assert bench.feed.protocol.resynced == [("AAA", TrustReason.AUDIT)]


def test_a_rest_book_that_differs_after_each_resync_is_shown_and_not_acted_upon() -> None:
    """It is another book, such as one with orders that the stream leaves out."""
    bench = Bench()
    for _ in range(STRIKES + 2):
        bench.audit(OTHER)
        bench.audit(OTHER)
        bench.receive(SNAPSHOT)
    distrusts = [each for each in bench.events if each.trust is Trust.UNTRUSTED]
    assert len(distrusts) == STRIKES
    assert bench.told(FeedEventKind.AUDIT)[-1].endswith("not acted upon")
    assert bench.trust() is Trust.LIVE


def test_an_update_on_its_way_explains_a_difference() -> None:
    """REST was faster than the stream."""
    bench = Bench()
    bench.wait(299, talking=True)
    while not bench.asked:
        bench.wait(1, talking=True)
    bench.answer(OTHER)
    bench.receive(frame("delta", [("98", "7")]))
    bench.wait(3, talking=True)
    assert bench.told(FeedEventKind.AUDIT) == ["0 of 4 levels differ from REST"]


def test_a_book_told_anew_during_an_audit_is_not_compared() -> None:
    """What was remembered speaks of another book."""
    bench = Bench()
    while not bench.asked:
        bench.wait(1, talking=True)
    bench.receive(SNAPSHOT)
    bench.answer(OTHER)
    bench.wait(5, talking=True)
    assert bench.feed.counts.audits == 0
    assert bench.feed.notes["audit_different"] == 0


@pytest.mark.parametrize("unread", ["", "{}", frame("snapshot", [("99", "NaN")])])
def test_an_answer_that_cannot_be_read_costs_no_trust(unread: str) -> None:
    """The REST answer is at fault, not the book; it is asked again half a cadence later."""
    bench = Bench()
    while not bench.asked:
        bench.wait(1, talking=True)
    bench.answer(unread)
    assert bench.trust() is Trust.LIVE
    assert bench.told(FeedEventKind.MALFORMED)
    bench.wait(140, talking=True)
    assert len(bench.asked) == 1
    bench.wait(20, talking=True)
    assert len(bench.asked) == 2


@pytest.mark.parametrize(("status", "seconds"), [(429, 60), (418, 120), (403, 300)])
def test_a_venue_that_is_asked_too_much_is_left_alone(status: int, seconds: int) -> None:
    """For as long as the status calls for; a doubted book is then judged by its silence alone."""
    bench = Bench("AAA", "BBB", every=20 * SECOND)
    while not bench.asked:
        bench.wait(1, talking=True)
    bench.answer(status=status)
    first = bench.asked[-1][0]
    bench.wait(seconds + 15, talking=True)
    assert bench.asked[1][0] - first >= seconds


def test_a_venue_that_says_how_long_is_obeyed() -> None:
    """Retry-After counts."""
    bench = Bench(every=20 * SECOND)
    while not bench.asked:
        bench.wait(1, talking=True)
    response = Response(status=429, body=b"", retry_after=200.0)
    bench.take(bench.feed.fetched(bench.asked[-1][1], response, bench.now))
    first = bench.asked[-1][0]
    bench.wait(220, talking=True)
    assert bench.asked[1][0] - first >= 200


def test_a_book_that_nothing_checks_is_audited_each_minute() -> None:
    """Its protocol gave up on the venue's checksums."""
    bench = Bench()
    bench.wait(1, talking=True)
    bench.receive(frame("unchecked"))
    bench.audit(SNAPSHOT)
    bench.audit(SNAPSHOT)
    first, second = (at for at, _ in bench.asked)
    assert first <= 65
    assert 59 <= second - first <= 65


class TestProbe:
    """A silent book is asked about in time (the plain venue's limit is 30 s)."""

    def test_a_quiet_market_stays_live(self) -> None:
        """Asked before the limit, equal: alive, and its age begins anew."""
        bench = Bench()
        bench.wait(27)
        assert [at for at, _ in bench.asked] == [27]
        bench.answer(after=SECOND // 4)
        assert bench.feed.keepers["AAA"].updated_at == bench.now
        bench.wait(20)
        assert bench.trust() is Trust.LIVE
        assert bench.told(FeedEventKind.AUDIT) == []

    def test_a_dead_stream_goes_stale_before_the_limit(self) -> None:
        """REST differs and no update comes that would explain it: stale, and got anew."""
        bench = Bench()
        bench.wait(27)
        bench.answer(OTHER, after=SECOND // 4)
        assert bench.trust() is Trust.LIVE, "the update may be on its way"
        bench.wait(2)
        (stale,) = [each for each in bench.events if each.trust is Trust.STALE]
        assert stale.at < 30 * SECOND
        assert stale.detail == "no update, and 1 of 4 levels differ from REST"

    def test_an_update_after_the_difference_proves_the_stream(self) -> None:
        """REST was only faster."""
        bench = Bench()
        bench.wait(27)
        bench.answer(OTHER, after=SECOND // 4)
        bench.receive(frame("delta", [("98", "7")]))
        bench.wait(3)
        assert bench.trust() is Trust.LIVE
        assert not [each for each in bench.events if each.trust is Trust.STALE]

    def test_a_probe_without_an_answer_leaves_the_limit(self) -> None:
        """Not live beyond the limit; begun afresh a tick later, once."""
        bench = Bench()
        bench.receive(frame("pong"))
        bench.wait(29)
        assert bench.trust() is Trust.LIVE
        bench.now += SECOND // 2
        bench.receive(frame("pong"))
        bench.wait(1)
        assert bench.trust() is Trust.STALE
        bench.wait(40)
        assert isinstance(bench.feed.protocol, PlainProtocol)
        assert bench.feed.protocol.resynced == [("AAA", TrustReason.SILENT)]
        assert len(bench.asked) == 1

    def test_a_late_answer_can_still_save_it(self) -> None:
        """Stale a moment ago, equal after all: believed again."""
        bench = Bench()
        bench.wait(30)
        assert bench.trust() is Trust.STALE
        bench.answer()
        assert bench.trust() is Trust.LIVE

    def test_probes_are_rationed(self) -> None:
        """When everything falls silent at once, the venue is not flooded."""
        names = [f"A{number:02}" for number in range(40)]
        bench = Bench(*names)
        bench.wait(29)
        assert len(bench.asked) == ASKED_A_MINUTE

    def test_nobody_is_asked_where_nobody_answers(self) -> None:
        """A tape holds what it holds: silence costs trust, and the next update revives the book."""
        bench = Bench(recorded=True)
        bench.wait(40)
        assert bench.asked == []
        assert bench.trust() is Trust.STALE
        bench.receive(frame("delta", [("98", "7")]))
        assert bench.trust() is Trust.LIVE
        assert isinstance(bench.feed.protocol, PlainProtocol)
        assert bench.feed.protocol.resynced == []


def test_audits_that_are_off_leave_silence_to_its_length() -> None:
    """None: nothing is asked by the clock, nor in doubt."""
    bench = Bench(every=None)
    bench.wait(28)
    assert bench.asked == []
    assert bench.trust() is Trust.LIVE
    bench.wait(2)
    assert bench.trust() is Trust.STALE


def test_a_feed_that_takes_over_goes_on_with_what_was_learned() -> None:
    """Silences, tallies and the clock's offset are the book's and the venue's, not the socket's."""
    old = Bench()
    old.audit(SNAPSHOT)
    old.wait(ENOUGH_GAPS, talking=True)
    new = Bench()
    new.feed.inherit(old.feed)
    assert new.feed.inspector.tally("AAA").audits == 1
    assert new.feed.inspector.silence("AAA").limit(old.now) == LEAST_LIMIT
    assert new.feed.latency is old.feed.latency


def test_the_margin_leaves_time_for_what_changes_before_the_request() -> None:
    """What a cache still tells was the book's two seconds ago."""
    bench = Bench()
    while bench.feed.inspector.cases["AAA"].audit is None:
        bench.wait(1, talking=True)
    bench.receive(frame("delta", [("98", "9")]))
    while not bench.asked:
        bench.wait(1, talking=True)
    assert MARGIN <= 2 * SECOND < MINUTE
    bench.answer(SNAPSHOT)
    bench.wait(2, talking=True)
    assert bench.told(FeedEventKind.AUDIT) == ["0 of 4 levels differ from REST"]


def test_a_venue_without_an_audit_is_never_asked() -> None:
    """There is nothing to ask for."""
    assert SPEC.audit is None
    feed = VenueFeed(SPEC, [Listing(symbol="AAA", instrument=instrument("AAA"))])
    feed.opened(BOOK_LINK, 0)
    feed.received(BOOK_LINK, SNAPSHOT, 0)
    effects = [effect for second in range(29) for effect in feed.tick(second * SECOND)]
    assert effects == []


def test_an_audit_that_cannot_be_asked_for_remembers_nothing() -> None:
    """While REST is closed to us, for hours perhaps, each price that changes would be kept."""
    bench = Bench()
    bench.audit(SNAPSHOT)
    while len(bench.asked) == 1:
        bench.wait(1, talking=True)
    bench.answer("", status=403)
    case = bench.feed.inspector.cases["AAA"]
    case.due_at = bench.now
    times_closed = 0
    for _ in range(60):
        before = case.audit
        bench.wait(1, talking=True)
        times_closed += before is not None and case.audit is not before
    assert len(bench.asked) == 2
    assert times_closed >= 10
