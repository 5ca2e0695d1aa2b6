"""How rows are merged into their tables."""

from tidegauge.sinks.rows import ALERTS, READINGS
from tidegauge.sinks.store import _newest, merge


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
