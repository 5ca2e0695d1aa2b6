"""One side of a book: order, spellings, and what it forgets."""

from decimal import Decimal

from tidegauge.core.side import BookSide, Level, Side


def level(price: str, ticks: int) -> Level:
    made = Level(price)
    made.ticks, made.lots = ticks, 0
    return made


def filled(side: Side) -> BookSide:
    book_side = BookSide(side)
    book_side.set_all([(level("1.00", 100), 5), (level("1.02", 102), 7), (level("1.01", 101), 6)])
    return book_side


def test_bids_are_walked_down_and_asks_up() -> None:
    """The best level comes first, whichever order they came in."""
    assert [each.ticks for each in filled(Side.BID)] == [102, 101, 100]
    assert [each.ticks for each in filled(Side.ASK)] == [100, 101, 102]


def test_best_and_worst_are_the_ends() -> None:
    """Of an empty side there is neither."""
    bids = filled(Side.BID)
    assert (str(bids.best()), str(bids.worst())) == ("1.02", "1.00")
    assert (BookSide(Side.ASK).best(), BookSide(Side.ASK).worst()) == (None, None)


def test_zero_takes_a_level_out_and_taking_out_what_is_not_there_is_normal() -> None:
    """A delete may speak of a level that was never told."""
    asks = filled(Side.ASK)
    gone = next(iter(asks))
    asks.set_all([(gone, 0), (gone, 0), (level("9", 900), 0)])
    assert [each.ticks for each in asks] == [101, 102]


def test_a_level_is_its_price() -> None:
    """A level compares and hashes as the `Decimal` it is, so that text and levels find each other."""
    made = level("1.50", 150)
    assert made == Decimal("1.5")
    assert {Decimal("1.5"): made}[made] is made


def test_emptying_a_side_keeps_its_spellings() -> None:
    """A snapshot takes every level out; the prices will be told again."""
    bids = filled(Side.BID)
    bids.by_text["1.00"] = next(iter(bids))
    bids.empty()
    assert len(bids) == 0
    assert bids.by_text
    assert all(not known.lots for known in bids.by_text.values())
