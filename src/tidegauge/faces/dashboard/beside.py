"""The dashboard beside a monitor: a child process to which the terminal belongs while it runs."""

import asyncio
import contextlib
import sys
from collections.abc import Callable, Sequence
from typing import Any

from tidegauge.core.errors import OperatorError

END_WITHIN_S = 5.0


class DashboardBeside:
    """A view that is the dashboard of another process; when it is left, `leave` is called."""

    def __init__(
        self, arguments: Sequence[str], leave: Callable[[], object], program: Sequence[str] = ()
    ) -> None:
        ours = (sys.executable, "-m", "tidegauge", "dashboard")
        self._command = (*(program or ours), *arguments)
        self._leave = leave
        self.code: int | None = None
        """What it ended with by itself."""

    async def show(self, _view: Callable[[], Any]) -> None:
        """Run the dashboard until it is left, or until this is cancelled."""
        process = await asyncio.create_subprocess_exec(*self._command)
        try:
            self.code = await process.wait()
            self._leave()
        finally:
            if process.returncode is None:
                await _ended(process)

    def check(self) -> None:
        """Raise `OperatorError` if it did not end because somebody left it."""
        if self.code:
            raise OperatorError(
                f"The dashboard ended with code {self.code}, and the monitor with it",
                fix="Look again with `tidegauge dashboard`, while `tidegauge monitor --serve` runs",
            )


async def _ended(process: asyncio.subprocess.Process) -> None:
    """Have it put the terminal back and end."""
    for act in (process.terminate, process.kill):
        with contextlib.suppress(ProcessLookupError):
            act()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(END_WITHIN_S):
                await process.wait()
                return
