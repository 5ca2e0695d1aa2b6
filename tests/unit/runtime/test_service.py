"""What a service manager is told, over a real socket."""

import asyncio
import os
import time
import uuid
from pathlib import Path

import pytest
from tests.support.service import manager

from tidegauge.runtime.service import MOST, Service

ADDRESSES = ("notify", "@tidegauge-test")


@pytest.fixture(params=ADDRESSES)
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A socket with a path, and one without."""
    name = str(request.param)
    return f"{name}-{uuid.uuid4()}" if name.startswith("@") else str(tmp_path / name)


def test_a_service_that_works_reloads_and_stops_says_so(address: str) -> None:
    """In the words of sd_notify(3); a reload carries its instant, as systemd 253 wants it."""
    with manager(address) as systemd:
        service = Service(address)
        before = time.monotonic_ns() // 1_000
        assert service.ready("3 of 3 books live")
        service.reloading()
        service.stopping()
        ready, reloading, stopping = systemd.look()
    assert ready == {"READY": "1", "STATUS": "3 of 3 books live"}
    assert reloading["RELOADING"] == "1"
    assert before <= int(reloading["MONOTONIC_USEC"])
    assert stopping["STOPPING"] == "1"


def test_a_status_is_one_line(tmp_path: Path) -> None:
    """A second line would be an assignment of its own; a long one is cut."""
    with manager(str(tmp_path / "notify")) as systemd:
        Service(systemd.address).ready("fine\nMAINPID=1 " + "x" * 500)
        (told,) = systemd.look()
    assert set(told) == {"READY", "STATUS"}
    assert told["STATUS"].startswith("fine MAINPID=1 xxx")
    assert len(told["STATUS"]) == MOST


def test_nobody_is_told_where_nobody_asked() -> None:
    """From a shell, nothing happens; and it costs no task."""
    service = Service.of({})
    assert not service.ready("")
    service.reloading()
    service.stopping()
    asyncio.run(service.keep_telling(lambda: pytest.fail("not asked"), lambda: ""))


def test_a_manager_that_is_gone_or_takes_nothing_harms_nobody(tmp_path: Path) -> None:
    """Told is false, and nothing waits."""
    place = str(tmp_path / "notify")
    assert not Service(place).ready("")
    with manager(place):
        service = Service(place)
        while service.tell(STATUS="x"):  # until its queue is full
            pass
        assert not service.ready("")


def test_the_environment_says_whom_to_tell_and_no_child_inherits_it(tmp_path: Path) -> None:
    """A database that we start must not speak for us."""
    place = str(tmp_path / "notify")
    environ = {
        "NOTIFY_SOCKET": place,
        "WATCHDOG_USEC": "30000000",
        "WATCHDOG_PID": str(os.getpid()),
    }
    with manager(place) as systemd:
        assert Service.of(environ).ready("")
        assert systemd.count("READY") == 1
    assert environ == {}


@pytest.mark.parametrize(
    ("said", "watched"),
    [
        ({"WATCHDOG_USEC": "30000"}, True),
        ({"WATCHDOG_USEC": "30000", "WATCHDOG_PID": str(os.getpid())}, True),
        ({"WATCHDOG_USEC": "30000", "WATCHDOG_PID": "1"}, False),
        ({"WATCHDOG_USEC": "0"}, False),
        ({"WATCHDOG_USEC": "soon"}, False),
        ({}, False),
    ],
)
async def test_a_watchdog_is_fed_when_it_waits_for_this_process(
    said: dict[str, str], watched: bool, tmp_path: Path
) -> None:
    """The status goes on either way."""
    place = str(tmp_path / "notify")
    with manager(place) as systemd:
        service = Service.of({"NOTIFY_SOCKET": place, **said})
        service._every_s = 0.01
        telling = asyncio.create_task(service.keep_telling(lambda: True, lambda: "fine"))
        await systemd.heard("STATUS", 3)
        telling.cancel()
        assert "READY" in systemd.told[0]
        assert [("WATCHDOG" in each) for each in systemd.told[1:3]] == [watched, watched]


async def test_what_is_not_alive_is_not_ready_and_lets_the_watchdog_starve(tmp_path: Path) -> None:
    """Looked at again and again, and told of only when it lives."""
    looks, alive = 0, False

    def look() -> bool:
        nonlocal looks
        looks += 1
        return alive

    async def looked(more: int) -> None:
        until = looks + more
        async with asyncio.timeout(30):
            while looks < until:
                await asyncio.sleep(0.005)

    with manager(str(tmp_path / "notify")) as systemd:
        service = Service(systemd.address, watchdog_s=0.03)
        telling = asyncio.create_task(service.keep_telling(look, lambda: "fine"))
        await looked(3)
        assert systemd.look() == []
        alive = True
        await systemd.heard("WATCHDOG", 2)
        assert systemd.count("READY") == 1
        alive = False
        fed = systemd.count("WATCHDOG")
        await looked(5)
        assert systemd.count("WATCHDOG") == fed
        telling.cancel()


async def test_ready_is_told_again_until_it_is_taken(tmp_path: Path) -> None:
    """It is told once; nobody would ask for it again."""
    place = str(tmp_path / "notify")
    tried = asyncio.Event()
    service = Service(place, watchdog_s=0.03)

    def status() -> str:
        tried.set()
        return "fine"

    telling = asyncio.create_task(service.keep_telling(lambda: True, status))
    async with asyncio.timeout(30):
        await tried.wait()
    with manager(place) as systemd:
        await systemd.heard("READY")
    telling.cancel()
