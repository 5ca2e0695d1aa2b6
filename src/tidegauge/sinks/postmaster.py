"""The embedded server's process: whether it lives, how it is started, how it is stopped.

`postmaster.pid` says where it listens; whether it lives is asked of the process table and of
`pg_isready`, never of a handle. Starting and stopping happen inside the election (`locks`).
"""

import asyncio
import os
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from tidegauge.core.errors import OperatorError

from .binaries import Binaries
from .cluster import Home, explaining, keep_log_small, last_complaint, write_private
from .commands import comes_true, command_line, run_program

POLL_S = 0.02
START_DEADLINE_S = 60.0
"""A start after a crash replays the log first."""

STOP_DEADLINES = ((signal.SIGINT, 3.0), (signal.SIGQUIT, 1.0), (signal.SIGKILL, 1.0))
"""How a server is stopped: fast, then immediately, then by force; each with its patience.

All three are safe: what was committed is in the log, which the next start replays."""

ATTEMPTS = 4
PASSING = ("in use", "already exists", "could not create any TCP/IP sockets")
"""Complaints that pass: somebody took the port between our look and the server's, or children of a
killed server still hold its memory."""

PORT_PATIENCE_S = 1.0
DEAD_PID = 2**31 - 1
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_permissions": "0700",
    "max_connections": "60",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",
}
if sys.platform == "linux":
    # A start after a crash syncs the data directory: in one call, not file by file (5 s).
    SETTINGS["recovery_init_sync_method"] = "syncfs"
# `&` leaves the server an orphan: it outlives whoever started it, as its other users need.
LAUNCH = 'log=$1; shift; "$@" </dev/null >>"$log" 2>&1 & echo $!'

log = structlog.get_logger()


@dataclass(frozen=True, slots=True, kw_only=True)
class Listening:
    """What a living server says of itself in `postmaster.pid`."""

    pid: int
    port: int
    socket_folder: Path
    ready: bool


def listening(home: Home) -> Listening | None:
    """Return what the living server says of itself, None when no server of this home lives."""
    try:
        lines = (home.cluster / "postmaster.pid").read_text().splitlines()
        pid, port, folder = int(lines[0]), int(lines[3]), lines[4]
    except (OSError, ValueError, IndexError):
        return None
    command = command_line(pid)
    if command is None or str(home.cluster) not in command:
        return None  # gone, a zombie, or the number belongs to somebody else by now
    ready = len(lines) > 7 and lines[7].strip() == "ready"  # noqa: PLR2004 - the file's eighth line
    return Listening(pid=pid, port=port, socket_folder=Path(folder), ready=ready)


async def ensure_running(home: Home, binaries: Binaries, port: int | None) -> Listening:
    """Return a server that answers, started if need be. Raises `OperatorError`."""
    complaint = ""
    for attempt in range(ATTEMPTS):
        said = listening(home)
        written = home.log.stat().st_size if home.log.exists() else 0
        if said is None:
            pid = await _launch(home, binaries, await _choose_port(home, port, again=attempt == 0))
        else:
            pid = said.pid
        answered = await _answer(home, binaries, pid)
        if answered is not None:
            if said is None:
                log.info("embedded_postgres_started", pid=pid, port=answered.port)
            return answered
        complaint = _said_since(home, written)
        if not any(sign in complaint for sign in PASSING):
            break
        await asyncio.sleep(0.25 * 2**attempt)
    raise OperatorError(
        f"the embedded PostgreSQL did not start: {complaint} (log: {home.log})",
        fix="Put right what the log says, or set TIDEGAUGE_DATABASE_URL",
    )


async def stop_server(home: Home) -> None:
    """Stop the server of `home`, if one lives; returns when it is gone, within 5 s."""
    said = listening(home)
    if said is None:
        return
    for sign, patience_s in STOP_DEADLINES:
        with suppress(ProcessLookupError):
            os.kill(said.pid, sign)
        if await comes_true(lambda: command_line(said.pid) is None, patience_s):
            log.info("embedded_postgres_stopped", pid=said.pid)
            return
    log.error("embedded_postgres_would_not_stop", pid=said.pid)


