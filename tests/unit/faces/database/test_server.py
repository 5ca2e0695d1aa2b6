"""`tidegauge db psql`, without a database."""

import asyncio
import signal
import sys
from pathlib import Path

import pytest

from tidegauge.faces.database import server
from tidegauge.sinks.psql import PsqlCall


def call(code: str) -> PsqlCall:
    return PsqlCall((sys.executable, "-c", code), {})


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("pass", 0),
        ("raise SystemExit(3)", 3),
        ("import os, signal; os.kill(os.getpid(), signal.SIGTERM)", 128 + signal.SIGTERM),
    ],
)
async def test_an_exit_code_is_that_of_a_shell(code: str, expected: int) -> None:
    """Scripts look at it."""
    assert await server._run(call(code)) == expected


async def test_psql_does_not_outlive_a_command_that_is_stopped(tmp_path: Path) -> None:
    """A monitor's machine is not left with sessions that nobody owns."""
    ready = tmp_path / "ready"
    code = f"import pathlib, time; pathlib.Path({str(ready)!r}).touch(); time.sleep(60)"
    task = asyncio.create_task(server._run(call(code)))
    async with asyncio.timeout(50):
        while not ready.exists():
            await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        # The thread that waits for it ends with it; nothing else would let this loop close.
        await asyncio.get_running_loop().shutdown_default_executor()
