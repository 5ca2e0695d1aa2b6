"""Where the embedded PostgreSQL lives, and how it is made: wholly, or not at all."""

import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tidegauge.core.errors import OperatorError

from .binaries import Binaries
from .commands import Account, run_program

SUPERUSER = "tidegauge"
DATABASE = "tidegauge"
LONGEST_SOCKET_PATH = 100
"""Bytes of a unix socket's path; macOS allows 103."""

INITDB_DEADLINE_S = 120.0
LARGEST_LOG = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Home:
    """The folder of one embedded server, and whom it belongs to."""

    folder: Path
    account: Account

    @property
    def cluster(self) -> Path:
        """PostgreSQL's own data directory."""
        return self.folder / "cluster"

    @property
    def password_file(self) -> Path:
        return self.folder / "password"

    @property
    def log(self) -> Path:
        return self.folder / "server.log"

    @property
    def port_file(self) -> Path:
        return self.folder / "port"

    @property
    def election(self) -> Path:
        """Locked by whoever is starting or stopping the server."""
        return self.folder / "election.lock"

    @property
    def users(self) -> Path:
        """Locked, shared, by every user of the server."""
        return self.folder / "users.lock"

    @property
    def socket_folder(self) -> Path:
        """Where the unix socket is; a short path of its own when the home's is too long."""
        if len(os.fsencode(self.folder / ".s.PGSQL.65535.lock")) <= LONGEST_SOCKET_PATH:
            return self.folder
        return Path("/tmp") / f"tidegauge-{_name_of(self.folder)}"  # noqa: S108 - made 0700, owner checked

    @property
    def major(self) -> int | None:
        """The PostgreSQL version that made the cluster, None when there is none."""
        try:
            return int((self.cluster / "PG_VERSION").read_text())
        except (FileNotFoundError, NotADirectoryError):
            return None
        except ValueError:
            raise OperatorError(
                f"the embedded database in {self.cluster} is damaged: PG_VERSION holds no version",
                fix=f"Restore it, or remove {self.folder} to begin with an empty database",
            ) from None

    def password(self) -> str:
        """Return the superuser's password."""
        try:
            return self.password_file.read_text().strip()
        except FileNotFoundError:
            raise OperatorError(
                f"the password of the embedded database is gone ({self.password_file})",
                fix=f"Restore the file, or remove {self.folder} to begin with an empty database",
            ) from None


@contextmanager
def explaining(where: Path) -> Iterator[None]:
    """Turn a refusal of the file system into one line that says what to do."""
    try:
        yield
    except OSError as error:
        raise OperatorError(
            f"cannot use the data directory {where}: {error.strerror or error}",
            fix="Make it writable, free space on it, or choose another with TIDEGAUGE_DATA_DIR",
        ) from None


def shared_folder() -> Path:
    """Return where root keeps what the server's account must be able to reach."""
    library = Path("/var/lib")
    return (library if library.is_dir() else Path("/var/tmp")) / "tidegauge"  # noqa: S108 - owner checked


def locate(data_dir: Path) -> Home:
    """Return the home of the embedded server of `data_dir`; touches nothing.

    As root the server runs as `nobody`, who may not enter a folder such as /root: the home of such
    a data directory is below /var/lib/tidegauge, always at the same place.
    """
    folder = data_dir.expanduser().resolve() / "postgres"
    account = Account.unprivileged()
    if account.foreign and not account.can_reach(folder.parent):
        folder = shared_folder() / _name_of(folder.parent)
    with suppress(OSError):
        owner = folder.stat().st_uid
        if owner != 0 and os.geteuid() == 0:
            # Made earlier by an ordinary user: the server goes on as that user.
            account = Account.of_uid(owner)
    return Home(folder, account)


