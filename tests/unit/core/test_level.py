"""Levels, and the spellings that lead to them."""

from decimal import Decimal

import pytest

from tidegauge.core.errors import MalformedFrame
from tidegauge.core.level import FinerScale, Side
from tidegauge.core.side import BookSide


def test_a_level_is_its_price() -> None:
    """A level compares and hashes as the `Decimal` it is, so that text and levels find each other."""
    made = BookSide(Side.BID, scale=2).by_text["1.50"]
    assert made == Decimal("1.5")
    assert {Decimal("1.5"): made}[made] is made


def test_text_is_parsed_once_and_one_price_is_one_level() -> None:
    """However it is spelt."""
    bids = BookSide(Side.BID, scale=2)
    bids.set_all([(bids.by_text["1.02"], 7)])
    first = bids.by_text["1.020"]
    assert first is bids.by_text["1.02"]
    assert (first.ticks, first.lots) == (102, 7)


def test_a_price_that_is_finer_than_the_scale_is_said_to_be() -> None:
    """The book then refines, and asks again."""
    with pytest.raises(FinerScale):
        BookSide(Side.BID, scale=2).by_text["1.001"]


@pytest.mark.parametrize("text", ["0", "0.00", "-1", "NaN", "", "1e400", "1_0", "\u0661"])
def test_what_is_no_price_is_refused_and_not_remembered(text: str) -> None:
    """A frame with such a text changes nothing, not even what is known of spellings."""
    bids = BookSide(Side.BID, scale=2)
    with pytest.raises(MalformedFrame):
        bids.by_text[text]
    assert not bids.by_text
    assert not bids.members
