"""The file of the outbox, against a model of it; and what one process may do with another's rows."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.support.pages import NOON, a_page

from tidegauge.core.desk import Arrival, Page, PageKind
from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.sinks.outbox import file as module
from tidegauge.sinks.outbox.file import KEPT_FOR, OutboxFile, Settled
from tidegauge.sinks.outbox.parcel import Parcel

CHANNELS = ("slack", "mail")
ASIDE: dict[str, Any] = {"refused": True, "not_before": NOON + SECOND}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "outbox.sqlite3"


@pytest.fixture
def outbox(path: Path) -> Iterator[OutboxFile]:
    file = OutboxFile(str(path), "me")
    yield file
    file.close()


def due(file: OutboxFile, channel: str, now: int = NOON) -> Parcel:
    parcel, _failures, _due = file.next(channel, now)
    assert parcel is not None
    return parcel


def made(parcel: Parcel, arrival: Arrival = Arrival.SENT, **more: object) -> Settled:
    return Settled(parcel=parcel, began=NOON, at=NOON, arrival=arrival, **more)  # type: ignore[arg-type]


def test_a_page_is_kept_once_for_each_of_its_channels(outbox: OutboxFile) -> None:
    """By its key and the channel, also when it was delivered long since."""
    assert outbox.put([a_page(1, "slack", "mail", "slack")], NOON) == [
        ("INC-1:1", "slack"),
        ("INC-1:1", "mail"),
    ]
    assert outbox.put([a_page(1, "slack", "desk")], NOON) == [("INC-1:1", "desk")]
    outbox.settle(made(due(outbox, "slack")))
    assert outbox.put([a_page(1, "slack")], NOON + HOUR) == []
    assert outbox.next("slack", NOON) == (None, 0, None)


def test_a_channel_that_fails_waits_as_a_whole_and_one_page_alone_when_it_is_refused(
    outbox: OutboxFile,
) -> None:
    """The one keeps the order, the other lets those behind pass."""
    outbox.put([a_page(1, "slack"), a_page(2, "slack")], NOON)
    later = NOON + 10 * SECOND
    outbox.settle(made(due(outbox, "slack"), Arrival.RETRYING, not_before=later, said="503"))
    assert outbox.next("slack", NOON) == (None, 1, later)
    first = due(outbox, "slack", later)
    assert (first.page.key, first.attempts, first.first_at) == ("INC-1:1", 1, NOON)
    outbox.settle(made(first, Arrival.RETRYING, refused=True, not_before=later + SECOND))
    assert due(outbox, "slack", later).page.key == "INC-2:2"
    outbox.settle(made(due(outbox, "slack", later)))
    assert outbox.next("slack", later) == (None, 0, later + SECOND)
    again = due(outbox, "slack", later + SECOND)
    assert (again.page.key, again.attempts, again.refused) == ("INC-1:1", 2, True)


def test_a_clock_that_was_set_back_silences_no_channel(outbox: OutboxFile) -> None:
    """A time to try again that is days off was never meant."""
    outbox.put([a_page(1, "slack")], NOON)
    outbox.settle(made(due(outbox, "slack"), Arrival.RETRYING, not_before=NOON + SECOND))
    assert outbox.next("slack", NOON - 48 * HOUR)[0] is not None


def test_what_waits_too_long_is_passed_on_once(outbox: OutboxFile) -> None:
    """And what is refused at once; to the fallback it is new, and the channel keeps it."""
    outbox.put([a_page(1, "slack")], NOON)
    outbox.put([a_page(2, "slack"), a_page(3, "slack", "mail")], NOON + SECOND)
    outbox.settle(made(due(outbox, "slack"), Arrival.RETRYING))
    assert outbox.pass_on("slack", "mail", NOON - 1, NOON) == []
    assert outbox.pass_on("slack", "mail", NOON, NOON + 5) == ["INC-1:1"]
    refused = due(outbox, "slack")
    outbox.settle(made(refused, Arrival.RETRYING, refused=True))
    assert outbox.pass_on("slack", "mail", NOON, NOON + 6) == []
    assert outbox.pass_on("slack", "mail", NOON + SECOND, NOON + 7) == ["INC-2:2"]
    waiting = []
    while (parcel := outbox.next("mail", NOON)[0]) is not None:
        waiting.append((parcel.page.key, parcel.put_at))
        outbox.settle(made(parcel))
    assert waiting == [("INC-3:3", NOON + SECOND), ("INC-1:1", NOON + 5), ("INC-2:2", NOON + 7)]
    assert due(outbox, "slack").page.key == "INC-1:1"


def test_what_nobody_took_is_given_up_with_its_reason(outbox: OutboxFile) -> None:
    """Once."""
    outbox.put([a_page(1, "slack")], NOON)
    outbox.settle(made(due(outbox, "slack"), Arrival.RETRYING, said="404 no_service"))
    assert outbox.give_up(NOON - 1) == []
    ((parcel, said),) = outbox.give_up(NOON)
    assert (parcel.page.key, parcel.attempts, said) == ("INC-1:1", 1, "404 no_service")
    assert outbox.give_up(NOON) == []
    assert outbox.next("slack", NOON + HOUR)[0] is None


def test_what_was_done_with_is_kept_for_a_while_and_what_waits_for_as_long_as_it_does(
    outbox: OutboxFile, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By age, and by number."""
    monkeypatch.setattr(module, "MOST_KEPT", 3)
    outbox.put([a_page(number, "slack") for number in range(8)], NOON)
    for _ in range(6):
        outbox.settle(made(due(outbox, "slack")))
    outbox.forget(NOON)
    assert keys(path) == ["INC-5:5", "INC-6:6", "INC-7:7"]
    outbox.forget(NOON + KEPT_FOR + 1)
    assert keys(path) == ["INC-6:6", "INC-7:7"]


