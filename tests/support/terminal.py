"""A real terminal with a program in it: a tmux server of its own."""

import asyncio
import contextlib
import re
import shlex
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.support.programs import require_program

PATIENCE_S = 90.0
LOOK_S = 0.1


class Terminal:
    """Shows a program; ends with `EXIT=` and its code on the screen."""

    def __init__(self, folder: Path) -> None:
        socket = folder / "tmux.sock"
        self._tmux = (str(require_program("tmux")), "-S", str(socket), "-f", "/dev/null")

    async def start(
        self, command: Sequence[str], env: Mapping[str, str], columns: int, lines: int
    ) -> None:
        """Run a program in it."""
        # Readline, which pytest loads, tells every child the size of a terminal that it is not in.
        shown = f"unset COLUMNS LINES; {shlex.join(command)}; echo EXIT=$?; sleep 600"
        size = ("-x", str(columns), "-y", str(lines))
        variables = [part for name, text in env.items() for part in ("-e", f"{name}={text}")]
        await self._tell("new-session", "-d", "-s", "it", *size, *variables, shown)

    async def press(self, *keys: str) -> None:
        """Press keys, as tmux names them."""
        await self._tell("send-keys", "-t", "it", *keys)

    async def resize(self, columns: int, lines: int) -> None:
        """Give it another size."""
        await self._tell("resize-window", "-t", "it", "-x", str(columns), "-y", str(lines))

    async def screen(self) -> str:
        """Return what it shows."""
        return await self._tell("capture-pane", "-p", "-t", "it")

    async def wait_for(
        self, *patterns: str, also: Callable[[str], bool] = lambda _screen: True
    ) -> str:
        """Return the screen once it shows all of these at a time: it is painted piece by piece."""
        screen = ""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                while True:
                    screen = await self.screen()
                    if all(re.search(each, screen) for each in patterns) and also(screen):
                        return screen
                    await asyncio.sleep(LOOK_S)
        pytest.fail(f"{patterns} were not shown:\n{screen}")

    async def end(self) -> None:
        """End it, and what runs in it."""
        await self._tell("kill-server", check=False)

    async def _tell(self, *command: str, check: bool = True) -> str:
        process = await asyncio.create_subprocess_exec(
            *self._tmux,
            *command,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        assert process.returncode == 0 or not check, err.decode()
        return out.decode()


@asynccontextmanager
async def terminal(
    folder: Path, command: Sequence[str], env: Mapping[str, str], columns: int, lines: int
) -> AsyncIterator[Terminal]:
    """Lend a terminal with a program in it."""
    shown = Terminal(folder)
    await shown.start(command, env, columns, lines)
    try:
        yield shown
    finally:
        await shown.end()
