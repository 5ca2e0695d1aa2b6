"""The textbook is frozen, and right on a book small enough to work out by hand."""

import hashlib
from decimal import Decimal
from pathlib import Path

import benchmarks.textbook
from benchmarks.exact import exact_floats
from benchmarks.tape import depth_answer, depth_update
from benchmarks.textbook import Textbook

FROZEN = "502437782526f9292e7db75bf59cd30e6756dbcf12c9c51ac950d928f0f75018"
SNAPSHOT = depth_answer(5, [["99.00", "10000.000"]], [["101.00", "4000.000"]])


def test_the_textbook_is_what_it_was() -> None:
    """Were it faster or slower, ratios of different days would mean different things."""
    text = Path(benchmarks.textbook.__file__).read_bytes()
    assert hashlib.sha256(text).hexdigest() == FROZEN


def test_its_measures_are_those_worked_out_by_hand() -> None:
    """A sale of 100,000 at 99 where the mid is 100 costs one per cent."""
    textbook = Textbook(SNAPSHOT)
    row = textbook.measure()
    assert (row["bid"], row["ask"], row["mid"]) == (99, 101, 100)
    assert row["spread_bps"] == 200
    assert (row["bid_depth_50"], row["bid_depth_100"]) == (0, Decimal(990_000))
    assert (row["sell_100000"], row["buy_100000"]) == (100, 100)
    assert (row["sell_1000000"], row["buy_500000"]) == (None, None)
    assert exact_floats(textbook)["imbalance"] == row["imbalance"] == 6000 / 14000
    assert textbook.line(row).count("\t") == len(row) - 1
    assert "\\N" in textbook.line(row)


def test_a_change_sets_a_size_and_zero_removes_it() -> None:
    """And what is older than the book changes nothing."""
    textbook = Textbook(SNAPSHOT)
    frame = depth_update("BTCUSDT", 1, (4, 9, 5), [["99.50", "1.000"], ["99.00", "0.000"]], [])
    assert textbook.apply(frame)
    assert dict(textbook.bids) == {Decimal("99.5"): 1}
    assert textbook.touch() == (Decimal("99.5"), Decimal(101))
    assert not textbook.apply(depth_update("BTCUSDT", 1, (2, 4, 1), [["99.60", "1.000"]], []))
