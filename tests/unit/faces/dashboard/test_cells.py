"""Text is escaped, and as wide as it should be."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tidegauge.faces.dashboard.cells import (
    TICKS,
    bar,
    bps,
    cell,
    decimals_of,
    padded,
    price,
    seconds,
    signed,
    spark,
    text_of,
    titled,
    width_of,
    z_score,
)


@given(st.text(), st.integers(0, 40), st.booleans())
def test_padded_text_is_exactly_so_wide_and_steers_nothing(
    text: str, width: int, right: bool
) -> None:
    """Whatever the text: wide characters, controls, nothing at all."""
    shown, _ = padded(text, width, right=right)
    assert cell_len(shown) == width
    assert shown.isprintable()


@given(st.text())
def test_no_text_steers_the_terminal(text: str) -> None:
    """Controls, and marks that turn the direction of writing, are escaped."""
    assert cell(text)[0].isprintable()


def test_an_escape_sequence_is_shown_as_it_is() -> None:
    """Neither ANSI nor markup is understood."""
    assert cell("\x1b[31m[red]x")[0] == "\\x1b[31m[red]x"


def test_what_is_cut_says_so() -> None:
    """An ellipsis stands where text was cut."""
    assert padded("binance-futures", 8)[0] == "binance…"
    assert padded("42", 4, right=True)[0] == "  42"


@given(st.floats(0, 1), st.integers(1, 60))
def test_a_bar_is_as_wide_as_its_room(share: float, width: int) -> None:
    """The blocks are as many as the share says, and blanks fill the rest."""
    shown = bar(share, width)
    assert len(shown) == width
    assert abs(shown.count("█") - share * width) <= 1


def test_a_spark_shows_the_lowest_the_highest_and_what_is_not_known() -> None:
    """Values beyond the range are drawn at its ends."""
    assert (
        spark([0.0, None, 6.0, 99.0, -99.0], 0.0, 6.0)
        == f"{TICKS[0]}·{TICKS[-1]}{TICKS[-1]}{TICKS[0]}"
    )
    assert spark([1.0, 1.0], 1.0, 1.0) == TICKS[0] * 2


def test_prices_share_the_decimals_they_need() -> None:
    """So that the digits of a ladder stand below each other."""
    prices = [Decimal("100.50"), Decimal("99.125"), None, Decimal(0), Decimal("1E+3")]
    assert decimals_of(prices) == 3
    assert price(Decimal("1234.5"), 3) == "1,234.500"
    assert price(None, 3) == "-"


@pytest.mark.parametrize(
    ("value", "told"),
    [(None, "-"), (0.004, "4ms"), (1.5, "1.5s"), (42.4, "42s"), (150.0, "2m"), (5400.0, "1.5h")],
)
def test_spans_are_short(value: float | None, told: str) -> None:
    """Milliseconds, seconds, minutes, hours."""
    assert seconds(value) == told


def test_an_unusual_z_is_marked_by_more_than_its_colour() -> None:
    """An exclamation mark from 3, two from 6; less harm than usual has none."""
    assert z_score(2.94) == ("+2.9", "")
    assert z_score(3.0) == ("+3.0!", "warn")
    assert z_score(7.0) == ("+7.0!!", "bad")
    assert z_score(-9.0) == ("-9.0", "")
    assert z_score(None)[0] == "-"


def test_numbers_fit_their_columns() -> None:
    """Six columns, at the edges of rounding too."""
    for value in (0.0, -0.004, 99.999, -123.4, 99_999.0):
        assert len(bps(value)) <= 6
        assert len(signed(value)) <= 6
    assert bps(None) == signed(None) == "-"


def test_a_title_fills_its_line_and_is_cut_where_it_must_be() -> None:
    """The rule ends with the panel."""
    lines = titled((cell("binance", "strong"),), [(cell("x"),)], 20)
    assert text_of(lines) == "─ binance ──────────\nx"
    assert width_of(titled((cell("binance" * 9),), [], 20)[0]) == 20
