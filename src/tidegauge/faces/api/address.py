"""Where the API of a data directory is served: a file that its server holds locked while it lives.

So nobody is asked, and told a token, who merely has the port of a server that is gone.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tidegauge.core.errors import OperatorError
from tidegauge.sinks.locks import FileLock

FILE = "api-address"
LONGEST = 512
LOOKS, LOOK_S = 10, 0.02


@contextmanager
def claimed(data_dir: Path) -> Iterator[Path]:
    """Be the one that serves a data directory; yields the file to write the address into.

    Raises `OperatorError` when there is one already.
    """
    path = data_dir / FILE
    lock = FileLock(path)
    try:
        if not any(_tries(lock)):
            raise OperatorError(
                f"The API of {data_dir} is served already, at {_written_at(path) or 'its start'}",
                fix="Use that one: it shows every daemon of the folder",
            )
        path.write_text("", encoding="utf-8")  # what one before left
        yield path
        with suppress(OSError):
            path.write_text("", encoding="utf-8")
    except OSError as error:
        raise OperatorError(f"{path} can't be written: {error.strerror}") from None
    finally:
        lock.close()


def address_of(data_dir: Path) -> str | None:
    """Return where the API of a data directory is served; None where it is not."""
    path = data_dir / FILE
    if not path.exists():
        return None
    lock = FileLock(path)
    try:
        return None if lock.try_shared() else _written_at(path)
    except OSError:
        return None
    finally:
        lock.close()


def _tries(lock: FileLock) -> Iterator[bool]:
    """Try for as long as somebody may hold the lock who only looks whether it is held."""
    for _ in range(LOOKS):
        yield lock.try_exclusive()
        time.sleep(LOOK_S)


def _written_at(path: Path) -> str | None:
    try:
        with path.open(encoding="utf-8") as stream:
            if os.fstat(stream.fileno()).st_uid != os.geteuid():
                return None
            return stream.read(LONGEST).strip() or None
    except (OSError, UnicodeError):
        return None
