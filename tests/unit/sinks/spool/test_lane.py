"""One order of rows over as many files as it takes."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.spool import a_row, a_series, contents, drained, flip, numbers, rows

from tidegauge.sinks.spool import opening
from tidegauge.sinks.spool.lane import AT_ONCE, EARLIEST, Lane
from tidegauge.sinks.spool.paths import files_of
from tidegauge.sinks.spool.segment import Segment


def test_files_follow_each_other_and_go_when_they_are_stored(tmp_path: Path) -> None:
    """None is larger than its bound, whatever the rows are."""
    lane = Lane(tmp_path, "readings")
    kept = [slip for size in (700, 30_000, 200_000, 4_100) for slip in rows(100, size)]
    for begin in range(0, len(kept), 50):
        lane.append(kept[begin : begin + 50])
    assert len(lane.files) > 1
    assert max(path.stat().st_size for path in tmp_path.glob("*.sqlite3")) <= 16_000_000
    found = drained(lane)
    assert contents(found) == contents(kept)
    assert [slip.seq for slip in found] == list(range(1, len(kept) + 1))
    assert lane.finished()
    lane.forget(lane.finished())
    assert len(list(tmp_path.glob("*.sqlite3"))) == len(lane.files) == 1
    lane.finish()
    lane.forget(lane.finished())
    assert list(tmp_path.iterdir()) == []


def test_one_append_may_be_larger_than_a_file(tmp_path: Path) -> None:
    """It goes in by parts: a batch that fits into no file would be in the way for ever."""
    lane = Lane(tmp_path, "readings")
    kept = rows(90, AT_ONCE // 2)
    lane.append(kept)
    assert contents(drained(lane, 10)) == contents(kept)
    lane.close()


def test_numbers_go_on_when_all_files_are_gone(tmp_path: Path) -> None:
    """A file is never named like one that was there before, and may still be."""
    lane = Lane(tmp_path, "readings")
    lane.append(rows(3))
    lane.finish()
    drained(lane)
    finished = lane.finished()
    lane.append(rows(2))
    lane.forget(finished)
    assert [slip.seq for slip in drained(lane)] == [4, 5]
    lane.close()


def test_what_was_fetched_is_fetched_until_it_is_settled(tmp_path: Path) -> None:
    """And what is settled twice counts once."""
    lane = Lane(tmp_path, "readings")
    kept = rows(5)
    lane.append(kept)
    first, again = lane.fetch(3), lane.fetch(3)
    assert first is not None
    assert again is not None
    assert contents(first.slips) == contents(again.slips) == contents(kept[:3])
    lane.settle(first)
    lane.settle(again)
    assert (lane.waiting, lane.lost) == (2, 0)
    lane.close()


def test_a_file_that_somebody_holds_is_left_for_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows are kept, in order, whoever looks at the file with a tool of his own."""
    monkeypatch.setattr(opening, "BUSY_S", 0.01)
    lane = Lane(tmp_path, "readings")
    kept = rows(4)
    lane.append(kept[:2])
    [path] = tmp_path.glob("*.sqlite3")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        lane.append(kept[2:])
    assert len(lane.files) == 2
    assert contents(drained(lane)) == contents(kept)
    lane.close()


def test_a_file_that_loses_its_structure_while_it_is_written(tmp_path: Path) -> None:
    """What SQLite still had in memory is read; what comes in goes into the next file."""
    lane = Lane(tmp_path, "readings")
    kept = rows(30, 900)
    lane.append(kept)
    [file] = lane.files
    assert isinstance(file, Segment)
    file.shut()
    with file.path.open("r+b") as page:
        page.write(bytes(100))
    more = rows(5)
    lane.append(more)
    assert contents(drained(lane)) == contents([*kept, *more])
    assert (lane.lost, lane.damaged) == (0, 1)
    lane.close()


def test_what_a_file_lost_is_counted_once(tmp_path: Path) -> None:
    """However often it is fetched, and when its files are gone as well."""
    lane = Lane(tmp_path, "readings")
    kept = rows(30, 900)
    lane.append(kept)
    lane.finish()
    lane.files[0].close()
    [path] = tmp_path.glob("*.sqlite3")
    flip(path, 8 * path.read_bytes().index(kept[3].body) + 2_000)
    for _ in range(3):
        assert lane.fetch(10) is not None
    parcels = [lane.fetch(10), lane.fetch(10)]
    for parcel in parcels:
        assert parcel is not None
        lane.settle(parcel)
    drained(lane)
    lane.forget(lane.finished())
    assert (lane.lost, lane.damaged, lane.files) == (1, 1, [])


