"""The file with the tokens of the API: who can read it may ask, and order.

A line a value: `read=…` and `operate=…` are the two tokens, `secret=…` is what browsers' cookies are
signed with. It is made whole or not at all, and is not used while others may read it.
"""

import os
import secrets
import stat
import tempfile
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from tidegauge.core.errors import OperatorError

FILE = "api-tokens"
"""Its name in the data directory."""

NAMES = ("read", "operate", "secret")
BYTES = 32
"""Of chance in each value, as many as a SHA-256 has."""

LARGEST = 4_096
OTHERS = stat.S_IRWXG | stat.S_IRWXO
HEAD = "# Who reads this file operates Tidegauge. New ones: tidegauge token --new\n"
RENEW = "Make new ones with `tidegauge token --new`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tokens:
    """Two bearer tokens, and the secret behind cookies. None of it shows in a repr."""

    read: str = field(repr=False)
    operate: str = field(repr=False)
    secret: str = field(repr=False)


def tokens_in(data_dir: Path) -> Tokens:
    """Return the tokens of a data directory. Raises `OperatorError` where there are none to be used."""
    path = data_dir / FILE
    try:
        text = _private_text(path)
    except FileNotFoundError:
        raise OperatorError(
            f"There are no tokens in {data_dir}",
            fix="`tidegauge serve` and `tidegauge monitor --serve` make them; or name the folder of "
            "the daemon with --data-dir",
        ) from None
    except OSError as error:
        raise OperatorError(f"The tokens {path} can't be read: {error.strerror}") from None
    except UnicodeError:
        text = ""
    values = dict(line.split("=", 1) for line in text.splitlines() if "=" in line)
    found = {name: values.get(name, "").strip() for name in NAMES}
    if min(map(len, found.values())) < BYTES or len(set(found.values())) < len(NAMES):
        raise OperatorError(f"{path} does not hold three values, each of its own", fix=RENEW)
    return Tokens(**found)


def tokens_made(data_dir: Path) -> Tokens:
    """Return the tokens of a data directory, which are made if there are none. Raises `OperatorError`."""
    path = data_dir / FILE
    if not path.exists():
        # Of two processes that start at once one makes them, and both use those.
        with suppress(FileExistsError):
            _written(path, replace=False)
    return tokens_in(data_dir)


def tokens_renewed(data_dir: Path) -> Tokens:
    """Make new tokens in place of those there are: whoever had one is out. Raises `OperatorError`."""
    _written(data_dir / FILE, replace=True)
    return tokens_in(data_dir)


def _private_text(path: Path) -> str:
    with open(path, encoding="ascii", opener=_unfollowed) as stream:
        found = os.fstat(stream.fileno())
        if not stat.S_ISREG(found.st_mode):
            raise OperatorError(f"{path} is no file", fix="Remove it, and start again")
        if found.st_uid != os.geteuid():
            raise OperatorError(
                f"The tokens {path} belong to another user",
                fix="Run this as the user who owns them",
            )
        if found.st_mode & OTHERS:
            raise OperatorError(
                f"Others may read the tokens {path} (mode {stat.S_IMODE(found.st_mode):04o})",
                fix=f"They may be known by now. {RENEW}; or, if nobody saw them: chmod 600 {path}",
            )
        return stream.read(LARGEST)


def _unfollowed(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)


def _written(path: Path, *, replace: bool) -> None:
    """Write new tokens at `path`. Raises `FileExistsError` where it is not to be replaced."""
    lines = [f"{name}={secrets.token_urlsafe(BYTES)}\n" for name in NAMES]
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o711 if os.geteuid() == 0 else 0o700)
        fd, name = tempfile.mkstemp(prefix=f".{FILE}.", dir=path.parent)  # mode 0600
        part = Path(name)
        try:
            with os.fdopen(fd, "w", encoding="ascii") as stream:
                stream.write(HEAD + "".join(lines))
                stream.flush()
                os.fsync(fd)
            if replace:
                part.replace(path)
            else:
                path.hardlink_to(part)
        finally:
            part.unlink(missing_ok=True)
    except FileExistsError:
        raise
    except OSError as error:
        raise OperatorError(
            f"The tokens {path} can't be written: {error.strerror}",
            fix="Name a folder of your own with --data-dir or TIDEGAUGE_DATA_DIR",
        ) from None
