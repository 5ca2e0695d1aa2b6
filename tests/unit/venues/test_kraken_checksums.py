"""Kraken v2: checksums over digits, what is done about a wrong one, and recorded frames."""

import re
import zlib
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.conversation import Conversation
from tests.support.kraken import BTC, SPEC, Server, ack, btc, hear, live, notes, opened, requests
from tests.support.recordings import tape_lines

from tidegauge.core.events import BookLost, FeedEvent, FeedEventKind
from tidegauge.core.instrument import SECOND, Nanos
from tidegauge.core.side import Side
from tidegauge.core.trust import TrustReason
from tidegauge.venues.kraken.judge import checksum, places_of
from tidegauge.wire.feed import Listing, VenueFeed
from tidegauge.wire.protocol import BOOK_LINK, Drop, Note, Output
from tidegauge.wire.spelled import SpelledBook, read_changes
from tidegauge.wire.tape import TapeKind

RECORDING = "kraken_v2_BTCUSD_book10_2023-07-30_first250"

DOCUMENTED_ASKS = (
    "45285.2 0.00100000 45286.4 1.54571953 45286.6 1.54571109 45289.6 1.54560911 "
    "45290.2 0.15890660 45291.8 1.54553491 45294.7 0.04454749 45296.1 0.35380000 "
    "45297.5 0.09945542 45299.5 0.18772827"
)
DOCUMENTED_BIDS = (
    "45283.5 0.10000000 45283.4 1.54582015 45282.1 0.10000000 45281.0 0.10000000 "
    "45280.3 1.54592586 45279.0 0.07990000 45277.6 0.03310103 45277.5 0.30000000 "
    "45277.3 1.54602737 45276.6 0.15445238"
)


def pairs(text: str) -> list[tuple[str, str]]:
    words = text.split()
    return list(zip(words[::2], words[1::2], strict=True))


# -- the checksum --------------------------------------------------------------------------------


def test_the_documented_book_has_the_documented_checksum() -> None:
    """Digits, zeros and all; a float would drop the zeros of 0.00100000."""
    bids, asks = pairs(DOCUMENTED_BIDS), pairs(DOCUMENTED_ASKS)
    book = SpelledBook(read_changes(bids, asks))
    assert checksum(book, *places_of(btc(), (bids, asks))) == 3310070434


def test_numbers_that_lost_their_zeros_are_printed_to_the_instruments_precision() -> None:
    """Whole numbers, shortened ones and those with an exponent are the same numbers."""
    bids = [(price, f"{Decimal(size).normalize()}") for price, size in pairs(DOCUMENTED_BIDS)]
    asks = [(f"{Decimal(price):e}", size) for price, size in pairs(DOCUMENTED_ASKS)]
    book = SpelledBook(read_changes(bids, asks))
    assert checksum(book, *places_of(btc(), (bids, asks))) == 3310070434
    whole = SpelledBook(read_changes([("45281", "4")], []))
    assert checksum(whole, 1, 8) == zlib.crc32(b"452810400000000")


def test_the_venues_own_digits_count_where_they_are_more_than_the_catalogue_promised() -> None:
    """A tape has no catalogue, and a catalogue may be older than the venue's precision."""
    rows = [("0.00000022", "10.5")]
    assert places_of(btc(), (rows, [])) == (8, 8)
    assert checksum(SpelledBook(read_changes(rows, [])), 8, 8) == zlib.crc32(b"221050000000")


def test_every_message_is_verified_and_noted() -> None:
    """That is what a tape is proved by."""
    conversation, server = opened(), Server()
    assert "checksum_ok" in notes(hear(conversation, server.whole()))
    assert notes(hear(conversation, server.change(bids=[("10.5", "0.00005100")]))) == [
        "checksum_ok"
    ]
    assert conversation.touch(BTC) == ("10.5", "11")


