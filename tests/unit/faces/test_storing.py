"""What the last line of the live view says of storing."""

from dataclasses import replace

from tidegauge.core.instrument import SECOND
from tidegauge.faces.storing import in_order, stored_line
from tidegauge.runtime.view import StorageView

WELL = StorageView(database="PostgreSQL", rows=1_234, waiting=5)


def test_a_database_that_is_there_is_told_in_few_words() -> None:
    """Where the rows are, and how many are still to come."""
    assert stored_line(WELL) == "1,234 rows in PostgreSQL (5 waiting)"
    assert in_order(WELL)
    assert stored_line(None) == "nothing is stored (dry run)"


def test_an_outage_says_what_is_safe_and_for_how_long_it_lasts() -> None:
    """Nobody need be afraid for the rows; the disk is what to watch."""
    away = replace(
        WELL,
        away=True,
        waiting=70_005,
        on_disk=70_000,
        spool_bytes=64 * 2**20,
        waited=95 * SECOND,
        thinned="no reading is kept until there is room",
        dropped=12,
    )
    line = stored_line(away)
    assert "70,005 waiting, 70,000 of them safe on disk in 64 MiB" in line
    assert "THE DATABASE IS AWAY" in line
    assert "no reading is kept until there is room" in line
    assert "12 dropped" in line
    assert not in_order(away)


def test_catching_up_says_how_fast() -> None:
    """The database is back, and what waited goes in."""
    assert "20,000 a second go in" in stored_line(
        replace(WELL, waited=60 * SECOND, drain_rate=20_000.0)
    )


def test_a_disk_that_takes_nothing_and_rows_refused_are_told() -> None:
    """Each with its reason, as far as there is one."""
    ill = replace(WELL, spool_broken="OSError: No space left on device", refused=3)
    assert "THE DISK TAKES NOTHING: OSError: No space left on device" in stored_line(ill)
    assert "3 refused" in stored_line(ill)
    assert not in_order(ill)
