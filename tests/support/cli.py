"""The real command line in a process of its own, as an operator runs it."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tidegauge.core.instrument import VenueName
from tidegauge.runtime.local_server import Endpoint

PATIENCE_S = 180.0


@dataclass(frozen=True, slots=True)
class Told:
    """What a command told, and how it ended."""

    code: int
    out: str
    err: str

    @property
    def complaints(self) -> list[str]:
        """The lines meant for the operator; the others on standard error are the log's."""
        return [line for line in self.err.splitlines() if line.startswith("tidegauge: ")]

    @property
    def log(self) -> list[dict[str, Any]]:
        """The log's lines."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    def logged(self, event: str) -> dict[str, Any]:
        """The last log line about `event`."""
        found = [line for line in self.log if line["event"] == event]
        assert found, f"no {event} in {self.err[-2000:]}"
        return found[-1]


def environment(home: Path, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return an environment with nothing of ours in it but `extra`."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("TIDEGAUGE_")}
    binaries = os.environ.get("TIDEGAUGE_PG_BIN")
    own = {"TIDEGAUGE_PG_BIN": binaries} if binaries else {}
    return {**kept, **own, "HOME": str(home), "XDG_DATA_HOME": "", **(extra or {})}


def endpoints(served: Mapping[VenueName, Endpoint]) -> dict[str, str]:
    """Return the variables that point a monitor at venues served here."""
    found = {}
    for venue, at in served.items():
        prefix = f"TIDEGAUGE_ENDPOINTS__{venue.upper().replace('-', '_')}"
        found[f"{prefix}__WS_URL"] = at.ws_url
        found[f"{prefix}__REST_URL"] = at.rest_url
    return found


def tidegauge(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Told:
    """Run a command to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "tidegauge", *arguments],
        cwd=cwd,
        env=environment(cwd, env),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    return Told(done.returncode, done.stdout, done.stderr)


@dataclass(slots=True)
class Running:
    """A command that runs beside the test."""

    process: asyncio.subprocess.Process
    out: list[str] = field(default_factory=list)
    err: list[str] = field(default_factory=list)
    readers: list[asyncio.Task[None]] = field(default_factory=list)

    def said(self, event: str) -> bool:
        """Whether the log has told of `event`."""
        return any(f'"event": "{event}"' in line for line in self.err)

    def is_live(self) -> bool:
        """Whether a book is believed, so that its first reading was taken."""
        return any('"trust": "live"' in line for line in self.err)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    async def read_no_more(self) -> None:
        """Close our end of its standard output, as `head` does."""
        self.readers[0].cancel()
        await asyncio.gather(self.readers.pop(0), return_exceptions=True)
        transport = self.process._transport.get_pipe_transport(1)  # type: ignore[attr-defined]
        transport.close()

    async def ended(self, patience_s: float = PATIENCE_S) -> Told:
        """Wait for its end."""
        async with asyncio.timeout(patience_s):
            code = await self.process.wait()
            await asyncio.gather(*self.readers)
        return Told(code, "".join(self.out), "".join(self.err))


@asynccontextmanager
async def running(
    *arguments: str, cwd: Path, env: Mapping[str, str] | None = None
) -> AsyncIterator[Running]:
    """Start a command; what is left of it is killed at the end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tidegauge",
        *arguments,
        cwd=cwd,
        env=environment(cwd, env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    command = Running(process)
    assert process.stdout is not None
    assert process.stderr is not None
    command.readers = [
        asyncio.create_task(_collect(process.stdout, command.out)),
        asyncio.create_task(_collect(process.stderr, command.err)),
    ]
    try:
        yield command
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        await asyncio.gather(*command.readers, return_exceptions=True)


async def _collect(stream: asyncio.StreamReader, lines: list[str]) -> None:
    while line := await stream.readline():
        lines.append(line.decode())
