"""Looks at the daemons of a data directory for as long as a command lasts."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import RenderableType
from rich.live import Live

from tidegauge.core.errors import OperatorError
from tidegauge.faces import running
from tidegauge.runtime.window.client import windows_of
from tidegauge.runtime.window.hub import Hub

PATIENCE_S = 5.0
EVERY_S = 1.0


@asynccontextmanager
async def looking(data_dir: Path) -> AsyncIterator[Hub]:
    """Lend a hub that has seen what there is. Raises `OperatorError` where nothing answers."""
    hub = Hub(data_dir)
    seeing = asyncio.create_task(hub.run())
    try:
        await _see(hub, data_dir)
        yield hub
    finally:
        seeing.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await seeing


async def _see(hub: Hub, data_dir: Path) -> None:
    """Wait until every daemon that answers was seen whole."""
    windows = windows_of(data_dir)
    deadline = time.monotonic() + PATIENCE_S
    while windows and time.monotonic() < deadline:
        daemons = hub.picture().daemons
        if daemons and all(name in daemons or hub.silent(name) for name in windows):
            return
        if not daemons and all(hub.silent(name) for name in windows):
            break
        await hub.changed(hub.version, EVERY_S / 5)
    if not hub.picture().daemons:
        why = "; ".join(hub.reasons()[:-1])
        raise OperatorError(
            f"No monitor shows itself in {data_dir}" + (f": {why}" if why else ""),
            fix="Start one with `tidegauge monitor`, or name its folder with --data-dir",
        )


def once(data_dir: Path, act: Callable[[Hub], Awaitable[None]]) -> None:
    """Look once, and do `act` with what is seen."""

    async def run() -> None:
        with running.stages_of("looking") as told:
            told("waiting for the daemons")
            stack = contextlib.AsyncExitStack()
            hub = await stack.enter_async_context(looking(data_dir))
        async with stack:
            await act(hub)

    running.run_loop(run())


def watched(data_dir: Path, draw: Callable[[Hub], RenderableType]) -> None:
    """Draw what is seen, again and again, until somebody stops it, which is how it usually ends."""

    async def run() -> None:
        stop = asyncio.Event()
        running.take_signals(stop.set)
        console = running.console_for(plain=False)
        live = Live(console=console, auto_refresh=False, screen=True)
        shown = live if console.is_terminal else contextlib.nullcontext()
        async with looking(data_dir) as hub:
            with shown:
                while not stop.is_set():
                    if console.is_terminal:
                        live.update(draw(hub), refresh=True)
                    else:
                        console.print(draw(hub))
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(EVERY_S):
                            await stop.wait()

    running.run_loop(run())
