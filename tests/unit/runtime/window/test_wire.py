"""What is said over a window's socket is read as it was said, to the last digit."""

from datetime import UTC, datetime
from decimal import Decimal
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.pictures import a_book
from tests.support.stressed import books

from tidegauge.core.book import OrderBook
from tidegauge.risk.rests import resting
from tidegauge.runtime.window.wire import (
    Books,
    Bye,
    Hello,
    Ladder,
    LadderWanted,
    Want,
    line_of,
    said_of,
    want_of,
)


@given(books(), st.integers(0, 30))
def test_a_ladder_is_read_as_it_was_cut(book: OrderBook, levels: int) -> None:
    """However large its integers are."""
    ladder = Ladder(
        venue="binance",
        symbol="BTCUSDT",
        at=datetime(2026, 1, 1, tzinfo=UTC),
        age_s=None,
        trust="live",
        reason="synchronised",
        quote="USDT",
        resting=resting(book, levels=levels, quote=Fraction(10**12), most=100),
    )
    assert said_of(line_of(ladder)) == ladder


def test_a_book_is_read_as_it_was_shown() -> None:
    """With all that is in it."""
    said = Books(books=(a_book("binance", "BTCUSDT"),))
    assert said_of(line_of(said)) == said


@given(st.decimals("0", "1e18", places=8))
def test_what_is_wanted_is_read_exactly(quote: Decimal) -> None:
    """To the last decimal."""
    want = Want(ladders=(LadderWanted(venue="v", symbol="S", levels=3, quote=quote),))
    assert want_of(line_of(want)) == want


@pytest.mark.parametrize("said", [Bye(), Hello(protocol=1, version="v", daemon="1", run="r")])
def test_a_line_is_one_line(said: Bye | Hello) -> None:
    """So that a reader finds its end."""
    assert line_of(said).count(b"\n") == 1
    assert said_of(line_of(said)) == said


@pytest.mark.parametrize(
    "line", [b"", b"[]", b'{"type":"other"}', b'{"type":"want","ladders":[{"venue":1}]}', b"\xff"]
)
def test_what_is_no_line_of_ours_is_refused(line: bytes) -> None:
    """By an error that its reader expects."""
    for read in (said_of, want_of):
        with pytest.raises((msgspec.MsgspecError, UnicodeError)):
            read(line)


@pytest.mark.parametrize("quote", ["NaN", "-Infinity", "Infinity", "1E+30000000", "1E-30000000"])
def test_an_amount_that_would_hold_a_daemon_up_is_refused(quote: str) -> None:
    """As a number of thirty million digits would, for minutes."""
    line = b'{"type":"want","ladders":[{"venue":"v","symbol":"S","quote":"%s"}]}' % quote.encode()
    with pytest.raises(ValueError, match="no amount"):
        want_of(line)
