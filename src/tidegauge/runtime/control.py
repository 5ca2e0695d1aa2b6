"""A door into a running monitor: a unix socket that only its owner may open.

A line of JSON in, a line of JSON out: `{"do": "list" | "add" | "remove", "symbols": [...]}` is
answered by `{"said": [...]}`, or by `{"error": ..., "fix": ...}`.
"""

import asyncio
import contextlib
import hashlib
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import msgspec
import structlog

from tidegauge.core.errors import OperatorError

log = structlog.get_logger(__name__)

FOLDER = "control"
"""The folder of these sockets, below the data directory."""

SUFFIX = ".sock"
LONGEST_FOLDER = 90
"""A socket's whole path holds 104 bytes at most on some systems (unix(4))."""

PATIENCE_S = 10.0
LONGEST_LINE = 64 * 1024


class Request(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What somebody asks of a running monitor."""

    do: Literal["list", "add", "remove"]
    symbols: tuple[str, ...] = ()


class Reply(msgspec.Struct, frozen=True, omit_defaults=True):
    """What came of it: lines for people, or what is wrong and how to put it right."""

    said: tuple[str, ...] = ()
    error: str | None = None
    fix: str | None = None


Handler = Callable[[Request], Awaitable[Sequence[str]]]
"""Does what is asked, and says what came of it. Raises `OperatorError`."""


@asynccontextmanager
async def answering(data_dir: Path, handler: Handler) -> AsyncIterator[None]:
    """Answer requests while the block runs. Where no socket can be had, the monitor runs without."""
    path = folder_of(data_dir) / f"{os.getpid()}{SUFFIX}"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.parent.chmod(0o700)
        clear_away(data_dir, SUFFIX)
        server = await asyncio.start_unix_server(
            lambda reader, writer: _converse(reader, writer, handler), path, limit=LONGEST_LINE
        )
        path.chmod(0o600)
    except OSError as error:
        log.warning("control_socket_unavailable", path=str(path), reason=str(error))
        yield
        return
    try:
        yield
    finally:
        server.close()
        with contextlib.suppress(OSError):
            path.unlink()


async def _converse(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, handler: Handler
) -> None:
    try:
        async with asyncio.timeout(PATIENCE_S):
            line = await reader.readline()
            writer.write(msgspec.json.encode(await _reply(line, handler)) + b"\n")
            await writer.drain()
    except (OSError, ValueError, TimeoutError):
        pass  # whoever asked has left, or talks too much
    finally:
        writer.close()


async def _reply(line: bytes, handler: Handler) -> Reply:
    try:
        return Reply(said=tuple(await handler(msgspec.json.decode(line, type=Request))))
    except OperatorError as error:
        return Reply(error=error.what, fix=error.fix)
    except (msgspec.MsgspecError, UnicodeError) as error:
        return Reply(error=f"not a request: {error}", fix="Use the `tidegauge` of the same version")


def ask(data_dir: Path, request: Request, pid: int | None = None) -> Reply:
    """Ask the monitor that runs in this data directory. Raises `OperatorError`."""
    sockets = sockets_of(data_dir, SUFFIX)
    running = {int(found): path for found, path in sockets.items() if _answers(path)}
    if pid is not None:
        running = {found: path for found, path in running.items() if found == pid}
    if not running:
        which = "No monitor" if pid is None else f"No monitor with process id {pid}"
        raise OperatorError(
            f"{which} runs in {data_dir}",
            fix="Start one with `tidegauge monitor`, or name its folder with --data-dir",
        )
    if len(running) > 1:
        raise OperatorError(
            f"Several monitors run in {data_dir}: {', '.join(map(str, sorted(running)))}",
            fix="Choose one by its process id: --pid N",
        )
    (path,) = running.values()
    try:
        with _opened(path) as connection, connection.makefile("rwb") as stream:
            stream.write(msgspec.json.encode(request) + b"\n")
            stream.flush()
            return msgspec.json.decode(stream.readline(), type=Reply)
    except (OSError, msgspec.MsgspecError) as error:
        raise OperatorError(
            f"The monitor behind {path} does not answer: {error}", fix="Look at its log"
        ) from None


def folder_of(data_dir: Path) -> Path:
    """Where the sockets of a data directory are: below it or, if it is deep, in a place of our own."""
    folder = data_dir.absolute() / FOLDER
    if len(os.fsencode(folder)) <= LONGEST_FOLDER:
        return folder
    digest = hashlib.sha256(os.fsencode(folder)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"tidegauge-{os.getuid()}-{digest}"


def sockets_of(data_dir: Path, suffix: str) -> dict[str, Path]:
    """Return the sockets of a data directory whose names end so, by process id. None where the folder in
    a place that all share is somebody else's: what is behind them is no monitor of ours."""
    folder = folder_of(data_dir)
    try:
        if folder.name != FOLDER and folder.stat().st_uid != os.geteuid():
            return {}
        paths = sorted(folder.glob(f"*{suffix}"))
    except OSError:
        return {}
    return {path.stem: path for path in paths if path.stem.isdigit()}


def clear_away(data_dir: Path, suffix: str) -> None:
    """Remove the sockets of daemons that were killed: nobody has their process id, or is behind them."""
    for name, path in sockets_of(data_dir, suffix).items():
        if not _runs(int(name)) and not _answers(path):
            path.unlink(missing_ok=True)


def _runs(pid: int) -> bool:
    """Whether a process has this id, ours or somebody else's."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def _answers(path: Path) -> bool:
    """Whether somebody is behind a socket: one that crashed leaves its file."""
    try:
        with _opened(path):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_S)
        connection.connect(str(path))
        yield connection
