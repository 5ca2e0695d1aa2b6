"""The whole spool of a daemon."""

import os
import shutil
import stat
import time
from pathlib import Path

import pytest
from tests.support.spool import (
    a_record,
    a_row,
    as_killed,
    contents,
    drained,
    numbers,
    opened,
    rows,
)

from tidegauge.core.instrument import HOUR, SECOND
from tidegauge.sinks.spool import segment
from tidegauge.sinks.spool import spool as module
from tidegauge.sinks.spool.spool import steady_time


def test_only_the_owner_may_look_inside(tmp_path: Path) -> None:
    """What is in it is nobody else's business."""
    spool = opened(tmp_path / "spool", "a")
    for folder in (spool.root, spool.root / "a"):
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    spool.close()


def test_without_rows_nothing_stays_behind(tmp_path: Path) -> None:
    """A daemon that ends with everything stored leaves an empty spool."""
    spool = opened(tmp_path / "spool", "a")
    spool.append(rows(10))
    drained(spool)
    spool.forget(spool.finished(closing=True))
    spool.close()
    assert list((tmp_path / "spool").iterdir()) == []


def test_records_come_before_any_reading(tmp_path: Path) -> None:
    """An alert of a dead daemon, and ours, before the readings of either."""
    first = opened(tmp_path / "one" / "spool", "a")
    first.append([a_row(1), a_record(2)])
    left = as_killed(first.root, tmp_path / "spool")
    first.close()
    second = opened(left, "b")
    second.append([a_row(3), a_record(4)])
    assert numbers(drained(second)) == [2, 4, 1, 3]
    second.close()


def test_numbers_of_any_length_are_in_order(tmp_path: Path) -> None:
    """After row 999,999,999,999 the names of the files grow by a digit."""
    spool = opened(tmp_path / "one" / "spool", "a")
    assert spool._own is not None
    lane = spool._own.readings
    lane._last = 10**12 - 3
    spool.append(rows(2))
    lane.finish()
    spool.append(rows(1))
    lane.finish()
    spool.append(rows(1))
    left = as_killed(spool.root, tmp_path / "spool")
    again = opened(left, "b")
    assert [slip.seq for slip in drained(again)] == list(range(10**12 - 2, 10**12 + 2))
    assert again.figures().lost == 0
    spool.close()
    again.close()


def test_the_living_are_left_alone_and_the_dead_taken_over(tmp_path: Path) -> None:
    """Two daemons on one data directory; when one ends, the other sends its rows."""
    first, second = opened(tmp_path, "a"), opened(tmp_path, "b")
    mine = rows(5)
    first.append(mine)
    assert (second.adopt(), second.fetch(10)) == (0, None)
    first.close()
    assert second.adopt() == 5
    assert contents(drained(second)) == contents(mine)
    second.forget(second.finished())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b"]
    assert second.figures().recovered == 5
    second.close()


def test_one_of_two_takes_over_what_a_third_left(tmp_path: Path) -> None:
    """Rows are sent by one of them."""
    dead = opened(tmp_path, "a")
    dead.append(rows(5))
    dead.close()
    takers = [opened(tmp_path, "b"), opened(tmp_path, "c")]
    assert [taker.waiting for taker in takers] == [5, 0]
    for taker in takers:
        taker.close()


def test_a_folder_that_is_being_made_is_nobody_elses(tmp_path: Path) -> None:
    """Between its making and its lock a folder has another name; old ones of these are deleted."""
    tmp_path.joinpath("a.new").mkdir()
    spool = opened(tmp_path, "b")
    assert tmp_path.joinpath("a.new").is_dir()
    os.utime(tmp_path / "a.new", (0, 0))
    spool.adopt()
    assert not tmp_path.joinpath("a.new").exists()
    spool.close()


def test_a_folder_that_a_failure_left_half_made_is_made_whole(tmp_path: Path) -> None:
    """A disk that was full at that moment does not lock us out for ever."""
    tmp_path.joinpath("a.new").mkdir()
    spool = opened(tmp_path, "a")
    spool.append(rows(1))
    spool.close()
    again = opened(tmp_path, "a")  # ours, from before
    assert again.waiting == 1
    again.close()


def test_a_folder_that_cannot_be_taken_over_holds_up_no_other(tmp_path: Path) -> None:
    """Its lock is a directory: it is left as it is, and the rest is sent."""
    for name in ("a", "b"):
        dead = opened(tmp_path, name)
        dead.append(rows(3))
        dead.close()
    strange = tmp_path / "strange"
    shutil.move(tmp_path / "a", strange)
    strange.joinpath("lock").unlink()
    strange.joinpath("lock").mkdir()
    spool = opened(tmp_path, "c")
    assert spool.waiting == 3
    spool.append(rows(1))
    assert len(drained(spool)) == 4
    spool.forget(spool.finished())
    assert len(list(strange.glob("*.sqlite3"))) == 1
    spool.close()


