"""What can be read of a damaged file is read: beside SQLite, and beside what went in."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.support.spool import a_row, a_series, contents, drained, flip, numbers, whole_copy

from tidegauge.sinks.slips import Slip
from tidegauge.sinks.spool.journal import FRAME, FRAME_HEADER, PAGE, WAL_HEADER
from tidegauge.sinks.spool.lane import Lane
from tidegauge.sinks.spool.paths import files_of, name_of
from tidegauge.sinks.spool.salvage import salvage
from tidegauge.sinks.spool.segment import Segment

NAME = name_of("readings", 1)
MANY = max(150, settings().max_examples)


@dataclass
class Sound:
    """A sound file with its log as a killed daemon leaves it, and what went in."""

    path: Path
    kept: list[Slip]

    @property
    def log(self) -> Path:
        return files_of(self.path)[1]


@contextmanager
def sound_file(batches: list[list[int]], *, log: bool = True, folded: int = 0) -> Iterator[Sound]:
    """Make a file of rows of these sizes; of the first `folded` batches no log is left."""
    with tempfile.TemporaryDirectory(prefix="tg-salvage-") as folder:
        path = Path(folder, NAME)
        segment = Segment.create(path, 1, 1)
        kept: list[Slip] = []
        for place, sizes in enumerate(batches):
            made = [
                a_row(len(kept) + number, size, a_series(number % 3))
                for number, size in enumerate(sizes, 1)
            ]
            segment.append(made, 2)
            kept += made
            if place < folded:
                segment.shut()
        if not log:
            segment.shut()
        copied = Path(folder, "copy")
        copied.mkdir()
        whole_copy(path, copied / NAME)
        yield Sound(copied / NAME, kept)
        segment.shut()


sizes = st.one_of(
    st.integers(1, 100),
    st.sampled_from([1, 700, 4_000, 8_100, 8_120, 8_134, 8_135, 8_136, 8_157, 8_192, 16_350]),
    st.integers(1, 100_000),
)


@settings(max_examples=50)
@given(
    batches=st.lists(st.lists(sizes, min_size=1, max_size=20), max_size=4),
    log=st.booleans(),
    folded=st.integers(0, 3),
)
@example(batches=[[size] for size in range(8_110, 8_170)], log=True, folded=0)
def test_of_a_sound_file_it_is_what_went_in(
    batches: list[list[int]], log: bool, folded: int
) -> None:
    """Rows of any size, on overflow pages and not, in the file and in its log."""
    with sound_file(batches, log=log, folded=folded) as sound:
        found = salvage(sound.path)
        assert contents(found.in_order({})) == contents(sound.kept)
        assert [slip.seq for slip in found.in_order({})] == list(range(1, len(sound.kept) + 1))
        assert (found.stored, found.last) == (0, len(sound.kept))
        assert found.kept_ns == (2 if batches else 1)
        segment = Segment.open(sound.path, 1)
        if sound.kept:
            assert contents(segment.read(10_000).slips) == contents(found.in_order({}))
        segment.shut()


PLAIN = [[700] * 40, [3_000] * 10, [20_000, 60, 9_000], [60] * 100, [700] * 40]

places = st.one_of(
    st.floats(0, 1, exclude_max=True).map(lambda share: lambda size: int(share * size)),
    # headers of pages, of frames, and the first rows of each page are what structure is made of
    st.tuples(st.integers(0, 200), st.integers(0, 120)).map(
        lambda at: lambda size: min(at[0] * PAGE + at[1], size - 1)
    ),
    st.tuples(st.integers(0, 200), st.integers(0, 60)).map(
        lambda at: lambda size: min(at[0] * FRAME + at[1], size - 1)
    ),
    st.integers(0, 200).map(lambda at: lambda size: min(at, size - 1)),
)
"""A byte of a file of any size."""


def read_of(path: Path) -> tuple[list[Slip], int, int]:
    """Return what a lane gives of its one file, and how many rows and files it calls lost."""
    lane = Lane(path.parent, "readings")
    found = drained(lane)
    lane.close()
    return found, lane.lost, lane.damaged


def on_page(data: bytes, place: int, *, log: bool) -> bytes:
    """Return the page of a place in a file or in a log."""
    if log:
        begin = (place - WAL_HEADER) // FRAME * FRAME + WAL_HEADER + FRAME_HEADER
    else:
        begin = place // PAGE * PAGE
    return data[begin : begin + PAGE]


def may_be_lost(kept: list[Slip], page: bytes) -> set[int]:
    """Return the rows of which a part is on a page."""
    return {slip.at for slip in kept if b"%015d|" % slip.at in page}


@settings(max_examples=MANY)
@given(place=places, bit=st.integers(0, 7), folded=st.integers(0, len(PLAIN)), of_log=st.booleans())
@example(place=lambda _size: 18, bit=1, folded=2, of_log=False)
@example(place=lambda _size: 19, bit=1, folded=2, of_log=False)
@example(place=lambda _size: WAL_HEADER + 5 * FRAME + 9, bit=1, folded=0, of_log=True)
def test_a_flipped_bit_costs_the_rows_of_its_page_at_most(
    place: object, bit: int, folded: int, of_log: bool
) -> None:
    """Wherever it is, in the file or in its log: nothing else is lost, and what is, is counted."""
    with sound_file(PLAIN, folded=folded) as sound:
        path = sound.log if of_log and sound.log.exists() else sound.path
        data = path.read_bytes()
        if not data:
            return
        byte = place(len(data))  # type: ignore[operator]
        flip(path, 8 * byte + bit)
        found, lost, damaged = read_of(sound.path)
        kept = {slip.at: slip for slip in sound.kept}
        page = on_page(data, byte, log=path == sound.log)
        assert [slip.body for slip in found] == [kept[slip.at].body for slip in found]
        assert b"series " in page or all(slip.under == kept[slip.at].under for slip in found)
        assert numbers(found) == sorted(set(numbers(found)))
        missing = set(kept) - set(numbers(found))
        assert missing <= may_be_lost(sound.kept, page)
        assert lost == len(missing)
        assert damaged == 1 or not missing


@settings(max_examples=MANY)
@given(share=st.floats(0, 1), folded=st.integers(0, len(PLAIN)), of_log=st.booleans())
def test_a_torn_tail_costs_what_was_in_it(share: float, folded: int, of_log: bool) -> None:
    """A file, or its log, cut off at any byte: what is before it is read."""
    with sound_file(PLAIN, folded=folded) as sound:
        path = sound.log if of_log and sound.log.exists() else sound.path
        data = path.read_bytes()
        left = int(share * len(data))
        os.truncate(path, left)
        found, lost, _damaged = read_of(sound.path)
        kept = {slip.at: slip for slip in sound.kept}
        assert [slip.body for slip in found] == [kept[slip.at].body for slip in found]
        assert all(slip.under in (kept[slip.at].under, None) for slip in found)
        missing = set(kept) - set(numbers(found))
        torn = data[left // PAGE * PAGE :]
        if path == sound.log:
            torn = data[max(0, left - WAL_HEADER) // FRAME * FRAME + WAL_HEADER :]
            # Of a transaction whose end is torn off nothing was acknowledged.
            first = min(may_be_lost(sound.kept, torn), default=len(kept) + 1)
            assert missing <= set(range(_begin_of_batch(first), len(kept) + 1))
        else:
            assert missing <= may_be_lost(sound.kept, torn)
        assert lost <= len(missing)
        if path == sound.path and left >= 4 * PAGE:
            assert lost == len(missing)  # the page on which a file knows of itself is there


def _begin_of_batch(number: int) -> int:
    """Return the first row of the transaction in which a row came."""
    begin = 1
    for batch in PLAIN:
        if number < begin + len(batch):
            return begin
        begin += len(batch)
    return begin


@pytest.mark.parametrize("pages", [[1], [2], [3], [4], [1, 2, 3, 4]])
def test_pages_that_hold_no_rows_cost_none(pages: list[int]) -> None:
    """The header, the root of the rows, the series, and what the file knows of itself."""
    with sound_file(PLAIN, log=False) as sound:
        with sound.path.open("r+b") as file:
            for page in pages:
                file.seek((page - 1) * PAGE)
                file.write(bytes(PAGE))
        found, lost, damaged = read_of(sound.path)
        assert [slip.body for slip in found] == [slip.body for slip in sound.kept]
        assert (lost, damaged) == (0, 1)
        assert all(slip.under is None for slip in found) == (3 in pages)


def test_a_row_that_was_rolled_back_takes_no_others_place(tmp_path: Path) -> None:
    """Its number was given again; its frame may still be in the log, behind what was committed."""

    def appended(folder: str, slips: list[Slip]) -> bytes:
        place = tmp_path / folder
        place.mkdir()
        segment = Segment(whole_copy(path, place / NAME), 1)
        segment._look()
        segment.append(slips, 3)
        log = files_of(segment.path)[1].read_bytes()
        segment.shut()
        return log

    path = tmp_path / NAME
    segment = Segment.create(path, 1, 1)
    segment.append([a_row(1, 700)], 2)
    refused = appended("refused", [a_row(number, 700) for number in range(100, 160)])
    accepted = appended("accepted", [a_row(2, 700)])
    # As if the second had been written over the beginning of the first.
    assert len(accepted) < len(refused)
    left = whole_copy(path, tmp_path / "left")
    files_of(left)[1].write_bytes(accepted + refused[len(accepted) :])
    found = salvage(left)
    assert found.slips[2].at == 2
    assert salvage(whole_copy(path, tmp_path / "before")).last == 1
    segment.shut()


@settings(max_examples=100)
@given(data=st.binary(max_size=3 * PAGE), log=st.binary(max_size=2 * FRAME))
def test_garbage_is_garbage(data: bytes, log: bytes) -> None:
    """No bytes make it raise, or find anything."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, NAME)
        path.write_bytes(data)
        files_of(path)[1].write_bytes(log)
        assert salvage(path).slips == {}
        found, lost, damaged = read_of(path)
        assert (found, lost, damaged) == ([], 0, 1)


def test_garbage_that_looks_like_pages_takes_no_time(tmp_path: Path) -> None:
    """Every page a leaf full of cells that point anywhere."""
    head = bytes((0x0D, 0, 0, 0x0F, 0xFF, 0, 0, 0))
    page = head + os.urandom(PAGE - len(head))
    path = tmp_path / NAME
    path.write_bytes(page * 100)
    assert salvage(path).slips == {}


def test_what_is_no_file_holds_nothing(tmp_path: Path) -> None:
    """A directory, a pipe, nothing at all."""
    for make in (lambda _path: None, Path.mkdir, os.mkfifo):
        path = tmp_path / f"{make}.sqlite3"
        make(path)
        assert salvage(path).in_order({}) == []
