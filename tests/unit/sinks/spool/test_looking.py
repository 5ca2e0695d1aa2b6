"""One question to a file that somebody else may be writing."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from tests.support.spool import rows

from tidegauge.sinks.spool.looking import ask
from tidegauge.sinks.spool.segment import Segment

COUNT = "SELECT count(*) FROM slips"


def left_in(folder: Path) -> dict[str, tuple[int, bytes]]:
    """Return what is in a folder; the index of a log is its readers' own."""
    return {
        path.name: (path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.iterdir()
        if not path.name.endswith("-shm")
    }


def test_a_file_that_is_being_written_is_read_as_it_is(tmp_path: Path) -> None:
    """Rows that are in its log only are among them, and its writer goes on."""
    folder = tmp_path / "a?b#c"
    folder.mkdir()
    segment = Segment.create(folder / "x.sqlite3", 1, 1)
    segment.append(rows(3), 1)
    before = left_in(folder)
    assert ask(segment.path, COUNT) == (3,)
    assert left_in(folder) == before
    segment.append(rows(2), 1)
    assert ask(segment.path, COUNT) == (5,)
    segment.shut()


def test_beside_a_file_that_is_not_being_written_nothing_is_made(tmp_path: Path) -> None:
    """No log, and no index of one."""
    segment = Segment.create(tmp_path / "x.sqlite3", 1, 1)
    segment.append(rows(3), 1)
    segment.shut()
    before = left_in(tmp_path)
    assert ask(segment.path, COUNT) == (3,)
    assert left_in(tmp_path) == before
    assert [path.name for path in tmp_path.iterdir()] == ["x.sqlite3"]


def test_a_writer_does_not_wait_for_who_looks(tmp_path: Path) -> None:
    """Nor the other way round, while a transaction is open."""
    segment = Segment.create(tmp_path / "x.sqlite3", 1, 1)
    segment.append(rows(3), 1)
    with closing(sqlite3.connect(segment.path, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert ask(segment.path, COUNT) == (3,)
    with closing(sqlite3.connect(f"file:{segment.path}?mode=ro", uri=True)) as reader:
        reader.execute("BEGIN")
        reader.execute(COUNT).fetchone()
        segment.append(rows(1), 1)
    segment.shut()


def test_what_cannot_be_asked_says_so(tmp_path: Path) -> None:
    """A missing file is not made, and no row is no answer."""
    with pytest.raises(sqlite3.OperationalError, match="unable to open"):
        ask(tmp_path / "x.sqlite3", COUNT)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "garbage").write_bytes(b"garbage" * 1_000)
    with pytest.raises(sqlite3.DatabaseError, match="not a database"):
        ask(tmp_path / "garbage", COUNT)
    segment = Segment.create(tmp_path / "x.sqlite3", 1, 1)
    segment.shut()
    with pytest.raises(sqlite3.DatabaseError, match="no answer"):
        ask(segment.path, "SELECT seq FROM slips")
