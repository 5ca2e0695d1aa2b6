"""The audit trail beside PostgreSQL: whole, or told of, line by line."""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tests.support.database import until
from tests.support.incidents import a_story, write_log
from tests.support.moving import write

from tidegauge.sinks.chain import ChainedTransition
from tidegauge.sinks.chain_check import Verdict, compare, lacking_told, resend, verify
from tidegauge.sinks.connect import Database
from tidegauge.sinks.incident_log import path_of, read

STORY = a_story()


@pytest_asyncio.fixture
async def connection(database: Database) -> AsyncIterator[Any]:
    """A connection to a fresh database."""
    async with database.session() as connection:
        yield connection


async def judged(connection: Any, path: Path) -> Verdict:
    verdict = verify(path)
    await compare(connection, verdict)
    return verdict


async def test_a_whole_trail_is_the_same_in_both(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """Every line is a row, whatever people said; the head is that of the newest."""
    chained = write_log(tmp_path, STORY)
    await write(database, *chained)
    verdict = await judged(connection, path_of(tmp_path))
    assert verdict.whole, verdict.wrong
    assert (verdict.lines, verdict.known) == (6, 6)
    row = await connection.fetchrow("SELECT * FROM tidegauge.incident_chains")
    assert (row["sequence"], row["hash"], row["path"]) == (
        *(6, chained[-1].hash),
        str(path_of(tmp_path)),
    )
    rows = await connection.fetch("SELECT * FROM tidegauge.v_incident_timeline ORDER BY number")
    assert [row["kind"] for row in rows] == [each.event.kind for each in STORY]
    assert json.loads(rows[1]["detail"]) == {"alert": "19b8-aa", "severity": "critical"}
    incident = await connection.fetchrow("SELECT * FROM tidegauge.v_incidents")
    assert (incident["state"], incident["version"]) == ("resolved", 6)
    assert incident["impact_quote"] == STORY[0].incident.impact_quote


async def test_what_comes_late_or_twice_changes_nothing(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """An incident is its newest version, a head the newest line, an event is there once."""
    chained = write_log(tmp_path, STORY)
    await write(database, *reversed(chained))
    await write(database, *chained[:2])
    assert await connection.fetchval("SELECT version FROM tidegauge.incidents") == 6
    assert await connection.fetchval("SELECT count(*) FROM tidegauge.incident_events") == 6
    assert (await judged(connection, path_of(tmp_path))).whole


def changed(lines: list[bytes]) -> list[bytes]:
    return [*lines[:3], lines[3].replace(b'"mira"', b'"nobody"'), *lines[4:]]


def changed_with_its_hash(lines: list[bytes]) -> list[bytes]:
    said = json.loads(changed(lines)[3])
    del said["hash"]
    body = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    digest = hashlib.sha256(body).hexdigest().encode()
    return [*lines[:3], body[:-1] + b',"hash":"' + digest + b'"}\n', *lines[4:]]


def forged(lines: list[bytes]) -> list[bytes]:
    """A line at the end, by somebody who knows how the hashes are made."""
    said = json.loads(lines[-1])
    said |= {"previous_hash": said.pop("hash"), "sequence": said["sequence"] + 1}
    body = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    return [*lines, body[:-1] + b',"hash":"' + hashlib.sha256(body).hexdigest().encode() + b'"}\n']


TAMPERED: dict[str, tuple[Callable[[list[bytes]], list[bytes]], str, str]] = {
    "changed": (changed, "line 4: it was changed", "only PostgreSQL has line 4"),
    "changed with its hash": (
        *(changed_with_its_hash, "line 5: it does not follow the line before it"),
        "line 4: PostgreSQL has another line in its place",
    ),
    "removed": (
        *(lambda lines: [*lines[:3], *lines[4:]], "line 4: 1 before it missing: it has number 4"),
        "only PostgreSQL has line 4",
    ),
    "removed at the end": (lambda lines: lines[:-2], "", "only PostgreSQL has 2 lines: 6 to 7"),
    "all removed": (lambda _lines: [], "it is empty", ""),
    "the first removed": (lambda lines: lines[1:], "line 1: 1 before it missing", ""),
    "in another order": (
        *(lambda lines: [*lines[:3], lines[4], lines[3], *lines[5:]], "line 4: 1 before it"),
        "",
    ),
    "doubled": (lambda lines: [*lines, lines[-1]], "line 8: it is not in its place", ""),
    "put in": (lambda lines: [*lines[:3], b"{}\n", *lines[3:]], "line 4: it is no line", ""),
    "appended": (forged, "", "only the file has line 8"),
}


@pytest.mark.parametrize("how", TAMPERED)
async def test_whatever_is_done_to_the_file_is_found(
    database: Database, connection: Any, tmp_path: Path, how: str
) -> None:
    """The first bad line is named; what the hashes cannot tell, PostgreSQL does."""
    act, alone, beside = TAMPERED[how]
    await write(database, *write_log(tmp_path, STORY))
    path = path_of(tmp_path)
    path.write_bytes(b"".join(act(path.read_bytes().splitlines(keepends=True))))
    verdict = verify(path)
    assert (verdict.wrong[:1] == []) == (alone == ""), verdict.wrong
    assert any(each.startswith(alone) for each in [*verdict.wrong, ""])
    await compare(connection, verdict)
    assert not verdict.whole
    assert any(each.startswith(beside) for each in [*verdict.wrong, lacking_told(verdict)])


async def test_whatever_is_done_to_postgresql_is_found(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """Changed or deleted there: the file knows better."""
    await write(database, *write_log(tmp_path, STORY))
    path = path_of(tmp_path)
    await connection.execute("UPDATE tidegauge.incident_events SET actor = 'x' WHERE number = 3")
    verdict = await judged(connection, path)
    assert verdict.wrong == ["line 4: what PostgreSQL says of it was changed there"]
    await connection.execute("DELETE FROM tidegauge.incident_events WHERE number = 3")
    verdict = await judged(connection, path)
    assert lacking_told(verdict) == "only the file has line 4"
    await connection.execute("DELETE FROM tidegauge.incident_events WHERE number = 6")
    verdict = await judged(connection, path)
    assert verdict.wrong[0].startswith("PostgreSQL itself is at odds: its head is number 6")


PROGRAM = textwrap.dedent(
    """
    import sys, time
    from pathlib import Path
    from tests.support.database import NOON
    from tests.support.incidents import happens
    from tidegauge.core.incident import IncidentChange
    from tidegauge.sinks.incident_log import IncidentLog
    log = IncidentLog(Path(sys.argv[1]), NOON)
    step = happens(None, IncidentChange.OPENED, name="INC-k")
    while True:
        log.append(step)
        print(log.head.sequence, flush=True)
        step = happens(step.incident, IncidentChange.COMMENTED)
    """
)


async def test_killed_between_the_file_and_the_database_nothing_is_lost(
    database: Database, connection: Any, tmp_path: Path
) -> None:
    """The next start finds what is in the file alone, and sends it."""
    acknowledged = 0
    for _again in range(3):
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for line in process.stdout:
            acknowledged = int(line)
            if acknowledged % 40 == 0:
                break
        os.kill(process.pid, signal.SIGKILL)
        acknowledged = max([acknowledged, *map(int, process.stdout)])
        process.stdout.close()
        process.wait()
    lines = list(read(path_of(tmp_path)))
    assert len(lines) >= acknowledged >= 120
    await write(database, *lines[:50])  # and there it was killed
    assert len((await judged(connection, path_of(tmp_path))).lacking) == len(lines) - 50
    sent: list[ChainedTransition] = []
    assert await resend(connection, path_of(tmp_path), sent.append) == len(lines) - 50
    await write(database, *sent)
    assert (await judged(connection, path_of(tmp_path))).whole
    assert await resend(connection, path_of(tmp_path), sent.append) == 0
    assert await resend(connection, path_of(tmp_path, 2), sent.append) == 0, "there is none"
    version = await connection.fetchval("SELECT version FROM tidegauge.incidents")
    assert version == max(line.transition.incident.version for line in lines)


async def test_nothing_else_waits_while_a_long_trail_is_compared(
    connection: Any, tmp_path: Path
) -> None:
    """Sending again is for a daemon that works."""
    write_log(tmp_path, STORY * 500)
    sent: list[ChainedTransition] = []
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.005)
            ticks += 1

    ticking = asyncio.create_task(tick())
    await resend(connection, path_of(tmp_path), sent.append)
    await until(lambda: ticks > 1)
    ticking.cancel()
    assert len(sent) == 3_000
