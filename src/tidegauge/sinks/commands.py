"""Running a server program: as whom, for how long, and what became of it."""

import asyncio
import os
import pwd
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

POLL_S = 0.01


@dataclass(frozen=True, slots=True)
class Account:
    """Whom the server runs as. PostgreSQL refuses to run as root."""

    uid: int
    gid: int
    name: str

    @property
    def foreign(self) -> bool:
        """Whether it is somebody else than this process."""
        return self.uid != os.geteuid()

    @classmethod
    def of_uid(cls, uid: int) -> "Account":
        """Look the account up. A number without a name is its own name."""
        with suppress(KeyError):
            entry = pwd.getpwuid(uid)
            return cls(entry.pw_uid, entry.pw_gid, entry.pw_name)
        return cls(uid, os.getegid(), str(uid))

    @classmethod
    def unprivileged(cls) -> "Account":
        """Ourselves, or `nobody` when we are root."""
        if os.geteuid() != 0:
            return cls.of_uid(os.geteuid())
        entry = pwd.getpwnam("nobody")
        return cls(entry.pw_uid, entry.pw_gid, entry.pw_name)

    def can_reach(self, path: Path) -> bool:
        """Whether this account may pass through every folder above `path`, and `path` itself."""
        return all(self._may_enter(folder) for folder in (path, *path.parents))

    def _may_enter(self, folder: Path) -> bool:
        try:
            found = folder.stat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        if found.st_uid == self.uid:
            return bool(found.st_mode & 0o100)
        if found.st_gid == self.gid:
            return bool(found.st_mode & 0o010)
        return bool(found.st_mode & 0o001)


@dataclass(frozen=True, slots=True)
class Finished:
    """How a program ended, and what it said (its last 4 kB)."""

    code: int
    output: str


def clean_environment() -> dict[str, str]:
    """Return our environment without what would mislead a PostgreSQL program.

    `LC_ALL=C`: a locale the machine lacks stops the server, and macOS starts threads for others.
    """
    kept = {name: value for name, value in os.environ.items() if not name.startswith("PG")}
    return {**kept, "LC_ALL": "C", "TZ": "UTC"}


async def run_program(
    argv: Sequence[str | Path], *, account: Account, cwd: Path, deadline_s: float
) -> Finished:
    """Run a program to its end; kill it when the deadline passes or when we are cancelled.

    Not `asyncio.create_subprocess_exec`: uvloop cannot change the user of a child.
    Raises `TimeoutError` and `OSError`.
    """
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(  # noqa: ASYNC220, S603 - our own argv; forking takes about 1 ms
            [str(part) for part in argv],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env=clean_environment(),
            start_new_session=True,  # Ctrl-C in the terminal is for us, not for the server
            umask=0o077,
            user=account.uid if account.foreign else None,
            group=account.gid if account.foreign else None,
            extra_groups=[] if account.foreign else None,
        )
        try:
            if not await comes_true(lambda: process.poll() is not None, deadline_s):
                raise TimeoutError
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        output.seek(max(0, output.tell() - 4096))
        return Finished(process.returncode, output.read().decode(errors="replace"))


async def comes_true(condition: Callable[[], bool], patience_s: float) -> bool:
    """Wait for something in the world that tells nobody when it happens. False: it did not."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience_s):
            while not condition():  # noqa: ASYNC110 - processes, ports and file locks have no event
                await asyncio.sleep(POLL_S)
        return True
    return False


def command_line(pid: int) -> str | None:
    """Return the command of a running process, None when there is none or it is a zombie.

    A zombie still answers `kill(pid, 0)` (and so fools `pg_ctl status`) but runs no more.
    """
    if sys.platform == "linux":
        try:
            stat = Path(f"/proc/{pid}/stat").read_text()
            if stat.rpartition(")")[2].split()[0] in ("Z", "X"):
                return None
            return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
        except (OSError, UnicodeDecodeError):
            return None
    found = subprocess.run(  # noqa: S603 - a number
        ["/bin/ps", "-ww", "-o", "stat=", "-o", "command=", "-p", str(pid)],
        capture_output=True,
        text=True,
        check=False,
    )
    state, _, command = found.stdout.strip().partition(" ")
    return None if not state or state.startswith("Z") else command
