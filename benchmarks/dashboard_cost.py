"""What the terminal dashboard costs: processor time, memory, and bytes written to its terminal.

`python -m benchmarks.dashboard_cost [seconds]`: a real terminal of 200 by 60 with two ladders of 20
levels and six venues, told of everything twice a second by a stand-in for the API.
"""

import asyncio
import fcntl
import os
import pty
import struct
import sys
import termios
import time
from pathlib import Path

from tests.support.standing_api import TOKEN, StandIn, standing_in, stored_history

COLUMNS, LINES = 200, 60
EVERY_S = 0.5
WARM_S = 8.0
TICKS = os.sysconf("SC_CLK_TCK")


class Terminal:
    """A terminal with the dashboard in it; what is written to it is read and counted."""

    def __init__(self, served: StandIn) -> None:
        self.written = 0
        self.pid, self._fd = pty.fork()
        if self.pid == 0:
            environment = {**os.environ, "TIDEGAUGE_API_TOKEN": TOKEN, "TERM": "xterm-256color"}
            command = [sys.executable, "-m", "tidegauge", "dashboard", "--url", served.url]
            os.execve(sys.executable, command, environment)  # noqa: S606
        size = struct.pack("HHHH", LINES, COLUMNS, 0, 0)
        fcntl.ioctl(self._fd, termios.TIOCSWINSZ, size)
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def _read(self) -> None:
        try:
            said = os.read(self._fd, 1 << 20)
        except OSError:  # it has left
            asyncio.get_running_loop().remove_reader(self._fd)
            return
        self.written += len(said)

    def processor_s(self) -> float:
        """Return the processor time used so far, its own and the system's for it."""
        fields = (
            Path(f"/proc/{self.pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
        )
        return (int(fields[11]) + int(fields[12])) / TICKS

    def resident_mb(self) -> float:
        """Return its memory."""
        pages = Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6

    def end(self) -> None:
        """Leave as a person does."""
        asyncio.get_running_loop().remove_reader(self._fd)
        os.write(self._fd, b"q")
        while True:
            try:
                if not os.read(self._fd, 1 << 16):
                    break
            except OSError:  # the other end is closed
                break
        os.waitpid(self.pid, 0)


async def measured(seconds: float) -> str:
    """Return what it cost, as one line."""
    async with standing_in(every_s=EVERY_S, history=stored_history()) as served:
        terminal = Terminal(served)
        await asyncio.sleep(WARM_S)
        began, used, written = time.monotonic(), terminal.processor_s(), terminal.written
        steps = served.step
        await asyncio.sleep(seconds)
        took, used = time.monotonic() - began, terminal.processor_s() - used
        written = terminal.written - written
        memory = terminal.resident_mb()
        terminal.end()
    return (
        f"dashboard {COLUMNS}x{LINES}, {(served.step - steps) / took:.1f} updates/s for {took:.0f} s:"
        f" {100 * used / took:.1f} % of a core, {memory:.0f} MB,"
        f" {written / took / 1000:.1f} kB/s to the terminal"
    )


if __name__ == "__main__":
    print(asyncio.run(measured(float(sys.argv[1]) if len(sys.argv) > 1 else 30.0)))
