"""`tidegauge report` over a real PostgreSQL: a crunch whose story is known, told as it was."""

import os
import re
import subprocess
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.support.cli import Told, tidegauge
from tests.support.crunch_at_noon import HOSTILE, LOST, SIZE, UNFILLED, VENUES, when
from tests.support.programs import require_program

from tidegauge.core.errors import OperatorError
from tidegauge.faces.report.summary import fired, sentences
from tidegauge.sinks.connect import Database
from tidegauge.sinks.postmortem.read import read_postmortem, span_of_alert
from tidegauge.sinks.postmortem.records import Asked, Grain, Metric, Postmortem, Span
from tidegauge.sinks.psql import psql_call

Run = Callable[..., Told]

TEN_MINUTES = Span(since=when(0), until=when(600))
ASKED = Asked(symbol="BTCUSDT", span=TEN_MINUTES)
ARGUMENTS = ("--symbol", "BTCUSDT", "--from", "2026-01-01T12:00", "--to", "2026-01-01T12:10")


async def read(database: Database, asked: Asked = ASKED) -> Postmortem:
    async with database.session() as connection:
        return await read_postmortem(connection, asked, datetime.now(UTC))


@pytest.fixture
def run(noon: Database, tmp_path: Path) -> Run:
    """Run a report of the database of the story."""
    env = {
        "TIDEGAUGE_DATABASE_URL": noon.url,
        "TIDEGAUGE_DATABASE_PASSWORD": noon.password or "",
    }

    def run(*arguments: str) -> Told:
        return tidegauge("report", *arguments, cwd=tmp_path, env=env)

    return run


# -- what is read --------------------------------------------------------------------------------


async def test_what_happened_is_told_as_it_was(noon: Database) -> None:
    """Who moved first, how bad it was, and what was not known."""
    found = await read(noon)
    assert [book.venue for book in found.books] == list(VENUES)
    assert found.grain is Grain.READINGS
    assert found.size == SIZE
    assert [alert.id for alert in fired(found)][:2] == ["crunch-bybit", "crunch-binance"]
    said = " ".join(sentences(found))
    assert "It began at 12:02:00.0 UTC on bybit-linear, the first of 3 venues to move" in said
    assert "Depth within 10 bps fell to 4M, 25 % of the usual, on binance at 12:02:03.0" in said
    assert "Selling 500k cost up to 30.00 bps" in said
    assert "500k could not be filled at times on okx (sell, 10 of 588 readings)." in said
    assert "okx 97.8 % (13 s missing, mostly: gap), all of it on the others" in said


async def test_figures_are_exact_and_against_the_hour_before(noon: Database) -> None:
    """Of every reading, whatever is drawn."""
    found = await read(noon)
    okx = next(book for book in found.books if book.venue == "okx")
    assert found.usual.span == Span(since=when(120 - 3600), until=when(120))
    mid = okx.figures_of(Metric.MID)
    assert (mid.usual, mid.least, mid.last) == (
        Decimal("61000.1"),
        (when(127), Decimal("60900.1")),
        (when(599), Decimal("61000.1")),
    )
    assert okx.figures_of(Metric.DEPTH).least == (when(127), Decimal(1_000_000))
    assert okx.figures_of(Metric.SELL).most == (when(UNFILLED.stop), 30.0)
    (sell, buy) = okx.costs
    assert (sell.unfilled, sell.asked, sell.least_filled, buy.unfilled) == (10, 588, 0.5, 0)
    assert sell.unfilled_spans == (Span(since=when(127), until=when(136)),)


async def test_z_is_what_the_signals_call_h_over_s(noon: Database) -> None:
    """ln 4 of harm over the least noise there is, in a book that was quite calm."""
    found = await read(noon)
    for book in found.books:
        worst = book.figures_of(Metric.DEPTH_Z).most
        assert worst is not None
        assert worst[1] == pytest.approx(27.726, abs=1e-3)
        calm = book.figures_of(Metric.DEPTH_Z).least
        assert calm is not None
        assert calm[1] == pytest.approx(0, abs=1e-9)


