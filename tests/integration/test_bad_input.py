"""What an operator gets wrong is told in one line: what, where, and what to do.

Every case is the real command in a process of its own.
"""

import asyncio
import gzip
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.support.cli import Told, endpoints, environment, tidegauge
from tests.support.database import Server
from tests.support.forked import ForkedCommands, forked_commands
from tests.support.programs import require_program

from tidegauge.runtime.local_venues import LocalVenues

CANARY = "c4n4ry-Pa55word"
"""A password. It may stand in no output whatsoever."""

MONITOR = ("monitor", "--symbol", "BTCUSDT", "--venue", "binance")


@dataclass(frozen=True)
class Case:
    """What is typed, and what the one line must name."""

    name: str
    arguments: tuple[str, ...]
    names: tuple[str, ...]
    code: int = 1
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str | bytes] = field(default_factory=dict)


def settings(text: str) -> dict[str, str | bytes]:
    return {"config/settings.yaml": text}


CASES = [
    Case("a wrong flag", ("monitor", "--simbol", "X"), ("--simbol", "--symbol"), code=2),
    Case("an unknown command", ("monitr",), ("monitr", "monitor", "--help"), code=2),
    Case("a flag without its value", ("monitor", "--symbol"), ("--symbol", "--help"), code=2),
    Case("a missing flag", ("monitor",), ("--symbol", "tidegauge monitor --help"), code=2),
    Case("a missing argument", ("replay",), ("tape", "tidegauge replay --help"), code=2),
    Case("a duration of nothing", (*MONITOR, "--duration", "0"), ("--duration",), code=2),
    Case("a duration that is no number", (*MONITOR, "--duration", "nan"), ("--duration",), code=2),
    Case("a demo that stands still", ("demo", "--speed", "0"), ("--speed", "0.1"), code=2),
    Case("an empty symbol", ("monitor", "--symbol", " "), ("--symbol", "BTCUSDT")),
    Case(
        "an unknown venue",
        ("monitor", "--symbol", "BTCUSDT", "--venue", "binnance"),
        ("'binnance'", "Did you mean 'binance'?"),
    ),
    Case(
        "an unknown venue in the settings",
        ("config",),
        ("'bybit-spit'", "TIDEGAUGE_ENDPOINTS__BYBIT_SPIT__WS_URL", "Did you mean 'bybit-spot'?"),
        env={"TIDEGAUGE_ENDPOINTS__BYBIT_SPIT__WS_URL": "ws://127.0.0.1:1"},
    ),
    Case(
        "a symbol mapped to an unknown venue",
        ("config",),
        ("symbols.BTCUSDT.instruments.bibance", "config/settings.yaml", "Did you mean 'binance'?"),
        files=settings("symbols:\n  BTCUSDT:\n    instruments: {bibance: BTCUSDT}\n"),
    ),
    Case(
        "malformed YAML",
        ("config",),
        ("Malformed YAML", "config/settings.yaml, line 2"),
        files=settings("venues: [binance,\n"),
    ),
    Case(
        "settings that are not text",
        ("config",),
        ("config/settings.yaml", "UTF-8"),
        files={"config/settings.yaml": b"venues: \xff\xfe"},
    ),
    Case(
        "an unknown setting",
        ("config",),
        ("'reading'", "line 1", "Did you mean 'readings'?"),
        files=settings("reading:\n  write_every_s: 60\n"),
    ),
    Case(
        "an unknown variable",
        ("config",),
        ("TIDEGAUGE_FEED__MAILBX", "Did you mean TIDEGAUGE_FEED__MAILBOX?"),
        env={"TIDEGAUGE_FEED__MAILBX": "60"},
    ),
    Case(
        "a threshold as a variable, which it no longer is",
        ("config",),
        ("TIDEGAUGE_CRUNCH__STEP__HOLD_S", "write crunch.step.hold_s in config/rules.yaml"),
        env={"TIDEGAUGE_CRUNCH__STEP__HOLD_S": "3"},
    ),
    Case(
        "rules that are not sound",
        MONITOR,
        ("config/rules.yaml:3: crunch.step.hold_s is -1", "1 more: `tidegauge rules check`"),
        files={"config/rules.yaml": b"crunch:\n  step:\n    hold_s: -1\n    hodl_s: 1\n"},
    ),
    Case(
        "rules that are not there",
        MONITOR,
        ("Can't read rules file no.yaml",),
        env={"TIDEGAUGE_RULES": "no.yaml"},
    ),
    Case(
        "a value out of range",
        ("config",),
        ("feed.mailbox is 3", "at least 16", "config/settings.yaml, line 2"),
        files=settings("feed:\n  mailbox: 3\n"),
    ),
    Case(
        "a value that is no number",
        ("config",),
        ("feed.mailbox", "whole number", "TIDEGAUGE_FEED__MAILBOX"),
        env={"TIDEGAUGE_FEED__MAILBOX": "plenty"},
    ),
    Case("a settings file that is not there", ("config", "--config", "no.yaml"), ("no.yaml",)),
    Case(
        "a database without its password",
        MONITOR,
        ("TIDEGAUGE_DATABASE_PASSWORD",),
        env={"TIDEGAUGE_DATABASE_URL": "postgresql://monitor@127.0.0.1:1/tidegauge"},
    ),
    Case(
        "a database that cannot be reached",
        MONITOR,
        ("127.0.0.1:1", "Connection refused", "TIDEGAUGE_DATABASE_URL"),
        env={"TIDEGAUGE_DATABASE_URL": f"postgresql://monitor:{CANARY}@127.0.0.1:1/tidegauge"},
    ),
    Case(
        "a database URL of another kind",
        MONITOR,
        ("postgresql://", "TIDEGAUGE_DATABASE_URL"),
        env={"TIDEGAUGE_DATABASE_URL": f"mysql://monitor:{CANARY}@127.0.0.1/tidegauge"},
    ),
    Case(
        "a password that was not encoded",
        MONITOR,
        ("TIDEGAUGE_DATABASE_URL", "postgresql://"),
        env={"TIDEGAUGE_DATABASE_URL": f"postgresql://u:{CANARY}/#@127.0.0.1:1/x"},
    ),
    Case(
        "a data directory below a file",
        ("db", "up", "--once", "--data-dir", "file/data"),
        ("file/data", "Not a directory", "TIDEGAUGE_DATA_DIR"),
        files={"file": "not a folder"},
    ),
    Case(
        "a demo's data directory below a file",
        ("demo", "--data-dir", "file/data"),
        ("file/data", "Not a directory", "--data-dir"),
        files={"file": "not a folder"},
    ),
    Case("a tape that is not there", ("replay", "no.tsv"), ("no.tsv", "Check the path")),
    Case("a tape that is a folder", ("replay", "."), ("There is no tape in", ".tape.zst")),
    Case(
        "a tape that is none",
        ("replay", "notes.tsv"),
        ("notes.tsv", "line 3", "'once upon a time"),
        files={"notes.tsv": "1\topen\twss://x/\t\n2\trecv\twss://x/\t{}\nonce upon a time\n"},
    ),
    Case(
        "a tape cut off in the middle",
        ("replay", "cut.tsv.gz"),
        ("cut.tsv.gz", "line 1", "end"),
        files={"cut.tsv.gz": gzip.compress(os.urandom(4000).hex().encode())[:-20]},
    ),
    Case(
        "a tape of noise",
        ("replay", "noise.tsv.zst"),
        ("noise.tsv.zst", "line 1"),
        files={"noise.tsv.zst": b"\x28\xb5\x2f\xfd" + bytes(range(256))},
    ),
    Case(
        "a tape of nothing",
        ("replay", "empty.tsv"),
        ("empty.tsv", "it is empty"),
        files={"empty.tsv": ""},
    ),
    Case("a replay at no speed", ("replay", "x.tsv", "--speed", "0"), ("--speed", "max")),
    Case("a database that was never started", ("db", "status"), ("tidegauge db up",)),
]


