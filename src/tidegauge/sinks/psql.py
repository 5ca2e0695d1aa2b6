"""How `psql` and its like are run: the password goes by a private file, never by an argument."""

import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tidegauge.core.errors import OperatorError

from .connect import Database


@dataclass(frozen=True, slots=True)
class PsqlCall:
    """What to run, and in which environment. Neither holds the password."""

    argv: tuple[str, ...]
    env: dict[str, str] = field(repr=False)


@contextmanager
def psql_call(
    database: Database,
    environment: dict[str, str],
    arguments: Sequence[str] = (),
    program: str = "psql",
) -> Iterator[PsqlCall]:
    """Lend the command line of psql, or of another client; its password file is gone afterwards.

    Run it as a child inside the `with`, do not replace this process by it. `environment` is the one
    psql is to inherit. Raises `OperatorError` when there is no
    such program.
    """
    found = find_client(program, database.binaries, environment.get("PATH"))
    env = {name: value for name, value in environment.items() if "PASSWORD" not in name}
    # Names without their schema; readable numbers are psql's own business.
    ours = "-c search_path=tidegauge,public -c timezone=UTC"
    env["PGOPTIONS"] = f"{ours} {environment.get('PGOPTIONS', '')}".strip()
    env["PGAPPNAME"] = f"tidegauge db {program}"
    argv = (str(found), f"--dbname={database.url}", *arguments)
    if database.password is None:
        yield PsqlCall(argv, env)
        return
    with tempfile.TemporaryDirectory(prefix="tidegauge-") as folder:  # mode 0700
        file = Path(folder, "pgpass")
        fd = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(fd, "w") as passwords:
            passwords.write(f"*:*:*:*:{_escaped(database.password)}\n")
        yield PsqlCall(argv, {**env, "PGPASSFILE": str(file)})


def find_client(name: str, binaries: Path | None, path: str | None) -> Path:
    """Return the program beside the server's own, else the one on the PATH."""
    if "/" in name:
        raise OperatorError(f"{name} is a path", fix="Give a program's name, such as pg_dump")
    if binaries is not None and os.access(binaries / name, os.X_OK):
        return binaries / name
    found = shutil.which(name, path=path)
    if found is None:
        raise OperatorError(
            f"there is no {name} on the PATH",
            fix="Install PostgreSQL's client (postgresql-client), or use any other with the URL that "
            "`tidegauge db status` shows",
        )
    return Path(found)


def _escaped(password: str) -> str:
    return password.replace("\\", "\\\\").replace(":", "\\:")
