"""The spool on disks that are full, and on those that take no writes."""

import sqlite3
import time
from pathlib import Path

import pytest
from tests.support.spool import (
    allow_writes,
    as_killed,
    contents,
    drained,
    fill,
    opened,
    rows,
    small_disk,
)

from tidegauge.sinks.locks import FileLock
from tidegauge.sinks.spool.spool import Spool


def test_a_full_disk_takes_nothing_and_loses_nothing(tmp_path: Path) -> None:
    """What was acknowledged is there; with room again it goes on."""
    with small_disk(tmp_path / "disk") as disk:
        spool = opened(disk / "spool", "a")
        acknowledged = rows(200, 700)
        spool.append(acknowledged)
        ballast = fill(disk)
        refused = 0
        for _ in range(60):
            more = rows(50, 700)
            try:
                spool.append(more)
            except (sqlite3.Error, OSError):
                refused += 1
            else:
                acknowledged += more
        assert refused
        assert spool.waiting == len(acknowledged)
        with pytest.raises(OSError, match="No space left"):
            spool.open()
        assert spool.figures().free == 0
        ballast.unlink()
        spool.open()
        last = rows(50, 700)
        spool.append(last)
        left = as_killed(disk / "spool", tmp_path / "spool")
        spool.close()
    again = opened(left, "b")
    found = contents(drained(again))
    assert found == contents([*acknowledged, *last])
    assert (again.figures().lost, again.figures().damaged) == (0, 0)
    again.close()


def test_a_full_disk_is_read_and_emptied(tmp_path: Path) -> None:
    """A start on a disk that was filled to its last byte: SQLite cannot even make an index there."""
    with small_disk(tmp_path / "disk") as disk:
        spool = opened(disk / "spool", "a")
        acknowledged = rows(2000, 700)
        for begin in range(0, 2000, 250):
            spool.append(acknowledged[begin : begin + 250])
        spool.close()
        fill(disk)
        again = Spool(disk / "spool", "b")
        begun = time.perf_counter()
        with pytest.raises(OSError, match="No space left"):
            again.open()
        print(f"opened on a full disk in {time.perf_counter() - begun:.3f} s")
        assert contents(drained(again)) == contents(acknowledged)
        again.write_marks()
        again.forget(again.finished())
        assert (again.figures().lost, again.figures().damaged) == (0, 0)
        again.open()  # what was stored has left room
        again.append(rows(1))
        again.close()


@pytest.mark.parametrize("killed", [False, True])
def test_a_disk_that_takes_no_writes_is_read(tmp_path: Path, killed: bool) -> None:
    """Opening says so; what lies there is sent, once, and called neither lost nor damaged."""
    with small_disk(tmp_path / "disk") as disk:
        spool = opened(tmp_path / "spool" if killed else disk / "spool", "a")
        kept = rows(500, 700)
        spool.append(kept)
        stored = spool.fetch(100)
        assert stored is not None
        spool.settle(stored)
        spool.write_marks()
        if killed:
            as_killed(spool.root, disk / "spool")
        spool.close()
        allow_writes(disk, allow=False)
        again = Spool(disk / "spool", "b")
        with pytest.raises(OSError, match="Read-only"):
            again.open()
        assert contents(drained(again)) == contents(kept[100:])
        for _ in range(3):
            again.write_marks()
            again.forget(again.finished())
            assert (again.adopt(), again.waiting, again.fetch(10)) == (0, 0, None)
        figures = again.figures()
        assert (figures.lost, figures.damaged, figures.recovered) == (0, 0, 400)
        allow_writes(disk, allow=True)
        again.open()
        again.append(rows(1))
        assert len(drained(again)) == 1
        again.close()


def test_the_folder_of_the_living_is_theirs_on_any_disk(tmp_path: Path) -> None:
    """A disk that takes no writes still knows who holds a lock."""
    with small_disk(tmp_path / "disk") as disk:
        before = opened(disk / "spool", "a")
        before.append(rows(3))
        before.close()
        allow_writes(disk, allow=False)
        held = FileLock(disk / "spool" / "a" / "lock")
        assert held.try_exclusive()
        spool = Spool(disk / "spool", "b")
        assert spool.adopt() == 0
        held.close()
        assert spool.adopt() == 3
        spool.close()
        allow_writes(disk, allow=True)
        (disk / "spool" / "a" / "lock").unlink()
        allow_writes(disk, allow=False)
        assert spool.adopt() == 3  # nobody can be holding it
        spool.close()