async def test_no_line_is_drawn_while_a_book_was_lost(noon: Database) -> None:
    """Nor while the size was not there."""
    found = await read(noon)
    okx = next(book for book in found.books if book.venue == "okx")
    for metric, line in okx.lines.items():
        for segment in line.segments:
            first, last = segment[0][0], segment[-1][0]
            assert not (first < when(LOST.stop) and last > when(LOST.start)), metric
    sell = [(part[0][0], part[-1][0]) for part in okx.lines[Metric.SELL].segments]
    assert sell[0] == (when(0), when(UNFILLED.start - 1))
    assert sell[1] == (when(UNFILLED.stop), when(LOST.start - 1))
    reasons = {(each.venue, each.reason) for each in found.unknown}
    assert ("okx", "gap") in reasons


async def test_minutes_tell_what_readings_tell(noon: Database) -> None:
    """A long span is drawn from the rollups: the same extremes, in a fraction of the rows."""
    long = await read(noon, replace(ASKED, span=Span(since=when(-7200), until=when(600))))
    assert long.grain is Grain.MINUTES
    okx = next(book for book in long.books if book.venue == "okx")
    least, dearest = okx.figures_of(Metric.DEPTH).least, okx.figures_of(Metric.SELL).most
    assert least is not None
    assert dearest is not None
    assert least[1] == Decimal(1_000_000)
    assert dearest[1] == 30.0
    assert okx.lines[Metric.DEPTH].worst
    assert okx.costs[0].unfilled == 10
    assert sum(book.readings for book in long.books) == 3 * (720 + 600) - len(LOST)
    assert okx.known < long.span.lasts


async def test_hours_tell_of_many_days(noon: Database) -> None:
    """Their usual is of the day before, and is not made up where there was none."""
    many = await read(noon, replace(ASKED, span=Span(since=when(-5 * 86_400), until=when(3600))))
    assert many.grain is Grain.HOURS
    assert all(book.usual_of == 0 for book in many.books)
    assert many.books[0].figures_of(Metric.SPREAD).most is not None
    assert all(book.known < timedelta(hours=4) for book in many.books)


async def test_minutes_that_are_not_rolled_up_yet_are_first(database: Database) -> None:
    """What was read a moment ago is no hole in a long report."""
    from tests.support.crunch_at_noon import fill  # noqa: PLC0415 (of this test alone)

    await fill(database)
    async with database.session() as connection:
        await connection.execute("DELETE FROM tidegauge.minutes WHERE at >= $1", when(300))
    long = await read(database, replace(ASKED, span=Span(since=when(-7200), until=when(600))))
    assert long.grain is Grain.MINUTES
    assert sum(book.readings for book in long.books) == 3 * (720 + 600) - len(LOST)


async def test_an_incident_is_part_of_the_timeline(noon: Database) -> None:
    """With who took it on."""
    found = await read(noon)
    (incident,) = found.incidents
    assert (incident.id, incident.acknowledged_by) == ("incident-1", HOSTILE)


async def test_the_sql_that_is_shown_gives_the_same_rows(noon: Database) -> None:
    """Every statement, pasted into psql as the page shows it."""
    require_program("psql")
    for span in (TEN_MINUTES, Span(since=when(-7200), until=when(600))):
        found = await read(noon, replace(ASKED, span=span, venues=VENUES[1:]))
        for query in found.queries:
            with psql_call(noon, dict(os.environ), ("-XAt0", "-v", "ON_ERROR_STOP=1")) as call:
                done = subprocess.run(
                    call.argv,
                    env=call.env,
                    input=query.sql,
                    text=True,
                    capture_output=True,
                    check=False,
                )
            assert (done.returncode, done.stderr) == (0, ""), query.name
            assert done.stdout.count("\0") == query.rows, query.name


async def test_one_venue_can_be_told_of_alone(noon: Database) -> None:
    """Its alerts too, and no other's."""
    found = await read(noon, replace(ASKED, venues=("okx",)))
    assert [book.venue for book in found.books] == ["okx"]
    assert {alert.venue for alert in found.alerts} == {"okx"}


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbol": "NONE"}, "There are readings of BTCUSDT"),
        (
            {"span": Span(since=when(7200), until=when(7300))},
            "Its readings are from 2026-01-01 10:00:00Z",
        ),
        ({"venues": ("kraken",)}, "There are readings of it on binance, bybit-linear, okx"),
        ({"size": Decimal(7)}, "What was: 500000"),
        ({"band_bps": 11}, "What was: 10, 50, 100"),
    ],
)
async def test_what_there_is_nothing_of_is_refused(
    noon: Database, changes: dict[str, object], words: str
) -> None:
    """With what there is instead."""
    with pytest.raises(OperatorError, match=re.escape(words)):
        await read(noon, replace(ASKED, **changes))  # type: ignore[arg-type]


