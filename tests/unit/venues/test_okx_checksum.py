"""OKX's checksums, and the recordings that they prove."""

import gzip
import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.support.conversation import Conversation, instrument
from tests.support.recordings import tape_lines

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.events import BookDelta, BookLost, BookSnapshot
from tidegauge.core.keeper import BookKeeper
from tidegauge.core.trust import TrustReason
from tidegauge.venues import load
from tidegauge.venues.okx.judge import checksum
from tidegauge.wire.protocol import BOOK_LINK, Note, Output, Send
from tidegauge.wire.spelled import SpelledBook, read_changes
from tidegauge.wire.tape import TapeKind

OKX = load()["okx"]
BTC = "BTC-USDT"

LEVELS = {"bids": [["10", "1", "0", "2"]], "asks": [["11", "1", "0", "1"]]}


def opened(*names: str) -> Conversation:
    conversation = Conversation(OKX, [instrument(OKX, name) for name in names or (BTC,)])
    conversation.open_all(0)
    return conversation


def frame(action: str, previous: int | None, last: int | None, name: str = BTC, **more: Any) -> str:
    data = {**LEVELS, "ts": "5", "checksum": 0, "prevSeqId": previous, "seqId": last, **more}
    told = {key: value for key, value in data.items() if value is not None}
    arg = {"channel": "books", "instId": name}
    return json.dumps({"arg": arg, "action": action, "data": [told]})


def told(conversation: Conversation, text: str) -> list[type]:
    return [type(output) for output in conversation.receive(BOOK_LINK, text, 0)]


def requests(outputs: list[Output]) -> list[Any]:
    return [json.loads(output.text) for output in outputs if isinstance(output, Send)]


# -- checksums -----------------------------------------------------------------------------------


def spelled(bids: list[tuple[str, str]], asks: list[tuple[str, str]]) -> SpelledBook:
    return SpelledBook(read_changes(bids, asks))


def test_the_documented_checksums_come_out() -> None:
    """Both sides in turn; when one has no more, the other goes on. Signed."""
    even = spelled([("3366.1", "7"), ("3366", "6")], [("3366.8", "9"), ("3368", "8")])
    assert checksum(even) == -1881014294
    uneven = spelled([("3366.1", "7")], [("3366.8", "9"), ("3368", "8"), ("3372", "8")])
    assert checksum(uneven) == 831078360


def test_only_the_best_twenty_five_levels_count() -> None:
    """What lies deeper is not proved by it."""
    bids = [(f"{100 - i}", "1.0") for i in range(30)]
    assert checksum(spelled(bids, [])) == checksum(spelled(bids[:25], []))
    assert checksum(spelled(bids[:24], [])) != checksum(spelled(bids[:25], []))


SNAPSHOT_SUM = checksum(spelled([("10", "1")], [("11", "1")]))


def test_a_wrong_checksum_costs_the_book() -> None:
    """The chain may hold and the book be wrong all the same."""
    conversation = opened()
    text = frame("snapshot", -1, 15, checksum=SNAPSHOT_SUM)
    assert Note(kind="checksum_ok", instrument=BTC) in conversation.receive(BOOK_LINK, text, 0)
    right = frame("update", 15, 16, bids=[], asks=[], checksum=SNAPSHOT_SUM)
    delta, note = conversation.receive(BOOK_LINK, right, 0)
    assert isinstance(delta, BookDelta)
    assert note == Note(kind="checksum_ok", instrument=BTC)
    wrong = frame("update", 16, 17, checksum=SNAPSHOT_SUM + 1)
    note, lost, *asked = conversation.receive(BOOK_LINK, wrong, 0)
    values = f"{SNAPSHOT_SUM + 1} was told, {SNAPSHOT_SUM} found"
    assert note == Note(kind="checksum_bad", instrument=BTC, detail=values)
    assert isinstance(lost, BookLost)
    assert lost.reason is TrustReason.CHECKSUM
    assert len(requests(asked)) == 2
    assert not conversation.live(BTC)


@pytest.mark.parametrize("none", [0, None])
def test_a_checksum_of_zero_is_none(none: int | None) -> None:
    """Since 2026-06-23 the field is 0, and may be absent: comparing it would loop for ever."""
    conversation = opened()
    assert told(conversation, frame("snapshot", -1, 15, checksum=none))[-1] is BookSnapshot
    assert told(conversation, frame("update", 15, 16, checksum=none)) == [BookDelta]
    assert conversation.live(BTC)


def test_a_checksum_that_fits_no_snapshot_is_not_compared_any_more() -> None:
    """A fresh book cannot be wrong: it is reckoned otherwise. The ids still prove the book."""
    conversation = opened()
    outputs = conversation.receive(BOOK_LINK, frame("snapshot", -1, 15, checksum=7), 0)
    values = f"7 was told, {SNAPSHOT_SUM} found"
    assert Note(kind="checksum_bad", instrument=BTC, detail=values) in outputs
    assert conversation.live(BTC)
    assert told(conversation, frame("update", 15, 16, checksum=8)) == [BookDelta]


