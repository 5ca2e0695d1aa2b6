"""The API beside a monitor: a child process that is started again when it dies, and ends with it."""

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import msgspec
import structlog

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Settings

from .address import address_of
from .asking import link_command, link_from, name_for_browsers
from .binding import bound
from .tokens import tokens_in, tokens_made

log = structlog.get_logger(__name__)

FIRST_PAUSE_S, LONGEST_PAUSE_S = 1.0, 60.0
HEALTHY_AFTER_S = 60.0
END_WITHIN_S = 8.0
READY_WITHIN_S = 30.0
LOOK_S = 0.05
LOOK_ELSEWHERE_S = 5.0
LONGEST_LINE = 1024 * 1024
OWN = frozenset({"event", "level", "logger", "timestamp"})
"""What every line of the log says of itself."""


class Companion:
    """`async with` keeps an API running for `data_dir`; its log lines go into ours.

    `arguments` are those of `tidegauge serve`; they hold no secret, since others see them. While another
    process serves the same folder, nothing is started.
    """

    def __init__(
        self,
        data_dir: Path,
        arguments: Sequence[str] = (),
        *,
        program: Sequence[str] | None = None,
        environ: Mapping[str, str] | None = None,
        host: str | None = None,
    ) -> None:
        ours = (sys.executable, "-m", "tidegauge", "serve", "--companion")
        self._command = (*(program or ours), *arguments)
        self._environ = os.environ if environ is None else environ
        self._data_dir = data_dir
        self._host = host
        self._task: asyncio.Task[None] | None = None
        self.complaint: str | None = None
        """Why it did not start, in the words it ended with."""

    @classmethod
    def of(cls, settings: Settings, config: Path | None) -> Self:
        """Return the companion of a monitor with these settings, which come from the file `config`.

        Raises `OperatorError` where it could not be served as they say.
        """
        if address_of(settings.data_dir) is None:
            tokens_made(settings.data_dir)
            bound(settings.serve).close()
        named = () if config is None else ("--config", str(config))
        return cls(
            settings.data_dir,
            ("--data-dir", str(settings.data_dir), *named),
            host=name_for_browsers(settings.serve),
        )

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._keep(), name="companion")
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        assert self._task is not None
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    async def introduction(self, *, link: bool) -> str:
        """Say, as soon as the API answers, where it is, and with a `link` how a browser comes in."""
        command = link_command(self._data_dir)
        try:
            address = await self._address()
            if not link:
                return f"web: {address} (log in by `{command}`)"
            token = tokens_in(self._data_dir).operate
            once = await asyncio.to_thread(link_from, address, token, host=self._host)
        except OperatorError as error:
            return f"web: {error}"
        return f"web: {once}\n(good once, for five minutes; `{command}` prints another)"

    async def _address(self) -> str:
        until = time.monotonic() + READY_WITHIN_S
        while (address := address_of(self._data_dir)) is None:
            if self.complaint is not None or time.monotonic() > until:
                raise OperatorError(self.complaint or "The API does not answer yet; see the log")
            await asyncio.sleep(LOOK_S)
        return address

    async def _keep(self) -> None:
        pause, told = FIRST_PAUSE_S, False
        while True:
            if (elsewhere := address_of(self._data_dir)) is not None:
                if not told:
                    log.info("api_served_elsewhere", address=elsewhere)
                told = True
                await asyncio.sleep(LOOK_ELSEWHERE_S)
                continue
            told, began = False, time.monotonic()
            try:
                code = await self._run()
            except OSError as error:
                code, self.complaint = -1, f"The API can't be started: {error}"
            if time.monotonic() - began > HEALTHY_AFTER_S:
                pause = FIRST_PAUSE_S
            log.warning("api_ended", code=code, reason=self.complaint, again_in_s=pause)
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE_S)

    async def _run(self) -> int:
        """Run the API to its end; when cancelled, see to its end."""
        process = await asyncio.create_subprocess_exec(
            *self._command,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=LONGEST_LINE,
            env={**self._environ, "TIDEGAUGE_LOGGING__FORMAT": "json"},
        )
        self.complaint = None
        reading = asyncio.create_task(self._pass_on(process.stderr))
        try:
            return await process.wait()
        finally:
            await _ended(process)
            await asyncio.gather(reading, return_exceptions=True)

    async def _pass_on(self, stream: asyncio.StreamReader | None) -> None:
        assert stream is not None
        while True:
            try:
                line = await stream.readline()
            except ValueError:
                continue  # a line of a megabyte, of which the end comes next
            if not line:
                return
            self._tell(line.decode(errors="replace").strip())

    def _tell(self, line: str) -> None:
        """Write a line of the API into our log, at the level it has there."""
        fields: Mapping[str, Any] = {}
        if line.startswith("{"):
            with contextlib.suppress(msgspec.MsgspecError):
                fields = msgspec.json.decode(line, type=dict[str, Any])
        if not fields:
            if line.startswith("tidegauge: "):
                self.complaint = line.removeprefix("tidegauge: ")
            log.warning("api_said", line=line)
            return
        logger = structlog.get_logger(str(fields.get("logger", __name__)))
        level = str(fields.get("level", "info"))
        tell = getattr(logger, level if level in ("debug", "info", "warning") else "error")
        said = {name: value for name, value in fields.items() if name not in OWN}
        tell(str(fields.get("event", "")), **said)


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Have a process end: by the end of its input, then as strongly as it takes."""
    assert process.stdin is not None
    process.stdin.close()
    for act in (process.terminate, process.kill):
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_WITHIN_S):
                await process.wait()
        if process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            act()
    await process.wait()