def is_one_clear_line(told: Told, case: Case) -> None:
    assert told.code == case.code, told
    assert len(told.err.splitlines()) == len(told.complaints) == 1, told.err
    for name in case.names:
        assert name in told.err
    assert "Traceback" not in told.err + told.out
    assert CANARY not in told.err + told.out
    assert (
        told.out == "" or case.arguments[:2] == ("db", "status") or case.name.startswith("a demo")
    )


@pytest.fixture(scope="module")
def command(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkedCommands]:
    """The command line, ready to be used many times."""
    with forked_commands(tmp_path_factory.mktemp("commands")) as commands:
        yield commands


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_a_mistake_is_told_in_one_line(case: Case, command: ForkedCommands, tmp_path: Path) -> None:
    """What, where, what to do; a non-zero exit code; and nothing was begun."""
    for name, content in case.files.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
    before = sorted(tmp_path.rglob("*"))
    told = command(*case.arguments, cwd=tmp_path, env=case.env)
    is_one_clear_line(told, case)
    assert sorted(tmp_path.rglob("*")) == before, "something was left behind"


def test_no_command_at_all_shows_the_help(tmp_path: Path) -> None:
    """Every command is listed, and the exit code says that nothing was done."""
    told = tidegauge(cwd=tmp_path)
    assert told.code == 2
    for command in ("monitor", "demo", "replay", "venues", "config", "db"):
        assert f"  {command}" in told.err