def prepare(data_dir: Path, home: Home) -> None:
    """Make the folders, private to the server's account. Raises `OperatorError`."""
    with explaining(data_dir):
        made = data_dir.expanduser().resolve()
        fresh = not made.exists()
        made.mkdir(parents=True, exist_ok=True)  # raises when it is a file
        if fresh:
            # Below it another account's home: others may pass through, but not look around.
            made.chmod(0o711 if home.account.foreign else 0o700)
        if not home.folder.is_relative_to(made):
            home.folder.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
    for folder in (home.folder, home.socket_folder):
        with explaining(folder):
            _make_private(folder, home.account)


async def initialise(home: Home, binaries: Binaries) -> None:
    """Make the cluster beside its place, then rename it there. Raises `OperatorError`."""
    with explaining(home.folder):
        for leftover in home.folder.glob("cluster.new-*"):
            shutil.rmtree(leftover, ignore_errors=True)
        fresh = home.folder / f"cluster.new-{os.getpid()}"
        write_private(home.password_file, secrets.token_urlsafe(24) + "\n", home.account)
        try:
            finished = await run_program(
                [
                    *(binaries.program("initdb"), "-D", fresh, "-U", SUPERUSER),
                    *("--pwfile", home.password_file, "--auth=scram-sha-256"),
                    *("--encoding=UTF8", "--locale=C", "--data-checksums", "--no-instructions"),
                    *(["--sync-method=syncfs"] if binaries.syncs_at_once else []),
                ],
                account=home.account,
                cwd=home.folder,
                deadline_s=INITDB_DEADLINE_S,
            )
        except TimeoutError:
            shutil.rmtree(fresh, ignore_errors=True)
            raise OperatorError(
                f"initdb took more than {INITDB_DEADLINE_S:.0f} s in {home.folder}",
                fix="Is the disk slow or stuck? Choose another data directory with TIDEGAUGE_DATA_DIR",
            ) from None
        if finished.code != 0:
            shutil.rmtree(fresh, ignore_errors=True)
            raise OperatorError(
                f"initdb failed in {home.folder}: {last_complaint(finished.output)}",
                fix="Free space there, or choose another data directory with TIDEGAUGE_DATA_DIR",
            )
        fresh.rename(home.cluster)
        _sync(home.folder)


def write_private(path: Path, text: str, account: Account) -> None:
    """Write a file that only `account` may read, wholly or not at all."""
    fd, scratch = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)  # mode 0600
    try:
        with os.fdopen(fd, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        if account.foreign:
            os.chown(scratch, account.uid, account.gid)
        Path(scratch).rename(path)
    except BaseException:
        Path(scratch).unlink(missing_ok=True)
        raise


def last_complaint(text: str) -> str:
    """Return the line of a program's output that most likely says what went wrong."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    loud = [line for line in lines if any(word in line for word in ("FATAL", "PANIC", "rror:"))]
    return ((loud or lines or ["it said nothing"])[-1])[:300]


def keep_log_small(home: Home) -> None:
    """Put a long server log aside; one such is kept."""
    with suppress(FileNotFoundError):
        if home.log.stat().st_size > LARGEST_LOG:
            home.log.rename(home.log.with_suffix(".log.1"))


def _make_private(folder: Path, account: Account) -> None:
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        if account.foreign:
            os.chown(folder, account.uid, account.gid)
    found = folder.lstat()
    ours = (account.uid, os.geteuid())
    if not folder.is_dir() or folder.is_symlink() or found.st_uid not in ours:
        raise OperatorError(
            f"{folder} is not a folder of {account.name}'s",
            fix="Remove it, or choose another data directory with TIDEGAUGE_DATA_DIR",
        )
    if found.st_uid != account.uid:
        os.chown(folder, account.uid, account.gid)
    if found.st_mode & 0o077:
        folder.chmod(0o700)


def _name_of(folder: Path) -> str:
    return hashlib.sha256(os.fsencode(folder)).hexdigest()[:12]


def _sync(folder: Path) -> None:
    fd = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)
