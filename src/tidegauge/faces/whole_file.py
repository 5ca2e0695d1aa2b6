"""A file that is there whole, or not at all."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidegauge.core.errors import OperatorError


@contextmanager
def whole_file(path: Path, *, force: bool) -> Iterator[Path]:
    """Lend a temporary name beside `path`; it becomes `path` when the block ends well.

    Raises `OperatorError` when `path` is there already and not to be replaced, or its folder is not.
    """
    if path.exists() and not force:
        raise OperatorError(f"{path} is there already", fix="Name another file, or add --force")
    try:
        fd, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except FileNotFoundError:
        raise OperatorError(f"There is no folder {path.parent}", fix="Make it first") from None
    os.close(fd)
    part = Path(name)
    try:
        yield part
        part.chmod(0o666 & ~_umask())
        part.replace(path)
    except IsADirectoryError:
        raise OperatorError(f"{path} is a folder", fix="Name a file in it") from None
    finally:
        part.unlink(missing_ok=True)


def _umask() -> int:
    """Return what new files are masked by. It can be read only by setting it."""
    mask = os.umask(0o077)
    os.umask(mask)
    return mask
