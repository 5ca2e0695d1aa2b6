"""The spool in a thread of its own, as the writer uses it."""

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.database import until
from tests.support.spool import (
    a_record,
    allow_writes,
    contents,
    fill,
    flip,
    numbers,
    rows,
    small_disk,
)

from tidegauge.sinks.slips import Slip
from tidegauge.sinks.spool import opening
from tidegauge.sinks.spool.spool import Spool, SpoolFigures
from tidegauge.sinks.spool.thread import SpoolError, SpoolLimits, SpoolThread


async def drained(spool: SpoolThread) -> list[Slip]:
    found: list[Slip] = []
    while (parcel := await spool.fetch(100)) is not None:
        found += parcel.slips
        await spool.settle(parcel)
    return found


async def test_what_is_kept_is_fetched_settled_and_forgotten(tmp_path: Path) -> None:
    """And how much waits is known at any moment."""
    spool = SpoolThread(tmp_path / "spool", "a")
    await spool.open()
    kept = rows(250)
    await spool.keep(kept)
    assert spool.waiting == 250
    assert contents(await drained(spool)) == contents(kept)
    assert spool.waiting == 0
    await spool.quarantine([(kept[0], "no")])
    await spool.look()
    assert (spool.figures.quarantined, spool.figures.waiting) == (1, 0)
    await spool.forget(await spool.finished(closing=True))
    await spool.close()
    assert [path.name for path in (tmp_path / "spool").iterdir()] == ["quarantine.sqlite3"]


async def test_what_has_begun_is_done_though_we_are_cancelled(tmp_path: Path) -> None:
    """Whoever is cancelled returns when it is known whether the rows are on the disk."""
    spool = SpoolThread(tmp_path, "a")
    await spool.open()
    for _ in range(20):
        keeping = asyncio.create_task(spool.keep(rows(100)))
        await asyncio.sleep(0)
        keeping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await keeping
    assert spool.waiting == 2_000
    assert len(await drained(spool)) == 2_000
    await spool.close()


async def test_a_failure_of_what_was_cancelled_is_told(tmp_path: Path) -> None:
    """Nobody else would hear of it."""
    (tmp_path / "spool").touch()
    spool = SpoolThread(tmp_path / "spool", "a")
    with capture_logs() as logs:
        opening = asyncio.create_task(spool.open())
        await asyncio.sleep(0)
        opening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await opening
    assert [each["event"] for each in logs] == ["spool_failed_at_the_end"]
    await spool.close()


async def test_a_disk_that_takes_nothing_is_told_once_and_so_is_its_recovery(
    tmp_path: Path,
) -> None:
    """However often it is tried."""
    root = tmp_path / "spool"
    root.touch()
    spool = SpoolThread(root, "a")
    with capture_logs() as logs:
        for _ in range(3):
            with pytest.raises(SpoolError, match="File exists"):
                await spool.open()
            with pytest.raises(SpoolError):
                await spool.keep(rows(1))
            assert spool.broken
        root.unlink()
        await spool.open()
        assert spool.broken is None
        await spool.keep(rows(1))
    told = [each["event"] for each in logs if each["log_level"] != "info"]
    assert told == ["spool_lost", "spool_recovered"]
    await spool.close()


async def test_a_full_disk_is_not_called_sound_before_it_takes_rows(tmp_path: Path) -> None:
    """Or it would be lost and recovered every few seconds, in the log and to who is alerted."""
    with small_disk(tmp_path / "disk") as disk:
        spool = SpoolThread(disk / "spool", "a")
        await spool.open()
        kept = rows(100, 700)
        await spool.keep(kept)
        ballast = fill(disk)
        with capture_logs() as logs:
            with pytest.raises(SpoolError, match=r"full|No space"):  # noqa: PT012
                while True:
                    more = rows(100, 700)
                    await spool.keep(more)
                    kept += more
            for _ in range(3):
                with pytest.raises(SpoolError):
                    await spool.open()
            await spool.look()
            assert (spool.figures.free, spool.filled > 1) == (0, True)
            ballast.unlink()
            async with asyncio.timeout(20):
                await spool.open()
        assert [each["event"] for each in logs] == ["spool_lost", "spool_recovered"]
        last = rows(10)
        await spool.keep(last)
        assert contents(await drained(spool)) == contents([*kept, *last])
        await spool.close()


