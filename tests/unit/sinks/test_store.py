"""How rows are merged into their tables."""

from datetime import date

import asyncpg
from tests.support.database import NOON, a_feed_event, a_market_summary, a_reading

from tidegauge.core.instrument import HOUR
from tidegauge.sinks.encode import ReadingEncoder
from tidegauge.sinks.rows import ALERTS, FEED_EVENTS, READINGS, rows_of
from tidegauge.sinks.store import Batch, _newest, days_of, lacks_partition, merge


def test_a_row_that_is_there_stays() -> None:
    """Readings are never changed."""
    key = "series, at, recv_ns, epoch, frame"
    assert merge(READINGS).endswith(f"ORDER BY {key} ON CONFLICT ({key}) DO NOTHING")


def test_a_newer_row_replaces_an_older_one() -> None:
    """Alerts stand as last updated; the key itself is not set."""
    statement = merge(ALERTS)
    assert statement.endswith("WHERE old.updated_ns <= EXCLUDED.updated_ns")
    assert "SET id =" not in statement


def test_of_one_key_the_newest_row_is_kept_and_of_equals_the_last() -> None:
    """An upsert may not touch a row twice."""
    width = len(ALERTS.columns)

    def row(name: str, word: str, updated: int) -> tuple[object, ...]:
        return (name, word, *[None] * (width - 3), updated)

    rows = [row("a", "old", 1), row("b", "only", 1), row("a", "new", 3), row("a", "late", 2)]
    assert [each[1] for each in _newest(ALERTS, rows)] == ["new", "only"]
    rows = [row("a", "first", 1), row("a", "last", 1)]
    assert [each[1] for each in _newest(ALERTS, rows)] == ["last"]


def test_rows_the_database_counts_go_in_as_they_came() -> None:
    """Of two events at one nanosecond the later has the greater number."""
    assert merge(FEED_EVENTS).endswith("ORDER BY number ON CONFLICT (id) DO NOTHING")


def test_the_days_of_a_batch_are_those_of_its_readings_and_summaries() -> None:
    """In UTC; other records go into no partition."""
    encoder = ReadingEncoder("run-1")
    readings = [
        encoder.encode(a_reading(received_at=NOON + hours * HOUR - 1))[1] for hours in (12, 36)
    ]
    told = [*rows_of(a_market_summary(), "run-1"), *rows_of(a_feed_event(), "run-1")]
    days = {date(2026, 1, 1), date(2026, 1, 2)}
    assert days_of(Batch(readings=readings)) == days
    assert days_of(Batch(rows=told)) == {date(2026, 1, 1)}
    assert days_of(Batch(rows=rows_of(a_feed_event(), "run-1"))) == set()


def test_only_a_day_that_is_missing_is_made() -> None:
    """A row that breaks a constraint of ours, or of theirs, is refused as ever."""

    def refusal(table: str | None, constraint: str | None) -> asyncpg.CheckViolationError:
        error = asyncpg.CheckViolationError("no")
        error.table_name, error.constraint_name = table, constraint
        return error

    assert lacks_partition(refusal("readings", None))
    assert lacks_partition(refusal("market", None))
    assert not lacks_partition(refusal("readings", "readings_check"))
    assert not lacks_partition(refusal("alerts", None))
