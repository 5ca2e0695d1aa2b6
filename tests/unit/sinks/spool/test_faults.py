"""What an error of SQLite says, of errors that SQLite raises."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

import pytest
from tests.support.spool import allow_writes, rows, small_disk

from tidegauge.sinks.spool.faults import (
    DamagedError,
    UnopenedError,
    is_full,
    is_of_the_file,
    meant,
)
from tidegauge.sinks.spool.segment import Segment


def raised(act: Callable[[], object]) -> sqlite3.Error:
    with pytest.raises(sqlite3.Error) as told:
        act()
    return told.value


def asked(path: Path, query: str = "SELECT count(*) FROM slips", mode: str = "rw") -> None:
    address = f"file:{path}?mode={mode}"
    with closing(sqlite3.connect(address, uri=True, timeout=0, isolation_level=None)) as connection:
        connection.execute(query).fetchall()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "x.sqlite3"
    segment = Segment.create(path, 1, 1)
    segment.append(rows(30, 900), 1)
    segment.shut()
    return path


def test_somebody_who_holds_a_file_goes_by(path: Path) -> None:
    """Nothing is wrong with it."""
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        error = raised(lambda: asked(path, "BEGIN IMMEDIATE"))
    assert meant(path, error) is error
    assert not is_of_the_file(error)


@pytest.mark.parametrize("damage", ["garbage", "no table", "a page"])
def test_a_damaged_file_is_damaged(path: Path, damage: str) -> None:
    """Another would do better."""
    if damage == "garbage":
        path.write_bytes(b"garbage" * 3_000)
    elif damage == "no table":
        asked(path, "DROP TABLE slips")
    else:
        with path.open("r+b") as file:
            file.seek(8192)
            file.write(bytes(8192))
    error = raised(lambda: asked(path))
    told = meant(path, error)
    assert type(told) is DamagedError
    assert "x.sqlite3: " in str(told)
    assert is_of_the_file(error)
    assert not is_full(error)


def test_a_place_where_sqlite_cannot_open_says_nothing_of_the_file(tmp_path: Path) -> None:
    """A disk that takes no writes, and a file that is not there."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "x.sqlite3"
        Segment.create(path, 1, 1).shut()
        allow_writes(disk, allow=False)
        for name in ("x.sqlite3", "gone.sqlite3"):
            error = raised(partial(asked, disk / name))
            assert type(meant(disk / name, error)) is UnopenedError
            assert not is_of_the_file(error)


def test_a_file_may_be_full_or_the_disk(path: Path) -> None:
    """SQLite says the same of both; the next file tells."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA max_page_count=10").fetchall()
        fill = "INSERT INTO series VALUES (NULL, 1, zeroblob(1000000))"
        error = raised(lambda: connection.execute(fill))
    assert is_full(error)
    assert is_of_the_file(error)
    assert type(meant(path, error)) is UnopenedError


def test_an_error_of_the_module_itself_is_of_the_file() -> None:
    """Text that is no text, say: it has no code."""
    error = raised(
        lambda: sqlite3.connect(":memory:").execute("SELECT cast(x'ff' AS text)").fetchone()
    )
    assert not hasattr(error, "sqlite_errorcode")
    assert type(meant(Path("x"), error)) is DamagedError