def test_files_that_no_row_came_into_for_long_are_given_up(tmp_path: Path) -> None:
    """Time is that of the last row of a file, however often it was opened since."""
    now = EARLIEST
    (tmp_path / "folder").mkdir()
    lane = Lane(tmp_path / "folder", "readings", lambda: now)
    for now in (EARLIEST, EARLIEST + 100, EARLIEST + 200):
        lane.append(rows(4))
        if now < EARLIEST + 200:
            lane.finish()
    lane.close()
    again = Lane(tmp_path / "folder", "readings", lambda: now)
    parcel = again.fetch(3)
    assert parcel is not None
    again.settle(parcel)
    assert again.expire(EARLIEST) == 0
    assert again.expire(EARLIEST + 101) == 5
    assert (again.waiting, len(again.files)) == (4, 1)
    again.settle(parcel)
    assert again.waiting == 4
    again.close()


def test_the_file_being_written_is_given_up_too(tmp_path: Path) -> None:
    """When nothing has come in for that long."""
    lane = Lane(tmp_path, "readings", lambda: EARLIEST)
    lane.append(rows(4))
    assert lane.expire(EARLIEST + 1) == 4
    lane.append(rows(1))
    assert [slip.seq for slip in drained(lane)] == [5]
    lane.close()


def test_what_was_kept_while_the_clock_was_not_set_is_not_old(tmp_path: Path) -> None:
    """A machine that wakes up in 1970 does not lose its readings when it learns the year."""
    lane = Lane(tmp_path, "readings", lambda: 1_000)
    lane.append(rows(4))
    assert lane.expire(EARLIEST * 2) == 0
    lane.close()


def test_the_oldest_row_is_the_first_that_waits(tmp_path: Path) -> None:
    """None, where there is none, or it cannot be told."""
    lane = Lane(tmp_path, "readings")
    assert lane.oldest() is None
    lane.append([a_row(7), a_row(8)])
    assert lane.oldest() == 7
    parcel = lane.fetch(1)
    assert parcel is not None
    lane.settle(parcel)
    assert lane.oldest() == 8
    lane.close()


def test_a_mark_that_cannot_be_written_is_no_failure(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it is for is stored, and would be stored once."""
    monkeypatch.setattr(opening, "BUSY_S", 0.01)
    lane = Lane(tmp_path, "readings")
    lane.append(rows(4))
    [path] = tmp_path.glob("*.sqlite3")
    parcel = lane.fetch(2)
    assert parcel is not None
    lane.settle(parcel)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        lane.write_marks()
    lane.write_marks()
    lane.close()
    assert Lane(tmp_path, "readings").waiting == 2


def test_a_finished_file_that_is_damaged_is_rolled_up_as_far_as_it_is_read(tmp_path: Path) -> None:
    """It was stored whole before it was hit."""
    folder = tmp_path / "start"
    folder.mkdir()
    lane = Lane(folder, "readings")
    kept = [a_row(number, 900, a_series()) for number in range(1, 40)]
    lane.append(kept)
    lane.finish()
    drained(lane)
    [file] = lane.finished()
    with file.path.open("r+b") as page:
        page.write(bytes(100))
    assert lane.spans(file) == [(1, 39)]
    assert (lane.damaged, lane.lost) == (1, 0)
    lane.forget(lane.finished())
    assert len(list((tmp_path / "damaged").iterdir())) == 1


def test_a_log_whose_file_is_gone_gives_up_its_rows(tmp_path: Path) -> None:
    """Those are the last ones; how many there were before is not known from it."""
    one, two = tmp_path / "one", tmp_path / "two"
    one.mkdir()
    two.mkdir()
    lane = Lane(one, "readings")
    kept = rows(20)
    lane.append(kept)
    [path] = one.glob("*.sqlite3")
    log = files_of(path)[1]
    (two / log.name).write_bytes(log.read_bytes())
    lane.close()
    again = Lane(two, "readings")
    assert numbers(drained(again)) == numbers(kept)
    assert (again.lost, again.damaged) == (0, 1)