def test_a_lost_update_is_found_by_the_next_message() -> None:
    """Nothing of it reaches the book, which is subscribed to anew; the others go on."""
    conversation, server = live(BTC, "ETH/USD")
    server.change(bids=[("10.5", "1")])
    frame = server.change(asks=[("11.5", "1")])
    outputs = hear(conversation, frame)
    assert notes(outputs) == ["checksum_bad"]
    (wrong,) = [each for each in outputs if isinstance(each, Note)]
    values = re.fullmatch(r"(\d+) was told, (\d+) found", wrong.detail)
    assert values is not None
    told, found = values.groups()
    assert f'"checksum":{told}' in frame.replace(" ", "")
    assert told != found
    assert conversation.lost(TrustReason.CHECKSUM) == 1
    asked = requests(outputs)
    assert [(each["method"], each["params"]["symbol"]) for each in asked] == [
        ("unsubscribe", [BTC]),
        ("subscribe", [BTC]),
    ]
    assert not conversation.live(BTC)
    assert conversation.live("ETH/USD")
    # What is still under way of the old subscription is passed over.
    assert hear(conversation, server.change(asks=[("11.6", "1")])) == []
    hear(conversation, server.whole())
    assert conversation.live(BTC)


def test_levels_fall_out_of_the_subscribed_depth_without_a_word() -> None:
    """The depth is that of the acknowledgement; no ghost is left behind."""
    conversation, server = opened(), Server(depth=10)
    hear(conversation, ack(depth=10))
    hear(conversation, server.whole(bids=[(f"{price}.0", "1") for price in range(1, 11)]))
    hear(conversation, server.change(bids=[("10.5", "1")]))
    hear(conversation, server.change(bids=[("10.5", "0"), ("10", "0"), ("0.5", "1")]))
    book = conversation.keepers[BTC].book
    assert [price for price, _ in book.top(Side.BID, 20)] == [
        *(Decimal(price) for price in range(9, 1, -1)),
        Decimal("0.5"),
    ]
    assert conversation.count(BookLost) == 0


def test_without_an_acknowledgement_the_least_depth_that_fits_is_taken() -> None:
    """As on a tape that begins with the book."""
    conversation = opened()
    hear(conversation, Server(depth=25).whole(bids=[(f"{price}.0", "1") for price in range(1, 12)]))
    assert conversation.keepers[BTC].book.bids.window == 25


CHANGES = st.lists(
    st.tuples(st.integers(1, 30), st.sampled_from(["0", "0.00000000", "1", "2.5", "0.00005100"])),
    max_size=6,
)


@given(
    depth=st.sampled_from([10, 25]),
    steps=st.lists(st.tuples(CHANGES, CHANGES), min_size=1, max_size=25),
)
def test_whatever_changes_the_book_we_keep_is_the_venues(
    depth: int, steps: list[tuple[list[tuple[int, str]], list[tuple[int, str]]]]
) -> None:
    """The spelt book that is hashed and the book of numbers stay one; no checksum ever fails."""

    def spelt(changes: list[tuple[int, str]], base: int) -> list[tuple[str, str]]:
        return [(f"{base + price}.{price % 10}", size) for price, size in changes]

    conversation, server = opened(), Server(depth=depth)
    hear(conversation, ack(depth=depth))
    first, *rest = steps
    hear(conversation, server.whole(spelt(first[0], 0), spelt(first[1], 100)))
    for bids, asks in rest:
        hear(conversation, server.change(spelt(bids, 0), spelt(asks, 100)))
    kept = conversation.keepers[BTC].book
    assert {side: kept.top(side, depth) for side in Side} == {
        side: server.book.top(side, depth) for side in Side
    }
    assert notes(conversation.said).count("checksum_ok") == len(steps)
    assert conversation.count(BookLost) == 0


# -- the circuit breaker -------------------------------------------------------------------------


def mismatch(conversation: Conversation, server: Server, now: Nanos) -> list[Output]:
    """Tell the book whole with a checksum that is wrong."""
    server.whole()
    return hear(conversation, server.frame("snapshot", [("10.0", "1")], [("11.0", "1")], 7), now)


def test_a_pair_whose_checksum_never_fits_is_watched_unchecked() -> None:
    """After three fresh books in a row; it is no endless loop, and it is on the record."""
    conversation, server = opened(), Server()
    for attempt in range(3):
        outputs = mismatch(conversation, server, attempt * SECOND)
        assert ("unchecked" in notes(outputs)) is (attempt == 2)
        assert not conversation.live(BTC)
    conversation.said.clear()
    assert notes(mismatch(conversation, server, 3 * SECOND)) == ["subscribed"]
    assert conversation.live(BTC)
    wrong = server.frame("update", [("10.5", "1")], [], 8)
    assert notes(hear(conversation, wrong, 4 * SECOND)) == []
    assert conversation.touch(BTC) == ("10.5", "11")


