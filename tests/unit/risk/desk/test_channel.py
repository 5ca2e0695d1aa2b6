"""A channel is told a burst at once, and then one digest each so often."""

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.alert import Severity
from tidegauge.core.desk import PageKind
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.risk.desk.channel import Channel, Entry

BURST, EVERY = 3, 30 * SECOND


def entry(
    number: int,
    at: Nanos = 0,
    severity: Severity = Severity.HIGH,
    kind: PageKind = PageKind.OPENED,
) -> Entry:
    return Entry(
        incident_id=f"INC-{number}",
        key=f"INC-{number}/1/{kind}",
        kind=kind,
        at=at,
        severity=severity,
        symbol="BTCUSDT",
        title="HIGH",
    )


def test_a_burst_leaves_at_once_and_the_rest_waits() -> None:
    """The digest comes one span after the first page."""
    channel = Channel("slack")
    left = [channel.takes(SECOND, burst=BURST, every=EVERY) for _ in range(5)]
    assert left == [True, True, True, False, False]
    channel.wait(entry(4), 2 * SECOND, every=EVERY)
    channel.wait(entry(5, severity=Severity.CRITICAL), 3 * SECOND, every=EVERY)
    assert channel.digest(30 * SECOND, burst=BURST, every=EVERY) == ()
    told = channel.digest(31 * SECOND, burst=BURST, every=EVERY)
    assert [each.incident_id for each in told] == ["INC-5", "INC-4"]
    assert not channel.waiting


def test_a_storm_that_goes_on_is_one_digest_each_span() -> None:
    """A digest fills the span after it; after a quiet span pages leave at once again."""
    channel = Channel("slack")
    pages = digests = 0
    for second in range(300):
        now = second * SECOND
        if channel.takes(now, burst=BURST, every=EVERY):
            pages += 1
        else:
            channel.wait(entry(second, now), now, every=EVERY)
        digests += bool(channel.digest(now, burst=BURST, every=EVERY))
    assert (pages, digests) == (BURST, 9)
    assert channel.digest(300 * SECOND, burst=BURST, every=EVERY)
    assert not channel.takes(329 * SECOND, burst=BURST, every=EVERY)
    assert channel.takes(361 * SECOND, burst=BURST, every=EVERY)


def test_what_waits_for_a_digest_anyway_does_not_hold_up_a_page() -> None:
    """The end of something that was only in a digest, on a calm channel."""
    channel = Channel("slack")
    channel.wait(entry(1, kind=PageKind.RESOLVED), 0, every=EVERY)
    assert channel.takes(SECOND, burst=BURST, every=EVERY)
    assert len(channel.digest(31 * SECOND, burst=BURST, every=EVERY)) == 1
    assert channel.takes(32 * SECOND, burst=BURST, every=EVERY)


def test_of_one_incident_the_last_word_counts() -> None:
    """What opened and is over within a span is told as over, once."""
    channel = Channel("slack")
    channel.wait(entry(1), 0, every=EVERY)
    channel.wait(entry(1, kind=PageKind.RESOLVED), SECOND, every=EVERY)
    (told,) = channel.digest(EVERY, burst=BURST, every=EVERY)
    assert told.kind is PageKind.RESOLVED


def test_a_clock_that_steps_back_delays_no_digest() -> None:
    """Nothing waits for a time that is hours away."""
    channel = Channel("slack")
    channel.wait(entry(1), 10_000 * SECOND, every=EVERY)
    assert channel.digest(0, burst=BURST, every=EVERY)
    assert channel.takes(0, burst=BURST, every=EVERY)


def test_what_comes_a_little_late_begins_no_new_burst() -> None:
    """Times of different books are not quite in order."""
    channel = Channel("slack")
    left = 0
    for number in range(20):
        now = 100 * SECOND - (number % 2) * SECOND // 2
        if channel.takes(now, burst=BURST, every=EVERY):
            left += 1
        else:
            channel.wait(entry(number, now), now, every=EVERY)
        assert not channel.digest(now, burst=BURST, every=EVERY)
    assert left == BURST


@given(
    st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=60),
    st.integers(0, 4),
)
def test_no_incident_is_lost_and_the_number_of_pages_is_bounded(
    steps: list[tuple[int, bool]], burst: int
) -> None:
    """Whatever comes when: each is told by a page or in a digest, and pages are few."""
    channel, now = Channel("slack"), 0
    told: list[str] = []
    sent: list[Nanos] = []
    for number, (later, ends) in enumerate(steps):
        now += later * SECOND
        if ends:
            digest = channel.digest(now, burst=burst, every=EVERY)
            told += [each.incident_id for each in digest]
            sent += [now] * bool(digest)
        elif channel.takes(now, burst=burst, every=EVERY):
            told.append(f"INC-{number}")
            sent.append(now)
        else:
            channel.wait(entry(number, now), now, every=EVERY)
    told += [each.incident_id for each in channel.digest(now + EVERY, burst=burst, every=EVERY)]
    wanted = [f"INC-{number}" for number, (_, ends) in enumerate(steps) if not ends]
    assert sorted(told) == sorted(wanted)
    for at in sent:
        assert sum(at <= other < at + EVERY for other in sent) <= 2 * burst + 1