async def test_a_database_without_our_schema_is_told_so(empty_database: Database) -> None:
    """Not with an error of the server."""
    with pytest.raises(OperatorError, match="db up --once"):
        await read(empty_database)


async def test_an_alert_is_the_middle_of_its_span(noon: Database) -> None:
    """Five minutes before it and after it, but not beyond now."""
    around = timedelta(minutes=5)
    async with noon.session() as connection:
        found = await span_of_alert(connection, "crunch-bybit", around, when(10_000))
        assert found == ("BTCUSDT", Span(since=when(-180), until=when(610)))
        cut = await span_of_alert(connection, "crunch-bybit", around, when(400))
        assert cut[1].until == when(400)
        with pytest.raises(OperatorError, match="There is no alert 'x'"):
            await span_of_alert(connection, "x", around, when(400))


# -- the command ---------------------------------------------------------------------------------


def test_the_page_is_written_and_named_after_what_it_tells(run: Run, tmp_path: Path) -> None:
    """One file, one line about it, and a second time only by force."""
    told = run(*ARGUMENTS)
    assert (told.code, told.err) == (0, "")
    path = tmp_path / "tidegauge-BTCUSDT-20260101T120000Z-20260101T121000Z.html"
    assert re.fullmatch(
        rf"{path.name}: BTCUSDT, 1,788 readings, 3 venues, 5 alerts fired, \d+ kB\n", told.out
    )
    page = path.read_text("utf-8")
    assert page.startswith("<!doctype html>")
    assert "DROP TABLE" in page
    assert HOSTILE not in page  # but escaped
    again = run(*ARGUMENTS)
    assert (again.code, "--force" in again.err) == (1, True)
    assert run(*ARGUMENTS, "--force").code == 0
    assert [each.name for each in tmp_path.iterdir() if each.suffix != ".html"] == []


def test_an_alert_names_symbol_and_span(run: Run, tmp_path: Path) -> None:
    """And the page says that it is about it."""
    told = run("--alert", "crunch-binance", "-o", "alert.html", "--size", "500k", "--band", "50")
    assert (told.code, told.err) == (0, "")
    page = (tmp_path / "alert.html").read_text("utf-8")
    assert "Centred on alert crunch-binance." in page
    assert "2026-01-01 11:57:03" in page
    assert "Depth within 50 bps" in page


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "--symbol"),
        (("--symbol", "NEVERSEEN"), "never seen"),
        (("--symbol", "BTCUSDT", "--from", "2026-01-02", "--to", "2026-01-01"), "before --from"),
        (("--symbol", "BTCUSDT", "--from", "2026-02-01", "--to", "2026-02-02"), "no reading"),
        (("--symbol", "BTCUSDT", "--from", "yesterday"), "is no time"),
        ((*ARGUMENTS, "--size", "lots"), "is no amount"),
        ((*ARGUMENTS, "--size", "12"), "was not stored"),
        ((*ARGUMENTS, "--band", "3"), "was not stored"),
        ((*ARGUMENTS, "--venue", "nowhere"), "nowhere"),
        (("--alert", "none"), "no alert"),
        (("--alert", "crunch-bybit", "--from", "12:00"), "own span"),
        ((*ARGUMENTS, "-o", "no/such/folder.html"), "no folder"),
    ],
)
def test_bad_input_is_one_line_and_no_file(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], words: str
) -> None:
    """What is wrong, and what to write instead."""
    told = run(*arguments)
    assert told.code != 0
    assert told.err.startswith("tidegauge: ")
    assert len(told.err.splitlines()) == 1
    assert words in told.err
    assert list(tmp_path.rglob("*.html")) == []
    assert list(tmp_path.rglob("*.part")) == []


def test_without_a_database_none_is_made(tmp_path: Path) -> None:
    """Asking makes nothing."""
    told = tidegauge("report", *ARGUMENTS, "--data-dir", str(tmp_path / "none"), cwd=tmp_path)
    assert (told.code, "There is no database" in told.err) == (1, True)
    assert not (tmp_path / "none").exists()
