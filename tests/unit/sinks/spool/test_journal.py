"""Will SQLite read all of a log? Asked beside SQLite itself."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.spool import a_row, flip, whole_copy

from tidegauge.sinks.spool.journal import FRAME, PAGE, WAL_HEADER, check_log, log_of
from tidegauge.sinks.spool.paths import files_of
from tidegauge.sinks.spool.segment import Segment


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Return a file with a log of three appends."""
    path = tmp_path / "x.sqlite3"
    segment = Segment.create(path, 1, 1)
    for begin in (1, 11, 21):
        segment.append([a_row(begin + each, 900) for each in range(10)], 1)
    (tmp_path / "copy").mkdir()
    copied = whole_copy(path, tmp_path / "copy" / "x.sqlite3")
    segment.shut()
    return copied


def rows_of(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("SELECT count(*) FROM slips").fetchone()[0])


def frames_of(path: Path) -> int:
    """Return how many frames SQLite reads."""
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()[1])


def test_a_sound_log_is_read_whole(file: Path) -> None:
    """To its last frame, as SQLite does."""
    log = log_of(files_of(file)[1].read_bytes())
    assert (log.whole, log.others) == (True, [])
    check_log(file)
    assert len(log.read) == frames_of(file)


def test_what_a_crash_cut_off_is_no_damage(file: Path) -> None:
    """At any byte of the last append: it was not acknowledged, and SQLite does not read it."""
    path = files_of(file)[1]
    data = path.read_bytes()
    whole = len(log_of(data).read)
    for cut in (1, FRAME - 1, FRAME, FRAME + 10):
        path.write_bytes(data[:-cut])
        log = log_of(path.read_bytes())
        check_log(file)
        assert log.whole
        assert len(log.read) < whole
    (file.parent / "again").mkdir()
    again = whole_copy(file, file.parent / "again" / "x.sqlite3")
    assert len(log.read) == frames_of(again)
    assert rows_of(file) == 20


@pytest.mark.parametrize("frame", [0, 3, -1])
@pytest.mark.parametrize("byte", [0, 5, 9, 13, 17, 30, 4_000])
def test_a_flipped_bit_is_damage(file: Path, frame: int, byte: int) -> None:
    """In the number of a page, in the mark of a commit, in either salt, in a checksum, in a page."""
    path = files_of(file)[1]
    places = range(WAL_HEADER, path.stat().st_size, FRAME)
    flip(path, 8 * (places[frame] + byte) + 2)
    assert not log_of(path.read_bytes()).whole
    with pytest.raises(ValueError, match="its log is damaged"):
        check_log(file)


@pytest.mark.parametrize("byte", range(0, WAL_HEADER, 3))
def test_a_flipped_bit_of_its_header_is_damage(file: Path, byte: int) -> None:
    """SQLite takes such a log for an old one, and deletes it."""
    path = files_of(file)[1]
    flip(path, 8 * byte)
    log = log_of(path.read_bytes())
    assert (log.whole, log.read) == (False, [])
    with pytest.raises(ValueError, match="its log is damaged"):
        check_log(file)


def test_what_an_earlier_round_left_is_no_damage(tmp_path: Path) -> None:
    """SQLite begins a log anew without emptying it."""
    path = tmp_path / "x.sqlite3"
    segment = Segment.create(path, 1, 1)
    for begin in range(1, 2_000, 250):
        segment.append([a_row(begin + each, 2_000) for each in range(250)], 1)
    segment.append([a_row(3_000)], 1)
    log = log_of(files_of(path)[1].read_bytes())
    assert log.whole
    assert len(log.read) < len(log.others)
    segment.shut()


def test_a_file_that_does_not_know_its_log_is_damaged(file: Path) -> None:
    """One bit less in its header, and SQLite would delete the log unread."""
    flip(file, 8 * 18 + 1)
    with pytest.raises(ValueError, match="does not know its log"):
        check_log(file)


def test_a_log_without_its_file_is_not_given_to_sqlite(file: Path) -> None:
    """SQLite would make an empty file, and delete the log."""
    file.write_bytes(b"")
    with pytest.raises(ValueError, match="it is empty"):
        check_log(file)
    file.unlink()
    with pytest.raises(FileNotFoundError):
        check_log(file)
    file.mkdir()
    with pytest.raises(ValueError, match="it is not a file"):
        check_log(file)


def test_a_file_without_a_log_is_sound(file: Path) -> None:
    """As far as its log goes."""
    assert rows_of(file) == 30
    assert not files_of(file)[1].exists()
    check_log(file)
    files_of(file)[1].write_bytes(bytes(WAL_HEADER + FRAME - 1))  # not one frame
    check_log(file)


def test_the_size_of_a_page_is_the_one_we_read(file: Path) -> None:
    """Of files that were made with another, nothing is known here."""
    assert int.from_bytes(file.read_bytes()[16:18], "big") == PAGE
