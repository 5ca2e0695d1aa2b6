"""The outbox goes on whatever happens to its file and its disk."""

import asyncio
import sqlite3
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.support.pages import NOON, a_page
from tests.support.spool import allow_writes, fill, small_disk

from tidegauge.core.desk import Arrival
from tidegauge.sinks.outbox import tables
from tidegauge.sinks.outbox.file import DAY, Settled
from tidegauge.sinks.outbox.outbox import Outbox, OutboxError

KEYS = [f"INC-{number}:{number}" for number in range(50)]


@asynccontextmanager
async def opened(data_dir: Path, owner: str = "me", now: int = NOON) -> AsyncIterator[Outbox]:
    outbox = Outbox(data_dir, owner, now=lambda: now)
    await outbox.open()
    try:
        yield outbox
    finally:
        await outbox.close()


async def drained(outbox: Outbox, channel: str = "hook") -> list[str]:
    """Deliver all that waits, and return the keys in the order in which they came."""
    found = []
    while (parcel := (await outbox.next(channel))[0]) is not None:
        found.append(parcel.page.key)
        await outbox.settle(Settled(parcel=parcel, began=NOON, at=NOON, arrival=Arrival.SENT))
    return found


def pages(first: int = 0, end: int = 50) -> list[object]:
    return [a_page(number, text="x" * 500) for number in range(first, end)]


async def test_what_is_put_in_is_there_after_a_restart(tmp_path: Path) -> None:
    """In a file that only its owner may read."""
    data_dir = tmp_path / "not" / "there" / "yet"
    async with opened(data_dir) as outbox:
        assert len(await outbox.put(pages())) == 50  # type: ignore[arg-type]
        for path in data_dir.glob("outbox.sqlite3*"):
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
    async with opened(data_dir, "next") as outbox:
        assert await drained(outbox) == KEYS
        assert await outbox.put(pages()) == []  # type: ignore[arg-type]
    assert list((data_dir / "outbox").iterdir()) == []


async def test_pages_of_a_living_process_are_its_own(tmp_path: Path) -> None:
    """Taken over when its lock is free: killed, or ended with pages that waited."""
    async with opened(tmp_path, "one") as one:
        await one.put([a_page(1)])
        async with opened(tmp_path, "two") as two:
            assert await two.look() == 0
            assert (await two.next("hook"))[0] is None
            await one.close()
            with capture_logs() as logs:
                assert await two.look() == 1
            assert [(each["event"], each["pages"]) for each in logs] == [("outbox_taken_over", 1)]
            assert await drained(two) == ["INC-1:1"]