async def _launch(home: Home, binaries: Binaries, port: int) -> int:
    """Start the server program and return its process id; it does not answer yet."""
    options = {**SETTINGS, "port": port, "unix_socket_directories": home.socket_folder}
    arguments = [part for name, value in options.items() for part in ("-c", f"{name}={value}")]
    program = binaries.program("postgres")
    with explaining(home.folder):
        _disown_the_dead(home)
        keep_log_small(home)
        write_private(home.port_file, f"{port}\n", home.account)
        finished = await run_program(
            ["/bin/sh", "-c", LAUNCH, "sh", home.log, program, "-D", home.cluster, *arguments],
            account=home.account,
            cwd=home.folder,
            deadline_s=10.0,
        )
    if finished.code != 0:
        raise OperatorError(f"cannot start PostgreSQL: {last_complaint(finished.output)}")
    return int(finished.output)


async def _answer(home: Home, binaries: Binaries, pid: int) -> Listening | None:
    """Wait until the server answers, and return what it says; None when it ended."""
    with suppress(TimeoutError):
        async with asyncio.timeout(START_DEADLINE_S):
            while command_line(pid) is not None:
                said = listening(home)
                if said is not None and said.ready and await _is_ready(home, binaries, said):
                    return said
                await asyncio.sleep(POLL_S)
            return None
    raise OperatorError(
        f"the embedded PostgreSQL (process {pid}) has not answered for {START_DEADLINE_S:.0f} s",
        fix=f"See {home.log}; if the process hangs, end it and try again",
    )


async def _is_ready(home: Home, binaries: Binaries, said: Listening) -> bool:
    asked = await run_program(
        [
            *(binaries.program("pg_isready"), "-q", "-t", "3"),
            *("-h", said.socket_folder, "-p", str(said.port)),
        ],
        account=home.account,
        cwd=home.folder,
        deadline_s=5.0,
    )
    return asked.code == 0


def _disown_the_dead(home: Home) -> None:
    """Make the lock files of a server that died point at nobody.

    Its number may live on as a zombie or as somebody else's process, and PostgreSQL would refuse to
    start. `postmaster.pid` stays: its shared-memory key still guards against children left behind.
    """
    with suppress(FileNotFoundError):
        pid_file = home.cluster / "postmaster.pid"
        _pid, _, rest = pid_file.read_text().partition("\n")
        pid_file.write_text(f"{DEAD_PID}\n{rest}")
    for left in home.socket_folder.glob(".s.PGSQL.*"):
        left.unlink(missing_ok=True)


async def _choose_port(home: Home, port: int | None, *, again: bool) -> int:
    """Return `port`, or the one used last (so that addresses written down stay valid), or any."""
    if port is not None:
        if not await comes_true(lambda: _is_free(port), PORT_PATIENCE_S):
            raise OperatorError(
                f"port {port} on 127.0.0.1 is in use",
                fix="Choose another for the embedded PostgreSQL, or none",
            )
        return port
    with suppress(OSError, ValueError):
        last = int(home.port_file.read_text())
        # Children of a killed server hold it for a moment.
        if again and await comes_true(lambda: _is_free(last), PORT_PATIENCE_S):
            return last
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        chosen: int = probe.getsockname()[1]
        return chosen


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except (OSError, OverflowError):
            return False
        return True


def _said_since(home: Home, offset: int) -> str:
    """Return what the server complained of after the first `offset` bytes of its log."""
    try:
        with home.log.open("rb") as file:
            if file.seek(0, os.SEEK_END) >= offset:
                file.seek(offset)
            else:
                file.seek(0)
            return last_complaint(file.read(65_536).decode(errors="replace"))
    except OSError:
        return "it wrote no log"
