"""Who holds something: a process of a machine, told so that others can see whether it still lives.

A process id alone does not say it, since numbers are given again: the time at which the process
started goes with it. A host's name alone does not say either whether we share its process table:
two machines may have one name, and containers each count their own processes. `host` therefore ends
in a mark of the running kernel and of its table of processes: `db1#5f3a09c2`.
"""

import hashlib
import os
import platform
import re
import subprocess
import sys
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

MARK = "#"
LONGEST_HOST = 120

UNKNOWN_START = 0
"""Where the system tells no start: such a process is believed to live as long as its number does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """One process. `run` names what it does; `process_started_ns` is UTC, good to 10 ms on Linux."""

    run: str
    host: str
    pid: int
    process_started_ns: int

    @classmethod
    def of_this_process(cls, run: str) -> "Holder":
        """Return this process as the holder of `run`."""
        pid = os.getpid()
        started = process_started(pid)
        return cls(run=run, host=this_host(), pid=pid, process_started_ns=started or UNKNOWN_START)

    @property
    def name(self) -> str:
        """The host's name as people know it."""
        return self.host.partition(MARK)[0]

    @property
    def is_dead(self) -> bool:
        """Whether it is known to have ended. False of another host's, of which nothing is known."""
        if self.host != this_host():
            return False
        started = process_started(self.pid)
        if started is None:
            return True
        return self.process_started_ns not in (UNKNOWN_START, started)


@cache
def this_host() -> str:
    """Return our host's name, and the mark of the table of processes that we see."""
    name = re.sub(rf"[{MARK}\s]", "-", platform.node())[:LONGEST_HOST] or "unknown"
    said = f"{_boot()}|{_table_of_processes()}"
    return f"{name}{MARK}{hashlib.sha256(said.encode()).hexdigest()[:8]}"


def process_started(pid: int) -> int | None:
    """Return when a process started, always the same number. None: there is none, or a zombie."""
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None
        # After the name, which may hold anything: state, and as the 20th the ticks since boot.
        fields = stat.rpartition(")")[2].split()
        if fields[0] in ("Z", "X"):
            return None
        return int(fields[19]) * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))
    return _started_by_ps(pid)


def _started_by_ps(pid: int) -> int | None:
    said = subprocess.run(  # noqa: S603 - a number
        ["/bin/ps", "-o", "stat=", "-o", "lstart=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
        env={"LC_ALL": "C", "TZ": "UTC"},
    ).stdout.strip()
    state, _, started = said.partition(" ")
    if not state or state.startswith("Z"):
        return None
    try:
        at = datetime.strptime(f"{' '.join(started.split())} +0000", "%a %b %d %H:%M:%S %Y %z")
    except ValueError:
        return UNKNOWN_START
    return int(at.timestamp()) * 1_000_000_000


def _boot() -> str:
    """Return what is another after every start of the machine."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        pass
    try:
        return subprocess.run(
            ["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"],
            capture_output=True,
            text=True,
            check=False,
        ).stdout.strip()
    except OSError:
        return ""


def _table_of_processes() -> str:
    """Return which table of processes we see: that of the machine, or of a container."""
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""