def test_a_folder_deleted_under_us_is_told_and_another_made(tmp_path: Path) -> None:
    """Somebody cleans up while we run: the disk is not called sound before rows last again.

    What is done with the files of the old folder touches none of the new.
    """
    spool = opened(tmp_path, "a")
    lost, mine = rows(3), rows(2)
    spool.append(lost)
    shutil.rmtree(tmp_path / "a")
    spool.open()
    spool.append(mine)
    parcel = spool.fetch(3)
    assert parcel is not None
    assert contents(parcel.slips) == contents(lost)  # the file is open, if nameless
    spool.settle(parcel)
    spool.forget(spool.finished())
    assert [path.name for path in tmp_path.iterdir()] == ["a-2"]
    assert len(list((tmp_path / "a-2").glob("*.sqlite3"))) == 1
    assert contents(drained(spool)) == contents(mine)
    shutil.rmtree(tmp_path / "a-2")
    spool.open()
    assert [path.name for path in tmp_path.iterdir()] == ["a-3"]
    spool.close()


def test_a_clock_that_is_set_makes_nothing_old() -> None:
    """Rows wait for as long as they wait."""
    clock = steady_time()
    assert abs(clock() - time.time_ns()) < SECOND
    begun, waited = clock(), time.monotonic_ns()
    assert 0 <= clock() - begun <= time.monotonic_ns() - waited + SECOND


def test_what_is_rolled_up_is_told_by_the_hour(tmp_path: Path) -> None:
    """A clock that once stood in 1970 does not make us roll up half a century."""
    spool = opened(tmp_path, "a")
    moments = [5 * SECOND, 7 * SECOND, 490_000 * HOUR, 490_001 * HOUR + 1]
    spool.append([a_row(moment) for moment in moments] + [a_record(9 * HOUR)])
    drained(spool)
    found = spool.finished(closing=True)
    assert found.spans == [
        (5 * SECOND, 7 * SECOND),
        (490_000 * HOUR, 490_000 * HOUR),
        (490_001 * HOUR + 1, 490_001 * HOUR + 1),
    ]
    assert found.span == (5 * SECOND, 490_001 * HOUR + 1)
    spool.forget(found)
    spool.forget(found)
    spool.close()


def test_few_files_are_open_however_many_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a database that is back, files finish faster than they are rolled up."""
    monkeypatch.setattr(segment, "FULL_PAGES", 5)
    spool = opened(tmp_path, "a")
    for _ in range(60):
        spool.append(rows(10, 900))
    assert drained(spool)
    assert len(spool.finished().files) > 50
    spool.write_marks()
    assert len(list(Path("/proc/self/fd").iterdir())) < 40
    spool.close()


def test_a_daemon_that_died_again_and_again_left_many_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are taken over a part at a time, with no file open but locks."""
    monkeypatch.setattr(module, "MOST_GONE", 50)
    for number in range(120):
        dead = opened(tmp_path / "each", f"{number:04}")
        dead.append([a_row(number), a_record(number)])
        dead.close()
        shutil.move(tmp_path / "each" / f"{number:04}", tmp_path / f"{number:04}")
        shutil.rmtree(tmp_path / "each")
    before = len(list(Path("/proc/self/fd").iterdir()))
    begun = time.perf_counter()
    spool = opened(tmp_path, "living")
    figures = spool.figures()
    print(f"took over 50 folders in {time.perf_counter() - begun:.3f} s")
    assert (figures.waiting, figures.oldest_at) == (100, 0)
    assert len(list(Path("/proc/self/fd").iterdir())) - before < 60
    found: list[int] = []
    while spool.adopt() or spool.waiting:
        found += numbers(drained(spool))
        spool.forget(spool.finished())
    assert sorted(found) == sorted([*range(120), *range(120)])
    assert spool.figures().recovered == 240
    spool.close()
    assert list(tmp_path.iterdir()) == []


def test_a_start_with_many_files_is_quick(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As many files as 4 GiB hold, with few rows in each."""
    monkeypatch.setattr(segment, "FULL_PAGES", 5)
    spool = opened(tmp_path, "a")
    assert spool._own is not None
    lane = spool._own.readings
    while len(lane.files) < 270:
        spool.append(rows(8, 3_000))
    kept = spool.waiting
    spool.close()
    begun = time.perf_counter()
    again = opened(tmp_path, "b")
    took_s = time.perf_counter() - begun
    print(f"opened {len(lane.files)} files in {took_s:.3f} s")
    assert took_s < 20
    assert again.waiting == kept
    again.close()


def test_how_fast_it_is(tmp_path: Path) -> None:
    """Printed, not asserted."""
    spool = opened(tmp_path, "a")
    made = rows(20_000, 740)
    begun = time.perf_counter()
    for place in range(0, len(made), 250):
        spool.append(made[place : place + 250])
    kept = time.perf_counter()
    assert len(drained(spool, 1000)) == len(made)
    read = time.perf_counter()
    print(f"{len(made) / (kept - begun):,.0f} rows/s in, {len(made) / (read - kept):,.0f} out")
    spool.close()
