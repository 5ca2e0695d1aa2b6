"""A process that is killed in the middle of telling: nothing is lost, and hardly anything is twice."""

import asyncio
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.support.database import until
from tests.support.receivers import Receiver, receiving

TELLER = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.support.pages import a_page
from tests.support.telling import wired, working
from tests.support.receivers import Receiver
from tidegauge.sinks.outbox.outbox import Outbox

folder, port, owner, first, end, fatal = sys.argv[1:]
settled = 0
settle = Outbox.settle

async def fatally(self, made):
    global settled
    settled += 1
    if settled == int(fatal):
        os.kill(os.getpid(), signal.SIGKILL)
    return await settle(self, made)

Outbox.settle = fatally

async def main():
    receiver = Receiver(port=int(port))
    async with working(Path(folder), {"hook": wired(receiver, timeout_s=5)}, owner=owner) as notifier:
        print("open", flush=True)
        for number in range(int(first), int(end)):
            await notifier.put(a_page(number))
            print("kept", number, flush=True)
        await asyncio.sleep(3600)

asyncio.run(main())
"""


async def told_by(
    hook: Receiver,
    folder: Path,
    owner: str,
    numbers: range,
    *,
    fatal: int = 0,
    enough: Callable[[], bool] = lambda: False,
    after_s: float = 60,
) -> list[int]:
    """Run a process that puts in pages and delivers. It is killed by itself at the `fatal`th note it
    takes, else when it is `enough`, or after `after_s`. Returns what it acknowledged."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", TELLER, str(folder), str(hook.port), owner),
        *(str(numbers.start), str(numbers.stop), str(fatal)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    try:
        await process.stdout.readline()
        with suppress(TimeoutError):
            await until(lambda: enough() or process.returncode is not None, after_s)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
    assert process.returncode == -signal.SIGKILL
    lines = (await process.stdout.read()).decode().splitlines(keepends=True)
    return [int(line.split()[1]) for line in lines if line.startswith("kept") and line[-1] == "\n"]


async def test_killed_between_sending_and_noting_it_sends_one_page_twice_with_one_key(
    tmp_path: Path,
) -> None:
    """C-03: the receiver knows it again by its key."""
    async with receiving() as hook:
        await told_by(hook, tmp_path, "one", range(6), fatal=3)
        assert hook.keys == ["INC-0:0", "INC-1:1", "INC-2:2"]
        await told_by(hook, tmp_path, "two", range(6), enough=lambda: len(hook.keys) == 7)
    assert hook.keys[2:] == ["INC-2:2", "INC-2:2", "INC-3:3", "INC-4:4", "INC-5:5"]


async def killed_again_and_again(folder: Path, kills: int, seed: int) -> tuple[int, int]:
    """Kill processes at random moments. Returns pages acknowledged, and how many came twice."""
    pause = random.Random(seed)
    acknowledged: set[int] = set()
    async with receiving() as hook:
        for start in range(kills):
            numbers = range(start * 1_000, start * 1_000 + 400)
            after_s = pause.uniform(0.02, 0.4)
            acknowledged.update(
                await told_by(hook, folder, f"run-{start}", numbers, after_s=after_s)
            )
        wanted = {f"INC-{each}:{each}" for each in acknowledged}
        await told_by(hook, folder, "last", range(0), enough=lambda: wanted <= set(hook.keys))
        assert wanted <= set(hook.keys)
    twice = len(hook.keys) - len(set(hook.keys))
    assert twice <= kills, "more than one page a kill came twice"
    return len(acknowledged), twice


async def test_killed_at_any_moment_it_loses_no_page_that_was_put_in(tmp_path: Path) -> None:
    """At most the one page of each kill that was on its way comes twice."""
    acknowledged, _twice = await killed_again_and_again(tmp_path, 4, 1)
    assert acknowledged


@pytest.mark.campaign
async def test_killed_a_hundred_times_it_loses_no_page_that_was_put_in(tmp_path: Path) -> None:
    """The long form."""
    seed = int(os.environ.get("TIDEGAUGE_SEED", time.time_ns() % 10**6))
    print(f"TIDEGAUGE_SEED={seed}")
    acknowledged, twice = await killed_again_and_again(tmp_path, 100, seed)
    print(f"{acknowledged:,} pages acknowledged, 0 lost, {twice} of them told twice by 100 kills")
