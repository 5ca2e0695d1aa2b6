"""The folder of one daemon."""

import os
import shutil
from pathlib import Path

import pytest
from tests.support.spool import a_record, a_row, contents, numbers, rows

from tidegauge.core.instrument import SECOND
from tidegauge.sinks.locks import FileLock
from tidegauge.sinks.spool.folder import LOCK, Folder, clear_abandoned
from tidegauge.sinks.spool.label import LABEL


def test_it_has_its_name_when_it_is_locked(tmp_path: Path) -> None:
    """There is no moment at which somebody else could take it over."""
    folder = Folder.create(tmp_path / "a")
    assert [path.name for path in tmp_path.iterdir()] == ["a"]
    assert Folder.adopt(tmp_path / "a") is None
    folder.close()
    assert not (tmp_path / "a").exists()


def test_a_name_that_another_process_holds_is_refused(tmp_path: Path) -> None:
    """Whether it is whole, or being made."""
    folder = Folder.create(tmp_path / "a")
    with pytest.raises(BlockingIOError):
        Folder.create(tmp_path / "a")
    folder.close()
    (tmp_path / "a.new").mkdir()
    held = FileLock(tmp_path / "a.new" / LOCK)
    assert held.try_exclusive()
    with pytest.raises(BlockingIOError):
        Folder.create(tmp_path / "a")
    held.close()
    Folder.create(tmp_path / "a").close()


def test_our_own_from_before_is_taken_back(tmp_path: Path) -> None:
    """With what is in it."""
    folder = Folder.create(tmp_path / "a")
    kept = rows(3)
    folder.append(kept)
    folder.close()
    again = Folder.create(tmp_path / "a")
    more = rows(2)
    again.append(more)
    parcel = again.readings.fetch(10)
    assert parcel is not None
    assert contents(parcel.slips) == contents(kept)
    again.close()


def test_each_row_goes_into_its_lane(tmp_path: Path) -> None:
    """What is never given up shares no file with what may be."""
    folder = Folder.create(tmp_path / "a")
    folder.append([a_row(1), a_record(2), a_row(3), a_record(4)])
    lanes = [lane.fetch(10) for lane in folder.lanes]
    assert [numbers(parcel.slips) for parcel in lanes if parcel] == [[2, 4], [1, 3]]
    assert sorted(path.name for path in (tmp_path / "a").glob("*.sqlite3")) == [
        "readings-000000000001.sqlite3",
        "records-000000000001.sqlite3",
    ]
    assert (folder.waiting, folder.oldest()) == (4, 1)
    assert folder.size == sum(
        path.stat().st_size
        for path in (tmp_path / "a").glob("*.sqlite3*")
        if "shm" not in path.name
    )
    folder.close()


def test_a_folder_that_went_is_not_taken_over(tmp_path: Path) -> None:
    """Its owner ended at this moment."""
    assert Folder.adopt(tmp_path / "gone") is None
    assert list(tmp_path.iterdir()) == []


def test_a_lock_that_is_missing_is_made(tmp_path: Path) -> None:
    """Somebody cleaned up."""
    folder = Folder.create(tmp_path / "a")
    folder.append(rows(3))
    folder.close()
    (tmp_path / "a" / LOCK).unlink()
    taken = Folder.adopt(tmp_path / "a")
    assert taken is not None
    assert taken.waiting == 3
    assert Folder.adopt(tmp_path / "a") is None
    taken.close()


def test_a_failure_lets_go_of_the_lock(tmp_path: Path) -> None:
    """Of a folder that cannot be looked at: the next try may succeed, here or elsewhere."""
    folder = Folder.create(tmp_path / "a")
    folder.append(rows(3))
    folder.close()
    strange = tmp_path / "strange"
    shutil.copytree(tmp_path / "a", strange)
    (strange / LOCK).unlink()
    (strange / LOCK).mkdir()
    with pytest.raises(IsADirectoryError):
        Folder.adopt(strange)
    (strange / LOCK).rmdir()
    taken = Folder.adopt(strange)
    assert taken is not None
    taken.close()


def test_what_a_crash_left_half_made_goes_with_the_folder(tmp_path: Path) -> None:
    """A probe of the disk, a file that never got its name; what somebody else put there stays."""
    folder = Folder.create(tmp_path / "a")
    for name in ("probe", "readings-000000000001.sqlite3.new", "x.sqlite3.new-journal"):
        (tmp_path / "a" / name).touch()
    folder.close()
    assert not (tmp_path / "a").exists()
    folder = Folder.create(tmp_path / "a")
    (tmp_path / "a" / "notes.txt").touch()
    folder.close()
    assert (tmp_path / "a" / "notes.txt").exists()


def test_a_probe_leaves_nothing(tmp_path: Path) -> None:
    """It says whether the disk takes anything."""
    folder = Folder.create(tmp_path / "a")
    folder.probe()
    assert {path.name for path in (tmp_path / "a").iterdir()} == {LOCK, LABEL}
    shutil.rmtree(tmp_path / "a")
    with pytest.raises(FileNotFoundError):
        folder.probe()
    folder.close()


def test_what_was_never_made_whole_is_deleted_in_time(tmp_path: Path) -> None:
    """Not while somebody is at it."""
    path = tmp_path / "a.new"
    path.mkdir()
    held = FileLock(path / LOCK)
    assert held.try_exclusive()
    os.utime(path, (1_000, 1_000))
    clear_abandoned(path, 1_059 * SECOND)
    clear_abandoned(path, 1_061 * SECOND)
    assert path.exists()
    held.close()
    os.utime(path, (1_000, 1_000))
    clear_abandoned(path, 1_059 * SECOND)
    assert path.exists()
    clear_abandoned(path, 1_061 * SECOND)
    assert not path.exists()
