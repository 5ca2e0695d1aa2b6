"""Lock files that die with their holder.

`flock` belongs to an open file, so the kernel lets go of it when a process ends, however it ends:
a crashed user cannot hold up the others.
"""

import errno
import fcntl
import os
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from tidegauge.core.errors import OperatorError

from .commands import comes_true


class FileLock:
    """One open lock file: exclusive, shared, or merely open."""

    __slots__ = ("_fd", "path")

    def __init__(self, path: Path) -> None:
        self.path = path
        self._fd: int | None = None

    def open(self) -> None:
        """Open the file, making it if need be. Other users of this machine may not."""
        if self._fd is None:
            try:
                self._fd = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            except OSError as error:
                if error.errno != errno.EROFS:
                    raise
                # One that is there is held on a disk that takes no writes as well.
                self._fd = os.open(self.path, os.O_RDONLY | os.O_CLOEXEC)

    def try_exclusive(self) -> bool:
        """Take the lock alone. Returns whether nobody else holds it."""
        return self._try(fcntl.LOCK_EX)

    def try_shared(self) -> bool:
        """Take the lock among others. Returns whether nobody holds it alone."""
        return self._try(fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go."""
        if self._fd is not None:
            fd, self._fd = self._fd, None
            os.close(fd)

    def _try(self, mode: int) -> bool:
        self.open()
        if self._fd is None:
            raise AssertionError
        with suppress(BlockingIOError):
            fcntl.flock(self._fd, mode | fcntl.LOCK_NB)
            return True
        return False


class Election:
    """Whoever is inside starts or stops the server; the others wait at the door."""

    __slots__ = ("_lock", "_patience_s")

    def __init__(self, path: Path, patience_s: float) -> None:
        self._lock = FileLock(path)
        self._patience_s = patience_s

    async def __aenter__(self) -> Self:
        elected = False
        try:
            elected = await comes_true(self._lock.try_exclusive, self._patience_s)
        finally:
            if not elected:
                self._lock.close()
        if not elected:
            raise OperatorError(
                f"another process has been starting or stopping the embedded PostgreSQL for more "
                f"than {self._patience_s:.0f} s (it holds {self._lock.path})",
                fix="Wait for it, or end it, and try again",
            )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._lock.close()