async def test_a_disk_that_takes_no_writes_is_read_and_looked_at(tmp_path: Path) -> None:
    """What lies there is sent; its figures are known; when it takes writes again we go on."""
    with small_disk(tmp_path / "disk") as disk:
        before = SpoolThread(disk / "spool", "a")
        await before.open()
        kept = rows(300, 700)
        await before.keep(kept)
        await before.close()
        allow_writes(disk, allow=False)
        spool = SpoolThread(disk / "spool", "b")
        async with asyncio.timeout(20):
            with pytest.raises(SpoolError, match="Read-only"):
                await spool.open()
        assert spool.broken
        assert spool.waiting == 300
        assert await spool.look() == 0
        assert spool.figures.waiting == 300
        assert contents(await drained(spool)) == contents(kept)
        for _ in range(3):
            await spool.forget(await spool.finished())
            await spool.look()
        assert replace(spool.figures, free=None) == SpoolFigures(recovered=300)
        allow_writes(disk, allow=True)
        await spool.open()
        assert spool.broken is None
        await spool.keep(rows(1))
        assert len(await drained(spool)) == 1
        await spool.close()


async def test_the_loop_goes_on_while_the_disk_is_slow(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody holds the file for as long as we wait for it; then the next one is written."""
    monkeypatch.setattr(opening, "BUSY_S", 0.3)
    spool = SpoolThread(tmp_path, "a")
    await spool.open()
    kept = rows(5)
    await spool.keep(kept)
    [path] = (tmp_path / "a").glob("*.sqlite3")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        more = rows(5)
        keeping = asyncio.create_task(spool.keep(more))
        ticks = 0
        while not keeping.done():
            await asyncio.sleep(0.001)
            ticks += 1
        await keeping
    assert ticks > 5
    assert contents(await drained(spool)) == contents([*kept, *more])
    await spool.close()


async def test_a_file_that_is_held_is_an_error_that_goes_by(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """To read it later is better than to call it damaged."""
    monkeypatch.setattr(opening, "BUSY_S", 0.01)
    before = SpoolThread(tmp_path, "a")
    await before.open()
    await before.keep(rows(5))
    await before.close()
    spool = SpoolThread(tmp_path, "b")
    [path] = (tmp_path / "a").glob("*.sqlite3")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode=EXCLUSIVE").fetchone()
        other.execute("BEGIN EXCLUSIVE")
        await spool.open()
        assert (spool.waiting, spool.broken) == (0, None)
    await spool.look()
    assert (spool.waiting, spool.figures.damaged) == (5, 0)
    await spool.close()


async def test_a_look_takes_over_what_another_left_and_gives_up_what_is_too_old(
    tmp_path: Path,
) -> None:
    """Readings; never a record."""
    other = SpoolThread(tmp_path, "a")
    spool = SpoolThread(tmp_path, "b", SpoolLimits(keep_s=0.01))
    await other.open()
    await spool.open()
    await other.keep([*rows(5), a_record(7)])
    await spool.look()
    assert spool.waiting == 0
    await other.close()
    given_up = 0

    async def looked() -> bool:
        nonlocal given_up
        given_up += await spool.look()
        return given_up > 0

    await until(looked)
    assert (given_up, spool.waiting, spool.figures.recovered) == (5, 1, 6)
    assert numbers(await drained(spool)) == [7]
    await spool.close()


async def test_damage_is_told_by_the_figures(tmp_path: Path) -> None:
    """No error comes of it anywhere."""
    before = SpoolThread(tmp_path, "a")
    await before.open()
    kept = rows(50, 900)
    await before.keep(kept)
    await before.close()
    [path] = (tmp_path / "a").glob("*.sqlite3")
    flip(path, 8 * path.read_bytes().index(kept[9].body) + 5_000)
    spool = SpoolThread(tmp_path, "b")
    await spool.open()
    assert contents(await drained(spool)) == contents([*kept[:9], *kept[10:]])
    await spool.look()
    await spool.forget(await spool.finished())
    await spool.look()
    assert (spool.figures.lost, spool.figures.damaged, spool.figures.recovered) == (1, 1, 50)
    await spool.close()


async def test_after_its_end_it_is_closed(tmp_path: Path) -> None:
    """Whoever is late hears so."""
    spool = SpoolThread(tmp_path, "a")
    await spool.open()
    await spool.close()
    for late in (spool.fetch(1), spool.keep(rows(1)), spool.look()):
        with pytest.raises(SpoolError, match="it is closed"):
            await late
    await spool.close()


def test_how_full_it_is_depends_on_the_disk_too(tmp_path: Path) -> None:
    """A disk smaller than the bound is full before it; records have the last of its room."""
    spool = SpoolThread(tmp_path, "a", SpoolLimits(most_bytes=1_000))
    for held, free, filled in (
        *((500, None, 0.5), (500, 10_000, 0.5), (450, 550, 0.5), (360, 40, 1.0)),
        *((9, 1_000, 0.01), (0, 0, 0.0)),
    ):
        spool.figures = SpoolFigures(bytes=held, free=free)
        assert spool.filled == pytest.approx(filled, rel=0.01)


def test_nothing_is_opened_before_it_is_asked(tmp_path: Path) -> None:
    """A command that only builds one leaves no trace."""
    SpoolThread(tmp_path / "spool", "a")
    Spool(tmp_path / "spool", "a").close()
    assert list(tmp_path.iterdir()) == []
