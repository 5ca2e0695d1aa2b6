"""The process of the API: what it looks at, what it serves, and how it ends."""

import asyncio
import contextlib
import os
import sys
from pathlib import Path

import structlog

from tidegauge.runtime.service import Service
from tidegauge.runtime.settings import Settings
from tidegauge.runtime.window.hub import Hub

from .. import running
from .access import Access
from .address import claimed
from .app import create_app
from .archive import Archive
from .asking import link_command
from .binding import bound, url_of
from .drills import Drills
from .serving import serving

log = structlog.get_logger(__name__)

NICENESS = 10
"""The feed has the processor before those who look at it."""


async def serve_until_stopped(
    settings: Settings, *, config: Path | None = None, companion: bool = False
) -> None:
    """Serve the API of a data directory. A `companion` also stops when its standard input ends."""
    stop = asyncio.Event()
    service = Service.of()
    running.take_signals(stop.set)
    if companion:
        os.nice(NICENESS)
        os.setpgid(0, 0)  # Ctrl-C is for the monitor, which ends its companion itself
        _stop_with_whoever_started(stop)
    with (
        claimed(settings.data_dir) as address,
        contextlib.closing(bound(settings.serve)) as at,
    ):
        hub = Hub(settings.data_dir)
        access = Access(settings.data_dir)
        async with (
            Archive(settings).opened() as archive,
            Drills(config).opened() as rehearsals,
            asyncio.TaskGroup() as tasks,
        ):
            looking = tasks.create_task(hub.run(), name="hub")
            app = create_app(hub, access, settings.serve, archive=archive, rehearsals=rehearsals)
            async with serving(app, at, settings.serve):
                url = url_of(at, settings.serve)
                address.write_text(url, encoding="utf-8")
                log.info("api_serving", address=url, log_in=link_command(settings.data_dir))
                telling = tasks.create_task(service.keep_telling(lambda: True, lambda: url))
                await stop.wait()
                log.info("api_stopping")
                telling.cancel()
                service.stopping()
            looking.cancel()


def _stop_with_whoever_started(stop: asyncio.Event) -> None:
    """Stop when standard input ends: the monitor holds its other end, however it dies."""
    loop, stdin = asyncio.get_running_loop(), sys.stdin.fileno()

    def look() -> None:
        if not os.read(stdin, 4_096):
            loop.remove_reader(stdin)
            stop.set()

    loop.add_reader(stdin, look)
