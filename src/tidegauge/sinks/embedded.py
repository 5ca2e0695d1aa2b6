"""A private PostgreSQL below the data directory, shared by every process that uses it.

Whoever comes first makes and starts it; whoever leaves last stops it. A user that crashed counts as
one that left.
"""

import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import asyncpg
import structlog

from tidegauge.core.errors import OperatorError

from .binaries import Binaries, find_binaries, reachable
from .cluster import DATABASE, SUPERUSER, Home, explaining, initialise, locate, prepare
from .cluster import shared_folder as shared
from .locks import Election, FileLock
from .postmaster import Listening, ensure_running, listening, stop_server

PATIENCE_S = 150.0
"""How long another process may take to make and start the server."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class EmbeddedStatus:
    """How an embedded server is. `state`: absent, stopped, starting or running."""

    state: str
    home: Path
    pid: int | None = None
    port: int | None = None
    major: int | None = None


@dataclass(slots=True)
class EmbeddedPostgres:
    """One process's use of the embedded server: `async with EmbeddedPostgres(data_dir) as server`.

    `port` asks for a fixed one; otherwise the last one is taken again while it is free.
    """

    data_dir: Path
    pg_bin: Path | None = None
    port: int | None = None
    _home: Home | None = None
    _binaries: Binaries | None = None
    _users: FileLock | None = None
    _listening: Listening | None = None
    _password: str = field(default="", repr=False)

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.stop()

    @property
    def home(self) -> Home:
        return self._home or locate(self.data_dir)

    @property
    def binaries(self) -> Path:
        """The folder of its programs."""
        if self._binaries is None:
            raise OperatorError("the embedded PostgreSQL has not been started")
        return self._binaries.folder

    @property
    def dsn(self) -> str:
        """How to reach it from outside, without the password."""
        return f"postgresql://{SUPERUSER}@127.0.0.1:{self._said().port}/{DATABASE}"

    @property
    def describe(self) -> str:
        """One line for people."""
        major = self._binaries.major if self._binaries else "?"
        return f"embedded PostgreSQL {major} on 127.0.0.1:{self._said().port} ({self.home.folder})"

    def connect_kwargs(self) -> dict[str, Any]:
        """Return asyncpg's arguments, the password among them."""
        said = self._said()
        return {
            "host": str(said.socket_folder),
            "port": said.port,
            "user": SUPERUSER,
            "database": DATABASE,
            "password": self._password,
        }

    async def start(self) -> None:
        """Use the server; make and start it if nobody has. Raises `OperatorError`."""
        began = time.monotonic()
        home = self._home = locate(self.data_dir)
        prepare(self.data_dir, home)
        users = FileLock(home.users)
        try:
            with explaining(home.folder):
                users.open()
            async with Election(home.election, PATIENCE_S):
                # Nobody holds it alone but the last one out, and that one is inside the election.
                users.try_shared()
                found = find_binaries(self.pg_bin, home.major)
                self._binaries = reachable(found, home.account, shared())
                if home.major is None:
                    await initialise(home, self._binaries)
                    log.info("embedded_postgres_made", home=str(home.folder), major=found.major)
                self._password = home.password()
                self._listening = await ensure_running(home, self._binaries, self.port)
                await _ensure_database(self.connect_kwargs(), home)
        except BaseException:
            users.close()
            raise
        self._users = users
        log.debug("embedded_postgres_joined", seconds=round(time.monotonic() - began, 3))

    async def revive(self) -> None:
        """Start the server again if it died under us. Raises `OperatorError`."""
        if self._users is None or self._home is None or self._binaries is None:
            return
        async with Election(self._home.election, PATIENCE_S):
            self._listening = await ensure_running(self._home, self._binaries, self.port)

    async def stop(self) -> None:
        """Leave; the last one out stops the server."""
        users, self._users = self._users, None
        if users is None:
            return
        try:
            async with Election(self.home.election, PATIENCE_S):
                if users.try_exclusive():
                    await stop_server(self.home)
        finally:
            users.close()

    def _said(self) -> Listening:
        if self._listening is None:
            raise OperatorError("the embedded PostgreSQL has not been started")
        return self._listening


def status(data_dir: Path) -> EmbeddedStatus:
    """Return how the embedded server of `data_dir` is; starts and changes nothing.

    Raises `OperatorError` when we may not look.
    """
    home = locate(data_dir)
    with explaining(home.folder):
        major = home.major
    said = listening(home)
    if said is None:
        state = "absent" if major is None else "stopped"
        return EmbeddedStatus(state=state, home=home.folder, major=major)
    return EmbeddedStatus(
        state="running" if said.ready else "starting",
        home=home.folder,
        pid=said.pid,
        port=said.port,
        major=major,
    )


async def _ensure_database(arguments: dict[str, Any], home: Home) -> None:
    """Make our database in a fresh cluster. Raises `OperatorError` when the password is not its own."""
    try:
        connection = await asyncpg.connect(**{**arguments, "database": "postgres"}, timeout=10)
        try:
            if not await connection.fetchval(
                "SELECT count(*) FROM pg_database WHERE datname = $1", DATABASE
            ):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close(timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresError) as error:
        raise OperatorError(
            f"the embedded PostgreSQL does not let us in: {type(error).__name__}: {error}",
            fix=f"See {home.log}; is {home.password_file} the one it was made with?",
        ) from None
