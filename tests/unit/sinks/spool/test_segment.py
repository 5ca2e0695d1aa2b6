"""One file of a lane."""

import os
import sqlite3
import struct
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.spool import a_record, a_row, a_series, contents, flip, numbers, rows

from tidegauge.core.instrument import HOUR
from tidegauge.sinks.spool.faults import DamagedError, UnopenedError
from tidegauge.sinks.spool.opening import LARGEST_PAGES
from tidegauge.sinks.spool.paths import files_of
from tidegauge.sinks.spool.segment import FULL_PAGES, Segment


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "readings-000000000001.sqlite3"


def ask(path: Path, query: str) -> object:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(query).fetchone()[0]


def change(path: Path, query: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(query)
        connection.commit()


def test_what_is_appended_is_read(path: Path) -> None:
    """Numbered, in order, readings under their series, also after it was shut."""
    segment = Segment.create(path, 7, 1)
    kept = [a_row(1, 900, a_series(1)), a_record(2), a_row(3, 10, a_series(2)), a_row(4)]
    segment.append(kept[:3], 2)
    segment.append(kept[3:], 3)
    chunk = segment.read(100)
    assert contents(chunk.slips) == contents(kept)
    assert [slip.seq for slip in chunk.slips] == [7, 8, 9, 10]
    assert (chunk.upto, chunk.lost) == (10, 0)
    segment.mark(8)
    segment.shut()
    assert contents(segment.read(1).slips) == contents(kept[2:3])
    segment.close()
    again = Segment.open(path, 7)
    assert (again.stored, again.last, again.waiting, again.kept_ns) == (8, 10, 2, 3)
    assert contents(again.read(100).slips) == contents(kept[2:])
    again.shut()


def test_a_file_has_its_name_when_it_is_whole(path: Path) -> None:
    """A crash half-way leaves no empty file that looks like a damaged one."""
    segment = Segment.create(path, 1, 1)
    segment.shut()
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert Segment.open(path, 1).waiting == 0
    assert ask(path, "PRAGMA journal_mode") == "wal"


def test_no_file_is_made_over_another(path: Path) -> None:
    """Nor beside a log that is not its own: SQLite would take it for it."""
    for each in files_of(path)[:2]:
        each.write_bytes(b"something")
        with pytest.raises(FileExistsError):
            Segment.create(path, 1, 1)
        assert each.read_bytes() == b"something"
        each.unlink()


def test_no_file_grows_beyond_its_bound(path: Path) -> None:
    """A transaction that does not fit leaves nothing, and what was there is whole."""
    segment = Segment.create(path, 1, 1)
    while not segment.full:
        segment.append(rows(50, 9_000), 1)
    kept = segment.waiting
    assert FULL_PAGES <= segment.pages < LARGEST_PAGES
    with pytest.raises(sqlite3.OperationalError, match="full"):
        segment.append(rows(300, 9_000), 1)
    assert segment.waiting == kept
    segment.close()
    assert path.stat().st_size <= 16_000_000
    assert len(Segment.open(path, 1).read(10_000).slips) == kept


def test_a_mark_is_never_taken_back(path: Path) -> None:
    """Whatever is settled late."""
    segment = Segment.create(path, 1, 1)
    segment.append(rows(5), 1)
    for mark in (3, 2):
        segment.mark(mark)
        segment.write_mark()
    segment.shut()
    assert Segment.open(path, 1).stored == 3


@pytest.mark.parametrize(
    "change_of_it",
    [
        "UPDATE facts SET stored = stored + 1",
        "UPDATE facts SET last = last + 1",
        "UPDATE facts SET crc = crc + 1",
        "DELETE FROM facts",
        "DROP TABLE facts",
        "DROP TABLE series",
        "DROP TABLE slips",
        "UPDATE series SET body = x'00' WHERE id = 1",
        "DELETE FROM series WHERE id = 1",
        "DELETE FROM slips WHERE seq = 20",
        "UPDATE slips SET seq = 21 WHERE seq = 20",
        "INSERT INTO slips VALUES (21, 1, 1, 1, x'00')",
    ],
)
def test_a_file_that_is_not_what_it_says_is_not_opened(path: Path, change_of_it: str) -> None:
    """A mark that says more than is true would give up rows in silence."""
    segment = Segment.create(path, 1, 1)
    segment.append(rows(20), 1)
    segment.close()
    change(path, change_of_it)
    with pytest.raises(DamagedError):
        Segment.open(path, 1)


@pytest.mark.parametrize(
    "change_of_it",
    [
        "DELETE FROM slips WHERE seq = 5",
        "UPDATE slips SET at = at + 1 WHERE seq = 5",
        "UPDATE slips SET code = 1 WHERE seq = 5",
        "UPDATE slips SET code = 4000 WHERE seq = 5",
        "UPDATE slips SET code = 'x' WHERE seq = 5",
        "UPDATE slips SET crc = crc + 1 WHERE seq = 5",
        "UPDATE slips SET crc = -1 WHERE seq = 5",
        "UPDATE slips SET body = body || x'00' WHERE seq = 5",
        "UPDATE slips SET body = 'two bytes: \u00e9' WHERE seq = 5",
        "UPDATE slips SET body = 7 WHERE seq = 5",
    ],
)
def test_a_row_that_is_not_what_it_was_is_not_read(path: Path, change_of_it: str) -> None:
    """Nor are those beside it, as if nothing were: there is another way to read them."""
    segment = Segment.create(path, 1, 1)
    segment.append(rows(20), 1)
    segment.close()
    change(path, change_of_it)
    again = Segment.open(path, 1)
    assert len(again.read(4).slips) == 4
    with pytest.raises(DamagedError):
        again.read(5)
    again.mark(5)
    assert len(again.read(15).slips) == 15
    again.shut()


def test_nothing_is_read_beyond_where_the_next_file_begins(path: Path) -> None:
    """What was put back and kept there again may be in this one too."""
    segment = Segment.create(path, 1, 1)
    segment.append(rows(20), 1)
    segment.close()
    again = Segment.open(path, 1, until=15)
    assert numbers(again.read(100).slips)[-1] - numbers(again.read(1).slips)[0] == 14
    assert again.waiting == 15
    again.shut()


def test_a_file_that_is_missing_is_not_made(path: Path) -> None:
    """An empty file in its place would hide it."""
    with pytest.raises(DamagedError):
        Segment.open(path, 1)
    segment = Segment.create(path, 1, 1)
    segment.append(rows(2), 1)
    segment.shut()
    path.unlink()
    with pytest.raises(UnopenedError):
        segment.read(10)
    assert list(path.parent.iterdir()) == []


def test_somebody_who_holds_the_file_is_no_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The error is the disk's own, and what is in the file is read when it is let go."""
    monkeypatch.setattr("tidegauge.sinks.spool.opening.BUSY_S", 0.01)
    segment = Segment.create(path, 1, 1)
    segment.append(rows(2), 1)
    segment.close()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE").fetchone()
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            Segment.open(path, 1)
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            segment.read(2)
    assert len(segment.read(2).slips) == 2
    segment.shut()


def test_more_than_sqlite_puts_into_one_text_is_read_in_pieces(path: Path) -> None:
    """As much as goes, and the rest the next time."""
    segment = Segment.create(path, 1, 1)
    segment.append(rows(20, 30_000), 1)
    limit = sqlite3.SQLITE_LIMIT_LENGTH
    segment._connection.setlimit(limit, 700_000)
    assert len(segment.read(20).slips) == 10
    segment._connection.setlimit(limit, 10_000)
    with pytest.raises(sqlite3.DataError):
        segment.read(20)
    segment.shut()


def test_what_is_rolled_up_is_told_by_the_hour_and_nothing_stays_open(path: Path) -> None:
    """Of readings; records have no rollups."""
    segment = Segment.create(path, 1, 1)
    moments = (3 * HOUR + 5, 3 * HOUR + 1, 7 * HOUR)
    segment.append([*map(a_row, moments), a_record(5 * HOUR)], 1)
    segment.close()
    spans = [(3 * HOUR + 1, 3 * HOUR + 5), (7 * HOUR, 7 * HOUR)]
    assert segment.spans() == spans
    assert segment._opened is None
    segment.remove()
    assert segment.spans() == spans
    assert list(path.parent.iterdir()) == []


def test_the_spans_of_a_damaged_file_are_not_guessed(path: Path) -> None:
    """Its rows are read page by page for them."""
    segment = Segment.create(path, 1, 1)
    segment.append(rows(100, 900), 1)
    segment.close()
    os.truncate(path, 5 * 8192)
    with pytest.raises(DamagedError):
        segment.spans()


def test_an_append_that_fails_leaves_nothing(path: Path) -> None:
    """Neither rows, nor a series of which the file would not have the row."""
    segment = Segment.create(path, 1, 1)
    segment.append([a_row(1, 40, a_series(1))], 1)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            segment.append([a_row(2, 40, a_series(2))], 2)
    with pytest.raises((struct.error, OverflowError)):
        segment.append([a_row(2, 40, a_series(2)), a_record(2**63)], 2)
    assert (segment.waiting, sorted(segment.series), segment.kept_ns) == (1, [1], 1)
    segment.append([a_row(3, 40, a_series(2))], 3)
    segment.close()
    again = Segment.open(path, 1)
    assert numbers(again.read(10).slips) == [1, 3]
    again.shut()


def test_a_bit_flipped_in_a_row_is_seen(path: Path) -> None:
    """SQLite sees nothing wrong with it."""
    segment = Segment.create(path, 1, 1)
    kept = rows(3, 900)
    segment.append(kept, 1)
    segment.close()
    flip(path, 8 * path.read_bytes().index(kept[1].body) + 3_000)
    assert ask(path, "PRAGMA integrity_check") == "ok"
    with pytest.raises(DamagedError, match="row 2 is not what it was"):
        Segment.open(path, 1).read(3)
