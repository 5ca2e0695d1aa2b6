"""`tidegauge sql` and `tidegauge export`, as an operator runs them."""

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.support.cli import Told, tidegauge
from tests.support.crunch_at_noon import HOSTILE

from tidegauge.sinks.connect import Database

Run = Callable[..., Told]
SPAN = ("--symbol", "BTCUSDT", "--from", "2026-01-01T12:00", "--to", "2026-01-01T12:10")


@pytest.fixture
def run(noon: Database, tmp_path: Path) -> Run:
    """Run a command against the database of the story."""
    env = {
        "TIDEGAUGE_DATABASE_URL": noon.url,
        "TIDEGAUGE_DATABASE_PASSWORD": noon.password or "",
    }

    def run(*arguments: str) -> Told:
        return tidegauge(*arguments, cwd=tmp_path, env=env)

    return run


# -- sql -----------------------------------------------------------------------------------------


def test_questions_are_listed_without_a_database(tmp_path: Path) -> None:
    """Name, question, parameters and their defaults; and one can be read."""
    told = tidegauge("sql", cwd=tmp_path)
    assert (told.code, told.err) == (0, "")
    (line,) = [line for line in told.out.splitlines() if line.startswith("cost-to-sell ")]
    assert "What did selling cost" in line
    assert line.endswith("symbol, from, to, [venue], [size=500000], [back=24 hours]")
    listed = {
        each["name"]: each for each in json.loads(tidegauge("sql", "--json", cwd=tmp_path).out)
    }
    assert {"name": "size", "default": "500000"} in listed["cost-to-sell"]["parameters"]
    shown = tidegauge("sql", "cost-to-sell", "--show", cwd=tmp_path)
    assert shown.out.startswith("-- What did selling cost")
    assert "\\if :{?size} \\else \\set size 500000 \\endif\n" in shown.out
    assert not (tmp_path / ".local").exists()


def test_a_question_is_answered_as_table_csv_and_json(run: Run, tmp_path: Path) -> None:
    """The same rows: short, exact, and into a file."""
    table = run("sql", "cost-to-sell", *SPAN)
    assert (table.code, table.err) == (0, "")
    assert table.out.splitlines()[0].split() == [
        *("venue", "readings", "unfilled", "sell_bps", "sell_bps_max", "worst_at", "cost"),
        *("cost_max", "calm_hour", "calm_bps", "calm_cost", "times", "extra"),
    ]
    assert table.out.splitlines()[1].split()[:4] == ["binance", "600", "0", "3.655"]
    rows = list(
        csv.DictReader(io.StringIO(run("sql", "cost-to-sell", *SPAN, "--format", "csv").out))
    )
    assert rows[0]["cost"] == "182.75"
    path = tmp_path / "x.json"
    told = run("sql", "cost-to-sell", *SPAN, "--format", "json", "-o", str(path))
    assert told.out == f"{path}: 3 rows\n"
    assert [row["cost"] for row in json.loads(path.read_text())] == [row["cost"] for row in rows]
    assert run("sql", "cost-to-sell", *SPAN, "--json").out == path.read_text()
    again = run("sql", "cost-to-sell", *SPAN, "-o", str(path))
    assert (again.code, "--force" in again.err) == (1, True)


def test_other_parameters_are_given_by_name(run: Run) -> None:
    """And a symbol in small letters is the one that is known."""
    span = ("--symbol", "btcusdt", *SPAN[2:])
    told = run("sql", "worst_minutes", *span, "--venue", "okx", "--param", "most=2")
    assert told.code == 0
    assert [line.split()[2] for line in told.out.splitlines()[1:]] == ["okx", "okx"]


def test_a_size_that_is_not_measured_is_replaced_and_said(run: Run) -> None:
    """The nearest one that is; no answer would be no help."""
    told = run("sql", "cost-to-sell", *SPAN, "--param", "size=750000")
    assert told.code == 0
    assert told.err == "size 500000: 750000 is not measured (measured: 500000)\n"
    assert "182.75" in told.out


def test_a_span_without_rows_says_where_there_are_some(run: Run) -> None:
    """It is no error."""
    told = run("sql", "timeline", *SPAN[:2], "--from", "2026-01-02", "--to", "2026-01-03")
    assert (told.code, told.out) == (0, "")
    assert told.err == (
        "no rows for BTCUSDT from 2026-01-02 00:00:00Z to 2026-01-03 00:00:00Z; "
        "its readings go from 2026-01-01 10:00:00Z to 2026-01-01 12:09:59Z\n"
    )
    told = run("sql", "worst-minutes", *SPAN[:2], "--from", "2026-01-02", "--to", "2026-01-03")
    assert (told.code, told.out) == (0, "")
    assert "its minutes (readings rolled up) go from 2026-01-01 10:00:00Z to" in told.err
    empty = run("sql", "timeline", *SPAN[:2], "--from", "2026-01-02", "--format", "json")
    assert json.loads(empty.out) == []


