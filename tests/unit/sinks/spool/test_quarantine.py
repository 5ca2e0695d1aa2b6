"""Rows that the database refuses are kept for somebody to look at."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from tests.support.spool import a_record, a_row, fill, small_disk

from tidegauge.sinks.slips import Slip
from tidegauge.sinks.spool import quarantine
from tidegauge.sinks.spool.quarantine import Quarantine, count_refused


def kept(path: Path, columns: str = "kept_ns, kind, at_ns, error, body, series") -> list[Any]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"SELECT {columns} FROM refused ORDER BY id").fetchall()


def test_a_row_is_kept_to_the_byte_with_the_reason(tmp_path: Path) -> None:
    """A reading with what it lies under, else nobody could put it in by hand."""
    path = tmp_path / "quarantine.sqlite3"
    assert count_refused(path) == 0
    held = Quarantine(path, now=lambda: 7)
    record, row = Slip(4, 1, b"\x00\xff"), a_row(2)
    unknown = Slip(99, 3, b"of a version to come")
    held.add([(record, "too \ud800 long"), (row, "out of range")])
    held.add([(unknown, "KeyError: 99")])
    assert row.under is not None
    assert kept(path) == [
        (7, "feed_event", 1, "too ? long", b"\x00\xff", None),
        (7, "reading", 2, "out of range", row.body, row.under.body),
        (7, "99", 3, "KeyError: 99", b"of a version to come", None),
    ]
    assert (held.added, count_refused(path)) == (3, 3)
    held.close()
    assert count_refused(path) == 3


def test_it_is_bounded_and_the_oldest_go_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By rows, and by bytes."""
    monkeypatch.setattr(quarantine, "MOST", 10)
    monkeypatch.setattr(quarantine, "MOST_BYTES", 1_000)
    path = tmp_path / "quarantine.sqlite3"
    held = Quarantine(path)
    for number in range(25):
        held.add([(a_record(number, 10), "no")])
    assert [at for (at,) in kept(path, "at_ns")] == list(range(15, 25))
    held.add([(a_record(number, 300), "no") for number in range(30, 34)])
    assert [at for (at,) in kept(path, "at_ns")] == [31, 32, 33]
    held.add([(a_record(50, 2_000), "no")])
    assert kept(path, "at_ns") == []
    assert held.added == 30
    held.close()


def test_two_daemons_keep_theirs_in_one_file(tmp_path: Path) -> None:
    """Each waits for the other."""
    path = tmp_path / "quarantine.sqlite3"
    both = [Quarantine(path), Quarantine(path)]
    for number in range(10):
        both[number % 2].add([(a_record(number), "no")])
    assert count_refused(path) == 10
    for each in both:
        each.close()


@pytest.mark.parametrize("damage", [b"garbage" * 1_000, b""])
def test_a_damaged_file_is_put_aside(tmp_path: Path, damage: bytes) -> None:
    """A row that is refused next is not lost for what became of those before it."""
    path = tmp_path / "quarantine.sqlite3"
    path.write_bytes(damage)
    held = Quarantine(path)
    held.add([(a_record(1), "no")])
    assert count_refused(path) == 1
    assert len(list(tmp_path.joinpath("damaged").iterdir()) if damage else [1]) == 1
    held.close()


def test_on_a_full_disk_it_says_so(tmp_path: Path) -> None:
    """Nothing is put aside for that, and it works again."""
    with small_disk(tmp_path / "disk") as disk:
        path = disk / "quarantine.sqlite3"
        held = Quarantine(path)
        held.add([(a_record(1), "no")])
        ballast = fill(disk)
        many = [(a_record(number, 50_000), "no") for number in range(100)]
        with pytest.raises(sqlite3.Error, match=r"full|disk I/O"):
            held.add(many)
        assert not (disk / "damaged").exists()
        ballast.unlink()
        held.add([(a_record(200), "no")])
        assert [at for (at,) in kept(path, "at_ns")][-1] == 200
        held.close()
