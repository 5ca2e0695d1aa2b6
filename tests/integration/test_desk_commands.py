"""Alerts, silences and exposures from a terminal: real commands, a real PostgreSQL, a daemon."""

import json
import time
from pathlib import Path

import pytest_asyncio
from tests.support.database import until
from tests.support.desk_clerk import at_work
from tests.support.shift import NAME, Shift, lines, open_it

from tidegauge.core.alert import Severity
from tidegauge.core.instrument import SECOND
from tidegauge.sinks.connect import Database


@pytest_asyncio.fixture
async def shift(database: Database, tmp_path: Path) -> Shift:
    """A shift without a daemon."""
    return Shift(database, tmp_path)


async def test_a_silence_is_made_listed_and_ended(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """By a piece of its id; one that no daemon has heard of is told as waiting."""
    matcher = ("--venue", "okx", "--signal", "venue_*", "--severity", "high")
    why = ("--for", "2h", "--comment", "announced upgrade")
    told = await shift.run("silence", "add", *matcher, *why)
    assert (told.code, "no daemon runs on this database now" in told.out) == (3, True)
    waiting = await shift.run("silence", "list")
    [row] = lines(waiting)[1:]
    assert (row[1], row[3:]) == (
        *("waiting", ["signal venue_*, venue okx, severity high", "mira", "announced upgrade"]),
    )
    async with at_work(database, tmp_path) as clerk:
        await until(lambda: len(clerk.given) == 1)
        silence = clerk.given[0].silence
        assert silence is not None
        assert silence.matcher.severities == (Severity.HIGH,)

        async def is_stored() -> bool:
            async with database.session() as connection:
                return bool(await connection.fetchval("SELECT count(*) FROM tidegauge.silences"))

        await until(is_stored)
        listed = json.loads((await shift.run("silence", "list", "--json")).out)
        assert [each["state"] for each in listed] == ["in force"]
        assert (await shift.run("silence", "expire", row[0][:6])).code == 0
        assert clerk.given[1].silence_id == row[0]


async def test_an_exposure_is_said_and_shown(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """Exactly, for an hour; nothing held is an exposure too."""
    async with at_work(database, tmp_path) as clerk:
        told = await shift.run("exposure", "set", "btc", "250k")
        assert told.code == 1
        assert "No symbol that is or was watched has BTC" in told.complaints[0]
        assert (await shift.run("exposure", "set", "btc", "250k", "--force")).code == 0
        assert (await shift.run("exposure", "set", "ETH", "0", "--force")).code == 0
        less = await shift.run("exposure", "set", "ETH", "-5")
        assert less.code == 1
        assert "-5" in less.complaints[0]
        given = [(each.asset, each.amount) for each in clerk.given]
        assert given == [("BTC", "250000"), ("ETH", "0")]
        until_ns = clerk.given[0].until
        assert until_ns is not None
        assert abs(until_ns - time.time_ns() - 3600 * SECOND) < 120 * SECOND
    shown = await shift.run("exposure", "show")
    assert [line[:3] for line in lines(shown)[1:]] == [
        ["BTC", "250,000", "mira"],
        ["ETH", "0", "mira"],
    ]
    assert shown.out.count("knows it") == 2


async def test_alerts_are_listed_with_their_sentence_and_incident(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """Those that fire, and all."""
    async with at_work(database, tmp_path) as clerk:
        assert (await shift.run("alerts", "list")).out == "there is no alert\n"
        await open_it(clerk, database)
        listed = await shift.run("alerts", "list", "--firing")
        assert NAME in listed.out
        assert "Depth is gone. Pause it." in listed.out
        rows = json.loads((await shift.run("alerts", "list", "--json")).out)
        assert (rows[0]["incident"], rows[0]["side"]) == (NAME, "")