def test_without_a_span_it_is_the_last_hour(run: Run) -> None:
    """Which is said."""
    told = run("sql", "timeline", "--symbol", "BTCUSDT")
    assert (told.code, told.err.splitlines()[0][:16]) == (0, "of the last hour")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cost-to-buy", *SPAN), "There is no question 'cost-to-buy'. Did you mean cost-to-sell?"),
        (("timeline",), "timeline needs symbol. Add --symbol"),
        (("timeline", *SPAN, "--param", "sise=1"), "timeline has no parameter 'sise'"),
        (("timeline", *SPAN, "--param", "size"), "--param 'size' is not name=value"),
        (
            ("timeline", *SPAN, "--param", "step=fast"),
            'invalid input syntax for type interval: "fast"',
        ),
        (("timeline", "--symbol", "X", "--from", "12:00", "--to", "11:00"), "is before --from"),
        (("timeline", "--symbol", "X", "--from", "noonish"), "--from 'noonish' is no time"),
        (
            ("timeline", "--symbol", "BTCUSD", *SPAN[2:]),
            "'BTCUSD' was never seen. Known are BTCUSDT",
        ),
        (("timeline", "--symbol", HOSTILE, *SPAN[2:]), "was never seen. Known are BTCUSDT"),
        (("timeline", *SPAN, "--venue", "binanse"), "there is no venue 'binanse'"),
        (("timeline", *SPAN, "--venue", "bybit"), "bybit is bybit-spot and bybit-linear"),
        (("venue-league", *SPAN, "--venue", "okx"), "venue-league has no parameter 'venue'"),
    ],
)
def test_what_cannot_be_answered_is_one_line(
    run: Run, arguments: tuple[str, ...], said: str
) -> None:
    """What was wrong and what to do; and a script is told by the exit code."""
    told = run("sql", *arguments)
    assert (told.code, told.out) == (1, "")
    (line,) = told.complaints
    assert said in line
    assert "Traceback" not in told.err


def test_asking_makes_no_database(tmp_path: Path) -> None:
    """Where nothing was ever stored there is nothing to ask."""
    told = tidegauge("sql", "timeline", *SPAN, "--data-dir", str(tmp_path / "d"), cwd=tmp_path)
    assert told.code == 1
    assert "There is no database in" in told.err
    assert not (tmp_path / "d" / "postgres").exists()


# -- export --------------------------------------------------------------------------------------


def test_rows_are_exported(run: Run, tmp_path: Path) -> None:
    """By the file's name, or by --format; a file is replaced only by --force."""
    path = tmp_path / "rows.parquet"
    told = run("export", "readings", *SPAN, "--venue", "bybit", "-o", str(path))
    assert told.code == 0, told.err
    assert told.out == f"{path}: 600 rows from 2026-01-01 12:00:00Z to 2026-01-01 12:10:00Z\n"
    assert pq.read_table(path).num_rows == 600
    again = run("export", "readings", *SPAN, "-o", str(path))
    assert (again.code, "--force" in again.err) == (1, True)
    told = run("export", "alerts", *SPAN[2:], "--format", "csv", "-o", str(path), "--force")
    assert "6 rows" in told.out
    assert path.read_text().startswith("started_at,ended_at,")
    assert [each.name for each in tmp_path.iterdir()] == ["rows.parquet"]


def test_an_export_of_nothing_says_where_there_is_something(run: Run, tmp_path: Path) -> None:
    """The file has its header all the same."""
    path = tmp_path / "x.csv"
    told = run(
        "export", "depth", *SPAN[:2], "--from", "2025-01-01", "--to", "2025-01-02", "-o", str(path)
    )
    assert told.code == 0
    assert "its readings go from 2026-01-01 10:00:00Z" in told.err
    assert len(path.read_text().splitlines()) == 1


def test_an_export_of_a_symbol_never_seen_leaves_no_file(run: Run, tmp_path: Path) -> None:
    """Whatever it is called."""
    told = run("export", "depth", "--symbol", HOSTILE, "-o", str(tmp_path / "x.csv"))
    assert (told.code, "never seen" in told.err) == (1, True)
    assert list(tmp_path.iterdir()) == []
