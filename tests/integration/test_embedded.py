"""The embedded PostgreSQL: made wholly or not at all, shared, and hard to leave in a mess."""

import asyncio
import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import textwrap
from pathlib import Path

import asyncpg
import pytest
from tests.support.database import PATIENCE_S, new_data_dir, remove, until
from tests.support.ports import kept_port
from tests.support.programs import absent

from tidegauge.core.errors import OperatorError
from tidegauge.sinks import embedded
from tidegauge.sinks.binaries import find_binaries
from tidegauge.sinks.commands import Account, command_line
from tidegauge.sinks.embedded import EmbeddedPostgres, status
from tidegauge.sinks.postmaster import listening

DEBIAN = Path("/usr/lib/postgresql/15/bin")


async def fetchval(server: EmbeddedPostgres, query: str) -> object:
    connection = await asyncpg.connect(**server.connect_kwargs(), timeout=PATIENCE_S)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


async def test_a_new_directory_becomes_a_server_and_stops_with_its_user(data_dir: Path) -> None:
    """Made, started, private, stopped, and found again with what was in it."""
    assert status(data_dir).state == "absent"
    async with EmbeddedPostgres(data_dir) as server:
        assert status(data_dir).state == "running"
        await fetchval(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        assert mode(server.home.folder) == 0o700
        assert mode(server.home.password_file) == 0o600
        assert mode(server.home.log) == 0o600
        port = status(data_dir).port
        assert port is not None
    assert status(data_dir).state == "stopped"
    with kept_port(port):
        async with EmbeddedPostgres(data_dir) as server:
            assert await fetchval(server, "SELECT answer FROM kept") == 42
            assert status(data_dir).port == port, "an address written down stays valid"


async def test_the_password_is_asked_for_everywhere(made_data_dir: Path) -> None:
    """On the socket and on 127.0.0.1; no shown text holds it."""
    async with EmbeddedPostgres(made_data_dir) as server:
        right = server.connect_kwargs()
        for host in (right["host"], "127.0.0.1"):
            with pytest.raises(asyncpg.InvalidPasswordError):
                await asyncpg.connect(
                    **{**right, "host": host, "password": "guess"}, timeout=PATIENCE_S
                )
        connection = await asyncpg.connect(**{**right, "host": "127.0.0.1"}, timeout=PATIENCE_S)
        await connection.close()
        for shown in (repr(server), server.dsn, server.describe):
            assert right["password"] not in shown
        said = status(made_data_dir)
        assert right["password"] not in (command_line(said.pid or 0) or "")


async def test_users_share_it_and_the_last_one_stops_it(made_data_dir: Path) -> None:
    """Four come at once, one makes it; three leave, it stays."""
    servers = [EmbeddedPostgres(made_data_dir) for _ in range(4)]
    await asyncio.gather(*(server.start() for server in servers))
    pids = {status(made_data_dir).pid}
    for server in servers[:3]:
        await server.stop()
        pids.add(status(made_data_dir).pid)
    assert len(pids) == 1
    assert await fetchval(servers[3], "SELECT 1") == 1
    await servers[3].stop()
    assert status(made_data_dir).state == "stopped"


async def test_two_processes_share_it_and_a_killed_one_does_not_hold_it_up(
    made_data_dir: Path,
) -> None:
    """The kernel lets go of a dead user's lock: the one that is left stops the server."""
    script = textwrap.dedent("""
        import asyncio, sys
        from pathlib import Path
        from tidegauge.sinks.embedded import EmbeddedPostgres

        async def use():
            async with EmbeddedPostgres(Path(sys.argv[1])):
                print("in", flush=True)
                await asyncio.sleep(600)

        asyncio.run(use())
    """)
    with subprocess.Popen(
        [sys.executable, "-c", script, str(made_data_dir)], stdout=subprocess.PIPE, text=True
    ) as other:
        assert other.stdout is not None
        lines = iter(other.stdout.readline, "")
        assert any(line.strip() == "in" for line in lines)
        pid = status(made_data_dir).pid
        async with EmbeddedPostgres(made_data_dir) as server:
            assert status(made_data_dir).pid == pid, "the server the other process started"
            other.kill()
            other.wait()
            assert await fetchval(server, "SELECT 1") == 1
        assert status(made_data_dir).state == "stopped"


async def test_a_killed_postmaster_is_started_again(made_data_dir: Path) -> None:
    """Its children, its pid file and its socket are left behind; what was committed is there."""
    async with EmbeddedPostgres(made_data_dir) as server:
        await fetchval(server, "CREATE TABLE kept AS SELECT 42 AS answer")
        for _ in range(3):
            before = status(made_data_dir).pid
            assert before is not None
            os.kill(before, signal.SIGKILL)
            await until(lambda: status(made_data_dir).state == "stopped")
            await server.revive()
            assert status(made_data_dir).pid != before
            assert await fetchval(server, "SELECT answer FROM kept") == 42


async def test_a_pid_file_that_names_a_zombie_is_stale(made_data_dir: Path) -> None:
    """A zombie answers `kill(pid, 0)`, so PostgreSQL itself would refuse to start."""
    async with EmbeddedPostgres(made_data_dir) as server:
        home = server.home
    zombie = subprocess.Popen(["/bin/true"])
    await until(lambda: command_line(zombie.pid) is None)
    try:
        _leave_pid_file(home.cluster, zombie.pid)
        assert status(made_data_dir).state == "stopped"
        async with EmbeddedPostgres(made_data_dir) as server:
            assert await fetchval(server, "SELECT 1") == 1
    finally:
        zombie.wait()


async def test_a_pid_file_that_names_somebody_else_is_stale(made_data_dir: Path) -> None:
    """After a reboot the number may be another process's; that one is not touched."""
    async with EmbeddedPostgres(made_data_dir) as server:
        home = server.home
    with subprocess.Popen(["/bin/sleep", "600"]) as other:
        _leave_pid_file(home.cluster, other.pid)
        assert listening(home) is None
        async with EmbeddedPostgres(made_data_dir) as server:
            assert await fetchval(server, "SELECT 1") == 1
        assert other.poll() is None
        other.kill()


def _leave_pid_file(cluster: Path, pid: int) -> None:
    """Write what a server that was cut off leaves."""
    owner = cluster.stat()
    file = cluster / "postmaster.pid"
    file.write_text(f"{pid}\n{cluster}\n1767268800\n54321\n{cluster.parent}\n127.0.0.1\n")
    os.chown(file, owner.st_uid, owner.st_gid)


async def test_an_interrupted_making_leaves_nothing_half_made(data_dir: Path) -> None:
    """Cancelled in initdb: no cluster; what was begun is swept away by the next start."""
    server = EmbeddedPostgres(data_dir)
    making = asyncio.create_task(server.start())
    home = server.home
    await until(lambda: bool(list(home.folder.glob("cluster.new-*"))))
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    assert status(data_dir).state == "absent"
    async with EmbeddedPostgres(data_dir) as server:
        assert await fetchval(server, "SELECT 1") == 1
        assert not list(home.folder.glob("cluster.new-*"))


async def test_a_disk_that_is_full_is_told_in_one_line(data_dir: Path) -> None:
    """What initdb said, where, and what to do; nothing is left that looks like a cluster."""
    programs = data_dir.parent / "bin"
    programs.mkdir(parents=True, mode=0o755)
    programs.chmod(0o755)
    real = find_binaries(None).folder
    for name in ("postgres", "pg_isready"):
        (programs / name).symlink_to(real / name)
    broken = programs / "initdb"
    broken.write_text('#!/bin/sh\necho "initdb: error: No space left on device"; exit 1\n')
    broken.chmod(0o755)
    with pytest.raises(OperatorError, match="No space left on device") as raised:
        await EmbeddedPostgres(data_dir, programs).start()
    assert "\n" not in str(raised.value)
    assert status(data_dir).state == "absent"


async def test_a_server_that_will_not_start_shows_its_last_words(made_data_dir: Path) -> None:
    """The reason is in the log; the one line carries it, and the log's place."""
    async with EmbeddedPostgres(made_data_dir) as server:
        home = server.home
    with (home.cluster / "postgresql.conf").open("a") as file:
        file.write("shared_buffers = 'plenty'\n")
    with pytest.raises(OperatorError, match=r"configuration file .* contains errors.*server\.log"):
        await EmbeddedPostgres(made_data_dir).start()


async def test_a_port_in_use_is_an_error_only_when_it_was_asked_for(made_data_dir: Path) -> None:
    """Asked for: one line. The last one used: another is taken."""
    async with EmbeddedPostgres(made_data_dir):
        port = status(made_data_dir).port
        assert port is not None
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(OperatorError, match=f"port {port} on 127.0.0.1 is in use"):
            await EmbeddedPostgres(made_data_dir, port=port).start()
        async with EmbeddedPostgres(made_data_dir) as server:
            assert status(made_data_dir).port != port
            assert await fetchval(server, "SELECT 1") == 1


async def test_a_directory_that_cannot_be_one_is_told(tmp_path: Path) -> None:
    """A file where the directory should be, and a place where nothing can be made."""
    (tmp_path / "file").write_text("")
    for impossible in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/tidegauge")):
        with pytest.raises(OperatorError, match="cannot use the data directory") as raised:
            await EmbeddedPostgres(impossible).start()
        assert "TIDEGAUGE_DATA_DIR" in str(raised.value)


async def test_a_lost_password_is_told(made_data_dir: Path) -> None:
    """The file is gone: one line that names it."""
    async with EmbeddedPostgres(made_data_dir) as server:
        password_file = server.home.password_file
    password_file.unlink()
    with pytest.raises(OperatorError, match="password of the embedded database is gone"):
        await EmbeddedPostgres(made_data_dir).start()


async def test_a_long_path_has_its_socket_elsewhere() -> None:
    """A unix socket's path is limited to about 100 bytes."""
    top = new_data_dir()
    deep = top.joinpath(*["a-long-name-for-a-folder"] * 5)
    deep.mkdir(parents=True)
    for folder in (top, *deep.parents):
        if folder.is_relative_to(top):
            folder.chmod(0o711)
    deep.chmod(0o711)
    try:
        async with EmbeddedPostgres(deep) as server:
            assert not server.home.socket_folder.is_relative_to(deep)
            assert mode(server.home.socket_folder) == 0o700
            assert await fetchval(server, "SELECT 1") == 1
    finally:
        remove(deep)
        shutil.rmtree(top.parent)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root is refused by PostgreSQL")
async def test_root_with_a_private_home_has_its_server_where_it_can_live() -> None:
    """`nobody` may not look into /root: the server's home is at a fixed place outside."""
    top = new_data_dir().parent
    top.chmod(0o700)
    data_dir = top / "data"
    try:
        async with EmbeddedPostgres(data_dir) as server:
            assert server.home.folder.is_relative_to("/var/lib/tidegauge")
            assert server.home == EmbeddedPostgres(data_dir).home
            assert await fetchval(server, "SELECT 1") == 1
    finally:
        remove(data_dir)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs its server as somebody else")
async def test_root_with_private_programs_runs_a_copy_of_them(
    data_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Installed below /root, the programs cannot be run by `nobody`: a copy serves."""
    reach, shared = Account.can_reach, data_dir.parent / "shared"
    wheel = find_binaries(None).folder
    monkeypatch.setattr(
        Account, "can_reach", lambda account, path: path != wheel and reach(account, path)
    )
    monkeypatch.setattr(embedded, "shared", lambda: shared)
    for _ in range(2):
        async with EmbeddedPostgres(data_dir) as server:
            assert server.binaries.is_relative_to(shared)
            assert await fetchval(server, "SELECT 1") == 1
    assert len(list(shared.iterdir())) == 1


async def test_debians_postgresql_serves_too(data_dir: Path) -> None:
    """TIDEGAUGE_PG_BIN points at another PostgreSQL; the wheel's then refuses what it made."""
    if not DEBIAN.is_dir():
        absent("PostgreSQL 15 in /usr/lib/postgresql")
    async with EmbeddedPostgres(data_dir, DEBIAN) as server:
        shown = await fetchval(server, "SHOW server_version")
        assert str(shown).startswith("15.")
    with pytest.raises(OperatorError, match="made by PostgreSQL 15"):
        await EmbeddedPostgres(data_dir).start()


async def test_programs_that_are_not_there_are_told(data_dir: Path) -> None:
    """A wrong TIDEGAUGE_PG_BIN names itself."""
    with pytest.raises(OperatorError, match="TIDEGAUGE_PG_BIN"):
        await EmbeddedPostgres(data_dir, Path("/nowhere")).start()
