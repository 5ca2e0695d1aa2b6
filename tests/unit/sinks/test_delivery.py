"""What a failure of the database means."""

import asyncpg

from tidegauge.sinks.delivery import is_poison, shown


def test_only_what_speaks_of_a_row_is_poison() -> None:
    """A full disk, a lost table or a refused password is no row's fault."""
    assert is_poison(asyncpg.NumericValueOutOfRangeError("too large"))
    assert is_poison(asyncpg.CheckViolationError("no"))
    for error in (
        asyncpg.DiskFullError("full"),
        asyncpg.UndefinedTableError("gone"),
        asyncpg.InvalidPasswordError("no"),
        asyncpg.AdminShutdownError("bye"),
        asyncpg.ReadOnlySQLTransactionError("standby"),
        OSError("gone"),
    ):
        assert not is_poison(error)


def test_an_error_is_shown_in_one_short_line() -> None:
    """Whatever it said."""
    line = shown(ValueError("a\nb " + "x" * 1000))
    assert line.startswith("ValueError: a b")
    assert "\n" not in line
    assert len(line) <= 200