def test_a_reader_that_leaves_ends_a_command_quietly(tmp_path: Path) -> None:
    """`tidegauge config | head -1` is no error anybody needs to read of."""
    reader, writer = os.pipe()
    os.close(reader)
    told = tidegauge_to(writer, tmp_path)
    assert told.code == 1
    assert told.err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk_is_told_in_one_line(tmp_path: Path) -> None:
    """Standard output may be a file, and a file system may be full."""
    told = tidegauge_to(os.open("/dev/full", os.O_WRONLY), tmp_path)
    assert told.code == 1
    assert told.complaints == [told.err.strip()]
    assert "No space left" in told.err


def tidegauge_to(output: int, cwd: Path) -> Told:
    """Run `tidegauge config` with `output` for its standard output."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tidegauge", "config"],
            cwd=cwd,
            env=environment(cwd),
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=60,
        )
    finally:
        os.close(output)
    return Told(done.returncode, "", done.stderr)


# -- the database --------------------------------------------------------------------------------


def url_of(server: Server, name: str = "postgres", password: str = "") -> dict[str, str]:
    """Return what names a database of the test's server."""
    url = server.database(name).url
    return {"TIDEGAUGE_DATABASE_URL": url, "TIDEGAUGE_DATABASE_PASSWORD": password}


def test_a_refused_password_is_told_in_one_line(postgres_server: Server, tmp_path: Path) -> None:
    """It names the variable, and shows the password nowhere."""
    env = url_of(postgres_server, password=CANARY)
    told = tidegauge(*MONITOR, cwd=tmp_path, env=env)
    names = ("refused the password", "TIDEGAUGE_DATABASE_PASSWORD")
    is_one_clear_line(told, Case("", MONITOR, names))


def test_a_database_that_is_not_there_is_told_in_one_line(
    postgres_server: Server, tmp_path: Path
) -> None:
    """The server answers, but holds no such database."""
    password = postgres_server.database("postgres").password or ""
    env = url_of(postgres_server, "nowhere", password)
    told = tidegauge("db", "status", cwd=tmp_path, env=env)
    is_one_clear_line(told, Case("", ("db", "status"), ("nowhere", "no such database", "createdb")))


