"""How a file of a lane is made, and how SQLite is told to open it."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tidegauge.sinks.spool.journal import HEADER
from tidegauge.sinks.spool.opening import LARGEST_PAGES, connect, connect_frozen, make_file

FACTS = (0, 0, 1, 0, 7)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "a?b#c.sqlite3"
    make_file(path, FACTS)
    return path


def test_a_file_is_made_whole_and_nothing_beside_it(path: Path) -> None:
    """It says that it has a log, and there is none yet."""
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert path.read_bytes().startswith(HEADER)
    with closing(connect_frozen(path)) as connection:
        assert connection.execute("SELECT * FROM facts").fetchall() == [(1, *FACTS)]


def test_it_lasts_as_well_as_a_disk_can_make_it(path: Path) -> None:
    """In SQLite's own words; no file is larger than 16 MB."""
    with closing(connect(path)) as connection:
        asked = ("journal_mode", "synchronous", "page_size", "max_page_count")
        told = [connection.execute(f"PRAGMA {each}").fetchone()[0] for each in asked]
    assert told == ["wal", 2, 8192, LARGEST_PAGES]
    assert LARGEST_PAGES * 8192 <= 16_000_000


def test_a_file_that_is_missing_is_not_made(tmp_path: Path) -> None:
    """However it is opened."""
    for opened in (connect, connect_frozen):
        with pytest.raises(sqlite3.OperationalError, match="unable to open"):
            opened(tmp_path / "gone.sqlite3").execute("SELECT 1 FROM facts").fetchone()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_only_looked_at_is_not_written(path: Path) -> None:
    """Nor is anything made beside it."""
    before = path.read_bytes()
    with closing(connect_frozen(path)) as connection:
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            connection.execute("UPDATE facts SET stored = 1")
        connection.execute("SELECT * FROM facts").fetchall()
        assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before
