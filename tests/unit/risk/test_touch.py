"""The touch of a book: exact prices and sizes, and the base of a contract that counts quote."""

from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tidegauge.core.book import OrderBook
from tidegauge.risk.touch import Touch, touch_of


def book(bid: str, ask: str, *, inverse: bool = False) -> OrderBook:
    """Return a book of one level a side, 3 and 5 of the venue's size."""
    made = OrderBook(price_scale=1, size_scale=0, contract_value=Decimal(100), inverse=inverse)
    made.apply_snapshot([(bid, "3")], [(ask, "5")])
    return made


def test_a_touch_says_what_its_book_does() -> None:
    """In base, the contract value counted in."""
    touch = touch_of(book("60000.1", "60000.25"))
    assert touch is not None
    assert (touch.best_bid, touch.best_ask) == (Decimal("60000.1"), Decimal("60000.25"))
    assert (touch.bid_size, touch.ask_size) == (Decimal(300), Decimal(500))


def test_the_base_of_an_inverse_contract_is_its_quote_by_its_price() -> None:
    """300 USD at 60,000."""
    touch = touch_of(book("60000", "60001", inverse=True))
    assert touch is not None
    assert touch.bid_size == Decimal("0.005")
    assert touch.ask_size == Decimal("0.008333194447")


def test_a_book_that_cannot_be_quoted_has_no_touch() -> None:
    """Crossed, locked, empty or one-sided."""
    assert touch_of(book("60001", "60000")) is None
    assert touch_of(book("60000", "60000")) is None
    assert touch_of(OrderBook()) is None
    one_sided = book("60000", "60001")
    one_sided.apply_delta([], [("60001", "0")])
    assert touch_of(one_sided) is None


@given(st.integers(1, 10**12), st.integers(0, 8), st.integers(0, 10**12), st.integers(0, 12))
def test_nothing_is_rounded(ticks: int, price_scale: int, lots: int, size_scale: int) -> None:
    """Ticks and lots are exactly what they stand for."""
    touch = Touch(ticks, ticks + 1, lots, lots, price_scale, size_scale)
    assert touch.best_bid * 10**price_scale == ticks
    assert touch.bid_size * 10**size_scale == lots