def keys(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as connection:
        return [row[0] for row in connection.execute("SELECT key FROM deliveries ORDER BY id")]


def test_each_process_delivers_its_own_until_it_is_gone(path: Path, outbox: OutboxFile) -> None:
    """Two of them sending one page would be twice; whose channel is to be left alone holds for both."""
    other = OutboxFile(str(path), "other")
    other.put([a_page(1, "slack")], NOON)
    outbox.put([a_page(1, "slack"), a_page(2, "slack")], NOON)
    other.settle(made(due(other, "slack"), Arrival.RETRYING, not_before=NOON + SECOND))
    assert outbox.next("slack", NOON) == (None, 1, NOON + SECOND)
    assert due(outbox, "slack", NOON + SECOND).page.key == "INC-2:2"
    assert outbox.owners() == ["other"]
    assert outbox.take_over("other") == 1
    assert outbox.owners() == []
    assert due(outbox, "slack", NOON + SECOND).page.key == "INC-1:1"
    other.close()


def test_what_lasts_stands_until_it_is_over(path: Path, outbox: OutboxFile) -> None:
    """In the transaction of the delivery, so that it is what the channel knows."""
    outbox.put([a_page(1, "am"), a_page(2, "am", incident="INC-1")], NOON)
    first = due(outbox, "am")
    outbox.settle(made(first, standing={"INC-1": first.page}))
    assert outbox.standing("am") == [first.page]
    assert outbox.stands("am", "INC-1") == first.page
    assert outbox.stands("am", "INC-2") is None
    other = OutboxFile(str(path), "other")
    assert other.standing("am") == []
    other.take_over("me")
    assert other.standing("am") == [first.page]
    other.close()
    outbox.take_over("other")
    second = due(outbox, "am")
    outbox.settle(made(second, standing={"INC-1": None}))
    assert outbox.stands("am", "INC-1") is None


def test_what_waits_is_counted_for_each_channel_and_of_ours_alone(
    path: Path, outbox: OutboxFile
) -> None:
    """What was delivered waits no more."""
    with closing(OutboxFile(str(path), "another")) as another:
        another.put([a_page(9, "slack")], NOON)
    outbox.put([a_page(1, "slack", "mail"), a_page(2, "slack")], NOON)
    assert outbox.waiting() == 3
    outbox.settle(made(due(outbox, "slack")))
    assert outbox.waiting() == 2


def test_a_damaged_row_is_put_out_of_the_way(path: Path, outbox: OutboxFile) -> None:
    """Those behind it are told."""
    outbox.put([a_page(1, "slack"), a_page(2, "slack")], NOON)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE deliveries SET body = x'00' WHERE key = 'INC-1:1'")
    assert due(outbox, "slack").page.key == "INC-2:2"
    outbox.settle(made(due(outbox, "slack")))
    assert outbox.next("slack", NOON)[0] is None
    assert outbox.give_up(NOON) == []


def an_end(number: int, *channels: str) -> Page:
    return a_page(number, *channels, kind=PageKind.RESOLVED, incident="INC-1")


def test_whoever_was_given_a_page_of_an_incident_is_told_of_its_end(outbox: OutboxFile) -> None:
    """By a fallback, or by a route of before; once, and no channel that is no more."""
    outbox.put([a_page(1, "slack", "gone"), a_page(2, "desk")], NOON)
    outbox.put([a_page(3, "old", incident="INC-1"), a_page(4, "slack")], NOON)
    assert outbox.pass_on("slack", "mail", NOON, NOON) == ["INC-1:1", "INC-4:4"]
    known = ("slack", "mail", "desk", "old")
    wanted = [("INC-1:9", "slack"), ("INC-1:9", "old"), ("INC-1:9", "mail")]
    assert outbox.put([an_end(9, "slack")], NOON, known) == wanted
    assert outbox.put([an_end(9, "slack")], NOON, known) == []
    escalated = a_page(10, "slack", kind=PageKind.ESCALATED, incident="INC-1")
    assert outbox.put([escalated], NOON, known) == [("INC-1:10", "slack")]


def test_a_digest_begins_and_ends_no_incident(outbox: OutboxFile) -> None:
    """It does not say of which it tells what: whoever had only a digest has nothing to be ended."""
    outbox.put([a_page(1, "mail", kind=PageKind.DIGEST, incident="INC-1")], NOON)
    assert outbox.put([an_end(2, "slack")], NOON, CHANNELS) == [("INC-1:2", "slack")]
    outbox.settle(made(due(outbox, "mail"), Arrival.RETRYING, refused=True, not_before=NOON + 1))
    outbox.put([an_end(3, "mail")], NOON)
    assert outbox.settle(made(due(outbox, "mail"))) == []
    assert due(outbox, "mail", NOON + 1).page.kind is PageKind.DIGEST


def test_with_the_beginning_its_end_is_passed_on_if_it_waits(outbox: OutboxFile) -> None:
    """The channel takes it a moment later, and the fallback would never hear of it."""
    outbox.put([a_page(1, "slack")], NOON)
    outbox.put([an_end(2, "slack"), a_page(3, "slack")], NOON + HOUR)
    assert outbox.pass_on("slack", "mail", NOON, NOON + HOUR) == ["INC-1:1", "INC-1:2"]
    assert outbox.pass_on("slack", "mail", NOON, NOON + HOUR) == []


def test_no_beginning_is_passed_on_to_a_fallback_that_has_the_end(outbox: OutboxFile) -> None:
    """It is one of the incident's own channels, and took the end first."""
    outbox.put([a_page(1, "slack")], NOON)
    outbox.put([an_end(2, "slack", "mail")], NOON)
    outbox.settle(made(due(outbox, "mail")))
    assert outbox.pass_on("slack", "mail", NOON, NOON) == []
    again = a_page(3, "slack", kind=PageKind.REOPENED, incident="INC-1")
    outbox.put([again], NOON)
    assert outbox.pass_on("slack", "mail", NOON, NOON) == ["INC-1:3"]


def test_a_beginning_that_was_put_aside_is_never_sent_after_the_end(
    outbox: OutboxFile, path: Path
) -> None:
    """What belongs to another incident or channel, or begins it again, still is."""
    outbox.put([a_page(1, "slack", "mail"), a_page(2, "slack")], NOON)
    for _ in range(2):
        outbox.settle(made(refused := due(outbox, "slack"), Arrival.RETRYING, **ASIDE))
        assert refused.page.kind is PageKind.OPENED
    again = a_page(4, "slack", kind=PageKind.REOPENED, incident="INC-1")
    outbox.put([an_end(3, "slack"), again], NOON)
    ((gone, said),) = outbox.settle(made(due(outbox, "slack")))
    assert (gone.page.key, gone.attempts) == ("INC-1:1", 1)
    assert said == "superseded: it is over"
    with closing(sqlite3.connect(path)) as connection:
        found = connection.execute("SELECT key, channel FROM deliveries WHERE arrival = 'failed'")
        assert found.fetchall() == [("INC-1:1", "slack")]
    outbox.settle(made(gone, Arrival.RETRYING, said="an attempt that ended late"))
    left = []
    while (parcel := outbox.next("slack", NOON + HOUR)[0]) is not None:
        left.append(parcel.page.key)
        outbox.settle(made(parcel))
    assert left == ["INC-2:2", "INC-1:4"]
    assert due(outbox, "mail").page.key == "INC-1:1"


def test_an_end_that_was_put_aside_is_never_sent_after_it_began_again(outbox: OutboxFile) -> None:
    """Else an open incident would be over for that channel; the beginning is still told."""
    outbox.put([a_page(1, "slack"), an_end(2, "slack")], NOON)
    for _ in range(2):
        outbox.settle(made(due(outbox, "slack"), Arrival.RETRYING, **ASIDE))
    outbox.put([a_page(3, "slack", kind=PageKind.REOPENED, incident="INC-1")], NOON)
    ((gone, said),) = outbox.settle(made(due(outbox, "slack")))
    assert (gone.page.key, said) == ("INC-1:2", "superseded: it is open again")
    assert due(outbox, "slack", NOON + HOUR).page.key == "INC-1:1"


def test_a_file_without_the_incidents_is_given_them(path: Path) -> None:
    """What is in it is still delivered."""
    file = OutboxFile(str(path), "me")
    file.put([a_page(1, "slack")], NOON)
    file.close()
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DROP INDEX of_incident")
        connection.execute("ALTER TABLE deliveries DROP COLUMN incident")
    file = OutboxFile(str(path), "me")
    file.put([a_page(2, "mail")], NOON)
    assert due(file, "slack").page.key == "INC-1:1"
    end = a_page(3, "slack", kind=PageKind.RESOLVED, incident="INC-2")
    assert file.put([end], NOON, CHANNELS) == [("INC-2:3", "slack"), ("INC-2:3", "mail")]
    file.close()


class OutboxModel(RuleBasedStateMachine):
    """Pages go in, attempts fail and succeed, the process dies: what the model says is in the file."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.file = self.opened()
        self.now = NOON
        self.waiting: dict[str, list[str]] = {channel: [] for channel in CHANNELS}
        self.known: set[tuple[str, str]] = set()
        self.sent: set[tuple[str, str]] = set()
        self.until = dict.fromkeys(CHANNELS, 0)

    def opened(self) -> OutboxFile:
        return OutboxFile(f"{self.folder.name}/outbox.sqlite3", "me")

    @rule(
        numbers=st.lists(st.integers(0, 30), max_size=4),
        channels=st.sets(st.sampled_from(CHANNELS)),
    )
    def put(self, numbers: list[int], channels: set[str]) -> None:
        pages = [a_page(number, *sorted(channels)) for number in numbers if channels]
        new = self.file.put(pages, self.now)
        wanted = []
        for page in pages:
            for channel in page.channels:
                if (page.key, channel) not in self.known:
                    wanted.append((page.key, channel))
                    self.known.add((page.key, channel))
                    self.waiting[channel].append(page.key)
        assert new == wanted

    @rule(channel=st.sampled_from(CHANNELS), outcome=st.sampled_from(["sent", "failed", "unnoted"]))
    def attempt(self, channel: str, outcome: str) -> None:
        parcel, _failures, until = self.file.next(channel, self.now)
        if self.until[channel] > self.now or not self.waiting[channel]:
            assert parcel is None
            return
        assert parcel is not None
        assert until is None
        assert parcel.page.key == self.waiting[channel][0]
        if outcome == "sent":
            self.file.settle(made(parcel))
            self.sent.add((parcel.page.key, channel))
            self.waiting[channel].pop(0)
            self.until[channel] = 0
        elif outcome == "failed":
            self.until[channel] = self.now + 3 * SECOND
            self.file.settle(made(parcel, Arrival.RETRYING, not_before=self.until[channel]))

    @rule(seconds=st.integers(0, 5))
    def wait(self, seconds: int) -> None:
        self.now += seconds * SECOND

    @rule()
    def die(self) -> None:
        self.file.close()
        self.file = self.opened()

    @invariant()
    def nothing_is_lost_and_nothing_is_twice(self) -> None:
        with closing(sqlite3.connect(f"{self.folder.name}/outbox.sqlite3")) as connection:
            rows = connection.execute("SELECT key, channel, arrival FROM deliveries").fetchall()
        assert {(key, channel) for key, channel, _ in rows} == self.known
        assert len(rows) == len(self.known)
        assert {(key, channel) for key, channel, arrival in rows if arrival == "sent"} == self.sent

    def teardown(self) -> None:
        self.file.close()
        self.folder.cleanup()


TestOutboxModel = OutboxModel.TestCase
TestOutboxModel.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