async def test_locks_of_those_long_gone_are_swept(tmp_path: Path) -> None:
    """A killed process leaves one; a young one may be about to be taken."""
    (tmp_path / "outbox").mkdir()
    lock = tmp_path / "outbox" / "gone.lock"
    lock.touch()
    written = lock.stat().st_mtime_ns
    async with opened(tmp_path, "me", now=written + DAY // 2):
        assert lock.exists()
    async with opened(tmp_path, "me", now=written + 2 * DAY):
        assert not lock.exists()


@pytest.mark.parametrize("damage", ["no database", "cut", "empty", "a page of noise"])
async def test_a_damaged_file_is_put_aside_and_what_can_be_read_of_it_goes_on(
    tmp_path: Path, damage: str
) -> None:
    """The start never fails, and a new page gets through."""
    async with opened(tmp_path) as outbox:
        await outbox.put(pages())  # type: ignore[arg-type]
        path = outbox.path
    whole = path.read_bytes()
    page = 4096
    middle = (len(whole) // page // 2) * page
    path.write_bytes(
        {
            "no database": b"this is no database " * 1000,
            "cut": whole[:middle],
            "empty": b"",
            "a page of noise": whole[:middle] + b"\xa5" * page + whole[middle + page :],
        }[damage]
    )
    with capture_logs() as logs:
        async with opened(tmp_path, "next") as outbox:
            new = await outbox.put([a_page(99)])
            found = await drained(outbox)
            assert await drained(outbox) == []
    assert new == [("INC-99:99", "hook")]
    assert found[-1] == "INC-99:99"
    assert set(found[:-1]) <= set(KEYS)
    assert found[:-1] == sorted(found[:-1], key=KEYS.index)
    told = [each["event"] for each in logs]
    if damage != "empty":
        assert "outbox_damaged" in told
        assert list((tmp_path / "outbox" / "damaged").iterdir())
    if damage == "a page of noise":
        assert len(found) >= 25, "what lies before and behind the damage was not saved"


async def test_a_disk_that_is_full_stops_no_page_and_all_is_on_it_when_there_is_room(
    tmp_path: Path,
) -> None:
    """It lives in memory meanwhile: told once, delivered all the same, and kept afterwards."""
    with small_disk(tmp_path / "disk", 4) as disk:
        async with opened(disk) as outbox:
            await outbox.put([a_page(0)])
            ballast = fill(disk)
            with capture_logs() as logs:
                for number in range(1, 40):
                    await outbox.put([a_page(number, text="x" * 2_000)])
                assert outbox.broken is not None
                first = (await outbox.next("hook"))[0]
                assert first is not None
                assert first.page.key == "INC-0:0"
                await outbox.settle(
                    Settled(parcel=first, began=NOON, at=NOON, arrival=Arrival.SENT)
                )
                await outbox.look()
                ballast.unlink()
                await outbox.look()
            assert [each["event"] for each in logs] == ["outbox_lost", "outbox_recovered"]
            assert outbox.broken is None
            assert await outbox.put([a_page(0), a_page(5)]) == []
        async with opened(disk, "next") as outbox:
            assert await drained(outbox) == KEYS[1:40]


async def test_a_disk_that_takes_no_writes_at_the_start_is_no_reason_not_to_page(
    tmp_path: Path,
) -> None:
    """What waits on it is delivered when it can be noted that it was."""
    with small_disk(tmp_path / "disk", 4) as disk:
        async with opened(disk, "before") as outbox:
            await outbox.put([a_page(1)])
        allow_writes(disk, allow=False)
        async with opened(disk) as outbox:
            assert outbox.broken is not None
            assert await outbox.put([a_page(2)]) == [("INC-2:2", "hook")]
            assert await drained(outbox) == ["INC-2:2"]
            allow_writes(disk, allow=True)
            await outbox.look()
            assert outbox.broken is None
            assert await drained(outbox) == ["INC-1:1"]
            assert await outbox.put([a_page(2)]) == []


async def test_a_file_that_is_deleted_while_it_is_used_loses_no_page(tmp_path: Path) -> None:
    """A look notices, and a new one is made of what is still open."""
    async with opened(tmp_path) as outbox:
        await outbox.put([a_page(1)])
        outbox.path.unlink()
        await outbox.put([a_page(2)])
        with capture_logs() as logs:
            await outbox.look()
        assert [each["event"] for each in logs] == ["outbox_gone"]
    async with opened(tmp_path, "next") as outbox:
        assert await drained(outbox) == ["INC-1:1", "INC-2:2"]


async def test_another_process_that_holds_the_file_is_waited_for(tmp_path: Path) -> None:
    """Busy is no damage."""
    async with opened(tmp_path) as outbox:
        with closing(sqlite3.connect(outbox.path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            put = asyncio.create_task(outbox.put([a_page(1)]))
            await asyncio.sleep(0.1)
            assert not put.done()
            other.execute("COMMIT")
            assert await put == [("INC-1:1", "hook")]
        assert outbox.broken is None


async def test_a_file_that_another_holds_for_long_is_no_reason_not_to_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages are taken all the same, and on the disk when it is free."""
    monkeypatch.setattr(tables, "BUSY_S", 0.05)
    async with opened(tmp_path, "before"):
        pass
    with closing(sqlite3.connect(tmp_path / "outbox.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        async with opened(tmp_path) as outbox:
            with suppress(OutboxError):
                await outbox.put([a_page(1)])
            other.execute("COMMIT")
            await outbox.look()
            assert outbox.broken is None
            await outbox.put([a_page(1), a_page(2)])
            assert await drained(outbox) == ["INC-1:1", "INC-2:2"]


async def test_closed_it_says_so(tmp_path: Path) -> None:
    """Rather than hang."""
    async with opened(tmp_path) as outbox:
        pass
    with pytest.raises(OutboxError, match="closed"):
        await outbox.put([a_page(1)])