def test_a_new_connection_checks_again() -> None:
    """What was wrong may have been put right."""
    conversation, server = opened(), Server()
    for attempt in range(4):
        mismatch(conversation, server, attempt * SECOND)
    assert conversation.live(BTC)
    conversation.close(BOOK_LINK, 5 * SECOND)
    conversation.open(BOOK_LINK, 6 * SECOND)
    assert "checksum_bad" in notes(mismatch(conversation, server, 7 * SECOND))


def test_losses_that_are_far_apart_open_no_circuit() -> None:
    """A book that was right a hundred times was no fresh one."""
    conversation, server = opened(), Server()
    for life in range(5):
        hear(conversation, server.whole(), life * 90 * SECOND)
        for _ in range(100):
            hear(conversation, server.change(bids=[("10.1", "1")]), life * 90 * SECOND)
        server.change(bids=[("10.2", "1")])
        hear(conversation, server.change(bids=[("10.3", "1")]), life * 90 * SECOND)
    assert conversation.lost(TrustReason.CHECKSUM) == 5
    assert "unchecked" not in notes(conversation.said)


def test_a_book_that_is_watched_unchecked_is_told_of() -> None:
    """In the feed's own record, with the reason."""
    feed = VenueFeed(SPEC, [Listing(symbol="BTCUSD", instrument=btc())])
    feed.opened(BOOK_LINK, 0)
    server = Server()
    server.whole()
    wrong = server.frame("snapshot", [("10.0", "1")], [("11.0", "1")], 7)
    effects = [
        effect
        for second in range(3)
        for effect in feed.received(BOOK_LINK, wrong, second * SECOND)
        if isinstance(effect, FeedEvent) and effect.kind is FeedEventKind.AUDIT
    ]
    (told,) = effects
    assert told.instrument == BTC
    assert "3 fresh books" in told.detail


# -- recorded frames -----------------------------------------------------------------------------


def _play(frames: Iterable[tuple[Nanos, str]]) -> tuple[Conversation, int]:
    crossed = 0

    def look(keeper: Any) -> None:
        nonlocal crossed
        crossed += keeper.book.crossed

    conversation = Conversation(SPEC, [btc()], look)
    for index, (at, text) in enumerate(frames):
        if not index:
            conversation.open_all(at)
        conversation.receive(BOOK_LINK, text, at)
        conversation.tick(at)
    assert conversation.live(BTC)
    assert conversation.count(BookLost) == conversation.count(Drop) == 0
    return conversation, crossed


@pytest.mark.recorded
def test_the_recorded_book_reaches_the_last_frame_with_every_checksum_right(recorded: Path) -> None:
    """251 of 251, though its numbers lost their zeros on the way."""
    lines = [line for line in tape_lines(recorded, RECORDING) if line.kind is TapeKind.RECV]
    conversation, crossed = _play((line.at, line.text) for line in lines)
    keeper = conversation.keepers[BTC]
    assert notes(conversation.said).count("checksum_ok") == 251
    assert "checksum_bad" not in notes(conversation.said)
    assert (keeper.updates, keeper.changes, crossed) == (251, 343, 0)
    assert keeper.book.bids.window == 10
    assert {name for line in lines for name in SPEC.named_in(line.text)} == {BTC}


@pytest.mark.recorded
def test_the_captured_frames_are_proved_as_they_came(recorded: Path) -> None:
    """Status, acknowledgement, heartbeats and raw digits of 2026."""
    file = recorded / "mini_2026-08-24_tickvault" / "kraken_book.jsonl"
    frames = file.read_text(encoding="utf-8").splitlines()
    conversation, _crossed = _play((SECOND + at, text) for at, text in enumerate(frames))
    assert notes(conversation.said).count("checksum_ok") == 4
    assert conversation.touch(BTC) == ("78871.5", "78871.6")
