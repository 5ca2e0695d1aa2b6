"""How quickly a page is told, alone and in a storm: figures are printed (pytest -rP)."""

import asyncio
import os
import resource
import time
from pathlib import Path

from tests.support.database import until
from tests.support.pages import a_page
from tests.support.receivers import HANGING, receiving
from tests.support.telling import wired, working

STORM = 5_000 if os.environ.get("TIDEGAUGE_CAMPAIGN") == "1" else 800


async def test_a_page_is_received_soon_after_it_was_submitted(tmp_path: Path) -> None:
    """Its share of the 250 ms from the frame to the webhook (A-07), the disk's commit included."""
    waits = []
    async with (
        receiving() as hook,
        working(tmp_path, {"hook": wired(hook, timeout_s=10)}) as notifier,
    ):
        for number in range(300):
            begun = asyncio.get_running_loop().time()
            notifier.submit(a_page(number))
            await until(lambda number=number: len(hook.taken) > number)  # type: ignore[misc]
            waits.append(hook.at[-1] - begun)
            await asyncio.sleep(0.01)
    waits.sort()
    p50, p99 = waits[150], waits[297]
    print(
        f"submitted -> received by a local webhook: p50 {p50 * 1e3:.1f} ms, p99 {p99 * 1e3:.1f} ms"
    )
    assert len(hook.taken) == len(set(hook.keys)) == 300


async def test_a_storm_of_pages_goes_through_while_a_channel_hangs(
    tmp_path: Path,
) -> None:
    """All in order, in bounded memory, and what hangs waits on the disk; A-02 wants the first in 2 s."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    async with receiving() as hook, receiving() as stuck:
        stuck.told((), then=HANGING)
        channels = {"hook": wired(hook, timeout_s=10), "stuck": wired(stuck, timeout_s=60)}
        async with working(tmp_path, channels) as notifier:
            begun = time.monotonic()
            for number in range(STORM):
                notifier.submit(a_page(number, "hook", "stuck"))
            await until(lambda: bool(hook.taken))
            first = time.monotonic() - begun
            await until(lambda: len(hook.taken) == STORM, 300)
            took = time.monotonic() - begun
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    print(
        f"{STORM:,} pages for two channels: the first after {first:.2f} s, all of one channel after"
        f" {took:.1f} s ({STORM / took:,.0f} a second); memory + {grown:.0f} MB"
    )
    assert hook.keys == [f"INC-{number}:{number}" for number in range(STORM)]
    assert grown < 100
