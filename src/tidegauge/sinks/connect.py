"""The way to the database: ours, embedded, or the one a URL names.

Whatever goes wrong is one line for a person, and no line ever holds a password.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from pydantic import SecretStr

from tidegauge.core.errors import OperatorError

from .address import PASSWORD_VARIABLE, URL_VARIABLE, mask, read_address
from .binaries import OLDEST
from .embedded import EmbeddedPostgres

__all__ = ["Database", "database_at", "mask", "open_database"]

CONNECT_DEADLINE_S = 10.0
CLOSE_DEADLINE_S = 1.0

PASSING_CLASSES = frozenset({"08", "53", "57"})
"""SQLSTATE classes of what goes by: no way to the server, no room in it, an operator at work."""

PASSING_STATES = frozenset({"25006", "55P03"})
"""A server that takes no writes now, and a lock that somebody else has."""


class DatabaseAway(OperatorError):
    """It does not answer, or not well, now; nothing says that it never will."""


def is_passing(error: BaseException) -> bool:
    """Whether an error speaks of a database that is away, or unwell, for a while."""
    if isinstance(error, asyncpg.PostgresError):
        state = error.sqlstate or ""
        return state[:2] in PASSING_CLASSES or state in PASSING_STATES
    if isinstance(error, ValueError):  # of our arguments
        return False
    lost = (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.InternalClientError)
    return isinstance(error, lost)


def cause_of(error: Exception) -> Exception:
    """Return what broke a transaction, where `error` only says that it could not be ended."""
    before = error.__context__
    if isinstance(error, asyncpg.InterfaceError) and isinstance(before, Exception):
        return before
    return error


FAILED = (
    OSError,
    TimeoutError,
    ValueError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
)
"""What a connect raises."""


async def _leave_alone() -> None:
    """A server that is not ours is not ours to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A database, and how to reach it. `describe` and `url` hold no secret.

    `revive` starts the server again where it is ours and died.
    """

    describe: str
    url: str
    embedded: bool
    password: str | None = field(repr=False)
    arguments: Callable[[], Mapping[str, Any]] = field(repr=False)
    revive: Callable[[], Awaitable[None]] = field(default=_leave_alone, repr=False)
    binaries: Path | None = None

    async def connect(self, deadline_s: float = CONNECT_DEADLINE_S) -> Any:
        """Return a new asyncpg connection. Raises what asyncpg raises."""
        async with asyncio.timeout(deadline_s):
            return await asyncpg.connect(**self.arguments(), timeout=deadline_s)

    @asynccontextmanager
    async def session(self) -> AsyncIterator[Any]:
        """Lend a connection. Raises `OperatorError` when the database cannot be reached."""
        try:
            connection = await self.connect()
        except FAILED as error:
            what, fix = _what_and_fix(error, self)
            kind = DatabaseAway if is_passing(error) else OperatorError
            raise kind(what, fix=fix) from None
        try:
            yield connection
        finally:
            await close(connection)


@asynccontextmanager
async def open_database(
    *,
    url: str | None,
    password: SecretStr | str | None,
    data_dir: Path,
    pg_bin: Path | None = None,
    known: Callable[[str], bool] = lambda _url: False,
) -> AsyncIterator[Database]:
    """Lend the database of `url`, or without one the embedded one below `data_dir`.

    One that is away, or unwell, is lent all the same when it is `known` to be there.
    Raises `OperatorError` when it cannot be reached, lets us not in, or is too old.
    """
    if not url:
        async with EmbeddedPostgres(data_dir, pg_bin) as server:
            yield _ours(server)
        return
    secret = password.get_secret_value() if isinstance(password, SecretStr) else password
    database = database_at(url, secret)
    try:
        async with database.session() as connection:
            version = connection.get_server_version()
    except DatabaseAway:
        if not known(database.url):
            raise
        version = None
    if version is not None and version.major < OLDEST:
        raise OperatorError(
            f"{database.describe} is version {version.major}, and Tidegauge needs {OLDEST} or newer",
            fix=f"Point {URL_VARIABLE} at a newer one, or unset it to use the embedded one",
        )
    yield database


def database_at(url: str, password: str | None = None) -> Database:
    """Return the database of `url`, not yet asked whether it is there. Raises `OperatorError`."""
    address = read_address(url, password)
    arguments: dict[str, Any] = {"dsn": address.url}
    if address.password is not None:
        arguments["password"] = address.password
    if "application_name=" not in address.url:
        arguments["server_settings"] = {"application_name": "tidegauge"}
    return Database(
        describe=address.describe,
        url=address.url,
        embedded=False,
        password=address.password,
        arguments=lambda: arguments,
    )


async def close(connection: Any) -> None:
    """Close a connection politely, or at once when the server does not answer."""
    try:
        async with asyncio.timeout(CLOSE_DEADLINE_S):
            await connection.close()
    except (
        OSError,
        TimeoutError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
    ):
        connection.terminate()


def _ours(server: EmbeddedPostgres) -> Database:
    return Database(
        describe=server.describe,
        url=server.dsn,
        embedded=True,
        password=server.connect_kwargs()["password"],
        arguments=server.connect_kwargs,
        revive=server.revive,
        binaries=server.binaries,
    )


def _what_and_fix(error: Exception, database: Database) -> tuple[str, str]:
    """Say what a failed connect means, and what helps."""
    where = database.describe
    match error:
        case asyncpg.InvalidPasswordError():
            return f"{where} refused the password", f"Set {PASSWORD_VARIABLE} to the right one"
        case asyncpg.InvalidAuthorizationSpecificationError():
            return f"{where} does not let us in: {_line(error)}", "See pg_hba.conf of that server"
        case asyncpg.InvalidCatalogNameError():
            return f"{where}: there is no such database", "Create it with createdb, or name another"
        case asyncpg.ConnectionDoesNotExistError():
            return (
                f"{where} hung up: {_line(error)}",
                "See the log of that server, or of the proxy before it",
            )
        case asyncpg.PostgresError() if is_passing(error):
            return f"{where} takes no connections now: {_line(error)}", "Try again when it does"
        case asyncpg.PostgresError():
            return (
                f"{where} cannot be used: {type(error).__name__}: {_line(error)}",
                f"See the log of that server, or point {URL_VARIABLE} at another",
            )
        case TimeoutError():
            what = f"{where} did not answer within {CONNECT_DEADLINE_S:.0f} s"
        case OSError():
            what = f"{where} cannot be reached: {_line(error)}"
        case _:
            what = f"{where} cannot be used: {type(error).__name__}: {_line(error)}"
    return what, f"Check {URL_VARIABLE}, or unset it to use the embedded PostgreSQL"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