async def test_a_newer_schema_is_told_in_one_line_and_left_alone(
    postgres_server: Server, tmp_path: Path
) -> None:
    """A monitor of yesterday writes nothing into a database of tomorrow."""
    database = await postgres_server.create("tomorrow", "migrated")
    try:
        async with database.session() as connection:
            await connection.execute(
                "INSERT INTO tidegauge.schema_migrations VALUES (999, 'tomorrow', 'x', now())"
            )
        env = url_of(postgres_server, "tomorrow", database.password or "")
        told = await asyncio.to_thread(tidegauge, *MONITOR, cwd=tmp_path, env=env)
        is_one_clear_line(told, Case("", MONITOR, ("999", "Update Tidegauge")))
        async with database.session() as connection:
            assert await connection.fetchval("SELECT count(*) FROM tidegauge.runs") == 0
    finally:
        await postgres_server.drop("tomorrow")


async def test_the_status_of_a_database_without_our_schema_says_so(
    postgres_server: Server, tmp_path: Path
) -> None:
    """Looking at a database that was never migrated is no error."""
    database = await postgres_server.create("bare")
    try:
        env = url_of(postgres_server, "bare", database.password or "")
        told = await asyncio.to_thread(tidegauge, "db", "status", cwd=tmp_path, env=env)
        assert told.code == 0
        assert "schema none yet" in told.out
    finally:
        await postgres_server.drop("bare")


def test_psql_ends_as_psql_ended(postgres_server: Server, tmp_path: Path) -> None:
    """Its exit code is ours, its words are untouched, and the password is in neither."""
    database = postgres_server.database("postgres")
    env = url_of(postgres_server, "postgres", database.password or "")
    require_program("psql")
    fine = tidegauge("db", "psql", "--", "-Atc", "SELECT 6 * 7", cwd=tmp_path, env=env)
    assert (fine.code, fine.out, fine.err) == (0, "42\n", "")
    wrong = tidegauge(
        *("db", "psql", "--", "-v", "ON_ERROR_STOP=1", "-c", "SELECT 1/0"), cwd=tmp_path, env=env
    )
    assert wrong.code == 1
    assert "division by zero" in wrong.err
    assert (database.password or "?") not in wrong.err + wrong.out


# -- venues --------------------------------------------------------------------------------------


async def test_a_symbol_no_venue_lists_is_told_in_one_line(tmp_path: Path) -> None:
    """Every venue asked is named, with the nearest symbol it does list."""
    async with LocalVenues(venues=("binance", "bybit-spot"), symbols=("BTCUSDT",)) as venues:
        told = await asyncio.to_thread(
            tidegauge,
            *("monitor", "--symbol", "BTCUSDX", "--venue", "binance", "--venue", "bybit-spot"),
            "--dry-run",
            cwd=tmp_path,
            env=endpoints(venues.endpoints),
        )
    assert told.code == 1
    (line,) = told.complaints
    for name in ("BTCUSDX", "binance", "bybit-spot", "did you mean BTCUSDT", "symbols:"):
        assert name in line
    assert "Traceback" not in told.err
    assert {entry["event"] for entry in told.log} == {"symbol_not_listed"}


async def test_an_unknown_symbol_leaves_no_run_behind(
    postgres_server: Server, tmp_path: Path
) -> None:
    """What never began is not in the database."""
    database = await postgres_server.create("unbegun", "migrated")
    try:
        async with LocalVenues(venues=("binance",), symbols=("BTCUSDT",)) as venues:
            env = url_of(postgres_server, "unbegun", database.password or "")
            arguments = ("monitor", "--symbol", "NOPE", "--venue", "binance")
            told = await asyncio.to_thread(
                tidegauge, *arguments, cwd=tmp_path, env={**endpoints(venues.endpoints), **env}
            )
        assert told.code == 1
        assert len(told.complaints) == 1
        async with database.session() as connection:
            for table in ("runs", "instruments", "feed_events"):
                assert await connection.fetchval(f"SELECT count(*) FROM tidegauge.{table}") == 0
    finally:
        await postgres_server.drop("unbegun")


def test_the_local_venues_refuse_a_venue_they_cannot_be(tmp_path: Path) -> None:
    """`python -m tidegauge.runtime.local_venues` is a command too."""
    done = subprocess.run(
        [sys.executable, "-m", "tidegauge.runtime.local_venues", "--venues", "mtgox"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 2
    assert "mtgox" in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr
