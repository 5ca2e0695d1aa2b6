"""The operations desk from a terminal, as a shift uses it: real commands, a real PostgreSQL, a daemon."""

import asyncio
import csv
import io
import json
import re
from pathlib import Path

import pytest
import pytest_asyncio
from tests.support.crunch_at_noon import HOSTILE as AT_NOON
from tests.support.database import until
from tests.support.desk_clerk import at_work
from tests.support.incidents import HOSTILE, a_story, happens
from tests.support.shift import NAME, Shift, lines, open_it

from tidegauge.core.incident import IncidentChange
from tidegauge.sinks.connect import Database
from tidegauge.sinks.incident_log import path_of


@pytest_asyncio.fixture
async def shift(database: Database, tmp_path: Path) -> Shift:
    """A shift without a daemon."""
    return Shift(database, tmp_path)


async def test_a_shift_takes_over_acknowledges_and_ends_an_incident(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """From the list to the end, by a piece of its id; the next one sees who did what, and when."""
    async with at_work(database, tmp_path) as clerk:
        await open_it(clerk, database)
        listed = await shift.run("incidents", "list", "--open")
        assert listed.code == 0
        assert lines(listed)[1][:4] == [NAME, "open", "high", "BTCUSDT liquidity"]
        assert "NOBODY" in listed.out
        told = await shift.run("incidents", "ack", "a3f9", "--for", "30m", "-c", "looking")
        assert (told.code, told.out, told.complaints) == (0, "acknowledged\n", [])
        told = await shift.run(
            "incidents", "comment", NAME, "ten minutes, says the venue", user="tom"
        )
        assert (told.code, told.out) == (0, "commented\n")

        shown = await shift.run("incidents", "show", "INC-19b8")
        assert shown.code == 0
        assert lines(shown)[0] == [f"{NAME}: liquidity of BTCUSDT, ACKNOWLEDGED"]
        facts = {line[0]: line[1] for line in lines(shown) if len(line) == 2}
        assert facts["what"] == "Depth within 10 bps is 75 % below normal"
        assert re.search(r"\(1\dm ", facts["since"])  # and the commands took a moment
        assert facts["how bad"] == "high, the worst so far"
        assert facts["it costs"].startswith("1,250.5 more than usual")
        assert facts["who has it"].startswith("mira, since 20")
        assert re.search(r"\(for 2\dm", facts["who has it"])
        assert facts["what to do"].startswith("pause_asset: quote and trade it no more")
        rows = [line[1:] for line in lines(shown)]
        for expected in (
            ["opened", "tidegauge", "alert 19b8-aa"],
            ["acknowledged", "mira", "looking"],
            ["commented", "tom", "ten minutes, says the venue"],
            ["slack", "opened", "arrived"],
            ["pagerduty", "opened", "FAILED, after 2 attempts: 401: who are you?"],
        ):
            assert expected in rows, shown.out
        assert "Depth is gone. Pause it." in shown.out

        told = await shift.run("incidents", "resolve", "a3f9", "-c", "planned", user="tom")
        assert (told.code, told.out) == (0, "resolved\n")
        assert (await shift.run("incidents", "list", "--open")).out == "no incident is open\n"
        over = await shift.run("incidents", "show", "a3f9")
        assert "over since" in over.out
        assert "by tom" in over.out
        told = await shift.run("incidents", "ack", "a3f9")
        assert told.code == 1
        assert f"{NAME} is over: tom resolved it at 20" in told.complaints[0]


async def test_of_two_who_acknowledge_at_once_the_other_is_told_who_has_it(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """At the same moment and a minute later; taking it over has to be said."""
    async with at_work(database, tmp_path) as clerk:
        await open_it(clerk, database)
        people = ("mira", "tom", "ana")
        outcomes = await asyncio.gather(
            *(shift.run("incidents", "ack", "a3f9", "--for", "1h", user=name) for name in people)
        )
        won = [name for name, told in zip(people, outcomes, strict=True) if told.code == 0]
        assert len(won) == 1, [told.err for told in outcomes]
        for name, told in zip(people, outcomes, strict=True):
            if name not in won:
                assert (told.code, len(told.complaints)) == (1, 1)
                assert won[0] in told.complaints[0]
        late = await shift.run("incidents", "ack", "a3f9", user="late")
        assert f"{won[0]} has it until 20" in late.complaints[0]
        assert "--take-over" in late.complaints[0]
        again = await shift.run("incidents", "ack", "a3f9", "--for", "2h", user=won[0])
        assert again.code == 0
        taken = await shift.run(
            "incidents", "ack", "a3f9", "--for", "1h", "--take-over", user="late"
        )
        assert (taken.code, clerk.incidents[NAME].acknowledged_by) == (0, "late")


async def test_an_incident_that_moves_on_is_acknowledged_all_the_same(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """Alerts join several times a second; only who named a version is held to it."""
    async with at_work(database, tmp_path) as clerk:
        await open_it(clerk, database)

        async def move() -> None:
            while True:
                before = clerk.incidents[NAME]
                step = happens(before, IncidentChange.JOINED, firing=before.firing)
                clerk.happen(step)
                await asyncio.sleep(0.6)

        moving = asyncio.create_task(move())
        told = await shift.run("incidents", "ack", "a3f9", "--for", "1h")
        moving.cancel()
        assert told.code == 0, told.err
        stale = await shift.run("incidents", "resolve", "a3f9", "--if-version", "1")
        assert stale.code == 1
        assert "has changed since: it has version" in stale.complaints[0]
        assert "mira has it" in stale.complaints[0]


async def test_without_a_daemon_an_order_waits_and_without_a_database_it_is_refused(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """Exit 3 and 1: who runs a script can tell."""
    async with at_work(database, tmp_path) as clerk:
        await open_it(clerk, database)
    told = await shift.run("incidents", "ack", "a3f9")
    assert (told.code, told.out) == (
        *(3, "ordered, but no daemon watches BTCUSDT now: it waits until one does\n"),
    )
    shown = await shift.run("incidents", "show", "a3f9")
    assert "no daemon has answered yet: acknowledge of mira" in shown.out
    told = await shift.run("incidents", "ack", "a3f9", user="tom")
    assert "mira was quicker" in told.complaints[0]
    away = {"TIDEGAUGE_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    told = await shift.run("incidents", "resolve", "a3f9", **away)
    assert (told.code, len(told.complaints)) == (1, 1)
    assert "nothing was ordered: PostgreSQL at 127.0.0.1:1" in told.complaints[0]
    assert "Traceback" not in told.err
    async with at_work(database, tmp_path) as clerk:
        await until(lambda: clerk.incidents[NAME].acknowledged_by == "mira")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("incidents", "ack", "INC-xyzz"), "there is no incident 'INC-xyzz'"),
        (("incidents", "resolve", ""), "'' is too little of an id"),
        (("incidents", "show", "INC-"), "'INC-' is too little of an id"),
        (("incidents", "ack", "x" * 5_000), "no incident has an id of 5,000 characters"),
        (("incidents", "list", "--symbol", "NOPE"), "The symbol 'NOPE' was never seen"),
        (("incidents", "ack", "INC-x", "--by", " "), "Nobody says who orders it"),
        (("silence", "expire", "8f0c"), "there is no silence '8f0c'"),
        (("exposure", "set", "BTC", "lots"), "'lots' is no amount"),
        (("exposure", "set", "BTC", "-5"), "'-5' is no amount. Write 0 or more"),
        (("exposure", "set", "NOPE", "5"), "There are none yet; --force takes it all the same"),
    ],
)
async def test_what_cannot_be_is_one_clear_line(
    shift: Shift, arguments: tuple[str, ...], said: str
) -> None:
    """Exit 1, what was wrong, and what to do next."""
    told = await shift.run(*arguments)
    assert (told.code, len(told.complaints)) == (1, 1), told.err
    assert said in told.complaints[0]
    assert "Traceback" not in told.err


async def test_a_piece_that_fits_several_incidents_names_them(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """Nobody resolves the wrong one by a short name."""
    async with at_work(database, tmp_path) as clerk:
        await open_it(clerk, database)
        await open_it(clerk, database, "INC-19b8f1c2a3c-a4aa", symbol="ETHUSDT")
        told = await shift.run("incidents", "resolve", "INC-19b8f1c2a3")
        assert told.code == 1
        assert NAME in told.complaints[0]
        assert "INC-19b8f1c2a3c-a4aa" in told.complaints[0]
        listed = await shift.run("incidents", "list", "--symbol", "ethusdt", "--json")
        assert [each["id"] for each in json.loads(listed.out)] == ["INC-19b8f1c2a3c-a4aa"]


async def test_hostile_words_are_shown_and_never_obeyed(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """Escapes, markup, SQL: as they were written, wherever they are shown."""
    words = HOSTILE.replace("\x00", "").replace("\ud800", "")
    async with at_work(database, tmp_path) as clerk:
        await open_it(clerk, database, trigger=words)
        told = await shift.run("incidents", "comment", "a3f9", words, "--by", words)
        assert told.code == 0, told.err
        for command in (("show", "a3f9"), ("list",)):
            shown = await shift.run("incidents", *command)
            assert "\x1b" not in shown.out
            assert "\u202e" not in shown.out
            assert "\\x1b[31m[bold red]x[/]" in shown.out
        told = await shift.run("incidents", "show", "a3f9", "--json")
        assert json.loads(told.out)[0]["timeline"][1]["comment"] == words


async def test_the_trail_is_verified_against_the_database(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """Whole: 0. A line changed, the file gone, the database away: 1, and which it is."""
    assert "there is no audit trail" in (await shift.run("incidents", "verify")).out
    async with at_work(database, tmp_path) as clerk:
        for each in a_story():
            clerk.happen(each)
        await clerk.log.settled()
    whole = await shift.run("incidents", "verify")
    assert (whole.code, whole.complaints) == (0, [])
    assert "incidents.jsonl: 6 lines, whole, and the same in PostgreSQL" in whole.out
    away = {"TIDEGAUGE_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}
    told = await shift.run("incidents", "verify", **away)
    assert told.code == 1
    assert "incidents.jsonl: 6 lines, whole" in told.out
    assert "the trail was not compared with PostgreSQL: PostgreSQL at" in told.complaints[0]
    path = path_of(tmp_path)
    good = path.read_bytes()
    path.write_bytes(good.replace(b'"mira"', b'"nobody"', 1))
    told = await shift.run("incidents", "verify")
    assert (told.code, "incidents.jsonl: NOT WHOLE" in told.out) == (1, True)
    assert "line 4: it was changed" in told.out
    told = await shift.run("incidents", "verify", "--json")
    (trail,) = json.loads(told.out)["trails"]
    assert (told.code, trail["whole"], trail["lines"]) == (1, False, 6)
    assert "line 4: it was changed" in trail["wrong"][0]
    path.unlink()
    told = await shift.run("incidents", "verify")
    assert told.code == 1
    assert f"{path}: MISSING; PostgreSQL has 6 lines of it" in told.out


async def test_incidents_are_exported_with_their_timelines_and_hashes(
    shift: Shift, database: Database, tmp_path: Path
) -> None:
    """The same in both formats; into a file that is not replaced unasked."""
    async with at_work(database, tmp_path / "data") as clerk:
        for each in a_story():
            clerk.happen(each)
        await clerk.log.settled()
    told = await shift.run("incidents", "export")
    [incident] = json.loads(told.out)
    assert incident["impact_quote"] == "1250.500000000000000001"
    out = tmp_path / "week.csv"
    told = await shift.run("incidents", "export", "--format", "csv", "-o", str(out))
    assert told.out == f"{out}: 1 incidents, 6 events\n"
    rows = list(csv.DictReader(io.StringIO(out.read_text(), newline="")))
    assert [row["hash"] for row in rows] == [each["hash"] for each in incident["timeline"]]
    assert rows[0]["kind"] == "opened"
    told = await shift.run("incidents", "export", "--format", "csv", "-o", str(out))
    assert "--force" in told.complaints[0]


async def test_the_postmortem_of_an_incident_is_the_report_with_its_timeline(
    noon: Database, tmp_path: Path
) -> None:
    """From five minutes before it was opened to five after it was over; hostile words are escaped."""
    shift = Shift(noon, tmp_path)
    out = tmp_path / "pm.html"
    told = await shift.run("incidents", "postmortem", "incident-1", "-o", str(out))
    assert told.code == 0, told.err
    page = out.read_text()
    assert "incident-1 acknowledged by" in page
    assert AT_NOON not in page
    assert "2026-01-01 11:57:02" in page
    told = await shift.run("incidents", "postmortem", "incident-1", "-o", str(out))
    assert "--force" in told.complaints[0]
    shown = await shift.run("incidents", "show", "incident-1")
    assert shown.code == 0
    assert "\x1b" not in shown.out


async def test_an_old_schema_is_told_of(empty_database: Database, tmp_path: Path) -> None:
    """Who asks before a daemon of this version has run."""
    told = await Shift(empty_database, tmp_path).run("incidents", "list")
    assert "the schema of this database is too old for the desk" in told.complaints[0]
