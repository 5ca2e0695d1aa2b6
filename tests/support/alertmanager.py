"""A real Alertmanager (Debian's package), and what it holds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

from .ports import kept_port
from .programs import require_program

CONFIG = """
route:
  receiver: hook
  group_by: [symbol]
  group_wait: 200ms
  group_interval: 500ms
receivers:
  - name: hook
    webhook_configs:
      - url: {url}
        send_resolved: true
"""


@asynccontextmanager
async def alertmanager(folder: Path, hook: str) -> AsyncIterator[str]:
    """Run one meanwhile; returns its address."""
    program = require_program("prometheus-alertmanager")
    folder.mkdir()
    (folder / "config.yml").write_text(CONFIG.format(url=hook))
    options = (f"--config.file={folder / 'config.yml'}", f"--storage.path={folder / 'data'}")
    async with listening(program, *options, "--cluster.listen-address=") as url:
        yield url


@asynccontextmanager
async def listening(program: Path, *options: str) -> AsyncIterator[str]:
    """Run a program of Prometheus on a port of its own until the block ends; returns its address."""
    with kept_port() as port:
        process = await asyncio.create_subprocess_exec(
            program,
            *options,
            f"--web.listen-address=127.0.0.1:{port}",
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.kill()
            await process.wait()


async def alerts(url: str) -> list[Any]:
    """Return what it holds for active now."""
    async with aiohttp.ClientSession() as session, session.get(f"{url}/api/v2/alerts") as answer:
        found: list[Any] = await answer.json()
        return found
