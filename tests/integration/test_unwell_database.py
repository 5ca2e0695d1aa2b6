"""A monitor begins though a database it knows is only unwell; of an unknown one it says what is wrong."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest
from tests.support.database import Server, until
from tests.support.ports import kept_port

from tidegauge.core.errors import OperatorError
from tidegauge.runtime.settings import Settings, load_settings
from tidegauge.runtime.storage import Storage, run_of
from tidegauge.sinks.connect import Database, DatabaseAway
from tidegauge.sinks.leases import leases


def settings_of(
    database: Database, port: int, data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> Settings:
    """Return the settings of a monitor that reaches the database by a TCP port."""
    name = database.url.rpartition("/")[2]
    url = f"postgresql://tidegauge@127.0.0.1:{port}/{name}"
    monkeypatch.setenv("TIDEGAUGE_DATABASE_URL", url)
    monkeypatch.setenv("TIDEGAUGE_DATABASE_PASSWORD", database.password or "")
    monkeypatch.setenv("TIDEGAUGE_DATA_DIR", str(data_dir))
    return load_settings().settings


def opened(settings: Settings, run: str = "run-1") -> AbstractAsyncContextManager[Storage]:
    """Open the storage of a run that watches one symbol."""
    about = run_of(run, time.time_ns(), "monitor", ("BTCUSDT",))
    return Storage.opened(settings, about, lambda _crash: None)


@asynccontextmanager
async def read_only(database: Database) -> AsyncIterator[None]:
    """A server that takes no writes, as a standby."""
    name = database.url.rpartition("/")[2]
    async with database.session() as connection:
        await connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        yield
        await connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")


@asynccontextmanager
async def locked(database: Database) -> AsyncIterator[None]:
    """Somebody has locked the table of the leases."""
    async with database.session() as connection, connection.transaction():
        await connection.execute("LOCK TABLE leases IN ACCESS EXCLUSIVE MODE")
        yield


@pytest.mark.parametrize(
    ("unwell", "word"), [(read_only, "ReadOnlySQLTransactionError"), (locked, "LockNotAvailable")]
)
async def test_a_monitor_begins_though_a_database_it_knows_takes_no_lease(
    unwell: object,
    word: str,
    database: Database,
    postgres_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has its lease once the database is well again. An unknown one is refused in one line."""
    port = postgres_server.embedded.connect_kwargs()["port"]
    settings = settings_of(database, port, tmp_path / "known", monkeypatch)
    async with opened(settings, "run-0"):
        pass
    ill = unwell(database)  # type: ignore[operator]
    await ill.__aenter__()
    unknown = settings_of(database, port, tmp_path / "unknown", monkeypatch)
    with pytest.raises(DatabaseAway, match=word) as refused:
        async with opened(unknown):
            pass
    assert "Check TIDEGAUGE_DATABASE_URL" not in str(refused.value)
    async with opened(settings) as storage, storage.working():
        assert storage.leases.missing == {"BTCUSDT"}
        await ill.__aexit__(None, None, None)
        await until(lambda: not storage.leases.missing)
    async with database.session() as connection:
        (lease,) = await leases(connection)
    assert lease.holder.run == "run-1"
    assert lease.released


def refusal(state: str, words: str) -> bytes:
    """Return the message of a server, or of a pooler before it, that lets nobody in."""
    body = f"SFATAL\0VFATAL\0C{state}\0M{words}\0\0".encode()
    return b"E" + (len(body) + 4).to_bytes(4, "big") + body


@asynccontextmanager
async def answering(reply: bytes, port: int) -> AsyncIterator[None]:
    """Listen as a pooler with a dead server behind it: it answers every hello with `reply`."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        hello = await reader.read(1000)
        if len(hello) == 8:  # may we speak TLS?
            writer.write(b"N")
            await reader.read(1000)
        writer.write(reply)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


@asynccontextmanager
async def passing(to: int, port: int) -> AsyncIterator[None]:
    """Listen as a pooler whose server is well."""

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while part := await reader.read(65536):
                writer.write(part)
                await writer.drain()
        finally:
            writer.close()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        theirs, ours = await asyncio.open_connection("127.0.0.1", to)
        await asyncio.gather(pump(reader, ours), pump(theirs, writer), return_exceptions=True)

    server = await asyncio.start_server(answer, "127.0.0.1", port)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


@pytest.mark.parametrize(
    ("reply", "word"),
    [
        (b"", "hung up"),
        (refusal("08P01", "server login has been failing"), "takes no connections now"),
        (refusal("57P01", "terminating connection"), "takes no connections now"),
        (refusal("53300", "sorry, too many clients already"), "takes no connections now"),
        (refusal("53100", "no space left on device"), "takes no connections now"),
    ],
)
async def test_a_monitor_begins_though_only_a_pooler_answers(
    reply: bytes,
    word: str,
    database: Database,
    postgres_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server behind it is dead, full or going down: a known database is waited for."""
    with kept_port() as port:
        settings = settings_of(database, port, tmp_path / "known", monkeypatch)
        unknown = settings_of(database, port, tmp_path / "unknown", monkeypatch)
        async with (
            passing(postgres_server.embedded.connect_kwargs()["port"], port),
            opened(settings, "run-0"),
        ):
            pass
        async with answering(reply, port):
            async with opened(settings) as storage:
                assert storage.leases.missing == {"BTCUSDT"}
            with pytest.raises(DatabaseAway, match=word) as refused:
                async with opened(unknown):
                    pass
    assert "Check TIDEGAUGE_DATABASE_URL" not in str(refused.value)


async def test_a_known_database_that_lets_us_not_in_is_refused(
    database: Database,
    postgres_server: Server,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A wrong password, or a right that was taken from us, does not go by by itself."""
    port = postgres_server.embedded.connect_kwargs()["port"]
    settings = settings_of(database, port, tmp_path, monkeypatch)
    async with opened(settings, "run-0"):
        pass
    monkeypatch.setenv("TIDEGAUGE_DATABASE_PASSWORD", "wrong")
    with pytest.raises(OperatorError, match="refused the password"):
        async with opened(load_settings().settings):
            pass