def test_a_book_without_ids_lives_by_its_checksums_alone() -> None:
    """Frames of before 2023 have no ids; without either, nothing would prove the book."""
    conversation = opened()
    with pytest.raises(MalformedFrame):
        conversation.receive(BOOK_LINK, frame("snapshot", None, None, checksum=None), 0)
    conversation.receive(BOOK_LINK, frame("snapshot", None, None, checksum=SNAPSHOT_SUM), 0)
    assert conversation.live(BTC)
    with pytest.raises(MalformedFrame):
        conversation.receive(BOOK_LINK, frame("update", None, None), 0)
    assert conversation.live(BTC)
    outputs = conversation.receive(BOOK_LINK, frame("snapshot", None, None, checksum=7), 0)
    assert any(isinstance(output, BookLost) for output in outputs)


# -- recorded ------------------------------------------------------------------------------------


@pytest.mark.recorded
def test_every_recorded_checksum_agrees(recorded: Path) -> None:
    """290 of 290, over three books without ids, never crossed; the counts are the manifest's."""
    file = "okx_v5_books_2022-05-13"
    names = [BTC, "UNI-USD-SWAP", "BTC-USD-220527"]
    crossed: list[str] = []

    def look(keeper: BookKeeper) -> None:
        if keeper.book.crossed:
            crossed.append(keeper.instrument.name)

    conversation = Conversation(OKX, [instrument(OKX, name) for name in names], look)
    conversation.open_all(0)
    for line in tape_lines(recorded, file):
        if line.kind is TapeKind.RECV:
            conversation.receive(BOOK_LINK, line.text, line.at)
    notes = Counter(
        (output.instrument, output.kind) for output in conversation.said if isinstance(output, Note)
    )
    manifest = json.loads((recorded / "manifest.json").read_text())
    books = next(each for each in manifest if each["file"].startswith(file))["books"]
    assert len(books) == 3
    for book in books:
        name = book["symbol"]
        keeper = conversation.keepers[name]
        assert conversation.live(name)
        assert (keeper.updates, keeper.changes) == (book["msgs"], book["levels"])
        assert notes[name, "checksum_ok"] == book["msgs"]
    assert sum(count for (_, kind), count in notes.items() if kind == "checksum_ok") == 290
    assert not any(kind == "checksum_bad" for _, kind in notes)
    assert conversation.count(BookLost) == 0
    assert crossed == []


@pytest.mark.recorded
def test_a_recorded_digit_that_is_changed_is_found(recorded: Path) -> None:
    """One size of one update: the checksum of that very frame disagrees."""
    conversation = opened()
    for line in tape_lines(recorded, "okx_v5_books_2022-05-13"):
        if line.kind is not TapeKind.RECV:
            continue
        text = line.text
        if '"update"' in text and BTC in text:
            conversation.receive(BOOK_LINK, text.replace('"1.2112"', '"1.2113"'), 0)
            break
        conversation.receive(BOOK_LINK, text, 0)
    assert conversation.lost(TrustReason.CHECKSUM) == 1


@pytest.mark.recorded
def test_the_recorded_chain_of_2026_reaches_its_last_frame(recorded: Path) -> None:
    """Ids that chain, checksums that are 0, 400 levels a side throughout."""
    lines = (recorded / "mini_2026-08-24_tickvault" / "okx_books.jsonl").read_text().splitlines()
    conversation = opened()
    for line in lines:
        conversation.receive(BOOK_LINK, line, 0)
        book = conversation.keepers[BTC].book
        assert not book.crossed
    last = json.loads(lines[-1])["data"][0]["seqId"]
    keeper = conversation.keepers[BTC]
    assert conversation.live(BTC)
    assert (keeper.updates, keeper.sequence) == (len(lines) - 1, last)
    assert (len(keeper.book.bids), len(keeper.book.asks)) == (400, 400)
    assert conversation.count(BookLost) == 0
    assert not any("checksum" in note.kind for note in conversation.said if isinstance(note, Note))


@pytest.mark.recorded
def test_recorded_books_are_named_by_their_frames(recorded: Path) -> None:
    """So that a tape plays without a catalogue; other channels name nothing."""
    with gzip.open(recorded / "okx_v5_books_2022-05-13.frames.tsv.gz", "rt") as lines:
        named = Counter(name for line in lines for name in OKX.named_in(line.split("\t")[3]))
    assert named == {BTC: 98, "UNI-USD-SWAP": 93, "BTC-USD-220527": 99}
