"""Somebody else hears once a minute that we live, and only while we do."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs
from tests.support.database import until
from tests.support.receivers import BROKEN, OK, Act, receiving

from tidegauge.sinks.notify.dead_man import DeadMan
from tidegauge.sinks.notify.guard import Guard
from tidegauge.sinks.notify.spelling import spelled


@asynccontextmanager
async def running(dead_man: DeadMan) -> AsyncIterator[None]:
    task = asyncio.create_task(dead_man.run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def switch(url: str, health: list[bool], *, allowed: tuple[str, ...] = ("127.0.0.1",)) -> DeadMan:
    return DeadMan(spelled(url), Guard(allowed), lambda: health[0], every_s=0.05)


async def test_it_tells_again_and_again_that_we_live() -> None:
    """By a GET to the address, as such services want."""
    began = asyncio.get_running_loop().time()
    async with receiving() as hook, running(switch(f"{hook.url}/ping/CANARY123", [True])):
        await until(lambda: len(hook.requests) >= 3)
    assert {(each.method, each.path) for each in hook.requests} == {("GET", "/ping/CANARY123")}
    assert hook.at[2] - began > 0.09, "two waits of 50 ms"


async def test_it_falls_silent_with_the_monitor_and_speaks_again_with_it() -> None:
    """Nothing is made up for afterwards."""
    health = [True]
    async with receiving() as hook, running(switch(hook.url, health)):
        await until(lambda: len(hook.requests) >= 1)
        with capture_logs() as logs:
            health[0] = False
            await until(lambda: bool(logs))
            told = len(hook.requests)
            await asyncio.sleep(0.3)
            assert len(hook.requests) == told
            health[0] = True
            again = asyncio.get_running_loop().time()
            await until(lambda: len(hook.requests) > told + 3)
            assert hook.at[told + 3] - again > 0.14, "three waits of 50 ms"
            await until(lambda: len(logs) == 2)
    assert [each["event"] for each in logs] == ["dead_man_not_told", "dead_man_told_again"]
    assert "not healthy" in logs[0]["error"]


async def test_a_loop_that_is_stuck_tells_nothing() -> None:
    """It runs in the monitor's own loop: that is the point of it."""
    async with receiving() as hook, running(switch(hook.url, [True])):
        await until(lambda: len(hook.requests) >= 1)
    told = len(hook.requests)
    await asyncio.sleep(0.2)
    assert len(hook.requests) == told


async def test_failures_are_told_once_for_each_change_without_the_address() -> None:
    """A minute's line for a night of them would hide the others."""
    acts = [BROKEN, BROKEN, BROKEN, Act(status=302, headers=(("Location", "/x"),)), OK]
    async with receiving(acts) as hook:
        dead_man = switch(f"{hook.url}/ping/CANARY123", [True])
        with capture_logs() as logs:
            async with running(dead_man):
                await until(lambda: dead_man.sent >= 1)
    assert [each.get("error") for each in logs] == ["it answers 500", "it answers 302", None]
    assert dead_man.said is None
    assert "CANARY" not in repr(logs)


async def test_what_cannot_be_reached_is_a_failure_and_no_end() -> None:
    """A host that is not listed, nobody there, a judge of health that breaks."""
    for dead_man, said in (
        (switch("https://127.0.0.1:9/CANARY123", [True], allowed=()), "refused by us"),
        (switch("http://127.0.0.1:9/CANARY123", [True]), "ClientConnectorError"),
        (switch("http://127.0.0.1:9/CANARY123", [True], allowed=()), "must begin with https"),
        (switch("http://127.0.0.1:9/CANARY123", []), "a fault of ours: IndexError"),
    ):
        with capture_logs() as logs:
            async with running(dead_man):
                await until(lambda dead_man=dead_man: dead_man.said is not None)  # type: ignore[misc]
        assert (dead_man.said or "").startswith(said)
        assert "CANARY" not in repr([{**each, "exc_info": None} for each in logs])


def test_only_a_plain_address_will_do() -> None:
    """A sign of life in Slack once a minute is nobody's wish."""
    with pytest.raises(ValueError, match="https://"):
        switch("https://hooks.slack.com/services/T/B/X", [True])
