"""What a folder says of itself: the database its rows are meant for, and the format they are in.

Daemons of several databases may share a data directory, and an older version may meet what a newer
one left. Each folder has its label before it has a row, and nobody takes what is not theirs.
"""

import os
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qsl, unquote, urlsplit

import msgspec

from ..slips import FORMAT
from .paths import NEW, sync_folder

LABEL = "database"
EMBEDDED = "embedded"
"""The identity of the private database below the same data directory."""

USUAL_PORT = 5432


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """`database`: an identity; empty where nobody said. A later version may say more."""

    database: str = ""
    format: int = FORMAT

    @property
    def is_newer(self) -> bool:
        """Whether a version that knows more than we do kept the rows."""
        return self.format > FORMAT

    def suits(self, database: str) -> bool:
        """Whether the rows may go to `database`, as far as this label says."""
        return self.database in ("", database)


class NotOursError(OSError):
    """A folder that is to be left where it is."""

    def __init__(self, label: Label) -> None:
        super().__init__(f"the folder is for {label.database!r}, in format {label.format}")
        self.label = label


def identity_of(url: str | None) -> str:
    """Return what the database of `url` is called on labels; without one, the embedded one's.

    It holds the server and the database, no user and no secret: another account, another password
    or other parameters lead to the same rows.
    """
    if not url:
        return EMBEDDED
    parts = urlsplit(url)
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    account, _, hosts = parts.netloc.rpartition("@")
    servers = (hosts or given.get("host", "")).lower().split(",")
    port = given.get("port") or str(USUAL_PORT)
    named = sorted(each if _has_port(each) else f"{each}:{port}" for each in servers)
    user = unquote(account.partition(":")[0]) or given.get("user", "")
    name = unquote(parts.path.lstrip("/")) or given.get("dbname") or given.get("database") or user
    return f"{','.join(named)}/{name}"


def _has_port(server: str) -> bool:
    return server.rpartition("]")[2].rpartition(":")[2].isdigit() and ":" in server


def read_label(folder: Path) -> Label | None:
    """Return the label of a folder; None: it has none, a version before labels made it.

    Raises `OSError`, also for one that says nothing.
    """
    try:
        said = (folder / LABEL).read_bytes()
    except FileNotFoundError:
        return None
    try:
        return msgspec.json.decode(said, type=Label)
    except msgspec.DecodeError as error:
        raise OSError(f"its file {LABEL} does not say what it is for: {error}") from None


def write_label(folder: Path, label: Label) -> None:
    """Put a label on a folder, in the place of the one it has: whole, and to last.

    Raises `OSError`.
    """
    fresh = folder / f"{LABEL}{NEW}"
    try:
        fd = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        with os.fdopen(fd, "wb") as file:
            file.write(msgspec.json.encode(label))
            file.flush()
            os.fsync(fd)
        fresh.replace(folder / LABEL)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
    sync_folder(folder)


def claim(folder: Path, database: str) -> None:
    """Make sure that the rows of a folder are for `database`, and that nobody else's it will be.

    Raises `NotOursError`; `OSError` when its label cannot be read. One that has none, or none that
    names a database, gets ours where the disk takes it.
    """
    label = read_label(folder)
    if label is not None and (label.is_newer or not label.suits(database)):
        raise NotOursError(label)
    if label is None or label.database != database:
        with suppress(OSError):
            write_label(folder, Label(database=database))
